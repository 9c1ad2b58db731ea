"""make postgres against a real PostgreSQL: what arrives, who may read it, and that readers only see whole versions."""

import datetime as dt
import importlib.util
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from scripts.outputs.postgres import transfer
from scripts.outputs.postgres.connection import Postgres, read_dsn
from scripts.outputs.postgres.refusals import CHANGED, KNOWN, UNCHANGED, why_postgres_failed
from scripts.postgres import main
from tests.support.builds import REPO
from tests.support.postgres_server import PASSWORD, SUPERUSER, Server, free_port, running_server
from tests.support.small_version import ODD, ROWS, write_published

psycopg = pytest.importorskip("psycopg", reason="psycopg cannot be imported here", exc_type=ImportError)

SCHEMA = "card_segments"
PUBLISHER, READER, COLLEAGUE = "publisher", "card_readers", "colleague"
# One row where this answers True: the same model and count in every table.
WHOLE = (
    f"select min(model_id), max(model_id), count(*), (select max(model_id) from {SCHEMA}.customer_values),"
    f" (select count(*) from {SCHEMA}.customer_values), (select sum(customers) from {SCHEMA}.segment_profiles)"
    f" from {SCHEMA}.customer_segments"
)


class Place:
    """A warehouse and an empty database that belongs to `publisher`."""

    def __init__(self, server: Server, warehouse: Path, database: str) -> None:
        self.server, self.warehouse, self.database = server, warehouse, database
        for role in (PUBLISHER, READER, COLLEAGUE):
            server.make_role(role)
        server.make_database(database, owner=PUBLISHER)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start the command; libpq's variables lead to the database unless others are given."""
        base = {name: value for name, value in os.environ.items() if not re.match(r"PG|DSN$", name)}
        given = environment or self.server.environment(self.database, PUBLISHER)
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.postgres", *arguments],
            cwd=REPO,
            env=base | {"CARD_SEGMENTS_WAREHOUSE": str(self.warehouse)} | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background has them ignore Ctrl-C, which processes inherit.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def publish(self, *arguments: str, **environment: str) -> str:
        """Publish, which succeeds; return what it printed."""
        process = self.start(*arguments, **environment)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return out

    def refused(self, *arguments: str, **environment: str) -> str:
        """Publish, which fails with one sentence; return it."""
        process = self.start(*arguments, **environment)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 1, out + errors
        assert len(errors.splitlines()) == 1 and errors.startswith("error: "), errors
        assert PASSWORD not in out + errors
        return errors

    def ask(self, query: str, user: str = SUPERUSER) -> list[tuple[Any, ...]]:
        """An answer of the database."""
        with self.server.connect(self.database, user) as connection:
            return connection.execute(query).fetchall()

    def run(self, statement: str, user: str = SUPERUSER) -> None:
        """Run a statement in the database."""
        with self.server.connect(self.database, user) as connection:
            connection.execute(statement)

    def holds_run(self, run: int, rows: int = ROWS) -> None:
        """Fails unless the database holds that run, whole."""
        model = f"run{run}"
        assert self.ask(WHOLE) == [(model, model, rows, model, rows, rows)]


@pytest.fixture
def place(postgres_server: Server, tmp_path: Path) -> Iterator[Place]:
    """Run 1 is there to be published."""
    write_published(tmp_path, 1)
    yield Place(postgres_server, tmp_path, "cards")


@pytest.fixture
def in_process(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in this process, so that its constants can be changed."""
    for name, value in place.server.environment(place.database, PUBLISHER).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DSN", raising=False)
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(place.warehouse))
    monkeypatch.setenv("PGAPPNAME", "card segments")
    return lambda *arguments: main(arguments)


# What arrives


def test_every_table_of_a_build_arrives_row_by_row(
    postgres_server: Server,
    sample_build: Path,
) -> None:
    """All tables, all values; published twice, so that rows are inserted into new and into old tables."""
    place = Place(postgres_server, sample_build.parent, "whole")
    for _ in range(2):
        out = place.publish(f"READERS={READER}")
        with duckdb.connect(str(sample_build), read_only=True) as connection:
            tables = [
                name
                for (name,) in connection.execute(
                    "select table_name from duckdb_tables() where schema_name = 'marts'"
                ).fetchall()
            ]
            ours = {name: connection.execute(f"from marts.{name}").fetchall() for name in tables}
        assert len(tables) > 20
        for name in tables:
            theirs = place.ask(f"select * from {SCHEMA}.{name}", user=READER)
            assert sorted(theirs, key=repr) == sorted(ours[name], key=repr), name
        assert f"{sum(map(len, ours.values())):,} rows" in out
    found = place.ask(
        f"select relname::text from pg_class where relkind = 'r' and relnamespace = '{SCHEMA}'::regnamespace"
    )
    assert {name for (name,) in found} == set(tables)


KINDS = """
    create table marts.kinds as select * from (values
        (1, true, 127::tinyint, 32767::smallint, 9223372036854775807, 1.5::float, 'nan'::double,
            12345678901234567890.123456::decimal(28, 6), 0.01::decimal(18, 2), date '1900-02-28',
            timestamp '2025-12-31 23:59:59.999999', '007'),
        (2, false, -128, -32768, -9223372036854775808, -0.25, 'inf', -0.000001, -1, date '2024-02-29',
            timestamp '1970-01-01', ' '),
        (3, null, null, null, null, null, '-inf', null, null, null, null, null),
        (4, true, 0, 0, 0, 0, 0.1::double + 0.2::double, 0, 0, date '0001-01-01', timestamp '0001-01-01', 'NULL')
    ) as t (id, yes, tiny, small, big, single, double, decimal, cents, day, moment, text);
"""


def test_kinds_of_values_stay_what_they_are(place: Place) -> None:
    write_published(place.warehouse, 1, more=KINDS)
    place.publish()
    types = place.ask(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
        f" where attrelid = '{SCHEMA}.kinds'::regclass and attnum > 0 order by attnum"
    )
    assert dict(types) == {
        "id": "integer",
        "yes": "boolean",
        "tiny": "smallint",
        "small": "smallint",
        "big": "bigint",
        "single": "real",
        "double": "double precision",
        "decimal": "numeric(28,6)",
        "cents": "numeric(18,2)",
        "day": "date",
        "moment": "timestamp without time zone",
        "text": "text",
    }
    rows = place.ask(f"select * from {SCHEMA}.kinds order by id")
    assert math.isnan(rows[0][6])
    assert (*rows[0][:6], *rows[0][7:]) == (
        1, True, 127, 32767, 2**63 - 1, 1.5, Decimal("12345678901234567890.123456"), Decimal("0.01"),
        dt.date(1900, 2, 28), dt.datetime(2025, 12, 31, 23, 59, 59, 999999), "007",
    )  # fmt: skip
    assert rows[1] == (
        2, False, -128, -32768, -(2**63), -0.25, math.inf, Decimal("-0.000001"), Decimal("-1"),
        dt.date(2024, 2, 29), dt.datetime(1970, 1, 1), " ",
    )  # fmt: skip
    assert rows[2] == (3, None, None, None, None, None, -math.inf, None, None, None, None, None)
    assert rows[3][6] == 0.1 + 0.2 and rows[3][9:] == (dt.date(1, 1, 1), dt.datetime(1, 1, 1), "NULL")


def test_odd_characters_and_leading_zeros_arrive(place: Place) -> None:
    place.publish()
    rows = place.ask(f"select customer_id, segment_name from {SCHEMA}.customer_segments order by 1 limit 7")
    assert rows == [(f"{i:010d}", ODD[i] if i < len(ODD) else None) for i in range(7)]


def test_nul_is_replaced_and_said(place: Place) -> None:
    """Postgres cannot hold it; what a note counts has the replacement character instead."""
    write_published(
        place.warehouse,
        1,
        more="insert into marts.words values ('a', 'x' || chr(0) || 'y' || chr(0)), ('b', 'z')",
    )
    out = place.publish()
    assert "note: words.text: 1 texts hold the character NUL" in out
    assert place.ask(f"select * from {SCHEMA}.words order by 1") == [("a", "x\ufffdy\ufffd"), ("b", "z")]


def test_a_type_that_postgres_lacks_is_one_sentence(place: Place) -> None:
    """Publishing the file refuses such types already; a file made otherwise could have one."""
    write_published(place.warehouse, 1, more="create table marts.big as select 1::hugeint as number;")
    assert "marts.big.number has type HUGEINT, which Postgres lacks" in place.refused()


def test_keys_indexes_comments_statistics_and_the_record(place: Place) -> None:
    for run in (1, 2):
        write_published(place.warehouse, run)
        place.publish()
        indexes = place.ask(
            f"select tablename::text, indexdef from pg_indexes where schemaname = '{SCHEMA}' order by 1, indexname"
        )
        short = [(table, re.sub(r"INDEX \S+ ON \S+ USING", "INDEX", words)) for table, words in indexes]
        assert short == [
            ("customer_segments", "CREATE UNIQUE INDEX btree (customer_id)"),
            ("customer_segments", "CREATE INDEX btree (segment_id, segment_name)"),
            ("customer_values", "CREATE UNIQUE INDEX btree (customer_id)"),
            ("segment_playbook", "CREATE INDEX btree (segment_id)"),
            ("segment_profiles", "CREATE UNIQUE INDEX btree (segment_id)"),
            ("segment_rules", "CREATE UNIQUE INDEX btree (segment_id, rule)"),
            ("words", "CREATE UNIQUE INDEX btree (key)"),
        ]
        table = f"'{SCHEMA}.customer_segments'::regclass"
        assert place.ask(f"select obj_description({table}, 'pg_class'), col_description({table}, 1)") == [
            ("One row per customer; it's \\ all.", "The customer's id.")
        ]
        # Of a table that nobody analysed the number of rows is -1.
        assert place.ask(f"select reltuples from pg_class where oid = {table}") == [(ROWS,)]
        (record,) = place.ask(f"select obj_description('{SCHEMA}'::regnamespace, 'pg_namespace')")[0]
        assert re.fullmatch(
            r"Card segments, published by make postgres at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC:"
            rf" version 00000{run}-20251231T235959Z, model run{run}",
            record,
        )


def test_what_it_prints_can_be_run(place: Place) -> None:
    """The example draws a chart of segments with psql itself, and holds no password."""
    out = place.publish(f"READERS={READER}")
    command = re.search(r"^  (psql .*)$", out, re.MULTILINE)
    assert command and f"-U {READER}" in command[1] and PASSWORD not in out
    done = subprocess.run(
        ["sh", "-c", command[1]],
        env={**os.environ, "PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(rf"Segment 1 +\| +400 \| {20 * '#'}$", done.stdout, re.MULTILINE)


def test_the_replaced_rows_make_room(place: Place) -> None:
    """Ten publishes take no more than twice the space of the first."""
    size = f"select pg_total_relation_size('{SCHEMA}.customer_segments')"
    place.publish()
    first = place.ask(size)[0][0]
    for run in range(2, 11):
        write_published(place.warehouse, run)
        place.publish()
    assert place.ask(size)[0][0] < 2.5 * first


# Who may read


def test_readers_may_read_and_nothing_else(place: Place) -> None:
    place.publish(f"READERS={READER}")
    assert place.ask(f"select count(*) from {SCHEMA}.customer_segments", user=READER) == [(ROWS,)]
    for statement in (
        f"insert into {SCHEMA}.words values ('a', 'b')",
        f"update {SCHEMA}.words set text = 'b'",
        f"delete from {SCHEMA}.words",
        f"truncate {SCHEMA}.words",
        f"drop table {SCHEMA}.words",
        f"create table {SCHEMA}.mine (i integer)",
        f"comment on schema {SCHEMA} is 'mine'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            place.run(statement, user=READER)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        place.ask(f"select * from {SCHEMA}.words", user=COLLEAGUE)


def test_rights_and_views_that_others_rest_on_it_stay(place: Place) -> None:
    """A view goes on to show what is published, and a right given by hand outlives a publish without READERS."""
    place.publish()
    place.run(
        f"grant usage on schema {SCHEMA} to {COLLEAGUE}; grant select on {SCHEMA}.customer_segments to {COLLEAGUE}"
    )
    place.run(
        f"create schema theirs; create view theirs.models as select distinct model_id from {SCHEMA}.customer_segments"
    )
    write_published(place.warehouse, 2)
    place.publish()
    assert place.ask("select * from theirs.models") == [("run2",)]
    assert place.ask(f"select count(*) from {SCHEMA}.customer_segments", user=COLLEAGUE) == [(ROWS,)]


# Other columns than before

OTHER_COLUMNS = "alter table marts.customer_segments drop column confidence;"


def test_a_table_with_other_columns_is_made_anew_with_its_rights(place: Place) -> None:
    place.publish(f"READERS={READER}")
    place.run(
        f"grant usage on schema {SCHEMA} to {COLLEAGUE}; grant select on {SCHEMA}.customer_segments to {COLLEAGUE}"
    )
    place.run(f"create table {SCHEMA}.old (i integer)", user=PUBLISHER)
    write_published(place.warehouse, 2, more=OTHER_COLUMNS)
    out = place.publish()
    place.holds_run(2)
    assert f"note: {SCHEMA}.old: is not among the published tables" in out
    for user in (READER, COLLEAGUE):
        with place.server.connect(place.database, user) as connection:
            found = connection.execute(f"select * from {SCHEMA}.customer_segments limit 1")
            assert [column.name for column in found.description or []] == [
                "customer_id", "as_of_date", "segment_id", "segment_name", "model_id",
            ]  # fmt: skip
    of_customers = f"from pg_indexes where tablename = 'customer_segments' and schemaname = '{SCHEMA}'"
    assert place.ask(f"select count(*) {of_customers}") == [(2,)]


def test_a_view_on_it_is_named_and_kept(place: Place) -> None:
    place.publish()
    place.run(
        f"create schema theirs; create view theirs.lean as select confidence from {SCHEMA}.customer_segments"
    )
    write_published(place.warehouse, 2, more=OTHER_COLUMNS)
    assert "must be made anew, but theirs.lean reads it; drop that view" in place.refused()
    place.holds_run(1)
    assert place.ask("select count(*) from theirs.lean") == [(ROWS,)]
    place.run("drop view theirs.lean")
    place.publish()
    place.holds_run(2)


def test_who_reads_it_meanwhile_is_waited_for_and_not_broken(
    place: Place,
    in_process: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given up after a while with one sentence; the reader's transaction goes on."""
    place.publish()
    write_published(place.warehouse, 2, more=OTHER_COLUMNS)
    monkeypatch.setattr(transfer, "LOCK_SECONDS", 1)
    with place.server.connect(place.database) as reader, reader.transaction():
        count = f"select count(*) from {SCHEMA}.customer_segments"
        assert reader.execute(count).fetchall() == [(ROWS,)]
        assert in_process() == 1
        assert f"{SCHEMA}.customer_segments: has other columns now" in capsys.readouterr().err
        assert reader.execute(count).fetchall() == [(ROWS,)]
    place.holds_run(1)
    assert in_process() == 0
    place.holds_run(2)


# Readers meanwhile


def test_a_reader_during_ten_publishes_sees_only_whole_versions(place: Place) -> None:
    """In each statement by itself, and over several statements of a repeatable-read transaction; it sees several."""
    place.publish()
    stop = threading.Event()
    seen: list[tuple[Any, ...]] = []
    errors: list[BaseException] = []

    def read() -> None:
        try:
            with place.server.connect(place.database) as connection:
                while not stop.is_set():
                    seen.extend(connection.execute(WHOLE).fetchall())
                    with connection.transaction():
                        connection.execute("set transaction isolation level repeatable read")
                        one = connection.execute(
                            f"select max(model_id), count(*) from {SCHEMA}.customer_values"
                        ).fetchall()
                        time.sleep(0.02)
                        other = connection.execute(
                            f"select min(model_id), count(*) from {SCHEMA}.customer_segments"
                        ).fetchall()
                        assert one == other
        except BaseException as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for run in range(2, 12):
        write_published(place.warehouse, run, rows=ROWS + run)
        place.publish()
    stop.set()
    for reader in readers:
        reader.join(timeout=60)
    assert not errors, errors
    whole = {
        (f"run{run}", f"run{run}", n, f"run{run}", n, n)
        for run in range(1, 12)
        for n in [ROWS + run if run > 1 else ROWS]
    }
    assert set(seen) <= whole
    assert len(set(seen)) > 5, "it was read while it was published"


def test_a_long_transaction_neither_waits_nor_is_waited_for(place: Place) -> None:
    """It goes on seeing what it saw, even in tables that it had not looked at, and never an empty one."""
    place.publish()
    with place.server.connect(place.database) as reader, reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        assert reader.execute(f"select count(*) from {SCHEMA}.words").fetchall() == [(0,)]
        write_published(place.warehouse, 2, rows=10)
        place.publish()
        place.holds_run(2, rows=10)
        assert reader.execute(WHOLE).fetchall() == [("run1", "run1", ROWS, "run1", ROWS, ROWS)]


# Publishes that do not come through


def wait_for(moment: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for a moment while a process runs; fails where it ends before."""
    deadline = time.monotonic() + 60
    while not moment():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail("too early or too late: " + "".join(process.communicate()))
        time.sleep(0.002)


RUNNING = "select query from pg_stat_activity where application_name = 'card segments' and state = 'active'"
TERMINATE = (
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'card segments'"
    " and pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(
    ("first", "moment"),
    [(True, "COPY"), (True, "create index"), (False, "delete from"), (False, "COPY"), (False, "comment on")],
)
def test_killed_halfway(place: Place, moment: str, first: bool) -> None:
    """What was there stays whole and readable, or there is nothing; the next publish comes through."""
    if not first:
        place.publish()
    rows = 100_000
    write_published(place.warehouse, 2, rows=rows)
    with place.server.connect(place.database) as watching, watching.transaction():
        # Locks under which the last table's rows cannot be deleted, or can be replaced but not commented on.
        lock = {"delete from": "share", "comment on": "share update exclusive"}.get(moment)
        if lock:
            watching.execute(f"lock table {SCHEMA}.words in {lock} mode")
        process = place.start()
        with place.server.connect(place.database) as other:
            wait_for(lambda: any(moment in query for (query,) in other.execute(RUNNING).fetchall()), process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    if first:
        assert place.ask(f"select 1 from pg_namespace where nspname = '{SCHEMA}'") == []
    else:
        place.holds_run(1)
    # The server rolls back as soon as it notices, which the sentence about another publish would tell a person.
    with place.server.connect(place.database) as watching:
        gone = "select 1 from pg_locks where locktype = 'advisory'"
        deadline = time.monotonic() + 60
        while watching.execute(gone).fetchall() and time.monotonic() < deadline:
            time.sleep(0.05)
    place.publish()
    place.holds_run(2, rows=rows)


def test_two_publishes_at_a_time(place: Place) -> None:
    """The second is told who is at it and changes nothing; the first comes through."""
    place.publish()
    write_published(place.warehouse, 2)
    with place.server.connect(place.database) as holder:
        with holder.transaction():
            holder.execute(f"lock table {SCHEMA}.words in share mode")
            first = place.start()
            waiting = "select pid from pg_stat_activity where application_name = 'card segments' and wait_event_type = 'Lock'"
            with place.server.connect(place.database) as watching:
                wait_for(lambda: bool(watching.execute(waiting).fetchall()), first)
                ((pid,),) = watching.execute(waiting).fetchall()
            sentence = place.refused()
            assert (
                f"another make postgres is publishing to it (server process {pid} of role {PUBLISHER})"
                in sentence
            )
            # Another schema is nobody else's business.
            place.publish("SCHEMA=elsewhere")
        _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors
    place.holds_run(2)


def test_a_locked_table_is_not_waited_for_for_ever(
    place: Place,
    in_process: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place.publish()
    monkeypatch.setattr(transfer, "LOCK_SECONDS", 1)
    with place.server.connect(place.database) as holder, holder.transaction():
        holder.execute(f"lock table {SCHEMA}.words in share mode")
        assert in_process() == 1
        assert f"a table of schema {SCHEMA} stays locked by another session" in capsys.readouterr().err
    place.holds_run(1)


@pytest.mark.parametrize("moment", ["COPY", "waiting"])
def test_a_connection_that_breaks_off(place: Place, moment: str) -> None:
    """In the middle of rows, and while it waits; DuckDB's extension itself would abort the process on the former."""
    place.publish()
    write_published(place.warehouse, 2, rows=300_000)
    with place.server.connect(place.database) as holder, holder.transaction():
        if moment == "waiting":
            holder.execute(f"lock table {SCHEMA}.words in share mode")
        process = place.start()
        with place.server.connect(place.database) as watching:
            sign = "COPY" if moment == "COPY" else f'delete from {SCHEMA}."words"'
            wait_for(lambda: any(sign in query for (query,) in watching.execute(RUNNING).fetchall()), process)
            watching.execute(TERMINATE)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 1, out + errors
    assert (
        errors
        == f"error: Postgres: the connection to the server broke off; publish again when it is back. {UNCHANGED}\n"
    )
    place.holds_run(1)


# The beginnings of what PostgreSQL is asked, each of them by another of the ways to it.
BROKEN_BEFORE = (
    "select current_setting",
    "select tables.relname",
    "call pg_clear_cache",
    "insert into",
    "comment on schema",
    "commit",
)


@pytest.mark.parametrize("question", BROKEN_BEFORE)
def test_a_connection_that_breaks_off_before_a_question(
    place: Place,
    in_process: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    question: str,
) -> None:
    """Whatever PostgreSQL was asked last, one sentence says that it broke off, and what is published then."""
    place.publish()
    write_published(place.warehouse, 2)
    ask, broken = Postgres._ask, []

    def break_off(self: Postgres, sql: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        if not broken and any(each.startswith(question) for each in (sql, *values)):
            with place.server.connect(place.database) as other:
                broken.append(other.execute(TERMINATE).fetchall())
        return ask(self, sql, values)

    monkeypatch.setattr(Postgres, "_ask", break_off)
    assert in_process() == 1
    assert broken
    assert (
        capsys.readouterr().err
        == f"error: Postgres: the connection to the server broke off; publish again when it is back. {UNCHANGED}\n"
    )
    place.holds_run(1)


def test_what_fails_after_the_tables_are_published(
    place: Place,
    in_process: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place.publish()
    write_published(place.warehouse, 2)
    alone = Postgres.run_alone
    monkeypatch.setattr(Postgres, "run_alone", lambda self, sql: alone(self, "vacuum no_such_table"))
    assert in_process() == 1
    assert capsys.readouterr().err == f'error: Postgres: relation "no_such_table" does not exist. {CHANGED}\n'
    place.holds_run(2)


def test_stopped_by_hand(place: Place) -> None:
    """Ctrl-C while rows are copied: nothing changes."""
    place.publish()
    write_published(place.warehouse, 2, rows=300_000)
    process = place.start()
    with place.server.connect(place.database) as watching:
        wait_for(lambda: any("COPY" in query for (query,) in watching.execute(RUNNING).fetchall()), process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, out + errors
    assert errors == "error: Stopped; what was published before stays as it was.\n"
    place.holds_run(1)


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """No file of this server may grow beyond 17 MB: enough for its log of changes and too little for the table."""
    with running_server(largest_file=17 << 20) as server:
        place = Place(server, tmp_path, "cards")
        write_published(tmp_path, 1)
        place.publish()
        write_published(tmp_path, 2, rows=400_000)
        assert "the server's disk is full" in place.refused()
        place.holds_run(1)


def test_a_failing_step_leaves_the_old(place: Place) -> None:
    """A database whose encoding lacks a character, met in the last table; what it has arrives as it is."""
    place.server.make_database(place.database, owner=PUBLISHER, encoding="LATIN1")
    plain = "update marts.customer_segments set segment_name = 'Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e'"
    write_published(place.warehouse, 1, more=plain)
    place.publish()
    assert place.ask(f"select distinct segment_name from {SCHEMA}.customer_segments") == [
        ("Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e",)
    ]
    write_published(
        place.warehouse, 2, more=f"{plain}; insert into marts.words values ('euro', '\N{EURO SIGN}')"
    )
    assert "the database has encoding LATIN1, which lacks a character" in place.refused()
    place.holds_run(1)


def test_a_foreign_key_on_it_is_named(place: Place) -> None:
    place.publish()
    place.run(
        f"create schema theirs; create table theirs.notes (id text references {SCHEMA}.customer_segments)"
    )
    assert f"{SCHEMA}.customer_segments: theirs.notes has a foreign key on it" in place.refused()


# What cannot be, in one sentence


def test_nothing_published_yet(place: Place) -> None:
    (place.warehouse / "card_segments.duckdb").unlink()
    assert "nothing is published yet; run make build first" in place.refused()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PGPASSWORD": "wrong"}, f"role {PUBLISHER}: the password is wrong, or there is no such role"),
        ({"PGPASSWORD": ""}, "the server asks for a password and none was found"),
        ({"PGUSER": "nobody_here"}, "role nobody_here: the password is wrong, or there is no such role"),
        ({"PGHOST": "nowhere.invalid"}, "nowhere.invalid: no such host is known"),
        ({"PGDATABASE": "no_such"}, "database no_such: there is none"),
        ({"PGPORT": "{free}"}, "no PostgreSQL server answers there"),
        ({"PGHOST": "/nowhere"}, "no PostgreSQL server answers there"),
        ({"PGSERVICE": "no_such"}, "service no_such: is in no service file"),
        ({"PGUSER": COLLEAGUE}, f"database cards: the role may not connect, or may make no schema in it; have an administrator run create schema {SCHEMA} authorization"),
    ],
)  # fmt: skip
def test_a_connection_that_cannot_be(place: Place, change: dict[str, str], sentence: str) -> None:
    given = {name: value.format(free=free_port()) for name, value in change.items()}
    error = place.refused(**place.server.environment(place.database, PUBLISHER) | given)
    assert sentence in error and error.endswith(f"{UNCHANGED}\n")


def test_a_role_of_readers_that_is_missing(place: Place) -> None:
    assert "READERS=no_such: there is no such role" in place.refused("READERS=no_such")
    assert place.ask(f"select 1 from pg_namespace where nspname = '{SCHEMA}'") == []


def test_a_schema_of_others_is_left_alone(place: Place) -> None:
    place.run(f"create schema {SCHEMA}; create table {SCHEMA}.words as select 'mine' as text")
    place.run(f"alter schema {SCHEMA} owner to {PUBLISHER}; alter table {SCHEMA}.words owner to {PUBLISHER}")
    for schema in (SCHEMA, "public", "information_schema"):
        assert "exists and was not made by make postgres" in place.refused(f"SCHEMA={schema}")
    assert place.ask(f"select * from {SCHEMA}.words") == [("mine",)]


def test_an_empty_schema_that_was_made_for_us_will_do(place: Place) -> None:
    place.server.make_database(place.database)
    assert "may make no schema in it" in place.refused()
    place.run(f"create schema {SCHEMA} authorization {PUBLISHER}")
    place.publish()
    place.holds_run(1)


def test_another_publisher_is_told_whose_it_is(place: Place) -> None:
    place.publish()
    other = place.server.environment(place.database, COLLEAGUE)
    error = place.refused(**other)
    assert "permission denied" in error
    place.holds_run(1)


@pytest.mark.parametrize("name", ["Card", "pg_mine", "1st", 'a"b', "", "a b", "x" * 64])
def test_a_schema_name_that_is_none(place: Place, name: str) -> None:
    assert f"SCHEMA={name}: expected a name of a-z" in place.refused(f"SCHEMA={name}")


def test_an_unknown_parameter_is_named_without_its_value(place: Place) -> None:
    error = place.refused(f"PGPASSWORD={PASSWORD}")
    assert "PGPASSWORD: no such parameter; make postgres takes SCHEMA, READERS, DSN." in error


def test_without_the_extension_it_says_what_to_install(
    place: Place,
    in_process: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert in_process() == 1
    assert "needs the Python package duckdb-extension-postgres" in capsys.readouterr().err


def test_a_message_of_ours_is_not_taken_for_one_of_postgres() -> None:
    told = why_postgres_failed(
        'Failed to execute query "select 1": FEHLER:  etwas ging schief\nDETAIL: x', "s"
    )
    assert told is None or "select 1" not in told
    told = why_postgres_failed('Failed to execute query "set x": ERROR:  something odd\nDETAIL: row', "s")
    assert told == f"Postgres: something odd. {UNCHANGED}"
    assert len({pattern for pattern, _ in KNOWN}) == len(KNOWN)


# Passwords stay where they belong


def dsn_of(server: Server, database: str, form: str, password: str = PASSWORD) -> str:
    if form == "uri":
        return f"postgresql://{PUBLISHER}:{quote(password, safe='')}@127.0.0.1:{server.port}/{database}"
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    return f"host=127.0.0.1 port={server.port} dbname={database} user={PUBLISHER} password='{escaped}'"


def make_postgres(place: Place, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make postgres as a user does, and watch the list of processes for the password meanwhile."""
    base = {name: value for name, value in os.environ.items() if not re.match(r"PG|DSN$|MAKE|MFLAGS", name)}
    process = subprocess.Popen(
        ["make", "-s", "-o", ".venv/.ready", "postgres", *arguments],
        cwd=REPO,
        env=base | {"CARD_SEGMENTS_WAREHOUSE": str(place.warehouse)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    secrets = [PASSWORD.encode(), quote(PASSWORD, safe="").encode(), b"w'ord", b"w\\'ord"]
    watched = 0
    while process.poll() is None:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes()
            except OSError:
                continue
            watched += b"scripts.postgres" in words
            if not any(argument.startswith("DSN") for argument in arguments) or b"make\0" not in words:
                assert not any(secret in words for secret in secrets), words
        time.sleep(0.005)
    out, errors = process.communicate(timeout=60)
    assert not any(secret.decode() in out + errors for secret in secrets), out + errors
    assert watched > 5
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


@pytest.mark.parametrize("form", ["uri", "pairs"])
def test_a_password_in_the_environment_shows_nowhere(place: Place, form: str) -> None:
    """Neither in what is printed, nor in the list of processes, the server's log of all statements, or its tables."""
    done = make_postgres(place, f"READERS={READER}", DSN=dsn_of(place.server, place.database, form))
    assert done.returncode == 0, done.stderr
    place.holds_run(1)
    log = place.server.log()
    assert f"create schema {SCHEMA}" in log
    assert "w'ord" not in log and quote(PASSWORD, safe="") not in log
    catalog = place.ask("select string_agg(description, ' ') from pg_description where objoid >= 16384")
    assert "w'ord" not in catalog[0][0]
    wrong = make_postgres(place, DSN=dsn_of(place.server, place.database, form, password="Wr0ng'one"))
    assert wrong.returncode == 2 and "the password is wrong" in wrong.stderr and "Wr0ng" not in wrong.stderr


def test_libpq_looks_the_password_up(place: Place, tmp_path: Path) -> None:
    """In ~/.pgpass, with a DSN on make's command line, which holds none."""
    pgpass = tmp_path / "pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    pgpass.write_text(f"127.0.0.1:{place.server.port}:*:{PUBLISHER}:{escaped}\n")
    pgpass.chmod(0o600)
    dsn = f"postgresql://{PUBLISHER}@127.0.0.1:{place.server.port}/{place.database}"
    done = make_postgres(place, f"DSN={dsn}", PGPASSFILE=str(pgpass))
    assert done.returncode == 0, done.stderr
    place.holds_run(1)


def test_libpq_finds_a_service(place: Place, tmp_path: Path) -> None:
    services = tmp_path / "services"
    services.write_text(
        f"[cards]\nhost=127.0.0.1\nport={place.server.port}\ndbname={place.database}\nuser={PUBLISHER}\n"
    )
    environment = {"PGSERVICEFILE": str(services), "PGSERVICE": "cards", "PGPASSWORD": PASSWORD}
    done = make_postgres(place, **environment)
    assert done.returncode == 0, done.stderr
    place.holds_run(1)


@pytest.mark.parametrize("form", ["uri", "pairs"])
def test_a_password_on_the_command_line_is_refused(place: Place, form: str) -> None:
    """The sentence says how to pass it and does not repeat it; nobody connects."""
    dsn = dsn_of(place.server, place.database, form)
    # make takes $ for its own; a person who types it doubles it.
    done = make_postgres(place, "DSN=" + dsn.replace("$", "$$"))
    assert done.returncode == 2
    assert "DSN: holds a password" in done.stderr and "export DSN=" in done.stderr
    assert place.ask(f"select 1 from pg_namespace where nspname = '{SCHEMA}'") == []


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:geheim/x@host/db",
        "postgresql://u:geheim#x@host/db",
        "postgresql://u:gehe:im@host:port/db",
        "geheim",
        "host=h password='geheim",
        "host=h geheim = x y",
        "password=geheim\\",
    ],
)
def test_a_dsn_that_is_none_is_not_repeated(place: Place, dsn: str) -> None:
    error = place.refused(DSN=dsn)
    assert "DSN: expected postgresql://" in error and "geheim" not in error


@pytest.mark.parametrize(
    ("text", "options", "secrets"),
    [
        ("", {}, {}),
        ("postgres://", {}, {}),
        ("postgresql:///cards", {"dbname": "cards"}, {}),
        (
            "postgresql://me:p%40s@a:1,[::1]:2,c/cards?sslmode=require&password=other",
            {"user": "me", "host": "a,::1,c", "port": "1,2,", "dbname": "cards", "sslmode": "require"},
            {"password": "other"},
        ),
        ("postgresql://me:a@b@host", {"user": "me", "host": "host"}, {"password": "a@b"}),
        ("postgresql://%2Ftmp/x", {"host": "/tmp", "dbname": "x"}, {}),
        (
            r" host = h\ 1  password='it\'s \\' dbname='' user=u",
            {"host": "h 1", "dbname": "", "user": "u"},
            {"password": "it's \\"},
        ),
        ("host=h sslpassword=geheim", {"host": "h"}, {"sslpassword": "geheim"}),
    ],
)
def test_connection_strings_are_read_as_libpq_reads_them(
    text: str, options: dict[str, str], secrets: dict[str, str]
) -> None:
    read = read_dsn(text)
    assert (read.options, read.secrets) == (options, secrets)
    assert not any(secret in repr(read) for secret in secrets.values())
    if "a@b" not in text:  # which libpq takes for a host called b@host
        parsed = psycopg.conninfo.conninfo_to_dict(text)
        assert parsed == options | secrets
