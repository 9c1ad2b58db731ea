"""The work file, warehouse/work.duckdb: new for each build, and without its rows but the models' once it is published.

Deleted rows stay in a DuckDB file's bytes until they are written over: in a file that went on from build to build, the
segment of somebody who objected meanwhile could still be read. Rows of customers outlive only a build that failed, for a
look at them, until the next one.
"""

import re
import time
from contextlib import suppress
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import partial_of, remove
from scripts.base.quoting import sql_text
from scripts.base.sentences import reason_of

# Of the models: their table in the work file, and in the published one.
KEPT = {"int_model_runs": "model_runs", "int_model_parameters": "model_parameters"}
SET_ASIDE = ".broken-"


def renew_work(work: Path, published: Path) -> list[str]:
    """Replace the work file by a new one that holds the models of the old, or else those of the published file.

    A work file that cannot be read is set aside until the next build.

    Args:
        work: where it is, or will be.
        published: the link to the published file; nothing need be there.

    Returns what there is to say, in sentences. Raises UserError where another process has the work file open, or the
    file system refuses.
    """
    remarks = []
    new = partial_of(work)
    try:
        for old in work.parent.glob(f"{work.stem}{SET_ASIDE}*"):
            remove(old)
        _remove_with_log(new)
        kept = work.exists() and _keep(work, "model", list(KEPT), new)
        if kept is None:
            remarks.append(_set_aside(work))
        if not kept:
            remove(new)
            if published.exists() and _keep(published.resolve(), "marts", list(KEPT.values()), new) is None:
                remarks.append(
                    f"{published}: cannot be read, so that make models shows none of earlier builds"
                )
        if not new.exists():
            duckdb.connect(str(new)).close()
        _put_in_place(new, work)
    except OSError as error:
        raise UserError(
            f"{work}: cannot be written ({error.strerror}); check the folder's permissions and space."
        ) from None
    finally:
        _remove_with_log(new)
    return remarks


def empty_work(work: Path) -> str:
    """Replace the work file by a new one with the same tables and views, where the models alone have rows.

    The next build needs no more of it. Returns a sentence where that cannot be done, else nothing: the build has succeeded
    by now.
    """
    new = partial_of(work)
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {sql_text(str(work))} as source (read_only)")
            connection.execute(f"attach {sql_text(str(new))} as target")
            connection.execute("copy from database source to target (schema)")
            for table in KEPT:
                connection.execute(f"insert into target.model.{table} from source.model.{table}")
        _put_in_place(new, work)
    except (OSError, duckdb.Error) as error:
        return (
            f"{work}: rows of customers, of those who object too, cannot be taken from it ({reason_of(error)}); they stand"
            " there until the next build"
        )
    finally:
        with suppress(OSError):
            _remove_with_log(new)
    return ""


def _remove_with_log(file: Path) -> None:
    for path in (file, Path(f"{file}.wal")):
        remove(path)


def _put_in_place(new: Path, work: Path) -> None:
    # Beside the new file it would be replayed into that.
    remove(Path(f"{work}.wal"))
    new.replace(work)


def _keep(source: Path, schema: str, tables: list[str], new: Path) -> bool | None:
    """Copy the models of a file to a new one; False where it has none, None where it cannot be read."""
    try:
        with duckdb.connect(str(new)) as connection:
            # Attached for writing, a work file takes in what a killed build left in its log.
            how = " (read_only)" if schema == "marts" else ""
            connection.execute(f"attach {sql_text(str(source))} as source{how}")
            present = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'source' and schema_name = ?",
                [schema],
            ).fetchall()
            if not {(name,) for name in tables} <= set(present):
                return False
            connection.execute("create schema model")
            for table, target in zip(tables, KEPT, strict=True):
                origin = f"source.{schema}.{table}"
                columns = connection.sql(f"from {origin} limit 0").columns
                # Runs used to be told apart by the clock alone.
                numbered = (
                    target == "int_model_runs" and "run_number" not in columns and "trained_at" in columns
                )
                more = ", row_number() over (order by trained_at) as run_number" if numbered else ""
                connection.execute(f"create table model.{target} as select *{more} from {origin}")
            connection.execute("detach source")
    except duckdb.Error as error:
        words = str(error).splitlines()[0]
        if "Could not set lock" in words:
            raise UserError(
                f"{source}: another process has it open ({_pid_of_holder(words)}); close it and build again."
            ) from None
        if "Permission denied" in words or "No space left" in words:
            raise UserError(
                f"{source}: cannot be written ({words.rpartition(': ')[2]}); check the folder."
            ) from None
        return None
    return True


def _set_aside(work: Path) -> str:
    """Move a work file that cannot be read, log and all; returns a sentence about it."""
    aside = work.with_suffix(f"{SET_ASIDE}{int(time.time())}")
    work.rename(aside)
    log = Path(f"{work}.wal")
    if log.exists():
        log.rename(f"{aside}.wal")
    return f"{work} could not be read; it was set aside as {aside.name} for a look, until the next build removes it"


def _pid_of_holder(words: str) -> str:
    found = re.search(r"PID (\d+)", words)
    return f"pid {found[1]}" if found else "which one is not known"
