"""What people type, hand in and leave lying about: nothing runs, hangs or damages what the job keeps."""

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.base.errors import UserError
from scripts.base.files import LONGEST_SILENCE, whole_file
from scripts.base.paths import STAGING, given_path
from scripts.base.sentences import listed, shown
from scripts.intake.id_lists import read_ids
from scripts.intake.objections import objectors, update_register
from scripts.intake.source import load_contract, open_source
from scripts.job.table_docs import page_of
from scripts.published.version import remove_leftovers
from tests.support.builds import REPO

VALUES = [
    "$(shell touch {made})",
    "a$b.csv",
    "$$HOME/$(HOME)/${{HOME}}",
    "`touch {made}`",
    "$(touch {made})",
    'it\'s "quoted"',
    "a#b",
    "line\nbreak",
    "blanks inside and behind ",
    "a\\ b\\",
    "x; touch {made}",
    "M\u00fcller & S\u00f6hne %s *",
]


@pytest.mark.parametrize("value", VALUES)
def test_values_reach_the_job_as_they_were_typed(tmp_path: Path, value: str) -> None:
    """Through make and the shell, with a Python that only says what it was given."""
    made = tmp_path / "made"
    typed = value.format(made=made)
    fake = tmp_path / "venv" / "bin" / "python"
    fake.parent.mkdir(parents=True)
    fake.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import json, sys; print(json.dumps(sys.argv[1:]))" "$@"\n'
    )
    fake.chmod(0o755)
    (tmp_path / "venv" / ".ready").touch()
    done = subprocess.run(
        ["make", "-s", f"VENV={tmp_path / 'venv'}", "build", f"SOURCE={typed}", "K=7"],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    given_to_the_job = json.loads(done.stdout)
    assert given_to_the_job[:2] == ["-m", "scripts.build"]
    assert sorted(given_to_the_job[2:]) == sorted([f"SOURCE={typed}", "K=7"])
    assert not made.exists()


@pytest.mark.parametrize("kind", ["pipe", "broken link"])
@pytest.mark.parametrize("where", ["transactions.csv", "transactions/part_1.csv"])
def test_what_is_no_file_is_refused_and_does_not_hang(tmp_path: Path, where: str, kind: str) -> None:
    for name in ("accounts", "statements"):
        (tmp_path / f"{name}.csv").write_text("account_id\n1\n")
    place = tmp_path / where
    place.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match="is no file, nor a link to one"):
        open_source(duckdb.connect(), tmp_path, load_contract(STAGING))


@pytest.mark.parametrize("odd", ["a\rb", "a\x1b[31m", "x" * 200_000])
def test_ids_that_a_register_could_not_hold_are_refused(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "list.parquet"
    duckdb.execute(f"copy (select '{odd}' as customer_id) to '{path}' (format parquet)")
    with pytest.raises(UserError, match="is no id: expected at most 1000 characters") as refusal:
        read_ids(path, "OBJECTIONS")
    assert len(str(refusal.value)) < 300 + len(str(path)) and str(refusal.value).isprintable()


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_register_reads_what_it_wrote(tmp_path: Path, ids: list[str]) -> None:
    """Any text: it is refused as it comes in, or stands in the register from then on."""
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    connection = duckdb.connect()
    try:
        connection.execute("create table customers as select unnest(?::varchar[]) as customer_id", [ids])
        handed_in = folder / "list.parquet"
        connection.execute(f"copy customers to '{handed_in}' (format parquet)")
    except (UnicodeEncodeError, duckdb.Error):
        return
    try:
        now = update_register(folder, str(handed_in), "", connection, "customers", accept="accept")
    except UserError:
        return
    assert set(objectors(folder)) == set(now.ids)
    assert len(now.ids) == now.added
    # Blank ids alone are blank lines, of which it says so.
    assert now.added > 0 or "has no id in it" in now.strangers[0]


def test_two_processes_write_one_file_each_whole(tmp_path: Path) -> None:
    """And what a process that is gone had begun is removed."""
    path = tmp_path / "page.html"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = os.stat("/proc/self/ns/pid").st_ino
    left = tmp_path / f".partial-{gone.pid}.{here}-page.html"
    left.touch()
    other = tmp_path / f".partial-{os.getppid()}.{here}-page.html"
    other.touch()
    with whole_file(path) as partial:
        partial.write_text("new")
        assert str(os.getpid()) in partial.name
    assert path.read_text() == "new"
    assert not left.exists() and other.exists()


def test_what_another_container_writes_is_left_until_it_is_still(tmp_path: Path) -> None:
    """Its pids are none here; in versions/ the build's lock says that nobody writes."""
    versions = tmp_path / "versions"
    (versions / ".partial-7.1-000002").mkdir(parents=True)
    (versions / "000001").mkdir()
    writing, silent = versions / "000001" / ".partial-7.1-page.html", tmp_path / ".partial-8.1-page.html"
    for path in (writing, silent):
        path.touch()
    os.utime(silent, (time.time() - 2 * LONGEST_SILENCE,) * 2)
    assert remove_leftovers(tmp_path) == []
    assert [path for path in tmp_path.rglob("*") if ".partial" in path.name] == [writing]


def test_two_containers_with_the_same_pids_write_two_files(tmp_path: Path) -> None:
    """Each process is number 1 of its own namespace."""
    code = "import sys; from pathlib import Path; from scripts.base.files import partial_of; print(partial_of(Path('page')), flush=True); input()"
    command = ["unshare", "--pid", "--fork", sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": REPO}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    # Both live until both have said it: a number may be used again.
    first, second = [each.stdout.readline() for each in both]
    for each in both:
        each.communicate("\n", timeout=60)
    if not first:
        pytest.skip("a namespace of its own takes the right to make it")
    assert first.startswith(".partial-1.") and second.startswith(".partial-1.") and first != second


def test_a_column_cannot_end_the_script_of_the_page() -> None:
    catalog = {"columns": ["</script><img onerror=alert(1)>"]}
    page, without = (page_of({"manifest": {}, "catalog": each}) for each in (catalog, {}))
    assert page.count("</script>") == without.count("</script>") and "<img onerror=alert" not in page
    begins = page.index("catalog:{") + len("catalog:")
    assert json.JSONDecoder().raw_decode(page, begins)[0] == catalog


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("~nosuchuser/x.csv", "home directory"),
        ("x" * 300, "too long"),
        ("loop", "symbolic links"),
        ("a\0b", "null"),
    ],
)
def test_a_path_at_which_nothing_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=f"^SOURCE=.*: is no usable path \\(.*{reason}") as refusal:
        given_path("SOURCE", text)
    assert len(str(refusal.value)) <= 300


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain \u00fc \u00a0 \ufffd", "plain \u00fc \u00a0 \ufffd"),
        ("two\r\nlines\u2028more\tand", "two  lines more and"),
        ("\x1b[31mred\x00\x7f", "\\x1b[31mred\\x00\\x7f"),
        ("\u202eleft \udc80", "\\u202eleft \\udc80"),
    ],
)
def test_a_sentence_is_one_line_without_control_characters(text: str, line: str) -> None:
    assert str(UserError(text)) == line
    assert str(UserError("first\nstill first", "second")) == "first still first\nsecond"


def test_what_is_quoted_is_short() -> None:
    assert shown("x" * 10**6) == "x" * 37 + "..."
    assert shown("\n" * 50) == " " * 37 + "..."
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == ""
    assert listed(f"column_{n:02}" for n in range(40)) == (
        ", ".join(f"column_{n:02}" for n in range(8)) + " and 32 more"
    )
    assert listed(["x" * 1500], 20) == "x" * 37 + "..."


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "x" * 1500, "\u202e", "a,b" * 30])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_header_is_quoted_on_one_line_and_short(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / f"summary.{ending}"
    names = [f"{name}{number}" for number in range(50)]
    if ending == "csv":
        path.write_text(",".join(f'"{each}"' for each in names) + "\n" + ",".join("1" * 50) + "\n")
    else:
        columns = ", ".join(f'1 as "{each}"' for each in names)
        duckdb.execute(f"copy (select {columns}) to '{path}' (format parquet)")
    with pytest.raises(UserError) as refusal:
        open_source(duckdb.connect(), path, load_contract(STAGING))
    assert str(refusal.value).isprintable() and len(str(refusal.value)) <= 300 + len(str(path))


SUMMARY = [column.name for column in load_contract(STAGING).summary["customer_summary"]]
HEAD = ",".join(SUMMARY).encode() + b"\nC1" + b",1.5" * 17 + b"\n"


@pytest.mark.parametrize(
    ("filling", "reason"),
    [
        (b"\0", "binary data|million bytes"),
        (b"a", "million bytes"),
        (b",", "million bytes"),
        (b'"', "million bytes"),
        (b"\n", "cannot be read"),
    ],
)
def test_a_small_file_that_unpacks_to_a_large_one(tmp_path: Path, filling: bytes, reason: str) -> None:
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress(HEAD + filling * 100_000_000))
    with pytest.raises(UserError, match=reason) as refusal:
        open_source(duckdb.connect(), path, load_contract(STAGING))
    assert str(refusal.value).isprintable()


def test_a_file_that_unpacks_to_anything(tmp_path: Path) -> None:
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress(HEAD) + gzip.compress((b"b" * 99_999 + b"\n") * 1_000) * 4)
    with pytest.raises(UserError, match="unpacks to more than 500 times its size"):
        open_source(duckdb.connect(), path, load_contract(STAGING))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_ten_thousand_columns_are_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"s.{ending}"
    names = [*SUMMARY, *(f"extra_{number}" for number in range(10_000))]
    if ending == "csv":
        path.write_text(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
    else:
        columns = ", ".join(f"1 as {name}" for name in names)
        duckdb.execute(f"copy (select {columns}) to '{path}' (format parquet)")
    with pytest.raises(UserError, match="has 10,018 columns; at most 2,000 are read"):
        open_source(duckdb.connect(), path, load_contract(STAGING))
