"""The comparison of `make bench` in Polars: the job's features as lazy queries, then KMeans as a notebook does it.

    python -m scripts.benchmark.polars_way LEDGER LABELS REPORT K_MAX

Reads a Parquet ledger; writes labels to LABELS (Parquet) and seconds of each step to REPORT. Runs in an environment
of its own (`peers_requirements.txt`), so of the project it imports what needs no more than that. Like the notebook it
computes the 17 features over the last 12 months and labels every customer; it does not check, refuse or account for
rows, and keeps no history.
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

from scripts.benchmark.learners import Steps, segments_and_plane

PURCHASES = ["oneoff_purchase", "installment_purchase"]
TENURE_AT_MOST = 12


def _table(ledger: Path, table: str) -> pl.LazyFrame:
    return pl.scan_parquet(sorted([*ledger.glob(f"{table}.parquet"), *ledger.glob(f"{table}/*.parquet")]))


def _months_after(start: date, day: str) -> pl.Expr:
    return (pl.col(day).dt.year() - start.year) * 12 + pl.col(day).dt.month().cast(pl.Int32) - start.month


def _window(ledger: Path) -> tuple[date, date]:
    """First and last day of the twelve months that end with the last statement's."""
    last = pl.col("statement_on").max().dt.month_end()
    found = (
        _table(ledger, "statements")
        .select(last.alias("end"), last.dt.offset_by("-11mo").dt.month_start().alias("start"))
        .collect()
    )
    return found["start"][0], found["end"][0]


def _of_transactions(ledger: Path, accounts: pl.LazyFrame, start: date, end: date) -> pl.LazyFrame:
    """A row for each customer with transactions: sums, numbers and months by type."""
    per_month = (
        _table(ledger, "transactions")
        .filter(pl.col("posted_on").is_between(start, end))
        .select(
            "account_id",
            "transaction_type",
            pl.col("amount").cast(pl.Float64),
            pl.col("transaction_id").hash().alias("transaction"),
            _months_after(start, "posted_on").alias("month"),
        )
        .unique("transaction", keep="any")
        .join(accounts.select("account_id", "customer_id"), on="account_id")
        .group_by("customer_id", "transaction_type", "month")
        .agg(pl.col("amount").sum(), pl.len().alias("rows"))
    )

    def of(column: str, *types: str) -> pl.Expr:
        return pl.col(column).filter(pl.col("transaction_type").is_in(types))

    return per_month.group_by("customer_id").agg(
        (of("amount", *PURCHASES).sum() - of("amount", "refund").sum()).alias("purchases"),
        of("amount", "oneoff_purchase").sum().alias("oneoff_purchases"),
        of("amount", "installment_purchase").sum().alias("installments_purchases"),
        of("amount", "cash_advance").sum().alias("cash_advance"),
        of("month", *PURCHASES).n_unique().alias("purchases_frequency"),
        of("month", "oneoff_purchase").n_unique().alias("oneoff_purchases_frequency"),
        of("month", "installment_purchase").n_unique().alias("purchases_installments_frequency"),
        of("month", "cash_advance").n_unique().alias("cash_advance_frequency"),
        of("rows", "cash_advance").sum().alias("cash_advance_trx"),
        of("rows", *PURCHASES).sum().alias("purchases_trx"),
        (of("amount", "payment").sum() - of("amount", "payment_reversal").sum()).alias("payments"),
    )


def _of_statements(
    ledger: Path, accounts: pl.LazyFrame, tenures: pl.LazyFrame, start: date, end: date
) -> pl.LazyFrame:
    """A row for each customer with statements: balances, limits, what was due and what was paid."""
    is_snapshot = ~((pl.col("tenure") == TENURE_AT_MOST) & (pl.col("month") == 0))
    is_due = (pl.col("minimum_due") > 0) & (pl.col("due_on") <= end)
    balance, limit = pl.col("average_daily_balance"), pl.col("credit_limit")

    def per_month(column: pl.Expr, kept: pl.Expr) -> pl.Expr:
        """A customer's accounts are added up within the month."""
        return column.filter(kept).sum() / pl.col("month").filter(kept).n_unique()

    return (
        _table(ledger, "statements")
        .filter(pl.col("statement_on").is_between(start, end))
        .unique(["account_id", "statement_on"], keep="first")
        .join(accounts.select("account_id", "customer_id"), on="account_id")
        .join(tenures, on="customer_id")
        .with_columns(
            pl.col("closing_balance", "average_daily_balance", "minimum_due", "credit_limit", "paid_by_due_on")
            .cast(pl.Float64),
            _months_after(start, "statement_on").alias("month"),
        )
        .group_by("customer_id")
        .agg(
            per_month(balance.clip(lower_bound=0), is_snapshot).alias("balance"),
            pl.col("month").filter(is_snapshot & (balance > 0)).n_unique().alias("balance_frequency"),
            per_month(limit, is_snapshot & limit.is_not_null()).alias("credit_limit"),
            pl.col("minimum_due").sum().alias("minimum_payments"),
            (pl.col("paid_by_due_on") >= pl.col("closing_balance"))
            .filter(is_due)
            .mean()
            .alias("prc_full_payment"),
        )
    )  # fmt: skip


def features_of(ledger: Path) -> pl.DataFrame:
    """Compute the 17 features per customer, beside customer_id."""
    start, end = _window(ledger)
    accounts = _table(ledger, "accounts").select("account_id", "customer_id", "opened_on", "closed_on")
    tenures = (
        accounts.with_columns(pl.col("closed_on").fill_null(end))
        .select(
            "customer_id",
            (
                _months_after(start, "closed_on").clip(upper_bound=TENURE_AT_MOST - 1)
                - _months_after(start, "opened_on").clip(lower_bound=0)
                + 1
            ).alias("tenure"),
        )
        .group_by("customer_id")
        .agg(pl.col("tenure").max())
        .filter(pl.col("tenure") > 0)
    )
    tenure = pl.col("tenure")
    of_purchases = ["purchases_frequency", "oneoff_purchases_frequency", "purchases_installments_frequency"]
    features = (
        tenures.join(_of_transactions(ledger, accounts, start, end), on="customer_id", how="left")
        .join(_of_statements(ledger, accounts, tenures, start, end), on="customer_id", how="left")
        .with_columns(pl.all().exclude("customer_id", "credit_limit").fill_null(0))
        .with_columns(
            pl.col("balance_frequency") / tenure.clip(upper_bound=TENURE_AT_MOST - 1),
            pl.col(*of_purchases, "cash_advance_frequency") / tenure,
            pl.col("balance").fill_nan(0),
        )
        .with_columns(pl.all().exclude("customer_id").cast(pl.Float64))
    )
    return features.sort("customer_id").collect(engine="streaming")


def main(ledger: Path, labels: Path, report: Path, k_max: int) -> None:
    """Do it, step by step, and write labels and seconds."""
    steps = Steps()
    features = features_of(ledger)
    steps.done("read, features")
    segments, plane = segments_and_plane(features.drop("customer_id").to_numpy(), k_max, steps.done)
    features.select(
        "customer_id",
        pl.Series("segment", segments),
        pl.Series("pca_1", plane[:, 0]),
        pl.Series("pca_2", plane[:, 1]),
    ).write_parquet(labels)
    steps.done("write")
    steps.write(report)


if __name__ == "__main__":
    _ledger, _labels, _report, _k_max = sys.argv[1:]
    main(Path(_ledger), Path(_labels), Path(_report), int(_k_max))
