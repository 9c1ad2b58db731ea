"""Writing a file whole or not at all."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.paths import PARTIAL


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a new file beside `path` to write; once it is on disk it takes that place, from one moment to the next.

    Args:
        path: of the file; one that is there stays until the new one is whole, and stays if that fails.
        private: its owner alone may read it.

    Raises:
        UserError: the file system refuses.

    """
    # Each process writes its own: two that write the same file must not write into each other's.
    partial = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    try:
        _remove_left_behind(path)
        if private:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{path}: cannot be written ({reason}); check the folder's permissions and space."
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _remove_left_behind(path: Path) -> None:
    """Remove what processes that are gone began to write in the place of `path`."""
    name = re.compile(re.escape(PARTIAL) + "([0-9]+)-" + re.escape(path.name))
    for other in path.parent.iterdir():
        if (found := name.fullmatch(other.name)) and not _is_running(int(found[1])):
            other.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    """Whether another process than this one has the pid."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return pid != os.getpid()
