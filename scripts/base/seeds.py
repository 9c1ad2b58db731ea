"""The seeds that a bank edits, looked at before anything runs: are they whole, and is the language there.

Reads dbt_project/seeds and writes nothing. What the cells say is judged in SQL (rulebook_problems).
"""

import csv
from pathlib import Path

from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.yaml_files import read_yaml

WORDS = "words_"


def languages(seeds: Path) -> list[str]:
    """The languages there are words for, from the names of the files."""
    return sorted(path.stem.removeprefix(WORDS) for path in (seeds / "words").glob(f"{WORDS}*.csv"))


def words_of(seeds: Path, language: str) -> dict[str, str]:
    """The words of a language by key; raises UserError where there are none, or their file is not whole."""
    known = languages(seeds)
    if language not in known:
        raise UserError(f"LANGUAGE={shown(language)}: expected one of {', '.join(known)}.")
    path = seeds / "words" / f"{WORDS}{language}.csv"
    _check(path, ["key", "text"])
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["key"]: row["text"] for row in csv.DictReader(file)}


def assumed_currency(seeds: Path) -> str:
    """The currency of the assumptions on value; check_seeds has found the file whole."""
    with (seeds / "economics_assumptions.csv").open(encoding="utf-8-sig", newline="") as file:
        found = {row["assumption"]: row["base"].strip() for row in csv.DictReader(file)}
    return found.get("currency", "")


def check_seeds(seeds: Path) -> None:
    """Raise UserError where a seed is missing, is no CSV file of its columns, or is not UTF-8."""
    listed = read_yaml(seeds / "_seeds.yml")["seeds"]
    columns = {seed["name"]: [column["name"] for column in seed["columns"]] for seed in listed}
    paths = {name: seeds / ("words" if name.startswith(WORDS) else "") / f"{name}.csv" for name in columns}
    for language in languages(seeds):
        name = f"{WORDS}{language}"
        paths[name] = seeds / "words" / f"{name}.csv"
        columns[name] = columns[f"{WORDS}en"]
    for name, path in paths.items():
        _check(path, columns[name])


def _check(path: Path, columns: list[str]) -> None:
    expected = ",".join(columns)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; restore it, with the columns {expected}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); save it as comma-separated CSV in UTF-8."
        ) from None
    if not rows or [name.strip() for name in rows[0]] != columns:
        found = ",".join(rows[0]) if rows else "nothing"
        raise UserError(
            f"{path}: the first line is {found}; expected {expected}. Save it as comma-separated CSV in UTF-8."
        )
    for number, row in enumerate(rows[1:], 2):
        if row and len(row) != len(columns):
            raise UserError(
                f"{path}: row {number} has {len(row)} cells, expected {len(columns)} ({expected});"
                " put text with commas in double quotes."
            )
