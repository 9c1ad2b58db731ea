"""The application's floors: imports go one way, top to bottom, and no output knows another."""

import ast
from pathlib import Path

import pytest

from tests.support.builds import REPO

# The folders of scripts/, top to bottom; the mains, one file a make target, stand above them all.
FLOORS = ("", "benchmark", "job", "campaigns", "sample", "outputs", "published", "intake", "dbt", "base")
# What a folder may import beside itself, where that is less than all that lies below.
ONLY = {"outputs": {"published", "base"}, "dbt": {"base"}, "base": set()}


def imported(path: Path) -> set[str]:
    """Modules that a file imports, those within functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def folder_of(module: str) -> str:
    """The folder of scripts/ that a module stands in, empty for a main."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""


def wrong_way(module: str, others: set[str]) -> list[str]:
    """Imports of a module that go up, or from one output to another."""
    own, found = folder_of(module), []
    for other in sorted(each for each in others if each.startswith("scripts.")):
        theirs = folder_of(other)
        allowed = ONLY.get(own, set(FLOORS[FLOORS.index(own) :])) | {own}
        is_other_output = own == theirs == "outputs" and module.split(".")[2] != other.split(".")[2]
        if theirs not in allowed or is_other_output:
            found.append(f"{module} imports {other}")
    return found


def modules() -> dict[str, Path]:
    """Every module of scripts/ by its name."""
    return {
        ".".join(path.relative_to(REPO).with_suffix("").parts): path
        for path in (REPO / "scripts").rglob("*.py")
        if path.name != "__init__.py"
    }


def test_imports_go_from_top_to_bottom() -> None:
    found = [line for module, path in modules().items() for line in wrong_way(module, imported(path))]
    assert found == []


@pytest.mark.parametrize(
    ("module", "other"),
    [
        ("scripts.base.console", "scripts.published.reading"),
        ("scripts.outputs.report.page", "scripts.outputs.workbook.book"),
        ("scripts.outputs.report.page", "scripts.intake.source"),
        ("scripts.campaigns.draw", "scripts.job.build"),
        ("scripts.job.build", "scripts.excel"),
    ],
)
def test_an_import_that_goes_up_is_found(module: str, other: str) -> None:
    assert wrong_way(module, {other}) == [f"{module} imports {other}"]


def test_the_learning_knows_nothing_of_the_application() -> None:
    """Frames and arrays in, frames out: no files, no databases, no dbt."""
    for path in (REPO / "python_models").glob("*.py"):
        assert not {name for name in imported(path) if name.split(".")[0] in ("scripts", "duckdb", "dbt")}, (
            path.name
        )


def test_no_two_modules_share_a_name_and_no_two_classes() -> None:
    """What is found by its name is one thing."""
    names = [path.stem for path in modules().values() if folder_of(f"scripts.{path.parent.name}.x")]
    for word in ("failures", "publish", "types"):
        assert names.count(word) <= 1, word
    classes: dict[str, list[str]] = {}
    for path in [*modules().values(), *(REPO / "python_models").glob("*.py")]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(str(path.relative_to(REPO)))
    assert {name: files for name, files in classes.items() if len(files) > 1} == {}
