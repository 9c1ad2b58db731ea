"""Metabase: its questions on a published file, and the conversation with a server that answers as it does."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.outputs.metabase import access, payloads, questions
from scripts.outputs.metabase.api import Metabase, StartingError
from scripts.outputs.metabase.labels import LabelledTables, read_labels
from scripts.outputs.metabase.payloads import key_of, look_of
from scripts.outputs.metabase.provision import connection_details, holds, legacy_query, provision
from scripts.outputs.metabase.questions import (
    FOLDER,
    Question,
    load_dashboards,
    load_filters,
    load_formats,
    prepared,
    runnable,
)
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.outputs.metabase.set_up import set_up
from scripts.published.look import VALUE_PARTS
from tests.support.builds import REPO
from tests.support.copied_version import copy_warehouse, publish_copy
from tests.support.metabase_filters import (
    MAY_BE_EMPTY,
    NUMBERS,
    OF_CAMPAIGNS,
    OF_TWO_MONTHS,
    QUESTIONS,
    some_value,
)
from tests.support.metabase_server import FakeMetabase, served

PATH = "/warehouse/card_segments.duckdb"
SEGMENTS = "card-segments:segment_sizes:"


@pytest.fixture(scope="module", params=["sample_build", "real_build"])
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_runs_with_each_filter_set_and_unset(question: Question, file: Path) -> None:
    with duckdb.connect(str(file), read_only=True) as connection:
        values = {f.name: some_value(f.name, connection) for f in question.parameters}
        all_rows = None
        for given in [{}, *({name: value} for name, value in values.items()), values]:
            sql, used = prepared(question, given)
            answer = connection.execute(sql, used)
            columns = [column[0] for column in answer.description or []]
            rows = answer.fetchall()
            assert rows or question.key in MAY_BE_EMPTY, given
            all_rows = rows if all_rows is None else all_rows
            assert len(rows) <= len(all_rows)
            # The same as plain SQL, for tools that know no variables.
            assert connection.execute(runnable(question, given)).fetchall() == rows
            named = {*question.x, *question.y, *question.heat}
            assert named <= set(columns)
            assert question.display != "scalar" or (len(columns), len(rows)) == (1, 1)


def test_a_filter_filters(sample_build: Path) -> None:
    """Each filter leaves out rows, or changes a number, in every question that has it."""
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        for question in QUESTIONS.values():
            for f in question.parameters:
                value = NUMBERS.get(f.name, "nothing such")
                before = connection.execute(runnable(question)).fetchall()
                after = connection.execute(runnable(question, {f.name: value})).fetchall()
                # In the first month nobody has moved yet, and nothing is drawn: tests/warehouse/test_life.py asks in the second,
                # tests/campaigns/test_published_campaigns.py after a campaign.
                assert after != before or question.key in OF_TWO_MONTHS | OF_CAMPAIGNS, (question.key, f.name)


def test_a_value_is_no_sql(sample_build: Path) -> None:
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        sql = runnable(QUESTIONS["customers_total"], {"segment": "x' or '1' = '1"})
        assert connection.execute(sql).fetchall() == [(0,)]


def test_files_questions_and_dashboards_belong_together() -> None:
    shown = {card.question for board in load_dashboards().values() for card in board.cards}
    lists = {f.values for f in load_filters().values() if f.values}
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(QUESTIONS) == shown | lists
    for board in load_dashboards().values():
        wired = {f for card in board.cards for f in QUESTIONS[card.question].parameters}
        assert set(board.filters) <= wired, board.key


def test_cards_lie_on_the_grid_and_not_on_each_other() -> None:
    for board in load_dashboards().values():
        taken: set[tuple[int, int, int]] = set()
        for card in board.cards:
            assert card.column + card.width <= 24
            place = {
                (card.tab, row, column)
                for row in range(card.row, card.row + card.height)
                for column in range(card.column, card.column + card.width)
            }
            assert not place & taken, (board.key, card.question)
            taken |= place


def test_the_parts_of_value_are_those_of_report_and_workbook(sample_build: Path) -> None:
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        described = connection.execute(f"describe {runnable(QUESTIONS['value_parts'])}").fetchall()
    assert [row[0] for row in described] == ["segment_name", *VALUE_PARTS]


def test_every_word_and_format_is_used_and_there(sample_build: Path) -> None:
    """In both languages, and none too many."""
    needed = {"collection", "collection.description", "database", "database.description"}
    for kind, keys in (("question", QUESTIONS), ("dashboard", load_dashboards())):
        needed |= {f"{kind}.{key}{end}" for key in keys for end in ("", ".description")}
    needed |= {f"tab.{tab}" for board in load_dashboards().values() for tab in board.tabs}
    needed |= {f"filter.{name}" for name in load_filters()}
    columns = set()
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        for question in QUESTIONS.values():
            described = connection.execute(f"describe {runnable(question)}").fetchall()
            columns |= {row[0] for row in described}
    needed |= {f"column.{column}" for column in columns}
    for language in ("en", "id"):
        found = {key.removeprefix("metabase.") for key in read_labels(language)}
        assert found == needed, language
    assert set(load_formats()) <= columns


# The conversation.


@pytest.fixture
def metabase(sample_build: Path) -> Iterator[FakeMetabase]:
    with served(sample_build) as fake:
        yield fake
        assert fake.wrong == []


@pytest.fixture
def client(metabase: FakeMetabase) -> Metabase:
    return Metabase(metabase.url, key=metabase.add_key())


def card_of(metabase: FakeMetabase, key: str) -> dict[str, Any]:
    return next(c for c in metabase.cards.values() if key_of(c["description"]) == key and not c["archived"])


def board_of(metabase: FakeMetabase, key: str) -> dict[str, Any]:
    return next(d for d in metabase.dashboards.values() if key_of(d["description"]) == key)


def test_all_is_made_once(client: Metabase, metabase: FakeMetabase, sample_build: Path) -> None:
    done = provision(client, sample_build, PATH)
    assert len(metabase.cards) == len(QUESTIONS)
    assert set(done.dashboards) == set(load_dashboards())
    database = metabase.databases[done.database]
    assert database["details"]["read_only"] is True
    assert database["details"]["database_file"] == PATH
    assert {c["dataset_query"]["database"] for c in metabase.cards.values()} == {done.database}
    assert {c["collection_id"] for c in metabase.cards.values()} == {done.collection}
    # Lists of choices lead to questions that are there.
    source = board_of(metabase, "explorer")["parameters"][0]["values_source_config"]
    assert source["card_id"] == card_of(metabase, "segment_names")["id"]


@pytest.mark.parametrize("in_stages", [False, True])
def test_a_second_time_changes_nothing(
    client: Metabase, metabase: FakeMetabase, sample_build: Path, in_stages: bool
) -> None:
    provision(client, sample_build, PATH)
    metabase.in_stages = in_stages
    made = len(metabase.changes())
    done = provision(client, sample_build, PATH)
    assert metabase.changes()[made:] == []
    assert str(done.changes) == "nothing to change"


def test_filters_of_dashboards_fill_variables_of_cards(
    client: Metabase, metabase: FakeMetabase, sample_build: Path
) -> None:
    provision(client, sample_build, PATH)
    for key, board in load_dashboards().items():
        stored = board_of(metabase, key)
        filters = {parameter["id"]: parameter["slug"] for parameter in stored["parameters"]}
        assert list(filters.values()) == [f.name for f in board.filters]
        for card in stored["dashcards"]:
            question = metabase.cards[card["card_id"]]
            tags = question["dataset_query"]["native"]["template-tags"]
            mapped = {filters[m["parameter_id"]]: m["target"][1][1] for m in card["parameter_mappings"]}
            assert mapped == {name: name for name in filters.values() if name in tags}
            assert {parameter["slug"] for parameter in question["parameters"]} == set(tags)
    tabs = board_of(metabase, "explorer")["tabs"]
    assert [tab["name"] for tab in tabs] == ["Profile", "Customers"]
    assert {c["dashboard_tab_id"] for c in board_of(metabase, "explorer")["dashcards"]} == {
        tab["id"] for tab in tabs
    }


def test_settings_name_columns_of_the_answer(
    client: Metabase, metabase: FakeMetabase, sample_build: Path
) -> None:
    provision(client, sample_build, PATH)
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        for stored in metabase.cards.values():
            question = QUESTIONS[str(key_of(stored["description"]))]
            columns = {row[0] for row in connection.execute(f"describe {runnable(question)}").fetchall()}
            settings = stored["visualization_settings"]
            assert set(settings["column_settings"]) == {f'["name","{column}"]' for column in columns}
            named = [*settings.get("graph.dimensions", []), *settings.get("graph.metrics", [])]
            named += [c for rule in settings.get("table.column_formatting", []) for c in rule["columns"]]
            assert set(named) <= columns
    words = card_of(metabase, "segment_description")["visualization_settings"]["column_settings"]
    assert words['["name","offer"]']["text_wrapping"] is True
    worth = card_of(metabase, "segment_worth")["visualization_settings"]["column_settings"]
    assert worth['["name","value_base"]'] == {
        "column_title": "Value a year",
        "number_style": "currency",
        "currency": "USD",
        "decimals": 0,
        "number_separators": ".,",
    }


def test_a_changed_question_is_written_again_and_nothing_else(
    client: Metabase, metabase: FakeMetabase, sample_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(client, sample_build, PATH)
    changed = {**QUESTIONS}
    changed["chosen_k"] = Question(
        **{**vars(QUESTIONS["chosen_k"]), "sql": "select max(k) as k from marts.elbow_curve where is_chosen"}
    )
    monkeypatch.setattr("scripts.outputs.metabase.provision.load_questions", lambda: changed)
    made = len(metabase.changes())
    done = provision(client, sample_build, PATH)
    card = card_of(metabase, "chosen_k")
    assert metabase.changes()[made:] == [("PUT", f"/api/card/{card['id']}")]
    assert card["dataset_query"]["native"]["query"].startswith("select max(k)")
    assert done.changes.updated == ["Chosen k"]


def test_what_was_changed_by_hand_comes_back(
    client: Metabase, metabase: FakeMetabase, sample_build: Path
) -> None:
    provision(client, sample_build, PATH)
    card_of(metabase, "elbow")["dataset_query"]["native"]["query"] = "select 1"
    board = board_of(metabase, "overview")
    board["dashcards"][0]["row"] = 99
    provision(client, sample_build, PATH)
    assert card_of(metabase, "elbow")["dataset_query"]["native"]["query"] == QUESTIONS["elbow"].sql
    assert board_of(metabase, "overview")["dashcards"][0]["row"] == 0


def test_what_left_the_code_goes_to_the_trash_and_what_people_made_stays(
    client: Metabase, metabase: FakeMetabase, sample_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = provision(client, sample_build, PATH)
    theirs = {
        "id": metabase.new_id(), "name": "By hand", "description": "mine", "archived": False,
        "collection_id": done.collection, "dataset_query": {}, "display": "table",
    }  # fmt: skip
    metabase.cards[theirs["id"]] = dict(theirs)
    board = board_of(metabase, "overview")
    beside = {
        "id": metabase.new_id(), "card_id": theirs["id"], "row": 50, "col": 0, "size_x": 6, "size_y": 4,
        "dashboard_tab_id": None, "parameter_mappings": [], "visualization_settings": {"card.title": "Mine"},
        "inline_parameters": ["mine"], "series": [{"id": theirs["id"], "name": "By hand"}],
    }  # fmt: skip
    board["dashcards"].append(dict(beside))
    made = len(metabase.changes())
    assert str(provision(client, sample_build, PATH).changes) == "nothing to change"
    assert metabase.changes()[made:] == []
    # Now the code loses a question that dashboards show, and a dashboard.
    boards = {k: b for k, b in load_dashboards().items() if k != "choosing_k"}
    lost = {
        "chosen_k",
        "elbow",
        "silhouette_by_k",
        "stability_by_k",
        "choice_votes",
        "candidates",
        "model_in_use",
    }
    boards["overview"] = type(boards["overview"])(
        **{
            **vars(boards["overview"]),
            "cards": tuple(c for c in boards["overview"].cards if c.question != "model_in_use"),
        }
    )
    monkeypatch.setattr("scripts.outputs.metabase.provision.load_dashboards", lambda: boards)
    monkeypatch.setattr(
        "scripts.outputs.metabase.provision.load_questions",
        lambda: {k: q for k, q in QUESTIONS.items() if k not in lost},
    )
    again = provision(client, sample_build, PATH)
    assert {key_of(c["description"]) for c in metabase.cards.values() if c["archived"]} == lost
    assert board_of(metabase, "choosing_k")["archived"] is True
    assert len(again.changes.archived) == len(lost) + 1
    assert holds(theirs, metabase.cards[theirs["id"]])
    kept = [c for c in board_of(metabase, "overview")["dashcards"] if c["card_id"] == theirs["id"]]
    assert len(kept) == 1
    assert holds({**beside, "series": [{"id": theirs["id"]}]}, kept[0])


def test_a_tab_that_people_added_stays(client: Metabase, metabase: FakeMetabase, sample_build: Path) -> None:
    provision(client, sample_build, PATH)
    board = board_of(metabase, "explorer")
    tab = {"id": metabase.new_id(), "name": "Ours", "position": 2}
    board["tabs"].append(tab)
    made = len(metabase.changes())
    provision(client, sample_build, PATH)
    assert metabase.changes()[made:] == []
    board["dashcards"][0]["size_x"] = 1
    provision(client, sample_build, PATH)
    assert [t["id"] for t in board_of(metabase, "explorer")["tabs"]][-1] == tab["id"]


def test_a_changed_connection_is_put_right_and_other_databases_are_not_touched(
    client: Metabase, metabase: FakeMetabase, sample_build: Path
) -> None:
    other = {"id": metabase.new_id(), "name": "Other", "engine": "postgres", "details": {"host": "db"}}
    metabase.databases[other["id"]] = dict(other)
    done = provision(client, sample_build, PATH)
    metabase.databases[done.database]["details"]["read_only"] = False
    metabase.databases[done.database]["details"]["threads"] = 2
    metabase.databases[done.database]["is_on_demand"] = True
    provision(client, sample_build, PATH)
    assert metabase.databases[done.database]["is_on_demand"] is True
    details = metabase.databases[done.database]["details"]
    assert details == {**connection_details(PATH), "threads": 2}
    assert metabase.databases[other["id"]] == other


def test_another_language_gives_other_names_and_no_other_things(
    client: Metabase, metabase: FakeMetabase, sample_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import csv

    provision(client, sample_build, PATH)
    cards = set(metabase.cards)
    with (REPO / "dbt_project/seeds/words/words_id.csv").open(encoding="utf-8") as file:
        words = {row["key"]: row["text"] for row in csv.DictReader(file)}

    class Indonesian(LabelledTables):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.words = words | read_labels("id")

    monkeypatch.setattr("scripts.outputs.metabase.provision.LabelledTables", Indonesian)
    provision(client, sample_build, PATH)
    assert set(metabase.cards) == cards
    assert card_of(metabase, "segment_sizes")["name"] == "Besar segmen"
    look = look_of(Indonesian(sample_build))
    assert look.separators == ",."


# First set-up, keys, and what goes wrong.


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_set_up_leaves_keys_for_the_owner_alone(metabase: FakeMetabase, tmp_path: Path) -> None:
    found = access.obtain_access(metabase.url, "you@example.com", "Card segments", tmp_path)
    admin = tmp_path / "metabase" / "admin.txt"
    email, password = admin.read_text().splitlines()
    assert metabase.admin == (email, password) == ("you@example.com", password)
    assert len(password) >= 24
    assert mode_of(admin.parent) == 0o700
    assert {mode_of(path) for path in admin.parent.iterdir()} == {0o600}
    setup = next(body for method, path, body in metabase.seen if path == "/api/setup")
    assert setup["prefs"] == {"site_name": "Card segments", "allow_tracking": False}
    # The next time the key is enough, and a lost one is made anew by a login.
    assert access.obtain_access(metabase.url, "", "Card segments", tmp_path) == found
    assert [p for m, p, _ in metabase.seen].count("/api/session") == 0
    (tmp_path / "metabase" / "api_key.json").unlink()
    again = access.obtain_access(metabase.url, "", "Card segments", tmp_path)
    assert again.key != found.key
    assert len(metabase.keys) == 1
    again.client().get("/api/user/current")


def test_no_two_set_ups_share_a_password(tmp_path: Path) -> None:
    assert len({access.new_password() for _ in range(50)}) == 50


def test_a_key_that_no_longer_works_is_replaced(metabase: FakeMetabase, tmp_path: Path) -> None:
    access.obtain_access(metabase.url, "you@example.com", "x", tmp_path)
    metabase.keys.clear()
    found = access.obtain_access(metabase.url, "", "x", tmp_path)
    found.client().get("/api/user/current")


def test_the_password_may_come_from_the_environment_and_is_not_written_down(
    metabase: FakeMetabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(access.PASSWORD, "given-Pass-1")
    access.obtain_access(metabase.url, "you@example.com", "x", tmp_path)
    assert metabase.admin == ("you@example.com", "given-Pass-1")
    assert not any("given-Pass-1" in path.read_text() for path in (tmp_path / "metabase").iterdir())


@pytest.mark.parametrize("email", ["", "you", "you@here", "a b@c.d"])
def test_the_first_set_up_needs_an_email(metabase: FakeMetabase, tmp_path: Path, email: str) -> None:
    with pytest.raises(UserError, match=r"EMAIL=.*make metabase EMAIL=you@example.com"):
        access.obtain_access(metabase.url, email, "x", tmp_path)
    assert metabase.admin is None


def test_the_email_is_asked_for_before_docker_works(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, metabase: FakeMetabase
) -> None:
    monkeypatch.delenv(access.URL, raising=False)
    monkeypatch.delenv(access.KEY, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"EMAIL=: Metabase needs"):
        set_up([], warehouse, Console())
    with pytest.raises(UserError, match=r"docker: not installed"):
        set_up(["EMAIL=you@example.com"], warehouse, Console())
    # After the first set-up nobody is asked again, not even where Metabase has forgotten it.
    access.obtain_access(metabase.url, "you@example.com", "x", warehouse)
    with pytest.raises(UserError, match=r"docker: not installed"):
        set_up([], warehouse, Console())
    metabase.admin = None
    metabase.keys.clear()
    access.obtain_access(metabase.url, "", "x", warehouse)
    assert (metabase.admin or ("",))[0] == "you@example.com"


def test_a_refused_login_is_one_sentence(metabase: FakeMetabase, tmp_path: Path) -> None:
    metabase.admin = ("you@example.com", "Another-1")
    with pytest.raises(UserError, match=r"admin.txt: not there, and this Metabase is set up already"):
        access.obtain_access(metabase.url, "", "x", tmp_path)
    access.write_private(access.own_folder(tmp_path) / "admin.txt", "you@example.com\nWrong-1\n")
    with pytest.raises(
        UserError, match=r"the login of you@example.com failed; give .*METABASE_PASSWORD"
    ) as e:
        access.obtain_access(metabase.url, "", "x", tmp_path)
    assert "Wrong-1" not in str(e.value)


def test_it_waits_while_metabase_starts(metabase: FakeMetabase) -> None:
    metabase.starting = 1
    access.wait_until_up(metabase.url, 20)
    metabase.starting = 10**6
    with pytest.raises(UserError, match=r"Metabase is not up after 0 s; give it longer, as in WAIT=900"):
        access.wait_until_up(metabase.url, 0)


def test_nobody_answers() -> None:
    with pytest.raises(StartingError, match=r"cannot be reached \(Connection refused\)"):
        Metabase("http://127.0.0.1:9", key="x").get("/api/health")


def test_what_is_no_address() -> None:
    with pytest.raises(UserError, match=r"METABASE_URL=metabase\.local: expected an address such as"):
        Metabase("metabase.local")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, "Unauthenticated", r"Metabase refused the login; check the API key"),
        (403, "You don't have permissions to do that.", r"use an API key of the group Administrators"),
        (503, {"status": "initializing"}, r"still starting; wait a minute"),
        (
            400,
            {"errors": {"name": "value must be a non-blank string."}},
            r"answered 400: name: value must be",
        ),
        (400, {"errors": {}, "message": "No such thing."}, r"answered 400: No such thing\.$"),
        (422, {"message": "IO Error: Cannot open\n file"}, r"answered 422: IO Error: Cannot open file\.$"),
        (500, "boom", r"answered 500: boom\.$"),
        (500, "", r"answered 500: nothing\.$"),
        (302, "https://login.example.com/", r"sends on to https://login.example.com/; give that server's"),
        (200, "<html>", r"something that is no JSON; is this the address of a Metabase\?"),
    ],
)
def test_each_kind_of_refusal_is_one_sentence(
    client: Metabase, metabase: FakeMetabase, status: int, body: Any, sentence: str
) -> None:
    metabase.answers["GET", "/api/database"] = (status, body)
    with pytest.raises(UserError, match=sentence) as e:
        client.get("/api/database")
    assert "\n" not in str(e.value)
    assert "mb_given" not in str(e.value)


@pytest.mark.parametrize("body", [{"hello": 1}, "hello", 1, None])
def test_another_server_than_metabase(
    client: Metabase, metabase: FakeMetabase, sample_build: Path, monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    """One sentence, and after a build a note."""
    metabase.answers["GET", "/api/database"] = (200, json.dumps(body))
    with pytest.raises(UserError, match=r"does not answer as Metabase does; give the address of one"):
        provision(client, sample_build, "/elsewhere.duckdb")
    monkeypatch.setenv(access.URL, metabase.url)
    monkeypatch.setenv(access.KEY, "mb_given")
    note = ask_for_resync(sample_build.parent, sample_build)
    assert note is not None and "does not answer as Metabase does" in note


def test_a_server_that_takes_too_long(metabase: FakeMetabase) -> None:
    metabase.delay = 0.5
    with pytest.raises(StartingError, match=r"no answer within 0.1 s"):
        Metabase(metabase.url, key="x", timeout=0.1).get("/api/health")


def test_a_file_that_metabase_cannot_open(
    client: Metabase, metabase: FakeMetabase, sample_build: Path
) -> None:
    metabase.published = None
    with pytest.raises(
        UserError, match=r"Metabase cannot open /elsewhere.duckdb; .*DATABASE=.*Cannot open file"
    ):
        provision(client, sample_build, "/elsewhere.duckdb")


@pytest.fixture
def warehouse(sample_build: Path, tmp_path: Path) -> Path:
    """A warehouse with what was published, to write keys into."""
    folder = tmp_path / "warehouse"
    folder.mkdir()
    copy_warehouse(sample_build, folder)
    shutil.copytree(
        sample_build.parent / "dbt", folder / "dbt", ignore=shutil.ignore_patterns("compiled", "run")
    )
    return folder


def test_a_metabase_that_is_there_is_provisioned_without_docker(
    metabase: FakeMetabase, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command, as a person does it; descriptions and kinds of columns arrive; again it writes nothing."""
    key = metabase.add_key()
    environment = {
        **os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse), "METABASE_URL": metabase.url,
        "METABASE_API_KEY": key, "PATH": "",
    }  # fmt: skip

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "scripts.metabase", f"DATABASE={PATH}", "WAIT=60"],
            cwd=REPO, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert key not in done.stdout + done.stderr
    for name in ("Portfolio overview", "Segment explorer", "Choosing k", "Data quality"):
        assert re.search(rf"{name} +{metabase.url}/dashboard/[0-9]+\n", done.stdout)
    tables = {table["name"]: table for table in metabase.tables}
    fields = {(name, field["name"]): field for name, table in tables.items() for field in table["fields"]}
    assert fields["customer_segments", "customer_id"]["semantic_type"] == "type/PK"
    segment = fields["customer_segments", "segment_id"]
    assert segment["semantic_type"] == "type/FK"
    assert segment["fk_target_field_id"] == fields["segment_profiles", "segment_id"]["id"]
    balance = fields["customer_features", "balance"]
    assert (balance["semantic_type"], balance["settings"]) == ("type/Currency", {"currency": "USD"})
    assert fields["customer_features", "tenure"]["semantic_type"] == "type/Duration"
    assert fields["data_quality_checks", "severity"]["semantic_type"] == "type/Category"
    assert fields["customer_features", "balance"]["description"].startswith("Mean balance owed")
    # What dbt does not list of a table keeps the comment that the driver read.
    assert fields["segment_profiles", "balance_mean"]["description"].startswith("Mean of: Mean balance")
    made = len(metabase.changes())
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to change" in done.stdout
    assert metabase.changes()[made:] == []
    # A key that was given is not kept.
    assert not (warehouse / "metabase").exists()


def test_tables_that_metabase_does_not_find_are_one_sentence(
    metabase: FakeMetabase, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(access.URL, metabase.url)
    monkeypatch.setenv(access.KEY, metabase.add_key())
    monkeypatch.setattr(metabase, "_read_tables", lambda: None)
    with pytest.raises(
        UserError, match=r"descriptions could not be handed over \(Table .* run make metabase again"
    ):
        set_up(["WAIT=1"], warehouse, Console())


def test_only_half_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(access.URL, "http://127.0.0.1:1")
    monkeypatch.delenv(access.KEY, raising=False)
    with pytest.raises(UserError, match=r"METABASE_API_KEY: not set, and METABASE_URL is; set both"):
        access.access_from_environment()


def test_nothing_is_published(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is published yet; run make build first"):
        set_up([], tmp_path, Console())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("WAIT=soon", "WAIT=soon: expected a whole number of seconds"),
        ("PORT=80", "PORT=80: expected a number from 1024 to 65535"),
        ("PORT=x", "PORT=x: expected a number"),
        ("DATABASE=/x", "DATABASE: is for a Metabase that you run"),
        ("NAME=x", "NAME=x: expected one of EMAIL="),
    ],
)
def test_parameters_that_make_no_sense(
    warehouse: Path, given: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(access.URL, raising=False)
    monkeypatch.delenv(access.KEY, raising=False)
    with pytest.raises(UserError, match=sentence):
        set_up([given], warehouse, Console())


@pytest.mark.parametrize("name", [access.URL, access.KEY, access.PASSWORD])
def test_secrets_on_the_command_line_are_refused_and_not_repeated(warehouse: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: belongs in the environment") as e:
        set_up([f"{name}=secret"], warehouse, Console())
    assert "secret" not in str(e.value)


def test_what_an_earlier_version_published(warehouse: Path) -> None:
    version = (warehouse / "card_segments.duckdb").resolve()
    version.chmod(0o644)
    with duckdb.connect(str(version)) as connection:
        connection.execute("delete from marts.words where key = 'language.code'")
    with pytest.raises(UserError, match="an earlier version of the job built it; run make build again"):
        set_up([], warehouse, Console())


@pytest.mark.parametrize(("published", "used", "label"), [("fr", "en", "Customers"), ("id", "id", "Nasabah")])
def test_the_language_of_the_labels(warehouse: Path, published: str, used: str, label: str) -> None:
    """English where there are none: a bank that adds a language need not translate what it may not use."""
    version = (warehouse / "card_segments.duckdb").resolve()
    version.chmod(0o644)
    with duckdb.connect(str(version)) as connection:
        connection.execute("update marts.words set text = ? where key = 'language.code'", [published])
    tables = LabelledTables(version)
    assert (tables.language, tables.word("metabase.tab.customers")) == (used, label)


# After a build.


def test_a_new_version_is_shown_at_once(
    client: Metabase, metabase: FakeMetabase, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections are closed once for a version, tables are read again, and settings of people stay."""
    published = warehouse / "card_segments.duckdb"
    done = provision(client, published, PATH)
    metabase.databases[done.database]["is_on_demand"] = True
    monkeypatch.setenv(access.URL, metabase.url)
    monkeypatch.setenv(access.KEY, "mb_given")
    closed = metabase.pools_closed
    assert ask_for_resync(warehouse, published) is None
    assert (metabase.pools_closed, metabase.synced) == (closed, 1)
    publish_copy(warehouse)
    assert ask_for_resync(warehouse, published) is None
    assert (metabase.pools_closed, metabase.synced) == (closed + 1, 2)
    database = metabase.databases[done.database]
    assert database["description"] == "Segments, version 77, published 2030-01-02 03:04:05 UTC."
    assert database["is_on_demand"] is True


def test_where_no_metabase_is_known_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(access.URL, raising=False)
    monkeypatch.delenv(access.KEY, raising=False)
    assert ask_for_resync(tmp_path, tmp_path / "card_segments.duckdb") is None


def test_a_metabase_that_does_not_answer_is_a_note(
    sample_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(access.URL, raising=False)
    monkeypatch.delenv(access.KEY, raising=False)
    text = '{"url": "http://127.0.0.1:9", "key": "mb_kept"}'
    access.write_private(access.own_folder(tmp_path) / "api_key.json", text)
    note = ask_for_resync(tmp_path, sample_build)
    assert note is not None
    assert "was not asked to look at the new version" in note
    assert "mb_kept" not in note
    access.write_private(tmp_path / "metabase" / "api_key.json", "{")
    assert "remove it and run make metabase again" in str(ask_for_resync(tmp_path, sample_build))


def test_a_build_asks_and_is_not_held_up(
    tmp_path: Path, metabase: FakeMetabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the job itself, with a Metabase that cannot be brought to the new version."""
    from tests.support.builds import run_build

    monkeypatch.setenv(access.URL, metabase.url)
    monkeypatch.setenv(access.KEY, metabase.add_key())
    done = run_build(tmp_path / "warehouse", "CUSTOMERS=600")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: " in done.stdout
    assert "has no database on the published file" in done.stdout
    assert "Done in" in done.stdout
    assert ("GET", "/api/database", None) in metabase.seen


def test_both_forms_of_a_query_are_read() -> None:
    staged = {
        "lib/type": "mbql/query",
        "database": 3,
        "stages": [{"lib/type": "mbql.stage/native", "native": "select 1", "template-tags": {"a": {}}}],
    }
    assert legacy_query(staged) == {
        "type": "native",
        "database": 3,
        "native": {"query": "select 1", "template-tags": {"a": {}}},
    }


def test_what_is_found_may_say_more_and_not_less() -> None:
    assert holds({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c": 3}], "d": 4})
    assert not holds({"a": [1]}, {"a": [1, 2]})
    assert not holds({"a": 1}, {})


def test_a_mark_finds_ours_only() -> None:
    marked = payloads.marked({"name": "x", "description": "Words."}, "elbow")
    assert key_of(marked["description"]) == "elbow"
    assert payloads.marked({"name": "y", "description": "Words."}, "elbow") != marked
    assert key_of("about card-segments: nothing") is None
    assert key_of(None) is None
    assert questions.load_questions()["elbow"].tables == {"elbow_curve"}
