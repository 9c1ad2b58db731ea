"""Writing a file whole or not at all, and what was left behind of files that were not."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.paths import PARTIAL
from scripts.base.rights import group_that_reads, share

# Each process writes its own: two that write the same file must not write into each other's. Processes in containers
# that share a folder may have the same pid, so that its namespace comes with it.
NAME_OF_PARTIAL = re.compile(re.escape(PARTIAL) + r"([0-9]+)\.([0-9]+)-.+")
# Seconds; whether a process in another container lives cannot be seen, but that its file has not changed for so long.
LONGEST_SILENCE = 3600


def partial_of(path: Path) -> Path:
    """Where this process writes what will take the place of `path`."""
    return path.with_name(f"{PARTIAL}{os.getpid()}.{_namespace()}-{path.name}")


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a new file beside `path` to write; once it is on disk it takes that place, from one moment to the next.

    Args:
        path: of the file; one that is there stays until the new one is whole, and stays if that fails.
        private: its owner alone may read it; else the group too that may read the folder.

    Raises:
        UserError: the file system refuses.

    """
    partial = partial_of(path)
    try:
        for other in left_behind(path.parent):
            if other.name.endswith(f"-{path.name}"):
                remove(other)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield partial
        sync(partial)
        share(partial, None if private else group_that_reads(path.parent))
        partial.replace(path)
    except (OSError, duckdb.IOException) as error:
        if is_damage(error):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{path}: cannot be written ({reason}); check the folder's permissions and space."
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or a folder's entries, on disk before anything rests on it; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_link(path: Path, what: str) -> None:
    """Raise UserError where a register is a link: written whole, a file takes the link's place, and two warehouses part.

    what: what the file is, for the sentence.
    """
    if path.is_symlink():
        raise UserError(
            f"{path}: {what} is a link to {os.readlink(path)}, but belongs to one warehouse; put a file of its own here."
        )


def is_damage(error: BaseException) -> bool:
    """Whether DuckDB found a file damaged: where it reads, not where it writes."""
    return isinstance(error, duckdb.Error) and "Corrupt database file" in str(error)


@contextmanager
def passing_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path` for what a command needs meanwhile; it goes when the block ends.

    Raises UserError where the file system refuses.
    """
    folder = partial_of(path)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise UserError(
            f"{path.parent}: cannot be written to ({error.strerror}); check the folder's permissions and space."
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def left_behind(folder: Path, *, locked: bool = False) -> list[Path]:
    """What processes that are gone began to write in a folder.

    locked: nobody writes there but who holds the lock that this process holds.
    """
    return [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.startswith(PARTIAL) and (locked or not _is_being_written(path))
    ]


def _is_being_written(path: Path) -> bool:
    """Whether the process may live that writes a file whose name begins with PARTIAL."""
    named = NAME_OF_PARTIAL.fullmatch(path.name)
    if not named:
        return False
    if int(named[2]) == _namespace():
        return _is_running(int(named[1]))
    with suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime < LONGEST_SILENCE
    return False


def _namespace() -> int:
    """The number of what this process's pid is unique in: of its container, or of the machine; 0 where it has none."""
    with suppress(OSError):
        return os.stat("/proc/self/ns/pid").st_ino
    return 0


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; raises OSError where that is refused."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    """Whether another process than this one has the pid; 0 is nobody's."""
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return pid != os.getpid()
