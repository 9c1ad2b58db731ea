"""`make sql`: DuckDB's shell on what is published; job/sql_shell.py says what that touches.

python -m scripts.sql [QUERY="from segment_profiles"]   a query is answered, and the shell is left

Where a program or a file takes the answer it is CSV: make sql QUERY="from segment_profiles" > profiles.csv
"""

import signal
import subprocess
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.job.sql_shell import shell_command, shell_program, welcome
from scripts.published.reading import published_file


def main(arguments: Sequence[str]) -> int:
    """Run the shell; returns the exit code: that of a query, or 0 when a person leaves the shell."""
    codes = [0]

    def work(console: Console) -> None:
        given = read_arguments(arguments, {"QUERY": ""})
        published = published_file(warehouse_folder())
        command = shell_command(shell_program(), published, given["QUERY"], not sys.stdout.isatty())
        is_at_terminal = not given["QUERY"] and sys.stdin.isatty()
        if is_at_terminal:
            console.print(welcome(published))
            # Both get it; the shell drops its line or query, and this process waits on.
            signal.signal(signal.SIGINT, lambda *_: None)
        code = subprocess.call(command)
        # At a terminal the shell's own code says that some query of the session failed, which was seen; and who
        # reads the answer, as head does, may have had enough of it.
        codes[0] = 0 if is_at_terminal or code == -signal.SIGPIPE else code

    return run_command(work) or codes[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
