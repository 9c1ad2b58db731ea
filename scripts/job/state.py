"""What a build takes over from the version in use: models, runs, segments and their history, as views of schema state.

Nothing of it is kept elsewhere, so that a lost or broken work file loses nothing, and who goes back to an earlier version
goes back to its model. Reads warehouse/versions; writes views to the connection it is given.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml

from python_models.result_columns import COLUMNS, sql_type
from scripts.base.paths import CURRENT, LINK, MODELS, PARQUET, STAGING
from scripts.base.quoting import sql_name, sql_text
from scripts.published.version import versions_of

SOURCES = STAGING / "_state__sources.yml"
# Its file stands beside the tables: what lists of rows hold, BI tools cannot read.
OF_MODELS = "models"


def take_over(connection: duckdb.DuckDBPyConnection, warehouse: Path | None) -> list[str]:
    """Make the views, of the version in use, or the newest before it where that cannot be read.

    Args:
        connection: of the work file.
        warehouse: its folder; None where the build starts anew.

    Returns what there is to say, in sentences.
    """
    remarks = []
    for version in _versions(warehouse) if warehouse else ():
        try:
            _make_views(connection, version)
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            remarks.append(
                f"{version}: its models and history cannot be read ({words}); those of the version before are taken over,"
                " where there is one"
            )
        else:
            return remarks
    _make_views(connection, None)
    return remarks


def _versions(warehouse: Path) -> Iterator[Path]:
    """The version in use, then the ones before it, the newest first."""
    published = warehouse / LINK
    if not published.exists():
        return
    in_use = published.resolve()
    in_use = in_use.parent if (warehouse / CURRENT).is_symlink() else in_use
    yield in_use
    versions = versions_of(warehouse)
    before = versions[: versions.index(in_use)] if in_use in versions else []
    yield from reversed(before)


def _make_views(connection: duckdb.DuckDBPyConnection, version: Path | None) -> None:
    connection.execute("create schema if not exists state")
    for table in _tables():
        columns = {column["name"]: column["data_type"] for column in table["columns"]}
        if table["name"] == OF_MODELS:
            columns |= {result: sql_type(result) for result in COLUMNS}
        select = _select(connection, table["name"], columns, version)
        connection.execute(f"create or replace view state.{sql_name(table['name'])} as {select}")
        if version:
            # Here and not halfway through the build.
            connection.execute(f"select count(*) from state.{sql_name(table['name'])}").fetchall()


def _tables() -> list[dict[str, Any]]:
    [source] = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))["sources"]
    tables: list[dict[str, Any]] = source["tables"]
    return tables


def _select(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], version: Path | None
) -> str:
    """The table's rows in a version as a query with these columns; without rows where it has no such table."""
    empty = ", ".join(f"cast(null as {kind}) as {sql_name(column)}" for column, kind in columns.items())
    if version is None:
        return f"select {empty} where false"
    is_folder = version.is_dir()
    tables = version / PARQUET if is_folder else version.with_suffix(".parquet")
    file = version / MODELS if name == OF_MODELS else tables / f"{name}.parquet"
    if not file.exists():
        if name == OF_MODELS:
            return _model_of_earlier_release(version / LINK if is_folder else version, tables, columns)
        return f"select {empty} where false"
    rows = f"read_parquet({sql_text(str(file))})"
    present = connection.sql(f"from {rows} limit 0").columns
    if name == "model_runs":
        # Earlier releases told runs apart by the clock alone, and each learned.
        missing = {"built_at": "trained_at", "run_number": "row_number() over (order by trained_at)"}
        missing |= {"is_learned": "true"}
    else:
        missing = {}
    read = ", ".join(
        f"cast({sql_name(column) if column in present else missing.get(column, 'null')} as {kind}) as {sql_name(column)}"
        for column, kind in columns.items()
    )
    return f"select {read} from {rows}"


def _model_of_earlier_release(file: Path, tables: Path, columns: dict[str, str]) -> str:
    """The model that an earlier release published, as far as it is there: enough to match its segments by."""
    given = {name: "null" for name in columns}
    runs = f"read_parquet({sql_text(str(tables / 'model_runs.parquet'))})"
    last = f"(from {runs} order by trained_at desc limit 1)"
    given |= {"model_id": "run.model_id", "learned_at": "run.trained_at", "used_from": "run.trained_at"}
    for result, name in (("parameters", "model_parameters"), ("encoder_layers", "autoencoder_layers")):
        rows = f"read_parquet({sql_text(str(tables / f'{name}.parquet'))})"
        fields = ", ".join(f"{sql_text(column)}: {column}" for column in COLUMNS[result])
        given[result] = f"(select list({{{fields}}}) from {rows} as r where r.model_id = run.model_id)"
    present = ", ".join(
        f"{sql_text(column)}: {f'run.{column}' if column in ('model_id', 'scaling', 'representation', 'k') else 'null'}"
        for column in COLUMNS["run"]
    )
    given["run"] = f"[{{{present}}}]"
    read = ", ".join(f"cast({value} as {columns[name]}) as {sql_name(name)}" for name, value in given.items())
    return f"select {read} from {last} as run"
