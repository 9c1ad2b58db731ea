"""What becomes of the sample's customers after its last month: who joins, changes type, leaves. Touches the connection only.

Each month is drawn from the one before by a hash of customer and month, so that a longer life begins like a shorter
one. The rates keep size and mix about as they are: as many join as leave, and between two types that border on each other
as many customers go the one way as the other.
"""

from __future__ import annotations

import duckdb

from scripts.sample.customer_types import TYPES
from scripts.sample.writer import MONTHS_IN_WINDOW

# Of 1,000 customers, how many leave in a month: an account is closed on the month's last day. As many of the customers
# that the sample began with join.
LEAVING = 7
# A new account is of this type for so many months; then it becomes one of the others, each as often as it is.
NEW, NEW_MONTHS = "new_account", 9
# Types that border on each other. Between the two of a pair so many in 10,000 of all customers go each way in a
# month: of transactors 1.3% change in a month, of cash borrowers 0.7%, of all nine in a thousand.
EXCHANGED = 5
NEIGHBOURS = (
    ("big_spender", "transactor"),
    ("big_spender", "spend_and_cash_revolver"),
    ("big_spender", "oneoff_revolver"),
    ("instalment_buyer", "transactor"),
    ("instalment_buyer", "oneoff_revolver"),
    ("oneoff_revolver", "cash_borrower"),
    ("cash_borrower", "spend_and_cash_revolver"),
    ("dormant", "instalment_buyer"),
    ("dormant", "cash_borrower"),
)
# Shock `revolving`: of the first type one in so many becomes the second.
REVOLVING = ("transactor", "oneoff_revolver", 5)

_SHARES = {kind.name: kind.share for kind in TYPES}


def joined_by(customers: int, months: int) -> int:
    """How many have joined a portfolio of so many customers after so many months."""
    return customers * LEAVING * months // 1000


def _neighbour_sql() -> str:
    """Return SQL of the next month's type, over `type_name` and the draw `luck`, below a million."""
    cases = []
    for name, share in _SHARES.items():
        below = 0
        for pair in NEIGHBOURS:
            if name in pair:
                other = pair[1 - pair.index(name)]
                below += EXCHANGED * 1_000_000 // share
                cases.append(f"when type_name = '{name}' and luck < {below} then '{other}'")
    return f"case {' '.join(cases)} else type_name end"


def _grown_sql() -> str:
    """Return SQL of the type that a new account becomes, over `growing`, below the other types' shares together."""
    cases, below = [], 0
    for name, share in _SHARES.items():
        if name != NEW:
            below += share
            cases.append(f"when growing < {below} then '{name}'")
    return f"case {' '.join(cases)} end"


def live(
    con: duckdb.DuckDBPyConnection,
    beginning: str,
    *,
    seed: int,
    customers: int,
    numbers: tuple[int, int],
    months: int,
    revolving_from: int | None = None,
) -> None:
    """Create the temp tables `stays` and `leavers` of the months after the window.

    `stays` has a row for each customer and type: customer_number, type_name, opened_index (null: before the window),
    from_index, to_index; months count from the window's first, 0. `leavers` has customer_number and to_index, the month
    at whose end the account is closed.

    Args:
        con: connection with the writer's macros.
        beginning: relation of the customers whose accounts are open when the window ends: customer_number, type_name and
            opened_index.
        seed: draws other lives.
        customers: customers that the sample began with, from which follows how many join.
        numbers: first and last of the customers' numbers that are looked at; those above `customers` join.
        months: months after the window.
        revolving_from: month of the shock `revolving`; None: it does not come.

    """
    others = sum(share for name, share in _SHARES.items() if name != NEW)
    con.execute(f"""
        create or replace temp macro luck_of(customer_number, month_index, what) as
            (hash(hash(customer_number, month_index, what), {seed}) >> 3)::bigint;
        create or replace temp table months_lived as
        select customer_number, type_name, opened_index, {MONTHS_IN_WINDOW - 1} as month_index, false as leaves
        from {beginning};
    """)
    for month in range(MONTHS_IN_WINDOW, MONTHS_IN_WINDOW + months):
        since = month - MONTHS_IN_WINDOW
        first = max(numbers[0], customers + joined_by(customers, since) + 1)
        last = min(numbers[1], customers + joined_by(customers, since + 1))
        revolves = "false"
        if month == revolving_from:
            revolves = (
                f"type_name = '{REVOLVING[0]}' and luck_of(customer_number, {month}, 3) % {REVOLVING[2]} = 0"
            )
        con.execute(f"""
            insert into months_lived
            with lucky as (
                select * exclude (month_index, leaves),
                    luck_of(customer_number, {month}, 0) % 1000000 as luck,
                    luck_of(customer_number, {month}, 1) % {others} as growing
                from months_lived
                where month_index = {month - 1} and not leaves
            ),
            grown as (
                select customer_number,
                    case
                        when {revolves} then '{REVOLVING[1]}'
                        when type_name != '{NEW}' then {_neighbour_sql()}
                        when {month} - opened_index >= {NEW_MONTHS} then {_grown_sql()}
                        else type_name
                    end as type_name,
                    opened_index
                from lucky
                union all
                select number, '{NEW}', {month} from range({first}::bigint, {max(last, first - 1) + 1}::bigint) as joiners (number)
            )
            select customer_number, type_name, opened_index, {month},
                luck_of(customer_number, {month}, 2) % 1000 < {LEAVING}
            from grown
        """)
    con.execute(f"""
        create or replace temp table leavers as
        select customer_number, month_index as to_index from months_lived where leaves;
        create or replace temp table stays as
        with marked as (
            select *, lag(type_name) over lived is distinct from type_name as begins
            from months_lived
            where month_index >= {MONTHS_IN_WINDOW}
            window lived as (partition by customer_number order by month_index)
        ),
        numbered as (
            select *,
                count(*) filter (where begins) over (partition by customer_number order by month_index) as stay
            from marked
        )
        select customer_number, any_value(type_name) as type_name, any_value(opened_index) as opened_index,
            min(month_index) as from_index, max(month_index) as to_index
        from numbered
        group by customer_number, stay;
        drop table months_lived;
    """)
