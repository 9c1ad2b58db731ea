"""The work file, warehouse/work.duckdb: new for each build, and empty again once that is published.

What goes on from build to build stands in what is published (state.py).

Deleted rows stay in a DuckDB file's bytes until they are written over: in a file that went on from build to build, the
segment of somebody who objected meanwhile could still be read. Rows of customers outlive only a build that failed, for a
look at them, until the next one.
"""

import re
from contextlib import suppress
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import partial_of, remove
from scripts.base.sentences import reason_of


def renew_work(work: Path) -> None:
    """Replace the work file by a new one without anything in it, whatever the old one is.

    Raises UserError where another process has it open, or the file system refuses.
    """
    if work.exists():
        try:
            duckdb.connect(str(work)).close()
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            if "Could not set lock" in words:
                raise UserError(
                    f"{work}: another process has it open ({_pid_of_holder(words)}); close it and build again."
                ) from None
    try:
        _put_new(work)
    except (OSError, duckdb.Error) as error:
        raise UserError(
            f"{work}: cannot be written ({reason_of(error)}); check the folder's permissions and space."
        ) from None


def empty_work(work: Path) -> str:
    """Replace the work file by a new one once its rows are published: the next build needs nothing of it.

    Returns a sentence where that cannot be done, else nothing: the build has succeeded by now.
    """
    try:
        _put_new(work)
    except (OSError, duckdb.Error) as error:
        return (
            f"{work}: rows of customers, of those who object too, cannot be taken from it ({reason_of(error)}); they stand"
            " there until the next build"
        )
    return ""


def _put_new(work: Path) -> None:
    new = partial_of(work)
    try:
        _remove_with_log(new)
        duckdb.connect(str(new)).close()
        # Beside the new file it would be replayed into that.
        remove(Path(f"{work}.wal"))
        new.replace(work)
    finally:
        with suppress(OSError):
            _remove_with_log(new)


def _remove_with_log(file: Path) -> None:
    for path in (file, Path(f"{file}.wal")):
        remove(path)


def _pid_of_holder(words: str) -> str:
    found = re.search(r"PID (\d+)", words)
    return f"pid {found[1]}" if found else "which one is not known"
