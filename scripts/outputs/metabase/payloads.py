"""Questions and dashboards as Metabase's HTTP API takes them. Pure: words and numbers in, dictionaries out."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.outputs.metabase.questions import Dashboard, Filter, Question, load_formats
from scripts.published.reading import PublishedTables

# The last line of a description: what it is in the code, and a fingerprint of what was sent. It finds a question
# again whatever it is called, and tells ours from what people made.
MARK = re.compile(r"^card-segments:(\w+):([0-9a-f]{8})$", re.MULTILINE)
RED, WHITE, BLUE = "#EF8C8C", "#FFFFFF", "#88BDE6"
NAMESPACE = uuid.UUID("7c8ab1a2-2b1c-5a52-9a0e-8e6f5d7c1b11")

Payload = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """How numbers are written.

    Attributes:
        currency: three letters, or empty where the assumptions name none.
        separators: decimal mark and mark between thousands.
    """

    currency: str
    separators: str


def look_of(tables: PublishedTables) -> Look:
    """Currency and marks of a published file."""
    named = str(
        tables.frame("select max(currency) as currency from marts.segment_values")["currency"].iloc[0]
    )
    return Look(
        named if re.fullmatch("[A-Z]{3}", named) else "",
        tables.word("format.decimal") + tables.word("format.thousands"),
    )


def marked(payload: Payload, key: str) -> Payload:
    """The payload with the mark in its description."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    mark = f"card-segments:{key}:{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return {**payload, "description": f"{payload['description']}\n\n{mark}"}


def key_of(description: str | None) -> str | None:
    """The key in a description's mark; None for what people made."""
    found = MARK.search(description or "")
    return found[1] if found else None


def card_payload(
    question: Question,
    columns: Sequence[str],
    tables: PublishedTables,
    look: Look,
    database: int,
    collection: int,
    cards: Mapping[str, int],
) -> Payload:
    """A question for POST and PUT /api/card.

    columns: of its answer. cards: ids of the questions that filters take their values from, by key.
    """
    tags, parameters = {}, []
    for f in question.parameters:
        name = tables.word(f"metabase.filter.{f.name}")
        tag = str(uuid.uuid5(NAMESPACE, f"{question.key}/{f.name}"))
        tags[f.name] = {"id": tag, "name": f.name, "display-name": name, "type": f.type}
        parameters.append({**_parameter(f, tag, name, cards), "target": _target(f)})
    payload = {
        "name": tables.word(f"metabase.question.{question.key}"),
        "description": tables.word(f"metabase.question.{question.key}.description"),
        "display": question.display,
        "collection_id": collection,
        "dataset_query": {
            "type": "native",
            "database": database,
            "native": {"query": question.sql, "template-tags": tags},
        },
        "parameters": parameters,
        "visualization_settings": _settings(question, columns, tables, look),
    }
    return marked(payload, question.key)


def _parameter(f: Filter, identity: str, name: str, cards: Mapping[str, int]) -> Payload:
    text = f.type == "text"
    parameter: Payload = {
        "id": identity,
        "name": name,
        "slug": f.name,
        "type": "string/=" if text else "number/=",
        "sectionId": "string" if text else "number",
        # A variable takes one value.
        "isMultiSelect": False,
    }
    if f.values:
        parameter |= {
            "values_query_type": "list",
            "values_source_type": "card",
            "values_source_config": {
                "card_id": cards[f.values],
                "value_field": ["field", f.column, {"base-type": "type/Text"}],
            },
        }
    return parameter


def _target(f: Filter) -> list[Any]:
    return ["variable", ["template-tag", f.name]]


def _settings(question: Question, columns: Sequence[str], tables: PublishedTables, look: Look) -> Payload:
    def title(column: str) -> str:
        return tables.word(f"metabase.column.{column}")

    formats = load_formats()
    settings: Payload = {
        "column_settings": {
            f'["name","{column}"]': {"column_title": title(column), **_format(formats.get(column), look)}
            for column in columns
        }
    }
    if question.display == "scalar":
        settings["scalar.field"] = columns[0]
    if question.y:
        settings |= {
            "graph.dimensions": list(question.x),
            "graph.metrics": list(question.y),
            "graph.x_axis.title_text": title(question.x[0]),
            "graph.show_values": question.display in ("row", "bar") and not question.stacked,
        }
        if len(question.y) == 1:
            settings["graph.y_axis.title_text"] = title(question.y[0])
    if question.stacked:
        settings["stackable.stack_type"] = "stacked"
    if question.heat:
        settings["table.column_formatting"] = [
            {
                "id": number,
                "columns": [column],
                "type": "range",
                "colors": [RED, WHITE, BLUE],
                "min_type": "custom",
                "min_value": low,
                "max_type": "custom",
                "max_value": high,
            }
            for number, (column, (low, high)) in enumerate(question.heat.items())
        ]
    return settings


def _format(kind: str | None, look: Look) -> Payload:
    if kind is None:
        return {}
    if kind == "text":
        return {"text_wrapping": True}
    styles: dict[str, Payload] = {
        "money": {"number_style": "currency", "currency": look.currency, "decimals": 0}
        if look.currency
        else {"decimals": 0},
        "share": {"number_style": "percent", "decimals": 1},
        "decimal": {"decimals": 2},
        "count": {"decimals": 0},
    }
    return {**styles[kind], "number_separators": look.separators}


def dashboard_head(
    dashboard: Dashboard, tables: PublishedTables, collection: int, cards: Mapping[str, int]
) -> Payload:
    """Name, description and filters of a dashboard, for POST and PUT /api/dashboard."""
    return {
        "name": tables.word(f"metabase.dashboard.{dashboard.key}"),
        "description": tables.word(f"metabase.dashboard.{dashboard.key}.description"),
        "collection_id": collection,
        "parameters": [
            _parameter(f, filter_id(dashboard, f), tables.word(f"metabase.filter.{f.name}"), cards)
            for f in dashboard.filters
        ],
    }


def filter_id(dashboard: Dashboard, f: Filter) -> str:
    """A filter's id on a dashboard: 8 hexadecimal digits, the same each time."""
    return uuid.uuid5(NAMESPACE, f"{dashboard.key}/{f.name}").hex[:8]


def mappings(dashboard: Dashboard, question: Question, card: int) -> list[Payload]:
    """How the dashboard's filters fill the variables of a card's SQL."""
    return [
        {"parameter_id": filter_id(dashboard, f), "card_id": card, "target": _target(f)}
        for f in dashboard.filters
        if f in question.parameters
    ]
