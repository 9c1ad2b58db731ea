"""`make metabase`: sets Metabase up; outputs/metabase/set_up.py says what that touches.

python -m scripts.metabase [EMAIL= PORT= ...] | stop | logs
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.paths import warehouse_folder
from scripts.outputs.metabase import docker
from scripts.outputs.metabase.set_up import set_up


def main(arguments: Sequence[str]) -> int:
    """Set up, stop, or show logs; return the exit code."""

    def work(console: Console) -> None:
        warehouse = warehouse_folder()
        if list(arguments) == ["stop"]:
            docker.stop(warehouse)
            console.print(
                "  Metabase is stopped; what people made in it stays. make metabase starts it again."
            )
        elif list(arguments) == ["logs"]:
            console.print(docker.logs(warehouse))
        else:
            set_up(arguments, warehouse, console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
