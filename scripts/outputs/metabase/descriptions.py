"""Descriptions, kinds of columns and keys from dbt into Metabase, by dbt-metabase.

Reads dbt's manifest of the last build; what is derived from it goes into a temporary file. Speaks to Metabase
over HTTP.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.outputs.metabase.access import Access

SCHEMA = "marts"
# What a unit is among Metabase's kinds of columns.
KINDS = {
    "money": "type/Currency",
    "share": "type/Percentage",
    "count": "type/Quantity",
    "months": "type/Duration",
}


def with_kinds(manifest: dict[str, Any], currency: str) -> dict[str, Any]:
    """The manifest with `metabase.*` in the meta of columns of the marts, where it says nothing itself.

    A table's only key is its primary key; a column with a unit is of the unit's kind.
    """
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] != SCHEMA:
            continue
        key = node["config"]["meta"].get("primary_key", [])
        for name, column in node["columns"].items():
            meta = {**column.get("config", {}).get("meta", {}), **column.get("meta", {})}
            derived: dict[str, Any] = {}
            if key == [name]:
                derived["metabase.semantic_type"] = "type/PK"
            elif meta.get("unit") in KINDS:
                derived["metabase.semantic_type"] = KINDS[meta["unit"]]
                if meta["unit"] == "money" and currency:
                    derived["metabase.currency"] = currency
            column["meta"] = derived | meta
    return manifest


def push_descriptions(access: Access, manifest: Path, database: str, currency: str, seconds: int) -> None:
    """Hand names, descriptions, keys and kinds of columns to Metabase.

    Args:
        access: an API key of the administrators.
        manifest: dbt's manifest.json.
        database: the database's name in Metabase.
        currency: three letters, or empty.
        seconds: how long Metabase may take to find the tables.

    Raises UserError where there is no manifest, or Metabase does not find the tables in time.
    """
    # Imported late, and not at all where Metabase is not used.
    import requests
    from dbtmetabase import DbtMetabase, Filter
    from dbtmetabase.errors import MetabaseStateError

    if not manifest.exists():
        raise UserError(f"{manifest}: not there; run make build, whose dbt writes it.")
    derived = with_kinds(json.loads(manifest.read_text(encoding="utf-8")), currency)
    with tempfile.TemporaryDirectory() as folder, _words_of("dbtmetabase") as words:
        path = Path(folder) / "manifest.json"
        path.write_text(json.dumps(derived), encoding="utf-8")
        try:
            DbtMetabase(path, access.url, metabase_api_key=access.key).export_models(
                metabase_database=database,
                schema_filter=Filter(include=[SCHEMA]),
                skip_sources=True,
                sync_timeout=seconds,
            )
        except (MetabaseStateError, requests.RequestException) as error:
            said = words[-1] if words else str(error)
            raise UserError(
                f"{access.url}: descriptions could not be handed over ({said}); run make metabase again when"
                " Metabase has read the tables."
            ) from None


@contextmanager
def _words_of(logger: str) -> Iterator[list[str]]:
    """Collect a library's errors and warnings instead of having them printed."""
    words: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(record.getMessage())

    log, collector = logging.getLogger(logger), Collector(logging.WARNING)
    log.addHandler(collector)
    passed_on, log.propagate = log.propagate, False
    try:
        yield words
    finally:
        log.removeHandler(collector)
        log.propagate = passed_on
