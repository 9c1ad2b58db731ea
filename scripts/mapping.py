"""`make mapping`: a first draft of a mapping beside the input; intake/mapping_draft.py says what that reads.

python -m scripts.mapping SOURCE=path [MAPPING=path]
"""

import shlex
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.parameters import read_arguments
from scripts.base.paths import STAGING, given_path
from scripts.intake.mapping import mapping_beside
from scripts.intake.mapping_draft import draft_mapping, open_places
from scripts.intake.source_files import load_contract


def main(arguments: Sequence[str]) -> int:
    """Write the draft and say what is left to do; return the exit code."""

    def work(console: Console) -> None:
        given = read_arguments(arguments, {"SOURCE": "", "MAPPING": ""})
        if not given["SOURCE"]:
            raise UserError(
                "SOURCE is missing: the input to draft a mapping of, as in make mapping SOURCE=path."
            )
        source = given_path("SOURCE", given["SOURCE"])
        path = given_path("MAPPING", given["MAPPING"]) if given["MAPPING"] else mapping_beside(source)
        if path.exists():
            raise UserError(
                f"{path} is there already; it stays. Move it away, or say MAPPING=path of a new file."
            )
        draft = draft_mapping(source, load_contract(STAGING))
        with whole_file(path) as partial:
            partial.write_text(draft, encoding="utf-8")
        left = open_places(draft)
        console.print(draft)
        console.print(f"Written to {path}.")
        if left:
            console.print(f"To fill in, marked TODO: {left}. Read the guesses, too.")
        named = f" MAPPING={shlex.quote(given['MAPPING'])}" if given["MAPPING"] else ""
        console.print(f"Then: make build SOURCE={shlex.quote(given['SOURCE'])}{named}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
