"""`make forget`: customers out of everything below the warehouse, and the proof. And out of the past, who objects.

Writes versions anew without them (published/taking_out.py), their report and workbook from that; the register of campaigns and
its lists; the registers of objections and of who was forgotten. Removes what only a build needs where it may hold them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.files import partial_of, remove, sync
from scripts.base.interrupts import uninterrupted
from scripts.base.lock import build_lock
from scripts.base.parameters import COMMANDS, machine_limits
from scripts.base.paths import (
    ACCOUNTS,
    CUSTOMERS,
    DBT_TARGET,
    LINK,
    LOGS,
    PARQUET,
    REPORT,
    REPORT_PDF,
    ROWS,
    SLIDES,
    WORK,
    WORKBOOK,
    given_path,
)
from scripts.base.quoting import sql_name, sql_text
from scripts.base.rights import group_that_reads, share
from scripts.base.sentences import listed, shown
from scripts.campaigns.register import id_columns
from scripts.campaigns.taking_out import customers_in_campaigns, take_out_of_campaigns
from scripts.intake.customer_ids import MOST_NAMED, match_ids, spell_id
from scripts.intake.forgotten import known_as_forgotten, remember
from scripts.intake.id_lists import CONTROL_CHARACTERS, LONGEST_ID, read_ids
from scripts.intake.objections import objectors, strike_out
from scripts.intake.pseudonyms import Pseudonyms, pseudonyms_kept
from scripts.job.work_file import empty_work
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.outputs.report.page import write_report
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.reading import OfEarlierRelease, latest_run
from scripts.published.taking_out import (
    CUSTOMER,
    REJECTED,
    SHORTEST_IN_TEXT,
    TAKEN,
    Leavers,
    accounts_in_refusals,
    hold_ready,
    holding_tables,
    tables_of,
    write_anew,
)
from scripts.published.traces import has_word, look_for
from scripts.published.version import link_names, remove_leftovers, version_in_use, versions_of

OUTSIDE = (
    "backups, copies, PostgreSQL, Metabase, lists of campaigns that were sent out, and the shell's history"
)


def forget(warehouse: Path, customer: str, customers: str, unmatched: str, console: Console) -> None:
    """Take customers out of everything below the warehouse, and print what was done and what is outside of its reach.

    Args:
        warehouse: its folder.
        customer: an id, or empty.
        customers: path of a list of ids, or empty; one of the two is given.
        unmatched: `accept` where nobody of the list need be known.
        console: where to say so.

    Raises UserError where nobody is meant or known, something cannot be written, or an id is found afterwards; LockHeldError
    where a build is running. What is cut short is ended by running it again.
    """
    if not warehouse.is_dir():
        raise UserError(f"{warehouse}: there is no warehouse, so that nobody stands in it.")
    if bool(customer) == bool(customers):
        raise UserError("CUSTOMER or CUSTOMERS: give one of them, as in make forget CUSTOMER=4711.")
    with build_lock(warehouse):
        for remark in _remove_leavings(warehouse):
            console.note(remark)
        pseudonyms = pseudonyms_kept(warehouse, versions_of(warehouse))
        ids = _asked_for(warehouse, customer, customers)
        name = f"CUSTOMERS={customers}" if customers else f"CUSTOMER={customer}"
        ids = pseudonyms.in_clear(ids, name) if pseudonyms else ids
        with console.stage("Look who they are"):
            leavers = _look_up(warehouse, name, ids, unmatched, pseudonyms, console)
        # First of all: from here on no build takes them in, whatever happens.
        remember(warehouse, ids)
        strike_out(warehouse, ids)
        for remark in take_out_of_versions(warehouse, leavers, console):
            console.note(remark)
        with console.stage("Take them out of campaigns") as stage:
            stage.rows = take_out_of_campaigns(warehouse, ids)
        _remove_working_files(warehouse, leavers)
        if pseudonyms:
            pseudonyms.forget(ids)
        if note := ask_for_resync(warehouse, warehouse / LINK):
            console.note(note)
        with console.stage("Look through every file") as stage:
            traces = look_for(warehouse, leavers)
            stage.rows = traces.files
    source = _source(warehouse)
    if traces.found:
        raise UserError(
            f"{traces.files:,} files looked through, and an id still stands in {_named(traces.found, warehouse)}: no command of this"
            " project wrote it there, or it is a number that looks like it; remove the file, and run this again."
        )
    if traces.unread:
        raise UserError(
            f"{traces.files:,} files looked through, but not {listed(traces.unread, 400)}; make them readable, or remove them, and"
            " run this again."
        )
    short = [each for each in leavers.ids if len(each) < SHORTEST_IN_TEXT]
    only = " (ids of fewer than 6 signs only where ids stand: any number may be one)" if short else ""
    console.print(
        f"looked through {traces.files:,} files below {warehouse} and found nothing{only}; outside of its reach: the source"
        f" ({source}), {OUTSIDE}"
    )


def who_objects(warehouse: Path, ids: Sequence[str]) -> Leavers:
    """Those who object, for taking them out of versions: by their own ids, and by their pseudonyms where a version has some.

    Raises UserError where the key of these cannot be read.
    """
    pseudonyms = pseudonyms_kept(warehouse, versions_of(warehouse)) if ids else None
    return Leavers((*ids, *(pseudonyms.of(ids) if pseudonyms else ())))


def take_out_of_versions(
    warehouse: Path, leavers: Leavers, console: Console, *, but: Path | None = None
) -> list[str]:
    """Write those versions anew that hold something of them; returns what there is to say, in sentences.

    but: a version to leave alone. Raises UserError where a file cannot be written; each version stays readable, and running
    it again does what is left.
    """
    remarks: list[str] = []
    for version in versions_of(warehouse) if leavers.customers else ():
        if version != but and not _is_free_of(version, leavers):
            with console.stage(f"Write version {version.name[:6]} anew"):
                remarks.extend(_take_out(warehouse, version, leavers))
    with uninterrupted():
        link_names(warehouse)
    return remarks


def _take_out(warehouse: Path, version: Path, leavers: Leavers) -> list[str]:
    try:
        with _new_folder(version) as folder:
            unknown = _write_version(version, folder, leavers)
            _replace(version, folder)
    except (OfEarlierRelease, duckdb.CatalogException, duckdb.BinderException, NotADirectoryError) as error:
        if version == (version_in_use(warehouse) or (warehouse / LINK).resolve()):
            raise UserError(
                f"{version}: an earlier release published it, so that it cannot be written anew, and it is in use; run make"
                " build, and then this again."
            ) from None
        _remove_version(version)
        reason = str(error).splitlines()[0].rstrip(".")
        return [
            f"{version.name} is removed: an earlier release published it, and it cannot be written anew ({reason})"
        ]
    if unknown:
        return [
            f"{version.name}: an earlier release did not write down whose accounts refused rows are of; {unknown:,} of them keep"
            " reason and money alone"
        ]
    return []


def _is_free_of(version: Path, leavers: Leavers) -> bool:
    """Whether nothing of them is in the files of a version that are the last to be replaced."""
    file = version / LINK if version.is_dir() else version
    with duckdb.connect() as connection:
        hold_ready(connection, leavers)
        connection.execute(f"attach {sql_text(str(file))} as looked (read_only)")
        if next(holding_tables(connection, "looked", leavers), None) is not None:
            return False
        accounts = f"read_parquet({sql_text(str(version / ACCOUNTS))})"
        return (
            not (leavers.forgotten and (version / ACCOUNTS).exists())
            or not connection.execute(
                f"select 1 from {accounts} where customer_id in (select id from {TAKEN}) limit 1"
            ).fetchall()
        )


def _write_version(version: Path, folder: Path, leavers: Leavers) -> int:
    """Write what is of a version into a new folder; raises OfEarlierRelease where an earlier release made it."""
    if not version.is_dir():
        raise NotADirectoryError("versions were files")
    machine = machine_limits()
    config: dict[str, str | int] = {
        "memory_limit": machine.memory,
        "threads": machine.threads,
        "temp_directory": str(folder / "spilled"),
    }
    unknown = write_anew(version, folder, leavers, config)
    if (version / REPORT).exists():
        write_report(folder / LINK, folder)
    if (version / WORKBOOK).exists():
        most = 0 if (version / CUSTOMERS).exists() else int(str(COMMANDS["workbook_customers"].range.most))  # type: ignore[union-attr]
        write_workbook(folder / LINK, folder, most_listed=most)
    return unknown


@contextmanager
def _new_folder(version: Path) -> Iterator[Path]:
    folder = partial_of(version)
    remove(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        remove(folder)


def _replace(version: Path, folder: Path) -> None:
    """Put each new file in the old one's place.

    The DuckDB file comes late, since by it is seen whether all is done, and what tells whose accounts refused rows are of last:
    without it those that are left would not be found again.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    group = group_that_reads(version)
    late = [folder / LINK, folder / ACCOUNTS]
    for path in [*sorted(set(files) - set(late)), *(each for each in late if each in files)]:
        path.chmod(0o400)
        share(path, group)
        sync(path)
        target = version / path.relative_to(folder)
        if path.name == LINK:
            # It would be replayed into the new file.
            Path(f"{target}.wal").unlink(missing_ok=True)
        path.replace(target)
    # It is printed when somebody asks for it, and tells of who was there before.
    for asked_for in (REPORT_PDF, SLIDES):
        (version / asked_for).unlink(missing_ok=True)
    for place in (version, version / PARQUET):
        sync(place)


def _remove_version(version: Path) -> None:
    going = partial_of(version)
    version.rename(going)
    remove(going)
    if version.suffix == ".duckdb":
        remove(version.with_suffix(".parquet"))
        remove(Path(f"{version}.wal"))


def _asked_for(warehouse: Path, customer: str, customers: str) -> list[str]:
    if customers:
        try:
            also = id_columns(warehouse)
        except UserError:
            # Nothing is published, or what cannot be read.
            also = ()
        return read_ids(given_path("CUSTOMERS", customers), "CUSTOMERS", also)
    spelled = spell_id(customer)
    if not spelled or len(spelled) > LONGEST_ID or CONTROL_CHARACTERS.search(spelled):
        raise UserError(
            f"CUSTOMER={shown(customer)}: is no id: expected 1 to {LONGEST_ID} characters without line breaks and the like."
        )
    return [spelled]


def _look_up(
    warehouse: Path,
    name: str,
    ids: Sequence[str],
    accept: str,
    pseudonyms: Pseudonyms | None,
    console: Console,
) -> Leavers:
    """Look the ids up among all that the warehouse knows; returns those whom it knows, with accounts of theirs that stand in it.

    Raises UserError where nobody of them is known, and accept does not say that this may be.
    """
    with duckdb.connect() as connection:
        connection.execute("create temp table known (customer_id varchar)")
        connection.execute("create temp table accounts (account_id varchar, customer_id varchar)")
        insert = "insert into known select unnest(?::varchar[])"
        forgotten = known_as_forgotten(warehouse, ids)
        for more in (customers_in_campaigns(warehouse), objectors(warehouse), list(forgotten)):
            connection.execute(insert, [more])
        for version in versions_of(warehouse):
            _gather(connection, version)
        connection.execute("insert into known select customer_id from accounts where customer_id is not null")
        if pseudonyms:
            connection.execute(
                "insert into known select id from (select unnest(?::varchar[]) as id, unnest(?::varchar[]) as pseudonym)"
                " where pseudonym in (select customer_id from known)",
                [list(ids), pseudonyms.of(ids)],
            )
        match = match_ids(connection, name, ids, "known")
        if len(match.unmatched) == len(ids) == 1 and name.startswith("CUSTOMER=") and not accept:
            [identifier] = ids
            near = match.likely.get(identifier)
            raise UserError(
                f"{name}: stands nowhere below {warehouse}" + (f"; is it {shown(near)}?" if near else ".")
            )
        match.refuse_strangers(accept, f"known below {warehouse}")
        if match.unmatched:
            console.note(match.sentence(f"known below {warehouse}"))
        found = connection.execute(
            "select distinct account_id from accounts where customer_id in (select unnest(?::varchar[]))"
            " and account_id != '' order by 1",
            [list(ids)],
        ).fetchall()
    # Who stands nowhere needs no looking for: the id may be a word like any other.
    known = tuple(each for each in ids if each not in set(match.unmatched))
    also = pseudonyms.of(known) if pseudonyms else ()
    return Leavers((*known, *also), tuple(row[0] for row in found), forgotten=True)


def _gather(connection: duckdb.DuckDBPyConnection, version: Path) -> None:
    """Add everybody in a version to the tables of who is known."""
    file = version / LINK if version.is_dir() else version
    try:
        connection.execute(f"attach {sql_text(str(file))} as looked (read_only)")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"{file}: cannot be read ({reason}); remove the version, or restore it, and run this again."
        ) from None
    try:
        for table in tables_of(connection, "looked"):
            relation = f"looked.marts.{sql_name(table)}"
            columns = connection.sql(f"from {relation} limit 0").columns
            if CUSTOMER in columns:
                connection.execute(f"insert into known select distinct {CUSTOMER} from {relation}")
            if table == REJECTED:
                connection.execute(f"insert into accounts {accounts_in_refusals(relation)}")
    finally:
        connection.execute("detach looked")
    if (version / ACCOUNTS).exists():
        connection.execute(f"insert into accounts from read_parquet({sql_text(str(version / ACCOUNTS))})")


def _remove_leavings(warehouse: Path) -> list[str]:
    """Remove what stopped commands left behind, and what a failed build left in the work file."""
    remarks = remove_leftovers(warehouse)
    if (warehouse / WORK).exists() and (remark := empty_work(warehouse / WORK)):
        remarks.append(remark)
    return remarks


def _remove_working_files(warehouse: Path, leavers: Leavers) -> None:
    """Remove the rows that builds keep, and what dbt and commands said, where they may have named somebody."""
    remove(warehouse / ROWS)
    told = [each for each in leavers.ids if len(each) >= SHORTEST_IN_TEXT]
    for folder, ids in ((DBT_TARGET, told), (LOGS, leavers.ids)):
        for path in (warehouse / folder).rglob("*"):
            is_file = path.is_file() and not path.is_symlink()
            if is_file and has_word(path.read_bytes().decode("utf-8", "replace"), ids):
                remove(path)


def _named(files: Sequence[Path], warehouse: Path) -> str:
    """The first files by their paths in the warehouse, and how many more there are."""
    first = ", ".join(shown(path.relative_to(warehouse), 120) for path in files[:MOST_NAMED])
    return first + (f" and {len(files) - MOST_NAMED:,} more" if len(files) > MOST_NAMED else "")


def _source(warehouse: Path) -> str:
    """Where the published customers come from, for a sentence."""
    if not (warehouse / LINK).exists():
        return "unknown: nothing is published"
    with duckdb.connect(str(warehouse / LINK), read_only=True) as connection:
        return str(latest_run(connection).get("input_path") or "unknown")
