"""The project as dbt parsed it, kept from run to run: what dbt keeps itself it drops for other vars or another work file.

Reads dbt_project; writes dbt_project/target, where it may, and nothing there that comes from an input.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.base.files import remove, whole_file
from scripts.base.parameters import DUCKDB
from scripts.base.paths import DBT_PROJECT

FOLDER = DBT_PROJECT / "target"
# What dbt writes to its target folder after it has parsed.
OF_DBT = "partial_parse.msgpack"
# Of DBT_PROJECT: what dbt makes there, if somebody runs it on its own.
NO_SOURCES = ("target", "logs")
# Of two kinds of input in two languages, and as many of the project before.
MOST_KEPT = 8
# Vars that decide neither which models there are nor what they read: dbt asks for their values as it writes a model's
# SQL. A parameter of the learning stands in the meta of some models.
OF_THE_RUN = frozenset(
    {
        "as_of", "currency", "drift_act", "drift_watch", "input_path", "is_asked_for", "is_sample", "learn_because", "mapping_path",
        "max_rejected_share", "max_relabelled", "min_overlap", "model", "model_max_age", "month_act", "month_watch",
        "promote", "protected", "rename", "results_format", "spellings",
    }
)  # fmt: skip
LEARNING = "learning"


def kept_project(variables: Mapping[str, Any], work: Path, engine: str = DUCKDB) -> Any:
    """The project as an earlier run parsed it, for dbtRunner; None where it is not kept, or cannot be read."""
    try:
        parsed = _place(variables, work, engine).read_bytes()
    except OSError:
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        manifest: Any = Manifest.from_msgpack(parsed, decoder=extended_mashumuro_decoder)
    except Exception:
        # Whatever is wrong with it, dbt can parse the project once more.
        return None
    manifest.metadata.generated_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for node in manifest.nodes.values():
        for meta in (node.meta, node.config.meta, node.unrendered_config.get("meta", {})):
            if LEARNING in meta:
                meta[LEARNING] = variables.get(LEARNING, {})
    manifest.build_flat_graph()
    return manifest


def keep_project(target: Path, variables: Mapping[str, Any], work: Path, engine: str = DUCKDB) -> None:
    """Keep what dbt has just parsed, from its target folder, for later runs; nothing is there where it could not."""
    try:
        parsed = (target / OF_DBT).read_bytes()
        remove(target / OF_DBT)
        FOLDER.mkdir(exist_ok=True)
        with whole_file(_place(variables, work, engine), private=True) as file:
            file.write_bytes(parsed)
        kept = sorted(FOLDER.glob("parsed-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MOST_KEPT:]:
            remove(path)
    except (OSError, UserError):
        # As with bytecode: where nothing can be kept, each run takes its time.
        return


def _place(variables: Mapping[str, Any], work: Path, engine: str = DUCKDB) -> Path:
    """Where the project is kept, by all that decides how dbt parses it; relations are called by the work file's name."""
    digest = hashlib.blake2b(digest_size=16)
    for package in ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb"):
        digest.update(f"{package}=={version(package)}\n".encode())
    deciding = {name: variables[name] for name in sorted(set(variables) - OF_THE_RUN - {LEARNING})}
    digest.update(json.dumps([work.name, engine, deciding]).encode())
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.is_file() and path.relative_to(DBT_PROJECT).parts[0] not in NO_SOURCES:
            content = path.read_bytes()
            digest.update(f"\n{path} {len(content)}\n".encode() + content)
    return FOLDER / f"parsed-{digest.hexdigest()}"
