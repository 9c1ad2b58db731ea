"""The work file: new for each build, with the models of earlier ones; nothing of customers is in its bytes afterwards."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.job.work_file import empty_work, renew_work

RUNS = "select 'm1' as model_id, timestamp '2026-01-01' as trained_at, 1::bigint as run_number"
PARAMETERS = "select 'm1' as model_id, 0.1::double as value"


def tables(path: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select schema_name, table_name from duckdb_tables() order by all"
        ).fetchall()


def runs(path: Path) -> list[tuple[str, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select model_id, run_number from model.int_model_runs order by all"
        ).fetchall()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.model_runs as {RUNS}")
        connection.execute(f"create table marts.model_parameters as {PARAMETERS}")
    return path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work file with models, and with a customer who was deleted from it."""
    path = tmp_path / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema model; create schema marts; create schema features")
        connection.execute(f"create table model.int_model_runs as {RUNS}")
        connection.execute("insert into model.int_model_runs values ('m2', '2025-12-31', 2)")
        connection.execute(f"create table model.int_model_parameters as {PARAMETERS}")
        connection.execute("create table marts.customer_segments (customer_id varchar, segment_id integer)")
        connection.execute("insert into marts.customer_segments values ('objector-4711-of-the-bank', 3)")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from marts.customer_segments")
    assert b"objector-4711" in path.read_bytes(), "DuckDB keeps what was deleted"
    return path


def test_models_stay_and_nothing_else(work: Path, published: Path) -> None:
    assert renew_work(work, published) == []
    assert tables(work) == [("model", "int_model_parameters"), ("model", "int_model_runs")]
    assert runs(work) == [("m1", 1), ("m2", 2)]
    assert b"objector-4711" not in work.read_bytes()
    assert sorted(path.name for path in work.parent.iterdir()) == ["published.duckdb", "work.duckdb"]


def test_what_a_killed_build_left_in_the_log_is_read(work: Path, published: Path) -> None:
    with duckdb.connect(str(work)) as connection:
        connection.execute(
            "set checkpoint_threshold = '1GB'; insert into model.int_model_runs values ('m3', null, 3)"
        )
        log = Path(f"{work}.wal").read_bytes()
        copy = work.read_bytes()
    work.write_bytes(copy)
    Path(f"{work}.wal").write_bytes(log)
    assert renew_work(work, published) == []
    assert [name for name, _ in runs(work)] == ["m1", "m2", "m3"]
    assert not Path(f"{work}.wal").exists()


def test_a_new_work_file_takes_the_published_models(tmp_path: Path, published: Path) -> None:
    """As where it was lost, or is of a release that had other tables."""
    work = tmp_path / "work.duckdb"
    with duckdb.connect(str(work)) as connection:
        connection.execute("create schema features; create table features.of_an_earlier_release (i integer)")
    assert renew_work(work, published) == []
    assert runs(work) == [("m1", 1)]
    work.unlink()
    assert renew_work(work, published) == []
    assert runs(work) == [("m1", 1)]
    work.unlink()
    assert renew_work(work, tmp_path / "nothing.duckdb") == []
    assert tables(work) == []


def test_runs_without_a_number_get_one_by_their_time(work: Path, published: Path) -> None:
    with duckdb.connect(str(work)) as connection:
        connection.execute("alter table model.int_model_runs drop column run_number")
    renew_work(work, published)
    assert runs(work) == [("m1", 2), ("m2", 1)]


def test_a_work_file_that_is_broken_is_set_aside_until_the_next_build(work: Path, published: Path) -> None:
    work.write_bytes(b"neither a database nor anything else")
    Path(f"{work}.wal").write_bytes(b"nor a log")
    said = renew_work(work, published)
    assert len(said) == 1
    assert re.search(
        r"work\.duckdb could not be read; it was set aside as work\.broken-[0-9]+ for a look", said[0]
    )
    assert runs(work) == [("m1", 1)]
    assert len(list(work.parent.glob("work.broken-*"))) == 2
    assert renew_work(work, published) == []
    assert not list(work.parent.glob("work.broken-*"))


def test_a_published_file_that_is_broken_too_is_a_remark(tmp_path: Path) -> None:
    published, work = tmp_path / "published.duckdb", tmp_path / "work.duckdb"
    published.write_text("no database")
    assert "make models shows none of earlier builds" in renew_work(work, published)[0]
    assert tables(work) == []


def test_a_work_file_that_is_open_elsewhere_stays(work: Path, published: Path) -> None:

    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "open\n"
    before = work.stat().st_ino
    with pytest.raises(UserError, match=rf"another process has it open \(pid {other.pid}\)"):
        renew_work(work, published)
    other.communicate("\n", timeout=60)
    assert work.stat().st_ino == before
    assert sorted(path.name for path in work.parent.iterdir()) == ["published.duckdb", "work.duckdb"]


def test_once_a_build_has_published_models_alone_have_rows(work: Path) -> None:
    """Tables, views and comments stay, as the documentation of tables shows them."""
    with duckdb.connect(str(work)) as connection:
        connection.execute("insert into marts.customer_segments values ('objector-4712-of-the-bank', 1)")
        connection.execute("create view marts.a_view as from marts.customer_segments")
        connection.execute("comment on column marts.customer_segments.segment_id is 'of the model in use'")
    before = tables(work)
    assert empty_work(work) == ""
    assert tables(work) == before
    assert runs(work) == [("m1", 1), ("m2", 2)]
    with duckdb.connect(str(work)) as connection:
        assert connection.execute("select count(*) from marts.a_view").fetchall() == [(0,)]
        assert connection.execute(
            "select comment from duckdb_columns() where table_name = 'customer_segments' and column_name = 'segment_id'"
        ).fetchall() == [("of the model in use",)]
    assert b"objector-47" not in work.read_bytes()
    assert sorted(path.name for path in work.parent.iterdir()) == ["work.duckdb"]


def test_the_next_build_finds_the_models_there(work: Path, published: Path) -> None:
    assert empty_work(work) == ""
    assert renew_work(work, published) == []
    assert runs(work) == [("m1", 1), ("m2", 2)]


@pytest.mark.parametrize("damage", ["no database", "no models", "no file"])
def test_rows_that_cannot_be_taken_are_a_sentence(tmp_path: Path, damage: str) -> None:
    """The build has published by then and does not fail; the file stays as it was."""
    work = tmp_path / "work.duckdb"
    if damage == "no database":
        work.write_text("no database")
    elif damage == "no models":
        with duckdb.connect(str(work)) as connection:
            connection.execute("create table of_customers as select 'objector-4711' as customer_id")
    before = work.read_bytes() if work.exists() else b""
    said = empty_work(work)
    assert re.fullmatch(
        r".*work\.duckdb: rows of customers, .* cannot be taken from it \(.+\); .* until the next build", said
    )
    assert (work.read_bytes() if work.exists() else b"") == before
    assert [path.name for path in tmp_path.iterdir()] == (["work.duckdb"] if before else [])
