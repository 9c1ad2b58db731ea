"""A parse that checks dbt's dialect: python -m tests.support.strict_parse VARIABLES prints what it found, as JSON.

dbt checks its dialect only for adapters in a private set; its checks hold for DuckDB as well.
"""

import json
import sys
from typing import Any

from dbt.cli.main import dbtRunner
from dbt.jsonschemas import jsonschemas

jsonschemas._JSONSCHEMA_SUPPORTED_ADAPTERS.add("duckdb")
words = []


def listen(event: Any) -> None:
    """Keep what a warning or an error says."""
    if event.info.level in ("warn", "error"):
        words.append(f"{event.info.name}: {event.info.msg}")


arguments = [
    "--log-level",
    "none",
    "--show-all-deprecations",
    "parse",
    "--no-partial-parse",
    "--vars",
    sys.argv[1],
]
result = dbtRunner(callbacks=[listen]).invoke(arguments)
print(json.dumps({"success": result.success, "words": words}))
