"""Another version in a warehouse, made by copying: for tests of what happens when one is published."""

import os
import shutil
from pathlib import Path

import duckdb

from scripts.published.version import link_names


def copy_warehouse(published: Path, warehouse: Path) -> Path:
    """Copy the version that a link leads to into a warehouse, with links of its own; returns the link there."""
    folder = published.resolve().parent
    shutil.copytree(folder, warehouse / "versions" / folder.name)
    return _lead_to(warehouse, folder.name)


def publish_copy(warehouse: Path, *statements: str, name: str = "000077-20300102T030405Z") -> Path:
    """Publish a copy of the version in use, changed by statements; returns the link to the file."""
    folder = warehouse / "versions" / name
    shutil.copytree((warehouse / "current").resolve(), folder)
    file = folder / "card_segments.duckdb"
    file.chmod(0o600)
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    file.chmod(0o400)
    return _lead_to(warehouse, name)


def _lead_to(warehouse: Path, name: str) -> Path:
    newer = warehouse / "newer"
    newer.symlink_to(Path("versions") / name)
    os.replace(newer, warehouse / "current")
    link_names(warehouse)
    return warehouse / "card_segments.duckdb"
