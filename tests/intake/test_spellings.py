"""Numbers, dates and empty cells as banks write them: what docs/spellings.md says is what is read."""

import re
from pathlib import Path

import duckdb
import jinja2
import pytest

from scripts.base.errors import UserError
from scripts.base.parameters import parse_parameters
from scripts.intake.source import Intake, load_contract, open_source
from scripts.intake.spellings import CURRENCY, EMPTIES
from tests.support.builds import REPO
from tests.support.engine_macros import macros_of

PAGE = (REPO / "docs" / "spellings.md").read_text(encoding="utf-8")
TYPING = (REPO / "dbt_project" / "macros" / "typing.sql").read_text(encoding="utf-8")
CASES = REPO.parent / "shared" / "cases"
CONTRACT = load_contract(REPO / "dbt_project" / "models" / "staging")
needs_cases = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")


def table(section: str) -> list[tuple[str, str]]:
    """Rows of a section's table in the page."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \| (.+?) \|$", text, flags=re.MULTILINE)


def macro(call: str, spelling: str = "", percent: str = "", data_type: str = "varchar") -> str:
    """SQL of a call of typing.sql's macros on a column `v` of this type that has this spelling."""
    # What asks the database for a column's type is replaced: dbt's `return` ends a macro, Jinja has none.
    replaced = (
        f"{{% macro raw_type(r, n) %}}{data_type}{{% endmacro %}}"
        f"{{% macro is_text(r, n) %}}{'yes' if data_type == 'varchar' else ''}{{% endmacro %}}"
        "{% macro spelling(r, n) %}{{ '"
        + percent
        + "' if '.percent' in n else '' if '.divide_by' in n else '"
        + spelling
        + "' }}{% endmacro %}"
    )
    macros = "{% macro empties" + TYPING.partition("{% macro empties")[2].partition("{% macro raw_row")[0]
    rendered: str = (
        jinja2.Environment(extensions=["jinja2.ext.do"])
        .from_string(macros_of("duckdb") + replaced + macros + "{{ " + call + " }}")
        .render()
    )
    return rendered


def value(sql: str, text: str) -> object:
    return duckdb.execute(f"select {sql} from (select ?::varchar as v)", [text]).fetchall()[0][0]


@pytest.mark.parametrize(("written", "read"), table("Numbers"))
def test_numbers(written: str, read: str) -> None:
    expected = None if read == "refused" else float(read)
    for type_ in ("double", "decimal(18,2)"):
        for text in (written, *(() if "e" in written else (f" {written} ", f"\u00a0{written}"))):
            found = value(macro(f"as_number('r', 'v', '{type_}')", "."), text)
            assert found is None if expected is None else float(str(found)) == expected
    # With the decimal comma, point and comma change places; a currency's own point stays.
    swapped = written.replace("Rp.", "Rp!").translate(str.maketrans(",.", ".,")).replace("Rp!", "Rp.")
    if "e" not in written:
        found = value(macro("as_number('r', 'v', 'double')", ","), swapped)
        assert found == expected


def test_credit_is_no_sign_where_a_type_says_the_direction() -> None:
    assert value(macro("as_number('r', 'v', 'double', credit=false)"), "12.50 CR") == 12.5


@pytest.mark.parametrize("text", ["1.234", "1 234", "12.345.678", "1'234", "250.000"])
def test_points_are_thousands_in_a_column_with_the_decimal_comma(text: str) -> None:
    assert value(macro("as_number('r', 'v', 'double')", ","), text) == float(re.sub("[^0-9]", "", text))


@pytest.mark.parametrize("text", EMPTIES)
def test_words_for_nothing(text: str) -> None:
    assert value(macro("is_given('r', 'v')"), text) is False
    assert value(macro("as_number('r', 'v', 'double')"), text) is None
    assert value(macro("as_date('r', 'v')"), text) is None


def test_words_for_nothing_are_the_same_in_sql() -> None:
    assert set(re.findall("'([^']*)'", macro("empties()"))) == set(EMPTIES)


def test_signs_of_currencies_are_the_same_in_sql() -> None:
    assert CURRENCY in macro("number_text('v', '.', true)")


# What the intake decides


def ledger(folder: Path, **changes: str) -> Path:
    """A ledger of one account with one table changed; `{}` in a change stands for the good table."""
    good = {
        "accounts": "account_id;customer_id;opened_on;closed_on\nA1;C1;2020-01-31;\n",
        "transactions": (
            "transaction_id;account_id;posted_on;transaction_type;amount\nT1;A1;2025-01-31;payment;10\n"
        ),
        "statements": (
            "account_id;statement_on;due_on;closing_balance;average_daily_balance;minimum_due;credit_limit;"
            "paid_by_due_on\nA1;2025-01-31;2025-02-20;5;4;1;1000;1\n"
        ),
    }
    folder.mkdir(exist_ok=True)
    for name, text in good.items():
        (folder / f"{name}.csv").write_text(text + changes.get(name, ""), encoding="utf-8")
    return folder


def opened(source: Path, **settings: str) -> Intake:
    with duckdb.connect() as connection:
        return open_source(connection, source, CONTRACT, **settings)


@pytest.mark.parametrize(("written", "read"), table("Dates"))
def test_dates(tmp_path: Path, written: str, read: str) -> None:
    folder = ledger(tmp_path / "in")
    (folder / "accounts.csv").write_text(
        f'account_id;customer_id;opened_on;closed_on\nA1;C1;"{written}";\nA2;C2;" {written}";\n',
        encoding="utf-8",
    )
    order = opened(folder).spellings.get("accounts.opened_on", "")
    for text in (written, f" {written}"):
        found = value(macro("as_date('r', 'v')", order), text)
        assert (str(found) if found else "refused") == read


@pytest.mark.parametrize("order", ["", "dmy", "mdy", "named", "compact"])
@pytest.mark.parametrize(
    "text",
    [
        "infinity",
        "-infinity",
        "epoch",
        "now",
        "today",
        "-2024-01-01",
        "0001-01-01",
        "00010101",
        "99999-01-01",
        "9999-12-31",
        "99991231",
        "31-12-0025",
        "31-12-1899",
        "01-JAN-0001",
        "31-Dec-9999",
        "2024-01-05 (BC)",
        "2024-01-05 10:00 (BC)",
    ],
)
def test_what_is_no_day_of_any_bank(text: str, order: str) -> None:
    assert value(macro("as_date('r', 'v')", order), text) is None


@pytest.mark.parametrize("data_type", ["date", "timestamp", "timestamp_ns", "timestamp with time zone"])
def test_days_of_typed_columns(data_type: str) -> None:
    """Parquet knows infinity and years that no bank has seen; a closing day may lie as far ahead as it likes."""
    zone = "Asia/Jakarta" if "zone" in data_type else ""
    sql = macro("as_date('r', 'v')", zone, data_type=data_type)
    closing = macro("as_date('r', 'v', latest='9999-12-31')", zone, data_type=data_type)

    def read(sql: str, text: str) -> str:
        query = f"select ({sql})::varchar from (select cast('{text}' as {data_type}) as v)"
        return str(duckdb.execute(query).fetchall()[0][0])

    assert read(sql, "2025-12-31") == "2025-12-31"
    for text in ("infinity", "-infinity", *(("0001-01-01", "9999-12-31") if "ns" not in data_type else ())):
        assert read(sql, text) == "None"
    if "ns" not in data_type:
        assert read(closing, "9999-12-31") == "9999-12-31"
    assert read(closing, "infinity") == "None"


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31",
        "0001-01-31",
        "infinity",
        "-2024-01-31",
        "2025-02-30",
        "3000-01-31",
        "2025-W52-3",
        "20251231",
    ],
)
def test_a_window_ends_on_a_day_of_a_bank(text: str) -> None:
    with pytest.raises(UserError, match=f"^AS_OF={text}: expected a date (like|from) "):
        parse_parameters([f"AS_OF={text}"])


def transactions(*amounts: str, day: str = "2025-01-31") -> str:
    return "".join(f"T{n};A1;{day};payment;{amount}\n" for n, amount in enumerate(amounts, 10))


def statement(money: str) -> str:
    return f"A1;2025-02-28;2025-03-20;{money};{money};0;{money};0\n"


def test_a_column_that_does_not_tell_follows_the_other_tables(tmp_path: Path) -> None:
    """As rupiah: no decimals in transactions, 1.000.000 in statements."""
    done = opened(
        ledger(tmp_path / "in", transactions=transactions("45.644"), statements=statement("1.000.000"))
    )
    assert done.spellings["transactions.amount"] == ","
    assert any("1.234 are taken to set off thousands, as in the rest" in note for note in done.notes)


def test_a_column_that_tells_keeps_its_mark(tmp_path: Path) -> None:
    done = opened(
        ledger(tmp_path / "in", transactions=transactions("45.64", "1.234"), statements=statement("3,5"))
    )
    assert done.spellings == dict.fromkeys(
        [f"statements.{name}" for name in ("closing_balance", "average_daily_balance", "credit_limit")], ","
    )


@pytest.mark.parametrize(("given", "comma"), [("", False), (",", True), (".", False)])
def test_where_nothing_tells_a_note_says_so(tmp_path: Path, given: str, comma: bool) -> None:
    done = opened(ledger(tmp_path / "in", transactions=transactions("45.644")), decimal_mark=given)
    assert ("transactions.amount" in done.spellings) == comma
    assert any("numbers like 1.234 are taken to set off" in note for note in done.notes)


def test_a_comma_far_down_is_found(tmp_path: Path) -> None:
    amounts = ["10"] * 10_050 + ["1,5"] * 3
    assert opened(ledger(tmp_path / "in", transactions=transactions(*amounts))).spellings == {
        "transactions.amount": ","
    }


def test_numbers_as_text_in_parquet(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in")
    path = folder / "transactions.csv"
    duckdb.execute(
        f"copy (select * replace ('1,50' as amount) from read_csv('{path}', all_varchar = true)) to"
        f" '{path.with_suffix('.parquet')}'"
    )
    path.unlink()
    assert opened(folder).spellings == {"transactions.amount": ","}


@pytest.mark.parametrize(
    ("day", "other", "order"),
    [("13/01/2025", "", "dmy"), ("01/13/2025", "", "mdy"), ("01/02/2025", "25.12.2024", "dmy")],
)
def test_days_over_twelve_tell(tmp_path: Path, day: str, other: str, order: str) -> None:
    accounts = f"A2;C2;{other};\nA3;C3;{other};\n" if other else ""
    done = opened(ledger(tmp_path / "in", transactions=transactions("1", "2", day=day), accounts=accounts))
    assert done.spellings["transactions.posted_on"] == order


def test_dates_of_which_nothing_tells_stop_the_build(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in", transactions=transactions("1", "2", day="01/02/2025"))
    with pytest.raises(
        UserError, match=r"posted_on: dates like 01/02/2025 .* say DATE_ORDER=dmy or DATE_ORDER=mdy"
    ):
        opened(folder)
    assert opened(folder, date_order="mdy").spellings == {"transactions.posted_on": "mdy"}


def test_words_for_nothing_are_named(tmp_path: Path) -> None:
    done = opened(ledger(tmp_path / "in", accounts="A2;C2;2020-01-31;NULL\nA3;C3;2020-01-31;-\n"))
    assert "accounts: NULL is read as empty in closed_on." in done.notes
    assert "accounts: - is read as empty in closed_on." in done.notes


def test_several_currencies_stop_the_build(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in")
    path = folder / "transactions.csv"
    head = "transaction_id;account_id;posted_on;transaction_type;amount;CCY\n"
    path.write_text(
        head + "T1;A1;2025-01-31;payment;10;USD\nT2;A1;2025-01-31;payment;10;idr \n", encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"transactions: ccy holds IDR, USD; amounts of several currencies"):
        opened(folder)
    path.write_text(
        head + "T1;A1;2025-01-31;payment;10;USD\nT2;A1;2025-01-31;payment;10;\n", encoding="utf-8"
    )
    opened(folder)


def moments(folder: Path) -> Path:
    """Accounts opened at midnight in Jakarta, kept as moments."""
    path = folder / "accounts.parquet"
    (folder / "accounts.csv").unlink()
    duckdb.execute(
        "copy (select 'A1' as account_id, 'C1' as customer_id, timestamptz '2020-01-31 17:00:00+00' as opened_on,"
        f" null::timestamptz as closed_on) to '{path}'"
    )
    return folder


def test_moments_need_a_time_zone(tmp_path: Path) -> None:
    folder = moments(ledger(tmp_path / "in"))
    with pytest.raises(
        UserError, match=r"opened_on.*: moments with a time zone, .* as in TIME_ZONE=Asia/Jakarta"
    ):
        opened(folder)
    with pytest.raises(UserError, match="TIME_ZONE=Jakarta: no such time zone"):
        opened(folder, time_zone="Jakarta")
    assert opened(folder, time_zone="Asia/Jakarta").spellings["accounts.opened_on"] == "Asia/Jakarta"


@pytest.mark.parametrize(
    ("balances", "turned"),
    [
        ([("-5", "1"), ("-7", "2"), ("0", "0")], True),
        ([("(5.00)", "1"), ("(7.00)", "2")], True),
        # In the customer's favour while nothing is due; or one that owes a positive amount.
        ([("-5", "0"), ("7", "2")], False),
        ([("-5", "1"), ("7", "2")], False),
        ([("-5", "0")], False),
        # What tells stands far down.
        ([("-5", "1")] * 10_050 + [("7", "2")], False),
    ],
)
def test_debt_kept_as_a_negative_balance(
    tmp_path: Path, balances: list[tuple[str, str]], turned: bool
) -> None:
    folder = ledger(tmp_path / "in")
    rows = [f"A1;2025-01-31;2025-02-20;{owed};{owed};{due};1000;1" for owed, due in balances]
    path = folder / "statements.csv"
    path.write_text(
        "\n".join([path.read_text(encoding="utf-8").splitlines()[0], *rows]) + "\n", encoding="utf-8"
    )
    done = opened(folder)
    assert ("statements.owed" in done.spellings) == turned
    assert any("their sign is turned" in note for note in done.notes) == turned


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("broken", ["", 'A3;"C3;2020-01-31;', "A4;C4"])
def test_excels_line_that_names_the_delimiter(tmp_path: Path, end: str, broken: str) -> None:
    """Row numbers are those of data rows, also where some row is broken."""
    folder = ledger(tmp_path / "in")
    lines = [
        "sep=;",
        "account_id;customer_id;opened_on;closed_on",
        "A1;C1;2020-01-31;",
        *filter(None, [broken]),
        "A2;C2;2020-02-01;",
    ]
    (folder / "accounts.csv").write_bytes((end.join(lines) + end).encode())
    with duckdb.connect() as connection:
        open_source(connection, folder, CONTRACT)
        found = connection.sql("select account_id, _row_number from raw.accounts order by 2").fetchall()
        bad = connection.sql("select row_number from raw.unreadable_rows").fetchall()
    assert found == [("A1", 1), ("A2", 3 if broken else 2)]
    assert bad == ([(2,)] if broken else [])


# Shares


SHARES = ("balance_frequency", "purchases_frequency", "oneoff_purchases_frequency", "purchases_installments_frequency",
          "cash_advance_frequency", "prc_full_payment")  # fmt: skip


def summary(path: Path, *shares: str, names: str = "cust_id", above: str = "", end: str = "\n") -> Path:
    """A summary of a customer a share: all columns 0 but these, with 12 months."""
    columns = [column.name for column in CONTRACT.summary["customer_summary"]]
    lines = [",".join(columns).replace("cust_id", names)]
    for number, share in enumerate(shares):
        given = dict.fromkeys(columns, "0") | dict.fromkeys(SHARES, share)
        lines.append(",".join((given | {"cust_id": f"C{number}", "tenure": "12"}).values()))
    path.write_bytes((above + end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize(
    ("shares", "percent"),
    [
        # Points, signs, and signs with blanks or beside a 0 without one.
        (["83.33", "100", "0", "8.3333"], True),
        (["83.33%", "100%", "0%"], True),
        (["50 %", "25.0 %", "0", ""], True),
        (["0.5%", "1%"], True),
        # A lost decimal point, a sign in some rows alone, shares, and months with cash advances above tenure.
        (["0.875", "875", "0"], False),
        (["83.33%", "0.5"], False),
        (["0", "1", "0.5", "1.5"], False),
        (["0", "1"], False),
    ],
)
def test_shares_in_percent(tmp_path: Path, shares: list[str], percent: bool) -> None:
    done = opened(summary(tmp_path / "s.csv", *shares))
    assert {f"customer_summary.{name}.percent" in done.spellings for name in SHARES} == {percent}
    assert any("in percent; they are divided by 100" in note for note in done.notes) == percent


def test_shares_in_percent_in_parquet(tmp_path: Path) -> None:
    source = summary(tmp_path / "s.csv", "83.33", "100", "0")
    duckdb.execute(f"copy (from '{source}') to '{tmp_path / 's.parquet'}'")
    assert "customer_summary.prc_full_payment.percent" in opened(tmp_path / "s.parquet").spellings


@pytest.mark.parametrize(
    ("written", "read"), [("83.33%", 0.8333), ("83.33 %", 0.8333), ("0", 0.0), ("x%", None)]
)
def test_a_percent_sign_is_taken_off(written: str, read: float | None) -> None:
    assert value(macro("as_number('r', 'v', 'double')", ".", percent="percent"), written) == pytest.approx(
        read
    )


# Headers


@pytest.mark.parametrize(
    "above", ["Cards as of 31 December\n", "Report\n\nBank, branch 7\n", '"Title; with, marks"\n;;\n']
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_titles_above_the_header_are_left_out(tmp_path: Path, above: str, end: str) -> None:
    source = summary(tmp_path / "s.csv", "0.5", "1", above=above.replace("\n", end), end=end)
    with duckdb.connect() as connection:
        done = open_source(connection, source, CONTRACT)
        found = connection.sql("select cust_id, _row_number from raw.customer_summary order by 2").fetchall()
    assert found == [("C0", 1), ("C1", 2)]
    lines = above.count("\n")
    assert any(
        ("the first line is" if lines == 1 else f"the first {lines} lines are") in note for note in done.notes
    )


@pytest.mark.parametrize("name", ["customer_id", "Customer ID", "CUSTOMER-ID"])
def test_customer_id_is_cust_id(tmp_path: Path, name: str) -> None:
    source = summary(tmp_path / "s.csv", "0.5", names=name)
    duckdb.execute(f"copy (from '{source}') to '{tmp_path / 's.parquet'}'")
    for path in (source, tmp_path / "s.parquet"):
        with duckdb.connect() as connection:
            open_source(connection, path, CONTRACT)
            assert connection.sql("select cust_id from raw.customer_summary").fetchall() == [("C0",)]


def test_cust_id_is_customer_id_in_a_ledger(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in")
    text = (folder / "accounts.csv").read_text()
    (folder / "accounts.csv").write_text(text.replace("customer_id", "CUST_ID"))
    with duckdb.connect() as connection:
        open_source(connection, folder, CONTRACT)
        assert connection.sql("select customer_id from raw.accounts").fetchall() == [("C1",)]


# The cases


@needs_cases
@pytest.mark.parametrize(
    ("case", "spellings"),
    [
        ("l15_idr", {"transactions.amount": ",", "statements.credit_limit": ","}),
        (
            "l02_dmy",
            {"accounts.opened_on": "dmy", "transactions.posted_on": "dmy", "statements.due_on": "dmy"},
        ),
        ("l03_dmyy_accounts", {"accounts.opened_on": "dmy"}),
        ("l03b_dmyy_closed", {"accounts.closed_on": "dmy"}),
        ("s03_mixed_marks.csv", {"customer_summary.balance": ",", "customer_summary.prc_full_payment": None}),
        ("l16_indian", {"transactions.amount": None}),
        ("ledger_with_dollar_signs", {"transactions.amount": None}),
        ("l26_owed_negative", {"statements.owed": "negative"}),
        ("s06_sep.csv", {"customer_summary.balance": None}),
        ("s09_percent_points.csv", {f"customer_summary.{name}.percent": "percent" for name in SHARES}),
        ("point_lost_in_shares.csv", {f"customer_summary.{name}.percent": None for name in SHARES}),
    ],
)
def test_cases(case: str, spellings: dict[str, str | None]) -> None:
    found = opened(CASES / case).spellings
    assert {name: found.get(name) for name in spellings} == spellings
