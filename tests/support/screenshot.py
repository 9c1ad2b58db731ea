"""Takes the README's picture: the report's first screen, by headless Chromium. Writes docs/report.png.

python -m tests.support.screenshot [REPORT]   left out: warehouse/card_segments_report.html
"""

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.base.paths import PROJECT, REPORT, warehouse_folder

WIDTH, HEIGHT = 1000, 720


def main(arguments: list[str]) -> int:
    """Take the picture and say where it is; return the exit code."""
    chromium = shutil.which("chromium")
    report = Path(arguments[0]) if arguments else warehouse_folder() / REPORT
    if chromium is None or not report.exists():
        print("Chromium and a report are needed; make build writes the report.", file=sys.stderr)
        return 1
    picture = PROJECT / "docs" / "report.png"
    options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run(
        [chromium, *options, f"--screenshot={picture}", report.absolute().as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
