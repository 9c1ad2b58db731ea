"""What a CSV file is: encoding, delimiter, header; and the `read_csv` call that reads it that way.

Reads input files once from end to end: a gzip file may be cut off, and a row of far too many columns wants another
reader. Writes nothing.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from scripts.base.errors import UserError
from scripts.base.quoting import sql_paths, sql_text

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

# A header is looked for in so many bytes; no real header comes near.
HEAD_BYTES = 1 << 20

# A header has so many names of the contract at least; above it stand so many lines of titles at most.
FEWEST_NAMES = 3
MOST_TITLE_LINES = 20

# Bytes. DuckDB's own limit for a row; longer lines, up to the second, are read to be refused one by one.
LONGEST_ROW = 2_000_000
LONGEST_LINE = 20_000_000

# A row of more than so many times the header's columns is wide; of each so many bytes of a file one line is looked at.
WIDE = 4
SAMPLED = 1 << 14

# More lines that make no row than a person would ever look at: the file is something else.
MOST_BAD_LINES = 1_000_000

# So many lines that are not UTF-8, to each that is, make a file damaged UTF-8 and not something else.
MOST_ODD = 10

# Tables pack to a tenth, the same row over and over to a three-hundredth; gzip can do a thousandth. What unpacks to more
# than so many times its size would keep the job busy for as long as its sender likes; a small file may.
LARGEST_RATIO = 500
HARMLESS_BYTES = 1 << 28

# What the first bytes of files that are no CSV say they are.
MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF document",
}

# Names the intake adds to the input's own columns; an input column of the same name gets a suffix.
RESERVED = ("_file", "_row_number", "_intake_path", "_intake_rank", "_intake_line")


@dataclass(frozen=True)
class Dialect:
    """How one CSV file is written.

    `skip` counts the lines before the header: blank ones, a line `sep=;`, titles (`title_lines`); `header_lines` the lines
    up to the header's end that are not blank (a quoted name may hold a line break), `header` its names as they stand.
    `mixed_ends` is true when the lines up to the header's end do not end alike, which DuckDB's reader does not always
    notice. `is_wide`: a row seems to have far more columns than the header; DuckDB's reader notes each column too many
    together with the whole row, and is busy for hours with a megabyte of them. Where lines that are not UTF-8 are left to
    OddLines, `odd_header_lines` says how many of the header's are such.
    """

    delimiter: str
    encoding: str
    gzipped: bool
    skip: int
    header_lines: int
    header: tuple[str, ...]
    mixed_ends: bool
    title_lines: int = 0
    is_wide: bool = False
    odd_header_lines: int | None = None


@dataclass(frozen=True)
class OddLines:
    """The lines of a file that are not UTF-8, where the others are.

    `encoding` says how they are read, `windows-1252`, or `utf-8` with U+FFFD for what cannot be read; `lines` (number, text)
    counts all lines that are not blank, as does `total`.
    """

    encoding: str
    lines: list[tuple[int, str]]
    total: int


def open_file(path: Path) -> IO[bytes]:
    """Open an input file; raises UserError when it cannot be read or is no file."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, but a file was expected here.")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path.") from None
    except PermissionError:
        raise UserError(
            f"{path} cannot be read: permission denied; give yourself the right to read it."
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None


def normalise(name: str) -> str:
    """Return a header name the way the contract spells it: trimmed, lower case, `_` for spaces and hyphens."""
    return re.sub(r"[\s_-]+", "_", name.strip().strip("\ufeff").strip().lower())


def column_names(header: Sequence[str]) -> tuple[str, ...]:
    """Return one unique, lower-case name per header name; clashes get _2, _3 ..., no name column_N."""
    taken = set(RESERVED)
    names: list[str] = []
    wanted = [normalise(name) or f"column_{number}" for number, name in enumerate(header, 1)]
    for name in wanted:
        unique, copy = name, 2
        while unique in taken:
            unique, copy = f"{name}_{copy}", copy + 1
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def sniff(path: Path, contract_names: Collection[str]) -> Dialect:
    """Look at a CSV file's beginning and say how it is written.

    The delimiter is the one that finds most of the contract's columns in the header (the most columns,
    where none is found). A gzip file is decompressed once from end to end: DuckDB reads a cut-off one
    without a word. Raises UserError when the file is empty or no CSV, or has a line that is no row of a table.
    """
    gzipped = path.name.lower().endswith(".gz")
    with open_file(path) as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise UserError(f"{path} is empty (0 bytes); a CSV file with a header and data rows was expected.")
    seen = _SampledLines(path)
    if gzipped:
        head = _gzip_head(path, head, seen)
        if not head:
            raise UserError(f"{path} holds nothing; a CSV file with a header and data rows was expected.")
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            raise UserError(
                f"{path} is {kind} by its content, not the CSV file its name says; "
                "save it as CSV (or give it the ending it needs: .parquet, .csv.gz)."
            )
    text, encoding = _decode(path, head)
    body = text.lstrip("\r\n")
    skipped = text[: len(text) - len(body)]
    skip = len(re.findall(r"\r\n|\r|\n", skipped))
    # Excel's own line that names the delimiter.
    named = re.match(r"sep=(.)[ \t]*(\r\n|\r|\n)", body, flags=re.IGNORECASE)
    if named:
        skip, skipped, body = skip + 1, skipped + named[0], body[named.end() :]
    if not body.strip():
        raise UserError(f"{path} holds only blank lines; a header and data rows were expected.")

    lines = body.splitlines(keepends=True)
    found, delimiter, header, header_lines = _find_header(path, body, contract_names)
    titles = 0
    if found < FEWEST_NAMES:
        # A report's title may stand above the header.
        for below in range(1, min(len(lines), MOST_TITLE_LINES + 1)):
            text_below = "".join(lines[below : below + 200])
            if _find_header(path, text_below, contract_names)[0] >= FEWEST_NAMES:
                titles = below
                found, delimiter, header, header_lines = _find_header(path, text_below, contract_names)
                break
    head_lines = lines[: titles + header_lines]
    ends = set(re.findall(r"\r\n|\r|\n", skipped + "".join(head_lines)))
    text_lines = sum(1 for line in head_lines if line.strip("\r\n")) + bool(named)
    if not gzipped:
        with open_file(path) as file:
            while piece := file.read(HEAD_BYTES):
                seen.grow(piece)
    is_wide = seen.most_columns(delimiter) > WIDE * len(header)
    return Dialect(
        delimiter, encoding, gzipped, skip + titles, text_lines, header, len(ends) > 1, titles, is_wide
    )


def _find_header(
    path: Path, text: str, contract_names: Collection[str]
) -> tuple[int, str, tuple[str, ...], int]:
    """Read the first line as a header; return how many names are the contract's, delimiter, names and lines."""
    best: tuple[int, int] | None = None
    delimiter, header_lines = ",", 1
    header: tuple[str, ...] = ()
    for candidate in DELIMITERS:
        names, lines = _header(path, text, candidate)
        found = {normalise(name) for name in names} & set(contract_names)
        score = (len(found), len(names))
        if best is None or score > best:
            best, delimiter, header, header_lines = score, candidate, names, lines
    assert best is not None
    return best[0], delimiter, header, header_lines


def _gzip_head(path: Path, head: bytes, seen: _SampledLines) -> bytes:
    """Return the beginning of what a gzip file holds, and let all of it be seen."""
    if not head.startswith(b"\x1f\x8b"):
        raise UserError(
            f"{path} is no gzip file, though its name ends in .gz; rename it to .csv or compress it."
        )
    try:
        with open_file(path) as file, gzip.open(file) as content:
            beginning = content.read(HEAD_BYTES)
            packed, unpacked = path.stat().st_size, len(beginning)
            seen.grow(beginning)
            while piece := content.read(HEAD_BYTES):
                seen.grow(piece)
                unpacked += len(piece)
                if unpacked > max(LARGEST_RATIO * packed, HARMLESS_BYTES):
                    raise UserError(
                        f"{path} unpacks to more than {LARGEST_RATIO} times its size, which is no table; export it again."
                    )
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UserError(
            f"{path} is cut off or damaged: its gzip stream does not end properly; copy it again."
        ) from None
    return beginning


def _decode(path: Path, head: bytes) -> tuple[str, str]:
    """Return the head as text, without byte-order mark, and DuckDB's name of its encoding.

    Latin-1 stands for everything that is not UTF-8; odd_lines tells more.
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UserError(f"{path} is UTF-32, which cannot be read; save it as UTF-8.")
    if head.startswith(codecs.BOM_UTF16_LE):
        return head[2 : len(head) // 2 * 2].decode("utf-16-le", "replace"), "utf-16"
    if head.startswith(codecs.BOM_UTF16_BE):
        raise UserError(f"{path} is UTF-16 in big-endian order, which cannot be read; save it as UTF-8.")
    if b"\x00" in head[:4096]:
        raise UserError(f"{path} holds binary data (zero bytes), not CSV text; save it as CSV in UTF-8.")
    try:
        # The head may end in the middle of a character: not final.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
        return text.removeprefix("\ufeff"), "utf-8"
    except UnicodeDecodeError:
        lines = [_decode_line(line) for line in head.splitlines(keepends=True)]
        return "".join(lines).removeprefix("\ufeff"), "latin-1"


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("windows-1252", "replace")


def _header(path: Path, text: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return tuple(next(reader)), reader.line_num
    except (csv.Error, StopIteration):
        raise UserError(
            f"{path}: its header line cannot be read as CSV; a line of column names was expected."
        ) from None


def _chunks(path: Path, dialect: Dialect) -> Iterator[bytes]:
    with open_file(path) as file:
        # Closed with the file below it, which the `with` above closes.
        content: IO[bytes] = cast(IO[bytes], gzip.open(file)) if dialect.gzipped else file  # noqa: SIM115
        while chunk := content.read(1 << 22):
            yield chunk


def is_utf8(path: Path, dialect: Dialect) -> bool:
    """Say whether all of the file's bytes are UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path, dialect):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def odd_lines(path: Path, dialect: Dialect) -> OddLines | None:
    """Find the lines of a file that are not UTF-8; None where the whole file is Latin-1.

    A file with a byte-order mark, or with some lines beyond ASCII that are UTF-8, is damaged UTF-8: text in Latin-1 hardly
    ever looks like it. Else it is Latin-1, unless it has one of the bytes that mean nothing there: Windows writes quotes
    and dashes with them.
    """
    odd: list[tuple[int, bytes]] = []
    total = odd_count = utf8_count = 0
    has_mark = has_windows = False
    for block in _line_blocks(path, dialect):
        lines = [line for line in block.splitlines() if line]
        if total == 0 and block.startswith(codecs.BOM_UTF8):
            has_mark = True
        if not block.isascii():
            for number, line in enumerate(lines, total + 1):
                if line.isascii():
                    continue
                has_windows = has_windows or bool(re.search(rb"[\x80-\x9f]", line))
                try:
                    line.decode("utf-8")
                    utf8_count += 1
                except UnicodeDecodeError:
                    odd_count += 1
                    if odd_count <= MOST_BAD_LINES:
                        odd.append((number, line))
        total += len(lines)
    is_utf8_file = has_mark or odd_count <= MOST_ODD * utf8_count
    if not is_utf8_file and not has_windows:
        return None
    if odd_count > MOST_BAD_LINES:
        raise UserError(f"{path}: more than {MOST_BAD_LINES:,} lines are not UTF-8; save it as UTF-8.")
    encoding = "utf-8" if is_utf8_file else "windows-1252"
    return OddLines(encoding, [(number, line.decode(encoding, "replace")) for number, line in odd], total)


def check_line_lengths(path: Path, dialect: Dialect) -> None:
    """Raise UserError for a file with a line of more than LONGEST_LINE bytes."""
    line = _LineLength(path)
    for chunk in _chunks(path, dialect):
        line.grow(chunk)


class _LineLength:
    """Follows the lines of a file through its pieces, and raises UserError where one gets longer than LONGEST_LINE."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._length = 0

    def grow(self, piece: bytes) -> None:
        """Take the next piece; a line that begins and ends in it is as long as the piece at most."""
        first = re.search(rb"[\r\n]", piece)
        longest = self._length + (first.start() if first else len(piece))
        if longest > LONGEST_LINE:
            raise UserError(
                f"{self._path} has a line of more than {LONGEST_LINE // 1_000_000} million bytes, which is no row of a "
                "table; export it again."
            )
        self._length = len(piece) - max(piece.rfind(b"\n"), piece.rfind(b"\r")) - 1 if first else longest


class _SampledLines:
    """Follows the lines of a file through its pieces, and keeps for each delimiter the one in which it stands most often.

    Raises UserError where a line gets longer than LONGEST_LINE.
    """

    def __init__(self, path: Path) -> None:
        self._length = _LineLength(path)
        self._most = {mark: (0, b"") for mark in DELIMITERS}

    def grow(self, piece: bytes) -> None:
        """Take the next piece; a line that goes over two of them is two lines here."""
        self._length.grow(piece)
        at = 0
        while at < len(piece):
            end = piece.find(b"\n", at)
            end = len(piece) if end < 0 else end
            # Delimiters with nothing behind them are let pass at the end.
            line = piece[piece.rfind(b"\n", 0, at) + 1 : end].rstrip(b",;\t| \r\0")
            for mark, (most, _) in self._most.items():
                if (count := line.count(mark.encode())) > most:
                    self._most[mark] = (count, line)
            at = max(at + SAMPLED, end + 1)

    def most_columns(self, delimiter: str) -> int:
        """The number of columns of the line that has most, of those that were looked at."""
        text = self._most[delimiter][1].replace(b"\0", b"").decode("latin-1")
        text = max(re.split("[\r\n]", text), key=lambda line: line.count(delimiter))
        if '"' in text:
            with suppress(csv.Error, StopIteration):
                return len(next(csv.reader([text], delimiter=delimiter)))
        return text.count(delimiter) + 1


def _line_blocks(path: Path, dialect: Dialect) -> Iterator[bytes]:
    """Pieces of a file that end with a line."""
    rest = b""
    line = _LineLength(path)
    for chunk in _chunks(path, dialect):
        line.grow(chunk)
        rest += chunk
        # A carriage return at the very end may be half of a line end.
        cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
        yield rest[:cut]
        rest = rest[cut:]
    yield rest


def has_blank_line(path: Path, dialect: Dialect) -> bool:
    """Say whether two line ends follow each other somewhere after the header, in quotes or not.

    DuckDB counts blank lines in a rejected row's `line`, though it yields no row for them.
    """
    pattern = re.compile(rb"\n\r?\n|\r\r")
    blank = b"\r\n"
    if dialect.encoding == "utf-16":
        pattern = re.compile(rb"\n\x00(\r\x00)?\n\x00|\r\x00\r\x00")
        blank = b"\r\n\x00"
    last = b""
    for number, chunk in enumerate(_chunks(path, dialect)):
        if number == 0 and dialect.skip:
            # Blank lines before the header are skipped by their number and never counted.
            for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
                chunk = chunk.removeprefix(mark)
            chunk = chunk.lstrip(blank)
        if pattern.search(last + chunk):
            return True
        last = chunk[-6:]
    return False


def read_csv(paths: Sequence[Path], dialect: Dialect, options: str = "") -> str:
    """Return the `read_csv(...)` call for files of one dialect, all columns as text.

    Nothing is left to DuckDB's detection, so that every call splits a file into the same rows. `options`
    continues the argument list, as ", store_rejects = true". Column `_intake_path` holds the file's path.
    """
    columns = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in column_names(dialect.header))
    return (
        f"read_csv({sql_paths(paths)}, auto_detect = false, header = true, skip = {dialect.skip}, "
        f"delim = {sql_text(dialect.delimiter)}, quote = '\"', escape = '\"', "
        f"encoding = {sql_text(dialect.encoding)}, "
        f"compression = {'gzip' if dialect.gzipped else 'none'!r}, "
        f"columns = {{{columns}}}, filename = '_intake_path'{options})"
    )
