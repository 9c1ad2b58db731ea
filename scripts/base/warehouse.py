"""The folder of the warehouse, made before a build. Touches that folder and nothing in it."""

from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.paths import PROJECT, WAREHOUSE, usable


def make_warehouse(folder: Path) -> None:
    """Make the warehouse's folder where it is not there yet.

    Raises UserError where its parent folder is not there, or it cannot be made.
    """
    usable(WAREHOUSE, str(folder), folder)
    if folder != PROJECT / "warehouse" and not folder.parent.exists():
        raise UserError(f"{folder}: its parent folder does not exist; make it first.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = error.strerror
        if isinstance(error, FileExistsError):
            reason = "a link that leads nowhere is there" if folder.is_symlink() else "a file is there"
        raise UserError(
            f"{folder}: cannot be made ({reason}); give the warehouse a folder that can be written, by {WAREHOUSE}."
        ) from None
