"""`make report FORMAT=pdf`: two pages for a meeting, printed from the report's page by a browser that is installed.

Reads a published file and writes card_segments_report.pdf, whole or not at all.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.paths import REPORT_PDF
from scripts.outputs.report.page import render
from scripts.outputs.report.parts import Page

# Chromium and browsers made from it, by the names of their commands.
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "chrome",
)
PAGES = 2
# Sizes that are tried until it is two pages: many segments take more room.
ZOOMS = (1.3, 1.15, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
# Seconds that a browser may take for one print.
LONGEST = 120


def write_meeting(published: Path, folder: Path, language: str = "") -> Path:
    """Print the two pages about a published file into a folder; return their path.

    Raises UserError where no browser is there, it prints nothing, or the file cannot be written; the one before stays then.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise UserError(
            f"FORMAT=pdf: Chromium prints it, and none of {', '.join(BROWSERS)} is installed; install one (Debian:"
            " chromium), or open the report and print it."
        )
    data = Page(published, language)
    path = folder / REPORT_PDF
    with whole_file(path) as partial, tempfile.TemporaryDirectory() as work:
        for zoom in ZOOMS:
            printed = _printed(browser, render(data, is_for_meeting=True, zoom=zoom), Path(work))
            if len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= PAGES:
                break
        partial.write_bytes(printed)
    return path


def _printed(browser: str, page: str, work: Path) -> bytes:
    source, target = work / "page.html", work / "page.pdf"
    source.write_text(page, encoding="utf-8")
    target.unlink(missing_ok=True)
    command = [
        browser, "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", f"--user-data-dir={work / 'profile'}",
        f"--print-to-pdf={target}", source.as_uri(),
    ]  # fmt: skip
    if os.geteuid() == 0:
        # Chromium refuses to run for root with its sandbox; the page is the project's own and loads nothing.
        command.insert(1, "--no-sandbox")
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
        reason = f"exit code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"nothing within {LONGEST} seconds"
    if not target.exists() or not target.read_bytes().startswith(b"%PDF"):
        raise UserError(f"FORMAT=pdf: {browser} printed nothing ({reason}); open the report and print it.")
    return target.read_bytes()
