"""The generated sample after its last month: the past stays, people join, change and leave, shocks by name."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.base.errors import UserError
from scripts.sample import ledger, lives
from scripts.sample.customer_types import TYPES
from scripts.sample.ledger import SHOCKS, write_sample_ledger

TABLES = ("accounts", "transactions", "statements")
CUSTOMERS, MORE = 2000, 14
# A shock begins with the eighth month after December 2025.
SHOCK_MONTH, SHOCKED = 8, "2026-08"


def write(folder: Path, **given: object) -> Path:
    """A ledger of that folder; `given` replaces the arguments that matter to a test."""
    arguments = {"customers": 300, "seed": 1, "file_format": "csv", "months": 18, "more_months": MORE} | given
    return write_sample_ledger(folder, **arguments).folder  # type: ignore[arg-type]


def rows(folder: Path, table: str) -> pd.DataFrame:
    """All rows of a table, in an order of their own."""
    files = f"{folder}/{table}/*.parquet"
    return duckdb.sql(f"from read_parquet('{files}', union_by_name = true) order by all").df()


def hidden(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder.with_name(f"{folder.name}_hidden_{name}.csv"), dtype=str)


@pytest.fixture(scope="module")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("on") / "ledger", customers=CUSTOMERS, file_format="parquet")


def by_month(folder: Path) -> pd.DataFrame:
    """What was bought, billed and allowed month by month."""
    return duckdb.sql(f"""
        select month, bought, balance, due, credit_limit, in_full
        from (
            select strftime(statement_on, '%Y-%m') as month, avg(average_daily_balance) as balance,
                avg(minimum_due) as due, avg(credit_limit) as credit_limit,
                avg((minimum_due > 0 and paid_by_due_on >= closing_balance)::int) as in_full
            from '{folder}/statements/*.parquet' group by 1
        ) as billed
        inner join (
            select strftime(posted_on, '%Y-%m') as month, avg(amount) as bought
            from '{folder}/transactions/*.parquet' where transaction_type = 'oneoff_purchase' group by 1
        ) as spent using (month)
        where month >= '2026-01'
        order by month
    """).df().set_index("month")  # fmt: skip


def test_the_past_stays_as_it_is(tmp_path: Path) -> None:
    """To the byte; what was not known is filled in: when an account was closed, whether a last bill was paid."""
    before, after = write(tmp_path / "before", more_months=0), write(tmp_path / "after")
    old = (before / "transactions.csv").read_bytes()
    assert (after / "transactions" / "part_00000.csv").read_bytes() == old
    pd.testing.assert_frame_equal(hidden(before, "types"), hidden(after, "types"))
    filled = {}
    for table in ("accounts", "statements"):
        was = (before / f"{table}.csv").read_text().split("\n")
        now = (after / table / "part_00000.csv").read_text().split("\n")
        changed = [(one, other) for one, other in zip(was, now, strict=True) if one != other]
        assert all(other.startswith(one) and one.endswith(",") for one, other in changed)
        filled[table] = [other.split(",") for _, other in changed]
    assert len(filled["accounts"]) > 5
    assert min(fields[3] for fields in filled["accounts"]) >= "2026-01-31"
    assert len(filled["statements"]) > 100
    assert all(fields[1] <= "2025-12-31" < fields[2] for fields in filled["statements"])
    in_full = [
        float(fields[7]) >= float(fields[3]) for fields in filled["statements"] if float(fields[5]) > 0
    ]
    assert 0 < sum(in_full) < len(in_full) / 2


def test_the_past_stays_as_it_is_in_parquet(tmp_path: Path) -> None:
    before = write(tmp_path / "before", more_months=0, file_format="parquet")
    after = write(tmp_path / "after", file_format="parquet")
    old = (before / "transactions.parquet").read_bytes()
    assert (after / "transactions" / "part_00000.parquet").read_bytes() == old
    for table, column in {"accounts": "closed_on", "statements": "paid_by_due_on"}.items():
        was = duckdb.read_parquet(str(before / f"{table}.parquet")).df()
        now = duckdb.read_parquet(str(after / table / "part_00000.parquet")).df()
        pd.testing.assert_frame_equal(was.drop(columns=column), now.drop(columns=column))
        known = was[column].notna()
        assert now[column][known].equals(was[column][known])
        assert now[column][~known].notna().any()


def test_what_is_written_as_text_is_what_is_written_as_numbers(tmp_path: Path, portfolio: Path) -> None:
    """Each row of Parquet stands in the CSV files, too, but for odd ids and rows that are oddly written."""
    text = write(tmp_path / "text", customers=CUSTOMERS)
    for table in TABLES:
        typed = duckdb.read_parquet(f"{portfolio}/{table}/*.parquet")
        columns = ", ".join(f"{name}::varchar as {name}" for name in typed.columns)
        missing = duckdb.sql(f"""
            select {columns} from typed where typed.account_id > 'C00000017-1'
            except
            select {", ".join(typed.columns)}
            from read_csv('{text}/{table}/*.csv', all_varchar = true, ignore_errors = true)
        """).fetchall()
        assert len(missing) <= 4, (table, missing[:5])


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write(tmp_path / str(threads), threads=threads) for threads in (1, 2))
    files = sorted(path.relative_to(one) for path in one.rglob("*.csv"))
    assert len(files) == 3 * (1 + MORE)
    for file in files:
        assert (one / file).read_bytes() == (two / file).read_bytes(), file
    pd.testing.assert_frame_equal(hidden(one, "months"), hidden(two, "months"))


def test_a_longer_life_begins_like_a_shorter_one(tmp_path: Path, portfolio: Path) -> None:
    shorter = write(tmp_path / "ledger", customers=CUSTOMERS, file_format="parquet", more_months=3)
    for month in ("2026-01", "2026-02", "2026-03"):
        file = f"transactions/{month}.parquet"
        assert (shorter / file).read_bytes() == (portfolio / file).read_bytes()


def test_chunks_do_not_show(tmp_path: Path, portfolio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 700)
    chunked = write(tmp_path / "ledger", customers=CUSTOMERS, file_format="parquet")
    assert len(list(chunked.glob("statements/2026-05*"))) > 1
    for table in TABLES:
        pd.testing.assert_frame_equal(rows(chunked, table), rows(portfolio, table))
    pd.testing.assert_frame_equal(hidden(chunked, "months"), hidden(portfolio, "months"))


def test_customers_join_and_leave_and_the_size_stays(portfolio: Path) -> None:
    accounts = rows(portfolio, "accounts")
    joined = accounts[accounts.opened_on >= "2026-01-01"]
    left = accounts[accounts.closed_on >= "2026-01-01"]
    assert joined.customer_id.nunique() == lives.joined_by(CUSTOMERS, MORE) == 196
    assert 140 < left.customer_id.nunique() < 250
    assert joined.opened_on.dt.to_period("M").nunique() == MORE
    # A month without a statement is none of an open account, and nobody is billed before or after.
    statements = rows(portfolio, "statements").merge(accounts, on="account_id")
    assert (statements.statement_on >= statements.opened_on).all()
    assert (statements.closed_on.isna() | (statements.statement_on <= statements.closed_on)).all()
    later = statements[statements.statement_on >= "2026-01-01"]
    months = later.groupby("account_id").statement_on.agg(["min", "max", "count"])
    spans = (months["max"].dt.to_period("M") - months["min"].dt.to_period("M")).map(lambda span: span.n + 1)
    assert (spans == months["count"]).all()
    open_ones = later.groupby(later.statement_on.dt.to_period("M")).account_id.nunique()
    assert abs(open_ones.iloc[-1] / open_ones.iloc[0] - 1) < 0.05


def test_what_was_bought_is_of_accounts_that_are_open(portfolio: Path) -> None:
    transactions = rows(portfolio, "transactions")
    assert transactions.transaction_id.is_unique
    known = transactions.merge(rows(portfolio, "accounts"), on="account_id")
    assert len(known) == len(transactions)
    later = known[known.posted_on >= "2026-01-01"]
    assert (later.posted_on >= later.opened_on).all()
    assert (later.closed_on.isna() | (later.posted_on <= later.closed_on)).all()


def test_types_change_between_neighbours_and_the_mix_stays(portfolio: Path) -> None:
    stays = hidden(portfolio, "months")
    after = stays.merge(stays, on="customer_id", suffixes=("_from", "_to"))
    after = after[
        pd.PeriodIndex(after.to_month_from, freq="M") + 1 == pd.PeriodIndex(after.from_month_to, freq="M")
    ]
    grown = after.hidden_type_from == lives.NEW
    pairs = {
        frozenset(pair)
        for pair in zip(after.hidden_type_from[~grown], after.hidden_type_to[~grown], strict=True)
    }
    assert pairs <= {frozenset(pair) for pair in lives.NEIGHBOURS}
    # Nine in a thousand a month, less those who are new: 2,000 customers, 14 months.
    assert 150 < (~grown).sum() < 330
    months = stays[(stays.from_month <= "2027-02") & (stays.to_month == "2027-02")]
    shares = months.hidden_type.value_counts(normalize=True)
    for kind in TYPES:
        assert abs(shares[kind.name] - kind.share / 10_000) < 0.035, kind.name


@pytest.mark.parametrize("shock", SHOCKS)
def test_a_shock_is_there_from_its_month_on(tmp_path: Path, portfolio: Path, shock: str) -> None:
    shocked = by_month(write(
        tmp_path / "ledger", customers=CUSTOMERS, file_format="parquet", shock=shock, shock_month=SHOCK_MONTH
    ))  # fmt: skip
    ratio = shocked / by_month(portfolio)
    assert (ratio[ratio.index < SHOCKED].round(9) == 1).all(axis=None)
    # Not the last month's: what is not due yet is not paid.
    changed = ratio[(ratio.index >= SHOCKED) & (ratio.index < "2027-02")]
    expected = {
        "inflation": {"bought": 1.2, "balance": 1.2, "due": 1.2, "credit_limit": 1},
        "limits": {"bought": 1, "balance": 1, "due": 1, "credit_limit": 1.25},
        "broken_column": {"bought": 1, "balance": 1, "due": 1, "credit_limit": 0.01},
    }
    for column, factor in expected.get(shock, {}).items():
        assert changed[column].to_numpy() == pytest.approx(factor, rel=0.01), column
    if shock == "revolving":
        assert (changed.in_full < 0.95).all()
        assert changed.credit_limit.to_numpy() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"more_months": 121}, "MORE_MONTHS=121: expected 0 to 120"),
        ({"shock": "war"}, "SHOCK=war: expected one of inflation"),
        ({"shock": "limits", "shock_month": 15}, "SHOCK=limits: SHOCK_MONTH=15 is none of the months"),
        ({"shock": "limits", "more_months": 0}, "MORE_MONTHS=0"),
    ],
)
def test_a_wrong_argument_is_one_sentence(tmp_path: Path, given: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        write(tmp_path / "ledger", **given)
    assert not (tmp_path / "ledger").exists()


def test_what_was_hidden_of_later_months_goes_with_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "ledger")
    assert len(hidden(folder, "months")) > 300
    write(folder, more_months=0)
    assert not (tmp_path / "ledger_hidden_months.csv").exists()
