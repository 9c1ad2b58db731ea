"""The published tables with the words of the workbook. Reads the published file."""

from scripts.published.reading import PublishedTables


class SheetTables(PublishedTables):
    """What the sheets read."""

    def w(self, key: str, **values: str) -> str:
        """A word of the workbook."""
        return self.word(f"workbook.{key}", **values)

    def t(self, key: str, **values: str) -> str:
        """A word that the report has, too."""
        return self.word(f"report.{key}", **values)
