"""`make rollback`: an earlier version is in use again; job/rollback.py says what that touches.

python -m scripts.rollback [VERSION=number]   the one that was in use before, where none is named
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.job.rollback import go_back


def main(arguments: Sequence[str]) -> int:
    """Go back and say so; returns the exit code."""

    def work(console: Console) -> None:
        wanted = read_arguments(arguments, {"VERSION": ""})["VERSION"].strip()
        for sentence in go_back(warehouse_folder(), wanted):
            console.print(sentence)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
