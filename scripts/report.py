"""`make report`: writes the page, or two pages to print, and says where they are; page.py and meeting.py say what that touches.

python -m scripts.report [FORMAT=pdf] [LANGUAGE=code]
"""

import os
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.base.sentences import shown
from scripts.outputs.report.meeting import write_meeting
from scripts.outputs.report.page import write_report
from scripts.published.reading import published_file
from scripts.published.version import link_names


def main(arguments: Sequence[str]) -> int:
    """Write the page and say where it is; return the exit code."""

    def work(console: Console) -> None:
        given = read_arguments(arguments, {"FORMAT": "", "LANGUAGE": ""})
        if given["FORMAT"] not in ("", "pdf"):
            raise UserError(f"FORMAT={shown(given['FORMAT'])}: expected pdf, or nothing.")
        warehouse = warehouse_folder()
        published = published_file(warehouse)
        write = write_meeting if given["FORMAT"] else write_report
        # Into the version that it is about, whatever gets published meanwhile.
        written = write(published, published.parent, given["LANGUAGE"])
        link_names(warehouse)
        console.print(min(str(path := warehouse / written.name), os.path.relpath(path), key=len))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
