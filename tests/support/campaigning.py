"""A small published file for tests of campaigns, made by hand: segments, values, features and the real words."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.support.builds import REPO

# Customers per segment, and one more who objects.
SIZES = {1: 600, 2: 300, 3: 40}
NAMES = {1: "Transactors", 2: "Big spenders", 3: "=1+1"}


def publish_customers(warehouse: Path, reverse: bool = False) -> None:
    """Write the file that make campaign reads; ids keep a leading zero, one begins with `=`."""
    warehouse.mkdir(parents=True, exist_ok=True)
    path = warehouse / "card_segments.duckdb"
    path.unlink(missing_ok=True)
    customers = []
    for segment, size in SIZES.items():
        for place in range(size):
            number = f"=SUM({place})" if segment == 3 and place == 0 else f"0{segment}{place:04}"
            customers.append((number, segment, NAMES[segment], "segmented", float((place * 37) % 101)))
    customers.append(("objector", None, None, "suppressed", None))
    if reverse:
        customers = customers[::-1]
    with (REPO / "dbt_project/seeds/words/words_en.csv").open(encoding="utf-8", newline="") as file:
        words = [(row["key"], row["text"]) for row in csv.DictReader(file)]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.value_assumptions (assumption varchar, base double)")
        connection.execute(
            "create table marts.customer_segments (customer_id varchar, segment_id integer, segment_name varchar,"
            " status varchar, value double, is_closed boolean)"
        )
        # In segment 2 one card is closed; of segment 1 nothing is known.
        closed = [(*each, each[0] == "020299" if each[1] == 2 else None) for each in customers]
        _insert(connection, "customer_segments", closed)
        connection.execute(
            "create table marts.customer_values as select customer_id, segment_id, value as value_base"
            " from marts.customer_segments where status = 'segmented'"
        )
        # In segment 2 the first ten are over the limit, the next five behind; nobody else is.
        connection.execute(
            "create table marts.customer_features as select customer_id,"
            " case when customer_id between '020000' and '020009' then 200.0 else 10.0 end as balance,"
            " 100.0 as credit_limit,"
            " case when customer_id between '020010' and '020014' then 1.0 else 50.0 end as payments,"
            " 5.0 as minimum_payments from marts.customer_values"
        )
        connection.execute(
            "create table marts.segment_profiles as select segment_id, any_value(segment_name) as segment_name"
            " from marts.customer_segments where status = 'segmented' group by segment_id"
        )
        connection.execute(
            "create table marts.model_runs as select 'm1' as model_id, 1 as run_number, timestamp '2026-01-01' as trained_at"
        )
        connection.execute("create table marts.segment_rules (segment_id integer)")
        connection.execute("create table marts.segment_drift (measure varchar)")
        connection.execute(
            "create table marts.segment_registry as select segment_id, segment_name from marts.segment_profiles"
        )
        # Of segment 3 every second customer came from segment 2, and one because of a new model.
        connection.execute(
            "create table marts.customer_movements as select customer_id, 2 as from_segment_id, 3 as to_segment_id,"
            " segment_name as to_segment_name, if(place = 4, 'model', 'behaviour') as cause from (select *,"
            " row_number() over (order by customer_id) as place from marts.customer_segments where segment_id = 3)"
            " where place % 2 = 0"
        )
        # Costs as campaigns were planned with before plays had costs; what a response is worth is known of two. Nothing says who
        # responds, so that campaigns are planned with the usual.
        connection.execute(
            "create table marts.segment_playbook as select segment_id, segment_id as play_rank, 1::double as contact_cost,"
            " false as includes_stressed, case when segment_id < 3 then (150 * segment_id)::double end as value_per_responder,"
            " 'USD' as currency, case segment_id when 1 then 'digital' when 2 then 'letter' end as contact_kind,"
            " null::double as base_response_rate, null::double as expected_uplift from marts.segment_profiles"
        )
        connection.execute("create table marts.words (key varchar, text varchar)")
        _insert(connection, "words", words)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert all rows by one statement: a statement a row takes a second."""
    places = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
    connection.execute(f"insert into marts.{table} values {places}", [value for row in rows for value in row])
