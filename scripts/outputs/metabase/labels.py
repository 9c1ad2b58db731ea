"""Names and descriptions that only Metabase shows, beside the words of the published file. Reads labels_<language>.csv."""

import csv
from pathlib import Path

from scripts.published.reading import PublishedTables

FOLDER = Path(__file__).parent
FALLBACK = "en"


class LabelledTables(PublishedTables):
    """A published file whose words have Metabase's labels with them, each key after `metabase.`.

    Attributes:
        language: of the labels: the published one, or English where there are none in it.
    """

    def __init__(self, path: Path) -> None:
        """Open a published file; its own words say the language."""
        super().__init__(path)
        published = self.word("language.code")
        self.language = published if (FOLDER / f"labels_{published}.csv").exists() else FALLBACK
        self.words |= read_labels(self.language)


def read_labels(language: str) -> dict[str, str]:
    """The labels of a language that has a file, by key."""
    with (FOLDER / f"labels_{language}.csv").open(encoding="utf-8", newline="") as file:
        return {f"metabase.{row['key']}": row["text"] for row in csv.DictReader(file)}
