"""Spoilt inputs by the hundred: each is accepted with every row counted, or refused in one short sentence.

`python -m tests.attacks.fuzz [N] [SEED]` tries N of them and keeps those that fail in fuzz_failures/, in the working directory.
"""

from __future__ import annotations

import faulthandler
import gzip
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.paths import STAGING
from scripts.intake.source import Intake, load_contract, open_source

# Seconds for one input, and characters of a sentence beside the path that it names.
LONGEST = 60
MOST_CHARACTERS = 300
# Large files take their time, which is no fault.
MOST_BYTES = 8_000_000

CONTRACT = load_contract(STAGING)
SUMMARY_HEADER = ",".join([*(column.name for column in CONTRACT.summary["customer_summary"]), "note"])
LEDGER_HEADERS = {
    name: ",".join(column.name for column in columns) for name, columns in CONTRACT.ledger.items()
}
DATES = [
    "infinity", "-infinity", "epoch", "now", "0001-01-01", "9999-12-31", "99999-01-01", "-2024-01-01", "2024-02-30",
    "24-01-05", "05/01/2024", "20240105", "5-Jan-24", "2024-01-05 (BC)", "2024-01-05T10:00:00+07:00", "45992", "",
]  # fmt: skip
NUMBERS = [
    "1e308", "1e999", "-1e308", "NaN", "inf", "9" * 400, "-0", "0x10", "1.234.567,89", "1,5", "(5)", "5-", "5 CR", "€ 5", "83%",
    "--5", "", "1_000", "\u0661\u0662", "1e-400",
]  # fmt: skip
TEXTS = [
    "\x00", "\x01", "\x1b[31m", "\u202e", "\ufeff", "\ufffd", "\u2028", "\x85", "\r", "\n", "\r\n", "\t", '"', '""', "'", ";", "|", ",",
    "\\", "NULL", "\u00a0", "\U0001f600", "\ud7ff", "=1+1", "x" * 5_000, "$(id)", "%s", "{}", "*", "[1]", "../x", "#N/A",
]  # fmt: skip


def summary() -> str:
    """A small summary in order."""
    lines = [SUMMARY_HEADER]
    for number in range(1, 41):
        lines.append(
            f"C{number:03},{100 + number}.50,1,{10 * number},{10 * number},0,0,0.5,0.5,0,0,0,{6 + number % 5},"
            f"3000,{7 * number}.25,20,0,12,shop {number}"
        )
    return "\n".join(lines) + "\n"


def ledger() -> dict[str, str]:
    """A small ledger in order, by table."""
    lines = {name: [header] for name, header in LEDGER_HEADERS.items()}
    for number in range(1, 13):
        lines["accounts"].append(f"A{number},C{number},2020-01-{number:02},")
        for month in range(1, 13):
            lines["transactions"].append(
                f"T{number}-{month},A{number},2025-{month:02}-{number:02},{'oneoff_purchase' if month % 2 else 'payment'},"
                f"{10 * number}.25"
            )
            lines["statements"].append(
                f"A{number},2025-{month:02}-28,2025-{month:02}-28,{5 * number}.00,4.25,1.00,1000,1.00"
            )
    return {name: "\n".join(rows) + "\n" for name, rows in lines.items()}


def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randrange(len(data) + 1)


def _in_a_field(data: bytes, rng: random.Random, values: list[str]) -> bytes:
    """Put values into some fields."""
    lines = _lines(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        row = rng.randrange(len(lines))
        fields = lines[row].split(b",")
        fields[rng.randrange(len(fields))] = rng.choice(values).encode("utf-8", "surrogatepass")
        lines[row] = b",".join(fields)
    return b"\n".join(lines)


def _whole_column(data: bytes, rng: random.Random, values: list[str]) -> bytes:
    lines = _lines(data)
    place, value = rng.randrange(lines[0].count(b",") + 1), rng.choice(values).encode()
    for row in range(1, len(lines) - 1):
        fields = lines[row].split(b",")
        if place < len(fields):
            fields[place] = value
        lines[row] = b",".join(fields)
    return b"\n".join(lines)


def _encoded(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "replace").replace("shop", "caf\u00e9 \u201cx\u201d")
    encoding = rng.choice(
        ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252", "latin-1", "utf-8-sig", "cp500"]
    )
    return text.encode(encoding, "replace")


def _bytes_flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 2, 10, 100])):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _bytes_put_in(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 1, 2, 10])):
        place = _place(data, rng)
        data = data[:place] + rng.choice(TEXTS).encode("utf-8", "surrogatepass") + data[place:]
    return data


def _windows_bytes(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 3, 30])):
        place = _place(data, rng)
        data = (
            data[:place]
            + rng.choice([b"\x93", b"\xe9", b"\xff", b"\x81", b"\xc3\xa9", b"\xc3"])
            + data[place:]
        )
    return data


def _shuffled_columns(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    order = list(range(lines[0].count(b",") + 1))
    rng.shuffle(order)
    return b"\n".join(
        b",".join(fields[at] for at in order) if len(fields := line.split(b",")) == len(order) else line
        for line in lines
    )


def _lines_changed(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    at = rng.randrange(len(lines))
    way = rng.randrange(6)
    if way == 0:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif way == 1:
        del lines[at]
    elif way == 2:
        lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
    elif way == 3:
        rng.shuffle(lines)
    elif way == 4:
        lines[at:at] = [b"", b"  ", b",,,"]
    else:
        lines = lines * rng.choice([2, 50])
    return b"\n".join(lines)


def _header_changed(data: bytes, rng: random.Random) -> bytes:
    lines = _lines(data)
    names = lines[0].split(b",")
    at = rng.randrange(len(names))
    way = rng.randrange(6)
    if way == 0:
        names[at] = rng.choice(names)
    elif way == 1:
        names[at] = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
    elif way == 2:
        names += [b"extra_%d" % number for number in range(rng.choice([1, 500, 3_000]))]
    elif way == 3:
        names[at] = b"n" * 1_500
    elif way == 4:
        names[at] = names[at].upper().replace(b"_", b" ")
    else:
        names = []
    return b"\n".join([b",".join(names), *lines[1:]])


def _other_ends(data: bytes, rng: random.Random) -> bytes:
    ends = [b"\n", b"\r\n", b"\r", b"\n\n"]
    if rng.random() < 0.5:
        return data.replace(b"\n", rng.choice(ends))
    return b"".join(line + rng.choice(ends) for line in _lines(data))


def _long_field(data: bytes, rng: random.Random) -> bytes:
    place = _place(data, rng)
    return (
        data[:place]
        + rng.choice([b"y", b'"', b",", b"y,", b'",', b" ", b"\xc3\xa9"]) * rng.choice([200_000, 3_000_000])
        + data[place:]
    )


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    _bytes_flipped,
    _bytes_put_in,
    _windows_bytes,
    _encoded,
    _shuffled_columns,
    _lines_changed,
    _lines_changed,
    _header_changed,
    _other_ends,
    _long_field,
    lambda data, rng: _in_a_field(data, rng, DATES),
    lambda data, rng: _in_a_field(data, rng, NUMBERS),
    lambda data, rng: _in_a_field(data, rng, TEXTS),
    lambda data, rng: _whole_column(data, rng, [*DATES, *NUMBERS]),
    lambda data, rng: data.replace(b",", rng.choice([b";", b"\t", b"|", b":", b", ", b" "])),
    lambda data, rng: data.replace(b",", b'","').replace(b"\n", b'"\n"') if rng.random() < 0.5 else data.replace(b",", b'",', 5),
    lambda data, rng: data[: _place(data, rng)],
    lambda data, rng: data[_place(data, rng) :],
    lambda data, rng: rng.choice([b"", b"\n", b"sep=;\n" + data, b"Title\n\n" + data, b"PAR1" + data, data + data]),
    lambda data, rng: data.replace(b"C", b" C ").replace(b"A", rng.choice([b"A\t", b"\xc2\xa0A", b"A "])),
]  # fmt: skip


def _mutate(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        # Each takes a file that is not empty.
        data = rng.choice(MUTATIONS)(data or b"\n", rng)[:MOST_BYTES]
    return data


def _write(data: bytes, folder: Path, name: str, rng: random.Random) -> Path:
    """Write a table, as CSV, gzip or Parquet; the last two may be damaged once more."""
    form = rng.choice(["csv", "csv", "csv", "csv.gz", "parquet"])
    path = folder / f"{name}.{form}"
    if form == "csv.gz":
        data = gzip.compress(data)
    elif form == "parquet":
        plain = folder.parent / "plain.csv"
        plain.write_bytes(data)
        try:
            typed = rng.choice(["true", "false"])
            duckdb.execute(
                f"copy (from read_csv('{plain}', all_varchar = {typed}, ignore_errors = true)) to '{path}' (format parquet)"
            )
            data = path.read_bytes()
        except duckdb.Error:
            form = "csv"
        finally:
            plain.unlink()
    if form != "csv" and rng.random() < 0.3:
        data = rng.choice([_bytes_flipped, lambda data, rng: data[: _place(data, rng)]])(data, rng)
    path.write_bytes(data)
    return path


def spoilt(folder: Path, rng: random.Random) -> Path:
    """Write one spoilt input into the folder and return what SOURCE would be."""
    folder.mkdir(parents=True)
    if rng.random() < 0.5:
        return _write(_mutate(summary().encode(), rng), folder, "summary", rng)
    tables = ledger()
    chosen = rng.choice(list(tables))
    for name, text in tables.items():
        if name == chosen:
            _write(_mutate(text.encode(), rng), folder, name, rng)
        else:
            (folder / f"{name}.csv").write_text(text)
    return folder


def lost_rows(connection: duckdb.DuckDBPyConnection, intake: Intake) -> str:
    """Say where the rows of an opened input do not add up; empty where they do."""
    for name in sorted({file.source for file in intake.files}):
        rows = sum(file.rows for file in intake.files if file.source == name)
        bad = sum(file.unreadable_rows for file in intake.files if file.source == name)
        good, places, last = connection.execute(
            f"select count(*), count(distinct (_file, _row_number)), max(_row_number) from raw.{name}"
        ).fetchall()[0]
        [(plain,)] = connection.execute(f"select count(*) from raw.{name}_unnumbered").fetchall()
        [(kept, numbers)] = connection.execute(
            "select count(*), count(distinct row_number) from raw.unreadable_rows where source = ?", [name]
        ).fetchall()
        [(both,)] = connection.execute(
            f"select count(*) from raw.{name} join raw.unreadable_rows on row_number = _row_number where source = '{name}'"
        ).fetchall()
        if not (
            good == plain == places == rows - bad and kept == numbers == bad and both == 0 and last <= rows
        ):
            return (
                f"{name}: {rows} rows, {bad} unreadable; {good} in the view, {plain} unnumbered, {places} places up to {last}, "
                f"{kept} kept as unreadable with {numbers} numbers, {both} in both"
            )
    return ""


def fault_of(source: Path) -> tuple[str, bool]:
    """Open an input; what is wrong with how the job takes it, empty where nothing is, and whether it was accepted."""
    started = time.monotonic()
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    accepted = False
    try:
        with duckdb.connect() as connection:
            fault = lost_rows(connection, open_source(connection, source, CONTRACT))
            accepted = True
    except UserError as error:
        fault, sentence = "", str(error).replace(str(source), "")
        if not sentence.isprintable() or len(sentence) > MOST_CHARACTERS:
            fault = f"{len(sentence)} characters, printable: {sentence.isprintable()}: {sentence!r}"
    except BaseException:
        fault = traceback.format_exc()
    finally:
        faulthandler.cancel_dump_traceback_later()
    seconds = time.monotonic() - started
    return fault or (f"took {seconds:.0f} seconds" if seconds > LONGEST / 2 else ""), accepted


def main(arguments: list[str]) -> int:
    """Try N inputs from SEED on; the number that failed."""
    count, seed = (*map(int, arguments), *(200, 1)[len(arguments) :])
    failed = accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seed, seed + count):
            place = Path(folder) / str(number)
            print(f"\r{number}", end="", file=sys.stderr, flush=True)
            source = spoilt(place, random.Random(number))
            fault, taken = fault_of(source)
            accepted += taken
            if fault:
                failed += 1
                print(f"seed {number}: {fault}", flush=True)
                shutil.copytree(place, Path("fuzz_failures") / str(number), dirs_exist_ok=True)
            shutil.rmtree(place)
    print(f"{count} inputs from seed {seed}: {accepted} accepted, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
