"""Spark and DuckDB give the same: published tables of a ledger with every kind of dirt, features of ledgers in every type."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.parameters import DUCKDB, SPARK
from tests.support.builds import run_build
from tests.support.spark_ledgers import dirty_ledger, needs_spark, spelled_ledger, typed_ledger
from tests.support.warm import run_module

pytestmark = needs_spark

ENGINES = (DUCKDB, SPARK)
# Of published tables, those without sums of fractions, whose last digits hang on an order of rows; and the columns that are
# of the run.
EXACT = (
    "customer_features", "customer_values", "rejected_rows", "load_audit", "data_quality_checks", "model_parameters",
    "segment_history", "segment_rules", "elbow_curve",
)  # fmt: skip
OF_THE_RUN = {"model_id"}
NEAR = ("distance_to_centroid", "confidence", "pca_1", "pca_2")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The published files of a dirty ledger as schemas of one connection, named by their engine."""
    folder = tmp_path_factory.mktemp("dirty")
    ledger = dirty_ledger(folder)
    connection = duckdb.connect()
    for engine in ENGINES:
        warehouse = folder / engine
        done = run_build(
            warehouse, f"SOURCE={ledger}", f"ENGINE={engine}", "K=3", "MAX_REJECTED_SHARE=0.5", afresh=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        # What Spark says of itself is in its log, and nothing of it is left anywhere else.
        assert done.stderr == ""
        assert not list(warehouse.glob(".partial-*"))
        connection.execute(f"attach '{warehouse / 'card_segments.duckdb'}' as of_{engine} (read_only)")
    return connection


@pytest.mark.parametrize("table", EXACT)
def test_a_published_table_is_the_same(published: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = {
        engine: dict(published.execute(f"select column_name, column_type from (describe of_{engine}.marts.{table})").fetchall())
        for engine in ENGINES
    }  # fmt: skip
    assert columns[DUCKDB] == columns[SPARK]
    names = ", ".join(f'"{name}"' for name in columns[DUCKDB] if name not in OF_THE_RUN)
    rows = {
        engine: published.execute(f"select {names} from of_{engine}.marts.{table} order by all").fetchall()
        for engine in ENGINES
    }
    assert rows[DUCKDB]
    assert rows[SPARK] == rows[DUCKDB]


def test_labels_are_the_same(published: duckdb.DuckDBPyConnection) -> None:
    near = " or ".join(f"abs(one.{name} - other.{name}) > 1e-12" for name in NEAR)
    [(customers, others)] = published.execute(
        f"""
        select count(*), count(*) filter (
            where one.segment_id is distinct from other.segment_id
            or one.runner_up_segment_id is distinct from other.runner_up_segment_id
            or one.segment_name is distinct from other.segment_name or {near}
        )
        from of_{DUCKDB}.marts.customer_segments as one
        full join of_{SPARK}.marts.customer_segments as other using (customer_id)
        """
    ).fetchall()
    assert customers > 200
    assert others == 0


def test_the_dirt_is_there(published: duckdb.DuckDBPyConnection) -> None:
    """The comparison would say little of a ledger in which nothing is refused."""
    reasons = published.execute(
        f"select count(distinct reason) from of_{SPARK}.marts.rejected_rows"
    ).fetchall()
    assert reasons[0][0] >= 20


@pytest.mark.parametrize(
    ("make", "as_of"),
    [
        (spelled_ledger, ""),
        (lambda folder: typed_ledger(folder, "balance_after"), ""),
        (lambda folder: typed_ledger(folder, "opening_balance"), "2025-06-30"),
    ],
    ids=["text in other spellings", "types, balances after each", "types, balances before the first"],
)
def test_features_of_other_types_are_the_same(
    make: Callable[[Path], Path], as_of: str, tmp_path: Path
) -> None:
    ledger = make(tmp_path)
    with duckdb.connect() as connection:
        for engine in ENGINES:
            done = run_module(
                "tests.support.features_job", str(tmp_path / engine), str(ledger), engine, as_of
            )
            assert done.returncode == 0, done.stdout + done.stderr
            work = tmp_path / engine / "work.duckdb"
            assert work.exists(), (tmp_path / f"{engine}.txt").read_text()
            connection.execute(f"attach '{work}' as of_{engine} (read_only)")
        for table in ("int_customer_features", "int_rejected_rows", "int_load_audit", "int_quality_checks"):
            rows = {
                engine: connection.execute(f"from of_{engine}.customers.{table} order by all").fetchall()
                for engine in ENGINES
            }
            assert rows[SPARK] == rows[DUCKDB], table
        features = connection.execute(
            f"select count(*), count(balance) from of_{SPARK}.customers.int_customer_features"
        )
        assert min(features.fetchall()[0]) > 150
