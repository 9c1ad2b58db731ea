"""One build at a time in a warehouse. Touches warehouse/build.lock and nothing else."""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.errors import UserError


@contextmanager
def build_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse's lock; the kernel gives it up when the process ends, however it ends.

    Raises UserError, naming the holder's pid and since when, where another build holds it.
    """
    path = warehouse / "build.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); check the folder's permissions."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
            raise UserError(
                f"{warehouse}: another build is running ({holder}); wait until it ends, or stop it by its pid."
            ) from None
        os.ftruncate(descriptor, 0)
        since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        os.pwrite(descriptor, f"pid {os.getpid()} since {since}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
