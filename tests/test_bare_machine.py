"""The suite itself: it is collected on a machine with Python and make alone, and its files stand by themselves."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.support.builds import REPO

# Packages that load a library of the system, or drive a program that pip does not install.
DRIVERS = ("pyodbc", "psycopg", "selenium")
HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ImportError(name + ": its library is not here")

sys.meta_path.insert(0, Hidden())
"""


def test_every_test_is_collected_without_outside_programs(tmp_path: Path) -> None:
    """Imports of drivers fail, as they do without their library, and no program but Python is on the path."""
    (tmp_path / "sitecustomize.py").write_text(HIDE.format(hidden=DRIVERS))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider"],
        cwd=REPO,
        env={**os.environ, "PATH": str(programs), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "error" not in done.stdout.splitlines()[-1]


def test_no_test_file_imports_another() -> None:
    """What two of them share stands in tests/support."""
    imports = {
        f"{path.relative_to(REPO)}: {node.module}"
        for path in (REPO / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        if (node.module or "").rpartition(".")[2].startswith("test_")
    }
    assert not imports
