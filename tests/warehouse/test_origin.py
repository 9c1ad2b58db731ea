"""A warehouse belongs to one input: it remembers which, and neither the sample nor another bank's file goes over it."""

from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.base.paths import SAMPLE
from scripts.job.build import notes_on_currency
from scripts.job.origin import Origin, check_kept, check_portfolio, choose_origin, read_origin
from tests.support.builds import run_command

BANK = Origin(Path("/bank/cards.csv"), False)
SAMPLED = Origin(SAMPLE, True)
UNRECORDED = Origin(None, False)
UNREADABLE = Origin(None, False, is_readable=False)


def publish(warehouse: Path, origin: Origin = BANK, customers: int = 100) -> Path:
    """A published file as far as this concerns it: customers 0 to `customers`, 1,000 rows, money of 500."""
    warehouse.mkdir(exist_ok=True)
    path = warehouse / "card_segments.duckdb"
    recorded = (
        ""
        if origin.path is None
        else f", '{origin.path}' as input_path, {str(origin.is_sample).lower()} as is_sample"
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table marts.model_runs as select 'm' as model_id, 1 as run_number, timestamp '2026-01-01' as trained_at{recorded}"
        )
        connection.execute(
            f"create table marts.customer_segments as select i::varchar as customer_id from range({customers}) as r (i)"
        )
        connection.execute(f"create table marts.load_audit as {audit(1000, 500)}")
    return path


def audit(rows: int, money: float) -> str:
    return (
        f"select 'transactions' as source, 'rows' as measure, {rows} as rows_accepted, null::decimal(28, 6) as"
        f" amount_in_features union all select 'transactions', 'payment', null, {money}"
    )


# Which input


def test_what_was_published_from_where(tmp_path: Path) -> None:
    assert read_origin(tmp_path) is None
    for number, origin in enumerate((BANK, SAMPLED, UNRECORDED)):
        published = publish(tmp_path / str(number), origin)
        assert read_origin(tmp_path / str(number)) == origin
        published.write_bytes(b"neither a database nor anything else")
        assert read_origin(tmp_path / str(number)) == UNREADABLE


@pytest.mark.parametrize(
    ("given", "published", "chosen"),
    [
        ({}, None, SAMPLED),
        ({"customers": 50}, None, SAMPLED),
        ({}, SAMPLED, SAMPLED),
        ({"customers": 50}, SAMPLED, SAMPLED),
        # Again what was built last, not the sample.
        ({}, BANK, BANK),
        ({"k": 7}, BANK, BANK),
        ({"source": "/bank/cards.csv"}, SAMPLED, BANK),
        ({"source": "/bank/cards.csv"}, UNRECORDED, BANK),
        ({"source": ""}, BANK, BANK),
        ({"source": str(SAMPLE)}, SAMPLED, SAMPLED),
    ],
)
def test_the_input_of_a_build(
    tmp_path: Path, given: dict[str, object], published: Origin | None, chosen: Origin
) -> None:
    assert choose_origin(given, published, tmp_path) == chosen


@pytest.mark.parametrize(
    ("given", "published", "words"),
    [
        (
            {},
            UNREADABLE,
            "SOURCE is missing: .* from an input that cannot be told, as the file cannot be read",
        ),
        ({"source": str(SAMPLE)}, UNREADABLE, "the generated sample does not go over"),
        (
            {},
            UNRECORDED,
            "SOURCE is missing: .* was published from an input that an earlier release did not record",
        ),
        (
            {"source": str(SAMPLE)},
            BANK,
            "the generated sample does not go over what was published from /bank",
        ),
        ({"source": f"{SAMPLE}/"}, UNRECORDED, "the generated sample does not go over"),
        (
            {"customers": 50},
            BANK,
            "CUSTOMERS: is of the generated sample, but this build is of /bank/cards.csv",
        ),
        ({"sample_months": 14}, BANK, "SAMPLE_MONTHS: is of the generated sample"),
        ({"source": "/bank/cards.csv", "customers": 9}, None, "CUSTOMERS: is of the generated sample"),
    ],
)
def test_what_would_put_the_sample_over_a_bank(
    tmp_path: Path, given: dict[str, object], published: Origin, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        choose_origin(given, published, tmp_path)


# Which customers


def compared(
    warehouse: Path, customers: range, chosen: Origin = BANK, published: Origin = BANK, **given: object
) -> str:
    settings: dict[str, object] = {"new_source": False, "kept_share": 0.8} | given
    with duckdb.connect() as connection:
        connection.execute(
            "create table customers as select i::varchar as customer_id"
            f" from range({customers.start}, {customers.stop}) as r (i)"
        )
        return check_portfolio(connection, "customers", chosen, published, warehouse, **settings)  # type: ignore[arg-type]


NEXT = Origin(Path("/bank/cards_february.csv"), False)


def test_next_months_file_goes_through_with_a_note(tmp_path: Path) -> None:
    publish(tmp_path)
    assert compared(tmp_path, range(5, 120), NEXT) == (
        "/bank/cards_february.csv is taken for the next delivery of /bank/cards.csv: 95 of the 100 customers"
        " published before are in it"
    )
    assert compared(tmp_path, range(5, 120)) == ""


@pytest.mark.parametrize("chosen", [BANK, NEXT])
def test_another_portfolio_is_refused_until_a_person_says_so(tmp_path: Path, chosen: Origin) -> None:
    """Also under the same path, where somebody has put another file."""
    publish(tmp_path)
    with pytest.raises(
        UserError, match=r"10 of its 110 customers are among the 100 published from /bank/cards\.csv"
    ):
        compared(tmp_path, range(90, 200), chosen)
    assert compared(tmp_path, range(90, 200), chosen, new_source=True) == ""


def test_a_file_that_cannot_be_read_is_compared_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "card_segments.duckdb").write_bytes(b"neither a database nor anything else")
    assert compared(tmp_path, range(10), published=UNREADABLE) == ""
    check_kept(tmp_path / "work.duckdb", BANK, UNREADABLE, tmp_path, 0.8)


def test_a_bank_goes_over_the_sample(tmp_path: Path) -> None:
    publish(tmp_path, SAMPLED)
    assert compared(tmp_path, range(500, 510), published=SAMPLED) == ""


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(
        UserError, match="customers: 79, where the build before had 100, 79% of it; MIN_KEPT_SHARE"
    ):
        compared(tmp_path, range(79))
    assert compared(tmp_path, range(80)) == ""
    assert compared(tmp_path, range(79), kept_share=0) == ""


@pytest.mark.parametrize(
    ("rows", "money", "words"),
    [(790, 500, "rows of transactions: 790"), (900, 300, "money in transactions: 300"), (800, 400, None)],
)
def test_fewer_rows_or_less_money_is_refused(
    tmp_path: Path, rows: int, money: float, words: str | None
) -> None:
    publish(tmp_path)
    work = tmp_path / "work.duckdb"
    with duckdb.connect(str(work)) as connection:
        connection.execute("create schema customers")
        connection.execute(f"create table customers.int_load_audit as {audit(rows, money)}")
    if words is None:
        check_kept(work, BANK, BANK, tmp_path, 0.8)
        return
    with pytest.raises(UserError, match=words):
        check_kept(work, BANK, BANK, tmp_path, 0.8)
    check_kept(work, BANK, SAMPLED, tmp_path, 0.8)
    with duckdb.connect(str(work)) as connection:
        # A kind of money that is gone altogether is the most that can be missing.
        connection.execute("update customers.int_load_audit set rows_accepted = 1000 where measure = 'rows'")
        connection.execute("delete from customers.int_load_audit where measure = 'payment'")
    with pytest.raises(UserError, match="money in transactions: 0, where the build before had 500"):
        check_kept(work, BANK, BANK, tmp_path, 0.8)
    check_kept(work, BANK, BANK, tmp_path, 0)


# In the job


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["CUSTOMERS=50"], "CUSTOMERS: is of the generated sample"),
        (["K=7"], "SOURCE=/bank/cards.csv does not exist"),
        (["NEW_SOURCE=1"], "NEW_SOURCE=1: expected yes, or nothing"),
        (["MIN_KEPT_SHARE=80"], "MIN_KEPT_SHARE=80: expected a number from 0 to 1"),
        (["UNMATCHED=yes"], "UNMATCHED=yes: expected accept, or nothing"),
    ],
)
def test_the_build_says_so_and_leaves_what_is_published(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    published = publish(tmp_path)
    before = published.read_bytes()
    done = run_command(tmp_path, "scripts.build", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert published.read_bytes() == before


@pytest.mark.parametrize(
    ("used", "of_column", "said"),
    [
        ("", "", []),
        ("usd", "USD", []),
        ("AUD", "AUD", ["money in dbt_project/seeds/economics_assumptions.csv in USD"]),
        ("USD", "AUD", ["though a column of the input says AUD"]),
        ("CZK", "AUD", ["though a column of the input says AUD", "amounts are in CZK, money in"]),
    ],
)
def test_a_currency_that_is_not_meant_by_all_is_told(used: str, of_column: str, said: list[str]) -> None:
    notes = notes_on_currency(used, of_column, "USD")
    assert len(notes) == len(said) and all(words in note for words, note in zip(said, notes, strict=True))
