"""The job's parameters: NAME=value arguments against the one list of parameters, and that list as a table.

Each parameter is declared once: the learning's in `python_models.settings.Settings`, what else dbt reads in
the vars of dbt_project.yml with the comment above as its meaning, and what only the commands read in
COMMANDS. Reads dbt_project.yml and nothing else. What a user types is the name in capitals.
"""

import datetime as dt
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from python_models.settings import Parameter, Settings
from scripts.base.days import day_of
from scripts.base.errors import UserError
from scripts.base.paths import DBT_PROJECT, SEEDS
from scripts.base.seeds import languages

# dbt's vars that the commands set themselves.
INTERNAL = {"source_kind", "model", "learning", "input_path", "mapping_path", "is_sample", "spellings"}
# Read by the commands alone, before or after dbt.
COMMANDS = {
    "source": Parameter(
        "",
        "Path of the input: a customer summary (file) or a ledger (folder). Left out: that of the last build, at first "
        "the generated sample.",
    ),
    "mapping": Parameter(
        "",
        "Path of a YAML file that says what your tables, columns and codes are called (docs/mapping.md), or `none`. "
        "Left out: `mapping.yml` in the source's folder or `<name>.mapping.yml` beside its file, else that of the last "
        "build.",
    ),
    "ids": Parameter(
        "",
        "`rows` makes the numbers of its rows the ids of a summary that has none. They mean nothing in another file.",
    ),
    "new_source": Parameter(
        "",
        "`yes` lets another portfolio replace the published one, with which it shares few customers.",
    ),
    "min_kept_share": Parameter(
        0.8,
        "Share of the last build's customers, rows and money, 0 to 1, below which the build stops: the input may be "
        "cut off.",
    ),
    "decimal_mark": Parameter(
        "",
        "`,` or `.`: the decimal mark of columns whose numbers do not tell it. Left out: that of the other columns.",
    ),
    "date_order": Parameter(
        "",
        "`dmy` or `mdy`: how dates like 01/02/2025 are read where no date of the input tells day from month.",
    ),
    "time_zone": Parameter(
        "",
        "The bank's time zone, as `Asia/Jakarta`: in it moments of Parquet columns with a zone become days.",
    ),
    "customers": Parameter(10_000, "Customers in the generated sample, where `SOURCE` is left out."),
    "sample_months": Parameter(
        18, "Months the sample's ledger reaches back, 12 or more; the window is the last 12."
    ),
    "objections": Parameter(
        "",
        "Path of a list of customers who object to profiling (a CSV or Parquet file with `customer_id`): they join "
        "the register `warehouse/objections.csv` and leave before the learning. Left out: the register as it is.",
    ),
    "objections_withdrawn": Parameter(
        "",
        "Path of a list of customers who take their objection back. Nothing else removes one from the register.",
    ),
    "unmatched": Parameter(
        "",
        "`accept` takes a list of which nobody is a customer, as where all of them have left. Otherwise the build stops, "
        "since their ids may be spelled otherwise.",
    ),
    "keep_versions": Parameter(5, "Published versions kept for rollback."),
    "share_group": Parameter(
        "",
        "Name of a group of the operating system that may read what is published, or `none`. Left out: as with the last "
        "build; at first its owner alone reads it.",
    ),
}

CURRENCY_CODE = "[A-Za-z]{3}"
MEMORY, THREADS = "CARD_SEGMENTS_MEMORY", "CARD_SEGMENTS_THREADS"


@dataclass(frozen=True)
class Machine:
    """What DuckDB may use: memory as `4GB`, threads."""

    memory: str
    threads: int


def machine_limits() -> Machine:
    """Read the limits that the machine's owner set in the environment, and set the defaults there for dbt.

    Raises UserError for a value that DuckDB would not take.
    """
    memory = os.environ.setdefault(MEMORY, "4GB")
    threads = os.environ.setdefault(THREADS, str(os.cpu_count() or 1))
    if not re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B", memory):
        raise UserError(f"{MEMORY}={memory}: expected an amount of memory, as in {MEMORY}=4GB.")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", threads):
        raise UserError(f"{THREADS}={threads}: expected a number of threads, as in {THREADS}=2.")
    return Machine(memory, int(threads))


def read_arguments(given: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Read `NAME=value` arguments of a command beside the build over its defaults.

    Raises UserError where one is not NAME=value or the name is not among the defaults.
    """
    values = dict(defaults)
    for argument in given:
        name, separator, value = argument.partition("=")
        if not separator or name not in values:
            raise UserError(f"{argument}: expected one of {', '.join(f'{known}=' for known in values)}")
        values[name] = value
    return values


def parameters() -> dict[str, Parameter]:
    """Every parameter a user may give, by its name in lower case, in the order of the table."""
    return {**COMMANDS, **_dbt_parameters(), **Settings.parameters()}


def default_parameters() -> dict[str, Any]:
    """Every parameter's default."""
    return {name: each.default for name, each in parameters().items()}


def parameter_table() -> str:
    """Lay the parameters out as a Markdown table."""
    rows = [
        f"| `{name.upper()}` | {f'`{each.default}`' if each.default != '' else ''} | {each.explanation} |"
        for name, each in parameters().items()
    ]
    return "\n".join(["| parameter | default | meaning |", "| --- | --- | --- |", *rows])


def dbt_variables(given: Mapping[str, Any]) -> dict[str, Any]:
    """Pick dbt's vars from the parameters that were given; the learning's are one var of that name."""
    of_dbt, of_learning = _dbt_parameters(), Settings.parameters()
    learning = {name: value for name, value in given.items() if name in of_learning}
    return {name: value for name, value in given.items() if name in of_dbt} | {"learning": learning}


def _dbt_parameters() -> dict[str, Parameter]:
    text = (DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    defaults = yaml.safe_load(text)["vars"]
    found, comment = {}, list[str]()
    for line in text[text.index("\nvars:") :].splitlines():
        name = line.strip().partition(":")[0]
        if line.startswith("  # "):
            comment.append(line.strip(" #"))
        elif name in defaults and name not in INTERNAL:
            found[name] = Parameter(defaults[name], " ".join(comment))
        if not line.startswith("  # "):
            comment = []
    return found


def parse_parameters(arguments: Sequence[str]) -> dict[str, Any]:
    """Read `NAME=value` arguments: those that were given, and only those, by the name in lower case.

    Raises UserError for an unknown name, a value of the wrong kind or out of range.
    """
    defaults = default_parameters()
    names = {name.upper(): name for name in defaults}
    given: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in names:
            near = difflib.get_close_matches(name.upper(), names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"{name}: no such parameter{hint} Known are {', '.join(sorted(names))}.")
        given[names[name]] = _typed(name, value.strip(), defaults[names[name]])
    _check_ranges(given)
    return given


def _typed(name: str, value: str, default: Any) -> Any:
    if isinstance(default, int) or (name == "K" and value):
        try:
            return int(value)
        except ValueError:
            raise UserError(
                f"{name}={value}: expected a whole number, as in {name}={default or 6}."
            ) from None
    if isinstance(default, float):
        try:
            return float(value)
        except ValueError:
            raise UserError(f"{name}={value}: expected a number, as in {name}={default}.") from None
    return value


def _check_ranges(given: dict[str, Any]) -> None:
    for name, example in (("max_rejected_share", 0.05), ("min_kept_share", 0.8)):
        if name in given and not 0 <= given[name] <= 1:
            raise UserError(f"{name.upper()}={given[name]}: expected a share from 0 to 1, as in {example}.")
    for name, words in (
        ("new_source", ("yes",)),
        ("unmatched", ("accept",)),
        ("ids", ("rows",)),
        ("decimal_mark", (",", ".")),
        ("date_order", ("dmy", "mdy")),
    ):
        if given.get(name, "") not in ("", *words):
            raise UserError(f"{name.upper()}={given[name]}: expected {' or '.join(words)}, or nothing.")
    for name in ("customers", "keep_versions"):
        if name in given and given[name] < 1:
            raise UserError(f"{name.upper()}={given[name]}: expected a whole number of at least 1.")
    if given.get("currency") and not re.fullmatch(CURRENCY_CODE, given["currency"]):
        raise UserError(f"CURRENCY={given['currency']}: expected a code of three letters, as EUR.")
    if "language" in given:
        known = languages(SEEDS)
        if given["language"] not in known:
            raise UserError(
                f"LANGUAGE={given['language']}: there are words for {', '.join(known)}; for another language"
                " copy dbt_project/seeds/words/words_en.csv to words_<language>.csv and translate it."
            )
    if given.get("as_of"):
        text = given["as_of"]
        try:
            day = day_of(text)
        except ValueError:
            raise UserError(f"AS_OF={text}: expected a date like 2025-12-31.") from None
        if (day + dt.timedelta(days=1)).day != 1:
            raise UserError(f"AS_OF={text}: the window ends with a month; give a month's last day.")
        given["as_of"] = day.isoformat()
    learning = dbt_variables(given)["learning"]
    try:
        # Let the learning judge its own parameters before any data is read.
        Settings.from_mapping(learning)
    except ValueError as error:
        raise UserError(f"{error}.") from None
