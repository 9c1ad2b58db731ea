"""Expand one row of features per customer into a ledger that gives exactly that row back.

Touches nothing but the DuckDB connection and the folder it is given: reads a relation of *targets*
(one row per customer), writes the files `accounts`, `transactions` and `statements` of the contract in
`dbt_project/models/staging/ledger/`. Both the generated sample and the round trip of the real file go
through this one expansion.

How a row becomes a ledger. Frequencies are months over tenure, so they are turned back into months, and
money into whole cents. Each customer gets an order of months, drawn from a small pool of orders by a hash;
what happens in n months happens in the first n of that order. A total is cut into n parts at n - 1 cuts
that stand on an even grid and are jittered by less than half a step, so a part is the difference of two
closed expressions: no window function, no sort, every part positive, the sum exact. All randomness is a
hash of the customer and all arithmetic is on integers, so the files are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from scripts.base.quoting import sql_text

MONTHS_IN_WINDOW = 12
# Room for the transactions of one customer in one year, and for the years: a transaction's number is
# customer_number * 65536 + year * 4096 + its place.
_PLACES = 4096
_YEARS = 16
# A statement issued up to this day of the month falls due in the same month, 21 days later.
LAST_EARLY_CYCLE_DAY = 7
# A later one, from day 10 on, falls due in the next month, 7 calendar days earlier.
FIRST_LATE_CYCLE_DAY = 10
_ORDERS = 512
# Whether a customer pays the bill in full that falls due after the window.
PAYS_IN_FULL = "coalesce(draw(key + 52000, due_statements) < full_statements, false)"
_COPY_OPTIONS = {"csv": "format csv, header true", "parquet": "format parquet, row_group_size 122880"}
# The numbers of the transactions of the window and of the years before lie below.
_NUMBERS = 1 << 52

# What a target row needs beside customer_id, customer_number, the features and nothing_was_due, at its
# plainest: one account, no history, statements on the 5th that are due on the 26th.
PLAIN_LIFE = """
    5 as cycle_day,
    0 as history_months,
    24 as opened_earlier_months,
    false as closes_early,
    0 as bounced_cents,
    1 as account_count,
    5000 as limit_step_cents
"""

# The counts and cents that a row of features stands for.
_COUNTS = """
    tenure::bigint as tenure,
    round(oneoff_purchases_frequency * tenure)::bigint as oneoff_months,
    round(purchases_installments_frequency * tenure)::bigint as instalment_months,
    round(purchases_frequency * tenure)::bigint as purchase_months,
    round(cash_advance_frequency * tenure)::bigint as cash_months,
    round(balance_frequency * least(tenure, 11))::bigint as balance_months,
    purchases_trx::bigint as purchase_count,
    cash_advance_trx::bigint as cash_count,
    round(oneoff_purchases * 100)::bigint as oneoff_cents,
    round(installments_purchases * 100)::bigint as instalment_cents,
    round(purchases * 100)::bigint as purchase_cents,
    round(cash_advance * 100)::bigint as cash_cents,
    round(payments * 100)::bigint as payment_cents,
    round(minimum_payments * 100)::bigint as due_cents,
    round(balance * 1000000)::bigint as balance_micros
"""


@dataclass(frozen=True)
class Shock:
    """What happens to all customers at once from a month on.

    Attributes:
        month_index: its first month, 0 the window's first.
        amount_percent: what amounts become, in hundredths of what they would be.
        limit_percent: the same of credit limits.

    """

    month_index: int = 0
    amount_percent: int = 100
    limit_percent: int = 100

    def amount_sql(self, amount: str) -> str:
        """Return SQL of an amount under the shock, over `month_index`."""
        return self._changed(amount, self.amount_percent)

    def limit_sql(self, limit: str) -> str:
        """Return SQL of a limit under the shock, over `month_index`."""
        return self._changed(limit, self.limit_percent)

    def _changed(self, value: str, percent: int) -> str:
        if percent == 100:
            return value
        return f"(case when month_index >= {self.month_index} then ({value}) * {percent} // 100 else {value} end)"


NO_SHOCK = Shock()


@dataclass(frozen=True)
class Contradiction:
    """One way a row of features can contradict itself.

    Attributes:
        name: short name.
        meaning: the contradiction in words.
        condition: SQL over the row's features and counts, true where the row is contradictory.

    """

    name: str
    meaning: str
    condition: str


CONTRADICTIONS = (
    Contradiction(
        "frequency above 1",
        "more months with something than months open",
        "greatest(oneoff_months, instalment_months, purchase_months, cash_months) > tenure"
        " or balance_months > least(tenure, 11)",
    ),
    Contradiction(
        "part of a month",
        "a frequency that is no whole number of months over the months open",
        " or ".join(
            f"abs({name} * {months} - round({name} * {months})) > 1e-5"
            for name, months in (
                ("oneoff_purchases_frequency", "tenure"),
                ("purchases_installments_frequency", "tenure"),
                ("purchases_frequency", "tenure"),
                ("cash_advance_frequency", "tenure"),
                ("balance_frequency", "least(tenure, 11)"),
            )
        ),
    ),
    Contradiction(
        "parts do not add up",
        "purchases differ from one-off plus instalment purchases by more than a cent (refunds)",
        "abs(purchase_cents - oneoff_cents - instalment_cents) > 1",
    ),
    Contradiction(
        "purchases without a transaction",
        "money spent, yet no purchase counted",
        "purchase_cents > 0 and purchase_count = 0",
    ),
    Contradiction(
        "transactions without purchases",
        "purchases counted, yet no money spent",
        "purchase_cents = 0 and purchase_count > 0",
    ),
    Contradiction(
        "money without months, or months without money",
        "an amount is positive in no month, or is zero although it has months",
        "(oneoff_cents > 0) <> (oneoff_months > 0)"
        " or (instalment_cents > 0) <> (instalment_months > 0)"
        " or (purchase_cents > 0) <> (purchase_months > 0)"
        " or (cash_cents > 0) <> (cash_months > 0)"
        " or (cash_count > 0) <> (cash_months > 0)"
        " or (balance_micros > 0) <> (balance_months > 0)",
    ),
    Contradiction(
        "more purchase months than its parts have",
        "more months with a purchase than one-off and instalment months together",
        "purchase_months > oneoff_months + instalment_months",
    ),
    Contradiction(
        "fewer purchase months than a part has",
        "fewer months with a purchase than months with a one-off purchase, or with an instalment",
        "purchase_months < greatest(oneoff_months, instalment_months)",
    ),
    Contradiction(
        "fewer transactions than months",
        "fewer purchases than one-off plus instalment months, or fewer cash advances than their months:"
        " each kind needs one of its own in each of its months",
        "purchase_count < oneoff_months + instalment_months or cash_count < cash_months",
    ),
    Contradiction(
        "fewer cents than transactions",
        "less than a cent for each transaction, month or statement",
        "(purchase_count > 0 and oneoff_cents + instalment_cents between 1 and purchase_count - 1)"
        " or oneoff_cents between 1 and oneoff_months - 1"
        " or instalment_cents between 1 and instalment_months - 1"
        " or cash_cents between 1 and cash_count - 1"
        " or (not nothing_was_due and due_cents < 1)",
    ),
    Contradiction(
        "paid in full though nothing was due",
        "a share of statements paid in full where no statement had anything due, or a share that is no"
        " fraction of at most as many statements as months open",
        "(nothing_was_due and prc_full_payment > 0) or full_payment_statements is null",
    ),
)


def _full_payment_sql(most: str) -> str:
    """Return SQL for the most statements q <= `most` of which `prc_full_payment` is p / q; null if there is none."""
    branches = " ".join(
        f"when {q} <= {most} and abs(prc_full_payment * {q} - round(prc_full_payment * {q})) < 1e-5 then {q}"
        for q in range(MONTHS_IN_WINDOW, 0, -1)
    )
    return f"case {branches} end"


def contradictions_sql(targets: str) -> str:
    """Return SQL that gives, per row of the relation `targets`, the names of its contradictions.

    Args:
        targets: name of a relation with customer_id, the 17 features and nothing_was_due.

    Returns:
        A select of customer_id and contradictions (a list of text, empty where the row admits an exact
        ledger).

    """
    cases = ", ".join(f"case when {kind.condition} then '{kind.name}' end" for kind in CONTRADICTIONS)
    fraction = _full_payment_sql("tenure")
    return f"""
        with counted as (
            select * exclude (tenure), {_COUNTS},
                {fraction} as full_payment_statements
            from {targets}
        )
        select customer_id, list_filter([{cases}], lambda kind: kind is not null) as contradictions
        from counted
    """


def count_contradictions(con: duckdb.DuckDBPyConnection, targets: str) -> dict[str, int]:
    """Count the rows of `targets` that admit an exact ledger (key "") and those with each contradiction.

    A row may contradict itself in several ways and then counts under each.
    """
    rows = con.execute(f"""
        select kind, count(*)
        from (
            select unnest(case when len(contradictions) = 0 then [''] else contradictions end) as kind
            from ({contradictions_sql(targets)})
        )
        group by kind
    """).fetchall()
    counts = {"": 0, **{kind.name: 0 for kind in CONTRADICTIONS}}
    counts.update({name: int(count) for name, count in rows})
    return counts


def create_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the macros of the expansion on the connection.

    `cut(total, n, k, key)` is the k-th of the n - 1 cuts, `part(total, n, k, key)` the k-th part
    (k from 0), at least 1, so total must be at least n; all whole numbers. `draw(key, n)` is a whole
    number below n. `nth(order, k)` reads the k-th of up to 12 months that are packed in 4 bits each.
    """
    con.execute("""
        create or replace temp macro draw(key, n) as (hash(key) % n::ubigint)::bigint;
        create or replace temp macro cut(total, n, k, key) as
            case
                when k <= 0 then 0
                when k >= n then total
                else (total * (k * 1024 + draw(key + k, 921) - 460)) // (n * 1024)
            end;
        create or replace temp macro part(total, n, k, key) as
            cut(total - n, n, k + 1, key) - cut(total - n, n, k, key) + 1;
        create or replace temp macro even_part(total, n, k) as
            (total * (k + 1)) // n - (total * k) // n;
        create or replace temp macro nth(month_order, k) as ((month_order >> (4 * k)) & 15);
        -- The years before were like the window's, a little more or less of everything; in 256ths.
        create or replace temp macro year_scale(key, year_before) as
            case when year_before = 0 then 256 else 200 + draw(key + 60000 + year_before, 100) end;
        create or replace temp macro bill_place(month_order, k, first_bill_slot, bill_slots) as
            case
                when k = first_bill_slot then 0
                when first_bill_slot >= 0 and k = bill_slots - 1 then nth(month_order, first_bill_slot)
                else nth(month_order, k)
            end;
        create or replace temp macro day_of(month_number, day_number) as
            make_date(month_number // 12, month_number % 12 + 1, day_number);
    """)


def _create_orders(con: duckdb.DuckDBPyConnection, as_of: date, seasonal_weights: tuple[int, ...]) -> None:
    """Create `month_orders`: a pool of orders of a tenure's months, packed in 4 bits a month.

    `spending` orders put a month early in proportion to the weight of its calendar month. `billing`
    orders are even, but put month 0 of twelve last, for it gives no snapshot, and then the last month of
    those whose last statement is not yet due.
    """
    weights = ", ".join(str(weight) for weight in seasonal_weights)
    con.execute(f"""
        create or replace temp table month_orders as
        with tenures as (
            select unnest(range(1, 13)) as tenure
        ),
        variants as (
            select tenure, purpose, variant, order_id::bigint as order_id
            from tenures, (values ('spending'), ('billing')) as purposes (purpose),
                (values (false), (true)) as variants (variant), range({_ORDERS}) as orders (order_id)
        ),
        months as (
            select *, unnest(range(0, tenure)) as place from variants
        ),
        weighed as (
            -- `variant` is the early close for spending, the late cycle for billing.
            select *,
                case
                    when purpose = 'spending' then
                        draw(hash(tenure, purpose, variant, order_id, place), 1000000)
                        // ([{weights}])[1 + (case when variant then place else 12 - tenure + place end
                            + {as_of.month}) % 12]
                    when tenure = 12 and place = 0 then 2000000
                    when variant and place = tenure - 1 then 1000001
                    else draw(hash(tenure, purpose, variant, order_id, place), 1000000)
                end as weight
            from months
        ),
        ranked as (
            select *,
                row_number() over (
                    partition by tenure, purpose, variant, order_id order by weight, place
                ) - 1 as slot
            from weighed
        )
        select tenure, purpose, variant, order_id,
            sum(place::bigint << (4 * slot))::bigint as place_of_slot,
            sum(slot::bigint << (4 * place))::bigint as slot_of_place
        from ranked
        group by all
    """)


def create_plan(
    con: duckdb.DuckDBPyConnection,
    targets: str,
    *,
    plan: str,
    seed: int,
    as_of: date,
    seasonal_weights: tuple[int, ...],
    carried: Sequence[str] = (),
) -> None:
    """Create the temp table `plan`: per customer the whole numbers from which every file is written.

    Args:
        con: connection.
        targets: relation of rows that admit an exact ledger, with the columns of `PLAIN_LIFE`,
            customer_id (unique text), customer_number (unique, from 1), features and nothing_was_due.
        plan: name of the table to create.
        seed: draws another ledger of the same targets.
        as_of: last day of the window, the last day of a month.
        seasonal_weights: 12 whole numbers, January first: the weight of a calendar month in spending.
        carried: further columns of the targets that the plan is to have.

    """
    create_macros(con)
    _create_orders(con, as_of, seasonal_weights)
    con.execute(f"""
        create or replace temp table {plan} as
        with counted as (
            select {"".join(f"{name}, " for name in carried)}
                customer_id, customer_number, nothing_was_due, prc_full_payment, {_COUNTS},
                cycle_day::bigint as cycle_day,
                history_months::bigint as history_months,
                opened_earlier_months::bigint as opened_earlier_months,
                closes_early,
                bounced_cents::bigint as bounced_cents,
                account_count::bigint as account_count,
                limit_step_cents::bigint as limit_step_cents,
                case when closes_early then 0 else 12 - tenure end as first_month,
                -- First and last month that are written, 0 the window's first.
                -history_months::bigint as from_index,
                11::bigint as to_index,
                case when tenure = 12 then 11 else tenure end as snapshots,
                round(credit_limit * case when tenure = 12 then 11 else tenure end * 100)::bigint
                    as limit_cents,
                cycle_day > {LAST_EARLY_CYCLE_DAY} and tenure > 2 as late,
                (hash(customer_id, {seed}) >> 3)::bigint as key
            from {targets}
        ),
        billed as (
            select *,
                -- Statements that are issued and fall due in the window.
                case when late then tenure - 1 else tenure end as bill_slots,
                -- Month 0 of twelve is last in a billing order, for it gives no snapshot. Its bill counts like
                -- any other, so among the bills it changes places with one of those with a balance.
                case
                    when tenure < 12 then -1
                    when balance_months = 11 then draw(key + 9, bill_slots)
                    else bill_slots - 1
                end as first_bill_slot,
                least(bill_slots, due_cents) as most_due,
                case
                    when nothing_was_due then 0
                    when prc_full_payment = 0 then greatest(1, least(balance_months, most_due))
                    else {_full_payment_sql("most_due")}
                end as due_statements,
                round(prc_full_payment * due_statements)::bigint as full_statements,
                least(
                    bill_slots,
                    payment_cents,
                    greatest(1, full_statements, due_statements - draw(key + 5, 3))
                ) as payments_of_window,
                -- One more payment, in month 0, is for the bill of the month before.
                case when late and tenure = 12 and payment_cents > payments_of_window and payments_of_window > 1 then 1 else 0 end
                    as payments_of_before,
                payments_of_window + payments_of_before as payment_count,
                greatest(oneoff_cents + instalment_cents - purchase_cents, 0) as refund_cents,
                -- Every kind gets its months; of the rest each gets a part in proportion to them.
                case
                    when instalment_months = 0 then 0
                    when oneoff_months = 0 then purchase_count
                    else least(
                        instalment_cents,
                        greatest(
                            purchase_count - oneoff_cents,
                            instalment_months
                            + (purchase_count - oneoff_months - instalment_months) * instalment_months
                            // (oneoff_months + instalment_months)
                        )
                    )
                end as instalment_count,
                purchase_count - instalment_count as oneoff_count
            from counted
        )
        select billed.*,
            spending.place_of_slot as spending_order,
            cash.place_of_slot as cash_order,
            billing.place_of_slot as billing_order,
            billing.slot_of_place as billing_slots
        from billed
        inner join month_orders as spending
            on spending.purpose = 'spending' and billed.closes_early = spending.variant
            and billed.tenure = spending.tenure and draw(billed.key, {_ORDERS}) = spending.order_id
        inner join month_orders as cash
            on cash.purpose = 'spending' and billed.closes_early = cash.variant
            and billed.tenure = cash.tenure and draw(billed.key + 1, {_ORDERS}) = cash.order_id
        inner join month_orders as billing
            on billing.purpose = 'billing' and billed.late = billing.variant
            and billed.tenure = billing.tenure and draw(billed.key + 2, {_ORDERS}) = billing.order_id
    """)


def _month_number(as_of: date) -> int:
    """Months since year 0 of the window's month 0."""
    return as_of.year * 12 + as_of.month - MONTHS_IN_WINDOW


def accounts_sql(plan: str, as_of: date) -> str:
    """Return SQL of the accounts of `plan`, ordered by customer and account."""
    first = _month_number(as_of)
    return f"""
        with opened as (
            select *, unnest(range(1, account_count + 1)) as account_number,
                {first} + first_month - history_months as opening_month
            from {plan}
        )
        select
            customer_id || '-' || account_number as account_id,
            customer_id,
            day_of(
                -- Some have been open since before the extract begins.
                opening_month - case when tenure = 12 or closes_early then opened_earlier_months else 0 end, 1
            ) as opened_on,
            case when closes_early then last_day(day_of({first} + tenure - 1, 1)) end as closed_on
        from opened
        order by customer_number, account_number
    """


# Kinds of transaction, each a select from `plan` that gives a row a transaction: who bears it, its place among the
# customer's of a year, kind and cents, the month counted from the customer's first in the window, the day, and how
# many share it with a second account (`second_in`: it bears one in so many; 0: none, 1: all).
_BEARER = "customer_id, customer_number, key, first_month, from_index, to_index"

_ONE_OFFS = f"""
    select {_BEARER}, second_in, k as place, 'oneoff_purchase' as kind,
        part(oneoff_cents, oneoff_count, k, key + 1000) as cents,
        nth(
            spending_order,
            -- One-off months are the first of the customer's purchase months, instalments the last.
            case when k < oneoff_months then k else draw(key + 5000 + k, oneoff_months) end
        ) as month_place,
        1 + draw(key + 10000 + k, 28) as day_number
    from (select *, unnest(range(0, oneoff_count)) as k from plan)
"""

_INSTALMENTS = f"""
    select {_BEARER}, 0 as second_in, base_instalment + k as place, 'installment_purchase' as kind,
        even_part(instalment_cents, instalment_count, k) as cents,
        nth(spending_order, purchase_months - 1 - k % instalment_months) as month_place,
        1 + draw(key + 15000 + k, 28) as day_number
    from (select *, unnest(range(0, instalment_count)) as k from plan)
"""

# Each cash advance has a fee on the same day.
_CASH_ADVANCES = f"""
    select {_BEARER}, second_in,
        case what when 'cash_advance' then base_cash else base_cash_fee end + k as place, what as kind,
        case what when 'cash_advance' then advance else greatest(300, advance * 3 // 100) end as cents,
        month_place, day_number
    from (
        select *, unnest(['cash_advance', 'fee']) as what,
            part(cash_cents, cash_count, k, key + 20000) as advance,
            nth(
                cash_order,
                case when k < cash_months then k else draw(key + 25000 + k, cash_months) end
            ) as month_place,
            1 + draw(key + 30000 + k, 28) as day_number
        from (select *, unnest(range(0, cash_count)) as k from plan)
    )
"""

# Either account's bill is paid by itself.
_PAYMENTS = f"""
    select {_BEARER}, share % account_count as second_in, base_payment + share as place, 'payment' as kind,
        case
            when account_count = 1 then whole
            when share % account_count = 1 then whole * 3 // 10
            else whole - whole * 3 // 10
        end as cents,
        case
            when k >= payments_of_window then 0
            else bill_place(billing_order, k, first_bill_slot, bill_slots) + late::bigint
        end as month_place,
        case
            when late then 1 + draw(key + 40000 + k, cycle_day - 7)
            else cycle_day + 1 + draw(key + 40000 + k, 21)
        end as day_number
    from (
        select *, unnest(range(0, payment_count * account_count)) as share, share // account_count as k,
            part(payment_cents, payment_count, k, key + 35000) as whole
        from plan
    )
"""

# Interest is charged on the statement day of the months with a balance that is not paid in full.
_INTEREST = f"""
    select {_BEARER}, second_in, base_other + 8 + k as place, 'interest' as kind,
        case
            -- Month 0, which gives no snapshot, has the average.
            when k = balance_months then 1 + balance_micros // 500000
            else 1 + part(balance_micros * snapshots, balance_months, k, key + 45000) // 500000
        end as cents,
        nth(billing_order, k) as month_place,
        cycle_day as day_number
    from (
        select *, unnest(
            range(full_statements, balance_months + (balance_months = 11 and tenure = 12)::bigint)
        ) as k
        from plan
    )
"""

_LATE_FEES = f"""
    select {_BEARER}, second_in, base_other + 24 + k as place, 'fee' as kind, 2500 as cents,
        bill_place(billing_order, k, first_bill_slot, bill_slots) + late::bigint as month_place,
        case when late then cycle_day - 7 else cycle_day + 21 end as day_number
    from (select *, unnest(range(payments_of_window, due_statements)) as k from plan)
    where payments_of_window > 0
"""

# A payment that bounced: paid once more, taken back some days later.
_BOUNCED_PAYMENTS = f"""
    select {_BEARER}, 0 as second_in, base_other + k as place,
        case k when 0 then 'payment' else 'payment_reversal' end as kind,
        bounced_cents as cents, draw(key + 7, tenure) as month_place,
        2 + draw(key + 8, 20) + k * 5 as day_number
    from (select *, unnest(range(0, 2)) as k from plan where bounced_cents > 0)
"""

_REFUNDS = f"""
    select {_BEARER}, 0 as second_in, base_other + 2 as place, 'refund' as kind, refund_cents as cents,
        nth(spending_order, 0) as month_place, 28 as day_number
    from plan
    where refund_cents > 0
"""

_KINDS = (
    _ONE_OFFS,
    _INSTALMENTS,
    _CASH_ADVANCES,
    _PAYMENTS,
    _INTEREST,
    _LATE_FEES,
    _BOUNCED_PAYMENTS,
    _REFUNDS,
)


def _years_sql(place: str) -> str:
    """Return SQL of the years, 0 the window's, 1 the one before, -1 the one after, in which a plan's month is written.

    place: SQL of the month, counted from the customer's first in the window. No operand is negative: what `//` makes
    of those is not the same everywhere.
    """
    month = f"(first_month + {place})"
    return f"""unnest(
                    range(100 - (to_index - {month} + 1200) // 12, 101 - (from_index - {month} + 1211) // 12)
                ) as year_before"""


def transactions_sql(
    plan: str, as_of: date, extra_columns: str = "", *, goes_on: bool = False, shock: Shock = NO_SHOCK
) -> str:
    """Return SQL of the transactions of `plan`, ordered by month of posting, customer and place.

    Args:
        plan: name of the plan table.
        as_of: last day of the window.
        extra_columns: further select items over number, kind and key, each preceded by a comma.
        goes_on: the plan is of months after the window. Customers have several plans then, so that the month, not the
            year, makes a number unique; the numbers lie above those of the window and before.
        shock: what happens to amounts.

    """
    first = _month_number(as_of)
    number = "(customer_number << 16) | (year_before << 12) | place"
    if goes_on:
        number = "(customer_number << 24) | (month_index << 12) | place"
    return f"""
        with plan as (
            -- Where the places of each kind begin.
            select *, oneoff_count as base_instalment, purchase_count as base_cash,
                base_cash + cash_count as base_cash_fee,
                base_cash_fee + cash_count as base_payment,
                base_payment + payment_count * account_count as base_other,
                case when account_count > 1 then 3 else 0 end as second_in
            from {plan}
        ),
        all_kinds as ({" union all by name ".join(_KINDS)}),
        years as (
            select *, {_years_sql("month_place")} from all_kinds
        ),
        months as (
            select * exclude (first_month, month_place),
                first_month + month_place - 12 * year_before as month_index
            from years
        ),
        keyed as (
            select
                customer_id,
                ((month_index + 1200) << 52) | {number} as sort_key,
                case when second_in = 0 then false else draw(key + 50000 + place, second_in) = 0 end as on_second,
                ({first} + month_index)::integer as month_number,
                day_number::integer as day_number,
                kind,
                greatest(1, {shock.amount_sql("cents * year_scale(key, year_before) // 256")}) as cents
            from months
        ),
        sorted as (
            select * from keyed order by sort_key
        )
        select
            ((sort_key & {_NUMBERS - 1}) + {_NUMBERS if goes_on else 0})::varchar as transaction_id,
            customer_id || case when on_second then '-2' else '-1' end as account_id,
            day_of(month_number, day_number) as posted_on,
            kind as transaction_type,
            (cents::decimal(18, 2) / 100)::decimal(18, 2) as amount{extra_columns}
        from sorted
    """


def statements_sql(
    plan: str, as_of: date, *, last_index: int = MONTHS_IN_WINDOW - 1, shock: Shock = NO_SHOCK
) -> str:
    """Return SQL of the statements of `plan`, ordered by month of issue, customer and account.

    Args:
        plan: name of the plan table.
        as_of: last day of the window.
        last_index: the ledger's last month, 0 the window's first: what falls due after it is not known to be paid.
        shock: what happens to amounts and limits.

    """
    first = _month_number(as_of)
    micros = "greatest(average_micros * scale // 256, sign(average_micros))"
    due_now = "case when due > 0 then greatest(due * scale // 256, 1) else 0 end"
    paid_now = "case when paid > 0 then greatest(paid * paid_scale // 256, 1) else 0 end"
    return f"""
        with places as (
            select *, unnest(range(0, tenure)) as place, nth(billing_slots, place) as slot,
                late and place = tenure - 1 as falls_due_after,
                case
                    when falls_due_after then 12
                    when tenure = 12 and place = 0 then first_bill_slot
                    when slot = first_bill_slot then bill_slots - 1
                    else slot
                end as bill_slot,
                -- The statement that falls due after the window has its share of the minimum dues, too; in the
                -- years before, its payment is the one for the bill of the month before month 0.
                case
                    when late and not closes_early and balance_months = snapshots and due_statements > 0
                        and due_cents > due_statements then 1
                    else 0
                end as dues_ahead
            from {plan}
        ),
        years as (
            select *, {_years_sql("place")} from places
        ),
        months as (
            select *, first_month + place - 12 * year_before as month_index,
                -- Who is billed late has the first month without a balance in December, for its bill is not counted in
                -- the window. In the years after it is any month of theirs.
                draw(key + 53000, 11) as changed_slot,
                case
                    when year_before >= 0 or not late or tenure < 12 then slot
                    when slot = 10 then changed_slot
                    when slot = changed_slot then 10
                    else slot
                end as balance_slot
            from years
        ),
        amounts as (
            select customer_id, customer_number, key, cycle_day, late, account_count, month_index, slot,
                ({first} + month_index)::integer as month_number,
                late and not closes_early and month_index = {last_index} as is_ahead,
                case
                    -- In the years after the window the bill of December is paid in full as often as the others.
                    when falls_due_after and year_before < 0 then {PAYS_IN_FULL}
                    else bill_slot < full_statements
                        or (falls_due_after and payments_of_before = 1 and full_statements = due_statements)
                end as in_full,
                year_scale(key, year_before) as scale,
                year_scale(key, year_before - falls_due_after::bigint) as paid_scale,
                case
                    when balance_slot < balance_months
                        then part(balance_micros * snapshots, balance_months, balance_slot, key + 45000)
                    -- Month 0 gives no snapshot while it is the window's first. In the years after it is one month like
                    -- any other, and has a balance as often as they.
                    when
                        tenure = 12 and place = 0
                        and (balance_months = 11 or (year_before < 0 and draw(key + 49000, 11) < balance_months))
                        then balance_micros * snapshots // balance_months
                    -- Now and then a customer has overpaid.
                    when draw(key + 46000 + slot, 6) = 0 then -1000000 * (1 + draw(key + 47000 + slot, 60))
                    else 0
                end as average_micros,
                case
                    when bill_slot < due_statements
                        then part(due_cents, due_statements + dues_ahead, bill_slot, key + 48000)
                    when falls_due_after and dues_ahead = 1
                        then part(due_cents, due_statements + 1, due_statements, key + 48000)
                    else 0
                end as due,
                case
                    when bill_slot < payments_of_window
                        then part(payment_cents, payment_count, bill_slot, key + 35000)
                    when falls_due_after and year_before != 0 and payments_of_before = 1
                        then part(payment_cents, payment_count, payments_of_window, key + 35000)
                    else 0
                end as paid,
                -- Limits move in steps; the average over the snapshots is exact.
                limit_cents // snapshots // limit_step_cents * limit_step_cents as base_limit,
                limit_cents - base_limit * snapshots as raised,
                -- A limit that was raised stays raised.
                case
                    when year_before < 0 then 0
                    else snapshots - 1 - (place - case when tenure = 12 then 1 else 0 end)
                end as from_end,
                base_limit + case
                    when year_before > 0 then 0
                    when from_end < raised // limit_step_cents then limit_step_cents
                    when from_end = raised // limit_step_cents and from_end < snapshots
                        then raised % limit_step_cents
                    else 0
                end as limit_now
            from months
        ),
        scaled as (
            select * replace ({shock.limit_sql("limit_now")} as limit_now),
                {shock.amount_sql(micros)} as micros,
                {shock.amount_sql(due_now)} as due_now,
                {shock.amount_sql(paid_now)} as paid_now,
                case
                    when due = 0 then {shock.amount_sql("average_micros * scale // 256")} // 10000
                    when in_full then paid_now
                    else paid_now + 100
                        + greatest(due_now, {shock.amount_sql("average_micros * scale // 256")} // 10000)
                end as closing
            from amounts
        ),
        split as (
            select * exclude (micros, due_now, paid_now, closing, limit_now),
                unnest(range(1, account_count + 1)) as account_number,
                -- A second account has three tenths of everything.
                {_split_sql("micros", "due_now", "paid_now", "closing", "limit_now")}
            from scaled
        ),
        sorted as (
            select *, (month_number::bigint << 40) | (customer_number << 2) | account_number as sort_key
            from split
            order by sort_key
        )
        select
            customer_id || '-' || account_number as account_id,
            day_of(month_number, cycle_day) as statement_on,
            case
                when late then day_of(month_number + 1, cycle_day - 7)
                else day_of(month_number, cycle_day + 21)
            end as due_on,
            (closing::decimal(18, 2) / 100)::decimal(18, 2) as closing_balance,
            (micros::decimal(18, 6) / 1000000)::decimal(18, 6) as average_daily_balance,
            (due_now::decimal(18, 2) / 100)::decimal(18, 2) as minimum_due,
            (limit_now::decimal(18, 2) / 100)::decimal(18, 2) as credit_limit,
            case when not is_ahead then (paid_now::decimal(18, 2) / 100)::decimal(18, 2) end as paid_by_due_on
        from sorted
    """


def _split_sql(*names: str) -> str:
    """Return SQL that cuts each whole number between the first account and the second."""
    return ", ".join(
        f"case when account_count = 1 then {name} when account_number = 2 then {name} * 3 // 10"
        f" else {name} - {name} * 3 // 10 end as {name}"
        for name in names
    )


def write_ledger(
    con: duckdb.DuckDBPyConnection,
    plan: str,
    folder: Path,
    *,
    as_of: date,
    file_format: str,
    part: str | None = None,
    transaction_columns: str = "",
) -> dict[str, int]:
    """Write accounts, transactions and statements of `plan` into `folder`.

    Args:
        con: connection.
        plan: name of a table of `create_plan`.
        folder: folder that exists.
        as_of: last day of the window, as given to `create_plan`.
        file_format: `csv` or `parquet`.
        part: name of the part, so that each table is a folder of parts; None: each is one file.
        transaction_columns: further columns, see `transactions_sql`.

    Returns:
        Rows written, by table.

    """
    selects = {
        "accounts": accounts_sql(plan, as_of),
        "transactions": transactions_sql(plan, as_of, transaction_columns),
        "statements": statements_sql(plan, as_of),
    }
    rows = {}
    for table, select in selects.items():
        path = folder / f"{table}.{file_format}"
        if part is not None:
            path = folder / table / f"{part}.{file_format}"
            path.parent.mkdir(exist_ok=True)
        counted = con.execute(
            f"copy ({select}) to {sql_text(str(path))} ({_COPY_OPTIONS[file_format]})"
        ).fetchone()
        rows[table] = int(counted[0]) if counted else 0
    return rows


def month_text_sql(index: str, as_of: date) -> str:
    """Return SQL of a month as text, as 2026-01, from its number, 0 the window's first."""
    return f"strftime(day_of(({_month_number(as_of)} + {index})::integer, 1), '%Y-%m')"


def write_later_months(
    con: duckdb.DuckDBPyConnection,
    plan: str,
    folder: Path,
    *,
    as_of: date,
    last_index: int,
    file_format: str,
    customer_id: str,
    suffix: str = "",
    transaction_columns: str = "",
    shock: Shock = NO_SHOCK,
) -> dict[str, int]:
    """Write what comes after the window into `folder`, each table a folder with a file for each month.

    Only accounts that are new have rows of their own; who closed one stands in the table `closings` then.

    Args:
        con: connection, with the tables of `lives.live` and `closings`.
        plan: name of a table of `create_plan`, with the months that each row is to be written for.
        folder: a folder that `write_ledger` has written parts into.
        as_of: last day of the window.
        last_index: the ledger's last month, 0 the window's first.
        file_format: `csv` or `parquet`.
        customer_id: SQL of the id that a `customer_number` bears.
        suffix: end of the files' names.
        transaction_columns: further columns, see `transactions_sql`.
        shock: what happens to everybody.

    Returns:
        Rows written, by table.

    """
    first = _month_number(as_of)
    closed_on = f"last_day(day_of(({first} + leavers.to_index)::integer, 1))"
    con.execute(f"""
        insert into closings
        select {customer_id} || '-' || unnest([1, 2]) as account_id, {closed_on} as closed_on from leavers;
        create or replace temp table later_accounts as
        select id || '-1' as account_id, id as customer_id, day_of(({first} + opened_index)::integer, 1) as opened_on,
            closed_on, opened_on as on_day
        from (
            select {customer_id} as id, customer_number, any_value(opened_index) as opened_index,
                any_value({closed_on}) as closed_on
            from stays
            left join leavers using (customer_number)
            where opened_index >= {MONTHS_IN_WINDOW}
            group by customer_number
        )
        order by customer_number;
        create or replace temp table later_transactions as
        select *, posted_on as on_day
        from ({transactions_sql(plan, as_of, transaction_columns, goes_on=True, shock=shock)});
        create or replace temp table later_statements as
        select *, statement_on as on_day
        from ({statements_sql(plan, as_of, last_index=last_index, shock=shock)});
    """)
    rows = {}
    for table in ("accounts", "transactions", "statements"):
        rows[table] = 0
        for index in range(MONTHS_IN_WINDOW, last_index + 1):
            year, month = divmod(first + index, 12)
            path = folder / table / f"{year}-{month + 1:02d}{suffix}.{file_format}"
            where = f"on_day between date '{year}-{month + 1}-1' and last_day(date '{year}-{month + 1}-1')"
            select = f"select * exclude (on_day) from later_{table} where {where}"
            counted = con.execute(
                f"copy ({select}) to {sql_text(str(path))} ({_COPY_OPTIONS[file_format]})"
            ).fetchone()
            rows[table] += int(counted[0]) if counted else 0
    return rows


def fill_in(con: duckdb.DuckDBPyConnection, folder: Path, file_format: str) -> None:
    """Write into the files of the window and before what was not known then; all else of them stays as it is.

    That is the day on which an account was closed later, of the table `closings`, and what was paid of a bill that fell
    due after the window: all by those of the table `payers`, else the minimum.
    """
    closings: dict[str, str] = dict(
        con.execute("select account_id, closed_on::varchar from closings").fetchall()
    )
    payers = {account for (account,) in con.execute("select account_id from payers").fetchall()}

    def closed(fields: list[str]) -> str:
        return closings.get(fields[0], "")

    def paid(fields: list[str]) -> str:
        owed = Decimal(fields[3]) if fields[0] in payers else min(Decimal(fields[3]), Decimal(fields[5]))
        return f"{max(owed, Decimal()):.2f}"

    selects = {
        "accounts": """
            select accounts.* exclude (file_row_number)
                replace (coalesce(accounts.closed_on, closings.closed_on) as closed_on)
            from {rows} as accounts
            left join closings using (account_id)
            order by file_row_number
        """,
        "statements": """
            select statements.* exclude (file_row_number) replace (
                coalesce(
                    paid_by_due_on,
                    greatest(
                        case when payers.account_id is null then least(closing_balance, minimum_due) else closing_balance end,
                        0
                    )
                ) as paid_by_due_on
            )
            from {rows} as statements
            left join payers using (account_id)
            order by file_row_number
        """,
    }
    for table, last_field in {"accounts": closed, "statements": paid}.items():
        for path in sorted((folder / table).glob(f"part_*.{file_format}")):
            before = path.with_name(f"{path.name}.before")
            path.rename(before)
            if file_format == "parquet":
                rows = f"read_parquet({sql_text(str(before))}, file_row_number = true)"
                select = selects[table].format(rows=rows)
                con.execute(f"copy ({select}) to {sql_text(str(path))} ({_COPY_OPTIONS['parquet']})")
            else:
                _fill_last_field(before, path, last_field)
            before.unlink()


def _fill_last_field(before: Path, after: Path, last_field: Callable[[list[str]], str]) -> None:
    """Copy a CSV file; lines whose last field is empty get one. Dirty lines stay as they are."""
    with (
        before.open(encoding="utf-8", newline="") as old,
        after.open("w", encoding="utf-8", newline="") as new,
    ):
        for line in old:
            if line.endswith(",\n"):
                with suppress(ArithmeticError):
                    line = f"{line[:-1]}{last_field(line.split(','))}\n"
            new.write(line)
