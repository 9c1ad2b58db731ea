"""`make models`: the models learned so far. Reads the published file only."""

from pathlib import Path

from python_models.typed import printable
from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.published.reading import open_published

# At most 80 characters; what does not fit stands below, indented.
LINE = "{:<13}  {:<10}  {:<10}  {:<10}  {:<10}  {:>2}  {:>7}"
HEADINGS = ("model", "status", "learned", "in use", "until", "k", "Jaccard")
WAITING = "challenger"


def print_models(warehouse: Path, console: Console) -> None:
    """Print the models: the one in use, challengers, retired ones, each kind with the last one first."""
    with open_published(warehouse) as connection:
        if not connection.execute("select 1 from duckdb_tables() where table_name = 'models'").fetchall():
            raise UserError(
                f"{warehouse}: an earlier version of the job built what is published; run make build again."
            )
        models = connection.execute(
            "select model_id, status, strftime(learned_at, '%Y-%m-%d'), coalesce(strftime(used_from, '%Y-%m-%d'), ''),"
            " coalesce(strftime(used_until, '%Y-%m-%d'), ''), k, stability, scaling, representation, relabelled_share,"
            " is_stable, verdict from marts.models order by array_position(['champion', 'challenger', 'retired'], status),"
            " learned_at desc, model_id"
        ).fetchall()
    # Lines of a fixed width: a table that fits the terminal would cut the ids.
    console.print(LINE.format(*HEADINGS).rstrip())
    for *facts, jaccard, scaling, representation, relabelled, is_stable, verdict in models:
        line = LINE.format(
            *("" if each is None else each for each in facts), "" if jaccard is None else f"{jaccard:.2f}"
        )
        console.print(printable(line.rstrip()))
        more = [
            f"{scaling} {representation}",
            "" if relabelled is None else f"{relabelled:.1%} of customers relabelled",
            "unstable" if is_stable is False else "",
        ]
        console.print(printable("    " + ", ".join(each for each in more if each)))
        if facts[1] == WAITING and verdict:
            console.print(printable(f"    {verdict}; make promote MODEL={facts[0]} puts it in use"))
