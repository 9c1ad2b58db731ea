"""The mapping of a bank's names: layouts of public bank data read as the plain ledger, every form, every fault, the draft."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from scripts.base.errors import UserError
from scripts.intake.id_lists import read_ids
from scripts.intake.mapping import (
    UNMAPPED,
    InputMapping,
    find_mapping,
    load_mapping,
    mapping_beside,
    transaction_types,
    with_row_ids,
)
from scripts.intake.mapping_draft import draft_mapping, open_places
from scripts.intake.source import Intake, load_contract, open_source
from tests.support.bank_layouts import anz, bank_churners, berka, clean_ledger, tabformer
from tests.support.builds import REPO
from tests.support.learned import features_or_sentences, job_features

CONTRACT = load_contract(REPO / "dbt_project" / "models" / "staging")
FROM_STATEMENTS = ["balance", "balance_frequency", "credit_limit", "minimum_payments", "prc_full_payment"]
OF_PURCHASES = [
    "oneoff_purchases",
    "cash_advance",
    "oneoff_purchases_frequency",
    "cash_advance_trx",
    "tenure",
]
Layout = Callable[[Path, Path], Path]

PLAIN = {
    "accounts": "account_id,customer_id,opened_on,closed_on\nA,1,2020-01-01,\nB,2,2020-01-01,\n",
    "transactions": "transaction_id,account_id,posted_on,transaction_type,amount\nT1,A,2025-01-31,payment,5.00\n",
}


def written(folder: Path, mapping: str = "", **files: str) -> Path:
    """A ledger of these files, by their names without the ending, and a mapping beside them."""
    folder.mkdir(exist_ok=True)
    for name, text in {**PLAIN, **files}.items():
        if text:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    if mapping:
        (folder / "mapping.yml").write_text(mapping, encoding="utf-8")
    return folder


def opened(source: Path) -> tuple[duckdb.DuckDBPyConnection, Intake]:
    """The input as the job opens it, by the mapping beside it."""
    connection = duckdb.connect()
    path = find_mapping(source, "", None)
    mapping = load_mapping(path, CONTRACT) if path else UNMAPPED
    return connection, open_source(connection, source, CONTRACT, mapping)


def rows(source: Path, columns: str, table: str = "transactions") -> list[tuple[object, ...]]:
    connection, _ = opened(source)
    with connection:
        return connection.execute(f"select {columns} from raw.{table} order by _row_number").fetchall()


def faults(folder: Path, text: str) -> list[str]:
    path = folder / "mapping.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        load_mapping(path, CONTRACT)
    return [line.removeprefix(f"{path}: ") for line in str(refused.value).splitlines()]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("plain")
    ledger = clean_ledger(folder / "ledger")
    return ledger, job_features(ledger, folder / "warehouse").set_index("customer_id")


@pytest.mark.parametrize(("layout", "known"), [(berka, None), (anz, None), (tabformer, OF_PURCHASES)])
def test_layouts_of_banks(
    tmp_path: Path, plain: tuple[Path, pd.DataFrame], layout: Layout, known: list[str] | None
) -> None:
    ledger, expected = plain
    # That an account was closed is told by none of these.
    open_ones = expected.index[expected["tenure"] == 12]
    found = job_features(layout(ledger, tmp_path / "bank"), tmp_path / "warehouse").set_index("customer_id")
    assert len(found) == len(expected) and len(open_ones) > 200
    assert found[FROM_STATEMENTS].isna().all().all()
    columns = known or [name for name in expected if name not in FROM_STATEMENTS]
    pd.testing.assert_frame_equal(found.loc[open_ones, columns], expected.loc[open_ones, columns])
    # Of payments TabFormer knows nothing; that is not none.
    assert found["payments"].isna().all() == (layout is tabformer)


def test_a_summary_with_five_of_the_features(tmp_path: Path) -> None:
    source = bank_churners(tmp_path / "bank")
    found = job_features(source, tmp_path / "warehouse")
    given = pd.read_csv(source)
    assert set(found.columns[found.notna().all()]) == {
        "customer_id", "balance", "purchases", "purchases_trx", "credit_limit", "tenure",
    }  # fmt: skip
    assert sorted(found["purchases"]) == sorted(given["Total_Trans_Amt"])
    assert found["customer_id"][0] == "768000001"


AMOUNT = (
    "transactions:\n  columns:\n    amount: {}\n    transaction_type: {{other: {{out: fee, in: payment}}}}\n"
)


@pytest.mark.parametrize(
    ("form", "header", "values", "right"),
    [
        ("{column: money, negative: out}", "money", ["-5.00", "7", "0"], [("5.00", "fee"), ("7", "payment"), ("0", "payment")]),
        ("{column: money, negative: in}", "money", ["$-1.10", "(2.00)", "3-"], [("$1.10", "payment"), ("2.00", "payment"), ("3", "payment")]),
        # What stands behind a number says it, whatever the sign means.
        ("{column: money, negative: out}", "money", ["9.50 CR", "9.50 dr"], [("9.50", "payment"), ("9.50", "fee")]),
        ("{out: debit, in: credit}", "debit,credit", ["5.00,", ",6.00", "0.00,7", "-8,"], [("5.00", "fee"), ("6.00", "payment"), ("7", "payment"), ("8", "payment")]),
        ("{out: debit, in: credit}", "debit,credit", ["1,2"], [(None, None)]),
        ("{column: money, direction: dc}", "money,dc", ["5,DR", "6, c ", "-7,D", "8,?"], [("5", "fee"), ("6", "payment"), ("7", "payment"), ("8", None)]),
        ("{column: money, direction: dc, out: [S, AF], in: H}", "money,dc", ["5,s", "6,H", "7,Af"], [("5", "fee"), ("6", "payment"), ("7", "fee")]),
    ],
)  # fmt: skip
def test_amounts_that_tell_the_direction(
    tmp_path: Path, form: str, header: str, values: list[str], right: list[tuple[str | None, str | None]]
) -> None:
    lines = [f"T{place},A,2025-01-31,{value}" for place, value in enumerate(values)]
    source = written(
        tmp_path / "bank",
        AMOUNT.format(form),
        transactions="\n".join([f"transaction_id,account_id,posted_on,{header}", *lines]) + "\n",
    )
    found = rows(source, "amount, transaction_type")
    assert [(str(money).strip() if money is not None else None, kind) for money, kind in found] == right


def test_typed_amounts_lose_their_sign(tmp_path: Path) -> None:
    source = written(tmp_path / "bank", AMOUNT.format("{column: money, negative: out}"), transactions="")
    duckdb.execute(
        "copy (select 'T1' as transaction_id, 'A' as account_id, date '2025-01-31' as posted_on, -12.5 as money)"
        f" to '{source / 'transactions.parquet'}'"
    )
    assert [(float(str(money)), kind) for money, kind in rows(source, "amount, transaction_type")] == [
        (12.5, "fee")
    ]


def test_codes(tmp_path: Path) -> None:
    """Case and blanks do not matter; what is left out is in no count, and what is not named is told and refused."""
    source = written(
        tmp_path / "bank",
        "transactions:\n  columns:\n    transaction_type:\n      column: [kind, sub]\n      codes:\n"
        "        'POS / ': oneoff_purchase\n        ATM / 1: cash_advance\n        no / 007: fee\n        PAY / x: leave_out\n",
        transactions="transaction_id,account_id,posted_on,kind,sub,amount\n"
        "T1,A,2025-01-31,pos,,1\nT2,A,2025-01-31, ATM ,1,2\nT3,A,2025-01-31,no,007,3\nT4,A,2025-01-31,pay,X,4\n"
        "T5,A,2025-01-31,new,,5\n",
    )
    connection, intake = opened(source)
    with connection:
        found = connection.execute(
            "select transaction_type, amount, _row_number from raw.transactions order by 3"
        ).fetchall()
        assert found == [
            ("oneoff_purchase", "1", 1), ("cash_advance", "2", 2), ("fee", "3", 3), ("new /", "5", 5),
        ]  # fmt: skip
        [(counted,)] = connection.execute(
            "select rows from raw.inputs where source = 'transactions'"
        ).fetchall()
        assert counted == 4
        both = connection.execute(
            "select (select count(*) from raw.transactions), (select count(*) from raw.transactions_unnumbered)"
        ).fetchall()
        assert both == [(4, 4)]
    said = "\n".join(intake.notes)
    assert "1 rows are left out, as the mapping says" in said
    assert "codes that the mapping does not name: new / (1 rows); they are refused" in said


@pytest.mark.parametrize("type_", ["integer", "double", "decimal(6, 2)"])
def test_codes_that_are_numbers(tmp_path: Path, type_: str) -> None:
    """6011.0 is 6011: else it would be taken for any other code without a word."""
    source = written(
        tmp_path / "bank",
        "transactions:\n  columns:\n    transaction_type: {column: mcc, codes: {6011: cash_advance, 4829: fee}, other: oneoff_purchase}\n",
        transactions="",
    )
    duckdb.execute(
        "copy (select 'T' as transaction_id, 'A' as account_id, date '2025-01-31' as posted_on, 5.0 as amount,"
        f" unnest([6011, 5300, null])::{type_} as mcc) to '{source / 'transactions.parquet'}'"
    )
    assert [kind for (kind,) in rows(source, "transaction_type")] == [
        "cash_advance",
        "oneoff_purchase",
        "oneoff_purchase",
    ]
    said = "\n".join(opened(source)[1].notes)
    assert (
        "codes that the mapping does not name: (empty) (1 rows), 5300 (1 rows); they are taken as `other` says."
        in said
    )
    assert "codes of the mapping that never occur: 4829." in said


def test_a_mapping_that_leaves_nothing(tmp_path: Path) -> None:
    source = written(
        tmp_path / "bank", "transactions:\n  columns:\n    transaction_type: {other: leave_out}\n"
    )
    with pytest.raises(UserError, match="the mapping leaves out all of its 1 rows"):
        opened(source)


def test_columns_put_together(tmp_path: Path) -> None:
    source = written(
        tmp_path / "bank",
        "transactions:\n  columns:\n    transaction_id: {rows: true}\n    account_id: [user, card]\n"
        "    posted_on: {year: y, month: m, day: d}\n    amount: {column: cents, divide_by: 100}\n"
        "    transaction_type: {value: fee}\n",
        transactions="user,card,y,m,d,cents\n 7.0,0,2025,1,9,1250\n8,1,2025,12,31,5\n",
    )
    assert rows(source, "transaction_id, account_id, posted_on, transaction_type, amount") == [
        ("1", "7-0", "2025-01-09", "fee", "1250"),
        ("2", "8-1", "2025-12-31", "fee", "5"),
    ]
    assert opened(source)[1].spellings["transactions.amount.divide_by"] == "100"


def test_ids_by_rows_of_several_files_are_unique(tmp_path: Path) -> None:
    source = written(
        tmp_path / "bank", "transactions:\n  columns:\n    transaction_id: {rows: true}\n", transactions=""
    )
    (source / "transactions").mkdir()
    for part in "ab":
        (source / "transactions" / f"{part}.csv").write_text(
            "account_id,posted_on,transaction_type,amount\nA,2025-01-31,fee,1\nA,2025-01-31,fee,2\n",
            encoding="utf-8",
        )
    connection, _ = opened(source)
    with connection:
        for view in ("transactions", "transactions_unnumbered"):
            found = connection.execute(f"select transaction_id from raw.{view} order by all").fetchall()
            assert [each for (each,) in found] == [f"transactions/{p}.csv:{n}" for p in "ab" for n in (1, 2)]


def test_a_name_with_another_meaning_stays_beside(tmp_path: Path) -> None:
    """Their `amount` is another thing than ours, and is kept for whoever looks at a refused row."""
    source = written(
        tmp_path / "bank",
        "transactions:\n  columns: {amount: settled}\n",
        transactions="transaction_id,account_id,posted_on,transaction_type,amount,Settled\nT,A,2025-01-31,fee,1,2\n",
    )
    assert rows(source, "amount, amount_as_given") == [("2", "1")]


def test_names_of_files_and_columns_as_spreadsheets_write_them(tmp_path: Path) -> None:
    source = written(
        tmp_path / "bank",
        "accounts:\n  file: Kartu Nasabah.csv\n  columns: {account_id: No. Kartu, customer_id: CIF-No, opened_on: null, closed_on: ~}\n",
        accounts="",
    )
    (source / "Kartu Nasabah.csv").write_text("No. Kartu;CIF No\nA;001\n", encoding="utf-8")
    assert rows(source, "account_id, customer_id, opened_on", "accounts") == [("A", "001", None)]


def test_a_file_may_be_a_link(tmp_path: Path) -> None:
    """Large files are linked into a folder; a name that leads out of it is a mistake."""
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(PLAIN["accounts"], encoding="utf-8")
    source = written(tmp_path / "bank", "accounts:\n  file: cards.csv\n", accounts="")
    (source / "cards.csv").symlink_to(elsewhere)
    assert rows(source, "customer_id", "accounts") == [("1",), ("2",)]
    (source / "mapping.yml").write_text(f"accounts:\n  file: {elsewhere}\n", encoding="utf-8")
    with pytest.raises(UserError, match="accounts: there is no"):
        opened(source)


def test_a_file_that_is_joined(tmp_path: Path) -> None:
    mapping = "accounts:\n  join: {file: dates.csv, on: account_id}\n  columns: {opened_on: since, closed_on: null}\n"
    accounts = "account_id,customer_id\nA,1\nB,2\n"
    source = written(tmp_path / "bank", mapping, accounts=accounts, dates="account_id,since\nA ,2020-05-05\n")
    assert rows(source, "account_id, opened_on", "accounts") == [("A", "2020-05-05"), ("B", None)]
    assert "1 rows have no partner by account_id in dates.csv" in "\n".join(opened(source)[1].notes)
    written(source, dates="account_id,since\nA,2020-05-05\nA,2021-05-05\n")
    with pytest.raises(UserError, match="account_id A stands there more than once"):
        opened(source)


def test_a_joined_table_may_come_in_parts(tmp_path: Path) -> None:
    """Of other columns, too, and a key twice in two of them is found."""
    mapping = (
        "accounts:\n  join: {file: dates, on: account_id}\n  columns: {opened_on: since, closed_on: null}\n"
    )
    source = written(tmp_path / "bank", mapping, accounts="account_id,customer_id\nA,1\nB,2\nC,3\n")
    (source / "dates").mkdir()
    for name, text in {
        "a": "account_id,since\nA,2020-05-05\n",
        "b": "branch,account_id,since\nx,B,2021-05-05\n",
        "c": "account_id,since\nC,2022-05-05\n",
    }.items():
        (source / "dates" / f"{name}.csv").write_text(text, encoding="utf-8")
    assert rows(source, "account_id, opened_on", "accounts") == [
        ("A", "2020-05-05"), ("B", "2021-05-05"), ("C", "2022-05-05")
    ]  # fmt: skip
    (source / "dates" / "d.csv").write_text("account_id,since\nA,2022-05-05\n", encoding="utf-8")
    with pytest.raises(UserError, match="account_id A stands there more than once"):
        opened(source)


def test_accounts_from_transactions(tmp_path: Path) -> None:
    source = written(
        tmp_path / "bank",
        "accounts:\n  from: transactions\n  columns: {account_id: card, customer_id: client, opened_on: null, closed_on: null}\n"
        "transactions:\n  columns: {account_id: card}\n",
        accounts="",
        transactions="transaction_id,card,client,posted_on,transaction_type,amount\n"
        "T1,A,1,2025-01-31,fee,1\nT2,A,1,2025-02-28,fee,1\nT3,B,2,2025-02-28,fee,1\n",
    )
    assert rows(source, "account_id, customer_id", "accounts") == [("A", "1"), ("B", "2")]
    assert rows(source, "account_id") == [("A",), ("A",), ("B",)]
    (source / "mapping.yml").write_text(
        "accounts:\n  from: transactions\n  columns: {account_id: card, opened_on: null}\n", encoding="utf-8"
    )
    with pytest.raises(
        UserError, match=r"transactions, whose files lack customer_id, closed_on|lacks the column account_id"
    ):
        opened(source)


def test_a_ledger_without_statements(tmp_path: Path) -> None:
    connection, intake = opened(written(tmp_path / "bank"))
    with connection:
        assert connection.execute(
            "select count(*), any_value(minimum_due) from raw.statements"
        ).fetchall() == [(0, None)]
        assert connection.execute("select distinct source from raw.inputs order by 1").fetchall() == [
            ("accounts",), ("transactions",),
        ]  # fmt: skip
    assert intake.notes[-1] == (
        "statements: not there, which leaves balances, credit limits, minimum payments and what was paid in full unknown."
    )


def test_statements_that_are_there_may_be_left_aside(tmp_path: Path) -> None:
    source = written(tmp_path / "bank", "statements: null\n", statements="what,ever\n1,2\n")
    assert "statements: not there" in opened(source)[1].notes[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("transactions:\n  columns: {amout: x}", "transactions.amout: is no column of transactions (did you mean amount?)"),
        ("transaction:\n  columns: {}", "transaction: is nothing a mapping holds (did you mean transactions?)"),
        ("accounts: null", "accounts: cannot be left out; only statements can."),
        ("accounts:\n  columns: {customer_id: null}", "accounts.customer_id: cannot be left out: the job needs it."),
        ("decimal_mark: comma", "decimal_mark: expected , or ., found comma."),
        ("balances: negative", "balances: expected negative_is_owed or positive_is_owed, found negative."),
        ("transactions:\n  columns: {posted_on: {column: d, format: ddmmyy}}", "format: expected a pattern like %d.%m.%Y"),
        ("transactions:\n  columns: {posted_on: {column: d, format: '%Q%m'}}", "format: expected a pattern like %d.%m.%Y"),
        ("currency: Euro", "currency: expected three letters, found Euro."),
        ("transactions:\n  columns: {amount: {column: a, negative: maybe}}", "negative: expected out or in"),
        ("transactions:\n  columns: {amount: {column: a, divide_by: -1}}", "divide_by: expected a number above 0, found -1."),
        ("transactions:\n  columns: {amount: {debit: a}}", "transactions.amount: expected a column, {column: , negative: in}"),
        ("transactions:\n  columns: {transaction_type: {column: t, codes: {A: purchase}}}", "codes.A: purchase is no transaction type"),
        ("transactions:\n  columns: {transaction_type: {column: t, codes: {A: {out: fee}}}}", "codes.A: expected one of"),
        ("transactions:\n  columns: {transaction_type: {column: t, codes: {A: {out: fee, in: refund}}}}", "amount does not say which way"),
        ("transactions:\n  columns: {amount: TODO}", "transactions.amount: is still to be filled in"),
        ("transactions:\n  columns: {transaction_type: {column: t, codes: {A: TODO}}}", "codes.A: is still to be filled in"),
        ("customer_summary:\n  columns: {tenure: {value: a year}}", "tenure: value: expected a number like 12.5, found a year."),
        ("statements:\n  from: transactions", "statements.from: only accounts can be taken from another table"),
        ("accounts:\n  join: disp.csv", "accounts.join: expected {file: , on: }"),
        ("customer_summary:\n  file: cards.csv", "customer_summary.file: a summary is the file that SOURCE names."),
        ("accounts:\n  sheet: 1", "accounts.sheet: expected file, from, join or columns."),
        ("lists: {kunde: x}", "lists: expected the name of customer_id in your lists"),
        ("- a\n- b", "the file: expected tables (accounts, transactions, statements, customer_summary)"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str, said: str) -> None:
    [line] = faults(tmp_path, text)
    assert said in line and line.endswith(".")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accounts:\n  columns: {a: b\n", "is not YAML as it should be"),
        ("transactions:\n  columns:\n    amount: a\n    amount: b\n", "line 4: is not YAML as it should be: amount stands there twice"),
    ],
)  # fmt: skip
def test_faults_of_the_file(tmp_path: Path, text: str, said: str) -> None:
    [line] = faults(tmp_path, text)
    assert said in line


def test_every_fault_at_once(tmp_path: Path) -> None:
    text = "balances: x\naccounts:\n  columns: {acount_id: a, customer_id: TODO}\n"
    assert len(faults(tmp_path, text)) == 3


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"MAPPING=.*none.yml: no such file; make mapping SOURCE=path writes a first one"
    ):
        load_mapping(tmp_path / "none.yml", CONTRACT)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("accounts:\n  file: cards.csv\n", r"accounts: there is no cards.csv in .* \(it holds accounts.csv, mapping.yml, trans"),
        ("accounts:\n  file: ../bank/../else.csv\n", "accounts: there is no"),
        ("accounts:\n  columns: {customer_id: klient}\n", "accounts.csv lacks the column klient of accounts"),
        ("customer_summary:\n  columns: {cust_id: id}\n", "describes a customer summary; give the file itself"),
    ],
)  # fmt: skip
def test_a_mapping_of_another_input(tmp_path: Path, mapping: str, said: str) -> None:
    (tmp_path / "else.csv").write_text("x\n1\n", encoding="utf-8")
    with pytest.raises(UserError, match=said):
        opened(written(tmp_path / "bank", mapping))


def test_a_ledgers_mapping_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text("cust_id,balance\n1,2\n", encoding="utf-8")
    (tmp_path / "cards.mapping.yml").write_text("statements: null\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"is a file, but .*cards.mapping.yml describes a ledger"):
        opened(tmp_path / "cards.csv")


def test_which_mapping_is_read(tmp_path: Path) -> None:
    """The named one, else the one beside the input, else that of the last build."""
    folder, before = written(tmp_path / "bank"), tmp_path / "before.yml"
    assert find_mapping(folder, "", None) is None
    assert find_mapping(folder, "", before) == before
    written(folder, "statements: null\n")
    assert find_mapping(folder, "", before) == folder / "mapping.yml"
    assert find_mapping(folder, str(before), None) == before
    assert find_mapping(folder, "none", before) is None
    assert mapping_beside(tmp_path / "cards.csv.gz").name == "cards.mapping.yml"
    assert mapping_beside(tmp_path / "cards.parquet").name == "cards.mapping.yml"


@pytest.mark.parametrize(
    ("mapping", "column"),
    [
        ("accounts:\n  columns: {customer_id: CIF No}\n", "CIF-No"),
        ("lists: {customer_id: Klient}\naccounts:\n  columns: {customer_id: CIF No}\n", "klient"),
    ],
)
def test_lists_may_call_the_id_as_the_bank_does(tmp_path: Path, mapping: str, column: str) -> None:
    path = tmp_path / "mapping.yml"
    path.write_text(mapping, encoding="utf-8")
    names = load_mapping(path, CONTRACT).id_columns
    (tmp_path / "list.csv").write_text(f"reason,{column}\nmoved,007\n", encoding="utf-8")
    duckdb.execute(f"copy (select '007' as \"{column}\") to '{tmp_path / 'list.parquet'}'")
    for ending in ("csv", "parquet"):
        assert read_ids(tmp_path / f"list.{ending}", "OPT_OUT", names) == ["007"]
        with pytest.raises(UserError, match="has no column customer_id"):
            read_ids(tmp_path / f"list.{ending}", "OPT_OUT")


def test_rows_as_ids(tmp_path: Path) -> None:
    columns = [column.name for column in CONTRACT.summary["customer_summary"] if column.name != "cust_id"]
    path = tmp_path / "cards.csv"
    path.write_text(",".join(columns) + "\n" + ",".join("2" for _ in columns) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"lacks the column cust_id .*IDS=rows takes the numbers of its rows"):
        opened(path)
    with duckdb.connect() as connection:
        open_source(connection, path, CONTRACT, with_row_ids(UNMAPPED, CONTRACT))
        assert connection.execute("select cust_id, tenure from raw.customer_summary").fetchall() == [
            ("1", "2")
        ]
    (tmp_path / "m.yml").write_text("statements: null\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"IDS=rows: .*m.yml says already"):
        with_row_ids(load_mapping(tmp_path / "m.yml", CONTRACT), CONTRACT)


@pytest.mark.parametrize(
    ("layout", "guessed", "left"),
    [
        (berka, {"accounts": {"customer_id": "client_id"}, "transactions": {"transaction_id": "trans_id"}}, 2),
        (anz, {"accounts": {"account_id": "account"}, "transactions": {"amount": {"column": "amount", "direction": "movement"}}}, 7),
        (tabformer, {"transactions": {"posted_on": {"year": "year", "month": "month", "day": "day"}}}, 3),
    ],
)  # fmt: skip
def test_a_draft(
    tmp_path: Path,
    plain: tuple[Path, pd.DataFrame],
    layout: Layout,
    guessed: dict[str, dict[str, object]],
    left: int,
) -> None:
    """It is a mapping but for what is left to a person, each place of which a build refuses with a sentence."""
    source = layout(plain[0], tmp_path / "bank")
    draft = draft_mapping(source, CONTRACT)
    content = yaml.safe_load(draft)
    for table, columns in guessed.items():
        assert {name: content[table]["columns"][name] for name in columns} == columns
    assert content["statements"] is None
    assert open_places(draft) == left
    open_ones = faults(tmp_path, draft)
    assert [
        line
        for line in open_ones
        if "TODO" not in line and "filled in" not in line and "negative" not in line
    ] == []
    filled = re.sub(r"negative: TODO", "negative: in", draft).replace("TODO", "fee")
    (source / "mapping.yml").write_text(filled, encoding="utf-8")
    assert opened(source)[1].kind == "ledger"


def test_a_draft_of_a_summary(tmp_path: Path) -> None:
    draft = yaml.safe_load(draft_mapping(bank_churners(tmp_path / "bank"), CONTRACT))
    columns = draft["customer_summary"]["columns"]
    assert columns["cust_id"] == "clientnum" and columns["purchases_trx"] == "total_trans_ct"
    assert columns["tenure"] == "TODO" and columns["cash_advance"] is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none", "does not exist"),
        (lambda folder: folder, "holds no .csv, .csv.gz or .parquet file"),
        (lambda folder: bank_churners(folder / "bank").parent, "lacks nothing"),
    ],
)
def test_what_no_draft_is_made_of(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    source = make(tmp_path)
    if said == "lacks nothing":
        columns = [column.name for column in CONTRACT.summary["customer_summary"]]
        (source / "BankChurners.csv").write_text(
            ",".join(columns) + "\n" + ",".join("1" * 18) + "\n", encoding="utf-8"
        )
        said = "is a folder; name the customer summary in it"
    with pytest.raises(UserError, match=said):
        draft_mapping(source, CONTRACT)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("transactions.parquet", b"PAR1garbagePAR1", "is a cut-off or damaged Parquet file"),
        ("transactions.csv", b"", "is empty"),
        ("notes.pdf", b"hello", "is no .csv, .csv.gz or .parquet file"),
    ],
)
def test_a_draft_refuses_files_as_a_build_does(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    source = tmp_path / name if name.endswith("pdf") else tmp_path
    with pytest.raises(UserError, match=said):
        draft_mapping(source, CONTRACT)


def test_a_draft_reads_what_a_build_reads(tmp_path: Path) -> None:
    """A byte that is not UTF-8 far down, and quotes that do not close."""
    lines = [f"T{place},A,2025-01-31,fee,1" for place in range(60_000)]
    text = "\n".join(
        [
            "transaction_id,account_id,posted_on,code,amount",
            *lines,
            "T,A,2025-01-31,gebühr,1",
            'U,A,2025-01-31,"x,1',
        ]
    )
    source = written(tmp_path / "bank", transactions="")
    (source / "transactions.csv").write_bytes(f"{text}\n".encode("latin-1"))
    assert "'gebühr': TODO" in draft_mapping(source, CONTRACT)


def test_a_draft_of_the_jobs_own_layout_has_nothing_to_fill_in(plain: tuple[Path, pd.DataFrame]) -> None:
    draft = draft_mapping(plain[0], CONTRACT)
    assert open_places(draft) == 0
    assert yaml.safe_load(draft)["statements"]["columns"]["paid_by_due_on"] == "paid_by_due_on"


def test_the_pages_examples_are_mappings(tmp_path: Path) -> None:
    page = (REPO / "docs" / "mapping.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.+?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "mapping.yml").write_text(block, encoding="utf-8")
        assert load_mapping(tmp_path / "mapping.yml", CONTRACT).tables


def test_types_of_the_contract_are_those_of_the_sql() -> None:
    macro = (REPO / "dbt_project" / "macros" / "ledger.sql").read_text(encoding="utf-8")
    named = re.findall("'([a-z_]+)'", macro.partition("transaction_types() %}")[2].partition("endmacro")[0])
    assert tuple(named) == transaction_types(CONTRACT)


def test_a_mapping_says_nothing_until_it_is_asked() -> None:
    assert InputMapping().table("accounts").columns == {} and not InputMapping().lacks("accounts")


@pytest.mark.parametrize("told_by", ["balance_after", "opening_balance"])
@pytest.mark.parametrize("owed_below_zero", [False, True])
def test_balances_that_transactions_leave(
    tmp_path: Path, plain: tuple[Path, pd.DataFrame], owed_below_zero: bool, told_by: str
) -> None:
    """Month by month the balance behind the last transaction, carried on through months without one."""
    moves = pd.read_csv(plain[0] / "transactions.csv", dtype={"transaction_id": str})
    moves = moves.sort_values(["account_id", "posted_on"], kind="stable")
    comes_in = moves["transaction_type"].isin(["payment", "refund"])
    moves["saldo"] = (
        moves["amount"].where(~comes_in, -moves["amount"]).groupby(moves["account_id"]).cumsum().round(2)
    )
    opening = pd.Series(
        [200 + 7.5 * (i % 9) for i in range(moves["account_id"].nunique())],
        index=sorted(moves["account_id"].unique()),
    )
    if told_by == "opening_balance":
        moves["saldo"] += moves["account_id"].map(opening)
    months = pd.to_datetime(moves["posted_on"]).dt.month
    ends = moves.groupby([moves["account_id"], months])["saldo"].last().unstack().ffill(axis=1).clip(lower=0)
    source = tmp_path / "bank"
    source.mkdir()
    accounts = pd.read_csv(plain[0] / "accounts.csv", dtype=str)
    if owed_below_zero:
        moves["saldo"] *= -1
        opening *= -1
    if told_by == "opening_balance":
        del moves["saldo"]
        accounts["anfang"] = accounts["account_id"].map(opening)
        # A row that comes twice moves nothing twice.
        moves = pd.concat([moves, moves.head(50)])
    moves.to_csv(source / "transactions.csv", index=False, decimal=",", sep=";")
    accounts.to_csv(source / "accounts.csv", index=False)
    theirs = (
        "transactions:\n  columns: {balance_after: Saldo}"
        if told_by == "balance_after"
        else "accounts:\n  columns: {opening_balance: anfang}"
    )
    sign = "negative_is_owed" if owed_below_zero else "positive_is_owed"
    (source / "mapping.yml").write_text(f"balances: {sign}\n{theirs}\n", encoding="utf-8")
    found = job_features(source, tmp_path / "warehouse").set_index("customer_id")
    accounts = accounts.set_index("account_id")
    ends.index = accounts.loc[ends.index, "customer_id"]
    # Open in all twelve months, eleven snapshots; of some the balance is known in fewer.
    whole = [each for each in found.index[found["tenure"] == 12] if ends.loc[each].notna().all()]
    assert len(whole) > 150
    expected = ends.loc[whole, list(range(2, 13))]
    assert found.loc[whole, "balance"].to_numpy() == pytest.approx(expected.mean(axis=1).to_numpy())
    frequency = (expected > 0).sum(axis=1) / 11
    assert found.loc[whole, "balance_frequency"].to_numpy() == pytest.approx(frequency.to_numpy())
    assert found[["credit_limit", "minimum_payments", "prc_full_payment"]].isna().all().all()
    said = next(note for note in opened(source)[1].notes if note.startswith("statements: not there"))
    assert said.startswith(
        "statements: not there, which leaves credit limits, minimum payments and what was paid"
    )
    assert said.endswith(
        "balances are those of balance_after in transactions."
        if told_by == "balance_after"
        else "balances are opening_balance in accounts and what has moved since."
    )


def test_balances_that_cannot_be_read_or_are_not_there(
    tmp_path: Path, plain: tuple[Path, pd.DataFrame]
) -> None:
    """Where they are used they are told: refused rows, and a check. Beside statements such columns mean nothing."""
    accounts = pd.read_csv(plain[0] / "accounts.csv", dtype=str)
    accounts["opening_balance"] = "10.5"
    # A customer each: without one, and with one that is no number.
    once = accounts[~accounts["customer_id"].duplicated(keep=False)].index[:2]
    accounts.loc[once, "opening_balance"] = ["", "ten"]
    moves = pd.read_csv(plain[0] / "transactions.csv", dtype=str)
    moves["balance_after"] = "1.00"
    moves.loc[3, "balance_after"] = "1.00 about"
    for name in ("opening", "after", "beside"):
        (tmp_path / name).mkdir()
        accounts.to_csv(tmp_path / name / "accounts.csv", index=False)
        used = moves.drop(columns="balance_after") if name == "opening" else moves
        used.to_csv(tmp_path / name / "transactions.csv", index=False)
    accounts.drop(columns="opening_balance").to_csv(tmp_path / "after" / "accounts.csv", index=False)
    (tmp_path / "beside" / "statements.csv").write_bytes((plain[0] / "statements.csv").read_bytes())
    found = features_or_sentences(
        [tmp_path / name for name in ("opening", "after", "beside")], tmp_path / "jobs"
    )
    told = []
    for place in range(3):
        with duckdb.connect(
            str(tmp_path / "jobs" / str(place) / "work.duckdb"), read_only=True
        ) as connection:
            reasons = connection.execute(
                "select reason, count(*) from customers.int_rejected_rows where contains(reason, '_balance is')"
                " or contains(reason, 'balance_after') group by reason"
            ).fetchall()
            missing = connection.execute(
                "select affected_rows from customers.int_quality_checks where check_name = 'balance_missing'"
            ).fetchall()
        told.append((reasons, missing))
    assert told[0] == ([("opening_balance is not a number", 1)], [(1,)])
    assert told[1][0] == [("balance_after is not a number", 1)]
    assert told[2] == ([], [(0,)])
    opening, beside = found[0], found[2]
    assert isinstance(opening, pd.DataFrame) and isinstance(beside, pd.DataFrame)
    without, unread = accounts.loc[once, "customer_id"]
    assert opening.set_index("customer_id").loc[without, ["balance"]].isna().all()
    assert unread not in set(opening["customer_id"]) and unread in set(beside["customer_id"])
