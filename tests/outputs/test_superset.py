"""The published file in Apache Superset: a real server, asked through its HTTP API as its own pages ask it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.outputs.metabase.questions import load_questions, runnable
from tests.support.copied_version import copy_warehouse, publish_copy
from tests.support.metabase_filters import MAY_BE_EMPTY, some_value
from tests.support.superset_server import MOST_ROWS, Superset, superset_uri

QUESTIONS = load_questions()
LAST_LIMIT = re.compile(r"\blimit (\d+)\s*$")


class Warehouse:
    """A folder as a build publishes it, with a link to one of its versions.

    Attributes:
        link: what Superset is given.
    """

    def __init__(self, folder: Path, published: Path) -> None:
        self._folder = folder
        self.link = copy_warehouse(published, folder)

    def publish(self, *statements: str) -> None:
        """Let the link lead to a new version: a copy of the published file, changed by statements."""
        publish_copy(self._folder, *statements)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """DuckDB's own answer, in the types of JSON."""
        with duckdb.connect(str(self.link), read_only=True) as connection:
            return [tuple(as_json(cell) for cell in row) for row in connection.execute(sql).fetchall()]


def as_json(value: Any) -> Any:
    """A value as Superset writes it: dates as text, exact numbers as floating-point ones."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


@pytest.fixture(scope="module")
def warehouse(sample_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("warehouse"), sample_build)


@pytest.fixture(scope="module")
def database(superset: Superset, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> int:
    """With "Allow DML" ticked, so that nothing but the address keeps anybody from writing."""
    uri = superset_uri(warehouse.link, tmp_path_factory.mktemp("temporary"))
    return superset.connect("card segments", uri, writing=True)


@contextmanager
def dataset(superset: Superset, database: int, schema: str) -> Iterator[int]:
    """A dataset of customer_segments while it is wanted: on SQLite, Superset has room for one of a name."""
    given = {"database": database, "schema": schema, "table_name": "customer_segments"}
    number = superset.post("dataset/", given)["id"]
    yield number
    superset.delete(f"dataset/{number}")


def segment_chart(dataset: int) -> dict[str, Any]:
    """What a chart of segments asks: customers and their mean confidence by segment."""
    confidence = {"expressionType": "SIMPLE", "column": {"column_name": "confidence"}, "aggregate": "AVG"}
    query = {
        "columns": ["segment_name"],
        "metrics": [
            {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "customers"},
            {**confidence, "label": "mean confidence"},
        ],
        "filters": [{"col": "status", "op": "==", "val": "segmented"}],
        "row_limit": 1000,
    }
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
    }


SAME_CHART = (
    "select segment_name, count(*), avg(confidence) from marts.customer_segments"
    " where status = 'segmented' group by segment_name"
)


def drawn(answer: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in answer["result"][0]["data"])


def test_every_mart_is_listed_with_its_columns_and_comments(
    superset: Superset, database: int, warehouse: Warehouse
) -> None:
    marts = warehouse.rows("select table_name from duckdb_tables() where schema_name = 'marts'")
    assert superset.tables(database, "marts") == {name for (name,) in marts}
    for (name,) in marts:
        found = superset.get(f"database/{database}/table_metadata/", name=name, schema="marts")
        columns = warehouse.rows(
            f"select column_name, comment from duckdb_columns() where table_name = '{name}' order by column_index"
        )
        assert [(column["name"], column["comment"]) for column in found["columns"]] == columns, name


@pytest.mark.parametrize("key", QUESTIONS)
def test_a_question_answers_as_duckdb_does(
    superset: Superset, database: int, warehouse: Warehouse, key: str
) -> None:
    question = QUESTIONS[key]
    with duckdb.connect(str(warehouse.link), read_only=True) as connection:
        values = {f.name: some_value(f.name, connection) for f in question.parameters}
    for given in [{}, values] if values else [{}]:
        sql = runnable(question, given)
        # Or it is lost: see the test of that.
        limit = LAST_LIMIT.search(sql)
        rows = superset.sql(database, sql, int(limit[1]) if limit else MOST_ROWS)
        assert rows == warehouse.rows(sql)
        assert rows or key in MAY_BE_EMPTY


def test_sql_lab_puts_its_row_limit_in_the_place_of_the_querys_own(superset: Superset, database: int) -> None:
    """A fault of Superset 6.0 and 6.1 (its issue 40070), not of ours; docs/superset.md tells the way round it."""
    limited = "select customer_id from marts.customer_segments order by customer_id limit 3"
    assert len(superset.sql(database, limited, 5)) == 5
    assert len(superset.sql(database, f"select * from ({limited}) as few", 5)) == 3


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("insert into marts.words values ('a', 'b')", "read-only mode"),
        ("create table marts.mine as select 1", "read-only mode"),
        ("select * from read_text('/etc/hostname')", "disabled by configuration"),
        ("attach '{folder}/work.duckdb' as work (read_only)", "disabled by configuration"),
        ("copy (select 1) to '{folder}/copied.csv'", "disabled by configuration"),
        ("set memory_limit = '20GB'", "configuration has been locked"),
    ],
)
def test_who_may_write_sql_reads_the_published_file_and_nothing_else(
    superset: Superset, database: int, warehouse: Warehouse, statement: str, words: str
) -> None:
    answer = superset.try_sql(database, statement.format(folder=warehouse.link.parent))
    assert not answer.ok
    assert words in answer.json()["errors"][0]["message"]


def test_as_it_comes_superset_itself_refuses_to_write(
    superset: Superset, warehouse: Warehouse, tmp_path: Path
) -> None:
    database = superset.connect("as it comes", superset_uri(warehouse.link, tmp_path))
    answer = superset.try_sql(database, "insert into marts.words values ('a', 'b')")
    assert answer.json()["errors"][0]["error_type"] == "DML_NOT_ALLOWED_ERROR"


def test_a_query_too_large_for_memory_spills_to_the_temporary_folder(
    superset: Superset, warehouse: Warehouse, tmp_path: Path
) -> None:
    uri = superset_uri(warehouse.link, tmp_path / "spilled").replace("=1GB", "=60MB")
    assert "60MB" in uri
    large = (
        "select count(*) from (select b from (select repeat('x', 50) || i as b from range(2000000) as t (i))"
        " order by b limit 1900000) as sorted"
    )
    assert superset.sql(superset.connect("spilling", uri), large) == [(1_900_000,)]
    elsewhere = uri.replace(str(tmp_path), "/proc/nowhere")
    assert not superset.try_sql(superset.connect("not spilling", elsewhere), large).ok


def test_a_chart_of_segments_has_the_warehouses_numbers(
    superset: Superset, database: int, warehouse: Warehouse
) -> None:
    expected = sorted(warehouse.rows(SAME_CHART))
    assert len(expected) > 1
    with dataset(superset, database, "marts") as number:
        described = superset.get(f"dataset/{number}")["result"]["columns"]
        words = {column["column_name"]: column["description"] for column in described}
        assert words["customer_id"] == "The customer's id, as text."
        asked = segment_chart(number)
        look = {"viz_type": "pie", "groupby": ["segment_name"], "metric": asked["queries"][0]["metrics"][0]}
        chart = superset.post(
            "chart/",
            {
                "slice_name": "Segments",
                "viz_type": "pie",
                "datasource_id": number,
                "datasource_type": "table",
                "params": json.dumps(look),
                "query_context": json.dumps(asked),
            },
        )["id"]
        for answer in (superset.post("chart/data", asked), superset.get(f"chart/{chart}/data/")):
            for found, row in zip(drawn(answer), expected, strict=True):
                assert found == pytest.approx(row)


def test_a_version_published_meanwhile_is_seen_at_once(
    superset: Superset, sample_build: Path, tmp_path: Path
) -> None:
    """By SQL Lab and by charts, without a restart or a setting."""
    warehouse = Warehouse(tmp_path, sample_build)
    database = superset.connect("published twice", superset_uri(warehouse.link, tmp_path / "temporary"))
    saved = {"database": database, "table_name": "Segments", "sql": "select * from marts.customer_segments"}
    # The schema that Superset offers: DuckDB names what it opened by its file, which has one name in every version.
    listed = superset.get(f"database/{database}/schemas/")["result"]
    assert [schema for schema in listed if schema.endswith(".marts")] == ["card_segments.marts"]
    query = superset.post("dataset/", {**saved, "schema": "card_segments.marts"})["id"]
    with dataset(superset, database, "card_segments.marts") as table:
        before = drawn(superset.post("chart/data", segment_chart(table)))
        assert drawn(superset.post("chart/data", segment_chart(query))) == before
        assert len(before) > 1
        warehouse.publish("update marts.customer_segments set segment_name = 'Everybody'")
        names = "select distinct segment_name from marts.customer_segments where status = 'segmented'"
        assert superset.sql(database, names) == [("Everybody",)]
        for number in (query, table):
            [(name, customers, _)] = drawn(superset.post("chart/data", segment_chart(number)))
            assert (name, customers) == ("Everybody", sum(counted for _, counted, _ in before))
