"""A build that keeps a copy of its work file with all rows: python -m tests.support.kept_work COPY [NAME=value ...]."""

import shutil
import sys
from pathlib import Path

from scripts import build
from scripts.job import build as job


def main(copy: str, *arguments: str) -> int:
    """Build, and copy the work file as it is before a build that published takes the rows from it; the exit code."""
    empty = job.empty_work

    def keep(work: Path) -> str:
        shutil.copy(work, copy)
        return empty(work)

    job.empty_work = keep
    return build.main(arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
