"""The mapping: a bank's own names of tables, columns and codes, told once in a YAML file; docs/mapping.md explains it.

Reads that one file and writes nothing. All of its faults are told at once. What it says becomes SQL in mapped_columns.py.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from scripts.base.days import day_of
from scripts.base.errors import UserError
from scripts.base.parameters import CURRENCY_CODE
from scripts.base.paths import given_path
from scripts.base.sentences import shown
from scripts.intake.csv_dialect import normalise
from scripts.intake.source_files import EXTRA_COLUMNS, Column, Contract

# Beside a ledger's tables; beside a file, behind the file's name without its ending.
NAME_IN_FOLDER = "mapping.yml"
ENDING_BESIDE_FILE = ".mapping.yml"
NO_MAPPING = "none"

# Parameters of the build that a mapping may hold: the same words, the same meaning.
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "decimal_mark": (",", "."),
    "date_order": ("dmy", "mdy"),
    "time_zone": (),
    "currency": (),
}
BALANCES = {"negative_is_owed": "negative", "positive_is_owed": "positive"}
# Columns of lists of customers; the others of outcomes have names of their own already.
LIST_COLUMNS = ("customer_id",)

# Where the customer's id stands.
ID_PLACES = (("accounts", "customer_id"), ("customer_summary", "cust_id"))

LEAVE_OUT = "leave_out"
OUT, IN = "out", "in"
DIRECTION_WORDS = {OUT: ("d", "dr", "debit", "dbit"), IN: ("c", "cr", "credit", "crdt")}
KEY_SEPARATOR, CODE_SEPARATOR = "-", " / "
# What a draft leaves to a person.
OPEN = "TODO"
NOTHING = ("", "~", "null", "Null", "NULL")
FORMS = {
    "text": "a column, [several, columns] or {rows: true}",
    "date": "a column, {column: , format: '%d.%m.%Y'} or {year: , month: , day: }",
    "number": "a column or {column: , divide_by: 100}",
    "amount": "a column, {column: , negative: in}, {out: , in: } or {column: , direction: }",
    "type": "a column or {column: , codes: {theirs: ours}, other: }",
}


@dataclass(frozen=True)
class CodeTarget:
    """The transaction types of a code: where money leaves the customer's hands (`out`), and where it comes in."""

    out: str
    into: str

    @property
    def needs_direction(self) -> bool:
        """True where the two differ."""
        return self.out != self.into


@dataclass(frozen=True)
class Form:
    """How a column of the contract comes out of the bank's.

    Attributes:
        kind: column, absent, value, joined, rows, year_month_day, format, signed, split, told or codes.
        columns: the bank's, as headers are normalised; of `told` the amount, then the direction; of `split` out, in.
        value: of `value` the text; of `format` the strptime pattern; of `signed` where negative amounts go.
        divide_by: of a number; 1 where it is in the job's unit.
        words: of `told` the words of each direction, in lower case.
        codes: of `codes` the targets by code, in lower case.
        other: of `codes` the target of every other code, or None.
    """

    kind: str
    columns: tuple[str, ...] = ()
    value: str = ""
    divide_by: str = "1"
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, CodeTarget] = field(default_factory=dict)
    other: CodeTarget | None = None

    @property
    def tells_direction(self) -> bool:
        """True for an amount that says which way the money moved."""
        return self.kind in ("signed", "split", "told")


@dataclass(frozen=True)
class Join:
    """A file with more columns about the same rows, found by a key that both have."""

    file: str
    on: str


@dataclass(frozen=True)
class TableMapping:
    """One table: the file or folder it is in, or the table it is taken from, and its columns by the contract's names."""

    file: str = ""
    taken_from: str = ""
    join: Join | None = None
    columns: Mapping[str, Form] = field(default_factory=dict)

    def theirs(self, columns: Iterable[Column]) -> list[str]:
        """The bank's columns that must be there: those named, and the contract's under their own names."""
        wanted = [name for form in self.columns.values() for name in form.columns]
        wanted += [column.name for column in columns if column.name not in self.columns]
        return list(dict.fromkeys(wanted))


@dataclass(frozen=True)
class InputMapping:
    """A whole mapping file.

    Attributes:
        path: of the file; None where there is none.
        tables: by the contract's names; None for a table that the bank does not have.
        parameters: of the build, by name.
        balances: `negative`, `positive`, or empty where the numbers decide.
        lists: the bank's names of columns in lists of customers, by the job's.
    """

    path: Path | None = None
    tables: Mapping[str, TableMapping | None] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    balances: str = ""
    lists: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> TableMapping:
        """The table's mapping; one that says nothing where there is none."""
        return self.tables.get(name) or TableMapping()

    @property
    def id_columns(self) -> tuple[str, ...]:
        """What lists of customers may call the id: what the mapping says of lists, else what the bank's table calls it."""
        if self.lists:
            return tuple(self.lists.values())
        forms = (self.table(table).columns.get(name) for table, name in ID_PLACES)
        return tuple(form.columns[0] for form in forms if form and form.kind == "column")

    def lacks(self, name: str) -> bool:
        """True where the mapping says that the bank has no such table."""
        return name in self.tables and self.tables[name] is None


UNMAPPED = InputMapping()


def find_mapping(source: Path, given: str, before: Path | None) -> Path | None:
    """The mapping to read: the one that is named, else the one beside the input, else that of the last build.

    given: a path, `none` for no mapping at all, or empty.
    """
    if given:
        return None if given == NO_MAPPING else given_path("MAPPING", given).absolute()
    beside = mapping_beside(source.absolute())
    return beside if beside.is_file() else before


def mapping_beside(source: Path) -> Path:
    """Where a mapping of this input is looked for: mapping.yml in a folder, `<name>.mapping.yml` beside a file."""
    if source.is_dir():
        return source / NAME_IN_FOLDER
    return source.with_name(re.sub(r"(\.csv|\.csv\.gz|\.parquet)$", "", source.name) + ENDING_BESIDE_FILE)


def load_mapping(path: Path, contract: Contract) -> InputMapping:
    """Read a mapping file and check it against the contract.

    Raises UserError that names every fault, each in a sentence of its own.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"MAPPING={path}: no such file; make mapping SOURCE=path writes a first one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"MAPPING={path}: cannot be read as UTF-8 text ({getattr(error, 'strerror', None) or error})."
        ) from None
    try:
        content = yaml.load(text, Loader=_Texts)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(
            f"{path}{where}: is not YAML as it should be: {getattr(error, 'problem', None) or error}."
        ) from None
    reader = _Reader(contract)
    mapping = reader.mapping(path, content)
    if reader.faults:
        raise UserError(*(f"{path}: {fault}" for fault in reader.faults))
    return mapping


def transaction_types(contract: Contract) -> tuple[str, ...]:
    """The types of transactions that the contract knows."""
    return next(
        column.values for column in contract.ledger["transactions"] if column.name == "transaction_type"
    )


def with_row_ids(mapping: InputMapping, contract: Contract) -> InputMapping:
    """The mapping with the numbers of a summary's rows as its customers' ids.

    Raises UserError where the mapping is of a ledger or knows the ids.
    """
    ((name, _),) = contract.summary.items()
    table = mapping.table(name)
    if any(each in contract.ledger for each in mapping.tables) or "cust_id" in table.columns:
        raise UserError(f"IDS=rows: {mapping.path} says already what the ids are; leave IDS out.")
    return replace(
        mapping,
        tables={name: replace(table, columns={**table.columns, "cust_id": Form("rows")})},
    )


class _Texts(yaml.BaseLoader):
    """YAML in which every value is text as it stands: `no`, `1.0` and `007` are codes, and none is said twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands there twice", key.start_mark
                )
            seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep=True)
        return found


class _Reader:
    """Reads the parts of a mapping and collects their faults, so that a person sees all of them at once."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.types = transaction_types(contract)
        self.faults: list[str] = []

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{shown(where, 80)}: {what}.")

    def mapping(self, path: Path, content: Any) -> InputMapping:
        known = {**self.contract.ledger, **self.contract.summary}
        if not isinstance(content, dict):
            self.fault("the file", f"expected tables ({', '.join(known)}) with their columns")
            return InputMapping(path)
        names = [*known, *PARAMETERS, "balances", "lists"]
        for name in content:
            if name not in names:
                self.fault(
                    name, f"is nothing a mapping holds{_near(name, names)}; known are {', '.join(names)}"
                )
        parameters = {}
        for name in PARAMETERS:
            if name in content:
                value = content[name]
                known_word = not PARAMETERS[name] or value in PARAMETERS[name]
                if name == "currency":
                    known_word = bool(re.fullmatch(CURRENCY_CODE, str(value)))
                if not isinstance(value, str) or not known_word:
                    expected = (
                        " or ".join(PARAMETERS[name]) or "three letters" * (name == "currency") or "one word"
                    )
                    self.fault(name, f"expected {expected}, found {shown(value)}")
                else:
                    parameters[name] = value
        balances = content.get("balances", "")
        if balances and balances not in BALANCES:
            self.fault("balances", f"expected {' or '.join(BALANCES)}, found {shown(balances)}")
        lists = content.get("lists", {})
        if not isinstance(lists, dict) or not set(lists) <= set(LIST_COLUMNS):
            self.fault(
                "lists",
                f"expected the name of {' or '.join(LIST_COLUMNS)} in your lists, found {shown(lists)}",
            )
            lists = {}
        tables = {name: self.table(name, content[name]) for name in known if name in content}
        for name, table in tables.items():
            if table and table.taken_from and not tables.get(table.taken_from, TableMapping()):
                self.fault(name, f"is taken from {table.taken_from}, which the mapping says is not there")
        return InputMapping(
            path,
            tables,
            parameters,
            BALANCES.get(balances, "") if isinstance(balances, str) else "",
            {ours: normalise(str(theirs)) for ours, theirs in lists.items()},
        )

    def table(self, name: str, content: Any) -> TableMapping | None:
        if isinstance(content, str) and content in NOTHING:
            if name not in self.contract.optional:
                self.fault(name, "cannot be left out; only " + " and ".join(self.contract.optional) + " can")
            return None
        if not isinstance(content, dict):
            self.fault(name, "expected `file` and `columns`, or null where you have no such table")
            return TableMapping()
        for key in content:
            if key not in ("file", "from", "join", "columns"):
                self.fault(f"{name}.{key}", "expected file, from, join or columns")
        if name in self.contract.summary and "file" in content:
            self.fault(f"{name}.file", "a summary is the file that SOURCE names")
        taken_from = content.get("from", "")
        if taken_from and (name != "accounts" or taken_from != "transactions"):
            self.fault(f"{name}.from", "only accounts can be taken from another table, from: transactions")
            taken_from = ""
        if taken_from and ("file" in content or "join" in content):
            self.fault(name, "is taken from transactions, so it has no file and no join of its own")
        join = content.get("join")
        if join is not None and not (isinstance(join, dict) and set(join) == {"file", "on"}):
            self.fault(f"{name}.join", "expected {file: , on: }, a file and the column that both have")
            join = None
        columns = content.get("columns", {})
        if not isinstance(columns, dict):
            self.fault(f"{name}.columns", "expected our column: yours, one a line")
            columns = {}
        return TableMapping(
            str(content.get("file", "")),
            taken_from,
            Join(str(join["file"]), normalise(str(join["on"]))) if join else None,
            self.columns(name, columns),
        )

    def columns(self, table: str, content: Mapping[str, Any]) -> dict[str, Form]:
        contract = {
            column.name: column for column in ({**self.contract.ledger, **self.contract.summary})[table]
        }
        forms = {}
        for given, value in content.items():
            name = normalise(given)
            if name == "customer_id" and "cust_id" in contract:
                name = "cust_id"
            where = f"{table}.{given}"
            if name in EXTRA_COLUMNS.get(table, {}):
                column = Column(name, EXTRA_COLUMNS[table][name], True, True)
            elif name in contract:
                column = contract[name]
            else:
                self.fault(
                    where, f"is no column of {table}{_near(name, contract)}; it has {', '.join(contract)}"
                )
                continue
            form = self.form(where, column, value)
            if form:
                forms[name] = form
        kinds = forms.get("transaction_type"), forms.get("amount")
        if table == "transactions" and kinds[0] and not (kinds[1] and kinds[1].tells_direction):
            targets = [*kinds[0].codes.values(), *filter(None, [kinds[0].other])]
            if any(target.needs_direction for target in targets):
                self.fault(
                    f"{table}.transaction_type",
                    "tells out from in, but amount does not say which way the money moved: "
                    + FORMS["amount"],
                )
        return forms

    def form(self, where: str, column: Column, value: Any) -> Form | None:
        """The form of one column; None, and a fault, where it cannot be one."""
        kind = _kind_of(column)
        if value == OPEN:
            self.fault(where, f"is still to be filled in: {FORMS[kind]}, or null where you have none")
            return None
        if isinstance(value, str):
            if value in NOTHING:
                if not column.may_be_absent:
                    self.fault(where, "cannot be left out: the job needs it")
                return Form("absent")
            return Form("column", (normalise(value),))
        if isinstance(value, list) and kind == "text" and value and all(isinstance(v, str) for v in value):
            return Form("joined", tuple(map(normalise, value)))
        if isinstance(value, dict):
            found = self.dictionary(where, column, kind, value)
            if found:
                return found
        self.fault(
            where, f"expected {FORMS[kind]}, null where you have none, or {{value: }}; found {shown(value)}"
        )
        return None

    def dictionary(self, where: str, column: Column, kind: str, value: Mapping[str, Any]) -> Form | None:
        """The forms that are written {key: value}; None where the keys are those of none."""
        keys = set(value)
        text = {key: each for key, each in value.items() if isinstance(each, str)}
        theirs = (normalise(text.get("column", "")),)
        if keys == {"value"} == set(text):
            self.constant(where, kind, text["value"])
            return Form("value", value=text["value"])
        if kind == "text" and value == {"rows": "true"}:
            return Form("rows")
        if kind == "date" and keys == {"year", "month", "day"} == set(text):
            return Form("year_month_day", tuple(normalise(text[part]) for part in ("year", "month", "day")))
        if kind == "date" and keys == {"column", "format"} == set(text):
            if not _is_pattern(text["format"]):
                self.fault(where, f"format: expected a pattern like %d.%m.%Y, found {shown(text['format'])}")
            return Form("format", theirs, value=text["format"])
        if kind == "type" and {"column"} <= keys <= {"column", "codes", "other"}:
            return self.codes(where, value)
        if kind == "type" and keys == {"other"}:
            return Form("codes", other=self.target(f"{where}.other", value["other"]))
        divide_by = str(value.get("divide_by", "1"))
        rest = keys - {"divide_by"}
        if kind not in ("number", "amount") or not rest <= set(text) | {OUT, IN}:
            return None
        try:
            if float(divide_by) <= 0:
                raise ValueError
        except ValueError:
            self.fault(where, f"divide_by: expected a number above 0, found {shown(divide_by)}")
        if rest == {"column"}:
            return Form("column", theirs, divide_by=divide_by)
        if kind == "amount" and rest == {"column", "negative"}:
            if text["negative"] not in (OUT, IN):
                self.fault(
                    where,
                    f"negative: expected out or in, where amounts below 0 go; found {shown(text['negative'])}",
                )
            return Form("signed", theirs, text["negative"], divide_by)
        if kind == "amount" and rest == {OUT, IN} <= set(text):
            return Form("split", (normalise(text[OUT]), normalise(text[IN])), divide_by=divide_by)
        if kind == "amount" and {"column", "direction"} <= rest <= {"column", "direction", OUT, IN}:
            words = {
                way: tuple(_words(value[way])) if way in value else DIRECTION_WORDS[way] for way in (OUT, IN)
            }
            return Form("told", (*theirs, normalise(text["direction"])), divide_by=divide_by, words=words)
        return None

    def constant(self, where: str, kind: str, value: str) -> None:
        try:
            if kind == "date":
                day_of(value)
            elif kind in ("number", "amount"):
                float(value)
            elif kind == "type" and value not in self.types:
                self.target(where, value)
        except ValueError:
            expected = "a date like 2025-12-31" if kind == "date" else "a number like 12.5"
            self.fault(where, f"value: expected {expected}, found {shown(value)}")

    def codes(self, where: str, value: Mapping[str, Any]) -> Form | None:
        columns = value["column"] if isinstance(value["column"], list) else [value["column"]]
        codes = value.get("codes", {})
        if not isinstance(codes, dict) or not all(isinstance(name, str) for name in columns):
            return None
        targets = {}
        for code, target in codes.items():
            targets[_words(code)[0]] = self.target(f"{where}.codes.{code}", target)
        other = self.target(f"{where}.other", value["other"]) if "other" in value else None
        return Form(
            "codes",
            tuple(map(normalise, columns)),
            codes={code: target for code, target in targets.items() if target},
            other=other,
        )

    def target(self, where: str, value: Any) -> CodeTarget | None:
        ways = value if isinstance(value, dict) else {OUT: value, IN: value}
        known = [*self.types, LEAVE_OUT]
        if set(ways) != {OUT, IN}:
            self.fault(where, f"expected one of {', '.join(known)}, or {{out: , in: }} with two of them")
            return None
        for each in ways.values():
            if each == OPEN:
                self.fault(where, f"is still to be filled in: one of {', '.join(known)}")
                return None
            if each not in known:
                self.fault(
                    where,
                    f"{shown(each)} is no transaction type{_near(str(each), known)}; known are {', '.join(known)}",
                )
                return None
        return CodeTarget(ways[OUT], ways[IN])


def _kind_of(column: Column) -> str:
    if column.name == "amount":
        return "amount"
    if column.name == "transaction_type":
        return "type"
    return "number" if column.is_number else "date" if column.is_date else "text"


def _is_pattern(text: str) -> bool:
    """Whether DuckDB reads days by this strptime pattern."""
    try:
        duckdb.execute("select try_strptime('', ?)", [text])
    except duckdb.Error:
        return False
    return "%" in text


def _words(value: Any) -> list[str]:
    """Words as they are compared: lower case, without blanks around them or around the separator of several."""
    values = value if isinstance(value, list) else [value]
    return [
        CODE_SEPARATOR.join(part.strip() for part in str(each).lower().split(CODE_SEPARATOR)).strip()
        for each in values
    ]


def _near(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(normalise(name), list(known), 1, 0.6)
    return f" (did you mean {match[0]}?)" if match else ""
