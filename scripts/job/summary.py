"""The summary printed after a build. Reads a version's file only, and before it is published: see version.py."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.table import Table
from rich.text import Text

from python_models.typed import printable
from scripts.base.console import Console
from scripts.base.paths import LINK, PARQUET, REPORT, WORKBOOK
from scripts.published.reading import LATEST_RUN

# label of a measure, its right edge
COLUMNS = (
    ("segment", "right"),
    ("customers", "right"),
    ("share", "right"),
    ("value a year", "right"),
    ("name", "left"),
)


@dataclass(frozen=True)
class Summary:
    """What is printed: the segments (as a table, and as rows), what is to be said of them, what there is to open and to try."""

    segments: Table
    rows: list[dict[str, Any]]
    remarks: list[str]
    openable: list[str]
    try_next: list[str]


def print_summary(summary: Summary, console: Console, seconds: float) -> None:
    """Print it after a build that took so many seconds."""
    if console.as_json:
        console.event("summary", segments=summary.rows, remarks=summary.remarks)
        return
    console.print()
    console.table(summary.segments)
    console.print()
    for line in (*summary.remarks, f"Done in {seconds:.1f} s. What you can open:"):
        console.print(f"  {printable(line)}")
    for line in summary.openable:
        console.print(f"    {line}")
    console.print("\nTry next:")
    for line in summary.try_next:
        console.print(f"  {line}")


def summarise(version: Path, warehouse: Path) -> Summary:
    """Read segments with size, share and what sets each apart; where things will be; what to try next.

    version: the DuckDB file, which need not be published yet.
    """
    with duckdb.connect(str(version), read_only=True) as connection:
        segments = connection.execute(
            "select segment_id, profiles.customers, customer_share, value_base, profiles.segment_name, payment_words,"
            " is_unstable"
            " from marts.segment_profiles as profiles inner join marts.segment_values using (segment_id) order by 1"
        ).fetchall()
        audit = connection.execute(
            "select source, rows_in, rows_accepted, rows_in_error, rows_rejected - rows_in_error"
            " from marts.load_audit where measure = 'rows' order by source"
        ).fetchall()
        unread = connection.execute(
            "select source, measure, amounts_unknown from marts.load_audit where amounts_unknown > 0 order by 1, 2"
        ).fetchall()
        odd = connection.execute(
            "select meaning, affected_rows from marts.data_quality_checks where severity = 'warn' and affected_rows > 0"
            " order by affected_rows desc, check_name"
        ).fetchall()
        suppressed = connection.execute(
            "select count(*) from marts.customer_segments where status = 'suppressed'"
        ).fetchall()[0][0]
        currency = connection.execute("select any_value(currency) from marts.value_assumptions").fetchall()[
            0
        ][0]
        scaling, representation, reason, warning, is_sample, unknown, decision = connection.execute(
            f"select scaling, representation, reason, warning, is_sample, unknown_features, decision from {LATEST_RUN}"
        ).fetchall()[0]
        drift = connection.execute(
            "select alarm, words from marts.segment_drift where alarm != 'fine' order by alarm, drift desc nulls last, words"
        ).fetchall()
    table = Table(box=None, padding=(0, 1), header_style="")
    for column, side in COLUMNS:
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for segment, customers, share, value, name, payment, is_unstable in segments:
        table.add_row(
            str(segment),
            f"{customers:,}",
            f"{share:.1%}",
            "unknown" if value is None else f"{value:,.0f}",
            # As text: a name from the rules may hold what rich takes for markup.
            Text(f"{printable(name)}{' (unstable)' if is_unstable else ''}\n  {printable(payment)}"),
        )
    remarks = []
    for source, rows_in, accepted, in_error, set_aside in audit:
        aside = f", {set_aside:,} set aside" if set_aside else ""
        remarks.append(f"{source}: {rows_in:,} rows in, {accepted:,} accepted, {in_error:,} rejected{aside}")
    for source, measure, rows in unread:
        remarks.append(
            f"{source}: the {measure} of {rows:,} rejected row{'s' if rows > 1 else ''} cannot be read: in no total"
        )
    for meaning, rows in odd:
        remarks.append(f"check ({rows:,}): {meaning}")
    if unknown:
        remarks.append(f"unknown in the input: {unknown}; no segment, name or value rests on them")
    if is_sample:
        remarks.append("generated sample: no customer here is a real one")
    if suppressed:
        remarks.append(f"{suppressed:,} customers object to profiling: suppressed, without a segment")
    remarks.append(
        f"value a year: {currency} per customer by the assumptions in marts.value_assumptions, no accounting"
    )
    remarks.append(decision)
    remarks.extend(f"drift, {alarm}: {words}" for alarm, words in drift)
    if any(alarm == "act" for alarm, _ in drift):
        remarks.append(
            "make retrain is recommended: it learns a new model, which comes into use if it passes"
        )
    remarks.append(f"{len(segments)} segments on {scaling} {representation} features: {reason}")
    if warning:
        remarks.append(f"warning: {warning}; do not build campaigns on the segments marked unstable")
    openable = {"tables": LINK, "Parquet files": PARQUET, "workbook": WORKBOOK, "report": REPORT}
    columns = (
        "segment_id",
        "customers",
        "customer_share",
        "value_base",
        "segment_name",
        "payment_words",
        "is_unstable",
    )
    return Summary(
        table,
        [dict(zip(columns, each, strict=True)) for each in segments],
        remarks,
        [f"{what:<13}  {_short(warehouse / name)}" for what, name in openable.items()],
        [
            "make sql",
            *(["make build SOURCE=path/to/your.csv"] if is_sample else []),
            "make build K=7",
            "make campaign NAME=spring SEGMENT=all HOLDOUT=0.5",
        ],
    )


def _short(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
