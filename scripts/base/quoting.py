"""Values, names and paths as SQL writes them. Touches nothing."""

import re
from collections.abc import Sequence
from pathlib import Path


def sql_text(value: str) -> str:
    """Return `value` as a SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(value: str) -> str:
    """Return `value` as a quoted SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def sql_path(path: Path) -> str:
    """Return the path as a SQL literal that names this one file, whatever glob characters it holds."""
    return sql_text(re.sub(r"([*?\[])", r"[\1]", str(path)))


def sql_paths(paths: Sequence[Path]) -> str:
    """Return the paths as a SQL list of literals."""
    return "[" + ", ".join(sql_path(path) for path in paths) + "]"
