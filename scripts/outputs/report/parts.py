"""What the report's sections are made of: the published tables with the words of the page, tables and figures.

Reads the published file; writes nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.published.look import SERIES
from scripts.published.reading import PublishedTables

# pandas' type stubs let a cell be anything; these frames' columns are the marts'.
Frame = Any
Table = dict[str, Any]
Figure = dict[str, Any]


def table_of(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]
) -> Table:
    """A table of the page; numbers: places of the columns that are numbers, to be aligned right."""
    return {
        "title": title,
        "heads": [{"text": text, "number": place in numbers} for place, text in enumerate(heads)],
        "rows": rows,
    }


class Colours(dict[str, str]):
    """The colour of each segment, retired ones too, by the name that charts show: its number, a blank, its name.

    The number decides.
    """

    def __missing__(self, name: str) -> str:
        number = name.partition(" ")[0]
        return next(colour for known, colour in self.items() if known.partition(" ")[0] == number)


class Page(PublishedTables):
    """What the page reads."""

    def __init__(self, path: Path, language: str = "") -> None:
        """Open the published file, and take the colours of segments from the register.

        language: of the page's words; empty: the one that was built in.
        """
        super().__init__(path, language)
        registry = self.frame(
            "select segment_id, segment_name, colour from marts.segment_registry order by 1"
        )
        self.colours = Colours(
            {
                f"{row.segment_id} {row.segment_name}": SERIES[int(row.colour) % len(SERIES)]
                for row in registry.itertuples()
            }
        )

    def t(self, key: str, **values: str) -> str:
        """A word of the page."""
        return self.word(f"report.{key}", **values)


def names_of(frame: Frame) -> list[str]:
    """Number and name of each segment, as charts and tables show it."""
    return [
        f"{number} {name}" for number, name in zip(frame["segment_id"], frame["segment_name"], strict=True)
    ]


def figure_of(title: str, drawn: str, table: Table | None) -> Figure:
    """A picture as a figure of the page; its words for who cannot see it are those of its table, first to last."""
    spoken = title
    if table:
        spoken += ". " + "; ".join(", ".join(row) for row in table["rows"])
    return {"title": title, "drawn": drawn, "alt": spoken, "data": table}
