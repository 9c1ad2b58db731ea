"""Names and paths with what SQL, templates, terminals or addresses mean something by: as they are, or a sentence."""

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.paths import PROJECT, WAREHOUSE, given_path, warehouse_folder
from scripts.base.warehouse import make_warehouse
from scripts.dbt.runner import BRACE, _as_they_are
from scripts.intake.source import Intake
from scripts.job import build as job
from scripts.job.summary import print_summary, summarise
from scripts.job.table_docs import write_docs
from scripts.job.trained_models import print_models
from tests.support.builds import REPO, query, run_build

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24
ODD = "w {{ x.y() }} {% y %} %41 ' \" \\ \u00e9 %s *[1]"
TRAITS = ["se'x", 'a"b', "{{_x.y()_}}", "c\\d", "{%_raw", "\u00e9%s"]


def without_power() -> None:
    """Root is tried without its power over permissions."""
    for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, power, 0, 0, 0)


def command(
    warehouse: Path, *arguments: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=REPO,
        env={**os.environ, WAREHOUSE: str(warehouse)},
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert re.search(words, done.stderr), done.stderr


def test_a_build_where_every_name_is_odd(sample_build: Path, tmp_path: Path) -> None:
    """The folder of the input and its file, the warehouse, protected columns and their values; then make docs."""
    folder = tmp_path / "a\\b {{ x.y() }} {# #}"
    folder.mkdir()
    source = folder / "cust'omers.csv"
    features = query(sample_build, "from marts.customer_features order by customer_id").drop(
        columns=["as_of_date"]
    )
    for place, trait in enumerate(TRAITS):
        features[trait] = [f"{{{{ v{place} }}}} '\"" if row % 2 else "plain" for row in range(len(features))]
    features.to_csv(source, index=False)
    warehouse = tmp_path / ODD
    done = run_build(warehouse, f"SOURCE={source}", f"PROTECTED={','.join(TRAITS)}", "CANDIDATES_K_MAX=4")
    assert done.returncode == 0, done.stdout + done.stderr
    published = warehouse / "card_segments.duckdb"
    mix = query(
        published, "select distinct trait, value from marts.protected_trait_mix where value <> 'plain'"
    )
    assert dict(mix.values.tolist()) == {
        trait: f"{{{{ v{place} }}}} '\"" for place, trait in enumerate(TRAITS)
    }
    runs = query(published, "select input_path from marts.model_runs")
    assert runs["input_path"].tolist() == [str(source)]
    page = write_docs(warehouse)
    assert page.is_relative_to(warehouse) and page.stat().st_size > 1_000_000


def test_dbt_gets_texts_as_they_are() -> None:
    variables = {"a": "{{{ x }}} {% raw %} {# { %", "b": {"c": "{{ x }}"}, "d": 1}
    assert "{{ x" not in str(_as_they_are(variables)["a"])
    assert _as_they_are(variables)["a"].replace(BRACE, "{") == variables["a"]
    assert {**_as_they_are(variables), "a": variables["a"]} == variables


@pytest.mark.parametrize("name", ["a?b", "a#b", "a\nb", "a\x1bb", "a\udcffb", "x" * 300, "loop/w"])
def test_where_no_warehouse_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv(WAREHOUSE, f"{tmp_path}/{name}")
    with pytest.raises(UserError, match=rf"^{WAREHOUSE}=.*; (give another|or set)") as refusal:
        warehouse_folder()
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 350


def test_a_warehouse_that_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAREHOUSE, "")
    assert warehouse_folder() == PROJECT / "warehouse"


def test_what_stands_where_the_warehouse_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, words in (
        ("file", "a file is there"),
        ("link", "a link that leads nowhere is there"),
        ("file/w", "cannot be made"),
        ("no/w", "its parent folder does not exist"),
    ):
        with pytest.raises(UserError, match=f"{name}: .*{words}"):
            make_warehouse(tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept" and not (tmp_path / "nowhere").exists()


def test_a_folder_without_rights(tmp_path: Path) -> None:
    """For a warehouse, for a list, for the input: one sentence that names it."""
    shut = tmp_path / "shut"
    shut.mkdir()
    (shut / "list.csv").write_text("customer_id\n1\n")
    unreadable = tmp_path / "list.csv"
    unreadable.write_text("customer_id\n1\n")
    unreadable.chmod(0)
    read_only = tmp_path / "read_only"
    read_only.mkdir(mode=0o555)
    shut.chmod(0)
    try:
        done = command(read_only / "w", "scripts.build", before=without_power)
        assert_one_sentence(done, r"read_only/w: cannot be made \(Permission denied\)")
        for module in ("scripts.build", "scripts.models", "scripts.report", "scripts.campaign"):
            more = ["NAME=a", "SEGMENT=1"] if module == "scripts.campaign" else []
            done = command(shut / "w", module, *more, before=without_power)
            assert_one_sentence(done, f"{WAREHOUSE}=.*Permission denied.*check the rights")
        code = (
            "import sys; from pathlib import Path; from scripts.base.console import run_command;"
            " from scripts.base.paths import given_path; from scripts.intake.id_lists import read_ids;"
            " sys.exit(run_command(lambda _: read_ids(given_path('OPT_OUT', sys.argv[1]), 'OPT_OUT')))"
        )
        for path in (shut / "list.csv", unreadable):
            done = subprocess.run(
                [sys.executable, "-c", code, str(path)],
                cwd=REPO, preexec_fn=without_power, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert_one_sentence(done, "list.csv.*[Pp]ermission denied")
    finally:
        shut.chmod(0o755)


def test_a_file_that_is_no_utf8_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"OPT_OUT=.*not UTF-8.*LC_ALL=C.UTF-8"):
        given_path("OPT_OUT", "/tmp/\udcff.csv")


@pytest.mark.parametrize(
    "damaged", [b"", b'{"manifest": {"nodes"', b"[]", b'{"manifest": null}', b"\xff\xfe", b"null"]
)
def test_docs_where_the_record_of_the_build_is_damaged(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "dbt").mkdir()
    (tmp_path / "dbt" / "documentation.json").write_bytes(damaged)
    with pytest.raises(
        UserError, match=r"documentation.json: the record .* cannot be read .*run make build again"
    ):
        write_docs(tmp_path)


def test_names_are_printed_as_text(
    sample_build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Markup and control characters in names that a bank edits, or that come from its input."""
    copy = tmp_path / "card_segments.duckdb"
    copy.write_bytes(sample_build.read_bytes())
    name = "A[/bold] [red]b[/red] \x1b]0;t\x07\x1b[31m"
    with duckdb.connect(str(copy)) as connection:
        for table, column in (
            ("segment_profiles", "segment_name"),
            ("segment_profiles", "payment_words"),
            ("model_runs", "model_id"),
            ("model_runs", "reason"),
            ("data_quality_checks", "meaning"),
        ):
            connection.execute(f"update marts.{table} set {column} = ?", [name])
    console = Console()
    print_summary(summarise(copy, tmp_path), console, 1.0)
    print_models(tmp_path, console)
    said = capsys.readouterr().out
    assert "A[/bold] [red]b[/red]" in said
    assert not [sign for sign in said if not sign.isprintable() and sign != "\n"]


def test_a_protected_trait_that_is_not_there_is_a_short_sentence() -> None:
    """In an input that has the columns of a whole export."""
    with duckdb.connect() as connection:
        columns = ", ".join(f"null as column_{place}_of_the_export" for place in range(500))
        connection.execute(
            f"create schema raw; create table raw.accounts as select 'A1' as account_id, {columns}"
        )
        with pytest.raises(
            UserError, match=r"PROTECTED=x+\.\.\.: accounts has no such .* and 497 more"
        ) as told:
            job._protected(connection, Intake("ledger", (), (), {}), "x" * 5_000)
    assert len(str(told.value)) < 300
