"""The same input built again: nothing is done, unless something that the result depends on is another."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.base.paths import BUILT_FROM, OBJECTIONS
from scripts.job.built_from import is_asked_to_build, what_it_is_built_from
from scripts.job.unchanged_input import BLOCK, BLOCKS, Seen
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, run_command

SMALL = (*QUICK, "K=3", "CANDIDATES_K_MAX=4", "BOOTSTRAPS=2")
NOTHING_TO_DO = "there is nothing to do"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger") / "ledger"
    write_sample_ledger(folder, customers=200, seed=3, file_format="csv", months=13)
    return folder


@pytest.fixture(scope="module")
def published(ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("published") / "warehouse"
    done = run_command(warehouse, "scripts.build", *SMALL, f"SOURCE={ledger}")
    assert done.returncode == 0, done.stdout + done.stderr
    return warehouse


@pytest.fixture
def copied(published: Path, ledger: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A warehouse and its ledger that a test may change; the ledger's path is the same for both."""
    warehouse = tmp_path / "warehouse"
    shutil.copytree(published, warehouse, symlinks=True)
    return warehouse, ledger


def versions(warehouse: Path) -> list[str]:
    return sorted(path.name for path in (warehouse / "versions").iterdir())


def test_the_same_again_does_nothing(copied: tuple[Path, Path]) -> None:
    warehouse, ledger = copied
    before = versions(warehouse)
    # Touched only, and the source left out.
    for file in ledger.rglob("*.csv"):
        os.utime(file)
    for source in ((f"SOURCE={ledger}",), ()):
        done = run_command(warehouse, "scripts.build", *SMALL, *source)
        assert done.returncode == 0, done.stderr
        assert NOTHING_TO_DO in done.stdout
        assert "3 segments" in done.stdout
        assert "Start dbt" not in done.stdout
    assert versions(warehouse) == before


@pytest.mark.parametrize("argument", ["REBUILD=yes", "KEEP_VERSIONS=4"])
def test_what_is_asked_for_is_done_and_then_is_done(copied: tuple[Path, Path], argument: str) -> None:
    warehouse, _ = copied
    done = run_command(warehouse, "scripts.build", *SMALL, argument)
    assert done.returncode == 0, done.stderr
    assert NOTHING_TO_DO not in done.stdout
    assert len(versions(warehouse)) == 2
    again = run_command(
        warehouse, "scripts.build", *SMALL, *([] if argument == "REBUILD=yes" else [argument])
    )
    assert NOTHING_TO_DO in again.stdout


def test_a_report_that_is_gone_is_made_again(copied: tuple[Path, Path]) -> None:
    warehouse, _ = copied
    [report] = warehouse.glob("versions/*/card_segments_report.html")
    report.unlink()
    done = run_command(warehouse, "scripts.build", *SMALL)
    assert done.returncode == 0, done.stderr
    assert NOTHING_TO_DO not in done.stdout
    assert (warehouse / "card_segments_report.html").exists()


def test_what_a_result_depends_on_is_a_difference(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yml"
    mapping.write_text("a")
    file, larger = Path("a.csv"), Path("b.csv")
    small, large = (0, 0, 10, 1, 1), (0, 0, BLOCK * BLOCKS + 1, 1, 1)
    both = {file: Seen(small, "x"), larger: Seen(large, "y")}

    def found(
        files: Mapping[Path, Seen] = both, mapping: Path | None = mapping, **given: object
    ) -> dict[str, object]:
        return what_it_is_built_from(Path("/source"), files, mapping, given or {"k": 3}, tmp_path)

    first = found()
    assert found({larger: Seen(large, "y"), file: Seen((0, 0, 10, 2, 2), "x")}) == first, "touched"
    assert found({file: Seen(small, "x"), larger: Seen((*large[:3], 2, 2), "y")}) != first, "read in parts"
    assert found({file: Seen(small, "z"), larger: Seen(large, "y")}) != first
    assert found({file: Seen(small, "x")}) != first
    assert found(mapping=None) != first
    assert found(k=4) != first
    assert found(k=3, autoencoders="") != first
    assert found(k=3, log="json", retrain="yes") == first
    mapping.write_text("b")
    assert found() != first
    mapping.write_text("a")
    assert found() == first
    (tmp_path / OBJECTIONS).write_text("customer_id\n7\n")
    assert found() != first


def test_what_a_person_asks_for_is_built() -> None:
    assert not is_asked_to_build({"k": 3, "source": "x"})
    for name in ("rebuild", "retrain", "rename", "promote", "new_source", "objections"):
        assert is_asked_to_build({name: "yes"})


def test_a_version_without_it_is_built_anew(copied: tuple[Path, Path]) -> None:
    """As one that an earlier release published, or one whose file is broken."""
    warehouse, _ = copied
    [path] = warehouse.glob(f"versions/*/{BUILT_FROM}")
    path.chmod(0o600)
    path.write_text("{")
    done = run_command(warehouse, "scripts.build", *SMALL)
    assert done.returncode == 0, done.stderr
    assert NOTHING_TO_DO not in done.stdout
