"""The dbt project: its dialect, its documentation, its unit tests, and that the audit can fail.

dbt runs in processes and folders of their own; no test looks at an earlier build's warehouse.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.parameters import parameter_table, parameters
from scripts.intake.source import load_contract, open_source
from tests.support.builds import REPO
from tests.support.warm import run_module

PROJECT = REPO / "dbt_project"
KINDS = ("ledger", "summary")
# The folders of models in the order in which they run.
FLOORS = {
    "staging": 0, "ledger": 1, "summary": 1, "customers": 2, "model": 3, "scoring": 4, "life": 5, "meaning": 6, "marts": 7
}  # fmt: skip
UNITS = {"money", "months", "share", "count"}
# Two columns for each feature: a contract would be a second list of the features.
WITHOUT_CONTRACT = {"segment_profiles"}

Manifest = dict[str, Any]


def run_in(
    folder: Path, module: str, *arguments: str, project: Path = PROJECT, work: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a module with dbt's settings: everything it writes goes below the folder."""
    paths = {
        "CARD_SEGMENTS_WORK": str(work or folder / "work.duckdb"),
        "CARD_SEGMENTS_HOME": str(REPO),
        "CARD_SEGMENTS_THREADS": "2",
        "CARD_SEGMENTS_MEMORY": "1GB",
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return run_module(module, *arguments, env={**os.environ, **paths}, timeout=300)


def run_dbt(arguments: list[str], kind: str, folder: Path, work: Path | None = None) -> tuple[int, str]:
    """Run dbt for one kind of source; exit code and what it printed."""
    variables = json.dumps({"source_kind": kind})
    done = run_in(
        folder, "tests.support.dbt_command", "--no-use-colors", *arguments, "--vars", variables, work=work
    )
    return done.returncode, done.stdout + done.stderr


def parse_strictly(kind: str, folder: Path, project: Path = PROJECT) -> list[str]:
    """Warnings and errors of a parse that checks the dialect."""
    variables = json.dumps({"source_kind": kind})
    done = run_in(folder, "tests.support.strict_parse", variables, project=project)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    words: list[str] = outcome["words"]
    assert outcome["success"] or words
    return words


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], Manifest]]:
    """By kind of source: what a strict parse says, and the manifest."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        words = parse_strictly(kind, folder)
        found[kind] = words, json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def manifests(parsed: dict[str, tuple[list[str], Manifest]]) -> dict[str, Manifest]:
    return {kind: manifest for kind, (_, manifest) in parsed.items()}


def models_of(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The models by name."""
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}


def marts_of(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The models that are published, by name."""
    return {name: model for name, model in models_of(manifest).items() if model["schema"] == "marts"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_project_is_written_in_todays_dialect(
    parsed: dict[str, tuple[list[str], Manifest]], kind: str
) -> None:
    words, manifest = parsed[kind]
    assert words == []
    assert len(models_of(manifest)) > 15


def test_dbt_still_has_the_set_that_the_dialect_check_needs() -> None:
    from dbt.jsonschemas import jsonschemas

    assert isinstance(jsonschemas._JSONSCHEMA_SUPPORTED_ADAPTERS, set)
    assert "duckdb" not in jsonschemas._JSONSCHEMA_SUPPORTED_ADAPTERS


def test_the_dialect_check_sees_what_is_deprecated(tmp_path: Path) -> None:
    """A `meta` outside `config`, which dbt alone passes over on DuckDB, is found."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    page = project / "models" / "ledger" / "_ledger__models.yml"
    text = page.read_text(encoding="utf-8")
    page.write_text(
        text.replace("- name: int_ledger_period\n", "- name: int_ledger_period\n    meta: {key: 1}\n")
    )
    words = parse_strictly("ledger", tmp_path, project)
    assert any("PropertyMovedToConfigDeprecation" in word for word in words)


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_and_source_says_its_grain_first(manifests: dict[str, Manifest], kind: str) -> None:
    described = [*models_of(manifests[kind]).values(), *manifests[kind]["sources"].values()]
    without = [n["name"] for n in described if not re.match(r"One row( per |\. )", n["description"])]
    assert without == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_and_source_describes_columns(manifests: dict[str, Manifest], kind: str) -> None:
    described = [*models_of(manifests[kind]).values(), *manifests[kind]["sources"].values()]
    assert [n["name"] for n in described if not n["columns"]] == []
    blank = [
        (n["name"], name)
        for n in described
        for name, column in n["columns"].items()
        # What the next build takes over is described where it is published.
        if not column["description"].strip() and f"described in marts.{n['name']}" not in n["description"]
    ]
    assert blank == []
    marts = marts_of(manifests[kind])
    for source in manifests[kind]["sources"].values():
        if source["source_name"] == "state" and source["name"] in marts and source["name"] != "models":
            types = {name: column["data_type"] for name, column in source["columns"].items()}
            published = {
                name: column["data_type"] for name, column in marts[source["name"]]["columns"].items()
            }
            assert types.items() <= published.items(), source["name"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_mart_has_a_contract_and_a_key_of_its_columns(
    manifests: dict[str, Manifest], kind: str
) -> None:
    marts = marts_of(manifests[kind])
    assert len(marts) >= 11
    open_marts = {name for name, mart in marts.items() if not mart["config"]["contract"]["enforced"]}
    assert open_marts == WITHOUT_CONTRACT
    for name, mart in marts.items():
        key = mart["config"]["meta"].get("primary_key", [])
        assert key, f"{name} has no meta.primary_key"
        assert set(key) <= set(mart["columns"]), name


@pytest.mark.parametrize("kind", KINDS)
def test_models_read_from_their_own_folder_and_those_above(manifests: dict[str, Manifest], kind: str) -> None:
    """A row goes one way through the folders; what outsiders read is read by no model."""
    models = {n["unique_id"]: n for n in models_of(manifests[kind]).values()}
    level = {key: FLOORS[Path(model["original_file_path"]).parts[1]] for key, model in models.items()}
    back = [
        f"{key} reads {parent}"
        for key, model in models.items()
        for parent in model["depends_on"]["nodes"]
        if parent in level and (level[parent] > level[key] or level[parent] == FLOORS["marts"])
    ]
    assert back == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_input_is_known_to_its_own_folders_and_one_switch(
    manifests: dict[str, Manifest], kind: str
) -> None:
    """What lies below the switch reads the relations that both kinds have."""
    knowing = {f"stg_{kind}", f"int_{kind}"}
    below = [
        f"{model['name']} reads {parent}"
        for model in models_of(manifests[kind]).values()
        for parent in model["depends_on"]["nodes"]
        if FLOORS[Path(model["original_file_path"]).parts[1]] >= FLOORS["customers"]
        and any(each in parent for each in knowing)
        and "of_kind(" not in model["raw_code"]
    ]
    assert below == []
    branches = [
        str(path)
        for folder in ("models", "macros")
        for path in (PROJECT / folder).rglob("*.sql")
        if re.search(r"if var\('source_kind'\)", path.read_text(encoding="utf-8"))
    ]
    assert [Path(each).name for each in branches] == ["of_kind.sql"]


def test_the_contract_of_customer_features_is_the_list_of_features(manifests: dict[str, Manifest]) -> None:
    """Each of the 17 has a unit and is a number; they are the columns a summary must have."""
    columns = marts_of(manifests["summary"])["customer_features"]["columns"]
    units = {name: column["config"]["meta"].get("unit") for name, column in columns.items()}
    features = [name for name, unit in units.items() if unit]
    assert {units[name] for name in features} == UNITS
    assert features == [name for name, column in columns.items() if column["data_type"] == "double"]
    source = load_contract(PROJECT / "models" / "staging").summary["customer_summary"]
    assert features == [column.name for column in source if column.name != "cust_id"]
    assert len(features) == 17


def test_every_parameter_is_explained() -> None:
    """The meaning of one that SQL reads is the comment above it in dbt_project.yml."""
    assert {name for name, each in parameters().items() if not each.explanation.endswith(".")} == set()


def test_the_table_of_parameters_is_as_they_are_declared() -> None:
    """It stands between two marks; scripts.base.parameters.parameter_table() makes it anew."""
    pages = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
    texts = [text for page in pages if "<!-- parameters -->" in (text := page.read_text(encoding="utf-8"))]
    assert len(texts) == 1
    table = texts[0].partition("<!-- parameters -->")[2].partition("<!-- /parameters -->")[0]
    assert table.strip() == parameter_table()


def test_the_intakes_tables_are_documented_as_they_are(
    manifests: dict[str, Manifest], tmp_path: Path
) -> None:
    contract = load_contract(PROJECT / "models" / "staging")
    names = [column.name for column in contract.summary["customer_summary"]]
    source = tmp_path / "cards.csv"
    source.write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    with duckdb.connect() as connection:
        open_source(connection, source, contract)
        for table in ("inputs", "unreadable_rows"):
            actual = connection.execute(
                f"select column_name, column_type from (describe raw.{table})"
            ).fetchall()
            node = manifests["summary"]["sources"][f"source.card_segments.intake.{table}"]
            documented = [(n, c["data_type"].upper()) for n, c in node["columns"].items()]
            assert documented == actual


@pytest.mark.parametrize("kind", KINDS)
def test_unit_tests_of_the_models_pass(kind: str, tmp_path: Path) -> None:
    """Unit tests of dbt, over empty relations: they take the columns' types from there."""
    with duckdb.connect(str(tmp_path / "work.duckdb")) as connection:
        make_empty_input(connection, kind)
    code, words = run_dbt(["run", "--empty", "--select", f"staging.{kind}", kind], kind, tmp_path)
    assert code == 0, words
    code, words = run_dbt(["test", "--select", "test_type:unit"], kind, tmp_path)
    assert code == 0, words
    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    assert {r["status"] for r in results} == {"pass"}
    assert len(results) >= 6


def make_empty_input(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Make the relations of schema raw as an intake of CSV files does, without rows."""
    connection.execute("create schema raw")
    contract = load_contract(PROJECT / "models" / "staging")
    for entity, columns in contract.entities(kind).items():
        listed = ", ".join(f"{column.name} varchar" for column in columns)
        connection.execute(f"create table raw.{entity} ({listed}, _file varchar, _row_number bigint)")


def test_every_feature_has_a_unit_test_of_its_definition(manifests: dict[str, Manifest]) -> None:
    """Some unit test of the ledger's features expects a value of each."""
    columns = marts_of(manifests["ledger"])["customer_features"]["columns"]
    features = {name for name, column in columns.items() if column["config"]["meta"].get("unit")}
    tested = {
        column
        for test in manifests["ledger"]["unit_tests"].values()
        if test["model"] == "int_ledger_customer_features"
        for row in test["expect"]["rows"]
        for column in row
    }
    assert features - tested == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_for_refusing_a_row_has_a_unit_test(manifests: dict[str, Manifest], kind: str) -> None:
    """Each reason that staging spells out is expected by a unit test of that model."""
    judging = {
        name: model["raw_code"].split("judged as")[1]
        for name, model in models_of(manifests[kind]).items()
        if name.startswith((f"stg_{kind}__", f"base_{kind}__")) and "judged as" in model["raw_code"]
    }
    assert len(judging) == {"ledger": 3, "summary": 1}[kind]
    for name, sql in judging.items():
        reasons = re.findall(r"then '([^'{]+)'", sql)
        expected = [
            str(row.get("rejection_reason"))
            for test in manifests[kind]["unit_tests"].values()
            if test["model"] == name
            for row in test["expect"]["rows"]
        ]
        assert len(reasons) >= 2
        for reason in reasons:
            assert any(each.startswith(reason) for each in expected), f"{name}: {reason}"


@pytest.fixture
def spoilt(sample_work: Path, tmp_path: Path) -> Callable[[str], str]:
    """Change the features of a finished build, audit again, and return what dbt says."""

    def audit(statement: str) -> str:
        work = tmp_path / "work.duckdb"
        shutil.copy(sample_work, work)
        with duckdb.connect(str(work)) as connection:
            changed = connection.execute(statement).fetchall()
            assert changed == [(1,)]
        code, words = run_dbt(
            ["build", "--select", "int_rejected_rows", "int_load_audit"], "ledger", tmp_path, work
        )
        assert code == 1, words
        return words

    return audit


@pytest.mark.parametrize(
    "statement",
    [
        "delete from ledger.int_ledger_refusals where rowid ="
        " (select min(rowid) from ledger.int_ledger_refusals where source = 'accounts')",
        "update ledger.int_ledger_account_activity set payment_amount = payment_amount + 0.01"
        " where account_id = (select min(account_id) from ledger.int_ledger_accounts"
        " semi join ledger.int_ledger_account_activity using (account_id))",
    ],
    ids=["a refused row vanishes", "a cent too many"],
)
def test_the_audit_fails_the_build(spoilt: Callable[[str], str], statement: str) -> None:
    words = spoilt(statement)
    assert re.search(r"FAIL 1 assert_every_row_is_accounted_for", words), words


def test_odd_values_are_a_warning_and_stop_nothing(sample_work: Path, tmp_path: Path) -> None:
    """The check of severity warn finds something in the sample, and dbt goes on."""
    work = tmp_path / "work.duckdb"
    shutil.copy(sample_work, work)
    code, words = run_dbt(["test", "--select", "warn_on_odd_statements"], "ledger", tmp_path, work)
    assert code == 0
    assert "WARN" in words
