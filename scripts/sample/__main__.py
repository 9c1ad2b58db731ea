"""Writes the sample ledger by itself. ledger.py says what that touches.

python -m scripts.sample CUSTOMERS=10000 SEED=1 OUT=data/sample FORMAT=csv SAMPLE_MONTHS=18
python -m scripts.sample OUT=data/later MORE_MONTHS=24 SHOCK=inflation SHOCK_MONTH=13
"""

import sys
from collections.abc import Sequence

from scripts.base.errors import UserError
from scripts.base.parameters import read_declared
from scripts.base.paths import given_path
from scripts.sample.ledger import sample_parameters, write_sample_ledger


def main(arguments: Sequence[str]) -> int:
    """Write the sample as the arguments say; returns the exit code."""
    try:
        values = read_declared(arguments, sample_parameters())
        sample = write_sample_ledger(
            given_path("OUT", values["out"]),
            customers=values["customers"],
            seed=values["seed"],
            file_format=values["format"],
            months=values["sample_months"],
            more_months=values["more_months"],
            shock=values["shock"],
            shock_month=values["shock_month"],
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    counts = ", ".join(f"{count:,} {table}" for table, count in sample.rows.items())
    print(f"{sample.folder}: {sample.customers:,} customers, {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
