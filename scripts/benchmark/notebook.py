"""The comparison of `make bench`: the job's work the way a notebook does it, in pandas and scikit-learn.

    python -m scripts.benchmark.notebook LEDGER LABELS REPORT K_MAX

Reads a Parquet ledger; writes labels to LABELS (Parquet) and seconds of each step to REPORT. DuckDB only reads the
files, which is faster than the readers that pandas brings, and hands account ids and types over as categories and
transaction ids as 64-bit hashes: with texts, 50 million transactions took more than 23 GB, which the machine did not have. It computes the same
17 features over the last 12 months, the same range of k with one k-means++ start each, and labels every
customer; it does not check, refuse or account for rows, and keeps no history.
"""

import sys
from pathlib import Path

import duckdb
import pandas as pd

from scripts.benchmark.learners import Steps, segments_and_plane


def read(ledger: Path) -> list[pd.DataFrame]:
    """Read accounts, transactions and statements; ids that repeat as categories."""
    connection = duckdb.connect()
    for table in ("accounts", "transactions", "statements"):
        files = [*ledger.glob(f"{table}.parquet"), *ledger.glob(f"{table}/*.parquet")]
        connection.read_parquet([str(file) for file in sorted(files)]).create_view(table)
    connection.execute("create type account as enum (select account_id from accounts order by all)")
    connection.execute(
        "create type kind as enum (select distinct transaction_type from transactions order by all)"
    )
    account = "cast(account_id as account) as account_id"
    return [
        connection.sql(sql).df()
        for sql in (
            f"select {account}, customer_id, opened_on, closed_on from accounts",
            f"select {account}, posted_on, cast(transaction_type as kind) as transaction_type,"
            " cast(amount as double) as amount, hash(transaction_id) as transaction from transactions",
            f"select * replace ({account}) from statements",
        )
    ]


def features_of(accounts: pd.DataFrame, moves: pd.DataFrame, statements: pd.DataFrame) -> pd.DataFrame:
    """Compute the 17 features per customer."""
    end = statements.statement_on.max() + pd.offsets.MonthEnd(0)
    start = (end - pd.DateOffset(months=11)).replace(day=1)
    customer_of = accounts.set_index("account_id").customer_id.astype("category")

    def months_since_start(dates: pd.Series) -> pd.Series:
        months: pd.Series = (dates.dt.year - start.year) * 12 + dates.dt.month - start.month
        return months

    first = months_since_start(accounts.opened_on).clip(lower=0)
    last = months_since_start(accounts.closed_on.fillna(end)).clip(upper=11)
    tenure = (last - first + 1).groupby(accounts.customer_id).max()
    tenure = tenure[tenure > 0]
    features = pd.DataFrame(index=tenure.index)

    moves = moves.drop_duplicates("transaction")
    moves = moves[(moves.posted_on >= start) & (moves.posted_on <= end)].copy()
    moves["customer_id"] = moves.account_id.map(customer_of)
    moves["month"] = months_since_start(moves.posted_on)
    sums = moves.pivot_table(
        index="customer_id", columns="transaction_type", values="amount", aggfunc="sum", observed=True
    )
    sums = sums.reindex(features.index).fillna(0.0)
    oneoff, instalments = sums["oneoff_purchase"], sums["installment_purchase"]

    statements = statements.drop_duplicates(["account_id", "statement_on"])
    statements = statements[(statements.statement_on >= start) & (statements.statement_on <= end)].copy()
    statements["customer_id"] = statements.account_id.map(customer_of)
    statements["month"] = months_since_start(statements.statement_on)
    long_open = statements.customer_id.map(tenure) == 12
    snapshots = statements[~(long_open & (statements.month == 0))]

    def share_of_months(rows: pd.DataFrame, months: pd.Series) -> pd.Series:
        return (
            rows.groupby("customer_id", observed=True).month.nunique().reindex(features.index).fillna(0)
            / months
        )

    def mean_over_months(rows: pd.DataFrame, column: str) -> pd.Series:
        """A customer's accounts are added up within the month."""
        grouped = rows.groupby("customer_id", observed=True)
        return (grouped[column].sum() / grouped.month.nunique()).reindex(features.index)

    of_type = moves.transaction_type
    purchases = of_type.isin(["oneoff_purchase", "installment_purchase"])
    due = statements[statements.minimum_due > 0]
    fallen = due[due.due_on <= end]
    in_full = fallen.paid_by_due_on >= fallen.closing_balance
    counts = moves.groupby(["customer_id", "transaction_type"], observed=True).size().unstack(fill_value=0)
    counts = counts.reindex(features.index).fillna(0)

    owed = snapshots.assign(balance=snapshots.average_daily_balance.clip(lower=0))
    features["balance"] = mean_over_months(owed, "balance").fillna(0)
    features["balance_frequency"] = share_of_months(
        snapshots[snapshots.average_daily_balance > 0], tenure.clip(upper=11)
    )
    features["purchases"] = oneoff + instalments - sums["refund"]
    features["oneoff_purchases"] = oneoff
    features["installments_purchases"] = instalments
    features["cash_advance"] = sums["cash_advance"]
    features["purchases_frequency"] = share_of_months(moves[purchases], tenure)
    features["oneoff_purchases_frequency"] = share_of_months(moves[of_type == "oneoff_purchase"], tenure)
    features["purchases_installments_frequency"] = share_of_months(
        moves[of_type == "installment_purchase"], tenure
    )
    features["cash_advance_frequency"] = share_of_months(moves[of_type == "cash_advance"], tenure)
    features["cash_advance_trx"] = counts["cash_advance"]
    features["purchases_trx"] = counts["oneoff_purchase"] + counts["installment_purchase"]
    features["credit_limit"] = mean_over_months(snapshots.dropna(subset="credit_limit"), "credit_limit")
    features["payments"] = sums["payment"] - sums["payment_reversal"]
    features["minimum_payments"] = (
        statements.groupby("customer_id", observed=True).minimum_due.sum().reindex(features.index).fillna(0)
    )
    features["prc_full_payment"] = (
        in_full.groupby(fallen.customer_id, observed=True).mean().reindex(features.index).fillna(0)
    )
    features["tenure"] = tenure
    return features.astype(float)


def main(ledger: Path, labels: Path, report: Path, k_max: int) -> None:
    """Do it, step by step, and write labels and seconds."""
    steps = Steps()
    tables = read(ledger)
    steps.done("read")
    features = features_of(*tables)
    del tables
    steps.done("features")
    segments, plane = segments_and_plane(features.to_numpy(), k_max, steps.done)
    labelled = pd.DataFrame(
        {"customer_id": features.index, "segment": segments, "pca_1": plane[:, 0], "pca_2": plane[:, 1]}
    )
    duckdb.from_df(labelled).write_parquet(str(labels))
    steps.done("write")
    steps.write(report)


if __name__ == "__main__":
    _ledger, _labels, _report, _k_max = sys.argv[1:]
    main(Path(_ledger), Path(_labels), Path(_report), int(_k_max))
