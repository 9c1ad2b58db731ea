"""The whole job as a user starts it: real file and generated ledger in, published tables out."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.support.builds import query, run_build, run_command

TABLES = {
    "customer_segments", "customer_features", "segment_profiles", "segment_feature_contrasts", "elbow_curve",
    "model_candidates", "model_parameters", "model_runs", "rejected_rows", "load_audit", "data_quality_checks",
    "choice_votes", "pca_components", "autoencoders", "autoencoder_training",
    "autoencoder_reconstruction", "autoencoder_layers", "customer_embeddings", "segment_rules", "customer_values",
    "segment_values", "value_assumptions", "segment_playbook", "protected_trait_mix", "words",
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
    "balance_missing": 0,
    "balance_far_above_limit": 48,
    "balance_twice_limit": 3,
    "minimum_due_above_payments": 2365,
    "minimum_due_above_limit": 346,
    "minimum_payments_missing": 313,
}


@pytest.fixture(params=["real_build", "sample_build"])
def published(request: pytest.FixtureRequest) -> Path:
    """Both kinds of input in turn."""
    return request.getfixturevalue(request.param)


def test_published_file_holds_the_promised_tables(published: Path) -> None:
    found = query(published, "select schema_name, table_name from duckdb_tables()")
    assert set(found.schema_name) == {"marts"}
    assert set(found.table_name) >= TABLES


def test_every_published_column_has_a_comment(published: Path) -> None:
    silent = query(
        published,
        "select table_name, column_name from duckdb_columns()"
        " where schema_name = 'marts' and coalesce(trim(comment), '') = ''",
    )
    assert silent.values.tolist() == []


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


def test_the_real_files_champion_is_stable_and_says_why(real_build: Path) -> None:
    run = query(real_build, "select * from marts.model_runs").iloc[0]
    assert (run.scaling, run.representation, run.k) == ("log_standard", "scaled", 6)
    assert run.is_stable and run.warning is None
    # The issue asks for 0.9 over 50 resamples.
    assert run.stability >= 0.9
    assert "50 resamples" in run.reason
    profiles = query(real_build, "select * from marts.segment_profiles")
    assert profiles.stability.min() == pytest.approx(run.stability)
    assert not profiles.is_unstable.any()


def test_everything_compared_stands_in_the_tables(real_build: Path) -> None:
    candidates = query(real_build, "select * from marts.model_candidates")
    assert set(candidates.scaling) == {"standard", "log_standard", "robust", "quantile"}
    assert set(candidates.representation) == {
        "scaled", "pca", "undercomplete", "sparse", "denoising", "variational",
    }  # fmt: skip
    assert set(candidates.k) == set(range(2, 13))
    assert candidates.is_chosen.sum() == 1
    assert candidates.reason.str.len().min() > 10
    assert list(query(real_build, "select k from marts.elbow_curve order by k").k) == list(range(1, 21))
    assert set(query(real_build, "select method from marts.choice_votes").method) >= {
        "elbow", "silhouette", "davies_bouldin", "calinski_harabasz", "gap", "stability",
    }  # fmt: skip


def test_autoencoders_have_no_dead_unit_and_rebuild_better_than_pca(real_build: Path) -> None:
    networks = query(real_build, "select * from marts.autoencoders")
    assert len(networks) == 4
    assert (networks.dead_units == 0).all()
    assert (networks.mse < networks.pca_mse).all()
    assert networks.is_lead.sum() == 1


def test_every_customer_has_codes_and_an_outlier_score(real_build: Path) -> None:
    counts = query(
        real_build,
        "select autoencoder, count(ae_1) as codes, count(reconstruction_error) as errors,"
        " avg(reconstruction_error) as mean_error from marts.customer_embeddings group by 1",
    )
    # Of four networks the lead alone encodes everybody, where nothing else is asked.
    assert len(counts) == 1
    assert (counts.codes == 8950).all() and (counts.errors == 8950).all()
    # The score is the error that the network was judged by, customer by customer.
    networks = query(real_build, "select autoencoder, mse from marts.autoencoders")
    both = counts.merge(networks, on="autoencoder")
    assert np.allclose(both.mean_error, both.mse, rtol=1e-6)
    lead = query(
        real_build,
        "select segments.ae_1 = codes.ae_1 and segments.ae_2 = codes.ae_2"
        " and segments.reconstruction_error = codes.reconstruction_error as is_same"
        " from marts.customer_segments as segments"
        " inner join marts.customer_embeddings as codes using (customer_id)"
        " inner join marts.autoencoders using (autoencoder) where is_lead",
    )
    assert len(lead) == 8950 and lead.is_same.all()


def test_on_request_every_network_encodes_every_customer(sample_build: Path, tmp_path: Path) -> None:
    ledger = sample_build.parents[1] / "ledger"
    done = run_build(
        tmp_path / "w", f"SOURCE={ledger}", "AUTOENCODERS=undercomplete,sparse", "EMBEDDINGS=all", "K=3"
    )
    assert done.returncode == 0, done.stderr
    published = tmp_path / "w" / "card_segments.duckdb"
    counts = query(
        published, "select autoencoder, count(ae_1) as n from marts.customer_embeddings group by 1"
    )
    customers = len(query(published, "from marts.customer_segments"))
    assert dict(counts.values) == {"undercomplete": customers, "sparse": customers}
    shown = query(
        published,
        "select count(*) as n from marts.customer_segments as segments inner join marts.customer_embeddings as codes"
        " on segments.customer_id = codes.customer_id and segments.ae_1 = codes.ae_1"
        " inner join marts.autoencoders using (autoencoder) where is_lead",
    )
    assert shown.n[0] == customers


def test_what_the_user_asks_for_reaches_the_tables(real_file: Path, tmp_path: Path) -> None:
    """An unstable model on request: it is built, marked and warned of; both models stay on record."""
    warehouse = tmp_path / "w"
    asked = {
        "K": 8, "SCALING": "standard", "REPRESENTATION": "pca", "PCA_VARIANCE": 0.8, "K_MAX": 10,
        "CANDIDATES_K_MAX": 5, "BOOTSTRAPS": 12, "MIN_JACCARD": 0.7, "MIN_SEGMENT_SHARE": 0.02, "SEED": 7,
        "SAMPLE_ROWS": 5000, "CURVE_ROWS": 4000, "SILHOUETTE_ROWS": 900, "AUTOENCODERS": "",
    }  # fmt: skip
    done = run_build(warehouse, f"SOURCE={real_file}", *(f"{name}={value}" for name, value in asked.items()))
    assert done.returncode == 0, done.stderr
    published = warehouse / "card_segments.duckdb"
    run = query(published, "select * from marts.model_runs").iloc[0]
    details = json.loads(run.details)
    for name, value in asked.items():
        key = name.lower()
        assert details.get(f"{key}_asked", details.get(key)) == value, name
    assert (run.k, run.scaling, run.representation) == (8, "standard", "pca")
    assert run.reason.startswith("K=8, SCALING=standard, REPRESENTATION=pca as asked")
    assert not run.is_stable
    assert f"warning: {run.warning}" in done.stdout
    assert "(unstable)" in done.stdout
    assert query(published, "select is_unstable from marts.segment_profiles").is_unstable.any()
    assert query(published, "select k from marts.elbow_curve where is_chosen").k.tolist() == [8]
    assert len(query(published, "select * from marts.customer_embeddings")) == 0

    done = run_build(warehouse, f"SOURCE={real_file}", "K=3")
    assert done.returncode == 0, done.stderr
    runs = query(published, "select model_id, k from marts.model_runs order by run_number")
    assert runs.k.tolist() == [8, 3]
    parameters = query(published, "select model_id, count(distinct component) as k from marts.model_parameters"
                       " where stage = 'centroid' group by 1")  # fmt: skip
    assert dict(parameters.values) == dict(zip(runs.model_id, [8, 3], strict=True))
    assert query(published, "select distinct model_id from marts.customer_segments").model_id.tolist() == [
        runs.model_id[1]
    ]
    # A model of an earlier build still labels the customers as it did.
    done = run_command(warehouse, "scripts.scoring_sql", f"MODEL={runs.model_id[0]}")
    assert done.returncode == 0, done.stderr
    first = done.stdout
    labels = query(published, f"with customer_features as (from marts.customer_features) from ({first})")
    assert labels.segment_id.nunique() == 8
    done = run_command(warehouse, "scripts.models")
    assert done.returncode == 0, done.stderr
    listed = done.stdout.splitlines()
    assert [line.split()[0] for line in listed[1::2]] == [runs.model_id[1], runs.model_id[0]]
    assert listed[1].split()[1] == "champion" and listed[4].endswith("unstable")
    assert max(map(len, listed)) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["K=1"], "at least 2 segments"),
        (["K=two"], "whole number"),
        (["SCALING=log"], "no such scaling; choose standard or"),
        (["REPRESENTATION=ae"], "no such representation; choose scaled or pca or"),
        (["AUTOENCODERS=sparse,deep"], "deep is no autoencoder"),
        (["EMBEDDINGS=some"], "EMBEDDINGS=some: expected lead or all"),
        (["CANDIDATES_K_MAX=30"], "2 to K_MAX=20"),
        (["MIN_JACCARD=75"], "0 to 1"),
        (["BOOTSTRAPS=0"], "1 to 1000"),
        (["SCALLING=standard"], "did you mean SCALING"),
        (["SOURCE=/no/such/file.csv"], "/no/such/file.csv"),
        (["AS_OF=2025-12-30"], "last day"),
        (["MAX_REJECTED_SHARE=5"], "number from 0 to 1"),
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
    rows[3] = rows[3].replace("00004,400,", "00004,4O0,")
    source = tmp_path / "cards.csv"
    source.write_text("\n".join([header, *rows]) + "\n")
    done = run_build(tmp_path / "w", f"SOURCE={source}")
    assert done.returncode == 0, done.stderr
    rejected = query(tmp_path / "w" / "card_segments.duckdb", "select * from marts.rejected_rows")
    assert rejected[["row_number", "reason"]].values.tolist() == [[4, "balance is not a number"]]
    assert '"cust_id":"00004"' in rejected.raw_row[0].lower()

    before = (tmp_path / "w" / "current").readlink()
    stopped = run_build(tmp_path / "w", f"SOURCE={source}", "MAX_REJECTED_SHARE=0.01")
    assert stopped.returncode == 2
    run = json.loads((tmp_path / "w" / "logs" / "run.json").read_text())
    assert (run["exit_code"], run["sentence"]) == (2, stopped.stderr.removeprefix("error: ").strip())
    assert run["stages"][0]["stage"] == "Open the input"
    assert "balance is not a number" in stopped.stderr
    assert (tmp_path / "w" / "current").readlink() == before


def test_an_earlier_window_sets_later_rows_aside(tmp_path: Path) -> None:
    """AS_OF half a year back: what came after is no error; a window without statements is one sentence."""
    from scripts.sample.ledger import write_sample_ledger

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
    before = published.resolve()
    done = run_build(tmp_path / "w", source, "AS_OF=2035-06-30")
    assert done.returncode == 1
    assert "none lies in the window from 2034-07-01 to 2035-06-30" in done.stderr
    assert "Traceback" not in done.stderr
    assert published.resolve() == before


def test_row_order_and_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ledger, its rows shuffled and built on one thread, gives the same tables."""
    from scripts.sample.ledger import write_sample_ledger

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


def test_a_customer_all_of_whose_accounts_are_closed_is_marked(sample_build: Path) -> None:
    """As pandas counts it from the ledger's accounts, of those who have a segment."""
    accounts = pd.read_csv(
        sample_build.parent.parent / "ledger" / "accounts.csv", dtype=str, on_bad_lines="skip"
    )
    closed = accounts.groupby("customer_id")["closed_on"].agg(lambda days: days.notna().all())
    found = query(sample_build, "select customer_id, is_closed from marts.customer_segments").set_index(
        "customer_id"
    )
    both = found.join(closed.rename("expected"), how="inner")
    # Rows that were refused may differ; there are a few in the sample.
    assert (both["is_closed"] == both["expected"]).mean() > 0.98
    assert 0.02 < found["is_closed"].mean() < 0.5
