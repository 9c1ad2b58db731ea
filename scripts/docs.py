"""`make docs`: dbt's documentation of every table and column with its lineage, as one HTML page.

Reads warehouse/work.duckdb and the parameters of the last build, holding the build's lock; writes
warehouse/docs/index.html, whole or not at all.

python -m scripts.docs
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.build import set_dbt_environment
from scripts.console import Console, run_command
from scripts.errors import UserError
from scripts.failures import why_dbt_failed
from scripts.lock import build_lock
from scripts.parameters import machine_limits, warehouse_folder
from scripts.publish import PARTIAL

DOCS = Path("docs") / "index.html"


def write_docs(warehouse: Path) -> Path:
    """Write the page beside what was built last; return its path.

    Raises UserError where nothing was built, a build is running, or the page cannot be written; the page
    before stays then.
    """
    work = warehouse / "work.duckdb"
    # With the parameters of another kind of source dbt would document other models.
    results = warehouse / "dbt" / "run_results.json"
    if not (work.exists() and results.exists()):
        raise UserError(f"{work}: nothing is built yet; run make build first.")
    page = warehouse / DOCS
    # A build removes what begins so, should this be killed.
    target = warehouse / f"{PARTIAL}docs"
    with build_lock(warehouse):
        variables = json.loads(results.read_text(encoding="utf-8"))["args"]["vars"]
        try:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            _generate(work, target, variables, warehouse)
            page.parent.mkdir(exist_ok=True)
            (target / "static_index.html").replace(page)
        except OSError as error:
            raise UserError(
                f"{page}: cannot be written ({error.strerror}); check the folder's permissions."
            ) from None
        finally:
            shutil.rmtree(target, ignore_errors=True)
    return page


def _generate(work: Path, target: Path, variables: dict[str, Any], warehouse: Path) -> None:
    machine_limits()
    # A target of its own: the build's manifest belongs to what is published.
    set_dbt_environment(work, target, warehouse / "logs")
    from dbt.cli.main import dbtRunner

    options = ["docs", "generate", "--static", "--vars", json.dumps(variables)]
    result = dbtRunner().invoke(["--log-level", "none", "--log-level-file", "debug", *options])
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not result.success:
        raise UserError(why_dbt_failed(result, warehouse))


def main(arguments: Sequence[str]) -> int:
    """Write the page and say where it is; returns the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(f"{arguments[0]}: make docs takes no parameters.")
        with console.stage("Write the documentation"):
            page = write_docs(warehouse_folder())
        console.print(f"  {page}: open it in a browser; the lineage is behind the round button below right.")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
