"""`make postgres`: publishes where DSN or libpq's variables point; publish.py says what that touches.

python -m scripts.postgres [SCHEMA=name] [READERS=role] [DSN=...]; a bare name's value is in the environment
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.paths import warehouse_folder
from scripts.outputs.postgres.transfer import publish_to_postgres, read_target
from scripts.published.reading import published_file


def main(arguments: Sequence[str]) -> int:
    """Publish to PostgreSQL and return the exit code."""

    def work(console: Console) -> None:
        target = read_target(arguments)
        publish_to_postgres(published_file(warehouse_folder()), target, console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
