"""What a build takes over from the version in use: models, runs, segments and their history, as views of schema state.

Nothing of it is kept elsewhere, so that a lost or broken work file loses nothing, and who goes back to an earlier version
goes back to its model. Reads warehouse/versions; writes views to the connection it is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from python_models.result_columns import COLUMNS, sql_type
from scripts.base.paths import CURRENT, LINK, MODELS, PARQUET, STAGING
from scripts.base.quoting import sql_name, sql_text
from scripts.base.yaml_files import read_yaml
from scripts.intake.pseudonyms import in_clear_sql
from scripts.published.version import versions_of

SOURCES = STAGING / "_state__sources.yml"
# The contract of the features.
CUSTOMERS = STAGING.parent / "customers" / "_customers__models.yml"
FEATURES = "int_customer_features"


@dataclass(frozen=True)
class Version:
    """A published version: its DuckDB file, the folder of its tables as Parquet, and the file of its models."""

    file: Path
    tables: Path
    models: Path

    def rows(self, table: str) -> str:
        """A table as a relation."""
        return f"read_parquet({sql_text(str(self.tables / f'{table}.parquet'))})"

    def has(self, table: str) -> bool:
        """Whether there is such a table; earlier releases had fewer."""
        return (self.tables / f"{table}.parquet").exists()


def take_over(
    connection: duckdb.DuckDBPyConnection, warehouse: Path | None, *, in_clear: bool = False
) -> list[str]:
    """Make the views, of the version in use, or the newest before it where that cannot be read.

    Args:
        connection: of the work file.
        warehouse: its folder; None where the build starts anew.
        in_clear: whether pseudonyms are translated back, by the table KNOWN that is there (intake/pseudonyms.py).

    Returns what there is to say, in sentences.
    """
    remarks = []
    versions = list(_versions(warehouse)) if warehouse else []
    for place, version in enumerate(versions):
        try:
            _make_views(connection, version, versions[place + 1 :], in_clear)
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            remarks.append(
                f"{version.file.parent}: its models and history cannot be read ({words}); those of the version before are"
                " taken over, where there is one"
            )
        else:
            return remarks
    _make_views(connection, None, [], in_clear)
    return remarks


def _versions(warehouse: Path) -> Iterator[Version]:
    """The version in use, then the ones before it, the newest first."""
    published = warehouse / LINK
    if not published.exists():
        return
    in_use = published.resolve()
    in_use = in_use.parent if (warehouse / CURRENT).is_symlink() else in_use
    versions = versions_of(warehouse)
    before = versions[: versions.index(in_use)] if in_use in versions else []
    for path in (in_use, *reversed(before)):
        if path.is_dir():
            yield Version(path / LINK, path / PARQUET, path / MODELS)
        else:
            # Before versions were folders.
            yield Version(path, path.with_suffix(".parquet"), path.parent / "none")


def _make_views(
    connection: duckdb.DuckDBPyConnection, version: Version | None, before: list[Version], in_clear: bool
) -> None:
    connection.execute("create schema if not exists state")
    for table in _tables():
        name, columns = table["name"], {column["name"]: column["data_type"] for column in table["columns"]}
        if name == "models":
            columns |= {result: sql_type(result) for result in COLUMNS}
            rows = _models(version, columns)
        elif name == "last_customers":
            rows, columns = _customers(connection, version, columns)
        elif name == "earlier_customers":
            rows, columns = _customers(connection, _earlier(connection, version, before), columns)
        else:
            rows = _rows(connection, version, name, columns)
        if rows is None:
            empty = ", ".join(
                f"cast(null as {kind}) as {sql_name(column)}" for column, kind in columns.items()
            )
            rows = f"select {empty} where false"
        if in_clear and "customer_id" in columns:
            rows = in_clear_sql(rows)
        connection.execute(f"create or replace view state.{sql_name(name)} as {rows}")
        if version:
            # Here and not halfway through the build.
            connection.execute(f"select count(*) from state.{sql_name(name)}").fetchall()


@cache
def _tables() -> list[dict[str, Any]]:
    [source] = read_yaml(SOURCES)["sources"]
    tables: list[dict[str, Any]] = source["tables"]
    return tables


@cache
def _features() -> list[str]:
    models = read_yaml(CUSTOMERS)["models"]
    [contract] = [model for model in models if model["name"] == FEATURES]
    return [
        column["name"]
        for column in contract["columns"]
        if column.get("config", {}).get("meta", {}).get("unit")
    ]


def _rows(
    connection: duckdb.DuckDBPyConnection, version: Version | None, name: str, columns: dict[str, str]
) -> str | None:
    """A mart as a query with these columns; None where the version has no such table."""
    if version is None or not version.has(name):
        return None
    present = connection.sql(f"from {version.rows(name)} limit 0").columns
    missing = _of_earlier_runs(version) if name == "model_runs" else {}
    read = ", ".join(
        f"cast({sql_name(column) if column in present else missing.get(column, 'null')} as {kind}) as {sql_name(column)}"
        for column, kind in columns.items()
    )
    return f"select {read} from {version.rows(name)}"


def _of_earlier_runs(version: Version) -> dict[str, str]:
    """What stands for columns that earlier releases did not have: each build learned, and the clock told runs apart."""
    return {
        "built_at": "trained_at",
        "run_number": "row_number() over (order by trained_at)",
        "is_learned": "true",
        "as_of_date": f"coalesce((select max(as_of_date) from {version.rows('customer_segments')}), trained_at::date)",
    }


def _models(version: Version | None, columns: dict[str, str]) -> str | None:
    """Every model with its results; of a version of an earlier release as far as it is there: to match segments by."""
    if version is None:
        return None
    if version.models.exists():
        names = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns.items())
        return f"select {names} from read_parquet({sql_text(str(version.models))})"
    given = dict.fromkeys(columns, "null")
    given |= {"model_id": "run.model_id", "learned_at": "run.trained_at", "used_from": "run.trained_at"}
    given["used_until"] = "case when run.place > 1 then run.trained_at end"
    for result, name in (("parameters", "model_parameters"), ("encoder_layers", "autoencoder_layers")):
        if version.has(name):
            fields = ", ".join(f"{sql_text(column)}: {column}" for column in COLUMNS[result])
            given[result] = (
                f"(select list({{{fields}}}) from {version.rows(name)} as r where r.model_id = run.model_id)"
            )
    known = ("model_id", "scaling", "representation", "k", "customers_trained_on", "silhouette", "stability")
    fields = ", ".join(
        f"{sql_text(column)}: {f'run.{column}' if column in known else 'null'}" for column in COLUMNS["run"]
    )
    given["run"] = f"[{{{fields}}}]"
    read = ", ".join(f"cast({value} as {columns[name]}) as {name}" for name, value in given.items())
    runs = (
        "select *, row_number() over (order by trained_at desc) as place"
        f" from (from {version.rows('model_runs')} qualify row_number() over (partition by model_id order by trained_at desc) = 1)"
    )
    return f"select {read} from ({runs}) as run"


def _customers(
    connection: duckdb.DuckDBPyConnection, version: Version | None, columns: dict[str, str]
) -> tuple[str | None, dict[str, str]]:
    """A version's customers with segment, value and features, and the columns of that."""
    features = _features()
    columns = {**columns, **dict.fromkeys(features, "double")}
    if version is None or not all(map(version.has, ("customer_values", "customer_features"))):
        return None, columns
    month = sql_text(str(_as_of(connection, version)))
    read = ", ".join(f"cast(features.{sql_name(name)} as double) as {sql_name(name)}" for name in features)
    return (
        f"select customer_id, segments.segment_id, customer_values.value_base, cast({month} as date) as as_of_date, {read}"
        f" from {version.rows('customer_segments')} as segments"
        f" inner join {version.rows('customer_features')} as features using (customer_id)"
        f" inner join {version.rows('customer_values')} as customer_values using (customer_id)"
    ), columns


def _as_of(connection: duckdb.DuckDBPyConnection, version: Version) -> Any:
    """The month that a version is of."""
    runs = _rows(connection, version, "model_runs", {"as_of_date": "date", "run_number": "bigint"})
    return connection.execute(f"select max_by(as_of_date, run_number) from ({runs})").fetchall()[0][0]


def _earlier(
    connection: duckdb.DuckDBPyConnection, version: Version | None, before: list[Version]
) -> Version | None:
    """Of the versions before, the newest that is of an earlier month."""
    if version is None:
        return None
    month = _as_of(connection, version)
    for each in before:
        try:
            if _as_of(connection, each) < month:
                return each
        except (duckdb.Error, TypeError):
            # What cannot be read cannot be compared with.
            continue
    return None
