"""Publishing: readers only ever see whole versions, whatever fails, dies or holds files open."""

import ctypes
import datetime as dt
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.paths import CUSTOMERS, MANIFEST, PARTIAL, REPORT, WORK, WORKBOOK
from scripts.base.quoting import sql_text
from scripts.job import build as job
from scripts.published.version import (
    ACCOUNTS_KEPT,
    Prepared,
    Published,
    prepare,
    publish,
    remove_leftovers,
    versions_of,
)
from tests.support.builds import REPO, run_command

ROWS = 3000
AT = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
FIRST, SECOND, THIRD = "000001-20260701T115900Z", "000002-20260701T115800Z", "000003-20260701T115700Z"
TABLES = ("customer_features", "customer_segments", "segment_profiles")
ONLY_ONE_RUN = " union ".join(
    f"select distinct run, (select count(*) from marts.{t}) from marts.{t}" for t in TABLES
)
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def make_work(warehouse: Path, run: int, rows: int = ROWS) -> Path:
    """Write a warehouse's work.duckdb and manifest.json, every table of schema marts with the run's number."""
    warehouse.mkdir(exist_ok=True)
    with duckdb.connect(str(warehouse / "work.duckdb")) as connection:
        for schema in ("marts", "features", "model", "state"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"create or replace table model.int_models as select 'm{run}' as model_id")
        connection.execute(
            f"create or replace table {ACCOUNTS_KEPT} as select 'a' as account_id, 'c' as customer_id"
        )
        for table in (*(f"marts.{table}" for table in TABLES), "features.int_secret", "marts.not_a_model"):
            connection.execute(
                f"create or replace table {table} as select lpad((hash(i) % {rows})::varchar, 12, '0')"
                f" || '-' || i as customer_id, {run} as run, random() as balance, 1.5 as balance_mean,"
                f" null::date as as_of_date from range({rows}) as r (i)"
            )
    models = [("marts", table) for table in TABLES] + [("features", "int_secret")]
    nodes = {
        table: {
            "resource_type": "model",
            "schema": schema,
            "name": table,
            "description": f"One row per customer; it's {table}.",
            "columns": {
                "customer_id": {"description": "The customer's id."},
                **({"balance": {"description": "Mean balance."}} if table == "customer_features" else {}),
            },
            "config": {"meta": {"primary_key": ["customer_id"]}},
        }
        for schema, table in models
    }
    nodes["some_test"] = {"resource_type": "test", "schema": "marts", "name": "some_test"}
    (warehouse / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    return warehouse


def prepare_run(warehouse: Path, run: int, memory_limit: str = "1GB") -> Prepared:
    """Make a version of what make_work left."""
    return prepare(
        work=warehouse / "work.duckdb",
        warehouse=warehouse,
        manifest=warehouse / "manifest.json",
        # As if the clock had been set back by a minute before each run.
        at=AT - run * dt.timedelta(minutes=1),
        memory_limit=memory_limit,
        threads=2,
    )


def publish_run(warehouse: Path, run: int, keep: int = 3, memory_limit: str = "1GB") -> Published:
    """Publish what make_work left, with a report and a workbook that name the run."""
    try:
        version = prepare_run(warehouse, run, memory_limit)
        with duckdb.connect(str(version.path), read_only=True) as connection:
            made = connection.execute("select any_value(run) from marts.customer_features").fetchall()[0][0]
        for name in (REPORT, WORKBOOK):
            (version.folder / name).write_text(f"of run {made}")
        return publish(version, keep=keep)
    finally:
        remove_leftovers(warehouse)


def published_run(warehouse: Path) -> tuple[int, int]:
    """Run and rows of what is published, opened as another process would; fails unless all of it agrees."""
    version = (warehouse / "card_segments.duckdb").resolve().parent
    with duckdb.connect(str(version / "card_segments.duckdb"), read_only=True) as connection:
        found = connection.execute(ONLY_ONE_RUN).fetchall()
        connection.execute("select sum(hash(columns(*))) from marts.customer_features").fetchall()
        for table in TABLES:
            file = sql_text(str(version / "parquet" / f"{table}.parquet"))
            found += connection.execute(
                f"select run, count(*) from read_parquet({file}) group by run"
            ).fetchall()
    assert len(set(found)) == 1, found
    for name in (REPORT, WORKBOOK):
        assert (version / name).read_text() == f"of run {found[0][0]}"
    return found[0]


def names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def child(
    code: str, *arguments: object, preexec_fn: Callable[[], object] | None = None
) -> subprocess.Popen[str]:
    """Start Python on code in a process of its own; the helpers of this module are imported already."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import os, signal, sys\nfrom tests.warehouse.test_published_versions import *\n{textwrap.dedent(code)}",
            *map(str, arguments),
        ],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=preexec_fn,
    )


PUBLISH = """
    try:
        publish_run(Path(sys.argv[1]), int(sys.argv[2]))
    except UserError as error:
        print(error)
        sys.exit(1)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with run 1 published and work of run 2 waiting."""
    folder = make_work(tmp_path / "warehouse", 1)
    publish_run(folder, 1)
    return make_work(folder, 2)


# What is published


def test_a_version_and_a_relative_link_to_it(warehouse: Path) -> None:
    published = publish_run(warehouse, 2)
    assert published.link == warehouse / "card_segments.duckdb"
    assert published.link.readlink() == Path("current/card_segments.duckdb")
    assert (warehouse / "parquet").readlink() == Path("current/parquet")
    assert (warehouse / "current").readlink() == Path("versions") / SECOND
    assert published.folder == warehouse / "versions" / SECOND
    assert published.path == published.folder / "card_segments.duckdb" == published.link.resolve()
    assert published.tables == dict.fromkeys(TABLES, ROWS)
    assert published.remarks == []
    names = ["card_segments.duckdb", "card_segments.xlsx", "card_segments_report.html", "parquet"]
    tables = [f"parquet/{table}.parquet" for table in TABLES]
    state = ["state", "state/accounts.parquet", "state/follows", "state/models.parquet"]
    assert names_below(warehouse) == sorted(
        [
            *(*names, "current", "manifest.json", "versions", "work.duckdb"),
            *(f"versions/{version}" for version in (FIRST, SECOND)),
            *(
                f"versions/{version}/{name}"
                for version in (FIRST, SECOND)
                for name in (*names, *tables, *state)
            ),
        ]
    )


def test_each_table_is_a_parquet_file_too(warehouse: Path) -> None:
    """The same rows in the same order, for readers without DuckDB; read-only, behind the same link."""
    published = publish_run(warehouse, 2)
    with duckdb.connect(str(published.link), read_only=True) as connection:
        for table in TABLES:
            file = warehouse / "parquet" / f"{table}.parquet"
            assert stat.S_IMODE(file.stat().st_mode) == 0o400
            of_file = connection.sql(f"from read_parquet('{file}')")
            of_table = connection.sql(f"from marts.{table}")
            assert of_file.fetchall() == of_table.fetchall()
            assert (of_file.columns, of_file.types) == (of_table.columns, of_table.types)


def test_the_warehouse_can_be_moved_whole(warehouse: Path) -> None:
    moved = warehouse.rename(warehouse.parent / "it's moved")
    assert published_run(moved) == (1, ROWS)
    publish_run(moved, 2)
    assert published_run(moved) == (2, ROWS)


def test_the_file_is_read_only_and_a_single_whole_one(warehouse: Path) -> None:
    published = publish_run(warehouse, 2)
    assert stat.S_IMODE(published.path.stat().st_mode) == 0o400
    copy = warehouse.parent / "copy.duckdb"
    copy.write_bytes(published.path.read_bytes())
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.execute(ONLY_ONE_RUN).fetchall() == [(2, ROWS)]


def test_only_the_models_of_schema_marts(warehouse: Path) -> None:
    published = publish_run(warehouse, 2)
    with duckdb.connect(str(published.link), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() order by all"
        ).fetchall()
    assert found == [("marts", table) for table in TABLES]


def test_comments_and_keys_arrive(warehouse: Path) -> None:
    """Table and column comments, those of means of features too; keys that also forbid duplicates."""
    published = publish_run(warehouse, 2)
    with duckdb.connect(str(published.link), read_only=True) as connection:
        tables = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
        columns = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'segment_profiles'"
        ).fetchall()
        keys = connection.execute(
            "select table_name, constraint_column_names from duckdb_constraints()"
            " where constraint_type = 'PRIMARY KEY'"
        ).fetchall()
        ids = connection.execute("select customer_id from marts.customer_features").fetchall()
    assert dict(tables) == {table: f"One row per customer; it's {table}." for table in TABLES}
    assert dict(columns) == {
        "customer_id": "The customer's id.", "run": None, "balance": None,
        "balance_mean": "Mean of: Mean balance.", "as_of_date": None,
    }  # fmt: skip
    assert dict(keys) == {table: ["customer_id"] for table in TABLES}
    assert ids == sorted(ids), "rows are in the key's order"


def test_a_type_that_bi_tools_cannot_read_is_refused(warehouse: Path) -> None:
    kinds = [
        "hugeint", "uhugeint", "ubigint", "utinyint", "integer[]", "decimal(9,2)[]", "integer[3]", "bit",
        "struct(a integer)", "map(varchar, integer)", "enum('a', 'b')", "union(a integer, b varchar)", "json",
        "blob", "interval", "uuid", "time", "timestamptz", "timestamp_ns", "bignum",
    ]  # fmt: skip
    before = names_below(warehouse)
    for kind in kinds:
        with duckdb.connect(str(warehouse / "work.duckdb")) as connection:
            connection.execute(f"alter table marts.segment_profiles add column odd {kind}")
        with pytest.raises(UserError, match=r"marts\.segment_profiles\.odd has type .+: cast it"):
            publish_run(warehouse, 2)
        assert names_below(warehouse) == before, kind
        with duckdb.connect(str(warehouse / "work.duckdb")) as connection:
            connection.execute("alter table marts.segment_profiles drop column odd")
    assert published_run(warehouse) == (1, ROWS)


def test_the_types_in_use_are_published(warehouse: Path) -> None:
    kinds = [
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "double",
        "decimal(28,6)",
        "varchar",
        "date",
        "timestamp",
    ]
    with duckdb.connect(str(warehouse / "work.duckdb")) as connection:
        for i, kind in enumerate(kinds):
            connection.execute(f"alter table marts.segment_profiles add column usual_{i} {kind}")
    publish_run(warehouse, 2)
    assert published_run(warehouse) == (2, ROWS)


# Versions


def test_the_newest_versions_are_kept_and_never_the_current_one_removed(warehouse: Path) -> None:
    """The newest by their numbers: by the clock, which goes backwards here, it would be the oldest."""
    for run in (2, 3):
        publish_run(warehouse, run, keep=2)
    assert [path.name for path in versions_of(warehouse)] == [SECOND, THIRD]
    assert published_run(warehouse) == (2, ROWS)
    publish_run(warehouse, 4, keep=1)
    assert [path.name for path in versions_of(warehouse)] == ["000004-20260701T115600Z"]
    assert published_run(warehouse) == (2, ROWS)


def test_a_version_after_a_rollback_is_the_newest(warehouse: Path) -> None:
    """Its number is above that of every version that is there, and above the one in use where that alone is left."""
    publish_run(warehouse, 2)
    (warehouse / "current").unlink()
    (warehouse / "current").symlink_to(f"versions/{FIRST}")
    assert published_run(warehouse) == (1, ROWS)
    assert publish_run(warehouse, 3).folder.name == THIRD
    shutil.rmtree(warehouse / "versions")
    assert publish_run(warehouse, 4).folder.name == "000004-20260701T115600Z"


def test_versions_that_were_files_give_way_to_folders(warehouse: Path) -> None:
    """They count among those that are kept, as the oldest; names that led to them lead through the one link then."""
    first = (warehouse / "card_segments.duckdb").resolve()
    old = warehouse / "versions" / "card_segments_20260601T120000000000Z.duckdb"
    shutil.copy(first, old)
    shutil.copytree(first.parent / "parquet", old.with_suffix(".parquet"))
    shutil.rmtree(first.parent)
    for name, target in (("card_segments.duckdb", old), ("parquet", old.with_suffix(".parquet"))):
        (warehouse / name).unlink()
        (warehouse / name).symlink_to(f"versions/{target.name}")
    (warehouse / "current").unlink()
    (warehouse / REPORT).unlink()
    (warehouse / REPORT).write_text("of the old version")
    published = publish_run(warehouse, 2, keep=2)
    assert published_run(warehouse) == (2, ROWS)
    assert (warehouse / REPORT).is_symlink() and (warehouse / REPORT).read_text() == "of run 2"
    assert (warehouse / "parquet").readlink() == Path("current/parquet")
    assert versions_of(warehouse) == [old, published.folder]
    publish_run(warehouse, 3, keep=2)
    assert not old.exists() and not old.with_suffix(".parquet").exists()


def test_a_reader_goes_on_while_its_version_is_replaced_and_removed(warehouse: Path) -> None:
    """A process that has the published file open neither blocks the next publish nor notices it."""
    reader = child(
        """
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            print("open", flush=True)
            input()
            print(*connection.execute(ONLY_ONE_RUN).fetchall(), end=" ")
            print(connection.execute("select count(balance) from marts.segment_profiles").fetchall())
        print(published_run(Path(sys.argv[1]).parent))
        """,
        warehouse / "card_segments.duckdb",
    )
    assert reader.stdout is not None and reader.stdout.readline() == "open\n"
    publish_run(warehouse, 2, keep=1)
    assert not (warehouse / "versions" / FIRST).exists()
    out, errors = reader.communicate("go on\n", timeout=60)
    old, new = out.splitlines()
    assert old == "(1, 3000) [(3000,)]", errors
    assert new == "(2, 3000)"


def test_a_reader_sees_only_whole_versions(warehouse: Path) -> None:
    """A process that opens the published file again and again during ten publishes finds one run in all tables."""
    reader = child(
        """
        seen = []
        while not Path(sys.argv[2]).exists():
            seen.append(published_run(Path(sys.argv[1])))
            print(".", flush=True)
        print(sorted(set(seen)))
        """,
        warehouse,
        warehouse.parent / "stop",
    )
    assert reader.stdout is not None
    for run in range(2, 12):
        reader.stdout.readline()
        make_work(warehouse, run)
        publish_run(warehouse, run)
    (warehouse.parent / "stop").touch()
    out, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    seen = json.loads(out.splitlines()[-1].replace("(", "[").replace(")", "]"))
    assert len(seen) > 3 and {rows for _, rows in seen} == {ROWS}


# What goes wrong


@pytest.mark.parametrize("name", ["card_segments.duckdb", "current", "parquet"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_not_a_link_is_left_alone(tmp_path: Path, kind: str, name: str) -> None:
    warehouse = make_work(tmp_path / "warehouse", 1)
    in_the_way = warehouse / name
    in_the_way.write_bytes(b"mine") if kind == "file" else in_the_way.mkdir()
    before = names_below(warehouse)
    with pytest.raises(UserError, match=rf"{name}: expected a link .* move it away") as caught:
        publish_run(warehouse, 1)
    assert "\n" not in str(caught.value)
    assert names_below(warehouse) == before
    assert kind == "folder" or in_the_way.read_bytes() == b"mine"


def test_a_link_that_leads_nowhere_is_replaced(warehouse: Path) -> None:
    shutil.rmtree(warehouse / "versions" / FIRST)
    publish_run(warehouse, 2)
    assert published_run(warehouse) == (2, ROWS)


@pytest.mark.parametrize("folder", ["warehouse", "warehouse/versions"])
def test_a_folder_that_cannot_be_written(warehouse: Path, folder: str) -> None:
    """One sentence, and what was published stays; root is tried without its power over permissions."""
    (warehouse.parent / folder).chmod(0o555)
    done = child(
        PUBLISH,
        warehouse,
        2,
        preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0),
    )
    out, errors = done.communicate(timeout=60)
    (warehouse.parent / folder).chmod(0o700)
    assert done.returncode == 1 and "cannot publish" in out and "Permission denied" in out, out + errors
    assert len(out.splitlines()) == 1
    assert published_run(warehouse) == (1, ROWS)


def test_a_file_where_the_versions_should_be(tmp_path: Path) -> None:
    warehouse = make_work(tmp_path / "warehouse", 1)
    (warehouse / "versions").touch()
    with pytest.raises(UserError, match="cannot publish"):
        publish_run(warehouse, 1)


@pytest.mark.parametrize("size", [10, 20_000, 1_100_000])
def test_a_disk_that_is_full(warehouse: Path, size: int) -> None:
    """No file may grow beyond a size: too small for the file, for the log, for the final checkpoint."""
    before = names_below(warehouse)
    done = child(
        PUBLISH, warehouse, 2, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    out, errors = done.communicate(timeout=60)
    assert done.returncode == 1 and "cannot publish" in out, out + errors
    assert len(out.splitlines()) == 1
    assert names_below(warehouse) == before
    assert published_run(warehouse) == (1, ROWS)
    publish_run(warehouse, 2)
    assert published_run(warehouse) == (2, ROWS)


def test_too_little_memory(warehouse: Path) -> None:
    before = names_below(warehouse)
    with pytest.raises(UserError, match=r"1MB of memory .* CARD_SEGMENTS_MEMORY"):
        publish_run(warehouse, 2, memory_limit="1MB")
    assert names_below(warehouse) == before
    assert published_run(warehouse) == (1, ROWS)


def test_a_failure_within_leaves_nothing_behind(warehouse: Path) -> None:
    """A key that is none is the models' fault, so not a user's; still nothing changes."""
    with duckdb.connect(str(warehouse / "work.duckdb")) as connection:
        connection.execute("update marts.segment_profiles set customer_id = 'same'")
    before = names_below(warehouse)
    with pytest.raises(duckdb.ConstraintException):
        publish_run(warehouse, 2)
    assert names_below(warehouse) == before
    assert published_run(warehouse) == (1, ROWS)


# Logs of killed writers

KILLED_WRITER = """
    connection = duckdb.connect(sys.argv[1])
    connection.execute("update marts.customer_features set run = 666")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_stale_log_beside_the_link_changes_nothing(warehouse: Path) -> None:
    """DuckDB 1.3 and 1.4 would replay it into the next version, so the next publish removes it."""
    copy = warehouse.parent / "copy.duckdb"
    copy.write_bytes((warehouse / "card_segments.duckdb").read_bytes())
    assert child(KILLED_WRITER, copy).wait(timeout=60) == -signal.SIGKILL
    log = warehouse / "card_segments.duckdb.wal"
    (warehouse.parent / "copy.duckdb.wal").rename(log)
    assert published_run(warehouse) == (1, ROWS)
    publish_run(warehouse, 2)
    assert not log.exists()
    assert published_run(warehouse) == (2, ROWS)


def test_work_with_a_stale_log_is_published_with_what_was_committed(warehouse: Path) -> None:
    code = KILLED_WRITER.replace("update marts.customer_features set run = 666", "insert into marts.customer_features"
                                 " (customer_id, run) values ('new', 2)")  # fmt: skip
    assert child(code, warehouse / "work.duckdb").wait(timeout=60) == -signal.SIGKILL
    assert (warehouse / "work.duckdb.wal").exists()
    assert publish_run(warehouse, 2).tables["customer_features"] == ROWS + 1


# SIGKILL

KILLED_AT_STEP = """
    steps = int(sys.argv[3])
    def step(event, arguments):
        global steps
        if event in ("os.mkdir", "os.chmod", "os.rename", "os.symlink", "os.remove", "shutil.rmtree"):
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            steps -= 1
    sys.addaudithook(step)
    publish_run(Path(sys.argv[1]), int(sys.argv[2]), keep=2)
"""


def check_after_kill(warehouse: Path, runs: set[int], next_run: int) -> None:
    """What is published is whole; work opens; the next publish succeeds and leaves no trace of the kill."""
    assert published_run(warehouse)[0] in runs
    logs = warehouse.rglob("card_segments*.wal")
    assert not [log for log in logs if PARTIAL not in str(log)]
    parquet = sorted(path.name for path in (warehouse / "parquet").iterdir())
    assert parquet == [f"{table}.parquet" for table in TABLES]
    for version in versions_of(warehouse):
        with duckdb.connect(str(version / "card_segments.duckdb"), read_only=True) as connection:
            assert len(connection.execute(ONLY_ONE_RUN).fetchall()) == 1
    with duckdb.connect(str(warehouse / "work.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.customer_features").fetchall()[0][0] >= ROWS
    remove_leftovers(warehouse)
    assert not [name for name in names_below(warehouse) if "partial" in name]
    make_work(warehouse, next_run)
    publish_run(warehouse, next_run)
    assert published_run(warehouse) == (next_run, ROWS)
    assert not [name for name in names_below(warehouse) if "partial" in name or name.endswith(".wal")]


def test_killed_before_each_step_in_the_file_system(warehouse: Path) -> None:
    """From the first step to the last, whichever these are: mkdir, chmod, rename, symlink, replace, unlink."""
    run, seen = 2, set()
    publish_run(warehouse, run)  # two versions, so that the next publish has one to remove
    for step in range(50):
        make_work(warehouse, run + 1)
        killed = child(KILLED_AT_STEP, warehouse, run + 1, step)
        _, errors = killed.communicate(timeout=60)
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, errors
        seen.add(published_run(warehouse)[0] - run)
        check_after_kill(warehouse, {run, run + 1}, run + 2)
        run += 2
    assert step >= 5
    assert seen == {0, 1}, "killed before and after the switch"


@pytest.mark.parametrize("size", [1, 8_000_000])
def test_killed_while_copying(warehouse: Path, size: int) -> None:
    """Killed once the unfinished file exists, and once it has grown."""
    make_work(warehouse, 2, rows=400_000)
    killed = child(
        """
        import threading
        versions = Path(sys.argv[1]) / "versions"
        def watch():
            while sum(path.stat().st_size for path in versions.glob(".partial-*/*.duckdb")) < int(sys.argv[3]):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Thread(target=watch, daemon=True).start()
        publish_run(Path(sys.argv[1]), int(sys.argv[2]))
        """,
        warehouse, 2, size,
    )  # fmt: skip
    _, errors = killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL, errors
    assert list((warehouse / "versions").glob(".partial-*/*.duckdb"))
    check_after_kill(warehouse, {1}, 3)


def test_what_was_spilled_before_a_kill_is_removed(warehouse: Path) -> None:
    for folder in (warehouse / "work.duckdb.tmp", warehouse / "versions" / ".partial-0-000002.tmp"):
        folder.mkdir()
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    remove_leftovers(warehouse)
    assert not [name for name in names_below(warehouse) if name.endswith(".tmp")]


@pytest.mark.parametrize(
    "module",
    [
        "campaign",
        "excel",
        "models",
        "postgres",
        "report",
        "scoring_sql",
        "sql",
    ],
)
def test_a_published_file_that_is_broken_is_one_sentence(tmp_path: Path, module: str) -> None:
    (tmp_path / "card_segments.duckdb").write_bytes(b"neither a database nor anything else")
    arguments = ["NAME=a", "SEGMENT=1"] if module == "campaign" else []
    done = run_command(tmp_path, f"scripts.{module}", *arguments)
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: .*card_segments\.duckdb: cannot be opened \(.+\); run make build.*\n", done.stderr
    )


# What shows the tables


@pytest.mark.parametrize("keeps_customers", [True, False])
def test_report_and_workbook_come_with_their_version(warehouse: Path, keeps_customers: bool) -> None:
    """Those of the version are put in place; one that it has not is of another and goes."""
    first = prepare_run(warehouse, 1)
    for name in (REPORT, WORKBOOK, CUSTOMERS):
        (first.folder / name).write_text("of run 1")
    publish(first, keep=3)
    version = prepare_run(warehouse, 2)
    for name in (REPORT, WORKBOOK, *([CUSTOMERS] if keeps_customers else [])):
        (version.folder / name).write_text("of run 2")
    assert (warehouse / REPORT).read_text() == (warehouse / CUSTOMERS).read_text() == "of run 1"
    publish(version, keep=3)
    assert published_run(warehouse) == (2, ROWS)
    assert (warehouse / REPORT).read_text() == (warehouse / WORKBOOK).read_text() == "of run 2"
    assert os.path.lexists(warehouse / CUSTOMERS) == keeps_customers
    remove_leftovers(warehouse)
    assert not [name for name in names_below(warehouse) if PARTIAL in name]


@pytest.mark.parametrize("step", ["write_report", "write_workbook", "summarise"])
def test_what_shows_the_tables_fails_before_anything_is_published(
    sample_build: Path, sample_work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A fault there, of whatever kind, leaves everything of the version before."""
    warehouse = Path(shutil.copytree(sample_build.parent, tmp_path / "warehouse", symlinks=True))
    shutil.copy(sample_work, warehouse / WORK)
    before, target = names_below(warehouse), (warehouse / "current").readlink()

    def fail(*_: object) -> None:
        raise TypeError("unsupported format string passed to NoneType.__format__")

    monkeypatch.setattr(job, "renew_work", lambda *_: [])
    monkeypatch.setattr(job, "_run_dbt", lambda *_: warehouse / MANIFEST)
    monkeypatch.setattr(job, step, fail)
    with pytest.raises(TypeError):
        job.build({}, warehouse, Console())
    assert names_below(warehouse) == before
    assert (warehouse / "current").readlink() == target
