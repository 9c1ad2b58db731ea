"""What stands in Spark's way is told in one sentence, before anything is read or written."""

import importlib.util
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.base.parameters import Machine, parse_parameters
from scripts.base.paths import STAGING
from scripts.dbt.spark import check_spark, settings
from scripts.intake.mapping import InputMapping
from scripts.intake.source import load_contract, open_source
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import run_build
from tests.support.spark_ledgers import needs_spark


def java(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose Java says that it is of this version."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"""#!/bin/sh\necho 'openjdk version "{version}" 2024-01-16' >&2\n""")
    program.chmod(0o700)
    return folder


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages seem to be there."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for missing, package in (("pyspark", "pyspark"), ("dbt.adapters.spark", "dbt-spark")):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, of=missing: None if name == of else name
        )
        with pytest.raises(UserError) as told:
            check_spark()
        assert str(told.value) == (
            f"ENGINE=spark: {package} is not installed; make spark adds what it needs to the environment, or leave"
            " ENGINE out to build with DuckDB."
        )


@pytest.mark.usefixtures("installed")
def test_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UserError, match=r"^ENGINE=spark: there is no java on the PATH; install Java 17"):
        check_spark()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match=rf"^ENGINE=spark: JAVA_HOME={tmp_path} has no bin/java that runs; "):
        check_spark()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("version", "told"), [("1.8.0_392", "8"), ("11.0.21", "11"), ("17.0.1", ""), ("25", "")]
)
def test_another_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, told: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, version)))
    if not told:
        check_spark()
        return
    with pytest.raises(UserError) as error:
        check_spark()
    assert str(error.value) == (
        f"ENGINE=spark: {tmp_path}/bin/java is Java {told}; Spark needs Java 17 or later (JAVA_HOME says which is used)."
    )


def test_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://cluster:15002")
    with pytest.raises(
        UserError, match=r"^SPARK_REMOTE=sc://cluster:15002: ENGINE=spark builds on this machine alone"
    ):
        check_spark()


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(UserError, match=r"^ENGINE=polars: expected duckdb or spark\.$"):
        parse_parameters(["ENGINE=polars"])


def ledger(folder: Path, file_format: str) -> Path:
    write_sample_ledger(folder, customers=30, seed=1, file_format=file_format, months=12)
    return folder


def refusal(source: Path, mapping: InputMapping | None = None) -> str:
    """What the intake says of a source that Spark is to read."""
    with duckdb.connect() as connection, pytest.raises(UserError) as told:
        open_source(
            connection, source, load_contract(STAGING), *([mapping] if mapping else []), for_spark=True
        )
    return str(told.value)


def test_inputs_that_spark_does_not_read(tmp_path: Path) -> None:
    assert refusal(ledger(tmp_path / "csv", "csv")) == (
        "ENGINE=spark: accounts, transactions, statements are CSV, and Spark reads Parquet alone here: write the tables as"
        " Parquet, or leave ENGINE out, and DuckDB reads them as they are."
    )
    whole = ledger(tmp_path / "parquet", "parquet")
    assert refusal(whole, InputMapping(tmp_path / "mapping.yml")).startswith(
        f"ENGINE=spark: {tmp_path}/mapping.yml says what tables and columns are called, which DuckDB alone reads;"
    )
    odd = ledger(tmp_path / "all*", "parquet")
    assert "Spark takes { } [ ] * ? \\ in a path for a pattern; rename" in refusal(odd)
    summary = tmp_path / "summary.csv"
    names = [column.name for column in load_contract(STAGING).summary["customer_summary"]]
    summary.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    assert refusal(summary).startswith("ENGINE=spark: is for a ledger; a customer summary is small")


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "parquet", "parquet")
    (folder / "transactions.parquet").rename(tmp_path / "all.parquet")
    duckdb.execute(
        f"copy (select * exclude (amount) from '{tmp_path}/all.parquet') to '{folder}/transactions.parquet'"
    )
    assert refusal(folder).startswith(
        f"{folder}/transactions.parquet lacks the column amount of transactions; found:"
    )


def test_memory_and_threads_are_the_machine_owners(tmp_path: Path) -> None:
    given = settings(tmp_path, Machine("1.5 GB", 3))
    assert (given["spark.master"], given["spark.driver.memory"]) == ("local[3]", "1536m")
    assert settings(tmp_path, Machine("2TB", 1))["spark.driver.memory"] == f"{2 * 1024**2}m"


@needs_spark
def test_a_spark_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java that passes for one and is none."""
    source = ledger(tmp_path / "parquet", "parquet")
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "java", "21")))
    done = run_build(tmp_path / "warehouse", f"SOURCE={source}", "ENGINE=spark", afresh=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ENGINE=spark: Spark does not start (")
    assert done.stderr.count("\n") == 1
    assert f"details stand in {tmp_path}/warehouse/logs/spark.log" in done.stderr
    assert not list((tmp_path / "warehouse").glob(".partial-*"))
