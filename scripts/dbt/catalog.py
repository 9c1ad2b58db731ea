"""What dbt calls a catalog: the columns that the models got. Reads the work file, writes nothing.

dbt writes one when it generates its documentation, in a run of its own that parses the project again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

SCHEMA = "https://schemas.getdbt.com/dbt/catalog/v1.json"
# Tables and views with their columns, in the order of dbt-duckdb's own catalog.
COLUMNS = """
    with relations as (
        select schema_name, table_name, 'BASE TABLE' as kind, comment
        from duckdb_tables()
        where database_name = current_database()
        union all
        select schema_name, view_name, 'VIEW', comment
        from duckdb_views()
        where database_name = current_database()
    )
    select
        schema_name, table_name, kind, relations.comment,
        columns.column_name, columns.data_type, columns.column_index, columns.comment
    from relations
    inner join (from duckdb_columns() where database_name = current_database()) as columns
        using (schema_name, table_name)
    order by schema_name, table_name, columns.column_index
"""
NO_STATISTICS = {
    "has_stats": {
        "id": "has_stats",
        "label": "Has Stats?",
        "value": False,
        "include": False,
        "description": "Indicates whether there are statistics for this table",
    }
}


def catalog(work: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the catalog of the models, seeds and sources of a manifest, as dbt's catalog.json has it.

    work: the DuckDB file that dbt built; no other process may be writing to it.
    """
    with duckdb.connect(str(work), read_only=True) as connection:
        columns = connection.execute(COLUMNS).fetchall()
    names = {
        kind: {
            (each["schema"].lower(), each[name].lower()): unique_id
            for unique_id, each in manifest[kind].items()
        }
        for kind, name in (("nodes", "alias"), ("sources", "identifier"))
    }
    found: dict[str, Any] = {"nodes": {}, "sources": {}}
    for schema, table, kind, comment, column, data_type, index, words in columns:
        for part, ids in names.items():
            if unique_id := ids.get((schema.lower(), table.lower())):
                entry = found[part].setdefault(
                    unique_id,
                    {
                        "metadata": {
                            "type": kind,
                            "schema": schema,
                            "name": table,
                            "database": work.stem,
                            "comment": comment,
                            "owner": None,
                        },
                        "columns": {},
                        "stats": NO_STATISTICS,
                        "unique_id": unique_id,
                    },
                )
                entry["columns"][column] = {
                    "type": data_type,
                    "index": index,
                    "name": column,
                    "comment": words,
                }
    kept = ("dbt_version", "generated_at", "invocation_id", "invocation_started_at", "env")
    metadata = {name: manifest["metadata"][name] for name in kept}
    return {"metadata": {"dbt_schema_version": SCHEMA, **metadata}, **found, "errors": None}
