"""Dirty rows for the generated CSV files: what goes wrong in real extracts, one kind at a time.

Touches only the file it is given, which it rewrites line by line. Most kinds are refused rows that come
beside good ones and leave the features as they are; the accepted kinds write a good row in another way.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# At most one row in so many is dirty.
CLEAN_PER_DIRTY = 250
# Rows of each kind, where the file is long enough.
COPIES = 2
# Dirty rows are placed in the first part of the file, so that a line that fits is found after the place.
_PART = 0.7

Fields = list[str]


@dataclass(frozen=True)
class Dirt:
    """One kind of dirty row.

    Attributes:
        name: what is wrong, in words.
        write: the row, and a number that no other dirty row has, to the fields of the dirty one.
        fits: whether a good row can be the model of this kind.
        accepted: the row is good, only written in an unusual way, and stands in place of its model.
    """

    name: str
    write: Callable[[Fields, int], Fields]
    fits: Callable[[Fields], bool] = lambda _: True
    accepted: bool = False


def _with(place: int, value: str) -> Callable[[Fields, int], Fields]:
    """Set one field; the row is a new one, so its key is new where the key is the first field."""

    def write(fields: Fields, _: int) -> Fields:
        return [*fields[:place], value, *fields[place + 1 :]]

    return write


def _new(prefix: str, write: Callable[[Fields, int], Fields]) -> Callable[[Fields, int], Fields]:
    """A row of its own: the key, its first field, is new before `write` has its way."""

    def written(fields: Fields, number: int) -> Fields:
        return write([f"{prefix}{number:07d}", *fields[1:]], number)

    return written


def _grouped(amount: str) -> str:
    """Write 1234.50 as "1,234.50", quoted."""
    units, cents = amount.split(".")
    return f'"{int(units):,}.{cents}"'


def _is_thousands(place: int) -> Callable[[Fields], bool]:
    return lambda fields: not fields[place].startswith("-") and len(fields[place].split(".")[0]) > 3


# Transactions: id, account, date, type, amount, merchant. Dates in the window, for an older transaction of
# an unknown account is history that nobody needs.
def _recent(fields: Fields) -> bool:
    return fields[2] >= "2025-01-01"


def _transaction(name: str, place: int, value: str) -> Dirt:
    return Dirt(name, _new("X", _with(place, value)), _recent)


TRANSACTIONS = (
    _transaction("amount is no number", 4, "12.5O"),
    _transaction("date cannot be parsed", 2, "yesterday"),
    _transaction("date is impossible", 2, "2025-02-30"),
    _transaction("date lies in the future", 2, "2099-01-01"),
    _transaction("amount is NaN", 4, "NaN"),
    _transaction("amount is infinite", 4, "inf"),
    _transaction("amount is negative", 4, "-25.00"),
    _transaction("type is unknown", 3, "gift"),
    _transaction("account is unknown", 1, "C99999999-1"),
    _transaction("account id is empty", 1, ""),
    _transaction("amount has 200 digits", 4, "9" * 200),
    Dirt("transaction id is empty", _with(0, ""), _recent),
    Dirt("transaction id stands twice, same content", lambda fields, _: fields, _recent),
    Dirt(
        "transaction id stands twice, other content",
        lambda fields, _: [*fields[:4], "0.01", fields[5]],
        # Which of the two is kept must not show in the features.
        lambda fields: _recent(fields) and fields[3] in ("fee", "interest"),
    ),
    Dirt("too many columns", _new("X", lambda fields, _: [*fields, "7", "7"]), _recent),
    Dirt(
        "thousands separators",
        lambda fields, _: [*fields[:4], _grouped(fields[4]), fields[5]],
        _is_thousands(4),
        accepted=True,
    ),
    Dirt(
        "line end inside quotes",
        lambda fields, _: [*fields[:5], '"Corner shop\n12 High Street, ""Old Town"""'],
        lambda fields: fields[3] == "oneoff_purchase",
        accepted=True,
    ),
)


# Statements: account, issued, due, closing balance, average balance, minimum due, limit, paid.
def _statement(name: str, place: int, value: str) -> Dirt:
    return Dirt(name, _with(place, value))


STATEMENTS = (
    _statement("number cannot be parsed", 4, "n/a"),
    _statement("date cannot be parsed", 1, "soon"),
    _statement("date is impossible", 2, "2025-13-01"),
    _statement("number is NaN", 3, "NaN"),
    _statement("number is infinite", 6, "inf"),
    _statement("minimum due is negative", 5, "-10.00"),
    Dirt("date lies in the future", lambda fields, _: [fields[0], "2099-01-01", "2099-01-22", *fields[3:]]),
    Dirt("account is unknown", _with(0, "C99999999-1"), lambda fields: fields[1] >= "2025-01-01"),
    _statement("account id is empty", 0, ""),
    _statement("number has 200 digits", 3, "9" * 200),
    Dirt("statement stands twice, same content", lambda fields, _: fields),
    Dirt(
        "statement stands twice, other content",
        lambda fields, _: [*fields[:3], "0.01", *fields[4:]],
        lambda fields: fields[5] == "0.00" and fields[3] != "0.01",
    ),
    Dirt("too many columns", lambda fields, _: [*fields, "7"]),
    Dirt(
        "thousands separators",
        lambda fields, _: [*fields[:3], _grouped(fields[3]), *fields[4:]],
        _is_thousands(3),
        accepted=True,
    ),
)


# Accounts: account, customer, opened, closed.
def _account(name: str, place: int, value: str) -> Dirt:
    return Dirt(name, _new("X", _with(place, value)))


ACCOUNTS = (
    Dirt("account stands twice, same content", lambda fields, _: fields),
    _account("date cannot be parsed", 2, "long ago"),
    _account("customer id is empty", 1, ""),
    _account("date is impossible", 2, "2019-02-29"),
    Dirt(
        "account stands twice, other content",
        lambda fields, _: [*fields[:2], "1999-01-01", fields[3]],
        lambda fields: fields[2] < "2025-01-01",
    ),
    _account("closed before it was opened", 3, "1998-12-31"),
    _account("closing date cannot be parsed", 3, "?"),
    Dirt("account id is empty", _with(0, "")),
    Dirt("too many columns", _new("X", lambda fields, _: [*fields, "7"])),
)

KINDS = {"accounts": ACCOUNTS, "transactions": TRANSACTIONS, "statements": STATEMENTS}


def _fraction(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    """Copy up to `count` bytes, in blocks."""
    while count > 0 and (block := source.read(min(count, 1 << 20))):
        target.write(block)
        count -= len(block)


def soil(path: Path, table: str, *, rows: int, seed: int) -> dict[str, int]:
    """Put dirty rows into a CSV file of the generated ledger.

    Args:
        path: the file; a header, then one row a line, nothing quoted that a dirty row is made from.
        table: `accounts`, `transactions` or `statements`.
        rows: rows of the file.
        seed: draws the places.

    Returns:
        Rows written of each kind that was placed. A short file takes only the first kinds, so that at
        most one row in `CLEAN_PER_DIRTY` is dirty.
    """
    wanted = (list(KINDS[table]) * COPIES)[: rows // CLEAN_PER_DIRTY]
    size = path.stat().st_size
    with path.open("rb") as source:
        start = len(source.readline())
    places = sorted(
        (start + int((size - start) * _PART * _fraction(f"{seed} {table} {number}")), number)
        for number in range(len(wanted))
    )
    written: dict[str, int] = {}
    clean = path.with_name(f"{path.name}.clean")
    path.rename(clean)
    with clean.open("rb") as source, path.open("wb") as target:
        for place, number in places:
            _copy(source, target, place - source.tell())
            target.write(source.readline())
            kind = wanted[number]
            for line in source:
                fields = line.decode().rstrip("\n").split(",")
                if b'"' in line or not kind.fits(fields):
                    target.write(line)
                    continue
                if not kind.accepted:
                    target.write(line)
                target.write((",".join(kind.write(fields, number)) + "\n").encode())
                written[kind.name] = written.get(kind.name, 0) + 1
                break
        _copy(source, target, size)
    os.unlink(clean)
    return written
