"""`make postgres`: the published tables in a PostgreSQL schema, for teams; readers only ever see whole versions.

Reads the published file. Writes one schema of the PostgreSQL database that DSN, or libpq's PG* variables, name: in
one transaction, with comments, keys, indexes and rights. Touches no schema that it did not make.
"""

import datetime as dt
import os
import re
import shlex
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.outputs.postgres.connection import Dsn, Postgres, open_postgres, read_dsn
from scripts.outputs.postgres.refusals import UNCHANGED
from scripts.outputs.postgres.tables import (
    Table,
    leaning_on,
    pointing_at,
    present_shapes,
    published_tables,
)
from scripts.published.reading import LATEST_RUN

# DSN left out is the environment variable DSN, and without that what libpq finds by itself.
DEFAULTS = {"SCHEMA": "card_segments", "READERS": "", "DSN": ""}
# How the comment of a schema begins that we made.
MARK = "Card segments, published by make postgres"
# The first of the two numbers of the advisory lock that keeps publishes apart; the schema's name gives the second.
LOCK = 20_251_125
# How long to wait where a session keeps us from changing a table; reading one does not.
LOCK_SECONDS = 30
LOCK_TRIES_PER_SECOND = 20
# VACUUM takes skip_locked since then.
OLDEST_SERVER = 12
SECRET_TYPED = (
    "DSN: holds a password, which on a command line every user of this machine can read and the shell keeps: set it"
    " as an environment variable (export DSN=...; make postgres), or leave the password out and put it in ~/.pgpass."
)


@dataclass(frozen=True)
class Target:
    """What was asked for: connection, schema, and the role that may read, or nothing."""

    dsn: Dsn
    schema: str
    readers: str


def read_target(arguments: Sequence[str]) -> Target:
    """Read the parameters: NAME=value, or a bare NAME whose value is in the environment.

    make passes bare names, so that no value gets into the list of processes. Raises UserError, which repeats no
    value of DSN, for an unknown name, a schema's name that is none, or a DSN with a password on the command line.
    """
    values = dict(DEFAULTS)
    typed = set()
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name not in DEFAULTS:
            raise UserError(f"{name}: no such parameter; make postgres takes {', '.join(DEFAULTS)}.")
        values[name] = (value if equals else os.environ.get(name, "")).strip()
        typed.add(name)
    dsn = read_dsn(values["DSN"] if "DSN" in typed else os.environ.get("DSN", ""))
    if "DSN" in typed and dsn.secrets:
        raise UserError(SECRET_TYPED)
    schema = values["SCHEMA"]
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema) or schema.startswith("pg_"):
        raise UserError(
            f"SCHEMA={schema}: expected a name of a-z, 0-9 and _ that does not begin with a digit or pg_, as in"
            f" SCHEMA={DEFAULTS['SCHEMA']}."
        )
    return Target(dsn, schema, values["READERS"])


def publish_to_postgres(published: Path, target: Target, console: Console) -> None:
    """Replace what the target's schema holds by what is published, in one transaction, and say where it is.

    A table whose columns are as before keeps its identity: its rows are deleted and the new ones inserted, so that
    readers are neither kept waiting nor waited for, whatever their isolation level, and views and rights stay. A
    table whose columns have changed is made anew.

    Raises UserError where PostgreSQL refuses; what was there before stays then.
    """
    schema = target.schema
    version = published.resolve()
    with open_postgres(target.dsn, version, schema) as postgres:
        with console.stage("Copy to Postgres") as stage:
            tables = published_tables(postgres)
            with postgres.transaction():
                _check(postgres, target)
                stage.rows = _replace_tables(postgres, schema, tables)
                words = _record(postgres, schema, version)
                _let_read(postgres, target, tables)
        for table in tables:
            for column in table.columns:
                if column.nuls:
                    console.note(
                        f"{table.name}.{column.name}: {column.nuls:,} texts hold the character NUL, which Postgres"
                        " cannot store; the replacement character stands in its place."
                    )
        with console.stage("Vacuum and analyse"):
            # The rows that were replaced make room for the next ones, and the planner learns about the new ones.
            for table in tables:
                postgres.run_alone(
                    f"vacuum (analyze, skip_locked, truncate false) {schema}.{sql_name(table.name)}"
                )
        _say_where(postgres, target, words, tables, console)


def _check(postgres: Postgres, target: Target) -> None:
    """Begin the transaction: be alone, and see to it that the schema is ours."""
    schema = target.schema
    # Backslashes in comments are backslashes, whatever the role's settings.
    postgres.run(f"set local lock_timeout = '{LOCK_SECONDS}s'; set local standard_conforming_strings = on")
    server = int(postgres.rows("select current_setting('server_version_num')")[0][0])
    if server < OLDEST_SERVER * 10_000:
        raise UserError(
            f"Postgres: the server is version {server // 10_000}; make postgres needs {OLDEST_SERVER} or newer."
        )
    key = f"{LOCK}, {zlib.crc32(schema.encode()) - 2**31}"
    if not postgres.rows(f"select pg_try_advisory_xact_lock({key})")[0][0]:
        raise UserError(
            f"{schema}: another make postgres is publishing to it{_holder(postgres)}; wait until it ends. {UNCHANGED}"
        )
    if (
        target.readers
        and postgres.rows(
            f"select count(*)::integer from pg_roles where rolname = {sql_text(target.readers)}"
        )[0][0]
        == 0
    ):
        raise UserError(
            f"READERS={target.readers}: there is no such role; have an administrator run"
            f" create role {sql_name(target.readers)} login, or leave READERS out. {UNCHANGED}"
        )
    found = postgres.rows(
        "select coalesce(obj_description(oid, 'pg_namespace'), ''), pg_has_role(nspowner, 'usage'),"
        " exists (select from pg_class where relnamespace = pg_namespace.oid)"
        f" from pg_namespace where nspname = {sql_text(schema)}"
    )
    if not found:
        postgres.run(f"create schema {schema}")
        return
    comment, owned, filled = found[0]
    # An empty one may have been made for us by an administrator.
    if not (comment.startswith(MARK) or (owned and not filled and not comment)):
        raise UserError(
            f"SCHEMA={schema}: exists and was not made by make postgres, which would replace its tables; give another"
            " name, or an empty schema that belongs to the role that publishes."
        )


def _holder(postgres: Postgres) -> str:
    found = postgres.rows(
        "select pid, usename::text from pg_locks inner join pg_stat_activity using (pid)"
        f" where locktype = 'advisory' and classid = {LOCK} and granted limit 1"
    )
    return f" (server process {found[0][0]} of role {found[0][1]})" if found else ""


def _replace_tables(postgres: Postgres, schema: str, tables: list[Table]) -> int:
    """Replace all rows of all tables; return how many there are now."""
    shapes = present_shapes(postgres, schema)
    here = [table for table in tables if table.name in shapes]
    changed = [table for table in here if shapes[table.name] != table.shape]
    for name, others in pointing_at(postgres, schema, [each.name for each in here]).items():
        raise UserError(
            f"{schema}.{name}: {others[0]} has a foreign key on it, so its rows cannot be replaced; have that"
            f" constraint dropped. {UNCHANGED}"
        )
    for name, others in leaning_on(postgres, schema, [each.name for each in changed]).items():
        raise UserError(
            f"{schema}.{name}: has other columns now and must be made anew, but {' and '.join(others)} reads it; drop"
            f" that view, publish, and make it again. {UNCHANGED}"
        )
    readers = _readers_of(postgres, schema, changed)
    same = [table for table in here if table not in changed]
    for table in same:
        postgres.run(f"delete from {schema}.{sql_name(table.name)}")
    fresh = [table for table in tables if table.name not in shapes]
    rows = _fill(postgres, schema, same, []) + _fill(postgres, schema, fresh, fresh)
    # Last, since who reads one of these has to wait from here on.
    if changed:
        _keep_readers_out(postgres, schema, changed)
        for table in changed:
            postgres.run(f"drop table {schema}.{sql_name(table.name)}")
        rows += _fill(postgres, schema, changed, changed)
        for name, role in readers:
            postgres.run(f"grant select on {schema}.{sql_name(name)} to {role}")
    for table in tables:
        postgres.run(table.described(schema))
    return rows


def _fill(postgres: Postgres, schema: str, tables: list[Table], new: list[Table]) -> int:
    """Insert the rows of tables, and make those that are new before and their keys after; return the rows."""
    for table in new:
        postgres.run(table.created(schema))
    postgres.look_again()
    rows = 0
    for table in tables:
        rows += postgres.copy(table.filled(schema))
        if table in new and (statements := table.keyed(schema)):
            postgres.run(statements)
    return rows


def _readers_of(postgres: Postgres, schema: str, tables: list[Table]) -> list[tuple[str, str]]:
    """Who else was given the right to read these tables: (table, role as SQL writes it)."""
    names = ", ".join(sql_text(table.name) for table in tables) or "null"
    return [
        (table, role or "public")
        for table, role in postgres.rows(
            "select distinct relname::text, quote_ident(rolname) from pg_class"
            " cross join lateral aclexplode(relacl) as rights left join pg_roles on pg_roles.oid = grantee"
            f" where relnamespace = {sql_text(schema)}::regnamespace and relname in ({names})"
            " and privilege_type = 'SELECT' and grantee <> relowner"
        )
    ]


def _keep_readers_out(postgres: Postgres, schema: str, tables: list[Table]) -> None:
    """Lock tables as soon as nobody reads any of them: nobody queues behind us, so nobody can deadlock with us."""
    names = ", ".join(f"{schema}.{sql_name(table.name)}" for table in tables)
    postgres.run(
        "do $do$ begin for try in 1 .. " + str(LOCK_SECONDS * LOCK_TRIES_PER_SECOND) + " loop"
        f" begin lock table {names} in access exclusive mode nowait; return;"
        f" exception when lock_not_available then perform pg_sleep({1 / LOCK_TRIES_PER_SECOND}); end; end loop;"
        f" lock table {names} in access exclusive mode nowait; end $do$"
    )


def _record(postgres: Postgres, schema: str, version: Path) -> str:
    """Write down in the schema's comment what it holds; return version and model in words."""
    model = postgres.connection.execute(
        f"select model_id from {LATEST_RUN.replace('marts.', 'published.marts.')}"
    ).fetchall()
    words = f"version {version.parent.name}, model {model[0][0] if model else 'none'}"
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    postgres.run(f"comment on schema {schema} is {sql_text(f'{MARK} at {at}: {words}')}")
    return words


def _let_read(postgres: Postgres, target: Target, tables: list[Table]) -> None:
    if target.readers:
        role = sql_name(target.readers)
        names = ", ".join(f"{target.schema}.{sql_name(table.name)}" for table in tables)
        postgres.run(
            f"grant usage on schema {target.schema} to {role}; grant select on table {names} to {role}"
        )


def _say_where(postgres: Postgres, target: Target, words: str, tables: list[Table], console: Console) -> None:
    for name in sorted(set(present_shapes(postgres, target.schema)) - {table.name for table in tables}):
        console.note(
            f"{target.schema}.{name}: is not among the published tables and was left as it is; drop it if an earlier"
            " version of the job made it."
        )
    database, user, may_login = postgres.rows(
        "select current_database()::text, current_user::text, coalesce((select rolcanlogin from pg_roles"
        f" where rolname = {sql_text(target.readers)}), false)"
    )[0]
    console.print(f"The tables are in schema {target.schema} of database {database}: {words}")
    if target.readers:
        console.print(f"Role {target.readers} may read them.")
    places = {
        "-h": target.dsn.shown("host", "PGHOST"),
        "-p": target.dsn.shown("port", "PGPORT"),
        "-d": database,
        "-U": target.readers if may_login else user,
    }
    options = " ".join(f"{option} {shlex.quote(value)}" for option, value in places.items() if value)
    # A chart, of a character for each hundredth of the customers.
    bars = "repeat('#', round(100 * customer_share)::integer) as share"
    query = (
        f"select segment_name, customers, {bars} from {target.schema}.segment_profiles order by segment_id"
    )
    console.print(f'\nTry next:\n  psql {options} -c "{query}"')
