"""`make models`: the models trained so far; job/trained_models.py says what that touches.

python -m scripts.models
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.paths import warehouse_folder
from scripts.job.trained_models import print_models


def main(arguments: Sequence[str]) -> int:
    """List the models; returns the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(f"{arguments[0]}: make models takes no parameters.")
        print_models(warehouse_folder(), console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
