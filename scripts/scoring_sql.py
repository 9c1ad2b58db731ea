"""`make scoring-sql`: a model as one query; job/scoring_query.py says what that touches.

python -m scripts.scoring_sql [MODEL=id]
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.job.scoring_query import scoring_sql


def main(arguments: Sequence[str]) -> int:
    """Print the query; returns the exit code."""

    def work(console: Console) -> None:
        model = read_arguments(arguments, {"MODEL": ""})["MODEL"].strip()
        print(scoring_sql(warehouse_folder(), model), end="")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
