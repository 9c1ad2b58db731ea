"""The generated sample: the same bytes each time, every kind of dirt, and features like the real file's."""

import hashlib
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from scripts.base.errors import UserError
from scripts.sample.dirt import KINDS
from scripts.sample.ledger import SampleLedger, write_sample_ledger
from tests.support.builds import run_build

# The reason in rejected_rows, or a part of it, for each kind of dirty row.
REASONS = {
    "accounts": {
        "account stands twice, same content": "stands in another row",
        "date cannot be parsed": "opened_on is not a date",
        "customer id is empty": "customer_id is empty",
        "date is impossible": "opened_on is not a date",
        "account stands twice, other content": "stands in another row",
        "closed before it was opened": "closed_on lies before opened_on",
        "closing date cannot be parsed": "closed_on is not a date",
        "account id is empty": "account_id is empty",
        "too many columns": "column",
    },
    "transactions": {
        "amount is no number": "amount is not a number",
        "date cannot be parsed": "posted_on is not a date",
        "date is impossible": "posted_on is not a date",
        "date lies in the future": "after the last day of the window",
        "amount is NaN": "amount is not a number",
        "amount is infinite": "amount is not a number",
        "amount is negative": "amount is negative",
        "type is unknown": "transaction_type is not one of",
        "account is unknown": "account_id is not among",
        "account id is empty": "account_id is empty",
        "amount has 200 digits": "amount is not a number",
        "transaction id is empty": "transaction_id is empty",
        "transaction id stands twice, same content": "stands in another row",
        "transaction id stands twice, other content": "stands in another row",
        "too many columns": "column",
    },
    "statements": {
        "number cannot be parsed": "average_daily_balance is not a number",
        "date cannot be parsed": "statement_on is not a date",
        "date is impossible": "due_on is not a date",
        "number is NaN": "closing_balance is not a number",
        "number is infinite": "credit_limit is not a number",
        "minimum due is negative": "minimum_due is negative",
        "date lies in the future": "after the last day of the window",
        "account is unknown": "account_id is not among",
        "account id is empty": "account_id is empty",
        "number has 200 digits": "closing_balance is not a number",
        "statement stands twice, same content": "stands in another row",
        "statement stands twice, other content": "stands in another row",
        "too many columns": "column",
    },
}


def write(folder: Path, **given: object) -> SampleLedger:
    """A small sample; `given` replaces the arguments that matter to a test."""
    arguments = {"customers": 300, "seed": 1, "file_format": "csv", "months": 18} | given
    return write_sample_ledger(folder, **arguments)  # type: ignore[arg-type]


def digest(folder: Path) -> str:
    """One hash over names and bytes of all files of a ledger and its hidden types."""
    files = [*folder.rglob("*.*"), folder.with_name(f"{folder.name}_hidden_types.csv")]
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.name.replace(folder.name, "").encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleLedger:
    """The sample that `make build` makes, at its default size."""
    return write(tmp_path_factory.mktemp("sample") / "ledger", customers=10_000)


@pytest.fixture(scope="module")
def published(sample: SampleLedger) -> Path:
    """The job's result for it."""
    warehouse = sample.folder.parent / "warehouse"
    done = run_build(warehouse, f"SOURCE={sample.folder}")
    assert done.returncode == 0, done.stderr
    return warehouse / "card_segments.duckdb"


def table(published: Path, name: str) -> pd.DataFrame:
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.table(f"marts.{name}").df()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, file_format: str) -> None:
    """Whatever the number of threads; another seed gives another portfolio."""
    made = [
        write(tmp_path / name / "ledger", file_format=file_format, **given).folder
        for name, given in {"a": {"threads": 1}, "b": {"threads": 2}, "c": {"seed": 2}}.items()
    ]
    first, again, other = map(digest, made)
    assert first == again
    assert first != other


def test_the_bytes_are_those_of_every_other_machine(tmp_path: Path) -> None:
    """A change of this number is a change of everybody's sample: it belongs into the changelog."""
    assert digest(write(tmp_path / "ledger").folder) == GOLDEN


GOLDEN = "5cf49b3f79e4c7fd5f51646b26306c8ca0cfadf61a6ac6f9596253bb48cce7d5"


def test_every_customer_has_a_hidden_type_outside_the_ledger(sample: SampleLedger, published: Path) -> None:
    hidden = pd.read_csv(sample.hidden_types, dtype=str)
    assert sample.folder not in sample.hidden_types.parents
    assert hidden.customer_id.is_unique
    assert set(hidden.customer_id) == set(table(published, "customer_segments").customer_id)
    assert hidden.hidden_type.nunique() >= 7


def test_every_kind_of_dirt_is_there_and_refused_for_its_reason(
    sample: SampleLedger, published: Path
) -> None:
    rejected = table(published, "rejected_rows")
    audit = table(published, "load_audit").query("measure == 'rows'").set_index("source")
    for name, kinds in KINDS.items():
        written = sample.dirty_rows[name]
        refused = {kind.name for kind in kinds if not kind.accepted}
        assert set(REASONS[name]) == refused
        expected: dict[str, int] = {}
        for kind, reason in REASONS[name].items():
            if name != "accounts":
                assert written[kind] >= 1, (name, kind)
            expected[reason] = expected.get(reason, 0) + written.get(kind, 0)
        reasons = rejected[rejected.source == name].reason
        found = {reason: int(reasons.str.contains(reason, regex=False).sum()) for reason in expected}
        assert found == expected
        assert len(reasons) == sum(expected.values())
        assert audit.rows_in[name] == sample.rows[name]
        assert audit.rows_in_error[name] == len(reasons)


def test_features_are_distributed_like_the_real_files(real_file: Path, published: Path) -> None:
    """Kolmogorov-Smirnov distance of at most 0.15 and shares of zeros within 7 points, for each feature."""
    real = pd.read_csv(real_file).rename(columns=str.lower).fillna({"minimum_payments": 0.0})
    sampled = table(published, "customer_features")
    for name in real.columns.drop("cust_id"):
        ours, theirs = sampled[name].dropna(), real[name].dropna()
        assert ks_2samp(ours, theirs).statistic <= 0.15, name
        assert abs((ours == 0).mean() - (theirs == 0).mean()) <= 0.07, name
        for share in (0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
            # A quantile may lie where the real file has those 10 points of rank away.
            low, high = theirs.quantile([max(share - 0.1, 0), min(share + 0.1, 1)])
            assert low <= ours.quantile(share) <= high, (name, share)


def test_features_are_correlated_like_the_real_files(real_file: Path, published: Path) -> None:
    """Spearman's rank correlations of each pair: 0.12 apart at most, 0.04 on average."""
    real = pd.read_csv(real_file).rename(columns=str.lower).fillna({"minimum_payments": 0.0})
    names = real.columns.drop("cust_id")
    ours = table(published, "customer_features")[names].corr("spearman").to_numpy()
    apart = np.abs(ours - real[names].corr("spearman").to_numpy())[np.triu_indices(len(names), 1)]
    assert apart.max() <= 0.12
    assert apart.mean() <= 0.04


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"customers": 0}, "at least 1 customer"),
        ({"seed": -1}, "0 or more"),
        ({"file_format": "xml"}, "expected csv or parquet"),
        ({"months": 11}, "12 to 120"),
    ],
)
def test_a_wrong_argument_is_one_sentence(tmp_path: Path, given: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        write(tmp_path / "ledger", **given)
    assert not (tmp_path / "ledger").exists()


def test_what_is_no_ledger_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match=r"thesis\.txt"):
        write(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
