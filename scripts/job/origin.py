"""Which input a warehouse belongs to: it remembers what was published from where, and another portfolio is refused.

Reads the published file; writes nothing but temporary tables of the connection it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import GateFailedError, UserError
from scripts.base.paths import LINK, SAMPLE, WAREHOUSE, given_path
from scripts.base.quoting import sql_text
from scripts.intake.pseudonyms import in_clear_sql
from scripts.published.reading import latest_run

# A delivery that shares fewer of the smaller side's customers than this is another portfolio.
FEWEST_SHARED = 0.5
# Parameters that only the generated sample has.
OF_THE_SAMPLE = ("customers", "sample_months", "more_months")
ELSEWHERE = f"a warehouse of its own, as in {WAREHOUSE}=path make build"


@dataclass(frozen=True)
class Origin:
    """Where published customers come from.

    Attributes:
        path: the input, absolute; None where an earlier release published, which did not record it.
        is_sample: whether it is the generated sample.
        is_readable: False for a published file that cannot be opened, of which nothing can be told.
        mapping: the file with the bank's own names, absolute; None where the input has the job's.
    """

    path: Path | None
    is_sample: bool
    is_readable: bool = True
    mapping: Path | None = None

    @property
    def words(self) -> str:
        """For a sentence."""
        if self.is_sample:
            return "the generated sample"
        if not self.is_readable:
            return "an input that cannot be told, as the file cannot be read"
        return str(self.path) if self.path else "an input that an earlier release did not record"


def read_origin(warehouse: Path) -> Origin | None:
    """Where the published customers come from; None where nothing is published."""
    if not (warehouse / LINK).exists():
        return None
    try:
        with duckdb.connect(str(warehouse / LINK), read_only=True) as connection:
            known = latest_run(connection)
    except (duckdb.Error, IndexError):
        return Origin(None, False, is_readable=False)
    path = known.get("input_path")
    mapping = known.get("mapping_path")
    return Origin(
        Path(path) if path else None,
        bool(known.get("is_sample")),
        mapping=Path(mapping) if mapping else None,
    )


def choose_origin(given: Mapping[str, Any], published: Origin | None, warehouse: Path) -> Origin:
    """The input to build from: the one that is named, else that of the last build, else the generated sample.

    Raises UserError where that would put the sample over a bank's results.
    """
    named = str(given.get("source") or "")
    if named:
        path = given_path("SOURCE", named).absolute()
        chosen = Origin(path, path.resolve() == SAMPLE.resolve())
    elif published is None:
        return Origin(SAMPLE, True)
    elif published.is_sample or published.path:
        chosen = published
    else:
        raise UserError(
            f"SOURCE is missing: {warehouse / LINK} was published from {published.words}. Name the input, as in"
            f" make build SOURCE=path; the generated sample wants {ELSEWHERE}."
        )
    if chosen.is_sample and published and not published.is_sample:
        raise UserError(
            f"the generated sample does not go over what was published from {published.words}; give it {ELSEWHERE}."
        )
    unused = [name.upper() for name in OF_THE_SAMPLE if name in given]
    if unused and not chosen.is_sample:
        raise UserError(
            f"{unused[0]}: is of the generated sample, but this build is of {chosen.words}; leave it out, or give the"
            f" sample {ELSEWHERE}."
        )
    return chosen


def continues(chosen: Origin, published: Origin | None) -> bool:
    """Whether a build is one more of what is published, so that its models and segments go on."""
    return published is not None and published.is_sample == chosen.is_sample


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> Iterator[str]:
    """The published file's marts, as a schema's name."""
    connection.execute(
        f"attach {sql_text(str((warehouse / LINK).resolve()))} as published_before (read_only)"
    )
    try:
        yield "published_before.marts"
    finally:
        connection.execute("detach published_before")


def check_portfolio(
    connection: duckdb.DuckDBPyConnection,
    customers: str,
    chosen: Origin,
    published: Origin | None,
    warehouse: Path,
    *,
    new_source: bool,
    kept_share: float,
    in_clear: bool = False,
) -> str:
    """Compare the input's customers with the published ones before anything is learned.

    Args:
        connection: where the input's customers are.
        customers: relation of them, with customer_id, each once.
        chosen: what is built from.
        published: what was.
        warehouse: its folder.
        new_source: whether a person said that this is another portfolio.
        kept_share: the share of the published customers that must be there, 0 to 1.
        in_clear: whether published ids may be pseudonyms, which are translated back by the table KNOWN.

    Returns a note, or nothing. Raises UserError where the input is another portfolio, or holds too few customers.
    """
    if published is None or published.is_sample or not published.is_readable or new_source:
        return ""
    with _attached(connection, warehouse) as marts:
        published_ids = f"select customer_id from {marts}.customer_segments"
        if in_clear:
            published_ids = in_clear_sql(published_ids)
        now, before, shared = connection.execute(
            f"select (select count(*) from {customers}), (select count(*) from {marts}.customer_segments),"
            f" (select count(*) from {customers} semi join ({published_ids}) using (customer_id))"
        ).fetchall()[0]
    if shared < FEWEST_SHARED * min(now, before):
        raise UserError(
            f"SOURCE={chosen.path}: {shared:,} of its {now:,} customers are among the {before:,} published from"
            f" {published.words}, so this is another portfolio. Give it {ELSEWHERE}; to replace what is published, say"
            " NEW_SOURCE=yes."
        )
    _refuse_less("customers", now, before, chosen, kept_share)
    if published.path and chosen.path and published.path.resolve() != chosen.path.resolve():
        return (
            f"{chosen.path} is taken for the next delivery of {published.path}: {shared:,} of the {before:,} customers"
            " published before are in it"
        )
    return ""


def check_kept(
    work: Path, chosen: Origin, published: Origin | None, warehouse: Path, kept_share: float
) -> None:
    """Compare accepted transactions and money with the published build's; raise UserError where much less is there.

    A cut-off file is a valid file: only the build before tells. work: the work file after dbt's run.
    """
    if published is None or published.is_sample or not published.is_readable:
        return
    with duckdb.connect(str(work), read_only=True) as connection, _attached(connection, warehouse) as marts:
        rows = connection.execute(
            f"""
            select
                if(before.measure = 'rows', before.source, 'money in ' || before.source) as what,
                coalesce(sum(coalesce(now.rows_accepted, abs(cast(now.amount_in_features as double)))), 0),
                coalesce(sum(coalesce(before.rows_accepted, abs(cast(before.amount_in_features as double)))), 0)
            from {marts}.load_audit as before
            left join customers.int_load_audit as now on before.source = now.source and before.measure = now.measure
            where before.source in (select source from customers.int_load_audit) and before.measure != 'forgotten'
            group by what
            order by what
            """
        ).fetchall()
    for what, now, before in rows:
        _refuse_less(what if what.startswith("money") else f"rows of {what}", now, before, chosen, kept_share)


def _refuse_less(what: str, now: float, before: float, chosen: Origin, kept_share: float) -> None:
    if now < kept_share * before:
        raise GateFailedError(
            f"SOURCE={chosen.path}: {what}: {now:,.0f}, where the build before had {before:,.0f}, {now / before:.0%} of"
            f" it; MIN_KEPT_SHARE is {kept_share:g}, so the file may be cut off. Nothing was published. If it is whole,"
            " say MIN_KEPT_SHARE=0."
        )
