"""`make docs`: writes the documentation of every table; job/table_docs.py says what that touches.

python -m scripts.docs
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.paths import warehouse_folder
from scripts.job.table_docs import write_docs


def main(arguments: Sequence[str]) -> int:
    """Write the page and say where it is; returns the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(f"{arguments[0]}: make docs takes no parameters.")
        with console.stage("Write the documentation"):
            page = write_docs(warehouse_folder())
        console.print(f"  {page}: open it in a browser; the lineage is behind the round button below right.")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
