"""The register of customers who were forgotten: keyed hashes of their ids, so that no build takes them in again.

Reads and writes warehouse/forgotten.csv and its key, warehouse/forgotten.key, each for its owner alone. Who has the key can
try ids; who has the register alone cannot.
"""

import csv
import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import refuse_link, whole_file
from scripts.base.paths import FORGOTTEN, FORGOTTEN_KEY
from scripts.base.sentences import reason_of
from scripts.intake.keyed_hash import keyed_hash, keyed_hash_sql, new_key

HEADER = ["keyed_hash", "forgotten_at", "key"]


def remember(warehouse: Path, ids: Iterable[str]) -> int:
    """Put customers into the register; returns how many are new there.

    Raises UserError where register or key cannot be read or written.
    """
    path = warehouse / FORGOTTEN
    register = _read(path)
    key = _key(warehouse, register)
    if key is None:
        # Before the key: one without a register says that this was lost.
        _write(path, register, "")
        key = _new_key(warehouse)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    new = dict.fromkeys((keyed_hash(key, each) for each in ids), now)
    added = new.keys() - register.keys()
    if added:
        _write(path, {**new, **register}, key)
    return len(added)


def bring_back(warehouse: Path, ids: Iterable[str]) -> list[str]:
    """Take customers off the register, who want to be profiled again; returns those who were in it."""
    path = warehouse / FORGOTTEN
    register = _read(path)
    key = _key(warehouse, register)
    back = {each: keyed_hash(key, each) for each in ids} if key else {}
    found = [each for each, hashed in back.items() if hashed in register]
    if found and key:
        for each in found:
            del register[back[each]]
        _write(path, register, key)
    return found


def known_as_forgotten(warehouse: Path, ids: Iterable[str]) -> set[str]:
    """Those of the ids that are in the register; raises UserError where it cannot be read."""
    register = _read(warehouse / FORGOTTEN)
    key = _key(warehouse, register)
    return {each for each in ids if key and keyed_hash(key, each) in register}


def forgotten_among(warehouse: Path, connection: duckdb.DuckDBPyConnection, customers: str) -> list[str]:
    """The customers of a relation who were forgotten.

    customers: relation with a column customer_id, each once, as `id_sql` spells ids. Raises UserError where the register
    or its key cannot be read: without them people who were forgotten would be profiled.
    """
    register = _read(warehouse / FORGOTTEN)
    key = _key(warehouse, register)
    if not register:
        return []
    found = connection.execute(
        f"select customer_id from {customers} where {keyed_hash_sql('?', 'customer_id')} in"
        " (select unnest(?::varchar[])) order by 1",
        [key, list(register)],
    ).fetchall()
    return [row[0] for row in found]


def _read(path: Path) -> dict[str, str]:
    """When each was forgotten, by the keyed hash."""
    refuse_link(path, "the register of who was forgotten")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        if path.with_name(FORGOTTEN_KEY).exists():
            raise UserError(
                f"{path}: the register of who was forgotten is missing, and its key is there; restore it: without it they"
                " would be profiled."
            ) from None
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path}: the register of who was forgotten cannot be read ({reason_of(error)}); restore it."
        ) from None
    if not rows or rows[0] != HEADER or any(len(row) != len(HEADER) or len(row[0]) != 64 for row in rows[1:]):
        raise UserError(
            f"{path}: the register of who was forgotten is damaged; expected rows of {','.join(HEADER)}. Restore it:"
            " without it they would be profiled."
        )
    return {row[0]: row[1] for row in rows[1:]}


def _key(warehouse: Path, register: dict[str, str]) -> str | None:
    """The key; None where there is none, and none is needed."""
    path = warehouse / FORGOTTEN_KEY
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: the key of {FORGOTTEN} cannot be read ({reason_of(error)}); restore it."
        ) from None
    if register and mark_of(key) != _mark_in(warehouse / FORGOTTEN):
        what = "is another than that of" if key else "is missing, the key of"
        raise UserError(
            f"{path}: {what} {warehouse / FORGOTTEN}; restore it: without it those who were forgotten would be profiled."
        )
    return key or None


def mark_of(key: str) -> str:
    """What tells one key from another, and tells nothing of it."""
    return hashlib.sha256(f"key of {FORGOTTEN}: {key}".encode()).hexdigest()[:12]


def _mark_in(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return next(row for row in csv.reader(file) if row != HEADER)[2]


def _new_key(warehouse: Path) -> str:
    key = new_key()
    with whole_file(warehouse / FORGOTTEN_KEY, private=True) as file:
        file.write_text(key + "\n", encoding="ascii")
    return key


def _write(path: Path, register: dict[str, str], key: str) -> None:
    with whole_file(path, private=True) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        # By the hash: the order tells nothing of who came first.
        writer.writerows([hashed, at, mark_of(key)] for hashed, at in sorted(register.items()))
