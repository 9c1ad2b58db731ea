"""Bring a Metabase to what the code says: database, collection, questions, dashboards. Again and again.

Speaks to Metabase over HTTP and reads the published file for words and columns. A thing of ours is known by the
mark in its description: what has none was made by people and is left alone, in our collection and on our
dashboards. A thing equal to the code is not written again; one whose key left the code goes to the trash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.base.paths import LINK
from scripts.outputs.metabase.api import Metabase
from scripts.outputs.metabase.labels import LabelledTables
from scripts.outputs.metabase.payloads import (
    Payload,
    card_payload,
    dashboard_head,
    key_of,
    look_of,
    mappings,
    marked,
)
from scripts.outputs.metabase.questions import Dashboard, Question, load_dashboards, load_questions, runnable
from scripts.published.reading import PublishedTables, number_and_time

ENGINE = "duckdb"
COLLECTION = "collection"
# Where compose.yml mounts the warehouse.
IN_CONTAINER = f"/warehouse/{LINK}"
# What is said again of a card that people put on a dashboard; the rest stays where it is left out.
PLACE = ("id", "card_id", "row", "col", "size_x", "size_y", "dashboard_tab_id")


@dataclass
class Changes:
    """What was done, by the names people see."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """In one line."""
        counts = {"created": self.created, "updated": self.updated, "archived": self.archived}
        done = ", ".join(f"{len(names)} {word}" for word, names in counts.items() if names)
        return done or "nothing to change"


@dataclass(frozen=True)
class Provisioned:
    """The database's id and name, the collection's id, dashboards' ids by key, and what changed."""

    database: int
    database_name: str
    collection: int
    dashboards: dict[str, int]
    changes: Changes


def connection_details(path: str) -> Payload:
    """The DuckDB connection, by the names of the driver's form.

    path: the published file's link as Metabase sees it.
    """
    return {
        "database_file": path,
        "read_only": True,
        "old_implicit_casting": True,
        "allow_unsigned_extensions": False,
        # DuckDB lives in Metabase's process and would take 80% of the machine.
        "memory_limit": "1GB",
        # Who may write SQL would read every file that Metabase can: the register of objections, the work
        # database. It cannot be a start-up option: the driver sets a time zone then, and that loads a file.
        "init_sql": "set enable_external_access = false",
        "advanced-options": True,
        # Beside the file, where the driver puts it, nothing can be written.
        "additional-options": "temp_directory=/tmp/card_segments",
    }


def provision(metabase: Metabase, published: Path, path: str) -> Provisioned:
    """Create or update everything.

    Args:
        metabase: with an API key of the administrators.
        published: the published file, for words and columns.
        path: the same file as Metabase sees it.

    Raises UserError where Metabase refuses or does not answer.
    """
    tables = LabelledTables(published)
    changes = Changes()
    database = _database(metabase, tables, published, path, changes)
    collection = _collection(metabase, tables, changes)
    found = _ours(metabase, collection)
    cards = _cards(metabase, tables, database["id"], collection, found["card"], changes)
    dashboards = _dashboards(metabase, tables, collection, cards, found["dashboard"], changes)
    # Questions go last: a dashboard may still have shown them.
    for model, known in (("dashboard", dashboards), ("card", cards)):
        for key, item in found[model].items():
            if key not in known:
                metabase.put(f"/api/{model}/{item['id']}", {"archived": True})
                changes.archived.append(item["name"])
    return Provisioned(database["id"], database["name"], collection, dashboards, changes)


def find_database(metabase: Metabase, path: str | None = None) -> Payload | None:
    """Our database; where no path is given, the one DuckDB file of the published name.

    Raises UserError where several could be meant, or no Metabase answers.
    """
    listed = metabase.get("/api/database")
    databases = listed.get("data") if isinstance(listed, dict) else listed
    if not isinstance(databases, list):
        raise UserError(
            f"{metabase.url}: does not answer as Metabase does; give the address of one as METABASE_URL."
        )
    candidates = [
        each
        for each in databases
        if each["engine"] == ENGINE
        and (
            (file := str((each.get("details") or {}).get("database_file", ""))) == path
            or (path is None and file.rsplit("/", 1)[-1] == LINK)
        )
    ]
    if len(candidates) > 1:
        raise UserError(
            f"{metabase.url}: has {len(candidates)} databases on a file {LINK}; remove all but one in Metabase's"
            " admin settings."
        )
    return candidates[0] if candidates else None


def description_of(tables: PublishedTables, published: Path) -> str:
    """The database's description: which version is shown."""
    number, at = number_and_time(published)
    return tables.word("metabase.database.description", number=number, at=at)


def refresh(metabase: Metabase, database: Mapping[str, Any], description: str) -> None:
    """Let Metabase see the version published last, where it saw another.

    Metabase keeps connections open, and these the file that the link led to. It closes them when the database's
    entry changes, as its description does with each version.
    """
    if database.get("description") != description:
        _update_database(metabase, database, {"description": description})


def _update_database(metabase: Metabase, database: Mapping[str, Any], changed: Payload) -> None:
    # Left out, what people chose for the sync would be reset.
    kept = {name: database[name] for name in ("is_on_demand", "is_full_sync") if name in database}
    metabase.put(f"/api/database/{database['id']}", {**kept, **changed})


def _database(
    metabase: Metabase, tables: PublishedTables, published: Path, path: str, changes: Changes
) -> Payload:
    details, description = connection_details(path), description_of(tables, published)
    found = find_database(metabase, path)
    if found is None:
        body = {"name": tables.word("metabase.database"), "engine": ENGINE, "details": details}
        try:
            found = metabase.post("/api/database", body)
        except UserError as error:
            raise UserError(
                f"Metabase cannot open {path}; it needs the DuckDB driver, and DATABASE= must be the published file"
                f" as Metabase sees it. {error}"
            ) from None
        changes.created.append(found["name"])
    elif not holds(details, found.get("details") or {}):
        # What somebody set beside it stays, as Metabase merges the two.
        _update_database(metabase, found, {"details": details})
        changes.updated.append(found["name"])
    refresh(metabase, found, description)
    return found


def _collection(metabase: Metabase, tables: PublishedTables, changes: Changes) -> int:
    wanted = marked(
        {
            "name": tables.word("metabase.collection"),
            "description": tables.word("metabase.collection.description"),
        },
        COLLECTION,
    )
    for found in metabase.get("/api/collection"):
        if key_of(found.get("description")) == COLLECTION and not found.get("archived"):
            if not holds(wanted, found):
                metabase.put(f"/api/collection/{found['id']}", wanted)
                changes.updated.append(wanted["name"])
            return int(found["id"])
    made = metabase.post("/api/collection", wanted)
    changes.created.append(made["name"])
    return int(made["id"])


def _ours(metabase: Metabase, collection: int) -> dict[str, dict[str, Payload]]:
    """What of ours is in the collection, by model and key."""
    found: dict[str, dict[str, Payload]] = {"card": {}, "dashboard": {}}
    items = metabase.get(f"/api/collection/{collection}/items", models=["card", "dashboard"])["data"]
    for item in items:
        key = key_of(item.get("description"))
        if key and item["model"] in found:
            found[item["model"]].setdefault(key, item)
    return found


def _cards(
    metabase: Metabase,
    tables: PublishedTables,
    database: int,
    collection: int,
    found: Mapping[str, Payload],
    changes: Changes,
) -> dict[str, int]:
    look = look_of(tables)
    cards: dict[str, int] = {}
    for key, question in load_questions().items():
        columns = list(tables.frame(f"describe {runnable(question)}")["column_name"])
        wanted = card_payload(question, columns, tables, look, database, collection, cards)
        if key not in found:
            cards[key] = int(metabase.post("/api/card", wanted)["id"])
            changes.created.append(wanted["name"])
            continue
        cards[key] = int(found[key]["id"])
        stored = metabase.get(f"/api/card/{cards[key]}")
        if not holds(wanted, {**stored, "dataset_query": legacy_query(stored["dataset_query"])}):
            metabase.put(f"/api/card/{cards[key]}", wanted)
            changes.updated.append(wanted["name"])
    return cards


def _dashboards(
    metabase: Metabase,
    tables: PublishedTables,
    collection: int,
    cards: Mapping[str, int],
    found: Mapping[str, Payload],
    changes: Changes,
) -> dict[str, int]:
    questions = load_questions()
    ids: dict[str, int] = {}
    for key, dashboard in load_dashboards().items():
        head = dashboard_head(dashboard, tables, collection, cards)
        layout = list(_layout(dashboard, questions, cards))
        tabs = [tables.word(f"metabase.tab.{name}") for name in dashboard.tabs]
        # The mark stands for the layout, too.
        mark = marked({**head, "layout": layout, "tabs": tabs}, key)["description"]
        head["description"] = mark
        is_new = key not in found
        ids[key] = int(metabase.post("/api/dashboard", head)["id"] if is_new else found[key]["id"])
        stored = metabase.get(f"/api/dashboard/{ids[key]}")
        wanted_tabs = _merge_tabs(tabs, stored.get("tabs") or [])
        wanted_cards = _merge_cards(layout, stored.get("dashcards") or [], wanted_tabs, set(cards.values()))
        shown = {card["id"]: card for card in stored.get("dashcards") or []}
        same = (
            holds(head, stored)
            and wanted_tabs == _merge_tabs([], stored.get("tabs") or [])
            and {card["id"] for card in wanted_cards} == set(shown)
            and all(holds(card, shown[card["id"]]) for card in wanted_cards)
        )
        if not same:
            metabase.put(
                f"/api/dashboard/{ids[key]}", {**head, "tabs": wanted_tabs, "dashcards": wanted_cards}
            )
        if is_new:
            changes.created.append(head["name"])
        elif not same:
            changes.updated.append(head["name"])
    return ids


def _layout(
    dashboard: Dashboard, questions: Mapping[str, Question], cards: Mapping[str, int]
) -> Iterator[Payload]:
    """The cards as they should lie; `dashboard_tab_id` is a tab's number still."""
    for card in dashboard.cards:
        identity = cards[card.question]
        yield {
            "card_id": identity,
            "row": card.row,
            "col": card.column,
            "size_x": card.width,
            "size_y": card.height,
            "dashboard_tab_id": card.tab if dashboard.tabs else None,
            "parameter_mappings": mappings(dashboard, questions[card.question], identity),
        }


def _merge_tabs(wanted: list[str], stored: list[Payload]) -> list[Payload]:
    """Our tabs come first and keep their ids; what people added follows. New ones get negative ids."""
    if not wanted:
        return [{"id": tab["id"], "name": tab["name"]} for tab in stored]
    merged = [
        {"id": stored[number]["id"] if number < len(stored) else -(number + 1), "name": name}
        for number, name in enumerate(wanted)
    ]
    return merged + [{"id": tab["id"], "name": tab["name"]} for tab in stored[len(wanted) :]]


def _merge_cards(
    layout: list[Payload], stored: list[Payload], tabs: list[Payload], ours: set[int]
) -> list[Payload]:
    """Our cards with the ids they have or negative ones, and what people put beside them as it is."""
    left = list(stored)
    merged: list[Payload] = []
    for number, card in enumerate(layout):
        tab = card["dashboard_tab_id"]
        place = {**card, "dashboard_tab_id": tabs[tab if tab is not None else 0]["id"] if tabs else None}
        same = next((c for c in left if c.get("card_id") == card["card_id"]), None)
        if same is not None:
            left.remove(same)
        merged.append({"id": same["id"] if same is not None else -(number + 1), **place})
    for card in left:
        if card.get("card_id") not in ours:
            place = {name: card[name] for name in PLACE if card.get(name) is not None}
            # Left out, the series would be lost.
            merged.append({**place, "series": [{"id": each["id"]} for each in card.get("series") or []]})
    return merged


def legacy_query(query: Mapping[str, Any]) -> Payload:
    """A native query in the form that is sent; Metabase since 0.57 may answer with one in stages."""
    if "stages" not in query:
        return dict(query)
    stage = query["stages"][0]
    return {
        "type": "native" if str(stage.get("lib/type", "")).endswith("native") else "query",
        "database": query.get("database"),
        "native": {"query": stage.get("native"), "template-tags": stage.get("template-tags") or {}},
    }


def holds(wanted: Any, found: Any) -> bool:
    """Whether what was found says all that is wanted; it may say more."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            holds(value, found.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(holds(one, other) for one, other in zip(wanted, found, strict=True))
        )
    return bool(wanted == found)
