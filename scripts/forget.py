"""`make forget`: takes customers out of everything below the warehouse; job/forgetting.py says what that touches.

python -m scripts.forget CUSTOMER=id | CUSTOMERS=list [UNMATCHED=accept]
"""

import sys
from collections.abc import Sequence

from python_models.settings import Parameter
from scripts.base.console import Console, run_command
from scripts.base.parameters import COMMANDS, read_declared
from scripts.base.paths import warehouse_folder
from scripts.job.forgetting import forget

PARAMETERS = {
    "customer": Parameter("", "Id of a customer."),
    "customers": Parameter("", "Path of a list of customers: CSV or Parquet with customer_id."),
    "unmatched": COMMANDS["unmatched"],
}


def main(arguments: Sequence[str]) -> int:
    """Forget them and say so; return the exit code."""

    def work(console: Console) -> None:
        given = read_declared(arguments, PARAMETERS)
        console.standing = "run it again: it ends what it began."
        forget(warehouse_folder(), given["customer"], given["customers"], given["unmatched"], console)

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
