"""Ids of customers: spelled alike in the input and in every list, and whoever matches nobody is named."""

import re
from functools import cache
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scripts.base.errors import UserError
from scripts.base.paths import OBJECTIONS
from scripts.intake.customer_ids import BLANKS, collect_customers, id_sql, match_ids
from scripts.intake.id_lists import read_ids
from scripts.intake.objections import objectors, update_register
from scripts.intake.source import load_contract, open_source
from tests.support.builds import REPO
from tests.support.engine_macros import macros_of

CASES = REPO.parent / "shared" / "cases"
CONTRACT = load_contract(REPO / "dbt_project" / "models" / "staging")
TYPING = REPO / "dbt_project" / "macros" / "typing.sql"


def spelled(sql: str, text: str | None) -> str | None:
    found: tuple[str | None] = duckdb.execute(
        f"select {sql} from (select ?::varchar as id)", [text]
    ).fetchall()[0]
    return found[0]


@cache
def macro(call: str) -> str:
    """SQL of a call of typing.sql's macros on a column of text."""
    source = TYPING.read_text(encoding="utf-8")
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    # What asks the database for a column's type is replaced: dbt's `return` ends a macro, Jinja has none.
    rest = source.partition("{% macro clean_id")[2]
    parts = "{% macro raw_type(relation, name) %}varchar{% endmacro %}{% macro is_text(relation, name) %}yes{% endmacro %}"
    macros = "{% macro clean_id" + rest.partition("{% macro as_number")[0]
    return (
        environment.from_string(macros_of("duckdb") + parts + macros + "{{ " + call + " }}").render().strip()
    )


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("C1   ", "C1"),
        ("\tC1", "C1"),
        ("C1\u00a0", "C1"),
        ("\u202fC1\u3000", "C1"),
        ("\ufeffC1", "C1"),
        ("1.0", "1"),
        ("0012.00", "0012"),
        (" 7.0 ", "7"),
        ("c1", "c1"),
        # What may tell two customers apart stays.
        ("007", "007"),
        ("1.5", "1.5"),
        ("A1.0", "A1.0"),
        ("1 2", "1 2"),
        ("", ""),
        (None, None),
    ],
)
def test_one_spelling(text: str | None, id: str | None) -> None:
    assert spelled(id_sql("id"), text) == id


ID_TEXT = st.text(st.sampled_from("01Aa.0é-" + BLANKS), max_size=6)


@given(text=ID_TEXT)
@example(text="A\v")
@example(text="1.000")
@example(text="a0é")
def test_dbt_spells_ids_as_lists_do(text: str) -> None:
    assert spelled(macro("as_id('r', 'id')"), text) == spelled(id_sql("id"), text)


@given(text=ID_TEXT)
@example(text="0.000")
def test_the_short_way_for_large_tables_cleans_spaces_and_numbers(text: str) -> None:
    """It looks at the ends for spaces, `.0` and what is not ASCII; a tab, line end or `.00` behind an id it leaves."""
    if text.rstrip(" ") == text.rstrip(" \t\n\v\f\r") and not re.search(r"\.0{2,}$", text):
        assert spelled(macro("as_id('r', 'id', many=true)"), text) == spelled(id_sql("id"), text)


def opened(connection: duckdb.DuckDBPyConnection, source: Path) -> str:
    return collect_customers(connection, open_source(connection, source, CONTRACT).kind)


@pytest.mark.parametrize(
    ("file", "objections"),
    [("s16_padded.parquet", "objections.csv"), ("s16_doubleid.parquet", "objections_int.csv")],
)
@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_objectors_are_found_however_the_input_pads_them(tmp_path: Path, file: str, objections: str) -> None:
    with duckdb.connect() as connection:
        customers = opened(connection, CASES / file)
        found = update_register(tmp_path, str(CASES / objections), "", connection, customers)
    assert (len(found.ids), found.strangers) == (3, ())


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_lost_zeros_stop_the_build(tmp_path: Path) -> None:
    path = str(CASES / "objections_nozero.csv")
    with duckdb.connect() as connection:
        customers = opened(connection, CASES / "s26b_leading_zero.csv")
        with pytest.raises(
            UserError, match=r"none of its 3 ids is among the customers: 1 \(is it 000001\?\)"
        ):
            update_register(tmp_path, path, "", connection, customers)
        assert not (tmp_path / OBJECTIONS).exists()
        accepted = update_register(tmp_path, path, "", connection, customers, "accept")
    assert accepted.ids == ("1", "2", "3")
    assert "3 of its 3 ids are not among the customers" in accepted.strangers[0]


@pytest.fixture
def portfolio() -> duckdb.DuckDBPyConnection:
    """Customers C-001 to C-009 and 10 to 12."""
    connection = duckdb.connect()
    connection.execute(
        "create table customers as select 'C-00' || i as customer_id from range(1, 10) as r (i)"
        " union all select i::varchar from range(10, 13) as r (i)"
    )
    return connection


@pytest.mark.parametrize(
    ("id", "likely"),
    [("c-001", "C-001"), ("C001", "C-001"), ("0010", "10"), ("K11", "11"), ("nobody", None), ("--", None)],
)
def test_the_likely_spelling(portfolio: duckdb.DuckDBPyConnection, id: str, likely: str | None) -> None:
    match = match_ids(portfolio, "LIST", [id, "C-009"], "customers")
    assert match.unmatched == (id,)
    assert match.likely.get(id) == likely


def test_two_customers_that_an_id_may_be_are_no_answer(portfolio: duckdb.DuckDBPyConnection) -> None:
    portfolio.execute("insert into customers values ('C_001')")
    assert match_ids(portfolio, "LIST", ["c001"], "customers").likely == {}


def test_the_sentence_names_first_who_may_be_somebody(portfolio: duckdb.DuckDBPyConnection) -> None:
    match = match_ids(portfolio, "LIST", ["a", "b", "c", "c-002", "10"], "customers")
    assert match.sentence() == (
        "LIST: 4 of its 5 ids are not among the customers: c-002 (is it C-002?), a, b and 1 more"
    )
    match.refuse_strangers("")  # somebody matches
    assert match_ids(portfolio, "LIST", ["10"], "customers").sentence() == ""
    assert "1 of its 1 ids is not" in match_ids(portfolio, "LIST", ["x"], "customers").sentence()


def test_a_list_of_numbers_with_gaps_and_padded_text(tmp_path: Path) -> None:
    """As pandas writes a column of numbers with a gap, and as CHAR columns come out of a database."""
    path = tmp_path / "list.parquet"
    duckdb.execute(f"copy (select unnest([7.0, 8.0]::double[]) as CUST_ID) to '{path}'")
    assert read_ids(path, "OPT_OUT") == ["7", "8"]
    duckdb.execute(f"copy (select unnest([7.00, 8.00]::decimal(9, 2)[]) as cust_id) to '{path}'")
    assert read_ids(path, "OPT_OUT") == ["7", "8"]
    duckdb.execute(f"copy (select 'A1' || repeat(' ', 20) as customer_id) to '{path}'")
    assert read_ids(path, "OPT_OUT") == ["A1"]


def test_a_register_of_an_earlier_release_is_spelled_alike(tmp_path: Path) -> None:
    (tmp_path / OBJECTIONS).write_text(
        "customer_id,recorded_at\n7.0,2026-01-01T00:00:00+00:00\n\u00a08,2026-01-01T00:00:00+00:00\n",
        encoding="utf-8",
    )
    assert objectors(tmp_path) == ["7", "8"]


@pytest.mark.parametrize("table", ["accounts", "transactions", "statements"])
def test_ids_of_every_table_keep_their_digits(tmp_path: Path, table: str) -> None:
    """Whole numbers in one table, doubles in another and text with `.0` in a third are one account; rounded ones none."""
    for place, (name, columns) in enumerate(CONTRACT.ledger.items()):
        written = ("7::bigint", "7::double", "'7.0'")[place]
        if name == table:
            written = "9007199254740993::double"
        values = ", ".join(f"{written if c.name == 'account_id' else 'null'} as {c.name}" for c in columns)
        duckdb.execute(f"copy (select {values}) to '{tmp_path / name}.parquet'")
    with duckdb.connect() as connection:
        open_source(connection, tmp_path, CONTRACT)
        with pytest.raises(UserError, match=f"{table}: account_id holds numbers of type DOUBLE"):
            collect_customers(connection, "ledger")


def test_numbers_that_have_lost_their_last_digits_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "ledger.parquet"
    columns = ", ".join(
        f"1.0 as {c.name}" for c in CONTRACT.summary["customer_summary"] if c.name != "cust_id"
    )
    duckdb.execute(f"copy (select 9007199254740993::double as cust_id, {columns}) to '{source}'")
    with duckdb.connect() as connection, pytest.raises(UserError, match="whose last digits are lost"):
        opened(connection, source)
