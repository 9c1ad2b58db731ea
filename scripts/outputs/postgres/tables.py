"""The published tables as PostgreSQL has them: types, keys, indexes, comments. Reads catalogs, writes nothing."""

import re
from dataclasses import dataclass

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.outputs.postgres.connection import Postgres

# DuckDB's types that are published, and PostgreSQL's for them, as its catalog names these.
TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
}
# What people filter and count by: one index over those that a table has, unless its key begins with one of them.
INDEXED = ("segment_id", "segment_name")
# PostgreSQL's text cannot hold NUL.
NUL, INSTEAD = "chr(0)", "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class TargetColumn:
    """A column: PostgreSQL's type, whether a value is required, comment or nothing, texts that hold NUL."""

    name: str
    kind: str
    required: bool
    comment: str
    nuls: int = 0


@dataclass(frozen=True)
class Shape:
    """What must be alike for rows to be replaced in place: columns (name, type, required) and key, in order."""

    columns: tuple[tuple[str, str, bool], ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A published table, and how PostgreSQL makes, fills and describes it."""

    name: str
    comment: str
    columns: tuple[TargetColumn, ...]
    key: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """Its columns and key, to compare with a table that is there."""
        return Shape(tuple((c.name, c.kind, c.required) for c in self.columns), self.key)

    def created(self, schema: str) -> str:
        """The statement that makes it, without key: rows are loaded first, which is faster."""
        columns = ", ".join(
            f"{sql_name(c.name)} {c.kind}{' not null' if c.required else ''}" for c in self.columns
        )
        return f"create table {schema}.{sql_name(self.name)} ({columns})"

    def filled(self, schema: str) -> str:
        """DuckDB's statement that copies the rows."""
        values = ", ".join(
            f"replace({sql_name(c.name)}, {NUL}, {sql_text(INSTEAD)})" if c.nuls else sql_name(c.name)
            for c in self.columns
        )
        names = ", ".join(sql_name(c.name) for c in self.columns)
        return (
            f"insert into target.{schema}.{sql_name(self.name)} ({names})"
            f" select {values} from published.marts.{sql_name(self.name)}"
        )

    def keyed(self, schema: str) -> str:
        """The statements that add key and index."""
        table = f"{schema}.{sql_name(self.name)}"
        key = ", ".join(map(sql_name, self.key))
        statements = [f"alter table {table} add primary key ({key})"] if key else []
        names = [c.name for c in self.columns]
        indexed = [sql_name(name) for name in INDEXED if name in names]
        if indexed and self.key[:1] not in [(name,) for name in INDEXED]:
            statements.append(f"create index on {table} ({', '.join(indexed)})")
        return ";\n".join(statements)

    def described(self, schema: str) -> str:
        """The statements that set the comments."""
        table = f"{schema}.{sql_name(self.name)}"
        statements = [f"comment on table {table} is {sql_text(self.comment)}"]
        for c in self.columns:
            statements.append(f"comment on column {table}.{sql_name(c.name)} is {sql_text(c.comment)}")
        return ";\n".join(statements)


def published_tables(postgres: Postgres) -> list[Table]:
    """The tables of the published file, by name.

    Raises UserError for a column whose type PostgreSQL has no like of.
    """
    ask = postgres.connection.execute
    found = ask(
        "select table_name, coalesce(comment, '') from duckdb_tables()"
        " where database_name = 'published' and schema_name = 'marts' order by table_name"
    ).fetchall()
    keys = dict(
        ask(
            "select table_name, constraint_column_names from duckdb_constraints()"
            " where database_name = 'published' and schema_name = 'marts' and constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    tables = []
    for name, comment in found:
        columns = ask(
            "select column_name, data_type, not is_nullable, coalesce(comment, '') from duckdb_columns()"
            " where database_name = 'published' and schema_name = 'marts' and table_name = ?"
            " order by column_index",
            [name],
        ).fetchall()
        texts = [column for column, kind, _, _ in columns if kind == "VARCHAR"]
        nuls = _nuls(postgres, name, texts)
        tables.append(
            Table(
                name,
                comment,
                tuple(
                    TargetColumn(column, _kind(name, column, kind), required, words, nuls.get(column, 0))
                    for column, kind, required, words in columns
                ),
                tuple(keys.get(name, ())),
            )
        )
    return tables


def _kind(table: str, column: str, kind: str) -> str:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if decimal:
        return f"numeric({decimal[1]},{decimal[2]})"
    if kind not in TYPES:
        raise UserError(
            f"marts.{table}.{column} has type {kind}, which Postgres lacks: cast it in the model to a type such as"
            " varchar or double, and build again."
        )
    return TYPES[kind]


def _nuls(postgres: Postgres, table: str, columns: list[str]) -> dict[str, int]:
    """Texts with a NUL, per column."""
    if not columns:
        return {}
    counts = ", ".join(f"count(*) filter (contains({sql_name(column)}, {NUL}))" for column in columns)
    row = postgres.connection.execute(f"select {counts} from published.marts.{sql_name(table)}").fetchall()[0]
    return dict(zip(columns, row, strict=True))


def present_shapes(postgres: Postgres, schema: str) -> dict[str, Shape]:
    """The tables that the schema has now, whoever made them."""
    of_schema = f"from pg_class as tables where relkind in ('r', 'p') and relnamespace = {_oid(schema)}"
    columns = postgres.rows(
        "select tables.relname::text, attname::text, format_type(atttypid, atttypmod), attnotnull"
        f" from (select * {of_schema}) as tables"
        " left join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped"
        " order by 1, attnum"
    )
    keys = postgres.rows(
        f"select tables.relname::text, attname::text from (select * {of_schema}) as tables"
        " inner join pg_constraint on conrelid = tables.oid and contype = 'p'"
        " cross join lateral unnest(conkey) with ordinality as parts (part, place)"
        " inner join pg_attribute on attrelid = tables.oid and attnum = part"
        " order by 1, place"
    )
    return {
        table: Shape(
            tuple((name, kind, required) for of, name, kind, required in columns if of == table and name),
            tuple(name for of, name in keys if of == table),
        )
        for table in dict.fromkeys(row[0] for row in columns)
    }


def _oid(schema: str) -> str:
    return f"(select oid from pg_namespace where nspname = {sql_text(schema)})"


def leaning_on(postgres: Postgres, schema: str, tables: list[str]) -> dict[str, list[str]]:
    """Views of other people, by the table that they read, and nothing for tables without."""
    return _by_table(
        postgres,
        "select distinct tables.relname::text, views.oid::regclass::text from pg_class as tables"
        " inner join pg_depend on refclassid = 'pg_class'::regclass and refobjid = tables.oid"
        " and pg_depend.classid = 'pg_rewrite'::regclass"
        " inner join pg_rewrite on pg_rewrite.oid = objid inner join pg_class as views on views.oid = ev_class",
        schema,
        tables,
    )


def pointing_at(postgres: Postgres, schema: str, tables: list[str]) -> dict[str, list[str]]:
    """Tables of other people with a foreign key on one of ours, by ours."""
    return _by_table(
        postgres,
        "select distinct tables.relname::text, conrelid::regclass::text from pg_class as tables"
        " inner join pg_constraint on confrelid = tables.oid and contype = 'f'",
        schema,
        tables,
    )


def _by_table(postgres: Postgres, query: str, schema: str, tables: list[str]) -> dict[str, list[str]]:
    names = ", ".join(map(sql_text, tables)) or "null"
    found = postgres.rows(
        f"{query} where tables.relnamespace = {_oid(schema)} and tables.relname in ({names}) order by 1, 2"
    )
    others: dict[str, list[str]] = {}
    for table, other in found:
        others.setdefault(table, []).append(other)
    return others
