"""Generate the sample: a card portfolio's ledger, with the life and the dirt of a real extract.

Touches only OUT (replaced as a whole, never half written) and, beside it, what the job never reads: in
`<OUT>_hidden_types.csv` the behaviour type of each customer in December 2025, in `<OUT>_hidden_months.csv`, where
the portfolio goes on after that, which type each was from month to month. The same arguments give the same bytes on every
machine: every random number is a hash, and all arithmetic is on whole numbers.

Each customer belongs to a behaviour type. Latent near-normal numbers (a sum of four uniforms), correlated
through a few common factors, are turned into the features by the type's quantile tables (`types`):
a Gaussian copula with a factor structure. `writer` then expands the features into a ledger.

A portfolio that goes on (`more_months`) keeps the files of before, each table now a folder of files, to the byte, but
for what was not known yet: the day on which an account was closed later, and what was paid of the bills that fell
due after December 2025. Each month after it has files of its own. `lives` says who joins, changes type and leaves. A customer's year is the one of his type over again,
a little more or less of everything, so that each calendar month is like itself.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from python_models.settings import Parameter
from python_models.typed import Range
from scripts.base.errors import UserError
from scripts.base.parameters import MOST_MONTHS, one_of, parameters
from scripts.base.quoting import sql_text
from scripts.sample import dirt, lives, writer
from scripts.sample.customer_types import KNOT_STEP, KNOTS, TYPES, BehaviourType, Variable

AS_OF = date(2025, 12, 31)
# Weight of a calendar month in spending, January first: a quiet February, holidays, and Christmas.
SEASONAL_WEIGHTS = (90, 80, 92, 95, 98, 102, 108, 104, 94, 98, 125, 165)
# Shocks by name: what amounts become and what credit limits become, in hundredths. With `inflation` everything costs a
# fifth more; with `revolving` a fifth of the transactors change type (`lives.REVOLVING`); with `limits` everybody's is
# raised by a quarter; with `broken_column` the column of the limits comes a hundred times too small.
SHOCKS = {"inflation": (120, 100), "revolving": (100, 100), "limits": (100, 125), "broken_column": (100, 1)}
# Customers written at a time: bounds memory, and more customers make more parts.
CHUNK = 245_760
MEMORY_LIMIT = "3GB"
# A free-text column, which the job ignores.
MERCHANTS = (
    "Bakery", "Bookshop", "Café Zürich", "Chemist", "Cinema", "Electronics", "Filling station", "Furniture",
    "Garden centre", "Grocer", "Hotel", "Online shop", "Railway", "Restaurant", "Shoes & more", "Sports",
)  # fmt: skip
# Customer ids that good software must take as they are; the customers that bear them.
ODD_IDS = {
    3: "=1+2",
    5: "00042",
    7: "9007199254740993",
    11: "'; drop table accounts; --",
    13: "@SUM(A1)",
    17: "007",
}


@dataclass(frozen=True)
class SampleLedger:
    """What was written.

    Attributes:
        folder: the ledger's folder.
        hidden_types: the file with each customer's type.
        customers: number of customers.
        rows: rows written by table, dirty ones included.
        dirty_rows: rows by table and kind (`dirt`) that are dirty or oddly written.

    """

    folder: Path
    hidden_types: Path
    customers: int
    rows: dict[str, int]
    dirty_rows: dict[str, dict[str, int]]


def _normal(salt: int) -> str:
    """Return SQL of a near-normal whole number with deviation 1000: a sum of four 16-bit uniforms, a hash's bits."""
    return f"near_normal(hash(customer_number * 64 + {salt}, seed))"


def _latent_sql(variable: Variable, salt: int) -> str:
    terms = [f"{weight} * f{factor}" for factor, weight in enumerate(variable.loadings)]
    terms.append(f"{variable.own} * {_normal(16 + salt)}")
    return f"({' + '.join(terms)}) // 1000"


def _value_sql(variable: Variable) -> str:
    """Return SQL of a variable from its latent number `z_<name>`: its quantile, linear between the knots."""
    z = f"least(greatest(z_{variable.name}, -{KNOTS[-1]}), {KNOTS[-1] - 1})"
    value = f"quantile({list(variable.quantiles)}, {z} + {KNOTS[-1]}, {KNOT_STEP})"
    if variable.zero is None:
        return value
    return f"case when z_{variable.name} < {variable.zero} then 0 else greatest({value}, 1) end"


# From quantiles to the months in which something happened, and the day on which the statement is cut.
_MONTHS = """
    select *,
        case when tenure = 12 then 11 else tenure end as snapshots,
        least(tenure, (v_oneoff_months * tenure + 500) // 1000) as o_rounded,
        least(tenure, (v_instalment_months * tenure + 500) // 1000) as i_rounded,
        least(tenure, (v_cash_months * tenure + 500) // 1000) as c_rounded,
        case when v_oneoff_months = 0 then 0 else greatest(1, o_rounded) end as o,
        case when v_instalment_months = 0 then 0 else greatest(1, i_rounded) end as i,
        case when v_cash_months = 0 then 0 else greatest(1, c_rounded) end as c,
        case
            when v_balance_months = 0 then 0
            else greatest(1, least(snapshots, (v_balance_months * snapshots + 500) // 1000))
        end as b,
        greatest(o, i)
            + ((least(tenure, o + i) - greatest(o, i)) * v_overlap + 500) // 1000 as p,
        -- Half the customers are billed so early in the month that all their bills fall due in it.
        case when draw(life + 2, 2) = 0 then 1 + draw(life + 3, 7) else 10 + draw(life + 3, 19) end
            as cycle_day,
        case when cycle_day <= 7 then tenure else tenure - 1 end as bills
    from quantiles
"""

# From months to numbers and amounts, in cents.
_COUNTS = """
    select *,
        case when o + i = 0 then 0 else greatest(o + i, ((o + i) * v_trx_ratio + 500) // 1000) end as n,
        case when c = 0 then 0 else greatest(c, (c * v_cash_ratio + 500) // 1000) end as ct,
        case when o = 0 then 0 else greatest(v_oneoff, 100 * n) end as oneoff,
        case when i = 0 then 0 else greatest(v_instalment, 100 * n) end as instalment,
        case when c = 0 then 0 else greatest(v_cash, 100 * ct) end as cash,
        case when b = 0 then 0 else v_balance end as average_cents,
        v_minimum = 0 as nothing_was_due,
        case when v_minimum = 0 then 0 else greatest(v_minimum, 13) end as minimum,
        case when v_payments = 0 then 0 else greatest(v_payments, 13) end as paid,
        case when v_minimum = 0 or paid = 0 then 0 else (v_full * bills + 500) // 1000 end as full_bills,
        case when draw(life + 4, 25) = 0 then (oneoff + instalment) * (3 + draw(life + 5, 18)) // 100
            else 0 end as refund,
        -- Limits are round numbers; three in a hundred were raised within the year.
        draw(life + 6, 100) < 3 and tenure > 6 and v_limit > 1000 as raised,
        case
            when v_limit < 700 then greatest(1, (v_limit + 25) // 50) * 50
            when v_limit < 2000 and not raised then (v_limit + 50) // 100 * 100
            else (v_limit + 250) // 500 * 500
        end as first_limit,
        case when raised then 500 * (1 + draw(life + 7, snapshots - 1)) else 0 end as limit_raise
    from months
"""

# The columns of `writer.PLAIN_LIFE`, for one type: the features, and what the writer needs to lay them out.
_TARGETS = """
    select
        customer_id,
        customer_number,
        type_name,
        (average_cents * 10000 + case when b = 0 then 0 else draw(life + 8, 10000) end)::double / 1000000
            as balance,
        b::double / least(tenure, 11) as balance_frequency,
        (oneoff + instalment - refund)::double / 100 as purchases,
        oneoff::double / 100 as oneoff_purchases,
        instalment::double / 100 as installments_purchases,
        cash::double / 100 as cash_advance,
        p::double / tenure as purchases_frequency,
        o::double / tenure as oneoff_purchases_frequency,
        i::double / tenure as purchases_installments_frequency,
        c::double / tenure as cash_advance_frequency,
        ct as cash_advance_trx,
        n as purchases_trx,
        case when draw(life + 9, 9000) > 0
            then (first_limit * snapshots + limit_raise)::double / snapshots end as credit_limit,
        paid::double / 100 as payments,
        minimum::double / 100 as minimum_payments,
        full_bills::double / bills as prc_full_payment,
        tenure,
        nothing_was_due,
        cycle_day,
        tenure < 12 and draw(life + 13, 1000) < {closed_share} as closes_early,
        case
            when tenure < 12 and not closes_early then 0
            when draw(life + 10, 10) < 8 then {history}
            else draw(life + 11, 1 + {history})
        end as history_months,
        case when history_months = {history} then draw(life + 12, 150) else 0 end as opened_earlier_months,
        case when paid > 0 and draw(life + 14, 60) = 0 then 2000 + draw(life + 15, 20000) else 0 end
            as bounced_cents,
        case when tenure = 12 and minimum > 10000 and draw(life + 16, 40) = 0 then 2 else 1 end
            as account_count,
        case when raised then 50000 else 5000 end as limit_step_cents
    from counts
"""


def _targets_sql(kind: BehaviourType, months: int, *, goes_on: bool) -> str:
    """Return SQL of the target rows of the customers of one type; of a whole year where they go on."""
    factors = ", ".join(f"{_normal(j)} as f{j}" for j in range(5))
    latents = ", ".join(
        f"{_latent_sql(variable, place)} as z_{variable.name}"
        for place, variable in enumerate(kind.variables)
    )
    values = ", ".join(f"{_value_sql(variable)} as v_{variable.name}" for variable in kind.variables)
    tenures = " ".join(f"when tenure_draw < {below} then {tenure}" for tenure, below in kind.tenures)
    targets = _TARGETS.format(closed_share=kind.closed_share, history=months - writer.MONTHS_IN_WINDOW)
    tenure = f"case {tenures} else {writer.MONTHS_IN_WINDOW} end"
    if goes_on:
        tenure = str(lives.NEW_MONTHS if kind.name == lives.NEW else writer.MONTHS_IN_WINDOW)
    return f"""
        with factors as (
            select *, {factors}, draw(life + 1, 10000) as tenure_draw
            from drawn
            where type_name = '{kind.name}'
        ),
        latents as (select *, {latents}, {tenure} as tenure from factors),
        quantiles as (select *, {values} from latents),
        months as ({_MONTHS}),
        counts as ({_COUNTS})
        {targets}
    """


def _merchant_sql() -> str:
    """Return SQL of the merchant's name, empty for what is no purchase."""
    merchants = ", ".join(f"'{name}'" for name in MERCHANTS)
    return f""",
            case
                when kind in ('oneoff_purchase', 'installment_purchase')
                    then ([{merchants}])[1 + draw(sort_key, {len(MERCHANTS)})]
            end as merchant_name"""


def _customer_id_sql(*, odd_ids: bool) -> str:
    odd = " ".join(f"when {number} then {sql_text(text)}" for number, text in ODD_IDS.items())
    customer_id = "'C' || lpad(customer_number::varchar, 8, '0')"
    return f"case customer_number {odd} else {customer_id} end" if odd_ids else customer_id


def _draw_targets(
    con: duckdb.DuckDBPyConnection,
    numbers: str,
    *,
    seed: int,
    months: int,
    odd_ids: bool,
    type_name: str | None = None,
) -> None:
    """Create the table `targets` of the customers of the relation `numbers`, a row a customer.

    type_name: the column of `numbers` with their type, where they go on; None: the type is drawn. Then a customer may
    stand there with several types.
    """
    shares = []
    below = 0
    for kind in TYPES:
        below += kind.share
        shares.append(f"when type_draw < {below} then '{kind.name}'")
    con.execute(f"""
        create or replace temp macro near_normal(bits) as
            ((bits & 65535)::bigint + ((bits >> 16) & 65535)::bigint + ((bits >> 32) & 65535)::bigint
                + (bits >> 48)::bigint - 131070) * 1000 // 37837;
        create or replace temp macro quantile(knots, place, step) as
            knots[place // step + 1]
            + (knots[place // step + 2] - knots[place // step + 1]) * (place % step) // step;
        create or replace temp table drawn as
        select customer_number, {_customer_id_sql(odd_ids=odd_ids)} as customer_id, {seed}::bigint as seed,
            (hash(customer_number * 64 + 63, seed) >> 3)::bigint as life,
            draw(life, 10000) as type_draw,
            {type_name or f"case {' '.join(shares)} end"} as type_name
        from {numbers};
    """)
    selects = [_targets_sql(kind, months, goes_on=type_name is not None) for kind in TYPES]
    con.execute(f"create or replace temp table targets as {selects[0]}")
    for select in selects[1:]:
        con.execute(f"insert into targets {select}")


def write_sample_ledger(
    out: Path,
    *,
    customers: int,
    seed: int,
    file_format: str,
    months: int,
    more_months: int = 0,
    shock: str = "",
    shock_month: int = 1,
    threads: int | None = None,
) -> SampleLedger:
    """Write the sample portfolio.

    Args:
        out: folder of the ledger; replaced if it holds an earlier ledger.
        customers: number of customers, 1 or more.
        seed: whole number; another seed gives another portfolio.
        file_format: `csv`, with dirty rows as text, or `parquet`, typed and clean.
        months: calendar months the extract reaches back, 12 or more; the window is the last 12.
        more_months: calendar months by which it goes on after that window.
        shock: what happens to everybody at once, one of `SHOCKS`; empty: nothing.
        shock_month: which of the further months it begins with, from 1.
        threads: threads to use; None: all. The bytes do not depend on it.

    Raises:
        UserError: a parameter out of range, or `out` holds something else than a ledger.

    """
    _check(customers=customers, seed=seed, file_format=file_format, months=months)
    _check_later(more_months, shock, shock_month)
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    hidden_types = out.with_name(f"{out.name}_hidden_types.csv")
    hidden_months = out.with_name(f"{out.name}_hidden_months.csv")
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        folder = work / "ledger"
        folder.mkdir()
        sample = _Sample(
            customers, seed, file_format, months, folder, has_parts=customers > CHUNK or more_months > 0
        )
        rows = {"accounts": 0, "transactions": 0, "statements": 0}
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(work / "spill"),
        }
        if threads is not None:
            config["threads"] = threads
        with duckdb.connect(config=config) as con:
            writer.create_macros(con)
            con.execute(
                "create temp table beginners (customer_number bigint, type_name varchar, opened_index bigint,"
                " account_count bigint);"
                " create temp table payers (account_id varchar);"
                " create temp table closings (account_id varchar, closed_on date)"
            )
            for number, first in enumerate(range(1, customers + 1, CHUNK)):
                written = sample.write_window(con, number, first, min(first + CHUNK - 1, customers))
                for table, count in written.items():
                    rows[table] += count
                part = sql_text(str(work / f"types_{number:05d}.csv"))
                con.execute(f"""
                    copy (select customer_id, type_name as hidden_type from targets order by customer_number)
                    to {part} (format csv, header {"true" if number == 0 else "false"})
                """)
            dirty_rows = {}
            if file_format == "csv":
                for table, kinds in dirt.KINDS.items():
                    first_file = min(folder.glob(f"{table}*/*.csv"), default=folder / f"{table}.csv")
                    dirty_rows[table] = dirt.soil(first_file, table, rows=rows[table], seed=seed)
                    replaced = {kind.name for kind in kinds if kind.accepted}
                    rows[table] += sum(
                        count for name, count in dirty_rows[table].items() if name not in replaced
                    )
            if more_months:
                everybody = customers + lives.joined_by(customers, more_months)
                for number, first in enumerate(range(1, everybody + 1, CHUNK)):
                    last = min(first + CHUNK - 1, everybody)
                    written = sample.write_later(
                        con,
                        number,
                        first,
                        last,
                        more_months=more_months,
                        shock=shock,
                        shock_month=shock_month,
                    )
                    for table, count in written.items():
                        rows[table] += count
                writer.fill_in(con, folder, file_format)
        _put_together(work, "types", hidden_types)
        _put_together(work, "months", hidden_months)
        if out.exists():
            out.rename(work / "replaced")
        folder.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return SampleLedger(out, hidden_types, customers, rows, dirty_rows)


@dataclass(frozen=True)
class _Sample:
    """How a portfolio is written, chunk by chunk."""

    customers: int
    seed: int
    file_format: str
    months: int
    folder: Path
    has_parts: bool

    def write_window(
        self, con: duckdb.DuckDBPyConnection, number: int, first: int, last: int
    ) -> dict[str, int]:
        """Write all months up to the window's last of the customers numbered first..last, and note who goes on."""
        numbers = f"range({first}::bigint, {last + 1}::bigint) as numbers (customer_number)"
        _draw_targets(con, numbers, seed=self.seed, months=self.months, odd_ids=self._is_csv)
        self._plan(con)
        con.execute(f"""
            insert into beginners
            select customer_number, type_name, case when tenure < 12 then 12 - tenure end, account_count
            from plan
            where not closes_early;
            insert into payers
            select customer_id || '-' || unnest([1, 2]) from plan where {writer.PAYS_IN_FULL};
        """)
        return writer.write_ledger(
            con,
            "plan",
            self.folder,
            as_of=AS_OF,
            file_format=self.file_format,
            part=f"part_{number:05d}" if self.has_parts else None,
            transaction_columns=self._further_columns,
        )

    def write_later(
        self,
        con: duckdb.DuckDBPyConnection,
        number: int,
        first: int,
        last: int,
        *,
        more_months: int,
        shock: str,
        shock_month: int,
    ) -> dict[str, int]:
        """Write the months after the window, a file each, of the customers numbered first..last."""
        begins = writer.MONTHS_IN_WINDOW + shock_month - 1
        lives.live(
            con,
            f"(select * from beginners where customer_number between {first} and {last})",
            seed=self.seed,
            customers=self.customers,
            numbers=(first, last),
            months=more_months,
            revolving_from=begins if shock == "revolving" else None,
        )
        _draw_targets(
            con,
            "(select distinct customer_number, type_name as stays_type from stays)",
            seed=self.seed,
            months=self.months,
            odd_ids=self._is_csv,
            type_name="stays_type",
        )
        self._plan(con)
        # The number of accounts is that of the beginning: a card more would be another event.
        con.execute("""
            create or replace temp table plan_later as
            select plan.* replace (
                    stays.from_index as from_index,
                    stays.to_index as to_index,
                    case when plan.tenure < 12 then stays.opened_index else 0 end as first_month,
                    coalesce(beginners.account_count, 1) as account_count
                )
            from plan
            inner join stays using (customer_number, type_name)
            left join beginners using (customer_number)
        """)
        amount, limit = SHOCKS.get(shock, (100, 100))
        rows = writer.write_later_months(
            con,
            "plan_later",
            self.folder,
            as_of=AS_OF,
            last_index=writer.MONTHS_IN_WINDOW + more_months - 1,
            file_format=self.file_format,
            suffix=f"_part_{number:05d}" if self.customers > CHUNK else "",
            transaction_columns=self._further_columns,
            shock=writer.Shock(begins, amount, limit),
            customer_id=_customer_id_sql(odd_ids=self._is_csv),
        )
        part = sql_text(str(self.folder.parent / f"months_{number:05d}.csv"))
        con.execute(f"""
            copy (
                select {_customer_id_sql(odd_ids=self._is_csv)} as customer_id, type_name as hidden_type,
                    {writer.month_text_sql("from_index", AS_OF)} as from_month,
                    {writer.month_text_sql("to_index", AS_OF)} as to_month
                from stays
                order by customer_number, from_index
            )
            to {part} (format csv, header {"true" if number == 0 else "false"})
        """)
        return rows

    def _plan(self, con: duckdb.DuckDBPyConnection) -> None:
        writer.create_plan(
            con,
            "targets",
            plan="plan",
            seed=self.seed,
            as_of=AS_OF,
            seasonal_weights=SEASONAL_WEIGHTS,
            carried=["type_name"],
        )

    @property
    def _is_csv(self) -> bool:
        return self.file_format == "csv"

    @property
    def _further_columns(self) -> str:
        return _merchant_sql() if self._is_csv else ""


def _put_together(work: Path, name: str, target: Path) -> None:
    """Make one file of those of the chunks; where there are none, none stays from before."""
    parts = sorted(work.glob(f"{name}_*.csv"))
    if not parts:
        target.unlink(missing_ok=True)
        return
    with (work / f"{name}.csv").open("wb") as whole:
        for path in parts:
            with path.open("rb") as source:
                shutil.copyfileobj(source, whole)
    os.replace(work / f"{name}.csv", target)


def _check(*, customers: int, seed: int, file_format: str, months: int) -> None:
    if customers < 1:
        raise UserError(f"CUSTOMERS={customers}: a portfolio needs at least 1 customer")
    if seed < 0:
        raise UserError(f"SEED={seed}: a seed is a whole number, 0 or more")
    if file_format not in ("csv", "parquet"):
        raise UserError(f"FORMAT={file_format}: expected csv or parquet")
    if not 12 <= months <= 120:
        raise UserError(
            f"SAMPLE_MONTHS={months}: expected 12 to 120 calendar months, the last 12 are the window"
        )


def _check_later(more_months: int, shock: str, shock_month: int) -> None:
    if not 0 <= more_months <= MOST_MONTHS:
        raise UserError(
            f"MORE_MONTHS={more_months}: expected 0 to {MOST_MONTHS} calendar months after {AS_OF:%B %Y}"
        )
    if shock and shock not in SHOCKS:
        raise UserError(f"SHOCK={shock}: expected one of {', '.join(SHOCKS)}")
    if shock and not 1 <= shock_month <= more_months:
        raise UserError(
            f"SHOCK={shock}: SHOCK_MONTH={shock_month} is none of the months that MORE_MONTHS={more_months} adds;"
            " give more of them, or an earlier month"
        )


def _check_replaceable(out: Path) -> None:
    """Refuse to replace what is no ledger."""
    if out.is_dir():
        ours = {"accounts", "transactions", "statements"}
        strangers = sorted(path.name for path in out.iterdir() if path.name.split(".")[0] not in ours)
        if strangers:
            raise UserError(
                f"OUT={out}: the folder holds {strangers[0]}, which is no part of a ledger; "
                "name a new folder, or one with an earlier ledger"
            )
    elif out.exists():
        raise UserError(f"OUT={out}: this is a file; name a folder for the ledger")


def sample_parameters() -> dict[str, Parameter]:
    """The build's own that the sample has, and where and as what it is written."""
    job = parameters()
    return {
        **{name: job[name] for name in ("customers", "seed", "sample_months", "more_months")},
        "out": Parameter("data/sample", "Folder of the ledger; replaced if it holds an earlier ledger."),
        "format": Parameter("csv", "How it is written.", one_of("csv", "parquet")),
        "shock": Parameter("", "What happens to everybody at once.", one_of(*SHOCKS)),
        "shock_month": Parameter(
            1,
            "Which of `MORE_MONTHS` the shock begins with.",
            range=Range(least=1, most=MOST_MONTHS, is_whole=True),
        ),
    }
