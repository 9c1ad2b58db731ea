"""`make rollback`: an earlier version is in use again, its model, report and workbook with it. Switches a link."""

from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from scripts.base.paths import FOLLOWS, LINK, VERSIONS
from scripts.base.sentences import shown
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.published.version import number_of, roll_back, version_in_use, versions_of


def go_back(warehouse: Path, wanted: str) -> list[str]:
    """Let the link lead to an earlier version, and say what that means, a sentence each.

    wanted: the version's number or name; empty for the one that was in use before the one in use.

    Raises UserError where there is no such version, or another build is running.
    """
    if not warehouse.is_dir():
        raise UserError(f"{warehouse}: nothing is published yet; run make build first.")
    with build_lock(warehouse):
        in_use = version_in_use(warehouse)
        if in_use is None:
            raise UserError(f"{warehouse}: no version is in use; run make build first.")
        target = _target(warehouse, in_use, wanted)
        roll_back(warehouse, target)
        later = [path.name for path in versions_of(warehouse) if number_of(path) > number_of(target)]
    remark = ask_for_resync(warehouse, warehouse / LINK)
    kept = (
        f"{', '.join(later)} stay{'s' if len(later) == 1 else ''} in {warehouse / VERSIONS}: "
        if later
        else ""
    )
    return [
        f"version {target.name} is in use again, with its model, report and workbook; {in_use.name} was until now",
        *([f"{kept}make rollback VERSION={number_of(in_use)} goes back to the last one"] if later else []),
        "the next build goes on from the version in use",
        *([remark] if remark else []),
    ]


def _target(warehouse: Path, in_use: Path, wanted: str) -> Path:
    versions = [path for path in versions_of(warehouse) if path.is_dir()]
    known = ", ".join(path.name for path in versions if path != in_use) or "none"
    if wanted:
        found = [
            path for path in versions if wanted in (path.name, str(number_of(path)), f"{number_of(path):06}")
        ]
        if not found:
            raise UserError(f"VERSION={shown(wanted)}: no such version is kept; kept are {known}.")
        if found[0] == in_use:
            raise UserError(f"VERSION={shown(wanted)}: is in use already; others that are kept: {known}.")
        return found[0]
    try:
        follows: str | None = (in_use / FOLLOWS).read_text(encoding="utf-8").strip()
    except OSError:
        # An earlier release did not write down which one was in use before.
        follows = None
    if follows == "":
        raise UserError(
            f"{in_use.name} is in use, and nothing was published before it; kept are {known}; say which by VERSION=."
        )
    earlier = [path for path in versions if number_of(path) < number_of(in_use)]
    found = [path for path in versions if path.name == follows] if follows else earlier[-1:]
    if not found:
        raise UserError(
            f"{in_use.name} is in use, and the version before it is not kept (KEEP_VERSIONS); kept are {known}; say which by"
            " VERSION=."
        )
    return found[0]
