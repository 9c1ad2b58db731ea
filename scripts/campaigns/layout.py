"""How a campaign's lists are written: columns, encoding, a file per channel, cells that no spreadsheet computes.

Reads views of the connection it is given; writes the files that it is given paths for.
"""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import listed, shown
from scripts.campaigns.register import HOLDOUT, LISTED

# What a mailing may have: what targets.csv has, how a customer is reached, and the campaign's name.
MAILED = (*LISTED, "channel", "campaign")
NUMBERS = ("segment_id", "value_base")
ENCODINGS = ("utf-8", "utf-8-sig", "latin-1", "cp1252")
LONGEST_HEADING = 100
# The mailing of those whose segment's play names no channel.
OTHER = "other"
# What a cell of a CSV file begins with that a spreadsheet takes for a formula (OWASP, CSV Injection).
SIGNS = r"[=+\-@\t\r\n]"
COMPUTED, MADE_SAFE = f"^{SIGNS}", f"^''{SIGNS}"


@dataclass(frozen=True)
class ListLayout:
    """How the lists are written.

    Attributes:
        columns: those of the mailings, in order, each with its heading.
        encoding: of the mailings.
        by_channel: whether each channel has a mailing of its own.
        spreadsheet_safe: whether text that a spreadsheet would compute has `'` before it.
    """

    columns: tuple[tuple[str, str], ...] = (("customer_id", "customer_id"),)
    encoding: str = ENCODINGS[0]
    by_channel: bool = False
    spreadsheet_safe: bool = False

    @property
    def id_heading(self) -> str:
        """What the column of ids is called."""
        return dict(self.columns)["customer_id"]

    def mailings(self, channels: Sequence[str | None]) -> dict[str, str]:
        """The files of whom to contact, each with the condition on the view `mailed`.

        channels: those of the campaign's customers, None where none is known.
        """
        if not self.by_channel:
            return {"mailing.csv": "true"}
        return {
            f"mailing_{channel or OTHER}.csv": f"channel = {sql_text(channel)}"
            if channel
            else "channel is null"
            for channel in channels
        }

    def write(self, connection: duckdb.DuckDBPyConnection, name: str, condition: str, path: Path) -> None:
        """Write a list of the views that view_lists makes: targets.csv, which is UTF-8 with all columns, or a mailing."""
        is_mailing = name != "targets.csv"
        columns = self.columns if is_mailing else tuple((column, column) for column in LISTED)
        cells = ", ".join(f"{self._cell(column)} as {sql_name(heading)}" for column, heading in columns)
        rows = (
            f"select {cells} from mailed where {condition} order by mailed.customer_id"
            if is_mailing
            else f"select {cells} from listed"
        )
        connection.execute(f"copy ({rows}) to {sql_text(str(path))} (header, delimiter ',')")
        if is_mailing and self.encoding != "utf-8":
            path.write_bytes(path.read_bytes().decode("utf-8").encode(self.encoding))

    def _cell(self, column: str) -> str:
        if not self.spreadsheet_safe or column in NUMBERS:
            return column
        return f"case when regexp_matches({column}, '{COMPUTED}') then '''' || {column} else {column} end"

    def check(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raise UserError where the view `mailed` cannot be written so: a character that the encoding lacks, ids that become alike."""
        for column, _ in self.columns:
            if column in NUMBERS:
                continue
            for (text,) in connection.execute(
                f"select distinct {column} from mailed where regexp_matches({column}, '[^\\x00-\\x7F]') order by 1"
            ).fetchall():
                lacking = lacks(self.encoding, text)
                if lacking:
                    raise UserError(
                        f"ENCODING={self.encoding}: has no {shown(lacking)}, which is in {column} {shown(text)}; leave the"
                        " column out of COLUMNS, or choose utf-8."
                    )
        if self.spreadsheet_safe:
            alike = connection.execute(
                f"""select customer_id from listed where regexp_matches(customer_id, '{COMPUTED}')
                    and '''' || customer_id in (select customer_id from listed) order by 1 limit 1"""
            ).fetchall()
            if alike:
                raise UserError(
                    f"SPREADSHEET_SAFE=yes: customers {shown(alike[0][0])} and '{shown(alike[0][0])} would have the same id;"
                    " leave it out."
                )


def read_columns(text: str, arms: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read COLUMNS: names with commas between them, each with a heading of its own after `=` where it is to have one.

    Raises UserError for a column that there is not, a heading that is none or comes twice, and where it has not the id, or with
    several arms not the arm.
    """
    needed = ("customer_id",) if len(arms) == 1 else ("customer_id", "arm")
    if not text.strip():
        return tuple((column, column) for column in needed)
    columns = []
    for part in text.split(","):
        column, has_heading, heading = (each.strip() for each in part.partition("="))
        if column not in MAILED:
            raise UserError(
                f"COLUMNS={shown(text)}: there is no {shown(column) or 'name'}; there are {', '.join(MAILED)}."
            )
        heading = heading if has_heading else column
        if (
            not heading.isprintable()
            or not (heading[:1].isalnum() or heading[:1] == "_")
            or len(heading) > LONGEST_HEADING
        ):
            raise UserError(
                f"COLUMNS={shown(text)}: {shown(heading) or 'nothing'} is no heading; expected up to {LONGEST_HEADING} characters"
                " that begin with a letter, a digit or _, as in COLUMNS=customer_id=CustID,segment_name."
            )
        columns.append((column, heading))
    headings = [heading.lower() for _, heading in columns]
    if twice := [heading for place, heading in enumerate(headings) if heading in headings[:place]]:
        raise UserError(
            f"COLUMNS={shown(text)}: two columns are called {shown(twice[0])}; name one otherwise."
        )
    for column in needed:
        if column not in dict(columns):
            reason = "who is meant" if column == "customer_id" else "who gets which version"
            raise UserError(
                f"COLUMNS={shown(text)}: has no {column}, so that nobody could tell {reason}; add it."
            )
    return tuple(columns)


def check_headings(layout: ListLayout) -> ListLayout:
    """Return the layout; raises UserError where the encoding lacks a character of a heading."""
    for _, heading in layout.columns:
        if lacking := lacks(layout.encoding, heading):
            raise UserError(
                f"ENCODING={layout.encoding}: has no {shown(lacking)}, which is in the heading {shown(heading)}; choose utf-8, or"
                " another heading."
            )
    return layout


def lacks(encoding: str, text: str) -> str:
    """The first character of a text that an encoding has not, or nothing."""
    try:
        codecs.encode(text, encoding)
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""


def layout_of(parameters: Mapping[str, Any]) -> ListLayout:
    """The layout of a campaign by its parameters in the register; those of an earlier release name none."""
    kept = dict(parameters.get("layout") or {})
    if "columns" in kept:
        kept["columns"] = tuple((column, heading) for column, heading in kept["columns"])
    return ListLayout(**kept)


def view_lists(connection: duckdb.DuckDBPyConnection, targets: str, campaign: str) -> None:
    """Make the temporary views `listed` and `mailed`, of which a campaign's lists are written.

    Args:
        connection: the register's.
        targets: relation with the columns LISTED and channel.
        campaign: the name.
    """
    columns = ", ".join(LISTED)
    connection.execute(
        f"create or replace temp view listed as select {columns} from {targets}"
        f" order by arm = '{HOLDOUT}', arm, segment_id, value_base desc, customer_id"
    )
    connection.execute(
        f"create or replace temp view mailed as select {columns}, channel, {sql_text(campaign)} as campaign"
        f" from {targets} where arm != '{HOLDOUT}'"
    )


def channels_of(connection: duckdb.DuckDBPyConnection, targets: str) -> dict[str | None, int]:
    """How many are contacted by each channel, the largest first; None: no channel is known."""
    return dict(
        connection.execute(
            f"select channel, count(*) from {targets} where arm != '{HOLDOUT}' group by channel order by 2 desc, 1"
        ).fetchall()
    )


def take_back(connection: duckdb.DuckDBPyConnection, table: str, known: str) -> None:
    """Give ids of a temporary table that SPREADSHEET_SAFE has changed their own spelling; nothing else changes.

    known: relation whose customer_id has the ids as they are.
    """
    own = "substr(customer_id, 2)"
    connection.execute(
        f"""create or replace temp table {table} as select * replace (
            case
                when regexp_matches(customer_id, '{MADE_SAFE}')
                    and customer_id not in (select customer_id from {known} where customer_id is not null)
                    and {own} in (select customer_id from {known})
                    then {own}
                else customer_id
            end as customer_id
        ) from {table}"""
    )


def listed_mailings(folder: Path, mailings: Sequence[str]) -> str:
    """The files of whom to contact, in words."""
    return f"{folder}/{listed(mailings)}" if len(mailings) == 1 else f"{', '.join(mailings)} in {folder}"
