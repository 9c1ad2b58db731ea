"""LibreOffice, which opens what the job writes for Excel and PowerPoint."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Convert = Callable[[Path, str], Path]


@pytest.fixture(scope="session")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Let LibreOffice open a file and write it as something else; returns the folder of what it wrote."""
    soffice = shutil.which("soffice")
    if not soffice:
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-calc)")
    profile = tmp_path_factory.mktemp("libreoffice")

    def run(path: Path, form: str) -> Path:
        out = tmp_path_factory.mktemp("converted")
        done = subprocess.run(
            [soffice, "--headless", f"-env:UserInstallation=file://{profile}", "--convert-to", form,
             "--outdir", str(out), str(path)],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0 and list(out.iterdir()), done.stdout + done.stderr
        return out

    return run
