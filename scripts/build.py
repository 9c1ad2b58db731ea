"""`make build`: input to published segments; job/build.py says what that touches.

python -m scripts.build [NAME=value ...]   names are those of docs/parameters.md
"""

import sys
import time
from collections.abc import Mapping, Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import parse_parameters
from scripts.base.paths import warehouse_folder
from scripts.job.build import build
from scripts.job.run_record import record_run
from scripts.job.summary import print_summary


def main(arguments: Sequence[str]) -> int:
    """Build, print the summary, and return the exit code."""
    return run_command(lambda console: build_and_tell("build", arguments, {}, console))


def build_and_tell(command: str, arguments: Sequence[str], more: Mapping[str, str], console: Console) -> None:
    """Build by the arguments and what a command adds to them, and print the summary; raises UserError as build does."""
    started = time.perf_counter()
    warehouse = warehouse_folder()
    given = {**parse_parameters(arguments), **more}
    console.as_json = given.get("log") == "json"
    record_run(warehouse, console, command, given)
    summary = build(given, warehouse, console)
    print_summary(summary, console, time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
