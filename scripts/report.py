"""`make report`: writes the page and says where it is; page.py says what that touches.

python -m scripts.report
"""

import os
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.parameters import check_address_space
from scripts.base.paths import REPORT, warehouse_folder
from scripts.outputs.report.page import write_report
from scripts.published.reading import published_file
from scripts.published.version import link_names


def main(arguments: Sequence[str]) -> int:
    """Write the page and say where it is; return the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(
                f"{arguments[0]}: make report takes nothing; LANGUAGE and the rest are make build's."
            )
        check_address_space()
        warehouse = warehouse_folder()
        published = published_file(warehouse)
        # Into the version that it is about, whatever gets published meanwhile.
        write_report(published, published.parent)
        link_names(warehouse)
        console.print(min(str(path := warehouse / REPORT), os.path.relpath(path), key=len))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
