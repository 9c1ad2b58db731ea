"""Builds, readers and people's commands at once: whoever looks sees one version, whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.intake.source_files import InputFile, stamp_of
from scripts.job import unchanged_input
from scripts.job.unchanged_input import check_unchanged, look_at
from scripts.outputs.report import page
from scripts.published.reading import PublishedTables, published_file
from scripts.published.version import link_names
from tests.support.builds import REPO
from tests.support.copied_version import copy_warehouse, publish_copy

# A reader of the published file, and one of the Parquet files, until a file tells it to stop. Each says what it saw.
READER = """
import json, sys
from pathlib import Path
import duckdb
warehouse, kind = Path(sys.argv[1]), sys.argv[2]
seen, mixed = 0, []
while not (warehouse / "stop").exists():
    if kind == "duckdb":
        with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
            query = "select model_id from marts.model_runs union select model_id from marts.{} "
            found = [connection.execute(query.format(t)).fetchall() for t in ("customer_segments", "customer_values")]
            found = {row for rows in found for row in rows}
    elif kind == "parquet":
        folder = (warehouse / "parquet").resolve()
        found = set(duckdb.sql(f"select distinct model_id from '{folder}/*.parquet'").fetchall())
    else:
        folder = (warehouse / "current").resolve()
        found = {(folder / name).read_text() for name in ("card_segments_report.html", "card_segments.xlsx")}
    seen += 1
    if len(found) != 1:
        mixed.append(sorted(map(str, found)))
print(json.dumps([seen, mixed]))
"""


def test_ten_readers_through_fifty_publishes(tmp_path: Path) -> None:
    """No errors and no mixtures: of tables in the file, of Parquet files, of report and workbook."""
    publish_small(tmp_path, 1)
    kinds = ["duckdb"] * 4 + ["parquet"] * 4 + ["pages"] * 2
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(tmp_path), kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    ]
    for run in range(2, 52):
        publish_small(tmp_path, run)
    (tmp_path / "stop").touch()
    for kind, reader in zip(kinds, readers, strict=True):
        out, errors = reader.communicate(timeout=120)
        assert reader.returncode == 0, (kind, errors)
        seen, mixed = json.loads(out)
        assert (seen > 0, mixed) == (True, []), kind


def publish_small(warehouse: Path, run: int) -> None:
    """A version of which every table, file and page says the run."""
    folder = warehouse / "versions" / f"{run:06}-20260701T120000Z"
    (folder / "parquet").mkdir(parents=True)
    with duckdb.connect(str(folder / "card_segments.duckdb")) as connection:
        connection.execute("create schema marts")
        for table in ("model_runs", "customer_segments", "customer_values"):
            connection.execute(
                f"create table marts.{table} as select 'run {run}' as model_id from range(500)"
            )
            connection.execute(f"copy marts.{table} to '{folder}/parquet/{table}.parquet'")
    for name in ("card_segments_report.html", "card_segments.xlsx"):
        (folder / name).write_text(f"run {run}")
    newer = warehouse / "newer"
    newer.symlink_to(f"versions/{folder.name}")
    newer.replace(warehouse / "current")
    link_names(warehouse)


def test_a_report_is_of_the_version_that_it_opened(
    sample_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another is published between the first table and the last; the page belongs to the first, and stands there."""
    copy_warehouse(sample_build, tmp_path)
    name = "Of the newer version"
    made = page._maps

    def publish_meanwhile(*given: object) -> object:
        publish_copy(
            tmp_path,
            f"update marts.segment_profiles set segment_name = '{name}'",
            f"update marts.segment_values set segment_name = '{name}'",
        )
        return made(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(page, "_maps", publish_meanwhile)
    published = published_file(tmp_path)
    older = published.parent
    page.write_report(published, older)
    assert (tmp_path / "current").resolve() != older
    assert name not in (older / "card_segments_report.html").read_text(encoding="utf-8")
    assert published_file(tmp_path).parent != older


def test_one_way_of_reading_holds_one_version(sample_build: Path, tmp_path: Path) -> None:
    link = copy_warehouse(sample_build, tmp_path)
    tables = PublishedTables(link)
    before = tables.frame("select segment_name from marts.segment_profiles order by segment_id")
    publish_copy(tmp_path, "update marts.segment_profiles set segment_name = 'newer'")
    after = tables.frame("select segment_name from marts.segment_profiles order by segment_id")
    assert before.equals(after)
    assert set(PublishedTables(link).frame("select segment_name as n from marts.segment_profiles").n) == {
        "newer"
    }


def test_three_workbooks_at_once(sample_build: Path, tmp_path: Path) -> None:
    """Each process writes a file of its own; the last one stays, whole, and nothing is left over."""
    copy_warehouse(sample_build, tmp_path)
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "scripts.excel"],
            cwd=REPO,
            env={"PATH": "", "CARD_SEGMENTS_WAREHOUSE": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    for command in commands:
        out, _ = command.communicate(timeout=120)
        assert command.returncode == 0, out
    assert (tmp_path / "card_segments.xlsx").read_bytes()[:2] == b"PK"
    assert not [path for path in tmp_path.rglob(".partial-*")]


# Input that is replaced


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    path = tmp_path / "cards.csv"
    path.write_text("cust_id,balance\n1,2\n")
    return path


def seen_in(source: Path) -> dict[Path, unchanged_input.Seen]:
    file = InputFile("customer_summary", source.name, source, "csv", source.stat().st_size, stamp_of(source))
    return look_at([file], source)


def test_an_input_that_stays_may_be_touched_or_copied_over(summary: Path) -> None:
    seen = seen_in(summary)
    check_unchanged(seen, summary)
    summary.touch()
    check_unchanged(seen, summary)
    summary.write_bytes(summary.read_bytes())
    check_unchanged(seen, summary)


@pytest.mark.parametrize("way", ["other digit", "longer", "gone", "renamed over", "old time"])
def test_an_input_that_is_replaced_stops_the_build(summary: Path, way: str) -> None:
    seen, stamp = seen_in(summary), summary.stat()
    if way == "gone":
        summary.unlink()
    elif way == "renamed over":
        other = summary.with_name("other")
        other.write_text("cust_id,balance\n1,3\n")
        other.replace(summary)
    else:
        summary.write_text("cust_id,balance\n1,2\n2,3\n" if way == "longer" else "cust_id,balance\n1,3\n")
    if way == "old time":
        os.utime(summary, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(
        UserError, match=r"cards\.csv (is gone|was changed or replaced) while the build read it"
    ):
        check_unchanged(seen, summary)


def test_a_large_input_is_told_by_its_blocks_and_by_its_time(tmp_path: Path) -> None:
    """More than the blocks that are read: a change between them shows in the file's time."""
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(3 * unchanged_input.BLOCKS * unchanged_input.BLOCK)
    seen = seen_in(path)
    check_unchanged(seen, path)
    with path.open("r+b") as file:
        file.seek(unchanged_input.BLOCK + 5)
        file.write(b"x")
    with pytest.raises(UserError, match="was changed or replaced"):
        check_unchanged(seen, path)
