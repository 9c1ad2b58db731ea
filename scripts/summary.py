"""The summary printed after a build. Reads the published file only."""

from pathlib import Path

import duckdb
from rich.table import Table

from scripts.console import Console


def print_summary(published: Path, console: Console, seconds: float) -> None:
    """Print segments with size, share and what sets each apart; where the file is; what to try next."""
    with duckdb.connect(str(published), read_only=True) as connection:
        segments = connection.execute(
            "select segment_id, customers, customer_share, segment_name from marts.segment_profiles order by 1"
        ).fetchall()
        audit = connection.execute(
            "select source, rows_in, rows_accepted, rows_rejected from marts.load_audit where measure = 'rows'"
        ).fetchall()
        reason = connection.execute(
            "select reason from marts.model_candidates where is_chosen limit 1"
        ).fetchall()
    table = Table(title="Segments", title_justify="left", box=None, padding=(0, 2))
    for column, side in (
        ("segment", "right"),
        ("customers", "right"),
        ("share", "right"),
        ("stands out by", "left"),
    ):
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for segment, customers, share, name in segments:
        table.add_row(str(segment), f"{customers:,}", f"{share:.1%}", name.partition(": ")[2])
    console.print()
    console.table(table)
    console.print()
    for source, rows_in, accepted, rejected in audit:
        console.print(
            f"  {source}: {rows_in:,} rows in, {accepted:,} accepted, {rejected:,} rejected or set aside"
        )
    if reason:
        console.print(f"  {len(segments)} segments: {reason[0][0]}")
    shown = Path(published)
    console.print(f"  done in {seconds:.1f} s; the tables are in {shown}")
    console.print("\nTry next:")
    console.print(f'  duckdb -readonly {shown} "select * from marts.segment_profiles"')
    console.print("  make build SOURCE=path/to/your.csv")
    console.print("  make build K=7")
