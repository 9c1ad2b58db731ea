"""What is published now, for the commands that read it: the file, its tables and words. Opens it read-only."""

from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.paths import CURRENT, LINK, SEEDS, VERSIONS
from scripts.base.seeds import words_of
from scripts.published.version import number_of

# Of the tables and columns that the report and campaigns read, the ones that came last.
NEEDED = (
    "words",
    "segment_rules",
    "customer_values",
    "model_runs.run_number",
    "segment_drift",
    "segment_playbook.play_rank",
)
# The run of the model in use, as a relation: its labels are the published ones.
LATEST_RUN = "(from marts.model_runs order by run_number desc limit 1)"
# What stands where there is no number.
NOTHING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


class OfEarlierRelease(UserError):
    """An earlier version of the job published what is read, and did not write what is asked for."""


def open_published(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open what was published, for reading.

    Raises UserError where nothing was, or the file cannot be opened.
    """
    published = warehouse / LINK
    if not published.exists():
        raise UserError(f"{published}: nothing is published yet; run make build first.")
    try:
        return duckdb.connect(str(published.resolve()), read_only=True)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].partition(": ")[2].rstrip(".!")
        raise UserError(
            f"{published}: cannot be opened ({reason}); run make build again, or let {CURRENT} lead to an"
            f" earlier version in {warehouse / VERSIONS}."
        ) from None


def published_file(warehouse: Path) -> Path:
    """Return the published file of the version in use at this moment, without links on its way.

    A command that asks once reads one version, though another may be published meanwhile. Raises UserError where
    nothing is published, the file cannot be opened, or an earlier version of the job published it.
    """
    published = (warehouse / LINK).resolve()
    with open_published(warehouse) as connection:
        found = {
            name
            for row in connection.execute(
                "select table_name, table_name || '.' || column_name from duckdb_columns() where schema_name = 'marts'"
            ).fetchall()
            for name in row
        }
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise OfEarlierRelease(
            f"{published}: has no {missing[0]}, so an earlier version of the job built it; run make build again."
        )
    return published


def number_and_time(published: Path) -> tuple[str, str]:
    """Number of the version that a published file is of, and when it was made, as `2026-11-28 08:30:00 UTC`."""
    version = published.resolve().parent
    at = version.name.partition("-")[2]
    return str(number_of(version)), f"{at[:4]}-{at[4:6]}-{at[6:8]} {at[9:11]}:{at[11:13]}:{at[13:15]} UTC"


def latest_run(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The row of the run in use, by column; an earlier release has fewer columns. Raises IndexError where there is none."""
    is_numbered = "run_number" in connection.sql("from marts.model_runs limit 0").columns
    run = connection.sql(
        LATEST_RUN.strip("()") if is_numbered else "from marts.model_runs order by trained_at desc limit 1"
    )
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
        published_language: the language that was built in, where another one is in use; else empty.
    """

    def __init__(self, path: Path, language: str = "") -> None:
        """Open a published file to read its words; it stays open, so that all that is read is of one version.

        language: of the words; empty: the one that was built in. Raises UserError where there are no words of it.
        """
        self._path = path.resolve()
        self._connection = duckdb.connect(str(self._path), read_only=True)
        self.words: dict[str, str] = dict(
            self._connection.execute("select key, text from marts.words").fetchall()
        )
        self.published_language = ""
        if language and language != self.words.get("language.code"):
            self.published_language = self.words.get("language.code", "")
            self.words |= words_of(SEEDS, language)

    def frame(self, query: str) -> Any:
        """The answer to a query, as a frame; Any since pandas' type stubs let a cell be anything."""
        return self._connection.sql(query).df()

    def word(self, key: str, **values: str) -> str:
        """The words of a key, with values in the places of {their names}.

        Raises UserError where they are not there: an earlier version of the job had no such words.
        """
        if key not in self.words:
            raise OfEarlierRelease(
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
        if not _is_missing(is_sample) and bool(is_sample):
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
        if value is None or _is_missing(value):
            return NOTHING
        if unit == "share":
            return self.word("format.percent", number=self._localised(f"{100 * value:.0f}"))
        if unit in ("money", "whole") or abs(value) >= 100:
            return self._localised(f"{value:,.0f}")
        return self._localised(f"{value:.1f}")

    def decimals(self, value: float | None, places: int) -> str:
        """Write a number with so many decimals, as the language does."""
        return NOTHING if value is None or _is_missing(value) else self._localised(f"{value:,.{places}f}")

    def _localised(self, text: str) -> str:
        if not text.strip("-0.,"):
            text = text.removeprefix("-")
        marks = {",": self.word("format.thousands"), ".": self.word("format.decimal"), "-": MINUS}
        return "".join(marks.get(sign, sign) for sign in text)


def _is_missing(cell: Any) -> bool:
    """Whether a frame's cell holds nothing."""
    # Imported here: of the commands that read a table, most make no frame, and would wait for it.
    from pandas import isna

    return bool(isna(cell))
