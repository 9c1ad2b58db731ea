"""A version's tables without some customers: those who objected lose their segment, of those who are forgotten nothing is left.

Works on the DuckDB connection it is given, and writes a version's DuckDB file and Parquet files anew into a folder. Never in
place: what is deleted from a DuckDB file stays in its free blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from scripts.base.paths import ACCOUNTS, LINK, PARQUET, STAGING
from scripts.base.quoting import sql_name, sql_text
from scripts.intake.customer_ids import ID_COLUMNS_OF, id_sql
from scripts.intake.source_files import load_contract
from scripts.published.version import ACCOUNTS_KEPT, copy_table

CUSTOMER, SEGMENTS, REJECTED, CHECKS = (
    "customer_id", "customer_segments", "rejected_rows", "data_quality_checks",
)  # fmt: skip
# Columns of the input with ids, by their names in the contract.
OF_IDS = ("customer_id", "cust_id", "account_id")
# A shorter id is in every text, as any number may be: it is looked for where ids stand, not in running text.
SHORTEST_IN_TEXT = 6
# Checks whose examples are months, kinds or amounts, not customers.
OF_NO_CUSTOMER = (
    "unfinished_last_month", "months_not_covered", "months_without_statements", "refused_money_of_another_size",
    "kinds_that_never_occur",
)  # fmt: skip
# What the reason of a refused row says of the customer for whom its account counts: models/ledger.
HOLDER = ("the account has another holder, ", ", for whom it counts")
OF_ITS_OWN = "the account has another holder, for whom it counts"
# The temporary table of ids.
TAKEN = "temp.taken_out"


@dataclass(frozen=True)
class Leavers:
    """Who is taken out.

    Attributes:
        customers: their ids, as `id_sql` spells them.
        accounts: ids of accounts of theirs, as far as they are known.
        forgotten: whether nothing of them is to be left; otherwise they objected, and it stays known that they are there.
    """

    customers: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    forgotten: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """Customers and accounts."""
        return tuple(dict.fromkeys((*self.customers, *self.accounts)))


def hold_ready(connection: duckdb.DuckDBPyConnection, leavers: Leavers) -> None:
    """Make the temporary table of who is taken out, which the other functions read."""
    connection.execute(
        f"create or replace temp table {TAKEN.partition('.')[2]} as select unnest(?::varchar[]) as id, true as is_customer"
        " union all select unnest(?::varchar[]), false",
        [list(leavers.customers), [each for each in leavers.accounts if each not in set(leavers.customers)]],
    )


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The tables of schema marts of an attached database."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts' order by 1",
        [database],
    ).fetchall()
    return [row[0] for row in found]


def holds(connection: duckdb.DuckDBPyConnection, marts: str, table: str, leavers: Leavers) -> bool:
    """Whether a table has anything that is to be taken out.

    marts: SQL name of its schema.
    """
    relation = f"{marts}.{sql_name(table)}"
    columns = connection.sql(f"from {relation} limit 0").columns
    if table == REJECTED:
        return leavers.forgotten and bool(_refused_keys(connection, relation, "select 1 from ({}) limit 1"))
    if table == CHECKS:
        return bool(_changed_checks(connection, relation))
    if CUSTOMER not in columns:
        return False
    kept = " and status != 'suppressed'" if "status" in columns and not leavers.forgotten else ""
    return bool(
        connection.execute(
            f"select 1 from {relation} where {CUSTOMER} in (select id from {TAKEN} where is_customer){kept} limit 1"
        ).fetchall()
    )


def without(connection: duckdb.DuckDBPyConnection, marts: str, table: str, leavers: Leavers) -> str:
    """A query of a table without those who are taken out, or with what is left of them.

    marts: SQL name of its schema.
    """
    relation = f"{marts}.{sql_name(table)}"
    columns = connection.sql(f"from {relation} limit 0").columns
    if table == REJECTED and leavers.forgotten:
        return _anonymous_refusals(connection, relation)
    if table == CHECKS:
        connection.execute(
            "create or replace temp table checks_left (check_name varchar, ids varchar, words varchar)"
        )
        if changed := _changed_checks(connection, relation):
            connection.executemany("insert into checks_left values (?, ?, ?)", changed)
        return (
            "select checks.* replace (coalesce(checks_left.ids, checks.example_ids) as example_ids,"
            f" coalesce(checks_left.words, checks.meaning) as meaning) from {relation} as checks"
            " left join temp.checks_left on checks_left.check_name = checks.check_name"
        )
    if CUSTOMER not in columns:
        return f"from {relation}"
    is_out = f"{CUSTOMER} in (select id from {TAKEN} where is_customer)"
    if table == SEGMENTS and "status" in columns and not leavers.forgotten:
        read = ", ".join(
            {
                CUSTOMER: CUSTOMER,
                "status": f"case when {is_out} then 'suppressed' else status end as status",
            }.get(name, f"case when not {is_out} then {sql_name(name)} end as {sql_name(name)}")
            for name in columns
        )
        return f"select {read} from {relation}"
    return f"select * from {relation} where not coalesce({is_out}, false)"


def write_anew(version: Path, folder: Path, leavers: Leavers, config: dict[str, str | int]) -> int:
    """Write a version's DuckDB file, Parquet files and accounts anew, without those who are taken out.

    Args:
        version: its folder; read only.
        folder: where the new files go, under the same names; it is empty.
        leavers: who is taken out.
        config: DuckDB's.

    Returns how many refused rows were made anonymous though nobody knows whose they are: an earlier release did not write
    down whose accounts they are of.
    """
    (folder / PARQUET).mkdir()
    unknown = 0
    with duckdb.connect(config=dict(config)) as connection:
        hold_ready(connection, leavers)
        connection.execute(f"attach {sql_text(str(version / LINK))} as before (read_only)")
        connection.execute(f"attach {sql_text(str(folder / LINK))} as anew")
        connection.execute("create schema anew.marts")
        names = tables_of(connection, "before")
        for name in names:
            query = without(connection, "before.marts", name, leavers)
            if name == REJECTED and leavers.forgotten and not (version / ACCOUNTS).exists():
                unknown, query = _all_anonymous(connection, query)
            copy_table(connection, query, f"anew.marts.{sql_name(name)}", *_described(connection, name))
        connection.execute("checkpoint anew")
        for name in names:
            if (version / PARQUET / f"{name}.parquet").exists():
                file = sql_text(str(folder / PARQUET / f"{name}.parquet"))
                connection.execute(f"copy anew.marts.{sql_name(name)} to {file} (format parquet)")
        if leavers.forgotten and (version / ACCOUNTS).exists():
            (folder / ACCOUNTS).parent.mkdir(exist_ok=True)
            connection.execute(
                f"copy (from read_parquet({sql_text(str(version / ACCOUNTS))}) where customer_id not in (select id from {TAKEN})"
                f" and account_id not in (select id from {TAKEN}) order by 1, 2)"
                f" to {sql_text(str(folder / ACCOUNTS))} (format parquet)"
            )
        connection.execute("detach anew")
    Path(f"{folder / LINK}.wal").unlink(missing_ok=True)
    return unknown


def take_out_of_work(work: Path, objected: Sequence[str], forgotten: Sequence[str]) -> None:
    """Write down in a work file whose the accounts of refused rows are, and take people out of marts that tell of the input.

    Of other marts they are out already.

    Args:
        work: the work file after dbt's run.
        objected: customers who objected: they are no examples of a check.
        forgotten: customers who were forgotten: their refused rows are anonymous, too.
    """
    with duckdb.connect(str(work)) as connection:
        connection.execute("create schema if not exists state")
        has_accounts = bool(
            connection.execute(
                "select 1 from duckdb_views() where schema_name = 'raw' and view_name = 'accounts_unnumbered'"
            ).fetchall()
        )
        of_input = (
            f"select {id_sql('account_id')} as account_id, {id_sql('customer_id')} as customer_id"
            " from raw.accounts_unnumbered"
            if has_accounts
            else "select null::varchar as account_id, null::varchar as customer_id where false"
        )
        connection.execute(
            f"create temp table of_input as select distinct * from ({of_input})"
            f" where account_id in ({words_in_refusals(f'marts.{REJECTED}')})"
            " or customer_id in (select unnest(?::varchar[]))",
            [list(forgotten)],
        )
        accounts = connection.execute(
            "select distinct account_id from of_input where customer_id in (select unnest(?::varchar[]))",
            [list(forgotten)],
        ).fetchall()
        gone = Leavers(tuple(forgotten), tuple(each for (each,) in accounts if each), forgotten=True)
        for table, leavers in ((CHECKS, Leavers((*objected, *forgotten))), (REJECTED, gone)):
            hold_ready(connection, leavers)
            if holds(connection, "marts", table, leavers):
                _replace_mart(connection, table, without(connection, "marts", table, leavers))
        connection.execute(
            f"create or replace table {ACCOUNTS_KEPT} as from of_input where account_id != ''"
            f" and account_id not in (select id from {TAKEN}) and customer_id not in (select id from {TAKEN}) order by all"
        )


def _replace_mart(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    """Put a query's rows in a mart's place, which dbt may have left as a view."""
    connection.execute(f"create or replace temp table left_of_it as {query}")
    [(kind,)] = connection.execute(
        "select table_type from information_schema.tables where table_schema = 'marts' and table_name = ?",
        [table],
    ).fetchall()
    connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} marts.{table}")
    connection.execute(f"create table marts.{table} as from temp.left_of_it")


def _described(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[list[str], str, dict[str, str]]:
    """Key, comment and columns' comments of a table of the attached version."""
    where = "where database_name = 'before' and schema_name = 'marts' and table_name = ?"
    keys = connection.execute(
        f"select constraint_column_names from duckdb_constraints() {where} and constraint_type = 'PRIMARY KEY'",
        [table],
    ).fetchall()
    [(comment,)] = connection.execute(f"select comment from duckdb_tables() {where}", [table]).fetchall()
    comments = connection.execute(
        f"select column_name, comment from duckdb_columns() {where} and comment is not null", [table]
    ).fetchall()
    return (keys[0][0] if keys else []), comment or "", dict(comments)


# Refused rows


def accounts_in_refusals(rejected: str) -> str:
    """A query of the pairs of account and customer that refused rows of accounts tell; a row of a summary tells the customer.

    rejected: relation of refused rows.
    """
    fields = "cast(cast(raw_row as json) as map(varchar, varchar))"
    account = f"{fields}['account_id']"
    customer = f"coalesce({fields}['customer_id'], {fields}['cust_id'])"
    return (
        f"select {id_sql(account)} as account_id, {id_sql(customer)} as customer_id"
        f" from {rejected} where {_is_object('raw_row')} and source in ('accounts', 'customer_summary')"
    )


def words_in_refusals(rejected: str) -> str:
    """A query of what may be an id in refused rows: each field of a row that was read, each word of one that was not."""
    return (
        f"select {id_sql('unnest(map_values(cast(cast(raw_row as json) as map(varchar, varchar))))')} as word"
        f" from {rejected} where {_is_object('raw_row')}"
        " union select unnest(regexp_split_to_array(raw_row, '[,;|\\t\"'']')) as word"
        f" from {rejected} where not {_is_object('raw_row')}"
    )


def stands_in(text: str, identifier: str) -> str:
    """SQL: whether an id stands in a text as a word of its own, so that 7 is in `8;7` and in `7.0`, not in 17, 7.5 or C-7.

    text, identifier: SQL of each.
    """
    part, end = r"[^\pL\pN_.\-]", r"($|[^\pL\pN_.\-]|[.]($|[^\pL\pN]))"
    return (
        f"(contains({text}, {identifier}) and"
        f" regexp_matches({text}, '(^|{part})' || regexp_escape({identifier}) || '([.]0+)?{end}'))"
    )


def _is_object(column: str) -> str:
    return f"coalesce(case when json_valid({column}) then json_type({column}) end = 'OBJECT', false)"


@cache
def _other_columns() -> str:
    """Columns of the input in which no customer's or account's id stands, as a list of SQL."""
    contract = load_contract(STAGING)
    names = {
        column.name
        for kind in ID_COLUMNS_OF
        for columns in contract.entities(kind).values()
        for column in columns
    }
    return ", ".join(map(sql_text, sorted(names - set(OF_IDS))))


def _refused_keys(
    connection: duckdb.DuckDBPyConnection, relation: str, query: str
) -> list[tuple[object, ...]]:
    """Answer a query, in which {} stands for the keys of refused rows of those who are taken out."""
    fields = "cast(cast(raw_row as json) as map(varchar, varchar))"
    own = ", ".join(map(sql_text, OF_IDS))
    # Quotes in a row that could not be read are doubled.
    doubled = "replace(id, '\"', '\"\"')"
    keys = f"""
        select source, file, row_number
        from (
            select
                source, file, row_number, unnest(map_entries({fields})) as field,
                list_has_any(map_keys({fields}), [{own}]) as has_own
            from {relation} where {_is_object("raw_row")}
        )
        where
            {id_sql("field.value")} in (select id from {TAKEN})
            and (
                field.key in ({own})
                -- In the bank's own columns, whatever they are called; a short id may be any number there.
                or (
                    field.key not in ({_other_columns()})
                    and (length(trim(field.value)) >= {SHORTEST_IN_TEXT} or not has_own)
                )
            )
        union
        select source, file, row_number
        from (from {relation} where raw_row is not null and not {_is_object("raw_row")})
        inner join {TAKEN} on {stands_in("raw_row", "id")} or {stands_in("raw_row", doubled)}
        union
        select source, file, row_number
        from (from {relation} where starts_with(reason, {sql_text(HOLDER[0])}))
        inner join {TAKEN} on reason = {sql_text(HOLDER[0])} || id || {sql_text(HOLDER[1])}
    """
    return connection.execute(query.format(keys)).fetchall()


def _anonymous_refusals(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Refused rows; of those of who is forgotten the reason and the money alone, which the audit adds up.

    Neither the row nor its place in the file is left: their numbers are below 0.
    """
    _refused_keys(connection, relation, "create or replace temp table refused_out as {}")
    return f"""
        select
            rejected.* replace (
                case
                    when refused_out.source is null then rejected.row_number
                    else least((select min(row_number) from {relation}), 0)
                        - row_number() over (partition by refused_out.source is null order by rejected.amount, rejected.reason)
                end as row_number,
                case when refused_out.source is null then rejected.raw_row end as raw_row,
                case
                    when refused_out.source is null or not starts_with(rejected.reason, {sql_text(HOLDER[0])})
                        then rejected.reason
                    else {sql_text(OF_ITS_OWN)}
                end as reason
            )
        from {relation} as rejected
        left join temp.refused_out
            on rejected.source = refused_out.source and rejected.file = refused_out.file
            and rejected.row_number = refused_out.row_number
    """


def _all_anonymous(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, str]:
    """The same without any row of transactions and statements: whose accounts they are of, nobody knows any more."""
    of_unknown = "source in ('transactions', 'statements') and raw_row is not null"
    [(count,)] = connection.execute(f"select count(*) from ({query}) where {of_unknown}").fetchall()
    return (
        count,
        f"select * replace (case when not ({of_unknown}) then raw_row end as raw_row) from ({query})",
    )


# Examples of checks


def _changed_checks(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str, str]]:
    """Checks among whose examples are some who are taken out: name, examples and meaning without them."""
    found = connection.execute(
        f"""
        select checks.check_name, checks.example_ids, checks.meaning, list(id order by length(id) desc, id)
        from {relation} as checks
        inner join {TAKEN} on contains(' ' || checks.example_ids || ' ', ' ' || id || ' ')
        where checks.check_name not in ({", ".join(map(sql_text, OF_NO_CUSTOMER))})
        group by all
        """
    ).fetchall()
    return [
        (name, left := _without_words(examples, ids), meaning.replace(examples, left))
        for name, examples, meaning, ids in found
    ]


def _without_words(text: str, words: Sequence[str]) -> str:
    """The text without words, which may be several with blanks between them."""
    padded = f" {text} "
    for word in words:
        while f" {word} " in padded:
            padded = padded.replace(f" {word} ", " ")
    return padded.strip()


def holding_tables(connection: duckdb.DuckDBPyConnection, database: str, leavers: Leavers) -> Iterator[str]:
    """Tables of an attached version that hold something that is to be taken out."""
    for name in tables_of(connection, database):
        if holds(connection, f"{database}.marts", name, leavers):
            yield name
