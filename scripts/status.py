"""`make status`: what is published and how it fares; job/status.py says what that touches.

python -m scripts.status [FORMAT=json]   exits with 0 where all is fine, 4 to watch, 5 to act
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.base.sentences import shown
from scripts.job.status import print_status


def main(arguments: Sequence[str]) -> int:
    """Print the status; returns the exit code that its alarm stands for."""

    def work(console: Console) -> int:
        form = read_arguments(arguments, {"FORMAT": ""})["FORMAT"]
        if form not in ("", "json"):
            raise UserError(f"FORMAT={shown(form)}: expected json, or nothing.")
        return print_status(warehouse_folder(), form == "json", console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
