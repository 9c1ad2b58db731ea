"""A server that answers as Metabase does to what the project asks of it, keeps what it is told, and notes all.

Every request is held against tests/support/metabase_api.py; what does not fit is refused and noted. Tables and fields
are read from a published file by the queries of the DuckDB driver (metabase_duckdb_driver 1.5.5.0).
"""

import copy
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import jsonschema

from tests.support.metabase_api import ENDPOINTS

TOKEN, PASSWORD_OF_NOBODY = "setup-token-1", "not the password"
# What the driver asks for tables, and for the columns of one.
TABLES = (
    "select table_catalog, table_schema, table_name, table_comment from information_schema.tables"
    " where table_catalog not like '__ducklake_metadata%'"
    " and table_schema not in ('information_schema', 'pg_catalog')"
)
COLUMNS = (
    "select column_name, data_type, column_comment from information_schema.columns where table_name = ? and"
    " table_schema = ? and table_catalog not like '__ducklake_metadata%' order by ordinal_position"
)

Thing = dict[str, Any]
Answer = tuple[int, Any]


class FakeMetabase:
    """State, and knobs that tests turn.

    Attributes:
        seen: each request: method, path, body.
        wrong: what was asked that Metabase would not understand.
        published: the file whose tables it has, or None for a database that cannot be opened.
        starting: how many requests are answered with 503 yet.
        in_stages: whether queries come back in the form of Metabase since 0.57.
        answers: what is answered to a method and path instead.
        delay: seconds before an answer.
    """

    def __init__(self, published: Path | None) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.wrong: list[str] = []
        self.published = published
        self.starting = 0
        self.in_stages = False
        self.answers: dict[tuple[str, str], Answer] = {}
        self.delay = 0.0
        self.admin: tuple[str, str] | None = None
        self.sessions: set[str] = set()
        self.keys: list[Thing] = []
        self.databases: dict[int, Thing] = {}
        self.collections: dict[int, Thing] = {}
        self.cards: dict[int, Thing] = {}
        self.dashboards: dict[int, Thing] = {}
        self.tables: list[Thing] = []
        self.synced = 0
        self.pools_closed = 0
        self._last = 0
        self.url = ""

    def new_id(self) -> int:
        self._last += 1
        return self._last

    def changes(self) -> list[tuple[str, str]]:
        """The requests that changed something, without logins and syncs."""
        quiet = ("/api/session", "sync_schema", "rescan_values")
        return [(m, p) for m, p, _ in self.seen if m != "GET" and not p.endswith(quiet)]

    def add_key(self, key: str = "mb_given") -> str:
        self.keys.append({"id": self.new_id(), "name": "given", "unmasked_key": key})
        return key

    def answer(self, method: str, address: str, headers: Any, body: Any) -> Answer:
        parts = urlsplit(address)
        path = parts.path
        self.seen.append((method, path, copy.deepcopy(body)))
        if self.delay:
            time.sleep(self.delay)
        if (method, path) in self.answers:
            return self.answers[method, path]
        if self.starting:
            self.starting -= 1
            return 503, {"status": "initializing", "progress": 0.3}
        numbers = [int(n) for n in re.findall(r"(?<=/)\d+(?=/|$)", path)]
        pattern = re.sub(r"(?<=/)\d+(?=/|$)", "{}", path)
        if (method, pattern) not in ENDPOINTS:
            self.wrong.append(f"{method} {path}: no such endpoint")
            return 404, "API endpoint does not exist."
        schema, query = ENDPOINTS[method, pattern]
        unknown = set(parse_qs(parts.query)) - set(query)
        if unknown:
            self.wrong.append(f"{method} {path}: no such parameters: {unknown}")
        if schema is not None:
            for error in jsonschema.Draft202012Validator(schema).iter_errors(body):
                self.wrong.append(f"{method} {path}: {error.json_path}: {error.message[:200]}")
                return 400, {"errors": {error.json_path: error.message[:100]}}
        if not self._may(method, pattern, headers):
            return 401, "Unauthenticated"
        return self._do(method, pattern, numbers, body, parse_qs(parts.query))

    def _may(self, method: str, pattern: str, headers: Any) -> bool:
        if pattern in ("/api/health", "/api/session/properties", "/api/setup") or (method, pattern) == (
            "POST",
            "/api/session",
        ):
            return True
        return headers.get("X-API-KEY") in {key["unmasked_key"] for key in self.keys} or (
            headers.get("X-Metabase-Session") in self.sessions
        )

    def _new_session(self) -> Answer:
        session = f"session-{self.new_id()}"
        self.sessions.add(session)
        return 200, {"id": session}

    def _do(
        self, method: str, pattern: str, numbers: list[int], body: Any, query: dict[str, list[str]]
    ) -> Answer:
        match method, pattern:
            case "GET", "/api/health":
                return 200, {"status": "ok"}
            case "GET", "/api/session/properties":
                return 200, {
                    "has-user-setup": self.admin is not None,
                    "setup-token": None if self.admin else TOKEN,
                }
            case "POST", "/api/setup":
                if self.admin is not None:
                    return 403, "The /api/setup route can only be used to create the first user."
                if body["token"] != TOKEN:
                    return 400, {"errors": {"token": "Token does not match the setup token."}}
                password = body["user"]["password"]
                if len(password) < 8 or not re.search("[0-9]", password):
                    return 400, {"errors": {"user": {"password": "password is too common."}}}
                self.admin = body["user"]["email"], password
                return self._new_session()
            case "POST", "/api/session":
                if (body["username"], body["password"]) != self.admin:
                    return 401, {"errors": {"password": "did not match stored password"}}
                return self._new_session()
            case "GET", "/api/user/current":
                return 200, {"id": 1, "is_superuser": True}
            case "GET", "/api/permissions/group":
                return 200, [{"id": 1, "name": "All Users"}, {"id": 2, "name": "Administrators"}]
            case "GET", "/api/api-key":
                return 200, [{"id": k["id"], "name": k["name"], "masked_key": "mb_x**"} for k in self.keys]
            case "POST", "/api/api-key":
                if body["name"] in {key["name"] for key in self.keys}:
                    return 400, {"errors": {"name": "An API key with this name already exists."}}
                made = {"id": self.new_id(), "name": body["name"], "unmasked_key": f"mb_key_{self._last}"}
                self.keys.append(made)
                return 200, made
            case "PUT", "/api/api-key/{}/regenerate":
                key = next(k for k in self.keys if k["id"] == numbers[0])
                key["unmasked_key"] = f"mb_key_{self.new_id()}"
                return 200, key
        if pattern.startswith("/api/database"):
            return self._database(method, pattern, numbers, body)
        if pattern in ("/api/table/{}", "/api/field/{}"):
            things = (
                self.tables
                if "table" in pattern
                else [field for table in self.tables for field in table["fields"]]
            )
            thing = next(t for t in things if t["id"] == numbers[0])
            thing.update(body)
            return 200, thing
        if pattern.startswith("/api/collection"):
            return self._collection(method, pattern, numbers, body, query)
        if pattern.startswith("/api/card"):
            return self._card(method, numbers, body)
        return self._dashboard(method, numbers, body)

    def _database(self, method: str, pattern: str, numbers: list[int], body: Any) -> Answer:
        match method, pattern:
            case "GET", "/api/database":
                return 200, {"data": list(self.databases.values()), "total": len(self.databases)}
            case "POST", "/api/database":
                if self.published is None:
                    return 400, {"message": "IO Error: Cannot open file", "valid": False}
                made = {
                    "id": self.new_id(), "is_full_sync": True, "is_on_demand": False, "description": None, **body,
                }  # fmt: skip
                self.databases[made["id"]] = made
                return 200, made
        database = self.databases[numbers[0]]
        match method, pattern:
            case "PUT", "/api/database/{}":
                # What decides over a connection pool, as Metabase 0.63 does it.
                if any(database.get(name) != value for name, value in body.items()):
                    self.pools_closed += 1
                # Left out, this one becomes false there.
                database["is_on_demand"] = False
                database.update({k: v for k, v in body.items() if k != "details"})
                database["details"] = {**database["details"], **body.get("details", {})}
                return 200, database
            case "POST", "/api/database/{}/sync_schema":
                self.synced += 1
                self._read_tables()
                return 200, {"status": "ok"}
            case "GET", "/api/database/{}/metadata":
                return 200, {**database, "tables": copy.deepcopy(self.tables)}
        return 200, {"status": "ok"}

    def _read_tables(self) -> None:
        known = {table["name"]: table for table in self.tables}
        with duckdb.connect(str(self.published), read_only=True) as connection:
            for _, schema, name, comment in connection.execute(TABLES).fetchall():
                if name in known:
                    continue
                columns = connection.execute(COLUMNS, [name, schema]).fetchall()
                fields = [
                    {
                        "id": self.new_id(), "name": column, "display_name": column.title(), "description": text,
                        "database_type": kind, "semantic_type": None, "visibility_type": "normal",
                        "fk_target_field_id": None, "has_field_values": None, "coercion_strategy": None,
                        "settings": None,
                    }
                    for column, kind, text in columns
                ]  # fmt: skip
                self.tables.append(
                    {
                        "id": self.new_id(), "name": name, "schema": schema, "display_name": name.title(),
                        "description": comment, "visibility_type": None, "points_of_interest": None,
                        "caveats": None, "fields": fields,
                    }
                )  # fmt: skip

    def _collection(
        self, method: str, pattern: str, numbers: list[int], body: Any, query: dict[str, list[str]]
    ) -> Answer:
        match method, pattern:
            case "GET", "/api/collection":
                return 200, [{"id": "root", "name": "Our analytics"}, *self.collections.values()]
            case "POST", "/api/collection":
                made = {"id": self.new_id(), "archived": False, "description": None, **body}
                self.collections[made["id"]] = made
                return 200, made
            case "PUT", "/api/collection/{}":
                self.collections[numbers[0]].update(body)
                return 200, self.collections[numbers[0]]
        listed = [
            {"id": t["id"], "name": t["name"], "description": t.get("description"), "model": model}
            for model, things in (("card", self.cards), ("dashboard", self.dashboards))
            for t in things.values()
            if t.get("collection_id") == numbers[0] and not t["archived"] and model in query["models"]
        ]
        return 200, {"data": listed, "total": len(listed), "models": query["models"]}

    def _card(self, method: str, numbers: list[int], body: Any) -> Answer:
        if method == "POST":
            made = {"id": self.new_id(), "archived": False, "type": "question", **body}
            self.cards[made["id"]] = made
            return 200, made
        if numbers[0] not in self.cards:
            return 404, "Not found."
        card = self.cards[numbers[0]]
        if method == "PUT":
            card.update(body)
        answered = copy.deepcopy(card)
        if self.in_stages:
            query = answered["dataset_query"]
            answered["dataset_query"] = {
                "lib/type": "mbql/query",
                "database": query["database"],
                "stages": [
                    {
                        "lib/type": "mbql.stage/native",
                        "native": query["native"]["query"],
                        "template-tags": query["native"]["template-tags"],
                    }
                ],
            }
        return 200, {**answered, "can_write": True, "creator": {"id": 1}, "result_metadata": []}

    def _dashboard(self, method: str, numbers: list[int], body: Any) -> Answer:
        if method == "POST":
            made = {
                "id": self.new_id(),
                "archived": False,
                "dashcards": [],
                "tabs": [],
                "parameters": [],
                **body,
            }
            self.dashboards[made["id"]] = made
            return 200, made
        dashboard = self.dashboards[numbers[0]]
        if method == "PUT":
            changed = {k: v for k, v in body.items() if k not in ("dashcards", "tabs")}
            if "dashcards" in body:
                tabs, cards = body.get("tabs") or [], body["dashcards"]
                if tabs and any(card.get("dashboard_tab_id") is None for card in cards):
                    return 400, "This dashboard has tab, makes sure every card has a tab"
                new = {tab["id"]: self.new_id() for tab in tabs if tab["id"] < 0}
                dashboard["tabs"] = [
                    {"id": new.get(tab["id"], tab["id"]), "name": tab["name"], "position": place,
                     "dashboard_id": dashboard["id"]}
                    for place, tab in enumerate(tabs)
                ]  # fmt: skip
                before = {card["id"]: card for card in dashboard["dashcards"]}
                dashboard["dashcards"] = []
                for card in cards:
                    if card["id"] > 0 and card["id"] not in before:
                        return 404, "Not found."
                    if card.get("card_id") and card["card_id"] not in self.cards:
                        return 404, "Not found."
                    kept = {
                        "parameter_mappings": [], "visualization_settings": {}, **before.get(card["id"], {}),
                        **card, "series": card.get("series") or [],
                    }  # fmt: skip
                    kept["id"] = card["id"] if card["id"] > 0 else self.new_id()
                    tab = kept.get("dashboard_tab_id")
                    kept["dashboard_tab_id"] = new.get(tab, tab)
                    dashboard["dashcards"].append(kept)
            dashboard.update(changed)
        answered = copy.deepcopy(dashboard)
        for card in answered["dashcards"]:
            card["card"] = {"id": card.get("card_id")}
        return 200, {**answered, "can_write": True, "param_fields": {}}


@contextmanager
def served(published: Path | None) -> Iterator[FakeMetabase]:
    """Run one on this machine, at a free port."""
    fake = FakeMetabase(published)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            with lock:
                status, body = fake.answer(
                    self.command, self.path, self.headers, json.loads(raw) if raw else None
                )
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            if status in (301, 302):
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = handle_one

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
