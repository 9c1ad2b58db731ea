"""dbt's unit tests of the models that Spark computes, on Spark. On DuckDB tests/warehouse/test_dbt_project.py runs them."""

import json
from pathlib import Path

from scripts.base.parameters import SPARK, Machine
from scripts.base.paths import STAGING as MODELS
from scripts.dbt.runner import run_dbt
from scripts.dbt.spark import make_views, spark_session
from scripts.intake.source import load_contract
from scripts.intake.spark_views import spark_views
from scripts.job.on_spark import LEDGER, STAGING
from tests.support.spark_ledgers import needs_spark


@needs_spark
def test_unit_tests_of_the_ledgers_models_pass_on_spark(tmp_path: Path) -> None:
    variables = {"source_kind": "ledger"}
    places = {"work": tmp_path / "work.duckdb", "target": tmp_path / "target", "engine": SPARK}
    contract = load_contract(MODELS)
    with spark_session(tmp_path / "spark", tmp_path / "spark.log", Machine("2GB", 2)) as session:
        make_views(session, as_text(spark_views([], dict(contract.ledger))))
        done = run_dbt(["run", "--select", STAGING, LEDGER], variables, **places)
        assert done.success, done.exception
        unit_tests = [f"test_type:unit,{path}" for path in (STAGING, LEDGER)]
        done = run_dbt(["test", "--select", *unit_tests], variables, **places)
    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    failed = [f"{each['unique_id']}: {each['message']}" for each in results if each["status"] != "pass"]
    assert not failed, "\n".join(failed)
    assert len(results) >= 50


def as_text(statements: list[str]) -> list[str]:
    """The views of an empty input with columns of text."""
    return [
        statement.replace("as decimal(18,2))", "as string)")
        .replace("as decimal(18,6))", "as string)")
        .replace("as date)", "as string)")
        for statement in statements
    ]
