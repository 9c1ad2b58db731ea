"""The walkthrough: it runs from top to bottom in a fresh kernel, draws in every section, and agrees with the build."""

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement

from scripts.base import dependencies as dependencies
from scripts.base.dependencies import check_python, plan_for
from scripts.base.errors import UserError
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, REPO

NOTEBOOK = REPO / "scripts" / "walkthrough.ipynb"
# Sections that draw: data, scaling, elbow, KMeans, PCA, autoencoder, profiles, SQL.
DRAWING = range(2, 10)


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def run(notebook: Any, folder: Path) -> None:
    """Run every cell in a fresh kernel that works in a folder."""
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()


def texts(cell: Any) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run on a small ledger, with the learning kept short."""
    folder = tmp_path_factory.mktemp("walkthrough")
    write_sample_ledger(folder / "ledger", customers=600, seed=3, file_format="csv", months=18)
    notebook = read()
    given = {
        "CARD_SEGMENTS_WAREHOUSE": str(folder / "warehouse"),
        "CARD_SEGMENTS_SOURCE": str(folder / "ledger"),
        "CARD_SEGMENTS_PARAMETERS": " ".join(QUICK),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        run(notebook, NOTEBOOK.parent)
    return notebook


def sections(notebook: Any) -> dict[int, list[Any]]:
    """Code cells by the number of the section they stand in."""
    found: dict[int, list[Any]] = {}
    number = -1
    for cell in notebook.cells:
        heading = re.match(r"## (\d+)\.", cell.source)
        if cell.cell_type == "markdown":
            number = int(heading[1]) if heading else number
        else:
            found.setdefault(number, []).append(cell)
    return found


def test_it_is_committed_without_outputs() -> None:
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert len(cells) > 10
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_every_cell_runs_in_order_without_a_complaint(executed: Any) -> None:
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert "\x1b" not in "".join(texts(cell) for cell in cells), "no control codes of a terminal"


def test_every_section_has_a_plot_and_words(executed: Any) -> None:
    found = sections(executed)
    for number in DRAWING:
        pages = [
            output.data.get("text/html", "")
            for cell in found[number]
            for output in cell.outputs
            if output.output_type == "display_data"
        ]
        # The report's charts are HTML with areas in SVG, Altair's are SVG.
        drawn = [page for page in pages if 'class="chart' in page or "<text" in page]
        assert drawn, f"section {number} draws nothing"
        assert all(len(re.findall("<(?:path|circle|polygon|rect|i|td) ", page)) > 2 for page in drawn), number
        assert not re.search(r"(?:src|href)=[\"']http", "".join(drawn).replace("xlink:href", "")), (
            "nothing is loaded"
        )
    prose = [cell.source for cell in executed.cells if cell.cell_type == "markdown"]
    assert all(len(re.findall(r"[.;:](?:\s|$)", text)) >= 2 for text in prose if text.startswith("## "))


def test_its_own_steps_agree_with_the_build(executed: Any) -> None:
    found = sections(executed)
    assert "published numbers are those computed here" in texts(found[3][0])
    apart = re.search(r"Inertia at each k: within ([\d.]+)% of what was published.", texts(found[4][0]))
    assert apart and float(apart[1]) < 2
    printed = texts(found[5][0])
    same = re.search(r"In the segment that was published: ([\d.]+)% of the customers", printed)
    # Of so few customers one or two lie between segments, and another start may place them otherwise.
    assert same is not None and float(same[1]) >= 99, printed
    inertia = re.search(r"Inertia ([\d.,]+), of the published segments ([\d.,]+)\.", printed)
    assert inertia is not None
    here, published = (float(number.replace(",", "")) for number in inertia.groups())
    assert here == pytest.approx(published, rel=1e-3)


def test_the_honest_elbow_is_printed(executed: Any) -> None:
    ends = re.findall(r"of a curve up to (\d+): (\d+)", texts(sections(executed)[4][0]))
    assert [int(end) for end, _ in ends] == [8, 10, 15, 20]


def test_away_from_the_project_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARD_SEGMENTS_PROJECT", raising=False)
    with pytest.raises(CellExecutionError) as caught:
        run(read(), tmp_path)
    shown = caught.value.traceback
    assert "set PROJECT in the first cell to the address" in shown
    assert "Traceback" not in shown


# What the kernel lacks


def test_only_what_is_missing_is_installed_and_the_rest_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {
        "numpy": "2.0.2",
        "pandas": "2.2.2",
        "duckdb": "1.3.2",
        "torch": "2.6.0+cpu",
        "tensorflow": "2.20.0",
    }

    def version(name: str) -> str:
        if name not in here:
            raise dependencies.metadata.PackageNotFoundError(name)
        return here[name]

    monkeypatch.setattr(dependencies.metadata, "version", version)
    texts = [
        "numpy>=2.0",
        "pandas>=2.2",
        "duckdb==1.5.5",
        "kneed>=0.8.5",
        "torch>=2",
        "tensorflow-cpu>=2.20; python_version > '3'",
        "tzdata; python_version < '3'",
    ]
    plan = plan_for([Requirement(text) for text in texts])
    assert plan.wanted == ("duckdb==1.5.5", "kneed>=0.8.5")
    assert plan.kept == ("numpy==2.0.2", "pandas==2.2.2", "torch==2.6.0+cpu", "tensorflow==2.20.0")
    assert plan.replaced == ("duckdb",)


def test_pyproject_is_the_only_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the project's own environment nothing is missing, so pip is not even started."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("pip was started")

    monkeypatch.setattr(dependencies.subprocess, "run", fail)
    assert dependencies.install_missing() == ()


def test_a_python_that_is_too_new_is_one_sentence() -> None:
    check_python(">=3.11,<3.14", "3.13.2")
    with pytest.raises(UserError, match=r"Python 3\.14\.0: the project needs >=3\.11,<3\.14"):
        check_python(">=3.11,<3.14", "3.14.0")


def test_pips_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    plan = dependencies.Installation(("no-such-package-of-ours",), (), ())
    monkeypatch.setattr(dependencies, "plan_for", lambda _: plan)
    with pytest.raises(UserError, match=r"pip could not install them .*install them by hand") as caught:
        dependencies.install_missing()
    assert "\n" not in str(caught.value)


def test_a_package_replaced_under_a_running_session_asks_for_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = dependencies.Installation(("pandas>=2.2",), (), ("pandas",))
    monkeypatch.setattr(dependencies, "plan_for", lambda _: plan)
    monkeypatch.setattr(dependencies, "_install", lambda _: None)
    monkeypatch.setitem(dependencies.sys.modules, "pandas", object())
    with pytest.raises(UserError, match=r"pandas: installed anew, .* restart the session"):
        dependencies.install_missing()
