"""Inputs that the job once got wrong, each with its right value: ../shared/cases, whose README.md tells the story of each.

test_spellings.py has those of which the decision alone is looked at, test_customer_ids.py those of lists.
"""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.support.builds import REPO
from tests.support.learned import features_or_sentences

CASES = REPO.parent / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")

# The right values of one customer; what is None is unknown.
RIGHT: dict[str, tuple[str, dict[str, float | None]]] = {
    # Thousands set off by points; dates with the day first; ids padded in one table.
    "l15_idr": ("C001", {"purchases": 1_910_108.0, "credit_limit": 1_000_000.0, "tenure": 12.0}),
    "l02_dmy": ("C001", {"purchases": 1910.10, "credit_limit": 1000.0, "tenure": 12.0}),
    "l14d_padded_one": ("C001", {"purchases": 1910.10, "credit_limit": 1000.0, "tenure": 12.0}),
    # Years of two digits in the dates on which cards were opened and closed.
    "l03_dmyy_accounts": ("C006", {"tenure": 4.0, "purchases_frequency": 1.0}),
    # Debt kept negative; a statement every 30 days; no minimum known.
    "l26_owed_negative": ("C003", {"balance": 633.58, "balance_frequency": 1.0, "prc_full_payment": 0.0}),
    "l20_thirty_days": ("C003", {"credit_limit": 5000.0, "tenure": 12.0}),
    "l27_minimum_empty": ("C003", {"minimum_payments": 399.35, "tenure": 12.0}),
    # Three months of history; one month missing; postings after an account was closed.
    "l10_three_months": ("C001", {"purchases": 219.26, "tenure": 3.0, "purchases_frequency": 1.0}),
    "l09_gap": ("C003", {"cash_advance_frequency": 1.0, "tenure": 11.0, "balance_frequency": 1.0}),
    "l25b_closed_goes_on": ("C003", {"cash_advance_frequency": 1.0, "tenure": 12.0}),
    # Of two holders the lower id counts, as no role is given.
    "l12b_joint_first": ("B900", {"purchases": 1910.10, "tenure": 12.0}),
    # Words for nothing, groups as in India, and a column without any value.
    "s04_na.csv": ("C0001", {"purchases": 3511.79, "prc_full_payment": 0.75}),
    "s12b_indian_few_large.csv": (
        "C0001",
        {"purchases": 140_000.0, "payments": 150_000.0, "balance": 1241.11},
    ),
    "full_payment_unknown.csv": ("Z0000", {"purchases": 1359.91, "prc_full_payment": None}),
    "shifted_rows.csv": ("Z0001", {"purchases": 1108.95, "tenure": 8.0}),
}
SENTENCES = {
    "l08_two_currencies": "amounts of several currencies cannot be added up",
    "l13_tz": "say in which one the bank's days are, as in TIME_ZONE=Asia/Jakarta",
}
REASONS = {
    "s04_na.csv": [],
    "s12b_indian_few_large.csv": [],
    "full_payment_unknown.csv": [],
    "shifted_rows.csv": ["the values stand one column too far to the left"],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pd.DataFrame | str]]:
    """What the model sees of each case, or the sentence, and the folder with their tables."""
    folder = tmp_path_factory.mktemp("cases") / "work"
    names = [*RIGHT, *SENTENCES]
    return folder, dict(
        zip(names, features_or_sentences([CASES / name for name in names], folder), strict=True)
    )


@pytest.mark.parametrize("case", RIGHT)
def test_right_values(found: tuple[Path, dict[str, pd.DataFrame | str]], case: str) -> None:
    customer, right = RIGHT[case]
    features = found[1][case]
    assert isinstance(features, pd.DataFrame), features
    row = features.set_index("customer_id").loc[customer]
    assert {name: None if pd.isna(row[name]) else row[name] for name in right} == right


@pytest.mark.parametrize("case", SENTENCES)
def test_refused_with_a_sentence(found: tuple[Path, dict[str, pd.DataFrame | str]], case: str) -> None:
    sentence = found[1][case]
    assert isinstance(sentence, str) and SENTENCES[case] in sentence


@pytest.mark.parametrize("case", REASONS)
def test_rows_refused_and_money_read(found: tuple[Path, dict[str, pd.DataFrame | str]], case: str) -> None:
    database = found[0] / str(list(RIGHT).index(case)) / "work.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select distinct reason from customers.int_rejected_rows").fetchall()
    assert [reason[: len(wanted)] for (reason,), wanted in zip(rows, REASONS[case], strict=False)] == REASONS[
        case
    ]
    assert bool(rows) == bool(REASONS[case])
