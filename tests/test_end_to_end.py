"""The whole job as a user starts it: real file and generated ledger in, published tables out."""

import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.conftest import REPO, run_build

TABLES = {
    "customer_segments", "customer_features", "segment_profiles", "segment_feature_contrasts", "elbow_curve",
    "model_candidates", "model_parameters", "model_runs", "rejected_rows", "load_audit", "data_quality_checks",
}  # fmt: skip

# DOMAIN: counted in the real file with pandas, apart from the job.
REAL_CHECKS = {
    "frequency_not_whole_months": 0,
    "tenure_outside_window": 0,
    "cash_advance_frequency_above_one": 8,
    "purchases_differ_from_parts": 19,
    "no_purchases_but_transactions": 3,
    "purchases_without_transactions": 3,
    "no_purchases_but_frequency": 1,
    "fewer_purchases_than_months": 15,
    "fewer_purchase_months_than_part": 19,
    "paid_in_full_below_minimum": 8,
    "credit_limit_missing": 1,
    "credit_limit_below_500": 32,
    "balance_above_limit": 227,
    "balance_far_above_limit": 48,
    "balance_twice_limit": 3,
    "minimum_due_above_payments": 2365,
    "minimum_due_above_limit": 346,
    "minimum_payments_missing": 313,
}


def query(published: Path, sql: str) -> pd.DataFrame:
    """Read from a published file as a BI tool does."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.sql(sql).df()


@pytest.fixture(params=["real_build", "sample_build"])
def published(request: pytest.FixtureRequest) -> Path:
    """Both kinds of input in turn."""
    return request.getfixturevalue(request.param)


def test_published_file_holds_the_promised_tables(published: Path) -> None:
    found = query(published, "select schema_name, table_name from duckdb_tables()")
    assert set(found.schema_name) == {"marts"}
    assert set(found.table_name) >= TABLES


def test_every_customer_is_labelled(published: Path) -> None:
    counts = query(
        published,
        "select count(*) as n, count(segment_id) as labelled,"
        " (select count(*) from marts.customer_features) as customers from marts.customer_segments",
    ).iloc[0]
    assert counts.n == counts.labelled == counts.customers > 0


def test_rows_and_money_add_up_to_the_cent(published: Path) -> None:
    audit = query(published, "select * from marts.load_audit")
    rows = audit[audit.measure == "rows"]
    assert (rows.rows_in == rows.rows_accepted + rows.rows_rejected).all()
    money = audit[audit.measure != "rows"].astype(
        dict.fromkeys(["amount_in", "amount_in_features", "amount_outside_window", "amount_rejected"], float)
    )
    out = money.amount_in_features + money.amount_outside_window + money.amount_rejected
    assert len(money) >= 7
    assert np.abs(money.amount_in - out).max() < 0.005


def test_confidence_lies_between_0_and_1(published: Path) -> None:
    confidence = query(published, "select confidence from marts.customer_segments").confidence
    assert confidence.between(0, 1).all()


def test_labels_are_those_of_the_nearest_centroid(published: Path) -> None:
    """The SQL scorer agrees with a plain numpy computation from the same parameters on every row."""
    features = query(published, "select * from marts.customer_features order by customer_id")
    parameters = query(published, "select * from marts.model_parameters")
    stage = {
        (name, component): group.set_index("feature").value
        for (name, component), group in parameters.groupby(["stage", "component"])
    }
    columns = list(stage["impute", "median"].index)
    x = features[columns].fillna(stage["impute", "median"])
    z = (x - stage["scale", "center"]) / stage["scale", "scale"]
    k = parameters[parameters.stage == "centroid"].component.astype(int).max()
    distances = np.column_stack(
        [np.sqrt(((z - stage["centroid", str(s)]) ** 2).sum(axis=1)) for s in range(1, k + 1)]
    )
    labels = query(published, "select * from marts.customer_segments order by customer_id")
    assert (labels.segment_id == distances.argmin(axis=1) + 1).all()
    assert np.allclose(labels.distance_to_centroid, distances.min(axis=1), atol=1e-6)


def test_anomalies_of_the_real_file_are_counted(real_build: Path) -> None:
    checks = query(real_build, "select * from marts.data_quality_checks").set_index("check_name")
    assert checks.affected_rows.to_dict() == REAL_CHECKS
    assert set(checks.example_ids["cash_advance_frequency_above_one"].split()) == {
        "C10708", "C11680", "C12629", "C12684", "C13127", "C13347", "C18273", "C18588",
    }  # fmt: skip
    assert checks.example_ids["no_purchases_but_frequency"] == "C12291"


def test_segments_are_numbered_by_size(real_build: Path) -> None:
    sizes = query(real_build, "select customers from marts.segment_profiles order by segment_id").customers
    assert list(sizes) == sorted(sizes, reverse=True)
    assert sizes.sum() == 8950


def test_k_of_the_user_reaches_the_tables(real_file: Path, tmp_path: Path) -> None:
    done = run_build(tmp_path / "w", f"SOURCE={real_file}", "K=7", "SCALING=standard")
    assert done.returncode == 0, done.stderr
    published = tmp_path / "w" / "card_segments.duckdb"
    assert len(query(published, "select * from marts.segment_profiles")) == 7
    assert query(published, "select k from marts.elbow_curve where is_chosen").k.tolist() == [7]
    assert "7" in query(published, "select reason from marts.model_candidates where is_chosen").reason[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["K=1"], "at least 2 segments"),
        (["K=two"], "whole number"),
        (["SCALLING=standard"], "did you mean SCALING"),
        (["SOURCE=/no/such/file.csv"], "/no/such/file.csv"),
        (["AS_OF=2025-12-30"], "last day"),
        (["MAX_REJECTED_SHARE=5"], "share from 0 to 1"),
    ],
)
def test_a_users_mistake_is_one_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run_build(tmp_path / "w", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "w" / "card_segments.duckdb").exists()


def test_bad_rows_are_kept_apart_and_too_many_stop_the_build(tmp_path: Path) -> None:
    """One bad row in 40 is set aside with its reason; the same row stops a build that allows none."""
    header = (
        "CUST_ID,BALANCE,BALANCE_FREQUENCY,PURCHASES,ONEOFF_PURCHASES,INSTALLMENTS_PURCHASES,CASH_ADVANCE,"
        "PURCHASES_FREQUENCY,ONEOFF_PURCHASES_FREQUENCY,PURCHASES_INSTALLMENTS_FREQUENCY,CASH_ADVANCE_FREQUENCY,"
        "CASH_ADVANCE_TRX,PURCHASES_TRX,CREDIT_LIMIT,PAYMENTS,MINIMUM_PAYMENTS,PRC_FULL_PAYMENT,TENURE"
    )
    rows = [
        f"{i:05},{100 * i},1,{10 * i},{10 * i},0,{5 * (i % 3)},0.5,0.5,0,{0.25 * (i % 2)},"
        f"{i % 4},{i},1000,{7 * i},20,0,12"
        for i in range(1, 41)
    ]
    rows[3] = rows[3].replace("00004,400,", "00004,NaN,")
    source = tmp_path / "cards.csv"
    source.write_text("\n".join([header, *rows]) + "\n")
    done = run_build(tmp_path / "w", f"SOURCE={source}")
    assert done.returncode == 0, done.stderr
    rejected = query(tmp_path / "w" / "card_segments.duckdb", "select * from marts.rejected_rows")
    assert rejected[["row_number", "reason"]].values.tolist() == [[4, "balance is not a number"]]
    assert '"cust_id":"00004"' in rejected.raw_row[0].lower()

    before = (tmp_path / "w" / "card_segments.duckdb").readlink()
    stopped = run_build(tmp_path / "w", f"SOURCE={source}", "MAX_REJECTED_SHARE=0.01")
    assert stopped.returncode == 1
    assert "balance is not a number" in stopped.stderr
    assert (tmp_path / "w" / "card_segments.duckdb").readlink() == before


def test_the_readmes_questions_run(sample_build: Path) -> None:
    """Each SQL block of the README gives rows, and the answer printed below it has the same columns."""
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```\n\n```text\n(.*?)\n", readme, flags=re.DOTALL)
    assert len(blocks) == readme.count("```sql") >= 4
    for sql, header in blocks:
        answer = query(sample_build, sql)
        assert len(answer) > 0, sql
        assert header.split() == list(answer.columns), sql


def test_an_earlier_window_sets_later_rows_aside(tmp_path: Path) -> None:
    """AS_OF half a year back: what came after is no error; a window without statements is one sentence."""
    from scripts.sample_ledger import write_sample_ledger

    write_sample_ledger(tmp_path / "ledger", customers=300, seed=4, file_format="parquet", months=20)
    source = f"SOURCE={tmp_path / 'ledger'}"
    done = run_build(tmp_path / "w", source, "AS_OF=2025-06-30", "K=3")
    assert done.returncode == 0, done.stderr
    published = tmp_path / "w" / "card_segments.duckdb"
    audit = query(published, "select * from marts.load_audit where measure = 'rows'").set_index("source")
    assert audit.rows_rejected["transactions"] == audit.rows_rejected["statements"] == 0
    assert str(query(published, "select max(as_of_date) as d from marts.customer_segments").d[0])[:10] == (
        "2025-06-30"
    )
    before = published.readlink()
    done = run_build(tmp_path / "w", source, "AS_OF=2035-06-30")
    assert done.returncode == 1
    assert "none lies in the window from 2034-07-01 to 2035-06-30" in done.stderr
    assert "Traceback" not in done.stderr
    assert published.readlink() == before


def test_row_order_and_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ledger, its rows shuffled and built on one thread, gives the same tables."""
    from scripts.sample_ledger import write_sample_ledger

    write_sample_ledger(tmp_path / "plain", customers=400, seed=5, file_format="parquet", months=13)
    (tmp_path / "shuffled").mkdir()
    with duckdb.connect() as connection:
        for table in ("accounts", "transactions", "statements"):
            connection.execute(
                f"copy (from '{tmp_path}/plain/{table}.parquet' order by hash({table}))"
                f" to '{tmp_path}/shuffled/{table}.parquet'"
            )
    found = []
    for ledger, threads in (("plain", "2"), ("shuffled", "1")):
        monkeypatch.setenv("CARD_SEGMENTS_THREADS", threads)
        done = run_build(tmp_path / f"w_{ledger}", f"SOURCE={tmp_path / ledger}")
        assert done.returncode == 0, done.stderr
        published = tmp_path / f"w_{ledger}" / "card_segments.duckdb"
        features = query(published, "from marts.customer_features order by customer_id")
        labels = query(
            published, "select * exclude (model_id) from marts.customer_segments order by customer_id"
        )
        found.append((features, labels))
    (features, labels), (same_features, same_labels) = found
    assert len(labels) == 400
    pd.testing.assert_frame_equal(features, same_features, rtol=1e-12)
    pd.testing.assert_frame_equal(labels, same_labels, rtol=1e-9)
