"""What people give: NAME=value arguments against the lists of parameters, and the build's list as a table.

Each parameter is declared once: the learning's in `python_models.settings.Settings`, what else dbt reads in
the vars of dbt_project.yml with the comment above as its meaning, and what only the commands read in
COMMANDS; a command beside the build has its own list. Each number has its range there. Reads dbt_project.yml
and nothing else. What a user types is the name in capitals.
"""

import datetime as dt
import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from python_models.settings import LearningParameter, Parameter, Settings
from python_models.typed import Range, shown
from scripts.base.days import day_of
from scripts.base.errors import UserError
from scripts.base.paths import DBT_PROJECT, SEEDS
from scripts.base.seeds import languages
from scripts.base.yaml_files import parse_yaml

# dbt's vars that the commands set themselves.
INTERNAL = {
    "source_kind", "model", "learning", "input_path", "mapping_path", "is_sample", "spellings", "learn_because",
    "is_asked_for", "promote", "rename", "results_format",
}  # fmt: skip
# What computes the ledger's half; targets of profiles.yml.
DUCKDB, SPARK = "duckdb", "spark"
SHARE = Range(least=0, most=1)
DRIFT = Range(least=0, most=10)
LARGEST_SAMPLE, MOST_MONTHS, MOST_VERSIONS = 100_000_000, 120, 1000
# Rows of a sheet below its header, by Excel's specification.
SHEET_ROWS = 1_048_575
# Customers that the workbook's sheet holds, where one more row has names for programs.
SHEET_CUSTOMERS = SHEET_ROWS - 1
# Of days that people give: beyond these the window leaves the calendar of one library or another.
FIRST_WINDOW, LAST_WINDOW = dt.date(1900, 1, 31), dt.date(2199, 12, 31)


def one_of(*words: str) -> Callable[[], tuple[str, ...]]:
    """The words that a parameter takes, for its declaration."""
    return lambda: words


# Of dbt's vars, those that are numbers, and those that are one of a few words.
RANGES = {"max_rejected_share": SHARE, "max_relabelled": SHARE, "min_overlap": SHARE,
    "drift_watch": DRIFT, "drift_act": DRIFT, "month_watch": DRIFT, "month_act": DRIFT,
    "model_max_age": Range(least=1, most=MOST_MONTHS, is_whole=True),
}  # fmt: skip
CHOICES = {"embeddings": one_of("lead", "all")}


# Read by the commands alone, before or after dbt.
COMMANDS = {
    "source": Parameter(
        "",
        "Path of the input: a customer summary (file) or a ledger (folder). Left out: that of the last build, at first "
        "the generated sample.",
    ),
    "engine": Parameter(
        DUCKDB,
        "`duckdb`, or `spark`, which checks the rows of a ledger of Parquet files and computes the features (docs/spark.md).",
        one_of(DUCKDB, SPARK),
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
        one_of("rows"),
    ),
    "new_source": Parameter(
        "",
        "`yes` lets another portfolio replace the published one, with which it shares few customers.",
        one_of("yes"),
    ),
    "min_kept_share": Parameter(
        0.8,
        "Share of the last build's customers, rows and money, 0 to 1, below which the build stops: the input may be "
        "cut off.",
        range=SHARE,
    ),
    "retrain": Parameter(
        "",
        "`yes` learns a new model, as `make retrain` does. Otherwise a build labels everybody with the model in use, and "
        "learns only where it must (docs/life.md).",
        one_of("yes", "1"),
    ),
    "rebuild": Parameter(
        "",
        "`yes` builds even what is published already. Otherwise a build of the same input by the same parameters, rules and "
        "release says so and does nothing.",
        one_of("yes", "1"),
    ),
    "rename": Parameter(
        "",
        "`yes` names every segment anew, as after a change of the archetypes. Otherwise a segment keeps its name.",
        one_of("yes", "1"),
    ),
    "decimal_mark": Parameter(
        "",
        "`,` or `.`: the decimal mark of columns whose numbers do not tell it. Left out: that of the other columns.",
        one_of(",", "."),
    ),
    "date_order": Parameter(
        "",
        "`dmy` or `mdy`: how dates like 01/02/2025 are read where no date of the input tells day from month.",
        one_of("dmy", "mdy"),
    ),
    "time_zone": Parameter(
        "",
        "The bank's time zone, as `Asia/Jakarta`: in it moments of Parquet columns with a zone become days.",
    ),
    "customers": Parameter(
        10_000,
        f"Customers in the generated sample, 1 to {LARGEST_SAMPLE}, where `SOURCE` is left out.",
        range=Range(least=1, most=LARGEST_SAMPLE, is_whole=True),
    ),
    "sample_months": Parameter(
        18,
        f"Months the sample's ledger reaches back, 12 to {MOST_MONTHS}; the window is the last 12.",
        range=Range(least=12, most=MOST_MONTHS, is_whole=True),
    ),
    "more_months": Parameter(
        0,
        f"Months by which the sample goes on after December 2025, 0 to {MOST_MONTHS}: customers join, change and leave.",
        range=Range(least=0, most=MOST_MONTHS, is_whole=True),
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
        one_of("accept"),
    ),
    "pseudonyms": Parameter(
        "",
        "`yes` publishes keyed hashes in place of customers' ids, `no` ends that (docs/pseudonyms.md). Left out: as with the "
        "last build.",
        one_of("yes", "1", "no"),
    ),
    "pseudonym_key": Parameter(
        "",
        "Path of the key of the pseudonyms, outside of the warehouse; made where none is there. Left out: that of the last "
        "build, at first a file of `~/.config/card-segments`.",
    ),
    "publish_campaigns": Parameter(
        "",
        "`yes` publishes campaigns and their results, without any customer's id; `no` leaves them out. Left out: as with the "
        "last build, at first yes.",
        one_of("yes", "no"),
    ),
    "workbook_customers": Parameter(
        100_000,
        f"Most customers that the workbook lists, 0 to {SHEET_CUSTOMERS}, what a sheet holds. Where there are more, they stand in "
        "a Parquet file beside it.",
        range=Range(least=0, most=SHEET_CUSTOMERS, is_whole=True),
    ),
    "log": Parameter(
        "",
        "`json` prints a line of JSON for each stage, note and error, and at the end; for schedulers.",
        one_of("json"),
    ),
    "keep_versions": Parameter(
        5,
        f"Published versions kept for rollback, 1 to {MOST_VERSIONS}.",
        range=Range(least=1, most=MOST_VERSIONS, is_whole=True),
    ),
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
    if not re.fullmatch(r"[1-9][0-9]{0,5}(\.[0-9]{1,6})? ?[KMGT]i?B", memory):
        raise UserError(f"{MEMORY}={shown(memory)}: expected an amount of memory, as in {MEMORY}=4GB.")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", threads):
        raise UserError(f"{THREADS}={shown(threads)}: expected a number of threads, as in {THREADS}=2.")
    return Machine(memory, int(threads))


def read_arguments(given: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Read `NAME=value` arguments of a command beside the build over its defaults.

    Raises UserError where one is not NAME=value or the name is not among the defaults.
    """
    values = dict(defaults)
    for argument in given:
        name, separator, value = argument.partition("=")
        if not separator or name not in values:
            raise UserError(
                f"{shown(argument)}: expected one of {', '.join(f'{known}=' for known in values)}"
            )
        values[name] = value
    return values


def read_declared(given: Sequence[str], declared: Mapping[str, Parameter]) -> dict[str, Any]:
    """Read `NAME=value` arguments of a command with parameters of its own, each as its declaration says.

    Args:
        given: the arguments.
        declared: the command's parameters, by their names in lower case.

    Returns:
        Every parameter's value by its name: a number where it has a range, '' where it has none and was left out.

    Raises UserError where one is not NAME=value, the name is unknown or the value is not what was declared.
    """
    texts = read_arguments(given, {name.upper(): str(each.default) for name, each in declared.items()})
    return {name: read_value(name, texts[name.upper()], each) for name, each in declared.items()}


def read_value(name: str, text: str, parameter: Parameter) -> Any:
    """Read a parameter's value as it was typed; raises UserError where it is not what is declared."""
    if isinstance(parameter, LearningParameter):
        try:
            read = parameter.read(name, text)
        except ValueError as error:
            raise UserError(f"{error}.") from None
        return read if isinstance(read, int | float) else text
    may_be_empty = parameter.default == ""
    if parameter.range is not None and (text or not may_be_empty):
        value = parameter.range.read(text)
        if value is None:
            example = "" if may_be_empty else f", as in {name.upper()}={parameter.default}"
            raise UserError(f"{name.upper()}={shown(text)}: expected {parameter.range.words}{example}.")
        return value
    choices = parameter.choices()
    if choices and text not in (*choices, *([""] if may_be_empty else [])):
        nothing = ", or nothing" if may_be_empty else ""
        raise UserError(f"{name.upper()}={shown(text)}: expected {' or '.join(choices)}{nothing}.")
    return text


def read_date(name: str, text: str) -> dt.date:
    """Read a day as it was typed; raises UserError where it is none, or too far away."""
    try:
        return day_of(text, FIRST_WINDOW, LAST_WINDOW)
    except ValueError as error:
        raise UserError(f"{name.upper()}={shown(text)}: {error}.") from None


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


@cache
def _dbt_parameters() -> dict[str, Parameter]:
    text = (DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    defaults = parse_yaml(text)["vars"]
    found, comment = {}, list[str]()
    for line in text[text.index("\nvars:") :].splitlines():
        name = line.strip().partition(":")[0]
        if line.startswith("  # "):
            comment.append(line.strip(" #"))
        elif name in defaults and name not in INTERNAL:
            found[name] = Parameter(
                defaults[name], " ".join(comment), CHOICES.get(name, tuple), RANGES.get(name)
            )
        if not line.startswith("  # "):
            comment = []
    return found


def parse_parameters(arguments: Sequence[str]) -> dict[str, Any]:
    """Read the build's `NAME=value` arguments: those that were given, and only those, by the name in lower case.

    Raises UserError for an unknown name, a value of the wrong kind or out of range.
    """
    declared = parameters()
    names = {name.upper(): name for name in declared}
    given: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in names:
            near = difflib.get_close_matches(name.upper()[:100], names, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise UserError(
                f"{shown(name)}: no such parameter{hint} Known are {', '.join(sorted(names))}, each as NAME=value."
            )
        given[names[name]] = read_value(names[name], value.strip(), declared[names[name]])
    _check_together(given)
    return given


def _check_together(given: dict[str, Any]) -> None:
    """Look at what a declaration does not say."""
    if given.get("currency") and not re.fullmatch(CURRENCY_CODE, given["currency"]):
        raise UserError(f"CURRENCY={shown(given['currency'])}: expected a code of three letters, as EUR.")
    if "language" in given:
        known = languages(SEEDS)
        if given["language"] not in known:
            raise UserError(
                f"LANGUAGE={shown(given['language'])}: there are words for {', '.join(known)}; for another language"
                " copy dbt_project/seeds/words/words_en.csv to words_<language>.csv and translate it."
            )
    if given.get("as_of"):
        day = read_date("as_of", given["as_of"])
        if (day + dt.timedelta(days=1)).day != 1:
            raise UserError(f"AS_OF={day}: the window ends with a month; give a month's last day.")
        given["as_of"] = day.isoformat()
    for name in ("DRIFT", "MONTH"):
        if given.get(f"{name.lower()}_watch", 0) > given.get(f"{name.lower()}_act", 10):
            raise UserError(f"{name}_WATCH: is above {name}_ACT; watch comes before act.")
    learning = dbt_variables(given)["learning"]
    try:
        # Let the learning judge its own parameters before any data is read.
        Settings.from_mapping(learning)
    except ValueError as error:
        raise UserError(f"{error}.") from None
