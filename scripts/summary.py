"""The summary printed after a build. Reads the published file only."""

import os
from pathlib import Path

import duckdb
from rich.table import Table

from scripts.console import Console

# label of a measure, its right edge
COLUMNS = (("segment", "right"), ("customers", "right"), ("share", "right"), ("stands out by", "left"))


def print_summary(published: Path, console: Console, seconds: float) -> None:
    """Print segments with size, share and what sets each apart; where the file is; what to try next."""
    with duckdb.connect(str(published), read_only=True) as connection:
        segments = connection.execute(
            "select segment_id, customers, customer_share, segment_name from marts.segment_profiles order by 1"
        ).fetchall()
        audit = connection.execute(
            "select source, rows_in, rows_accepted, rows_in_error, rows_rejected - rows_in_error"
            " from marts.load_audit where measure = 'rows' order by source"
        ).fetchall()
        reasons = connection.execute("select reason from marts.model_candidates where is_chosen").fetchall()
    table = Table(box=None, padding=(0, 1), header_style="")
    for column, side in COLUMNS:
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for segment, customers, share, name in segments:
        table.add_row(str(segment), f"{customers:,}", f"{share:.1%}", name.partition(": ")[2] or name)
    console.print()
    console.table(table)
    console.print()
    for source, rows_in, accepted, in_error, set_aside in audit:
        aside = f", {set_aside:,} set aside" if set_aside else ""
        console.print(f"  {source}: {rows_in:,} rows in, {accepted:,} accepted, {in_error:,} rejected{aside}")
    console.print(f"  {len(segments)} segments: {reasons[0][0] if reasons else ''}")
    shown = _short(published)
    console.print(f"  Done in {seconds:.1f} s. The tables are in {shown}")
    console.print("\nTry next:")
    console.print(f'  duckdb -readonly {shown} "from marts.segment_profiles"')
    console.print("  make build SOURCE=path/to/your.csv")
    console.print("  make build K=7")


def _short(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)
