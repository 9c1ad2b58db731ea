"""Pseudonyms: keyed hashes that are published in place of customers' ids, and the way back for who has the key.

The key and the table of who is who stand outside of the warehouse, each for its owner alone; a version knows only which key
it is by (state/pseudonyms.json). Everything the job computes has the customers' own ids: they are translated as a version is
written, and back as it is read.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.paths import PSEUDONYMS, given_path
from scripts.base.quoting import sql_text
from scripts.base.sentences import reason_of, shown
from scripts.intake.keyed_hash import keyed_hash, keyed_hash_sql, new_key

# A pseudonym begins so, and 128 bits of the keyed hash follow: what looks like one is not translated again.
PREFIX, DIGITS = "ps-", 32
LOOKS_LIKE_ONE = f"^{PREFIX}[0-9a-f]{{{DIGITS}}}$"
SHORTEST_KEY = 32
# In a connection that reads published versions, who is who: pseudonym and customer_id.
KNOWN = "state.pseudonyms"


@dataclass(frozen=True)
class Pseudonyms:
    """By which key ids become pseudonyms.

    Attributes:
        path: of the key; absolute.
        key: itself.
    """

    path: Path
    key: str

    @property
    def mark(self) -> str:
        """What tells this key from another, and tells nothing of it."""
        return keyed_hash(self.key, "")[:12]

    @property
    def table(self) -> Path:
        """The table of who is who, beside the key: a Parquet file with pseudonym and customer_id."""
        return self.path.with_name(f"{self.path.name}.ids.parquet")

    def of(self, customers: Iterable[str]) -> list[str]:
        """The pseudonyms of ids."""
        return [
            each if re.fullmatch(LOOKS_LIKE_ONE, each) else PREFIX + keyed_hash(self.key, each)[:DIGITS]
            for each in customers
        ]

    def sql(self, column: str) -> str:
        """SQL of the pseudonym of an id."""
        hashed = f"{sql_text(PREFIX)} || {keyed_hash_sql(sql_text(self.key), column)}[1:{DIGITS}]"
        return (
            f"case when regexp_matches({column}, {sql_text(LOOKS_LIKE_ONE)}) then {column} else {hashed} end"
        )

    def in_clear(self, ids: Sequence[str], name: str) -> list[str]:
        """Ids of a list, of which some may be pseudonyms, as the bank has them; each once, in the order of their text.

        name: what the list was given by, for the words of an error.

        Raises UserError for a pseudonym of which nobody knows whose it is: a register that took it in its own right would
        hold a word that no customer of the input has, and the person would be profiled all the same.
        """
        asked = [each for each in ids if re.fullmatch(LOOKS_LIKE_ONE, each)]
        if not asked:
            return list(ids)
        known: dict[str, str] = {}
        if self.table.exists():
            query = f"select pseudonym, customer_id from {self._rows()} where pseudonym in (select unnest(?::varchar[]))"
            with duckdb.connect() as connection:
                known = dict(self._asked(connection, query, asked))
        unknown = [each for each in asked if each not in known]
        if unknown:
            of = "" if len(asked) == 1 else f" (with {len(unknown):,} of {len(asked):,} pseudonyms it is so)"
            raise UserError(
                f"{name}: whose pseudonym {unknown[0]} is, {self.table} does not say{of}; give the bank's own id, or run make build"
                " REBUILD=yes, which makes that table again of the input's customers."
            )
        return sorted({known.get(each, each) for each in ids})

    def show(self, connection: duckdb.DuckDBPyConnection, database: str = "") -> None:
        """Make the table KNOWN of a connection, of the table beside the key as far as there is one.

        database: where to, if not in the connection's own.
        """
        prefix = f"{database}." if database else ""
        connection.execute(f"create schema if not exists {prefix}state")
        connection.execute(
            f"create or replace table {prefix}{KNOWN} (pseudonym varchar, customer_id varchar)"
        )
        if self.table.exists():
            self._asked(
                connection, f"insert into {prefix}{KNOWN} select pseudonym, customer_id from {self._rows()}"
            )

    def learn(self, connection: duckdb.DuckDBPyConnection, customers: str) -> None:
        """Add customers to the table KNOWN of a connection; customers: query of their ids."""
        connection.execute(
            f"insert into {KNOWN} select distinct {self.sql('customer_id')}, customer_id from ({customers})"
            f" where customer_id is not null and not regexp_matches(customer_id, {sql_text(LOOKS_LIKE_ONE)})"
            f" and {self.sql('customer_id')} not in (select pseudonym from {KNOWN})"
        )

    def keep(self, connection: duckdb.DuckDBPyConnection, but: Sequence[str] = ()) -> None:
        """Write the table KNOWN of a connection beside the key, without some customers; raises UserError where refused."""
        with whole_file(self.table, private=True) as partial:
            connection.execute(
                f"copy (from {KNOWN} where customer_id not in (select unnest({sql_list(but)})) order by pseudonym)"
                f" to {sql_text(str(partial))} (format parquet)"
            )
            partial.chmod(0o600)

    def forget(self, customers: Sequence[str]) -> None:
        """Take customers out of the table beside the key; raises UserError where it cannot be written."""
        if self.table.exists():
            with duckdb.connect() as connection:
                self.show(connection)
                self.keep(connection, customers)

    def remember(self, version: Path) -> None:
        """Write into a version's folder by which key its ids are."""
        (version / PSEUDONYMS).parent.mkdir(exist_ok=True)
        found = json.dumps({"key": str(self.path), "mark": self.mark})
        (version / PSEUDONYMS).write_text(found + "\n", encoding="utf-8")

    def _rows(self) -> str:
        return f"read_parquet({sql_text(str(self.table))})"

    def _asked(self, connection: duckdb.DuckDBPyConnection, query: str, *given: Sequence[str]) -> list[Any]:
        try:
            return connection.execute(query, [list(each) for each in given]).fetchall()
        except duckdb.Error as error:
            raise UserError(
                f"{self.table}: who is who cannot be read from it ({reason_of(error)}); restore it, or remove it: a build makes"
                " it again of the input's customers."
            ) from None


def looking_like_one(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, str | None]:
    """How many ids of a relation with customer_id look like pseudonyms, and the first of them."""
    [(count, first)] = connection.execute(
        f"select count(*), min(customer_id) from {relation} where regexp_matches(customer_id, {sql_text(LOOKS_LIKE_ONE)})"
    ).fetchall()
    return count, first


def refuse_such_ids(connection: duckdb.DuckDBPyConnection, customers: str) -> None:
    """Raise UserError where ids of the input look like pseudonyms: who those are, no table could say.

    customers: relation with customer_id.
    """
    count, first = looking_like_one(connection, customers)
    if count:
        raise UserError(
            f"{first}: {count:,} of the input's customers have such an id, which looks like a pseudonym of this job; is"
            " SOURCE something that it published? Give the bank's own ids, or say PSEUDONYMS=no."
        )


def sql_list(values: Sequence[str]) -> str:
    """SQL of a list of texts."""
    return f"[{', '.join(map(sql_text, values))}]::varchar[]"


def remembered(version: Path | None) -> dict[str, str]:
    """By which key a version's ids are pseudonyms; empty where they are the customers' own.

    Raises UserError where that cannot be read.
    """
    if version is None:
        return {}
    try:
        found: dict[str, str] = json.loads((version / PSEUDONYMS).read_text(encoding="utf-8"))
        return {"key": found["key"], "mark": found["mark"]}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{version / PSEUDONYMS}: by which key ids are pseudonyms cannot be read ({reason_of(error)}); restore the"
            " version, or make rollback to another."
        ) from None


def pseudonyms_in_use(warehouse: Path, version: Path | None) -> Pseudonyms | None:
    """The pseudonyms of what is published, for who has the key; None where ids are the customers' own.

    Raises UserError where the key is missing, another, or open to others.
    """
    before = remembered(version)
    return _opened(Path(before["key"]), before["mark"], warehouse) if before else None


def choose_pseudonyms(
    wanted: str, key: str, warehouse: Path, versions: Sequence[Path], in_use: Path | None
) -> Pseudonyms | None:
    """The pseudonyms by which a build publishes; None where it publishes ids as they are.

    Args:
        wanted: PSEUDONYMS as it was given; empty: as the version in use.
        key: PSEUDONYM_KEY as it was given; empty: that of the versions, at first one in the user's folder of settings.
        warehouse: its folder.
        versions: those that are kept, the oldest first.
        in_use: one of them.

    Makes the key where no version ever had one. Raises UserError where the key is missing, another than before, open to
    others, or in the warehouse.
    """
    is_wanted = wanted in ("yes", "1") or (not wanted and bool(remembered(in_use)))
    if not is_wanted:
        if key:
            raise UserError(
                f"PSEUDONYM_KEY={shown(key)}: there are no pseudonyms; say PSEUDONYMS=yes, or leave it out."
            )
        return None
    known = remembered(in_use) or next(filter(None, map(remembered, reversed(versions))), {})
    path = given_path("PSEUDONYM_KEY", key) if key else Path(known.get("key") or _usual(warehouse))
    path = Path(os.path.abspath(path))
    if not known and not os.path.lexists(path):
        _refuse_inside(path, warehouse)
        _make(path)
    return _opened(path, known.get("mark", ""), warehouse)


def _usual(warehouse: Path) -> Path:
    """Where a warehouse's key is, if nobody says where: named after the warehouse's folder, and told from others of that name."""
    settings = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    digest = hashlib.blake2b(str(warehouse.resolve()).encode(), digest_size=4).hexdigest()
    return Path(settings) / "card-segments" / f"{warehouse.resolve().name}-{digest}.key"


def _refuse_inside(path: Path, warehouse: Path) -> None:
    if path.resolve().is_relative_to(warehouse.resolve()):
        raise UserError(
            f"{path}: the key of the pseudonyms lies in the warehouse, so that who copies that has both; give another place, as"
            " in PSEUDONYM_KEY=~/pseudonyms.key."
        )


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UserError(f"{path}: the key of the pseudonyms cannot be made ({reason_of(error)}).") from None
    with whole_file(path, private=True) as partial:
        partial.write_text(new_key() + "\n", encoding="ascii")


def _opened(path: Path, mark: str, warehouse: Path) -> Pseudonyms:
    """Read the key; mark: what tells it from another, or empty where none was in use before."""
    _refuse_inside(path, warehouse)
    try:
        found = path.stat()
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise UserError(
            f"{path}: the key of the pseudonyms is missing; restore it, or say where it is by PSEUDONYM_KEY of make build:"
            " with another key every customer would get another id."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the key of the pseudonyms cannot be read ({reason_of(error)}).") from None
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise UserError(f"{path}: others may read the key of the pseudonyms; run chmod 600 {shown(path)}.")
    if len(key) < SHORTEST_KEY:
        raise UserError(
            f"{path}: is no key of pseudonyms: expected {SHORTEST_KEY} characters or more, as openssl rand -hex 32 prints."
        )
    pseudonyms = Pseudonyms(path, key)
    if mark and pseudonyms.mark != mark:
        raise UserError(
            f"{path}: is another key than that of the published pseudonyms; restore that: with another every customer would"
            " get another id."
        )
    return pseudonyms


def pseudonyms_kept(warehouse: Path, versions: Sequence[Path]) -> Pseudonyms | None:
    """The pseudonyms of the newest version that has any: to find a customer in all of them; raises as pseudonyms_in_use."""
    return next((pseudonyms_in_use(warehouse, each) for each in reversed(versions) if remembered(each)), None)


def in_clear_sql(query: str, known: str = KNOWN) -> str:
    """A query with a column customer_id, its pseudonyms translated back as far as the table KNOWN knows them.

    known: the name of that table.
    """
    return (
        f"select seen.* replace (coalesce(known.customer_id, seen.customer_id) as customer_id) from ({query}) as seen"
        f" left join {known} as known on seen.customer_id = known.pseudonym"
    )
