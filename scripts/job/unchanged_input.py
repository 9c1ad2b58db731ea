"""Whether the input's files stayed what they were while the build read them. Reads them, and touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.sentences import shown
from scripts.intake.source_files import InputFile, stamp_of

# Of a large file blocks all over it are read, its beginning and end among them, so that the look costs the same for
# every size: a delivery that replaces another differs in most blocks, and a Parquet file always in its last.
BLOCK, BLOCKS = 1 << 20, 64


@dataclass(frozen=True)
class Seen:
    """A file as it was found.

    Attributes:
        stamp: what the file system says of it.
        digest: of its content, of a large file's blocks.
    """

    stamp: tuple[int, ...]
    digest: str

    @property
    def is_read_whole(self) -> bool:
        """Whether the digest is of all of it."""
        return self.stamp[2] <= BLOCKS * BLOCK

    @property
    def content(self) -> list[str | int]:
        """What tells its content from another: the digest, and of a file that is not read whole its size and times."""
        return [self.digest, *([] if self.is_read_whole else self.stamp[2:])]


def look_at(files: Iterable[InputFile], source: Path) -> dict[Path, Seen]:
    """Each file as it is now; raises UserError where it is no longer the one that was found."""
    seen = {}
    for file in files:
        now = _seen(file.path)
        if now is None or now.stamp != file.stamp:
            raise _is_another(file.path, now, source)
        seen[file.path] = now
    return seen


def check_read(files: Iterable[InputFile], seen: dict[Path, Seen], source: Path) -> None:
    """Raise UserError where the intake read a file that is another than the one looked at before."""
    for file in files:
        if file.path not in seen or seen[file.path].stamp != file.stamp:
            raise _is_another(file.path, _seen(file.path), source)


def check_unchanged(before: dict[Path, Seen], source: Path) -> None:
    """Raise UserError where a file is another than before: its rows may be of two deliveries.

    One that was merely touched, or copied over with the same content, is the same, if it is small enough to tell.
    """
    for path, seen in before.items():
        now = _seen(path)
        if now is None or now.digest != seen.digest or (not seen.is_read_whole and now.stamp != seen.stamp):
            raise _is_another(path, now, source)


def _is_another(path: Path, now: Seen | None, source: Path) -> UserError:
    what = "is gone" if now is None else "was changed or replaced"
    return UserError(
        f"SOURCE={source}: {shown(path.name)} {what} while the build read it, so that its rows may be of two deliveries."
        " Nothing was published; what was published before stays. Build again once it is there, whole."
    )


def _seen(path: Path) -> Seen | None:
    try:
        stamp = stamp_of(path)
        return Seen(stamp, _digest(path, path.stat().st_size))
    except OSError:
        return None


def _digest(path: Path, size: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    step = max(BLOCK, (size - BLOCK) // (BLOCKS - 1))
    with path.open("rb") as file:
        for start in range(0, max(size - BLOCK, 0) + 1, step):
            file.seek(start)
            digest.update(file.read(BLOCK))
        file.seek(max(size - BLOCK, 0))
        digest.update(file.read(BLOCK))
    return digest.hexdigest()
