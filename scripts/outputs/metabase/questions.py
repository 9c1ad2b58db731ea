"""The questions and dashboards that stand beside this file: SQL with variables, charts, filters, layout.

Reads questions/*.sql and dashboards.yml and writes nothing. Knows no Metabase: other BI tools and tests run the
same questions through `runnable`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scripts.base.quoting import sql_text
from scripts.base.yaml_files import read_yaml

FOLDER = Path(__file__).with_name("questions")
LAYOUT = Path(__file__).with_name("dashboards.yml")
# Metabase's syntax: {{variable}}, and [[what falls away where a variable in it has no value]].
OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TABLE = re.compile(r"\bmarts\.(\w+)")

Value = str | float


@dataclass(frozen=True)
class Filter:
    """A variable of questions.

    Attributes:
        type: `text` or `number`.
        values, column: the question, and its column, that list what to choose from; None where there is no list.
    """

    name: str
    type: str
    values: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        key: its name in files and words.
        sql: its query, with variables.
        display: Metabase's kind of chart.
        x, y: columns of a chart's axes; more than one in x are series, more than one in y are measures.
        stacked: True where the measures are stacked.
        heat: least and greatest number of the colours of a table's columns.
        parameters: its variables, in the order of the query.
    """

    key: str
    sql: str
    display: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    stacked: bool
    heat: Mapping[str, tuple[float, float]]
    parameters: tuple[Filter, ...]

    @property
    def tables(self) -> set[str]:
        """The marts it reads."""
        return set(TABLE.findall(self.sql))


@dataclass(frozen=True)
class Card:
    """A question on a dashboard: its place and size on a grid 24 columns wide, and the number of its tab."""

    question: str
    row: int
    column: int
    width: int
    height: int
    tab: int


@dataclass(frozen=True)
class Dashboard:
    """A dashboard; `tabs` is empty where it has no more than one page."""

    key: str
    filters: tuple[Filter, ...]
    tabs: tuple[str, ...]
    cards: tuple[Card, ...]


@cache
def _layout() -> dict[str, Any]:
    layout: dict[str, Any] = read_yaml(LAYOUT)
    return layout


def load_filters() -> dict[str, Filter]:
    """Every filter by name."""
    return {name: Filter(name, **given) for name, given in _layout()["filters"].items()}


def load_formats() -> dict[str, str]:
    """How columns are written, by name: money, share, decimal, count or text."""
    return dict(_layout()["formats"])


def load_questions() -> dict[str, Question]:
    """Every question by key; those that filters take their values from come first."""
    filters = load_filters()
    found = {}
    for key, given in _layout()["questions"].items():
        sql = (FOLDER / f"{key}.sql").read_text(encoding="utf-8").strip()
        found[key] = Question(
            key=key,
            sql=sql,
            display=given["display"],
            x=tuple(given.get("x", ())),
            y=tuple(given.get("y", ())),
            stacked=given.get("stacked", False),
            heat={column: (low, high) for column, (low, high) in given.get("heat", {}).items()},
            parameters=tuple(filters[name] for name in dict.fromkeys(VARIABLE.findall(sql))),
        )
    sources = {f.values for f in filters.values()}
    return dict(sorted(found.items(), key=lambda item: item[0] not in sources))


def load_dashboards() -> dict[str, Dashboard]:
    """Every dashboard by key."""
    filters = load_filters()
    found = {}
    for key, given in _layout()["dashboards"].items():
        found[key] = Dashboard(
            key=key,
            filters=tuple(filters[name] for name in given["filters"]),
            tabs=tuple(tab["name"] for tab in given["tabs"] if "name" in tab),
            cards=tuple(
                Card(question, row, column, width, height, number)
                for number, tab in enumerate(given["tabs"])
                for question, (row, column, width, height) in tab["cards"].items()
            ),
        )
    return found


def prepared(question: Question, values: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """The query with a ? for each value, as Metabase hands it to a database's driver, and the values in order.

    An optional clause stays where each of its variables has a value. Raises KeyError where a variable outside
    of such a clause has none.
    """

    def keep(clause: re.Match[str]) -> str:
        return clause[1] if all(name in values for name in VARIABLE.findall(clause[1])) else ""

    sql = OPTIONAL.sub(keep, question.sql)
    return VARIABLE.sub("?", sql), [values[name] for name in VARIABLE.findall(sql)]


def runnable(question: Question, values: Mapping[str, Value] | None = None) -> str:
    """The query as plain SQL, values written into it as literals: for BI tools without Metabase's variables."""
    sql, used = prepared(question, values or {})
    literals = iter(used)

    def literal(_: re.Match[str]) -> str:
        value = next(literals)
        return sql_text(value) if isinstance(value, str) else repr(value)

    return re.sub(r"\?", literal, sql)
