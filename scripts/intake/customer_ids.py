"""Customers' ids: one spelling of each, and which ids of a list are among the customers.

Touches the connection it is given: temporary tables, nothing else. dbt's macro `as_id` spells ids in the same way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from scripts.base.errors import UserError
from scripts.base.sentences import reason_of, shown

# Spaces, tabs, ends of line, and the blanks that other programs pad or paste with.
BLANKS = " \t\n\v\f\r\u00a0\u2007\u202f\u3000\u200b\ufeff"
ACCEPT = "accept"
# Whole numbers from here on are not told from their neighbours by the type.
EXACT_BELOW = {"DOUBLE": 2**53, "FLOAT": 2**24}
ID_COLUMNS_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "summary": {"customer_summary": ("cust_id",)},
    "ledger": {
        "accounts": ("account_id", "customer_id"),
        "transactions": ("transaction_id", "account_id"),
        "statements": ("account_id",),
    },
}
# Ids without a customer are compared with the customers' one by one only up to so many.
MOST_COMPARED = 1000
# So many of them are named in a sentence.
MOST_NAMED = 3


def id_sql(column: str) -> str:
    """SQL of an id as text: without blanks around it, and whole numbers without `.0`.

    Padded text is what CHAR columns leave; `1.0` is what a column of numbers with gaps becomes in pandas. Leading
    zeros and case stay: they may tell two customers apart.
    """
    blanks = " || ".join(f"chr({ord(blank)})" for blank in BLANKS)
    return rf"regexp_replace(trim(cast({column} as varchar), {blanks}), '^([0-9]+)[.]0+$', '\1')"


def spell_id(text: str) -> str:
    """An id that was kept, as `id_sql` spells it."""
    return re.sub(r"^([0-9]+)\.0+$", r"\1", text.strip(BLANKS))


@dataclass(frozen=True)
class Match:
    """How the ids of a list meet the customers.

    Attributes:
        name: the parameter of the list, or what it is.
        given: ids in the list.
        unmatched: those that are no customer's, in the order of their text.
        likely: the one customer whose id an unmatched one may be, spelled otherwise.
    """

    name: str
    given: int
    unmatched: tuple[str, ...]
    likely: dict[str, str]

    def sentence(self, among: str = "among the customers") -> str:
        """Say how many match nobody and name some, those with a likely spelling first; empty where all match."""
        if not self.unmatched:
            return ""
        count = len(self.unmatched)
        verb = "is" if count == 1 else "are"
        return f"{self.name}: {count:,} of its {self.given:,} ids {verb} not {among}: {self._named()}"

    def refuse_strangers(self, accept: str, among: str = "among the customers") -> None:
        """Raise UserError where not one id matches, unless accept says that these people are no customers."""
        if self.given and len(self.unmatched) == self.given and accept != ACCEPT:
            raise UserError(
                f"{self.name}: none of its {self.given:,} ids is {among}: {self._named()}. Correct the list; if these"
                f" people are no customers, say UNMATCHED={ACCEPT}."
            )

    def _named(self) -> str:
        first = sorted(self.unmatched, key=lambda each: each not in self.likely)[:MOST_NAMED]
        words = [
            f"{shown(each)} (is it {shown(self.likely[each])}?)" if each in self.likely else shown(each)
            for each in first
        ]
        more = len(self.unmatched) - len(first)
        return ", ".join(words) + (f" and {more:,} more" if more else "")


def collect_customers(connection: duckdb.DuckDBPyConnection, kind: str) -> str:
    """Make a temporary table of the opened input's customers, each once, and return its name.

    kind: summary or ledger. Raises UserError where the input cannot be read, or ids have lost their last digits.
    """
    column, entity = ("cust_id", "customer_summary") if kind == "summary" else ("customer_id", "accounts")
    try:
        for name, columns in ID_COLUMNS_OF[kind].items():
            for each in columns:
                _refuse_rounded(connection, name, each)
        connection.execute(
            f"create or replace temp table input_customers as select distinct {id_sql(column)} as customer_id"
            f" from raw.{entity}_unnumbered where {id_sql(column)} != ''"
        )
    except duckdb.Error as error:
        raise UserError(f"{entity}: its ids cannot be read ({reason_of(error)}).") from None
    return "input_customers"


def _refuse_rounded(connection: duckdb.DuckDBPyConnection, entity: str, column: str) -> None:
    """Refuse ids in a type that cannot tell large whole numbers from their neighbours."""
    kept_as = dict(
        connection.execute(
            f"select column_name, column_type from (describe raw.{entity}_unnumbered)"
        ).fetchall()
    )[column]
    if kept_as not in EXACT_BELOW:
        return
    [(largest,)] = connection.execute(f"select max(abs({column})) from raw.{entity}_unnumbered").fetchall()
    if largest is not None and largest >= EXACT_BELOW[kept_as]:
        raise UserError(
            f"{entity}: {column} holds numbers of type {kept_as} up to {largest:.0f}, whose last digits are"
            " lost, so that two may have become one; write the ids as text."
        )


def match_ids(connection: duckdb.DuckDBPyConnection, name: str, ids: Sequence[str], customers: str) -> Match:
    """Look ids up among the customers.

    Args:
        connection: where the customers are.
        name: the list's parameter, for the words.
        ids: as `id_sql` spells them.
        customers: relation with a column customer_id, spelled in the same way.

    """
    connection.execute(
        "create or replace temp table unmatched as"
        " select id from (select unnest(?::varchar[]) as id)"
        f" where id not in (select customer_id from {customers} where customer_id is not null)",
        [list(ids)],
    )
    unmatched = tuple(
        row[0] for row in connection.execute("select distinct id from unmatched order by id").fetchall()
    )
    likely: dict[str, str] = {}
    # First what differs in case, marks and leading zeros; then what has the same digits.
    for key in (
        "ltrim(regexp_replace(lower({}), '[^\\p{{L}}0-9]', '', 'g'), '0')",
        "ltrim(regexp_replace({}, '[^0-9]', '', 'g'), '0')",
    ):
        if len(likely) == len(unmatched):
            break
        found = connection.execute(
            f"""
            with asked as (
                select id, {key.format("id")} as key from (select * from unmatched order by id limit {MOST_COMPARED})
            )
            select id, min(customer_id)
            from asked
            inner join {customers} on {key.format("customer_id")} = key
            where key != ''
            group by id
            having count(distinct customer_id) = 1
            """
        ).fetchall()
        likely = dict(found) | likely
    connection.execute("drop table unmatched")
    return Match(name, len(set(ids)), unmatched, likely)
