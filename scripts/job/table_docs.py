"""dbt's documentation of every table and column with its lineage, as one HTML page.

Reads the columns of warehouse/work.duckdb, and the SQL and parameters of the last build, holding the build's lock;
writes warehouse/docs/index.html, whole or not at all.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scripts.base.errors import UserError
from scripts.base.files import passing_folder
from scripts.base.lock import build_lock
from scripts.base.paths import DOCS, LOGS, MANIFEST, RUN_RESULTS, WORK
from scripts.dbt.failures import why_dbt_failed
from scripts.dbt.runner import run_dbt, variables_of

Found = TypeVar("Found")


def write_docs(warehouse: Path) -> Path:
    """Write the page beside what was built last; return its path.

    Raises UserError where nothing was built, a build is running, or the page cannot be written; the page
    before stays then.
    """
    work = warehouse / WORK
    results = warehouse / RUN_RESULTS
    if not (work.exists() and results.exists()):
        raise UserError(f"{work}: nothing is built yet; run make build first.")
    page = warehouse / DOCS
    with build_lock(warehouse), passing_folder(warehouse / "docs") as target:
        # With the parameters of another kind of source dbt would document other models.
        variables = _recorded(results, variables_of)
        # The SQL that ran; compiled anew it would be that of a work file without rows.
        manifest = _recorded(warehouse / MANIFEST, json.dumps)
        try:
            # A target of its own: the build's manifest belongs to what is published.
            (target / MANIFEST.name).write_text(manifest, encoding="utf-8")
            _generate(work, target, variables, warehouse)
            page.parent.mkdir(exist_ok=True)
            escape_inlined(target / "static_index.html", [target / MANIFEST.name, target / "catalog.json"])
            (target / "static_index.html").replace(page)
        except OSError as error:
            raise UserError(
                f"{page}: cannot be written ({error.strerror}); check the folder's permissions."
            ) from None
    return page


def _recorded(path: Path, read: Callable[[Any], Found]) -> Found:
    """What a file of dbt's says of the last build; raises UserError where it is cut off or is none."""
    try:
        return read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it is cut off or damaged"
        raise UserError(
            f"{path}: the record of the last build cannot be read ({reason}); run make build again."
        ) from None


def _generate(work: Path, target: Path, variables: dict[str, Any], warehouse: Path) -> None:
    command = ["docs", "generate", "--static", "--no-compile"]
    result = run_dbt(command, variables, work=work, target=target, logs=warehouse / LOGS)
    if not result.success:
        raise UserError(why_dbt_failed(result, warehouse))


def escape_inlined(page: Path, inlined: Sequence[Path]) -> None:
    """Escape `<` in the JSON that dbt puts into the page's script as it is: a column's name could end the script.

    Raises ValueError where a file does not stand in the page: another dbt would write it in another way.
    """
    text = page.read_text(encoding="utf-8")
    for path in inlined:
        data = path.read_text(encoding="utf-8")
        if data not in text:
            raise ValueError(f"{page} does not hold {path.name} as it is")
        # In JSON it stands in strings alone.
        text = text.replace(data, data.replace("<", "\\u003c"))
    page.write_text(text, encoding="utf-8")
