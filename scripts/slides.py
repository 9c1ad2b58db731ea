"""`make slides`: writes the deck and says where it is; outputs/slides/deck.py says what that touches.

python -m scripts.slides
"""

import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import read_arguments
from scripts.base.paths import SLIDES, warehouse_folder
from scripts.published.reading import published_file
from scripts.published.version import link_names


def main(arguments: Sequence[str]) -> int:
    """Write the slides on what is published, say where they are, and return the exit code."""

    def work(console: Console) -> None:
        read_arguments(arguments, {})
        warehouse = warehouse_folder()
        published = published_file(warehouse)
        # Imported late: a command that is refused need not wait for it.
        from scripts.outputs.slides.deck import write_slides

        # Into the version that they are about, whatever gets published meanwhile.
        write_slides(published, published.parent)
        link_names(warehouse)
        console.print(f"The slides are {warehouse / SLIDES}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
