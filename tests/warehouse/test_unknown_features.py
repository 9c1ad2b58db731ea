"""Features that the input does not know: said, of no weight, and never told as 0."""

import csv
import itertools
import re
from pathlib import Path

import duckdb
import jinja2
import openpyxl
import pytest

from tests.support.bank_layouts import berka, clean_ledger
from tests.support.builds import REPO, query, run_build

CASES = REPO.parent / "shared" / "cases"
PUBLISHED = "card_segments.duckdb"


def without(folder: Path, *columns: str) -> Path:
    """A summary of 400 customers in whom these columns are empty."""
    path = folder / "summary.csv"
    with duckdb.connect() as connection:
        emptied = ", ".join(f"null as {column}" for column in columns)
        connection.execute(
            f"""
            copy (
                select * replace ({emptied}) from (
                    select 'C' || n as cust_id, 10.0 * n as balance, 1.0 as balance_frequency, 5.0 * (n % 40) as purchases,
                        2.0 * (n % 40) as oneoff_purchases, 3.0 * (n % 40) as installments_purchases,
                        10.0 * (n % 7) as cash_advance, (n % 40 > 0)::int as purchases_frequency,
                        (n % 40 > 0)::int as oneoff_purchases_frequency,
                        (n % 40 > 0)::int as purchases_installments_frequency, (n % 7 > 0)::int as cash_advance_frequency,
                        12 * (n % 7 > 0)::int as cash_advance_trx, 12 * (n % 40 > 0)::int as purchases_trx,
                        1000.0 + n as credit_limit, 20.0 * n as payments, 15.0 * n as minimum_payments,
                        (n % 3) / 2 as prc_full_payment, 12 as tenure
                    from range(1, 401) as numbers (n)
                )
            ) to '{path}'
            """
        )
    return path


def what_is_shown(published: Path) -> str:
    """Every text of the report and the workbook."""
    report = (published.parent / "card_segments_report.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(published.parent / "card_segments.xlsx", read_only=True)
    cells = [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell]
    return re.sub(r"<[^>]*>", " ", report) + "\n" + "\n".join(cells)


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_a_summary_that_knows_nothing_of_cash(tmp_path: Path) -> None:
    done = run_build(tmp_path / "warehouse", f"SOURCE={CASES / 'cash_unknown.csv'}", "K=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown in the input: cash_advance, cash_advance_frequency, cash_advance_trx;" in done.stdout
    published = tmp_path / "warehouse" / PUBLISHED
    run = query(published, "from marts.model_runs").iloc[0]
    assert run["unknown_features"] == "cash_advance, cash_advance_frequency, cash_advance_trx"
    values = query(published, "from marts.segment_values")
    # A part that rests on it is unknown, and so is the whole; the others are there.
    assert values[["cash_advance_fees", "value_base", "total_base"]].isna().all().all()
    assert values[["interest", "interchange", "late_fees"]].notna().all().all()
    contrasts = query(published, "from marts.segment_feature_contrasts where feature like 'cash%'")
    assert contrasts[["segment_mean", "portfolio_mean", "z_contrast"]].isna().all().all()
    profiles = query(published, "from marts.segment_profiles")
    assert not profiles["traits"].str.contains("cash").any()
    shown = what_is_shown(published)
    assert "The input does not know cash advances, " in shown
    assert "0% have taken cash" not in shown and "(unknown)" not in shown
    assert shown.count("Value not known") >= 3
    assert "cash_advance" not in query(published, "from marts.segment_rules")["sql_predicate"].str.cat()


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_a_ledger_in_which_nothing_is_ever_due(tmp_path: Path) -> None:
    done = run_build(tmp_path / "warehouse", f"SOURCE={CASES / 'ledger_nothing_ever_due'}", "K=4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown in the input: credit_limit, minimum_payments, prc_full_payment;" in done.stdout
    profiles = query(tmp_path / "warehouse" / PUBLISHED, "from marts.segment_profiles")
    assert set(profiles["payment_side"]) == {"unknown"}
    assert profiles[["prc_full_payment_mean", "minimum_payments_mean"]].isna().all().all()
    assert not profiles["archetype"].str.contains("revolver|transactor|behind").any()


def test_a_summary_without_limits_and_minimum_payments(tmp_path: Path) -> None:
    source = without(tmp_path, "credit_limit", "minimum_payments")
    done = run_build(tmp_path / "warehouse", f"SOURCE={source}", "K=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown in the input: credit_limit, minimum_payments;" in done.stdout
    published = tmp_path / "warehouse" / PUBLISHED
    profiles = query(published, "from marts.segment_profiles")
    # How they pay is told by the share of statements paid in full; who is behind is not known.
    assert set(profiles["payment_side"]) <= {"pays_in_full", "carries_balance", "mixed"}
    features = query(published, "from marts.customer_features")
    assert features["minimum_payments"].isna().all() and not features["nothing_was_due"].any()
    assert query(published, "from marts.segment_values")["late_fees"].isna().all()


def test_too_few_known_features_stop_the_build(tmp_path: Path) -> None:
    source = without(
        tmp_path, "balance", "balance_frequency", "purchases", "oneoff_purchases", "installments_purchases",
        "cash_advance", "purchases_frequency", "oneoff_purchases_frequency", "purchases_installments_frequency",
        "cash_advance_frequency", "cash_advance_trx", "purchases_trx", "credit_limit",
    )  # fmt: skip
    done = run_build(tmp_path / "warehouse", f"SOURCE={source}", "K=3")
    assert done.returncode == 1
    assert "The input knows 4 of the 17 features, at least 5 are needed" in done.stderr
    assert not (tmp_path / "warehouse" / PUBLISHED).exists()


def test_a_ledger_without_statements_in_another_currency(tmp_path: Path) -> None:
    """A bank's own layout: segments of purchases, cash and activity; no word on balances, no dollar, no value."""
    source = berka(clean_ledger(tmp_path / "plain"), tmp_path / "bank")
    done = run_build(tmp_path / "warehouse", f"SOURCE={source}", "K=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "statements: not there, which leaves balances, credit limits," in done.stdout
    said = re.sub(r"\s+", " ", done.stdout)
    assert "amounts are in CZK, money in dbt_project/seeds/economics_assumptions.csv in USD" in said
    published = tmp_path / "warehouse" / PUBLISHED
    run = query(published, "from marts.model_runs").iloc[0]
    assert run["mapping_path"] == str(source / "mapping.yml")
    values = query(published, "from marts.segment_values")
    assert set(values["currency"]) == {"CZK"}
    assert values[["late_fees", "servicing", "interest", "value_base"]].isna().all().all()
    assert values["interchange"].notna().all()
    shown = what_is_shown(published)
    # The assumptions stay in their own currency, with their unit.
    assert (
        not re.search("USD (?!per (late payment|customer (and year|contacted by|called)))", shown)
        and "(unknown)" not in shown
    )
    audit = query(published, "from marts.load_audit")
    assert set(audit["source"]) == {"accounts", "transactions"}


def shortened(template: str, unknown: list[str]) -> str:
    """A template as the job's model cuts it for a segment of which these placeholders are unknown."""
    model = REPO / "dbt_project" / "models" / "meaning" / "segment_templates.sql"
    sql = jinja2.Template(model.read_text(encoding="utf-8")).render(
        ref=lambda name: name, word=lambda key: "'(unknown)'"
    )
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table segment_names as select 1 as segment_id, 'a' as archetype;
            create table stg_rulebook__words as select 'archetype.a.description' as key, ?::varchar as text;
            """,
            [template],
        )
        connection.execute(
            "create table segment_numbers as select 1 as segment_id, unnest(?::varchar[]) as placeholder, '(unknown)' as text",
            [unknown],
        )
        return str(connection.execute(f"select wording from ({sql})").fetchall()[0][0])


@pytest.mark.parametrize(
    ("template", "unknown", "left"),
    [
        ("They buy for {a} a month, carry {b} ({c} of the limit), and {d} have cash.", ["b", "c"], "They buy for {a} a month, and {d} have cash."),
        ("They carry {b} ({c} of the limit). They buy.", ["c"], "They carry {b}. They buy."),
        ("All buy; {a} pay in full. They use {b}, and {c} more.", ["a"], "All buy. They use {b}, and {c} more."),
        ("All buy. They use {b}, and {c} more.", ["b"], "All buy."),
        ("{a} pay in full.", ["a"], "{customers} ({customer_share})."),
    ],
)  # fmt: skip
def test_clauses_that_ask_for_what_is_unknown_are_left_out(
    template: str, unknown: list[str], left: str
) -> None:
    assert shortened(template, [f"{{{name}}}" for name in unknown]) == left


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_description_can_do_without_every_feature(language: str) -> None:
    """Whatever two numbers are unknown: none of them is left, and sentences still begin and end as such."""
    path = REPO / "dbt_project" / "seeds" / "words" / f"words_{language}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        texts = {
            key: text for key, text in csv.reader(file) if re.fullmatch(r"archetype\..*\.description", key)
        }
    assert len(texts) == 12
    for key, text in texts.items():
        asked = sorted(set(re.findall(r"[{][^}]*[.][^}]*[}]", text)))
        for unknown in itertools.combinations(asked, 2):
            left = shortened(text, list(unknown))
            assert not set(unknown) & set(re.findall(r"[{][^}]*[}]", left)), key
            assert (
                left.endswith(".")
                and ".." not in left
                and ",." not in left
                and left.count("(") == left.count(")")
            ), left
