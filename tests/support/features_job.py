"""The job's SQL up to the features, without learning: python -m tests.support.features_job FOLDER SOURCE [ENGINE] [AS_OF].

Writes <FOLDER>/work.duckdb, or <FOLDER>.txt with the sentence that refuses the source.
"""

import os
import sys
from pathlib import Path

import duckdb

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.parameters import DUCKDB, SPARK
from scripts.base.paths import STAGING
from scripts.campaigns.publishing import hand_over_campaigns
from scripts.dbt.runner import run_dbt
from scripts.intake.mapping import UNMAPPED, find_mapping, load_mapping
from scripts.intake.objections import hand_over
from scripts.intake.source import load_contract, open_source
from scripts.job.on_spark import WITHOUT_LEDGER, compute_ledger


def main(folder: Path, source: Path, engine: str = DUCKDB, as_of: str = "") -> str | None:
    """Return what is to be said where dbt failed."""
    contract = load_contract(STAGING)
    path = find_mapping(source, "", None)
    mapping = load_mapping(path, contract) if path else UNMAPPED
    read = {name: value for name, value in mapping.parameters.items() if name != "currency"}
    folder.mkdir()
    # The name that it has in a build, and in dbt's parsed project.
    work = folder / "work.duckdb"
    with duckdb.connect(str(work)) as connection:
        try:
            intake = open_source(connection, source, contract, mapping, for_spark=engine == SPARK, **read)
        except UserError as error:
            folder.with_suffix(".txt").write_text(str(error))
            return None
        hand_over(connection, [])
        hand_over_campaigns(connection, ([], []))
    # Nobody reads what dbt writes of itself.
    os.environ["DBT_WRITE_JSON"] = "false"
    variables = {"source_kind": intake.kind, "spellings": dict(intake.spellings), "as_of": as_of}
    if engine == SPARK:
        compute_ledger(variables, intake.for_spark, folder, Console())
    result = run_dbt(
        [
            *("run", "--select", "+int_customer_features", "+int_load_audit", "+int_quality_checks"),
            *(WITHOUT_LEDGER if engine == SPARK else ()),
        ],
        variables,
        work=work,
        target=folder / "dbt",
    )
    return None if result.success else f"{source}: dbt failed: {result.exception}"


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3]), *sys.argv[3:]))
