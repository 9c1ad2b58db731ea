"""A first draft of a mapping, from what the input looks like: headers, samples, codes with their rows and sums.

Reads the input's files, all rows of those that look like transactions; writes nothing. What it cannot tell stands as
TODO, which a build refuses until a person has filled it in; so a draft that is wrong cannot pass for one that is right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import one_line
from scripts.intake.mapping import DIRECTION_WORDS, IN, OPEN, OUT, UNMAPPED, transaction_types
from scripts.intake.source import checking_tables, open_files
from scripts.intake.source_files import ENDINGS, Column, Contract, Entity, look, look_at_entity, unpublished

# What is drafted only where it is there, with what to know of it.
MAY_HAVE: Mapping[str, Mapping[str, str]] = {
    "transactions": {
        "balance_after": "the balance behind it, above 0 where owed, unless balances says otherwise",
    },
    "accounts": {
        "opening_balance": "owed before the first transaction, above 0 unless balances says otherwise",
        "role": "primary, main or owner is the holder who counts",
    },
}

# What banks call the columns, as patterns of a whole name; the first that matches a column wins.
NAMES: Mapping[str, tuple[str, ...]] = {
    "account_id": (
        r"acc(oun)?t(_?(id|no|nr|num|number|ref))?",
        r"card(_?(id|no|nr|num|number))?",
        "iban",
        "konto.*",
    ),
    "customer_id": (
        r"(cust|customer|client|user|member|holder|party)(_?(id|no|nr|num|number))?",
        "clientnum",
        "cif.*",
    ),
    "opened_on": (
        r"(date_)?open(ed|ing)?(_?(on|at|date|dt))?",
        r"(account_)?(start|since)(_?(date|dt))?",
        "date",
    ),
    "closed_on": (r"(date_)?clos(ed|ing)(_?(on|at|date|dt))?", r"(account_)?end(_?(date|dt))?"),
    "balance": (r"(total_|avg_|mean_|average_)?(revolving_)?(bal|balance)(_.*)?",),
    "purchases": (r"(total_)?(trans(action)?s?|spend(ing)?|purchases?)_?(amt|amount|value|sum)?",),
    "purchases_trx": (r"(total_)?(trans(action)?s?|purchases?)_?(ct|cnt|count|nr|number|freq)",),
    "payments": (r"(total_)?payments?(_(amt|amount|sum))?",),
    "balance_after": (r"(running|new|resulting)?_?(bal|balance)(_after)?", "saldo"),
    "opening_balance": (r"(opening|initial|starting|brought_forward)_?(bal|balance)", "saldo_inicial"),
    "role": ("role", "holder_type", "relation(ship)?"),
    "transaction_id": (
        r"(trans|transaction|trx|txn|posting)(_?(id|no|nr|num|number|ref))?",
        r"ref(erence)?(_?(id|no))?",
    ),
    "posted_on": (
        r"(post(ed|ing)?|booking|value|trans(action)?|trx|txn)(_?(on|at|date|dt|time|timestamp))",
        "date",
        "datum",
        "tanggal",
        "timestamp",
    ),
    "transaction_type": (
        r"(trans(action)?|trx|txn)(_?(type|code|description|kind|category))",
        "type",
        "code",
        "operation",
        "mcc",
        "category",
        "description",
    ),
    "amount": (r"(trans(action)?_?)?(amount|amt)(_.*)?", "value", "betrag", "nominal", "jumlah", "sum"),
    "statement_on": (r"(statement|billing|cycle|stmt)(_?(on|date|dt))?", "period", "month"),
    "due_on": (r"(payment_?)?due(_?(on|date|dt))?",),
    "closing_balance": (r"(closing|statement|end(ing)?|current)_?(balance|bal)", "balance"),
    "average_daily_balance": (r"(average|avg|mean)(_daily)?_?(balance|bal)", "adb"),
    "minimum_due": (r"min(imum)?(_(amount|payment))?_?(due|payment)",),
    "credit_limit": (r"(credit|cr)?_?(limit|line)(_.*)?",),
    "paid_by_due_on": (r"paid.*",),
}
DEBIT, CREDIT = (
    r"(debit|withdrawal|money_out|paid_out|out)s?(_?(amount|amt))?",
    r"(credit|deposit|money_in|paid_in|in)s?(_?(amount|amt))?",
)
DIRECTION = r"(movement|direction|dc|dr_cr|cr_dr|debit_credit|sign|indicator|dc_indicator)"
# A code has so many values at most; a column with more is a text.
MOST_CODES = 60
SAMPLED = 3
WIDTH = 34


@dataclass(frozen=True)
class _File:
    """A file or folder of parts beside the others: its columns, and SQL that reads it."""

    name: str
    relation: str
    names: tuple[str, ...]
    samples: Mapping[str, tuple[str, ...]]
    rows: int


def draft_mapping(source: Path, contract: Contract) -> str:
    """Write a mapping of this input as far as it shows; raises UserError where nothing in it can be read."""
    if not source.exists():
        raise UserError(
            f"SOURCE={source} does not exist; give the folder of a ledger, or the file of a summary."
        )
    with duckdb.connect() as connection, checking_tables(connection):
        if source.is_dir():
            lines = _ledger(connection, source.resolve(), contract)
        else:
            _, [entity] = look(source, contract, UNMAPPED)
            lines = _summary(_look(connection, entity), contract)
    head = [
        f"# What the columns of {source.name} are called: left the job's name, right yours. docs/mapping.md explains each form.",
        f"# A draft of make mapping. Put something for every {OPEN}; null says that you have no such thing.",
        "# Where numbers do not tell it: decimal_mark, date_order, time_zone, currency, balances may stand here.",
        "",
    ]
    # A name or code from the input does not end the line it stands in.
    return "\n".join(map(one_line, [*head, *lines])) + "\n"


def open_places(draft: str) -> int:
    """How many places of a draft a person has to fill in."""
    return sum(line.partition("#")[0].count(OPEN) for line in draft.splitlines())


def _look(connection: duckdb.DuckDBPyConnection, entity: Entity) -> _File:
    """Open a file, or a folder of parts, as a build does, and read the beginning of its columns as text."""
    entity.theirs = []  # whatever columns it has
    open_files(connection, entity)
    names = tuple(dict.fromkeys(name for part in entity.parts for name in part.names))
    texts = ", ".join(f"cast({sql_name(name)} as varchar) as {sql_name(name)}" for name in names)
    joined = " union all by name ".join(f"from {unpublished(part.scan)}" for part in entity.parts)
    relation = f"(select {texts} from ({joined}))"
    rows = connection.execute(f"select * from {relation} limit 1000").fetchall()
    samples = {
        name: tuple(dict.fromkeys(str(row[place]) for row in rows if row[place]))
        for place, name in enumerate(names)
    }
    return _File(entity.name, relation, names, samples, sum(file.rows for file in entity.files))


def _guess(column: str, names: Sequence[str], contract_names: Sequence[str] = ()) -> str:
    """The bank's column that may be this one; empty where none looks like it."""
    if column in names:
        return column
    for pattern in NAMES.get(column, ()):
        for name in names:
            if re.fullmatch(pattern, name) and name not in contract_names:
                return name
    near = difflib.get_close_matches(column, [name for name in names if name not in contract_names], 1, 0.75)
    return near[0] if near else ""


def _ledger(connection: duckdb.DuckDBPyConnection, folder: Path, contract: Contract) -> list[str]:
    files = [
        _look(connection, look_at_entity(child.name, (), folder, child))
        for child in sorted(folder.iterdir())
        if not child.name.startswith((".", "_"))
        and (child.name.lower().endswith(ENDINGS) or (child.is_dir() and any(child.rglob("*.*"))))
    ]
    if not files:
        raise UserError(f"SOURCE={folder} holds no .csv, .csv.gz or .parquet file to draft a mapping of.")
    summary = {column.name for columns in contract.summary.values() for column in columns}
    if len(files) == 1 and 2 * len(summary & set(files[0].names)) > len(summary):
        raise UserError(
            f"SOURCE={folder} is a folder; name the customer summary in it: SOURCE={folder / files[0].name}"
        )
    chosen: dict[str, _File] = {}
    # Transactions first: they are the longest, and what is left is told apart more easily.
    for table in ("transactions", "statements", "accounts"):
        left = [file for file in files if file not in chosen.values()]
        if left:
            best = max(left, key=lambda file: _likeness(table, file, contract))
            if _likeness(table, best, contract) >= (2.0 if table == "transactions" else 2.5):
                chosen[table] = best
    lines: list[str] = []
    for table, columns in contract.ledger.items():
        if table in chosen:
            beside = [file for file in files if file not in chosen.values()]
            lines += _table(connection, table, columns, chosen[table], contract, beside)
        elif table == "accounts" and "transactions" in chosen:
            names = chosen["transactions"].names
            lines += [
                "accounts:",
                "  from: transactions  # no file looks like accounts: each account of a transaction",
                "  columns:",
            ]
            for name in ("account_id", "customer_id", "opened_on", "closed_on"):
                guess = _guess(name, names, ("date",)) if name.endswith("_id") else ""
                lines.append(f"    {name}: {guess or (OPEN if name.endswith('_id') else 'null')}")
        elif table in contract.optional:
            lines += [
                f"{table}: null  # no file looks like it; it leaves {', '.join(contract.optional[table])} unknown"
            ]
        else:
            lines += [f"{table}:", f"  file: {OPEN}  # no file looks like it"]
        lines.append("")
    for file in files:
        if file not in chosen.values() and not any(f"join: {{file: {file.name}," in line for line in lines):
            lines.append(f"# Not used: {file.name}, {file.rows:,} rows: {', '.join(file.names)}")
            lines.append(
                f"#   its columns can stand beside a table's: join: {{file: {file.name}, on: the column both have}}"
            )
    return lines


def _likeness(table: str, file: _File, contract: Contract) -> float:
    """How many of the table's columns the file seems to have, and a good deal for its name."""
    found = {_guess(column.name, file.names) for column in contract.ledger[table]} - {""}
    named = difflib.SequenceMatcher(None, table, file.name.lower().partition(".")[0]).ratio()
    length = (
        1.0
        if table == "transactions" and {_guess("amount", file.names), _guess("posted_on", file.names)} - {""}
        else 0.0
    )
    # Who holds an account stands in one file, whatever that is called.
    holders = (
        2.5
        if table == "accounts" and all(_guess(f"{of}_id", file.names) for of in ("account", "customer"))
        else 0.0
    )
    return len(found) + 2 * named + length + holders if len(found) > 1 else 0.0


def _table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[Column],
    file: _File,
    contract: Contract,
    beside: Sequence[_File],
) -> list[str]:
    lines = [f"{table}:", f"  file: {file.name}  # {file.rows:,} rows: {', '.join(file.names)}"]
    key = _guess("account_id", file.names)
    joined = next((other for other in beside if table == "accounts" and key in other.names), None)
    if joined:
        lines.append(f"  join: {{file: {joined.name}, on: {key}}}  # {', '.join(joined.names)}")
        more = tuple(name for name in joined.names if name not in file.names)
        file = replace(file, names=(*file.names, *more), samples={**joined.samples, **file.samples})
    lines.append("  columns:")
    names = [column.name for column in columns]
    for column in columns:
        others = [name for name in names if name != column.name]
        if column.name == "transaction_type":
            lines += _types(connection, file, contract)
            continue
        if column.name == "amount":
            lines.append(_amount(file))
            continue
        guess = _guess(column.name, file.names, others)
        written = guess or (OPEN if not column.may_be_absent else "null")
        sample = file.samples.get(guess, ())
        if column.is_date and sample and all(re.fullmatch("[0-9]{6}", each) for each in sample[:SAMPLED]):
            written = f"{{column: {guess}, format: '%y%m%d'}}"
        remark = "" if guess else "you have none, it seems"
        if column.name == "transaction_id" and not guess:
            written, remark = "{rows: true}", "you have none, it seems: the number of the row"
        if column.is_date and not guess and {"year", "month", "day"} <= set(file.names):
            written, remark = "{year: year, month: month, day: day}", ""
        lines.append(_line(column.name, written, sample, remark))
    for name, remark in MAY_HAVE.get(table, {}).items():
        if guess := _guess(name, file.names):
            lines.append(_line(name, guess, file.samples[guess], remark))
    return lines


def _line(name: str, written: str, sample: Sequence[str], remark: str = "") -> str:
    shown = ", ".join(each[:20] for each in sample[:SAMPLED])
    comment = "; ".join(filter(None, [shown, remark]))
    return f"    {name}: {written}".ljust(WIDTH) + (f"  # {comment}" if comment else "")


def _amount(file: _File) -> str:
    debit, credit = (next((n for n in file.names if re.fullmatch(p, n)), "") for p in (DEBIT, CREDIT))
    if debit and credit:
        return _line("amount", f"{{out: {debit}, in: {credit}}}", file.samples[debit])
    guess = _guess("amount", file.names)
    direction = _direction(file)
    sample = file.samples.get(guess, ())
    if guess and direction:
        return _line("amount", f"{{column: {guess}, direction: {direction}}}", sample)
    if any(re.search(r"^[^0-9]*[-(\u2212]|-$", each) for each in sample):
        return _line(
            "amount",
            f"{{column: {guess}, negative: {OPEN}}}",
            sample,
            "are amounts below 0 money going out, or in?",
        )
    return _line("amount", guess or OPEN, sample)


def _direction(file: _File) -> str:
    """The column whose words are those of debit and credit."""
    known = {*DIRECTION_WORDS[OUT], *DIRECTION_WORDS[IN]}
    for name in file.names:
        values = {value.strip().lower() for value in file.samples[name]}
        if values and (values <= known or (re.fullmatch(DIRECTION, name) and len(values) <= 4)):
            return name
    return ""


def _types(connection: duckdb.DuckDBPyConnection, file: _File, contract: Contract) -> list[str]:
    """The codes of what looks like the type, with their rows and sums, each with its own name or a place to fill in."""
    others = [column.name for column in contract.ledger["transactions"] if column.name != "transaction_type"]
    guess = _guess("transaction_type", file.names, others)
    if not guess:
        return [
            f"    transaction_type: {{other: {{out: {OPEN}, in: {OPEN}}}}}  # no column looks like it: by the direction alone"
        ]
    amount = _guess("amount", file.names)
    total = (
        f"sum(abs(try_cast(regexp_replace({sql_name(amount)}, '[^0-9.-]', '', 'g') as double)))"
        if amount
        else "null"
    )
    found = connection.execute(
        f"select coalesce(trim({sql_name(guess)}), ''), count(*), {total} from {file.relation} "
        f"group by 1 order by 2 desc, 1 limit {MOST_CODES + 1}"
    ).fetchall()
    ours = transaction_types(contract)
    if {code for code, _, _ in found} <= set(ours):
        return [f"    transaction_type: {guess}"]
    lines = [
        "    transaction_type:",
        f"      column: {guess}",
        f"      codes:  # each one of {', '.join(ours)}, or leave_out; or {{out: , in: }} with two of them",
    ]
    for code, rows, money in found[:MOST_CODES]:
        sum_of = f", {money:,.0f} in all" if money else ""
        quoted = sql_text(code)
        lines.append(f"        {quoted}: {OPEN}".ljust(WIDTH) + f"  # {rows:,} rows{sum_of}")
    if len(found) > MOST_CODES:
        lines.append(f"      other: {OPEN}  # the other codes")
    return lines


def _summary(file: _File, contract: Contract) -> list[str]:
    ((table, columns),) = contract.summary.items()
    lines = [f"{table}:  # {file.rows:,} rows", "  columns:"]
    names = [column.name for column in columns]
    used = set()
    for column in columns:
        key = "customer_id" if column.name == "cust_id" else column.name
        guess = _guess(column.name, file.names) or _guess(key, file.names, names)
        used.add(guess)
        remark = (
            "months that the numbers are of, as {value: 12}"
            if column.name == "tenure"
            else "you have none, it seems"
        )
        written = guess or (
            "null" if column.may_be_absent else "{rows: true}" if column.name == "cust_id" else OPEN
        )
        lines.append(_line(column.name, written, file.samples.get(guess, ()), "" if guess else remark))
    left = [name for name in file.names if name not in used]
    return [*lines, *([f"# Not used: {', '.join(left)}"] if left else [])]
