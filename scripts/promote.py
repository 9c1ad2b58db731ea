"""`make promote`: a build with another model that was learned before; job/build.py says what that touches.

python -m scripts.promote MODEL=id [NAME=value ...]   names are those of a build
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.build import build_and_tell


def main(arguments: Sequence[str]) -> int:
    """Build with the model, print the summary, and return the exit code."""
    models = [each for each in arguments if each.startswith("MODEL=")]
    rest = [each for each in arguments if each not in models]
    model = models[-1].partition("=")[2].strip() if models else ""

    def work(console: Console) -> None:
        if not model:
            raise UserError(
                "MODEL is missing: say which, as in make promote MODEL=m0123456789ab; make models lists them."
            )
        build_and_tell("promote", rest, {"promote": model}, console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
