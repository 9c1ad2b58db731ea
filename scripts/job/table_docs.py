"""dbt's documentation of every table and column with its lineage, as one HTML page.

A build keeps what the page shows in warehouse/dbt/documentation.json; `make docs` reads that alone, and writes
warehouse/docs/index.html. Each is written whole or not at all.
"""

import json
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.paths import DOCS, DOCUMENTATION, MANIFEST, WORK
from scripts.dbt.catalog import catalog

# What dbt's page has where the data of a static one go.
PLACES = {"manifest": '"MANIFEST.JSON INLINE DATA"', "catalog": '"CATALOG.JSON INLINE DATA"'}


def keep_documentation(warehouse: Path) -> None:
    """Keep what dbt just built, and what it says of it, for the page: the work file and its manifest do not last."""
    manifest = json.loads((warehouse / MANIFEST).read_text(encoding="utf-8"))
    documentation = {"manifest": manifest, "catalog": catalog(warehouse / WORK, manifest)}
    with whole_file(warehouse / DOCUMENTATION, private=True) as file:
        file.write_text(json.dumps(documentation), encoding="utf-8")


def write_docs(warehouse: Path) -> Path:
    """Write the page of the last build that went through; return its path.

    Raises UserError where nothing was built, or the page cannot be written; the page before stays then.
    """
    kept = warehouse / DOCUMENTATION
    try:
        documentation = json.loads(kept.read_text(encoding="utf-8"))
        data = {name: documentation[name] for name in PLACES}
    except FileNotFoundError:
        raise UserError(f"{kept}: nothing is built yet; run make build first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it is cut off or damaged"
        raise UserError(
            f"{kept}: the record of the last build cannot be read ({reason}); run make build again."
        ) from None
    page = warehouse / DOCS
    try:
        page.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{page}: cannot be written ({error.strerror}); check the folder's permissions."
        ) from None
    with whole_file(page, private=True) as file:
        file.write_text(page_of(data), encoding="utf-8")
    return page


def page_of(data: dict[str, Any]) -> str:
    """The page of dbt with a manifest and a catalog in its script; there `<` is escaped: a column's name could end it."""
    # Imported late: a build does not write the page.
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    text = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    for name, place in PLACES.items():
        if text.count(place) != 1:
            raise RuntimeError(f"dbt's page has no place for its {name}: it is of another version of dbt")
        # In JSON it stands in strings alone.
        text = text.replace(place, json.dumps(data[name]).replace("<", "\\u003c"))
    return text
