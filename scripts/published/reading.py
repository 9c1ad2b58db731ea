"""What is published now, for the commands that read it: the file, its tables and words. Opens it read-only."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from scripts.base.errors import UserError
from scripts.base.paths import LINK, VERSIONS

# Of the tables that the report and campaigns read, the ones that came last.
NEEDED = ("words", "segment_rules", "customer_values")
# The run of the model in use, as a relation: its labels are the published ones.
LATEST_RUN = "(from marts.model_runs order by trained_at desc limit 1)"
# What stands where there is no number.
NOTHING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def open_published(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open what was published, for reading.

    Raises UserError where nothing was, or the file cannot be opened.
    """
    published = warehouse / LINK
    if not published.exists():
        raise UserError(f"{published}: nothing is published yet; run make build first.")
    try:
        return duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].partition(": ")[2].rstrip(".!")
        raise UserError(
            f"{published}: cannot be opened ({reason}); run make build again, or let the link lead to an earlier"
            f" file of {warehouse / VERSIONS}."
        ) from None


def published_file(warehouse: Path) -> Path:
    """Return the published file's link.

    Raises UserError where nothing is published, the file cannot be opened, or an earlier version of the job
    published it.
    """
    published = warehouse / LINK
    with open_published(warehouse) as connection:
        found = {
            row[0]
            for row in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
        }
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise UserError(
            f"{published}: has no table {missing[0]}, so an earlier version of the job built it; run make build again."
        )
    return published


def latest_run(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The row of the run in use, by column; an earlier release has fewer columns. Raises IndexError where there is none."""
    run = connection.sql(LATEST_RUN.strip("()"))
    return dict(zip(run.columns, run.fetchall()[0], strict=True))


def mapping_in_use(warehouse: Path) -> Path | None:
    """The mapping by which the published build read its input; None where there was none.

    Raises UserError as open_published does.
    """
    with open_published(warehouse) as connection:
        path = latest_run(connection).get("mapping_path")
    return Path(path) if path else None


class PublishedTables:
    """The tables of a published file as frames, and its words.

    Attributes:
        words: texts of the language in use, by key.
    """

    def __init__(self, path: Path) -> None:
        """Open a published file to read its words."""
        self._path = path
        with duckdb.connect(str(path), read_only=True) as connection:
            self.words: dict[str, str] = dict(
                connection.execute("select key, text from marts.words").fetchall()
            )

    def frame(self, query: str) -> Any:
        """The answer to a query, as a frame; Any since pandas' type stubs let a cell be anything."""
        with duckdb.connect(str(self._path), read_only=True) as connection:
            return connection.sql(query).df()

    def word(self, key: str, **values: str) -> str:
        """The words of a key, with values in the places of {their names}.

        Raises UserError where they are not there: an earlier version of the job had no such words.
        """
        if key not in self.words:
            raise UserError(
                f"{self._path}: has no words for {key}, so an earlier version of the job built it; run make build"
                " again."
            )
        text = self.words[key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def source(self) -> str:
        """What the customers come from: the input's files, or that they are generated."""
        is_sample = self.frame(f"from {LATEST_RUN}").iloc[0].get("is_sample")
        if is_sample is not None and pd.notna(is_sample) and bool(is_sample):
            return self.word("source.sample")
        audit = self.frame("from marts.load_audit where measure = 'rows' order by source")
        return ", ".join(audit["files"])

    def unknown(self) -> str:
        """Which features the input does not know, in a sentence; nothing where it knows all."""
        names = self.frame(f"from {LATEST_RUN}").iloc[0].get("unknown_features")
        if not isinstance(names, str) or not names:
            return ""
        features = ", ".join(self.word(f"feature.{name}") for name in names.split(", "))
        return self.word("unknown_features", features=features)

    def number(self, value: float | None, unit: str = "money") -> str:
        """Write a number as the language does: money whole, shares in percent, the rest with a decimal."""
        if value is None or pd.isna(value):
            return NOTHING
        if unit == "share":
            return self.word("format.percent", number=self._localised(f"{100 * value:.0f}"))
        if unit in ("money", "whole") or abs(value) >= 100:
            return self._localised(f"{value:,.0f}")
        return self._localised(f"{value:.1f}")

    def decimals(self, value: float | None, places: int) -> str:
        """Write a number with so many decimals, as the language does."""
        return NOTHING if value is None or pd.isna(value) else self._localised(f"{value:,.{places}f}")

    def _localised(self, text: str) -> str:
        marks = {",": self.word("format.thousands"), ".": self.word("format.decimal"), "-": MINUS}
        return "".join(marks.get(sign, sign) for sign in text)
