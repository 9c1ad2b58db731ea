"""`make excel`: writes the workbook and says where it is; workbook.py says what that touches.

python -m scripts.excel
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.paths import CUSTOMERS, WORKBOOK, warehouse_folder
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.reading import published_file
from scripts.published.version import link_names


def main(arguments: Sequence[str]) -> int:
    """Write the workbook on what is published, say where it is, and return the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(f"{arguments[0]}: make excel takes no parameters.")
        warehouse = warehouse_folder()
        published = published_file(warehouse)
        with console.stage("Write the workbook") as stage:
            # Into the version that it is about, whatever gets published meanwhile.
            _, stage.rows = write_workbook(published, published.parent)
        link_names(warehouse)
        console.print(f"The workbook is {warehouse / WORKBOOK}")
        if not stage.rows:
            console.print(f"More customers than a sheet holds: they are in {warehouse / CUSTOMERS}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
