"""`make models`: the models trained so far. Reads the published file only.

python -m scripts.models
"""

from pathlib import Path

from python_models.typed import printable
from scripts.base.console import Console
from scripts.published.reading import open_published

LINE = "{:<13}  {:<16}  {:<12}  {:<13}  {:>2}  {:>7}  {:>10}  {}"


def print_models(warehouse: Path, console: Console) -> None:
    """Print the training runs, the last one first; its labels are the published ones."""
    with open_published(warehouse) as connection:
        runs = connection.execute(
            "select model_id, strftime(trained_at, '%Y-%m-%d %H:%M'), scaling, representation, k, stability,"
            " is_stable, customers from marts.model_runs order by run_number desc"
        ).fetchall()
    # Lines of a fixed width: a table that fits the terminal would cut the ids.
    console.print(LINE.format("model", "trained at, UTC", "scaling", "sees", "k", "Jaccard", "customers", ""))
    for place, (model, at, scaling, seen, k, jaccard, is_stable, customers) in enumerate(runs):
        notes = [*(["published"] if place == 0 else []), *([] if is_stable else ["unstable"])]
        words = "" if jaccard is None else f"{jaccard:.2f}"
        line = LINE.format(model, at, scaling, seen, k, words, f"{customers:,}", ", ".join(notes))
        console.print(printable(line.rstrip()))
