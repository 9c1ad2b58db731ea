"""Who may read what the job writes: its owner alone, and a group of the operating system where one was named."""

import grp
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.base.errors import UserError

# What a new file or folder is not allowed: everything to everybody else.
OTHERS = 0o077


@contextmanager
def private_files() -> Iterator[None]:
    """Let this process, and those that it starts, make files and folders that their owner alone may read."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def group_named(name: str) -> int:
    """The number of a group; raises UserError where there is none, or you may not give it files."""
    try:
        group = int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except (KeyError, OverflowError):
        raise UserError(f"SHARE_GROUP={name}: this machine has no such group; `id` names yours.") from None
    if os.geteuid() != 0 and group not in {os.getegid(), *os.getgroups()}:
        raise UserError(f"SHARE_GROUP={name}: you are not in this group; `id` names yours.")
    return group


def group_that_reads(folder: Path) -> int | None:
    """The group that may read a folder; None where none may, or the folder is not there."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_gid if found.st_mode & stat.S_IRGRP else None


def name_of_group(group: int) -> str:
    """The name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def share(path: Path, group: int | None) -> bool:
    """Let a group read a file or enter a folder as its owner may, and nobody else; None: nobody but the owner.

    Returns whether others could read it before. What belongs to another user is left as it is.
    """
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    wanted = mode & ~OTHERS
    if group is not None:
        wanted |= (mode & 0o500) >> 3
    if os.geteuid() not in (0, found.st_uid):
        return False
    if group is not None and group != found.st_gid:
        os.chown(path, -1, group)
    if wanted != mode:
        path.chmod(wanted)
    return bool(mode & 0o007)
