"""What-if: a spreadsheet program recalculates from the assumptions to the verdicts what the warehouse says.

LibreOffice calculates; openpyxl changes cells, and drops what the workbook says that formulas give.
"""

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from scripts.outputs.workbook.what_if import ASSUMPTIONS
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.look import VALUE_PARTS
from tests.support.builds import QUICK, REPO, query, run_command
from tests.support.libreoffice import Convert

SHEET, WORKINGS = "What-if", "What-if workings"
# Columns of the workings that are those of segment_playbook, by their heads.
OF_PLAYS = {
    "Customers to contact or hold out": "contactable_customers", "Value of the change, a year, USD": "value_change_per_response",
    "Value of a response, USD": "value_per_responder", "Cost of a contact, USD": "contact_cost", "Uplift": "expected_uplift",
    "Held out": "recommended_holdout", "Customers held out": "held_out", "Contacts": "contacts",
    "Expected value, USD": "expected_value", "Expected cost, USD": "expected_cost", "Expected net, USD": "expected_net",
    "Uplift from which it pays": "break_even_uplift", "Customers that a test needs": "customers_needed",
}  # fmt: skip
VERDICTS = {
    "worth_testing": "Worth testing", "too_small": "Too small to test", "loses_money": "Loses money", "unknown": "Not known",
}  # fmt: skip
# Another bank's: name, and what stands in the seed for it.
OTHERS = {
    "purchase_apr": (0.3, "purchase_apr,0.18,0.21,0.23", "purchase_apr,0.18,0.3,0.31"),
    "servicing_cost": (15, "servicing_cost,60,40,25", "servicing_cost,60,15,10"),
    "contact_cost_call": (0.5, "contact_cost_call,12,8,5", "contact_cost_call,12,0.5,0.2"),
    "expected_uplift": (0.3, "expected_uplift,0.005,0.01,0.02", "expected_uplift,0.005,0.3,0.4"),
    "holdout_share": (0.35, "holdout_share,0.1,0.1,0.1", "holdout_share,0.35,0.35,0.35"),
    "value_horizon_years": (2.5, "value_horizon_years,1,2,3", "value_horizon_years,1,2.5,3"),
}

Recalculate = Callable[..., dict[str, dict[int, dict[str, Any]]]]


def blocks(sheet: Any) -> dict[int, dict[str, Any]]:
    """A segment's numbers by their heads, over all tables of a sheet."""
    found: dict[int, dict[str, Any]] = {}
    heads: list[Any] = []
    for row in sheet.iter_rows(values_only=True):
        if row[0] == "Id":
            heads = list(row)
        elif heads and isinstance(row[0], int | float) and isinstance(row[1], str):
            found.setdefault(int(row[0]), {}).update(
                {head: None if cell == "" else cell for head, cell in zip(heads, row, strict=True) if head}
            )
        else:
            heads = []
    return found


@pytest.fixture(scope="module")
def recalculate(convert: Convert, tmp_path_factory: pytest.TempPathFactory) -> Recalculate:
    """Put numbers into a workbook's yellow cells, recalculate it, and read what comes of it."""

    def run(workbook: Path, own: dict[str, float] | None = None, scenario: str = "") -> Any:
        book = openpyxl.load_workbook(workbook)
        names = {
            name: next(iter(book.defined_names[name].destinations))[1] for name in ("scenario", *ASSUMPTIONS)
        }
        for name, number in (own or {}).items():
            row = int(re.sub(r"\D", "", names[name]))
            book[SHEET].cell(row, 6).value = number
        if scenario:
            book[SHEET][names["scenario"].replace("$", "")].value = scenario
        del book["Customers"]
        changed = tmp_path_factory.mktemp("changed") / "changed.xlsx"
        book.save(changed)
        out = openpyxl.load_workbook(next(convert(changed, "xlsx").iterdir()), data_only=True)
        return {name: blocks(out[name]) for name in (SHEET, WORKINGS)}

    return run


def assert_says_the_same(found: dict[str, dict[int, dict[str, Any]]], published: Path) -> None:
    """Every formula's number is the warehouse's, from the parts of value to the verdict."""
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute("from marts.segment_values")
        values = [dict(zip([d[0] for d in rows.description], row, strict=True)) for row in rows.fetchall()]
        rows = connection.execute("from marts.segment_playbook")
        plays = {
            row[0]: dict(zip([d[0] for d in rows.description], row, strict=True)) for row in rows.fetchall()
        }
        words = dict(connection.execute("select key, text from marts.words").fetchall())
    assert {value["segment_id"] for value in values} == set(found[WORKINGS])
    for value in values:
        line, play = found[WORKINGS][value["segment_id"]], plays[value["segment_id"]]
        for part in VALUE_PARTS:
            assert line[f"{words[f'report.part.{part}']}, USD"] == pytest.approx(value[part], abs=1e-6), part
        assert line["Value a year, USD"] == pytest.approx(value["value_base"], abs=1e-6)
        assert line["Segment, base, USD"] == pytest.approx(value["total_base"], rel=1e-9)
        for head, column in OF_PLAYS.items():
            assert line[head] == (None if play[column] is None else pytest.approx(play[column], abs=1e-6)), (
                head
            )
        assert line["Verdict"] == VERDICTS[play["verdict"]]
        assert found[SHEET][value["segment_id"]]["Verdict"] == line["Verdict"]
        assert found[SHEET][value["segment_id"]]["Expected net, USD"] == line["Expected net, USD"]


def test_at_the_builds_assumptions_it_says_what_the_build_says(
    sample_build: Path, recalculate: Recalculate
) -> None:
    found = recalculate(sample_build.parent / "card_segments.xlsx")
    assert_says_the_same(found, sample_build)
    for line in found[SHEET].values():
        assert line["Change of the segment's value, USD"] == pytest.approx(0, abs=1e-3)
        assert line["Verdict"] == line["As built, verdict"]


def test_with_other_assumptions_it_says_what_a_build_with_them_says(
    sample_build: Path, recalculate: Recalculate, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    for folder in ("dbt_project", "python_models", "scripts"):
        shutil.copytree(REPO / folder, copy / folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
    seed = copy / "dbt_project" / "seeds" / "economics_assumptions.csv"
    text = seed.read_text(encoding="utf-8")
    for _, old, new in OTHERS.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    seed.write_text(text, encoding="utf-8")
    source = sample_build.parents[1] / "ledger"
    done = run_command(tmp_path / "warehouse", "scripts.build", f"SOURCE={source}", *QUICK, cwd=copy)
    assert done.returncode == 0, done.stdout + done.stderr
    rebuilt = tmp_path / "warehouse" / "card_segments.duckdb"
    found = recalculate(
        sample_build.parent / "card_segments.xlsx", {name: number for name, (number, _, _) in OTHERS.items()}
    )
    assert_says_the_same(found, rebuilt)
    before = query(sample_build, "select verdict from marts.segment_playbook order by segment_id")
    after = query(rebuilt, "select verdict from marts.segment_playbook order by segment_id")
    assert list(before["verdict"]) != list(after["verdict"]), "nothing that the change decides"


@pytest.mark.parametrize(("words", "column"), [("Cautious", "value_low"), ("Favourable", "value_high")])
def test_a_scenario_takes_its_column_of_the_assumptions(
    sample_build: Path, recalculate: Recalculate, words: str, column: str
) -> None:
    found = recalculate(sample_build.parent / "card_segments.xlsx", scenario=words)
    wanted = query(sample_build, f"select segment_id, {column} as value from marts.segment_values")
    for row in wanted.itertuples():
        assert found[SHEET][row.segment_id]["Value a year, USD"] == pytest.approx(row.value)


@pytest.fixture
def spoilt(sample_build: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The workbook on a published file in which a statement changed something."""

    def change(*statements: str) -> Path:
        published = Path(shutil.copy(sample_build, tmp_path / "card_segments.duckdb"))
        published.chmod(0o644)
        with duckdb.connect(str(published)) as connection:
            for statement in statements:
                connection.execute(statement)
        return write_workbook(published, tmp_path, most_listed=100_000)[0]

    return change


def test_what_is_unknown_stays_unknown_and_no_cell_is_in_error(
    spoilt: Callable[..., Path], recalculate: Recalculate
) -> None:
    drivers = (
        "yearly_purchases",
        "revolving_balance",
        "yearly_cash_advances",
        "behind_share",
        "mean_balance",
    )
    nothing = ", ".join(f"{name} = null" for name in (*drivers, *VALUE_PARTS, "value_base", "total_base"))
    path = spoilt(
        f"update marts.segment_values set {nothing} where segment_id = 1",
        "update marts.segment_playbook set verdict = 'unknown', expected_net = null where segment_id = 1",
    )
    found = recalculate(path)
    assert found[SHEET][1]["Verdict"] == "Not known"
    assert found[SHEET][1]["Value a year, USD"] is None and found[WORKINGS][1]["Expected net, USD"] is None
    cells = [cell for sheet in found.values() for line in sheet.values() for cell in line.values()]
    assert not [cell for cell in cells if isinstance(cell, str) and (cell.startswith("#") or "Err:" in cell)]


def formulas(path: Path) -> dict[str, list[str]]:
    """The formulas of each sheet."""
    with zipfile.ZipFile(path) as package:
        return {
            name: re.findall(r"<f>(.*?)</f>", package.read(name).decode("utf-8"))
            for name in package.namelist()
            if name.startswith("xl/worksheets/sheet")
        }


def test_text_of_the_data_gets_into_no_formula(sample_build: Path, spoilt: Callable[..., Path]) -> None:
    before = formulas(sample_build.parent / "card_segments.xlsx")
    bad = '=cmd|A1"&1'
    path = spoilt(
        f"update marts.segment_values set segment_name = '{bad}'",
        f"update marts.segment_playbook set segment_name = '{bad}', offer = '{bad}'",
        f"update marts.value_assumptions set meaning = '{bad}', unit = '{bad}'",
        f"update marts.words set text = '{bad}' where key like 'workbook.verdict.%' or key like 'workbook.play.%'",
    )
    assert formulas(path) == before
    assert sum(len(of) for of in before.values()) > 100
    cells = {
        cell.data_type
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if cell.value == bad
    }
    assert cells == {"s"}
