"""The register of campaigns: who was contacted or held out when, by which plan, with which result.

Opens warehouse/campaigns/campaigns.duckdb, for its owner alone (mode 0600), and makes its tables; reads the
published file.
"""

import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.paths import CAMPAIGNS, STAGING
from scripts.base.quoting import sql_text
from scripts.intake.mapping import load_mapping
from scripts.intake.source_files import load_contract
from scripts.published.reading import mapping_in_use, published_file

REGISTER = "campaigns.duckdb"
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
"""


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


@contextmanager
def open_register(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the register with the published file attached, read-only, as `published`.

    What is done inside is one transaction: it stands when the block ends well and is undone when it does not.
    Raises UserError where another process has the register open or it cannot be written.
    """
    published = published_file(warehouse)
    folder = warehouse / CAMPAIGNS
    path = folder / REGISTER
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        with duckdb.connect(str(path)) as connection:
            os.chmod(path, 0o600)
            connection.execute(TABLES)
            if not connection.execute("select count(*) from secret").fetchall()[0][0]:
                connection.execute("insert into secret values (?)", [secrets.token_bytes(32)])
            connection.execute(f"attach {sql_text(str(published.resolve()))} as published (read_only)")
            connection.execute("begin")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                connection.execute("rollback")
                raise
    except duckdb.IOException as error:
        raise UserError(
            f"{path}: cannot be opened ({str(error).splitlines()[0]}); close what uses it."
        ) from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); check the folder's permissions."
        ) from None


def key_of(connection: duckdb.DuckDBPyConnection, purpose: str) -> str:
    """Return the hexadecimal key of one purpose (a campaign's name), from the register's secret.

    Who does not know the secret cannot tell beforehand which arm an id falls into.
    """
    secret: bytes = connection.execute("select value from secret").fetchall()[0][0]
    return hmac.new(secret, purpose.encode(), "sha256").hexdigest()


def words_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the words of the published file's language, by key."""
    return dict(connection.execute("select key, text from published.marts.words").fetchall())
