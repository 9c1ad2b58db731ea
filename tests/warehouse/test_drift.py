"""Drift on a portfolio that goes on: a quiet month is fine, a shock acts at once, chance is no drift."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from scripts.benchmark.drift import movers_of
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import query, run_build, run_command

MONEY = (
    "balance", "purchases", "oneoff_purchases", "installments_purchases", "cash_advance", "credit_limit", "payments",
    "minimum_payments",
)  # fmt: skip


def build(warehouse: Path, *given: str) -> str:
    done = run_build(warehouse, *given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def published(warehouse: Path, sql: str) -> pd.DataFrame:
    return query(warehouse / "card_segments.duckdb", sql)


@pytest.fixture(scope="module")
def december(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a model, of a ledger whose column of limits breaks in February."""
    ledger = tmp_path_factory.mktemp("drift") / "ledger"
    write_sample_ledger(
        ledger, customers=600, seed=2, file_format="csv", months=12, more_months=3, shock="broken_column", shock_month=2
    )  # fmt: skip
    warehouse = ledger.parent / "december"
    build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-12-31")
    return warehouse


@pytest.fixture(scope="module")
def january(december: Path) -> Path:
    warehouse = shutil.copytree(december, december.parent / "january", symlinks=True)
    build(warehouse, "AS_OF=2026-01-31")
    return warehouse


def test_the_past_of_a_longer_ledger_is_the_past_of_a_shorter_one(december: Path, tmp_path: Path) -> None:
    """What comes after a month does not show in it."""
    ledger = tmp_path / "ledger"
    write_sample_ledger(ledger, customers=600, seed=2, file_format="csv", months=12)
    warehouse = tmp_path / "warehouse"
    build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-12-31")
    for columns in ("* from marts.customer_features", "customer_id, segment_id from marts.customer_segments"):
        alone, of_longer = (
            published(each, f"select {columns} order by all") for each in (warehouse, december)
        )
        pd.testing.assert_frame_equal(alone, of_longer)


def test_a_quiet_month_is_fine(january: Path) -> None:
    drift = published(january, "from marts.segment_drift")
    assert not (drift.alarm == "act").any(), drift[drift.alarm == "act"].words.tolist()
    assert set(drift[drift.measure == "month"].part) == {*MONEY, "prc_full_payment"}
    segments = published(january, "select segment_id::varchar as part, customers from marts.segment_profiles")
    assert set(drift[drift.measure == "month_of_segment"].part) <= set(segments.part)


def test_a_month_is_held_against_the_same_month_a_year_before(december: Path, january: Path) -> None:
    """Both windows differ by these two months."""
    before, now = (
        published(each, "from marts.customer_features").set_index("customer_id")
        for each in (december, january)
    )
    both = before.index[before.tenure == 12].intersection(now.index[now.tenure == 12])
    lines = published(january, "from marts.segment_drift where measure = 'month'").set_index("part")
    for name in MONEY:
        was, became = before[name][both].astype(float), now[name][both].astype(float)
        known = was.notna() & became.notna()
        assert lines.drift[name] == pytest.approx(12 * abs(became[known].mean() / was[known].mean() - 1))
        less = became[known].mean() < was[known].mean()
        assert ("less than the same month" if less else "more than the same month") in lines.words[name]


def test_a_broken_column_acts_in_its_first_month(january: Path, tmp_path: Path) -> None:
    """PSI sees it later: the window has eleven good months yet."""
    warehouse = shutil.copytree(january, tmp_path / "february", symlinks=True)
    said = build(warehouse, "AS_OF=2026-02-28")
    drift = published(warehouse, "from marts.segment_drift").set_index(["measure", "part"])
    assert drift.alarm["month", "credit_limit"] == "act"
    assert drift.drift["month", "credit_limit"] == pytest.approx(1, abs=0.15)
    assert (drift.alarm[[("month", name) for name in MONEY if name != "credit_limit"]] != "act").all()
    assert drift.alarm["feature", "credit_limit"] != "act"
    assert "drift, act: credit limit: this month has" in said
    assert run_command(warehouse, "scripts.status").returncode == 5
    build(warehouse, "AS_OF=2026-02-28", "MONTH_ACT=2", "MONTH_WATCH=1.5")
    drift = published(warehouse, "from marts.segment_drift").set_index(["measure", "part"])
    assert drift.alarm["month", "credit_limit"] == "fine"


def test_a_month_that_does_not_follow_has_nothing_to_be_held_against(december: Path, tmp_path: Path) -> None:
    warehouse = shutil.copytree(december, tmp_path / "march", symlinks=True)
    build(warehouse, "AS_OF=2026-03-31")
    assert published(warehouse, "from marts.segment_drift where measure like 'month%'").empty


def test_what_chance_does_is_no_drift(january: Path, tmp_path: Path) -> None:
    """Eighty customers, then eighty others of the same portfolio under their ids."""
    features = published(
        january, "select * exclude (as_of_date) from marts.customer_features where tenure = 12"
    )
    drawn = features.sample(160, random_state=1).reset_index(drop=True)
    files = []
    for number in range(2):
        half = drawn.iloc[80 * number : 80 * number + 80].reset_index(drop=True)
        half["customer_id"] = [f"C{place}" for place in range(80)]
        files.append(tmp_path / f"{number}.csv")
        half.to_csv(files[-1], index=False)
    warehouse = tmp_path / "warehouse"
    build(warehouse, f"SOURCE={files[0]}", "AS_OF=2026-01-31", "K=3")
    build(warehouse, f"SOURCE={files[1]}", "AS_OF=2026-02-28", "MIN_KEPT_SHARE=0")
    drift = published(warehouse, "from marts.segment_drift where measure != 'name'")
    # Without regard to chance these would call for an act.
    assert (drift[drift.measure == "feature"].drift >= 0.25).sum() >= 2
    assert (drift[drift.measure == "month"].drift >= 0.15).sum() >= 2
    assert set(drift.alarm) == {"fine"}, drift[drift.alarm != "fine"].words.tolist()


def test_movers_are_held_against_hidden_types() -> None:
    """Anna's type changes in month 20 and her label in 22; Carl's label changes for no reason."""
    labels = pd.DataFrame(
        [
            (name, segment_of(month), month)
            for name, segment_of in {
                "Anna": lambda month: 2 if month >= 22 else 1,
                "Berta": lambda month: 1,
                "Carl": lambda month: 2 if month >= 16 else 1,
                "Dora": lambda month: 2,
                "Emil": lambda month: 1,
            }.items()
            for month in range(13, 37)
        ],
        columns=["customer_id", "segment_id", "month"],
    )
    hidden = pd.DataFrame(
        [
            ("Anna", "spender", "2026-01", "2027-07"),
            ("Anna", "borrower", "2027-08", "2029-01"),
            ("Berta", "spender", "2026-01", "2029-01"),
            ("Carl", "spender", "2026-01", "2029-01"),
            ("Dora", "borrower", "2026-01", "2029-01"),
            ("Emil", "spender", "2026-01", "2029-01"),
        ],
        columns=["customer_id", "hidden_type", "from_month", "to_month"],
    )
    found = movers_of(labels, hidden).set_index("horizon")
    assert found.movements.tolist() == [2, 2, 2, 2]
    assert found.explained.tolist() == [0, 1, 1, 1]
    assert found.changes.tolist() == found.told_apart.tolist() == [1, 1, 1, 1]
    assert found.noticed.tolist() == found.arrived.tolist() == [0, 1, 1, 1]
