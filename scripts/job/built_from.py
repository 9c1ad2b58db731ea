"""What a version was built from, so that a build of the same again does no work that is done.

Reads the project's own files and the warehouse's register; writes state/built_from.json of a version.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scripts.base.paths import (
    BUILT_FROM,
    DBT_PROJECT,
    FORGOTTEN,
    LINK,
    OBJECTIONS,
    PARQUET,
    PROJECT,
    REPORT,
    WORKBOOK,
)
from scripts.job.unchanged_input import Seen
from scripts.published.version import version_in_use

# What a person asks to be done whatever is published; afterwards it is done, so that it is no difference.
ASKED = (
    "rebuild", "retrain", "rename", "promote", "new_source", "objections", "objections_withdrawn",
)  # fmt: skip
# How the input is found, which the input itself is held against; and what changes nothing of what is published.
# Whether ids are pseudonyms, and by which key, is held against what they are by, not by what was typed; so are campaigns.
NOT_HELD_AGAINST = (
    "source", "mapping", "log", "unmatched", "pseudonyms", "pseudonym_key", "publish_campaigns",
)  # fmt: skip
# What stands for the campaigns where they are not published.
UNTOLD = "not published"
# The folders and files of the project that a result depends on.
PROJECT_PARTS = (
    *(DBT_PROJECT / name for name in ("models", "macros", "seeds", "tests", "dbt_project.yml", "profiles.yml")),
    PROJECT / "python_models",
    PROJECT / "scripts",
    PROJECT / "requirements.lock",
)  # fmt: skip


def is_asked_to_build(given: Mapping[str, Any]) -> bool:
    """Whether a parameter asks for a build even of the same again."""
    return any(given.get(name) for name in ASKED)


def what_it_is_built_from(
    input_path: Path,
    files: Mapping[Path, Seen],
    mapping: Path | None,
    given: Mapping[str, Any],
    warehouse: Path,
    key_mark: str = "",
    campaigns: str = "",
) -> dict[str, Any]:
    """All that the result of a build depends on, but for the models and the history in the version in use.

    Args:
        input_path: absolute.
        files: of the input as they are; none for the generated sample, which its parameters tell.
        mapping: the file with the bank's own names.
        given: the parameters that were typed or that the mapping gives.
        warehouse: its folder, with the register of objections.
        key_mark: what tells the key of the pseudonyms from another; empty where ids are published as they are.
        campaigns: what tells those that are published from others, or UNTOLD.

    Returns a value for JSON.
    """
    return {
        "input": {str(path): seen.content for path, seen in sorted(files.items())},
        "input_path": str(input_path),
        "mapping": [str(mapping), digest_of(mapping)] if mapping else None,
        "parameters": {
            name: value for name, value in sorted(given.items()) if name not in (*ASKED, *NOT_HELD_AGAINST)
        },
        "pseudonyms": key_mark,
        "campaigns": campaigns,
        "project": project_digest(),
        **who_is_left_out(warehouse),
    }


def who_is_left_out(warehouse: Path) -> dict[str, str]:
    """The part that a build itself may change: the registers of who objected and who was forgotten."""
    return {"objections": digest_of(warehouse / OBJECTIONS), "forgotten": digest_of(warehouse / FORGOTTEN)}


def is_published(found: dict[str, Any], warehouse: Path) -> Path | None:
    """The version in use, where it was built from just this and is whole; else None."""
    version = version_in_use(warehouse)
    if version is None or not all((version / name).exists() for name in (LINK, PARQUET, REPORT, WORKBOOK)):
        return None
    return version if _built_from(version) == json.loads(json.dumps(found, default=str)) else None


def campaigns_are_told(wanted: str, version: Path | None) -> bool:
    """Whether a build publishes campaigns: wanted, yes or no; empty: as with the version in use, at first yes."""
    return wanted == "yes" or (
        not wanted and (version is None or _built_from(version).get("campaigns") != UNTOLD)
    )


def _built_from(version: Path) -> dict[str, Any]:
    try:
        found = json.loads((version / BUILT_FROM).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(found: dict[str, Any], version: Path) -> None:
    """Write it into a version's folder."""
    path = version / BUILT_FROM
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")


def digest_of(path: Path) -> str:
    """Of a file's content, or of every file below a folder; empty where there is none."""
    digest = hashlib.blake2b(digest_size=16)
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    for file in files:
        if "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(path.parent)}\0".encode())
            digest.update(hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest() if files else ""


@cache
def project_digest() -> str:
    """Of the project's code, rules and pinned packages."""
    return hashlib.blake2b(
        " ".join(map(digest_of, PROJECT_PARTS)).encode("utf-8"), digest_size=16
    ).hexdigest()
