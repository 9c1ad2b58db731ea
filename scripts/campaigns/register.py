"""The register of campaigns: who was contacted or held out when, by which plan, with which result.

Opens warehouse/campaigns/campaigns.duckdb, for its owner alone (mode 0600), and makes it where there is none, whole
or not at all; puts lists of campaigns in their place or removes them; reads the published file.
"""

import datetime as dt
import errno
import fcntl
import hmac
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.files import is_damage, refuse_link, remove, whole_file
from scripts.base.paths import CAMPAIGNS, PARTIAL, SEEDS, STAGING
from scripts.base.quoting import sql_text
from scripts.base.seeds import languages
from scripts.base.seeds import words_of as words_in
from scripts.intake.mapping import load_mapping
from scripts.intake.pseudonyms import KNOWN, in_clear_sql, looking_like_one, pseudonyms_in_use
from scripts.intake.source_files import load_contract
from scripts.published.pseudonymised import show_in_clear
from scripts.published.reading import mapping_in_use, published_file
from scripts.published.version import version_in_use

REGISTER = "campaigns.duckdb"
# Who is not contacted, and who is where there is one offer; several arms have names of their own.
HOLDOUT, TREATMENT = "holdout", "treatment"
# In a campaign's folder.
RESULTS = "results.csv"
# The time of a measurement as names of files hold it; DuckDB's strftime knows the same words.
MEASURED_AT = "%Y%m%dT%H%M%S%f"
# Columns of targets.csv, all of campaign_targets but the channel.
LISTED = ("customer_id", "segment_id", "segment_name", "value_band", "arm", "value_base")
TABLES = """
create table if not exists secret (value blob not null);
create table if not exists campaigns (
    name varchar primary key, created_at timestamp not null, model_id varchar not null, segments varchar not null,
    parameters json not null, customers bigint, eligible bigint, treated bigint, held_out bigint,
    smallest_uplift double, power_at_expected double, customers_needed bigint, warning varchar
);
create table if not exists campaign_exclusions (name varchar, reason varchar, words varchar, customers bigint);
create table if not exists campaign_targets (
    name varchar, customer_id varchar, segment_id integer, segment_name varchar, value_band varchar, arm varchar,
    value_base double, primary key (name, customer_id)
);
create table if not exists campaign_results (
    name varchar, measured_at timestamp, segment_id integer, segment_name varchar, treated bigint,
    treated_responded bigint, held_out bigint, held_out_responded bigint, uplift double, uplift_low double,
    uplift_high double, p_value double, p_value_corrected double, uplift_low_simultaneous double,
    uplift_high_simultaneous double, value_per_customer double, value_low double, value_high double, cost double,
    cost_per_additional_response double, net_value double, verdict varchar, words varchar
);
alter table campaigns add column if not exists cancelled_at timestamp;
alter table campaign_targets add column if not exists channel varchar;
alter table campaign_results add column if not exists net_value_low double;
alter table campaign_results add column if not exists net_value_high double;
alter table campaign_results add column if not exists arm varchar;
alter table campaign_results add column if not exists compared_with varchar;
"""


class RegisterInUse(UserError):
    """Another process has the register open."""


class Words(dict[str, str]):
    """Words of the published language, by key."""

    def say(self, key: str, **values: object) -> str:
        """A word or sentence of campaigns, with values in the places of {their names}."""
        return self[f"campaign.{key}"].format(**values)


def check_name(name: str) -> str:
    """Return a campaign's name that can be a folder's; raises UserError for another."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise UserError(
            f"NAME={shown(name)}: expected letters, digits, _ or -, up to 64, beginning with a letter or digit, as in"
            " NAME=spring_2026."
        )
    return name


def id_columns(warehouse: Path) -> tuple[str, ...]:
    """What the bank's mapping calls the column of ids in lists; none where it has none, or the mapping is gone."""
    path = mapping_in_use(warehouse)
    return load_mapping(path, load_contract(STAGING)).id_columns if path and path.is_file() else ()


def arms_of(parameters: dict[str, Any]) -> tuple[str, ...]:
    """The arms of a campaign by its parameters in the register; of before there were arms these name none."""
    return tuple(parameters.get("arms", [TREATMENT]))


def register_of(warehouse: Path) -> Path:
    """Where a warehouse's register is, if there is one; raises UserError where it is a link to another's."""
    path = warehouse / CAMPAIGNS / REGISTER
    for each in (path.parent, path):
        refuse_link(each, "the register of campaigns")
    return path


@contextmanager
def open_register(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the register with the published file attached, read-only, as `published`.

    What is done inside is one transaction: it stands when the block ends well and is undone when it does not.
    Lists and results that are begun (partial_lists, partial_results) take their place with it or go with it; so do
    those of a killed process.
    Raises UserError where another process has the register open, or it cannot be read or written.
    """
    published = published_file(warehouse)
    path = register_of(warehouse)
    folder = path.parent
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        _make_where_none_is(path)
        with opened(path) as connection:
            # What DuckDB set down of a large query when it was killed.
            shutil.rmtree(f"{path}.tmp", ignore_errors=True)
            os.chmod(path, 0o600)
            connection.execute(TABLES)
            settle_files(connection, folder)
            _attach(connection, warehouse, published.resolve())
            connection.execute("begin")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                _undo(connection, folder)
                raise
            settle_files(connection, folder)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); check the folder's permissions and space."
        ) from None
    except duckdb.Error as error:
        if is_damage(error):
            raise
        # Without the kind of the error, which comes first.
        reason = str(error).splitlines()[0].partition(": ")[2].rstrip(".")
        raise UserError(
            f"{path}: cannot be written ({reason}); it stays as it was. Check the folder's permissions and space."
        ) from None


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path, published: Path) -> None:
    """Attach the published file as `published`, with the customers' own ids: register and lists have these."""
    pseudonyms = pseudonyms_in_use(warehouse, published.parent)
    name = "published_as_is" if pseudonyms else "published"
    connection.execute(f"attach {sql_text(str(published))} as {name} (read_only)")
    if pseudonyms:
        if not pseudonyms.table.exists():
            raise UserError(
                f"{pseudonyms.table}: who is who is missing, so that nobody can be written to; restore it, or run make build"
                " REBUILD=yes, which makes it again of the input."
            )
        show_in_clear(connection, pseudonyms, name, "published")


def in_clear(warehouse: Path, ids: list[str], name: str) -> list[str]:
    """Ids of a list as the bank has them, where the list has pseudonyms of what is published.

    name: what the list was given by. Raises UserError for a pseudonym of which nobody knows whose it is.
    """
    pseudonyms = pseudonyms_in_use(warehouse, version_in_use(warehouse))
    return pseudonyms.in_clear(ids, name) if pseudonyms else ids


def refuse_pseudonyms(connection: duckdb.DuckDBPyConnection, warehouse: Path, table: str) -> None:
    """Raise UserError where nobody knows who some customers of a table are: a list with pseudonyms reaches nobody."""
    pseudonyms = pseudonyms_in_use(warehouse, version_in_use(warehouse))
    if pseudonyms is None:
        return
    count, first = looking_like_one(connection, table)
    if count:
        raise UserError(
            f"{pseudonyms.table}: does not say who {first} is ({count:,} customers in all), so that they cannot be written"
            " to; restore it, or run make build REBUILD=yes, which makes it again of the input."
        )


def bring_in_clear(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Translate the pseudonyms in a temporary table of the open register, in its column customer_id."""
    known = connection.execute(
        "select 1 from duckdb_tables() where database_name = 'published' and schema_name = 'state'"
    ).fetchall()
    if known:
        connection.execute(
            f"create or replace temp table {table} as {in_clear_sql(f'from {table}', f'published.{KNOWN}')}"
        )


def partial_lists(folder: Path, name: str) -> Path:
    """Where a campaign's lists are written until the register, in `folder`, knows it."""
    return folder / f"{PARTIAL}{name}"


def partial_results(folder: Path, name: str, measured_at: dt.datetime) -> Path:
    """Where a campaign's results are written until the register, in `folder`, knows that they were measured then."""
    return folder / f"{PARTIAL}{name}.{measured_at:{MEASURED_AT}}.csv"


def settle_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Put what is begun in its place where the register knows of it; remove the rest."""
    for path in list(folder.glob(f"{PARTIAL}*")):
        name, _, rest = path.name.removeprefix(PARTIAL).partition(".")
        if path.is_file():
            # What begins so may be the register itself, which another process makes.
            if measured_at := re.fullmatch(r"([0-9T]+)\.csv", rest):
                known = f"select 1 from campaign_results where name = ? and strftime(measured_at, '{MEASURED_AT}') = ?"
                if connection.execute(known, [name, measured_at[1]]).fetchall():
                    (folder / name).mkdir(exist_ok=True, mode=0o700)
                    path.replace(folder / name / RESULTS)
                else:
                    path.unlink()
        elif connection.execute("select 1 from campaigns where name = ?", [name]).fetchall():
            # A folder of this name of which the register did not know.
            shutil.rmtree(folder / name, ignore_errors=True)
            path.rename(folder / name)
        else:
            shutil.rmtree(path)
    cancelled = connection.execute("select name from campaigns where cancelled_at is not null").fetchall()
    for (name,) in cancelled:
        # Nobody mails by the lists of a campaign that does not take place.
        shutil.rmtree(folder / name, ignore_errors=True)


def _undo(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    # After a full disk DuckDB has undone it already, or takes no more commands.
    with suppress(duckdb.Error):
        connection.execute("rollback")
    for path in folder.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            remove(path)


def _make_where_none_is(path: Path) -> None:
    """Make the register whole, with its secret, where there is none or the empty file that a full disk left.

    Of two processes that come at once, one makes it.
    """
    if _is_there(path):
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if _is_there(path):
            return
        # DuckDB would read the log of a file that is gone into the new one.
        Path(f"{path}.wal").unlink(missing_ok=True)
        with whole_file(path) as partial:
            try:
                # DuckDB takes no empty file for a new database.
                partial.unlink()
                with duckdb.connect(str(partial)) as connection:
                    connection.execute(TABLES)
                    connection.execute("insert into secret values (?)", [secrets.token_bytes(32)])
                    connection.execute("checkpoint")
                partial.chmod(0o600)
            except duckdb.Error as error:
                raise OSError(errno.EIO, str(error).splitlines()[0].partition(": ")[2].rstrip(".!")) from None
            finally:
                Path(f"{partial}.wal").unlink(missing_ok=True)
    finally:
        os.close(folder)


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def opened(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the register, for this process alone; raises UserError where that cannot be done."""
    try:
        return duckdb.connect(str(path))
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].partition(": ")[2].rstrip(".!")
        if "lock" in reason:
            raise RegisterInUse(f"{path}: cannot be opened ({reason}); close what uses it.") from None
        raise UserError(
            f"{path}: cannot be opened ({reason}); check the folder's permissions and space, or restore the register from a"
            " backup: it alone says who was contacted."
        ) from None


def key_of(connection: duckdb.DuckDBPyConnection, purpose: str) -> str:
    """Return the hexadecimal key of one purpose (a campaign's name), from the register's secret.

    Who does not know the secret cannot tell beforehand which arm an id falls into.
    """
    secret: bytes = connection.execute("select value from secret").fetchall()[0][0]
    return hmac.new(secret, purpose.encode(), "sha256").hexdigest()


def words_of(connection: duckdb.DuckDBPyConnection) -> Words:
    """Return the words of the published file's language, by key; what an earlier release did not publish, from the seeds."""
    published = dict(connection.execute("select key, text from published.marts.words").fetchall())
    language = published.get("language.code", "en")
    return Words(words_in(SEEDS, language if language in languages(SEEDS) else "en") | published)
