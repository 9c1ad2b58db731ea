"""What dbt knows of Metabase: exposures in step with what reads the marts, and kinds of columns."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.outputs.metabase.descriptions import KINDS, with_kinds
from scripts.outputs.metabase.questions import load_dashboards, load_questions
from scripts.outputs.report.page import REPORT
from tests.support.builds import REPO

EXPOSURES = REPO / "dbt_project" / "models" / "marts" / "_exposures.yml"
MARTS = {path.stem for path in EXPOSURES.parent.rglob("*.sql")}


@pytest.fixture(scope="module")
def exposures() -> dict[str, dict[str, Any]]:
    listed = yaml.safe_load(EXPOSURES.read_text(encoding="utf-8"))["exposures"]
    return {exposure["name"]: exposure for exposure in listed}


@pytest.fixture(scope="module")
def manifest(sample_build: Path) -> dict[str, Any]:
    text = (sample_build.parent / "dbt" / "manifest.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def refs(exposure: dict[str, Any]) -> set[str]:
    return {re.fullmatch(r"ref\('(\w+)'\)", ref)[1] for ref in exposure["depends_on"]}  # type: ignore[index]


def test_each_dashboard_is_an_exposure_of_the_tables_its_questions_read(
    exposures: dict[str, dict[str, Any]],
) -> None:
    questions = load_questions()
    for key, board in load_dashboards().items():
        tables = {table for card in board.cards for table in questions[card.question].tables}
        tables |= {table for f in board.filters if f.values for table in questions[f.values].tables}
        assert refs(exposures[f"metabase_{key}"]) == tables, key
    dashboards = {name for name, each in exposures.items() if each["type"] == "dashboard"}
    assert dashboards == {f"metabase_{key}" for key in load_dashboards()}


@pytest.mark.parametrize(
    ("name", "files", "mentioned"),
    [
        ("workbook", ("outputs/workbook/*.py", "published/reading.py"), "card_segments.xlsx"),
        ("report", ("outputs/report/*.py", "published/reading.py"), REPORT),
    ],
)
def test_workbook_and_report_are_exposures_of_the_tables_their_code_reads(
    exposures: dict[str, dict[str, Any]], name: str, files: tuple[str, ...], mentioned: str
) -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for pattern in files for path in (REPO / "scripts").glob(pattern)
    )
    assert refs(exposures[name]) == set(re.findall(r"\bmarts\.(\w+)", code)) & MARTS
    assert mentioned in exposures[name]["description"]


def test_dbt_knows_the_exposures_with_owner_and_all_they_depend_on(
    manifest: dict[str, Any], exposures: dict[str, dict[str, Any]]
) -> None:
    known = {each["name"]: each for each in manifest["exposures"].values()}
    assert set(known) == set(exposures)
    for name, exposure in known.items():
        assert exposure["owner"]["name"]
        assert exposure["label"]
        assert {node.split(".")[-1] for node in exposure["depends_on"]["nodes"]} == refs(exposures[name])


def test_kinds_of_columns_come_from_keys_and_units(manifest: dict[str, Any]) -> None:
    marts = {
        node["name"]: node
        for node in with_kinds(manifest, "EUR")["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    for name, node in marts.items():
        for column, described in node["columns"].items():
            meta = described["meta"]
            kind = meta.get("metabase.semantic_type")
            if node["config"]["meta"]["primary_key"] == [column]:
                assert kind == "type/PK", (name, column)
            elif "unit" in meta:
                assert kind == KINDS[meta["unit"]], (name, column)
                assert (meta.get("metabase.currency") == "EUR") == (meta["unit"] == "money")
            # A key of another table's is one of a table that has it.
            if table := meta.get("metabase.fk_target_table"):
                target = marts[table.removeprefix("marts.")]
                assert target["config"]["meta"]["primary_key"] == [meta["metabase.fk_target_field"]]
    features = marts["customer_features"]["columns"]
    assert {c["meta"]["metabase.semantic_type"] for c in features.values() if "unit" in c["meta"]} == set(
        KINDS.values()
    )


def test_money_of_customers_and_segments_has_a_unit(manifest: dict[str, Any]) -> None:
    """So that no new part of the value is shown as a bare number."""
    for name in ("customer_values", "segment_values"):
        node = next(n for n in manifest["nodes"].values() if n["name"] == name)
        bare = [
            column
            for column, described in node["columns"].items()
            if described["data_type"] == "double" and "unit" not in described["config"]["meta"]
        ]
        assert bare == []
