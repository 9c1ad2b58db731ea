"""A mart as it is published where ids are pseudonyms, and the published file with ids in clear for who has the key.

Works on the DuckDB connection it is given.
"""

from collections.abc import Sequence

import duckdb

from scripts.base.quoting import sql_name, sql_text
from scripts.intake.pseudonyms import KNOWN, Pseudonyms, in_clear_sql
from scripts.published.taking_out import CHECKS, CUSTOMER, HOLDER, OF_NO_CUSTOMER, REJECTED, tables_of


def mart_as_published(pseudonyms: Pseudonyms, table: str, relation: str, columns: Sequence[str]) -> str:
    """A query of a mart with pseudonyms in place of customers' ids.

    A refused row itself is left out, since it may hold whatever the bank wrote there; its file and number lead its owner to
    it. Examples of a check, which stand with blanks between them, are translated one by one.
    """
    new = {}
    if CUSTOMER in columns:
        new[CUSTOMER] = pseudonyms.sql(CUSTOMER)
    if table == REJECTED:
        start, end = HOLDER
        holder = f"reason[{len(start) + 1}:length(reason) - {len(end)}]"
        new["raw_row"] = "cast(null as varchar)"
        new["reason"] = (
            f"case when starts_with(reason, {sql_text(start)}) and ends_with(reason, {sql_text(end)})"
            f" then {sql_text(start)} || {pseudonyms.sql(holder)} || {sql_text(end)} else reason end"
        )
    if table == CHECKS:
        others = ", ".join(map(sql_text, OF_NO_CUSTOMER))
        ids = "string_split(example_ids, ' ')"
        examples = (
            f"case when check_name in ({others}) or example_ids = '' then example_ids"
            f" else array_to_string(list_transform({ids}, lambda each: {pseudonyms.sql('each')}), ' ') end"
        )
        new["example_ids"] = examples
        new["meaning"] = (
            f"case when example_ids != '' then replace(meaning, example_ids, {examples}) else meaning end"
        )
    if not new:
        return f"from {relation}"
    replaced = ", ".join(f"{value} as {sql_name(name)}" for name, value in new.items())
    return f"select * replace ({replaced}) from {relation}"


def show_in_clear(
    connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms, attached: str, database: str
) -> None:
    """Make a database of views of an attached version's marts, with the customers' own ids.

    Args:
        connection: where the version is attached.
        pseudonyms: its.
        attached: its name there.
        database: the name of the new one, which is nowhere but in memory.
    """
    connection.execute(f"attach ':memory:' as {database}")
    pseudonyms.show(connection, database)
    connection.execute(f"create schema {database}.marts")
    for table in tables_of(connection, attached):
        query = f"from {attached}.marts.{sql_name(table)}"
        if CUSTOMER in connection.sql(f"{query} limit 0").columns:
            query = in_clear_sql(query, f"{database}.{KNOWN}")
        connection.execute(f"create view {database}.marts.{sql_name(table)} as {query}")
