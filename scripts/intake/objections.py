"""The register of people who object to profiling (GDPR Art. 21(2)).

Reads and writes warehouse/objections.csv, and raw.objections of the connection it is given. Who is in it leaves before the learning and the
scoring. The register outlives builds, the work file and lists that leave somebody out: only an explicit
withdrawal takes an id off it. It is a file of its own, and text, so that it can be read, backed up and audited.
"""

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import refuse_link, whole_file
from scripts.base.paths import OBJECTIONS, given_path
from scripts.base.sentences import reason_of, shown
from scripts.intake.customer_ids import match_ids, spell_id
from scripts.intake.forgotten import bring_back, known_as_forgotten
from scripts.intake.id_lists import read_ids
from scripts.intake.pseudonyms import Pseudonyms

HEADER = ["customer_id", "recorded_at"]
IN_REGISTER = "in the register of objections"


@dataclass(frozen=True)
class Objections:
    """Who objects.

    Attributes:
        ids: everyone in the register.
        added: how many the list handed in now has added.
        kept: how many of the register a list was handed in without; they stay.
        withdrawn: how many were taken off.
        strangers: sentences on ids that match no customer, and on a list without any id.
    """

    ids: tuple[str, ...]
    added: int = 0
    kept: int = 0
    withdrawn: int = 0
    strangers: tuple[str, ...] = ()


def update_register(
    warehouse: Path,
    objections: str,
    withdrawn: str,
    connection: duckdb.DuckDBPyConnection,
    customers: str,
    accept: str = "",
    id_columns: Sequence[str] = (),
    pseudonyms: Pseudonyms | None = None,
) -> Objections:
    """Add a list of objectors to the register, take off those who withdrew, and return all who object.

    Args:
        warehouse: folder of the register; it exists.
        objections: path of a list of ids, or empty.
        withdrawn: path of a list of ids who take their objection back, or empty.
        connection: where the input's customers are.
        customers: relation of them, with customer_id.
        accept: `accept` where a list may be of people of whom nobody is a customer.
        id_columns: what the bank's mapping calls the column of ids.
        pseudonyms: by which published ids may stand in a list.

    Raises UserError where a list or the register cannot be read, a person stands in both lists, or nobody
    of a list is a customer (or, of those who withdraw, in the register); the register then stays as it was.
    """
    path = warehouse / OBJECTIONS
    register = _read(path)
    handed_in = read_ids(given_path("OBJECTIONS", objections), "OBJECTIONS", id_columns) if objections else []
    taken_back = (
        read_ids(given_path("OBJECTIONS_WITHDRAWN", withdrawn), "OBJECTIONS_WITHDRAWN", id_columns)
        if withdrawn
        else []
    )
    if pseudonyms:
        handed_in = pseudonyms.in_clear(handed_in, f"OBJECTIONS={objections}")
        taken_back = pseudonyms.in_clear(taken_back, f"OBJECTIONS_WITHDRAWN={withdrawn}")
    both = sorted(set(handed_in) & set(taken_back))
    if both:
        raise UserError(
            f"{shown(both[0])} stands in OBJECTIONS and in OBJECTIONS_WITHDRAWN ({len(both)} in all);"
            " take each out of one of the lists."
        )
    strangers = [
        f"{name}={given}: has no id in it; expected one a row. Nobody's objection is changed by it"
        for name, given, ids in (
            ("OBJECTIONS", objections, handed_in),
            ("OBJECTIONS_WITHDRAWN", withdrawn, taken_back),
        )
        if given and not ids
    ]
    if handed_in:
        found = match_ids(connection, f"OBJECTIONS={objections}", handed_in, customers)
        found.refuse_strangers(accept)
        strangers.append(found.sentence())
    if taken_back:
        # Who was forgotten may come back, too; nobody can say of whom the others there are.
        back = known_as_forgotten(warehouse, taken_back)
        known = "(select unnest(?::varchar[]) as customer_id)"
        connection.execute(f"create or replace temp table registered as from {known}", [[*register, *back]])
        found = match_ids(connection, f"OBJECTIONS_WITHDRAWN={withdrawn}", taken_back, "registered")
        found.refuse_strangers(accept, IN_REGISTER)
        strangers.append(found.sentence(IN_REGISTER))
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    # Who was forgotten is left alone already, and is in no list in clear.
    forgotten = known_as_forgotten(warehouse, handed_in)
    new = [each for each in handed_in if each not in {*register, *forgotten}]
    gone = [each for each in taken_back if each in register]
    kept = len(set(register) - set(handed_in) - set(gone)) if objections else 0
    # Those of earlier lists, too: whose id the bank spells otherwise now would be profiled.
    earlier = sorted(set(register) - set(handed_in) - set(gone))
    strangers.append(match_ids(connection, "register of objections", earlier, customers).sentence())
    if new or gone:
        register |= dict.fromkeys(new, now)
        for each in gone:
            del register[each]
        _write(path, register)
    withdrawn_too = bring_back(warehouse, taken_back)
    return Objections(
        tuple(sorted(register)),
        len(new),
        kept,
        len({*gone, *withdrawn_too}),
        tuple(filter(None, strangers)),
    )


def hand_over(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[str], forgotten: Sequence[str] = ()
) -> None:
    """Write the ids to raw.objections, where dbt's models read them, with those who were forgotten; schema raw exists."""
    connection.execute(
        "create or replace table raw.objections as select unnest(?::varchar[]) as customer_id, false as is_forgotten"
        " union all select unnest(?::varchar[]), true",
        [[each for each in ids if each not in set(forgotten)], list(forgotten)],
    )


def strike_out(warehouse: Path, ids: Sequence[str]) -> bool:
    """Take ids out of the register, who stand in that of the forgotten now; returns whether any was in it."""
    register = _read(warehouse / OBJECTIONS)
    left = {each: at for each, at in register.items() if each not in set(ids)}
    if len(left) == len(register):
        return False
    _write(warehouse / OBJECTIONS, left)
    return True


def objectors(warehouse: Path) -> list[str]:
    """Return the ids in the register; raises UserError where it cannot be read."""
    return sorted(_read(warehouse / OBJECTIONS))


def _read(path: Path) -> dict[str, str]:
    refuse_link(path, "the register of objections")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path}: the register of objections cannot be read ({reason_of(error)}); restore it."
        ) from None
    if not rows or rows[0] != HEADER or any(len(row) != len(HEADER) or not row[0] for row in rows):
        raise UserError(
            f"{path}: the register of objections is damaged; expected rows of {','.join(HEADER)}. Restore it:"
            " without it people who object would be profiled."
        )
    return {spell_id(row[0]): row[1] for row in rows[1:]}


def _write(path: Path, register: dict[str, str]) -> None:
    with whole_file(path, private=True) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(sorted(register.items()))
