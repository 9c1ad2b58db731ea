"""`make excel`: writes the workbook and says where it is; workbook.py says what that touches.

python -m scripts.excel [WORKBOOK_CUSTOMERS=100000]
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import COMMANDS, read_declared
from scripts.base.paths import CUSTOMERS, WORKBOOK, warehouse_folder
from scripts.outputs.workbook.workbook import write_workbook
from scripts.published.reading import published_file
from scripts.published.version import link_names

PARAMETERS = {name: COMMANDS[name] for name in ("workbook_customers",)}


def main(arguments: Sequence[str]) -> int:
    """Write the workbook on what is published, say where it is, and return the exit code."""

    def work(console: Console) -> None:
        values = read_declared(arguments, PARAMETERS)
        warehouse = warehouse_folder()
        published = published_file(warehouse)
        with console.stage("Write the workbook") as stage:
            # Into the version that it is about, whatever gets published meanwhile.
            _, stage.rows = write_workbook(
                published, published.parent, most_listed=values["workbook_customers"]
            )
        link_names(warehouse)
        console.print(f"The workbook is {warehouse / WORKBOOK}")
        if not stage.rows:
            console.print(
                f"More customers than WORKBOOK_CUSTOMERS={values['workbook_customers']}: they are in"
                f" {warehouse / CUSTOMERS}"
            )

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
