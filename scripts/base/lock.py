"""One build at a time in a warehouse. Touches warehouse/build.lock and nothing else."""

import datetime as dt
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.base.errors import LockHeldError, UserError

# A holder writes its pid right after it has locked.
SECONDS_TO_WRITE_PID = 0.1


@contextmanager
def build_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse's lock; the kernel gives it up when the process ends, however it ends.

    Raises LockHeldError, naming the holder's pid and since when, where another build holds it.
    """
    path = warehouse / "build.lock"
    try:
        # Programs that this process starts don't inherit it: one that outlives us would keep the lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); check the folder's permissions."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeldError(
                f"{warehouse}: another build is running ({_holder(descriptor)});"
                " wait until it ends, or stop it by its pid."
            ) from None
        except OSError as error:
            raise UserError(
                f"{path}: cannot be locked ({error.strerror}); put the warehouse on a file system with locks."
            ) from None
        since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} since {since}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    # Read at once, it could still be the pid of a build that was killed.
    time.sleep(SECONDS_TO_WRITE_PID)
    text = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    named = re.match(r"pid ([0-9]+) since", text)
    return text + _state(named[1]) if named else "another process"


def _state(pid: str) -> str:
    """What is odd about the process that holds the lock, for a sentence; nothing where it runs, or cannot be seen."""
    if not Path("/proc/self").exists():
        return ""
    try:
        state = (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
    except OSError:
        return ", which is gone or runs on another machine: what it started may hold on"
    return f", which is halted: kill -CONT {pid} lets it go on" if state in "Tt" else ""
