"""`make build`: input to published segments; job/build.py says what that touches.

python -m scripts.build [NAME=value ...]   names are those of docs/parameters.md
"""

import sys
import time
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import check_address_space, parse_parameters
from scripts.base.paths import warehouse_folder
from scripts.job.build import build
from scripts.job.summary import print_summary


def main(arguments: Sequence[str]) -> int:
    """Build, print the summary, and return the exit code."""
    started = time.perf_counter()

    def work(console: Console) -> None:
        given = parse_parameters(arguments)
        check_address_space()
        summary = build(given, warehouse_folder(), console)
        print_summary(summary, console, time.perf_counter() - started)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
