"""The workbook: that it holds what is published, that a real spreadsheet program reads it so, and what goes wrong.

LibreOffice opens, recalculates and prints it; Excel itself is not at hand.
"""

import csv
import datetime as dt
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from scripts.base.errors import UserError
from scripts.outputs.workbook import workbook as writing
from scripts.outputs.workbook.book import Book
from scripts.outputs.workbook.rows import fill_sheet
from scripts.outputs.workbook.workbook import CUSTOMER_ROWS, CUSTOMERS, WORKBOOK, write_workbook
from tests.support.builds import REPO, query, run_command
from tests.support.libreoffice import Convert

SHEETS = [
    "Read me", "Segments", "Profiles", "Elbow", "Value", "The assumptions", "Playbook", "What-if",
    "What-if workings", "Rules", "Data quality", "Dictionary", "Customers",
]  # fmt: skip
# Of customers, what a build lists where nothing is asked.
MOST = 100_000
# All sheets, each to a file of its own: commas, quotes, UTF-8, cells by their value and not as shown.
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"


@pytest.fixture(scope="module")
def workbook(real_build: Path) -> Path:
    """The workbook that the build on the real file wrote."""
    return real_build.parent / WORKBOOK


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def parts(path: Path, pattern: str) -> dict[str, str]:
    """The parts of a workbook's package whose names match."""
    with zipfile.ZipFile(path) as package:
        return {
            name: package.read(name).decode("utf-8")
            for name in package.namelist()
            if re.fullmatch(pattern, name)
        }


def test_every_sheet_is_there_and_says_what_is_published(workbook: Path, real_build: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    assert book.sheetnames == SHEETS
    profiles = query(
        real_build,
        "from marts.segment_profiles inner join marts.segment_values using (segment_id, segment_name)"
        " inner join marts.segment_playbook using (segment_id, segment_name) order by segment_id",
    )
    text = {
        name: "\n".join(
            str(c) for row in book[name].iter_rows(values_only=True) for c in row if c is not None
        )
        for name in SHEETS[:-1]
    }
    for row in profiles.itertuples():
        for sheet, words in (
            ("Segments", row.segment_name), ("Segments", row.description), ("Segments", row.traits),
            ("Value", row.segment_name), ("Playbook", row.offer), ("Playbook", row.avoid),
            ("Playbook", row.success_measure), ("Profiles", f"{row.segment_id} {row.segment_name}"),
        ):  # fmt: skip
            assert words in text[sheet], (sheet, words)
    run = query(real_build, "from marts.model_runs order by trained_at desc limit 1").iloc[0]
    assert run["model_id"] in text["Read me"] and "cc_general.csv" in text["Read me"]
    assert run["reason"] in text["Elbow"]
    for check in query(real_build, "from marts.data_quality_checks").itertuples():
        assert check.meaning in text["Data quality"]
    for source in query(real_build, "from marts.value_assumptions")["reference"]:
        assert source in text["The assumptions"]
    described = query(real_build, "select comment from duckdb_columns() where schema_name = 'marts'")
    assert all(comment in text["Dictionary"] for comment in described["comment"])


def test_the_numbers_are_the_warehouses(workbook: Path, real_build: Path) -> None:
    book = openpyxl.load_workbook(workbook, read_only=True)
    rows = list(book["Customers"].iter_rows(values_only=True))
    with duckdb.connect(str(real_build), read_only=True) as connection:
        found = connection.execute(CUSTOMER_ROWS)
        columns, expected = [column[0] for column in found.description], found.fetchall()
    assert list(rows[0]) == columns
    assert len(rows) == 2 + len(expected) == 8952
    # To the last digit.
    for place, name in enumerate(columns):
        assert [row[place] for row in rows[2:]] == [row[place] for row in expected], name
    curve = query(real_build, "from marts.elbow_curve order by k")
    lines = {row[0]: row for row in book["Elbow"].iter_rows(values_only=True) if isinstance(row[0], int)}
    assert [lines[k][1] for k in curve["k"]] == pytest.approx(list(curve["inertia"]))
    values = query(real_build, "select segment_id, value_base, total_base from marts.segment_values")
    lines = {row[0]: row for row in book["Value"].iter_rows(values_only=True) if isinstance(row[0], int)}
    for value in values.itertuples():
        assert (lines[value.segment_id][4], lines[value.segment_id][6]) == pytest.approx(
            (value.value_base, value.total_base)
        )


def test_libreoffice_reads_every_customer_as_published(
    workbook: Path, real_build: Path, convert: Convert
) -> None:
    out = convert(workbook, AS_CSV)
    assert {path.stem.split("-", 1)[1] for path in out.iterdir()} == set(SHEETS)
    rows = read_csv(next(out.glob("*-Customers.csv")))
    expected = query(real_build, CUSTOMER_ROWS)
    assert rows[0] == list(expected)
    assert [row[0] for row in rows[2:]] == list(expected["customer_id"])
    for name in ("segment_id", "value_base", "balance", "tenure", "confidence"):
        place = rows[0].index(name)
        found = [float(row[place]) if row[place] else None for row in rows[2:]]
        wanted = [None if value != value else value for value in expected[name]]
        assert found == pytest.approx(wanted, rel=1e-9), name
    for path in out.iterdir():
        # What a cell in error shows.
        assert not re.search(r"#(REF|NAME|VALUE|DIV/0|N/A|NUM|NULL)|Err:", path.read_text(encoding="utf-8"))


def test_it_prints_with_titles_and_names(sample_build: Path, convert: Convert) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    out = convert(sample_build.parent / WORKBOOK, "pdf")
    pdf = next(out.glob("*.pdf"))
    text = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    pages = text.split("\f")
    # Each of the first sheets fits the width of its page: what is on it is on one page, not on a strip of two.
    # The first page names the others.
    glance = next(page for page in pages[1:] if "The segments at a glance" in page)
    for name in query(sample_build, "from marts.segment_profiles")["segment_name"]:
        assert name.split()[0] in glance
    assert "Stands out by" in glance and "Size of the segments" in glance
    elbow = next(page for page in pages[1:] if "How many segments, and why" in page)
    assert "Elbow curve" in elbow and "Stability of the least stable segment" in elbow
    assert any("Customers" in page and re.search(r"\d+ / \d+", page) for page in pages)
    # Of the customers a page, and not everybody.
    of_customers = [page for page in pages if re.search(r"^Customers\s+\d+ / \d+", page, re.MULTILINE)]
    assert len(of_customers) == 1
    assert "What counts" in next(page for page in pages[1:] if "What if the rates" in page)


def test_charts_bars_and_colours_are_native(workbook: Path) -> None:
    charts = parts(workbook, r"xl/charts/chart\d+\.xml")
    # Size and value of the segments, three curves, the parts of the value.
    assert len(charts) == 6
    # A stability is at most 1, and so is its axis.
    assert sum('<c:max val="1"/>' in chart for chart in charts.values()) == 1
    assert sum("<c:lineChart>" in chart for chart in charts.values()) == 3
    assert not parts(workbook, r"xl/media/.*")
    sheets = parts(workbook, r"xl/worksheets/sheet\d+\.xml")
    assert sheets["xl/worksheets/sheet2.xml"].count('type="dataBar"') >= 3
    assert sheets["xl/worksheets/sheet3.xml"].count('type="colorScale"') >= 15
    for sheet in sheets.values():
        assert 'paperSize="9"' in sheet and 'fitToPage="1"' in sheet


def test_customers_are_a_table_to_filter_and_to_pivot(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook)
    sheet = book["Customers"]
    table = sheet.tables["Customers"]
    assert table.ref == f"A2:{sheet.cell(1, sheet.max_column).column_letter}8952" == table.autoFilter.ref
    heads = [cell.value for cell in sheet[2]]
    assert [column.name for column in table.tableColumns] == heads
    assert len({head.lower() for head in heads}) == len(heads)
    # What people read, with units; what programs read is in a row that nobody sees.
    assert heads[:4] == ["Customer", "Segment number", "Segment", "Value a year, USD"]
    assert {"Balance, USD", "Months with a balance, share", "Months on book"} <= set(heads)
    assert sheet.row_dimensions[1].hidden and not sheet.row_dimensions[2].hidden
    assert sheet.freeze_panes == "B3"
    assert sheet.print_title_rows == "$2:$2"
    forms = {cell.value: sheet.cell(3, cell.column).number_format for cell in sheet[1]}
    assert forms["customer_id"] == "@"
    assert forms["value_base"] == forms["balance"] == "#,##0.00"
    assert forms["as_of_date"] == "yyyy-mm-dd"


def test_customers_begin_with_the_best_of_the_first_segment(workbook: Path, real_build: Path) -> None:
    rows = list(
        openpyxl.load_workbook(workbook, read_only=True)["Customers"].iter_rows(min_row=3, values_only=True)
    )
    best = query(
        real_build,
        "select customer_id from marts.customer_values where segment_id = 1 order by value_base desc, 1 limit 3",
    )
    assert [row[0] for row in rows[:3]] == list(best["customer_id"])
    segments = [row[1] for row in rows]
    assert segments == sorted(segments)


def test_the_dictionary_says_what_the_heads_of_customers_are_called(workbook: Path) -> None:
    book = openpyxl.load_workbook(workbook, read_only=True)
    names, heads, *_ = book["Customers"].iter_rows(max_row=2, values_only=True)
    lines = {(row[1], row[4]) for row in book["Dictionary"].iter_rows(values_only=True) if row[1]}
    assert set(zip(names, heads, strict=True)) <= lines


def test_a_ledgers_dates_are_dates(sample_build: Path) -> None:
    book = openpyxl.load_workbook(sample_build.parent / WORKBOOK)
    wanted = query(sample_build, "select max(as_of_date) as d from marts.customer_segments")["d"].iloc[0]
    header = [cell.value for cell in book["Customers"][1]]
    assert book["Customers"].cell(3, 1 + header.index("as_of_date")).value == wanted
    lines = {row[0].value: row[1].value for row in book["Read me"].iter_rows(max_col=2)}
    assert lines["State of"] == wanted
    assert isinstance(lines["Built"], dt.datetime)


ODD = [
    "=1+1", "+49 170", "-2", "@SUM(A1)", "007", "12345678901234567890", "1e5", "2026-01-02", "TRUE", "  spaced  ",
    "<&>\"'", "_x0041_", "a\tb", "naïve 李 🂡", "=HYPERLINK(\"http://x\")", "{=1}", "#REF!", "https://example.org",
]  # fmt: skip


@pytest.fixture(scope="module")
def odd_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of odd values, by the way that customers and campaigns' lists go."""
    folder = tmp_path_factory.mktemp("odd")
    with duckdb.connect() as connection:
        connection.execute("create table odd (text varchar, number double, day date, flag boolean)")
        for place, text in enumerate(ODD):
            number = [1.5, float("inf"), float("nan"), None, -1e-7][place % 5]
            connection.execute(
                "insert into odd values (?, ?, ?, ?)", [text, number, dt.date(2024, 2, 29), True]
            )
        connection.execute("insert into odd values (chr(1) || 'x' || chr(0), null, null, null)")
        connection.execute("insert into odd values (repeat('y', 40000), 0, date '1899-01-01', false)")
        with Book(folder / "drawn.xlsx", "Odd", "", dt.datetime(2026, 1, 1)) as book:
            kinds = (
                ("text", "@", 20.0),
                ("number", "0.00", 10.0),
                ("day", "yyyy-mm-dd", 12.0),
                ("flag", "General", 8.0),
            )
            book.rows_sheet("Odd", "Odd", kinds)
        fill_sheet(
            folder / "drawn.xlsx", folder / "odd.xlsx", book.last_part, connection, "odd", len(ODD) + 2
        )
    return folder / "odd.xlsx"


def test_text_stays_text_and_what_is_no_number_is_empty(odd_book: Path, convert: Convert) -> None:
    rows = read_csv(next(convert(odd_book, AS_CSV).iterdir()))
    assert [row[0] for row in rows[1 : len(ODD) + 1]] == ODD
    assert rows[len(ODD) + 1][0] == "\u2401x\u2400"
    assert rows[len(ODD) + 2][0] == "y" * 32_767
    assert [row[1] for row in rows[1:6]] == ["1.5", "", "", "", "-0.0000001"]
    assert {row[2] for row in rows[1 : len(ODD) + 1]} == {"2024-02-29"}
    # Before 1900 there are no dates in a spreadsheet.
    assert rows[len(ODD) + 1][2:] == ["", ""] and rows[len(ODD) + 2][2:] == ["", "FALSE"]


def test_no_cell_is_a_formula_but_of_what_if(odd_book: Path, workbook: Path) -> None:
    calculated = {
        f"xl/worksheets/sheet{1 + SHEETS.index(name)}.xml" for name in ("What-if", "What-if workings")
    }
    for path, expected in ((odd_book, set()), (workbook, calculated)):
        sheets = parts(path, r"xl/worksheets/sheet\d+\.xml")
        assert {name for name, sheet in sheets.items() if "<f>" in sheet} == expected
        assert not [name for name, sheet in sheets.items() if ' t="e"' in sheet]
    cells = [row[0] for row in openpyxl.load_workbook(odd_book)["Odd"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}


def test_what_excel_would_take_for_a_character_is_escaped(odd_book: Path) -> None:
    """Excel reads _x0041_ as A; LibreOffice does not, so the file itself is looked at."""
    (sheet,) = parts(odd_book, r"xl/worksheets/sheet1\.xml").values()
    assert "_x005F_x0041_" in sheet


def test_text_on_the_other_sheets_stays_text(tmp_path: Path) -> None:
    with Book(tmp_path / "a.xlsx", "A", "", dt.datetime(2026, 1, 1)) as book:
        sheet = book.sheet("A", (20,))
        for row, text in enumerate(ODD):
            sheet.write(row, 0, text)
        for row, value in enumerate((float("nan"), float("inf"), None), len(ODD)):
            sheet.write(row, 0, value)
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "a.xlsx")["A"].iter_rows()]
    assert {cell.data_type for cell in cells[: len(ODD)]} == {"s"}
    assert [cell.value for cell in cells[: len(ODD)]] == ODD
    assert {cell.value for cell in cells[len(ODD) :]} == {None}


def test_more_customers_than_the_workbook_lists_stand_beside_it(sample_build: Path, tmp_path: Path) -> None:
    published = shutil.copy(sample_build, tmp_path / "card_segments.duckdb")
    customers = len(query(sample_build, CUSTOMER_ROWS))
    path, rows = write_workbook(Path(published), tmp_path, most_listed=customers - 1)
    assert rows == 0
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == SHEETS[:-1]
    text = "\n".join(str(cell.value) for row in book["Read me"].iter_rows() for cell in row)
    assert CUSTOMERS in text and f"more than the {customers - 1:,} " in text
    kept = duckdb.sql(f"from '{tmp_path / CUSTOMERS}'").df()
    assert list(kept["customer_id"]) == list(query(sample_build, CUSTOMER_ROWS)["customer_id"])
    path, rows = write_workbook(Path(published), tmp_path, most_listed=customers)
    assert rows == len(kept)
    assert openpyxl.load_workbook(path, read_only=True).sheetnames == SHEETS
    # It may hold somebody who has objected since.
    assert not (tmp_path / CUSTOMERS).exists()


def test_the_same_published_file_gives_the_same_bytes(sample_build: Path, tmp_path: Path) -> None:
    published = Path(shutil.copy(sample_build, tmp_path / "card_segments.duckdb"))
    first = write_workbook(published, published.parent, most_listed=MOST)[0].read_bytes()
    assert write_workbook(published, published.parent, most_listed=MOST)[0].read_bytes() == first


def run_excel(warehouse: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(warehouse, "scripts.excel", *arguments)


def test_make_excel_writes_it_again(sample_build: Path, tmp_path: Path) -> None:
    shutil.copy(sample_build, tmp_path / "card_segments.duckdb")
    done = run_excel(tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / WORKBOOK) in done.stdout
    assert openpyxl.load_workbook(tmp_path / WORKBOOK, read_only=True).sheetnames == SHEETS
    done = run_excel(tmp_path, "WORKBOOK_CUSTOMERS=10")
    assert done.returncode == 0, done.stderr
    assert f"More customers than WORKBOOK_CUSTOMERS=10: they are in {tmp_path / CUSTOMERS}" in done.stdout
    assert openpyxl.load_workbook(tmp_path / WORKBOOK, read_only=True).sheetnames == SHEETS[:-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing is published yet; run make build first"),
        (["K=3"], "K=3: expected one of WORKBOOK_CUSTOMERS="),
        (["WORKBOOK_CUSTOMERS=many"], "WORKBOOK_CUSTOMERS=many: expected a whole number from 0 to 1048574"),
        (
            ["WORKBOOK_CUSTOMERS=1048575"],
            "WORKBOOK_CUSTOMERS=1048575: expected a whole number from 0 to 1048574",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run_excel(tmp_path, *arguments)
    assert done.returncode == 1
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_without_the_words_is_one_sentence(sample_build: Path, tmp_path: Path) -> None:
    published = Path(shutil.copy(sample_build, tmp_path / "card_segments.duckdb"))
    published.chmod(0o644)
    with duckdb.connect(str(published)) as connection:
        connection.execute("delete from marts.words where key = 'workbook.sheet.elbow'")
    with pytest.raises(UserError, match=r"has no words for workbook\.sheet\.elbow, so an earlier version"):
        write_workbook(published, published.parent, most_listed=MOST)
    assert {path.name for path in tmp_path.iterdir()} == {"card_segments.duckdb"}


def test_a_workbook_that_cannot_be_written_leaves_the_one_before(
    sample_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = Path(shutil.copy(sample_build, tmp_path / "card_segments.duckdb"))
    path = write_workbook(published, published.parent, most_listed=MOST)[0]
    before = path.read_bytes()

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "fill_sheet", fail)
    with pytest.raises(UserError, match="No space left on device"):
        write_workbook(published, published.parent, most_listed=MOST)
    assert path.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"card_segments.duckdb", WORKBOOK}


def test_it_speaks_the_language_of_the_build(sample_build: Path, tmp_path: Path) -> None:
    published = Path(shutil.copy(sample_build, tmp_path / "card_segments.duckdb"))
    published.chmod(0o644)
    with duckdb.connect(str(published)) as connection:
        words = REPO / "dbt_project" / "seeds" / "words" / "words_id.csv"
        connection.execute("delete from marts.words")
        connection.execute(f"insert into marts.words select * from read_csv('{words}', all_varchar = true)")
    book = openpyxl.load_workbook(write_workbook(published, published.parent, most_listed=MOST)[0])
    assert "Segmen" in book.sheetnames and "Segments" not in book.sheetnames
    assert "Customers" in book[book.sheetnames[-1]].tables
