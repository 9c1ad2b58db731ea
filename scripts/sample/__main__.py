"""Writes the sample ledger by itself. ledger.py says what that touches.

python -m scripts.sample CUSTOMERS=10000 SEED=1 OUT=data/sample FORMAT=csv SAMPLE_MONTHS=18
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.parameters import read_arguments
from scripts.sample.ledger import default_arguments, write_sample_ledger


def _whole_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UserError(f"{name}={text}: expected a whole number") from None


def main(arguments: Sequence[str]) -> int:
    """Write the sample as the arguments say; returns the exit code."""
    try:
        values = read_arguments(arguments, default_arguments())
        sample = write_sample_ledger(
            Path(values["OUT"]),
            customers=_whole_number("CUSTOMERS", values["CUSTOMERS"]),
            seed=_whole_number("SEED", values["SEED"]),
            file_format=values["FORMAT"],
            months=_whole_number("SAMPLE_MONTHS", values["SAMPLE_MONTHS"]),
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    counts = ", ".join(f"{count:,} {table}" for table, count in sample.rows.items())
    print(f"{sample.folder}: {sample.customers:,} customers, {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
