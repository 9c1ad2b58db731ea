"""The project as dbt parsed it is kept: what a run takes from it is what it would have parsed itself."""

from pathlib import Path
from typing import Any

import pytest

from scripts.base.parameters import INTERNAL, dbt_variables, default_parameters
from scripts.dbt import parsed
from scripts.dbt.parsed import LEARNING, OF_THE_RUN, keep_project, kept_project
from scripts.dbt.runner import run_dbt

WORK = Path("work.duckdb")
# Of every var of a run, another value than its default.
OTHERS = {
    "as_of": "2025-12-31",
    "currency": "IDR",
    "drift_act": 0.5,
    "drift_watch": 0.2,
    "input_path": "/elsewhere",
    "is_asked_for": True,
    "is_sample": True,
    "learn_because": "it was said",
    "learning": {"k": 7},
    "mapping_path": "/elsewhere.yml",
    "max_rejected_share": 0.5,
    "max_relabelled": 0.5,
    "min_overlap": 0.7,
    "model": '{"representation": "scaled", "impute": {}, "scale": {}, "project": {}, "centroid": {}}',
    "model_max_age": 24,
    "month_act": 0.4,
    "month_watch": 0.3,
    "promote": "m0123456789ab",
    "protected": "branch,region",
    "rename": True,
    "results_format": 2,
    "spellings": {"statements.absent": "yes", "accounts.opened_on": "dmy"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the project is kept."""
    monkeypatch.setattr(parsed, "FOLDER", tmp_path / "kept")
    return tmp_path / "kept"


def parse(variables: dict[str, Any], target: Path) -> Any:
    done = run_dbt(["parse"], variables, work=Path(":memory:"), target=target)
    assert done.success, done.exception
    return done.result


def content(manifest: Any) -> dict[str, Any]:
    """All that a manifest says of the project, without when it was made."""
    found: dict[str, Any] = manifest.writable_manifest().to_dict()
    for part in ("metadata", "disabled", "group_map"):
        del found[part]
    for part in found.values():
        for entry in part.values():
            if isinstance(entry, dict):
                entry.pop("created_at", None)
    return found


@pytest.mark.parametrize("kind", ["ledger", "summary"])
def test_a_run_with_other_values_gets_what_it_would_parse(folder: Path, tmp_path: Path, kind: str) -> None:
    """Every var but those that stand in the file's name."""
    assert set(OTHERS) == OF_THE_RUN | {LEARNING}
    parse({"source_kind": kind, "learning": {}}, tmp_path / "a")
    assert len(list(folder.iterdir())) == 1 and not list(tmp_path.glob("*/partial_parse*"))
    taken = parse({"source_kind": kind, **OTHERS}, tmp_path / "b")
    assert len(list(folder.iterdir())) == 1
    for path in folder.iterdir():
        path.unlink()
    afresh = parse({"source_kind": kind, **OTHERS}, tmp_path / "c")
    assert len(list(folder.iterdir())) == 1
    assert content(taken) == content(afresh)
    assert taken.nodes["model.card_segments.trained_model"].config.meta["learning"] == {"k": 7}


def test_every_var_is_judged() -> None:
    """One that dbt reads is of the run, or decides what is parsed and tells kept projects apart."""
    known = set(dbt_variables(default_parameters())) | INTERNAL
    assert known - OF_THE_RUN - {LEARNING} == {"embeddings", "language", "source_kind"}
    places = {parsed._place({"source_kind": kind}, WORK) for kind in ("ledger", "summary")}
    places |= {parsed._place({"source_kind": "ledger", "language": "id"}, WORK)}
    places |= {parsed._place({"source_kind": "ledger"}, Path(":memory:"))}
    assert len(places) == 4
    assert parsed._place({"source_kind": "ledger", **OTHERS}, Path("elsewhere") / WORK) in places


def test_a_changed_file_is_another_project(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "target").mkdir()
    model = project / "models" / "a.sql"
    model.write_text("select 1")
    monkeypatch.setattr(parsed, "DBT_PROJECT", project)
    before = parsed._place({}, WORK)
    (project / "target" / "made").touch()
    assert parsed._place({}, WORK) == before
    model.write_text("select 2")
    assert parsed._place({}, WORK) != before


def test_what_is_kept_may_be_damaged_or_refused(folder: Path, tmp_path: Path) -> None:
    variables = {"source_kind": "ledger"}
    assert kept_project(variables, WORK) is None
    keep_project(tmp_path, variables, WORK)
    assert not folder.exists()
    (tmp_path / parsed.OF_DBT).write_bytes(b"half of")
    keep_project(tmp_path, variables, WORK)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"half of"]
    assert kept_project(variables, WORK) is None
    next(folder.iterdir()).unlink()
    folder.rmdir()
    folder.write_text("no folder")
    (tmp_path / parsed.OF_DBT).write_bytes(b"half of")
    keep_project(tmp_path, variables, WORK)
    assert folder.read_text() == "no folder"
