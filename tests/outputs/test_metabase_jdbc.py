"""The published file through the JDBC driver that Metabase's DuckDB driver wraps: the real one, on Java.

CARD_SEGMENTS_DUCKDB_JDBC names its file (org.duckdb:duckdb_jdbc 1.5.5.0, on Maven Central); CARD_SEGMENTS_ICU
DuckDB's icu.duckdb_extension of the same version (PyPI: duckdb-extension-icu), which Metabase's image brings along.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from scripts.outputs.metabase.provision import connection_details
from scripts.outputs.metabase.questions import prepared
from scripts.published.version import FOR_BI
from tests.support.builds import REPO
from tests.support.copied_version import copy_warehouse, publish_copy
from tests.support.metabase_filters import MAY_BE_EMPTY, QUESTIONS, some_value
from tests.support.metabase_server import COLUMNS, TABLES

JAR, ICU = "CARD_SEGMENTS_DUCKDB_JDBC", "CARD_SEGMENTS_ICU"


class Driver:
    """A Java process with the JDBC driver in it, as Metabase is one."""

    def __init__(self, jar: Path, home: Path) -> None:
        self._process = subprocess.Popen(
            [
                "java",
                f"-Duser.home={home}",
                "-cp",
                str(jar),
                str(REPO / "tests" / "support" / "MetabaseDriver.java"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "HOME": str(home)},
        )

    def ask(self, *parts: str) -> list[list[str]]:
        """Send a command; its answer's lines, split. An error is an answer, too."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\t".join(" ".join(part.split()) for part in parts) + "\n")
        self._process.stdin.flush()
        lines = []
        while (line := self._process.stdout.readline().rstrip("\n")) != ".":
            assert line or self._process.poll() is None, "Java ended"
            lines.append(line.split("\t"))
        return lines

    def open(self, name: str, file: Path, folder: Path) -> list[list[str]]:
        """Open a file as Metabase does with our connection details."""
        details = connection_details(str(file))
        options = dict(pair.split("=", 1) for pair in details["additional-options"].split("&"))
        properties = {
            "duckdb.read_only": str(details["read_only"]).lower(),
            "old_implicit_casting": str(details["old_implicit_casting"]).lower(),
            "custom_user_agent": "metabase",
            "jdbc_stream_results": "true",
            "TimeZone": "UTC",
            "memory_limit": details["memory_limit"],
            **options,
            "temp_directory": str(folder / "spilled"),
        }
        answer = self.ask("open", name, str(file), *(part for pair in properties.items() for part in pair))
        return answer or self.ask("run", name, details["init_sql"])

    def rows(self, *parts: str) -> list[list[str]]:
        """The rows of a query that must succeed."""
        answer = self.ask(*parts)
        assert answer and answer[0][0] == "columns", answer
        return [row[1:] for row in answer[1:]]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def jar() -> Path:
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    path = Path(os.environ.get(JAR, "/nowhere"))
    if not path.is_file():
        pytest.skip(f"{JAR} does not name duckdb_jdbc-1.5.5.0.jar")
    return path


@pytest.fixture(scope="module")
def driver(jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """With icu where the image has it."""
    icu = Path(os.environ.get(ICU, "/nowhere"))
    if not icu.is_file():
        pytest.skip(f"{ICU} does not name icu.duckdb_extension")
    home = tmp_path_factory.mktemp("home")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    folder = home / ".duckdb" / "extensions" / f"v{duckdb.__version__}" / f"linux_{machine}"
    folder.mkdir(parents=True)
    shutil.copy(icu, folder / "icu.duckdb_extension")
    started = Driver(jar, home)
    yield started
    started.close()


@pytest.fixture(scope="module")
def opened(driver: Driver, sample_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    assert driver.open("metabase", sample_build, tmp_path_factory.mktemp("temp")) == []
    return driver


def test_without_icu_the_drivers_time_zone_lets_nothing_open(
    jar: Path, sample_build: Path, tmp_path: Path
) -> None:
    """Why the image brings the extension along; where DuckDB can fetch it, it opens."""
    driver = Driver(jar, tmp_path)
    answer = driver.open("metabase", sample_build, tmp_path)
    driver.close()
    fetched = list((tmp_path / ".duckdb").rglob("icu*")) if (tmp_path / ".duckdb").exists() else []
    assert fetched or "icu extension needs to be loaded" in answer[0][1]


def test_it_is_the_version_that_wrote_the_file(opened: Driver) -> None:
    assert opened.rows("run", "metabase", "select version()") == [[f"v{duckdb.__version__}"]]


def test_the_drivers_metadata_queries_find_tables_columns_and_comments(
    opened: Driver, sample_build: Path
) -> None:
    found = {row[2]: row[3] for row in opened.rows("run", "metabase", TABLES)}
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        tables = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
    assert found == {name: " ".join(comment.split()) for name, comment in tables}
    assert {row[1] for row in opened.rows("run", "metabase", TABLES)} == {"marts"}
    for name in found:
        columns = opened.rows("query", "metabase", COLUMNS, "s", name, "s", "marts")
        assert all(FOR_BI.fullmatch(kind) for _, kind, _ in columns), name
        assert all(comment and comment != "null" for _, _, comment in columns), name


def test_jdbcs_own_metadata_has_comments_and_keys(opened: Driver) -> None:
    columns = {(row[0], row[1]): row for row in opened.ask("columns", "metabase")}
    assert columns["customer_features", "balance"][2:] == [
        "DOUBLE",
        "Mean balance owed over the month-end snapshots, money.",
    ]
    assert opened.ask("keys", "metabase", "segment_feature_contrasts") == [["segment_id"], ["feature"]]


@pytest.mark.parametrize("key", QUESTIONS)
def test_a_question_answers_as_duckdb_does(opened: Driver, sample_build: Path, key: str) -> None:
    question = QUESTIONS[key]
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        values = {f.name: some_value(f.name, connection) for f in question.parameters}
        for given in ({}, values):
            sql, used = prepared(question, given)
            expected = connection.execute(sql, used).fetchall()
            parts = [p for v in used for p in (("s", v) if isinstance(v, str) else ("n", str(v)))]
            code = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
            rows = opened.rows("query", "metabase", code, *parts)
            assert len(rows) == len(expected)
            assert rows or key in MAY_BE_EMPTY
            if rows:
                first = [
                    str(cell)
                    for cell in expected[0]
                    if isinstance(cell, str | int) and cell not in (True, False)
                ]
                assert all(" ".join(cell.split()) in rows[0] for cell in first)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("insert into marts.words values ('a', 'b')", "read-only mode"),
        ("create table marts.mine as select 1", "read-only mode"),
        ("select * from read_text('/etc/hostname')", "disabled by configuration"),
        ("attach '{work}' as work (read_only)", "disabled by configuration"),
        ("copy (select 1) to '{work}.csv'", "disabled by configuration"),
        ("set enable_external_access = true", "Cannot enable external access"),
    ],
)
def test_who_may_write_sql_reads_the_published_file_and_nothing_else(
    opened: Driver, sample_build: Path, statement: str, words: str
) -> None:
    work = sample_build.parent / "work.duckdb"
    answer = opened.ask("run", "metabase", statement.format(work=work))
    assert answer and answer[0][0] == "error", answer
    assert words in answer[0][1]


def test_a_query_too_large_for_memory_spills_to_the_temporary_directory(
    driver: Driver, sample_build: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.duckdb"
    shutil.copy(sample_build, link)
    driver.open("spilling", link, tmp_path)
    driver.ask("run", "spilling", "set memory_limit = '60MB'")
    large = (
        "select count(*) from (select b from (select repeat('x', 50) || i as b from range(2000000) as t (i))"
        " order by b limit 1900000)"
    )
    assert driver.rows("run", "spilling", large) == [["1900000"]]
    driver.ask("close", "spilling")


def test_a_version_published_meanwhile_is_seen_by_new_connections_alone(
    driver: Driver, sample_build: Path, tmp_path: Path
) -> None:
    """Why a build has Metabase close its connections."""
    link = copy_warehouse(sample_build, tmp_path)
    ask = "select text from marts.words where key = 'language.code'"
    assert driver.open("before", link, tmp_path) == []
    assert driver.rows("run", "before", ask) == [["en"]]
    publish_copy(tmp_path, "update marts.words set text = 'newer' where key = 'language.code'")
    # It goes on, whole and unhurt, with what it has open.
    assert driver.rows("run", "before", ask) == [["en"]]
    assert driver.open("after", link, tmp_path) == []
    assert driver.rows("run", "after", ask) == [["newer"]]
    assert driver.rows("run", "before", ask) == [["en"]]
    for name in ("before", "after"):
        driver.ask("close", name)
