"""The published segments as a workbook, card_segments.xlsx, whole or not at all.

Reads a published file. Writes the workbook and, where there are more customers than it is to list, these beside it as
card_segments_customers.parquet.
"""

import shutil
from pathlib import Path

import duckdb

from scripts.base.files import passing_folder, whole_file
from scripts.base.parameters import SHEET_ROWS
from scripts.base.paths import CUSTOMERS, WORKBOOK
from scripts.base.quoting import sql_text
from scripts.outputs.workbook.rows import fill_sheet
from scripts.outputs.workbook.sheets import CUSTOMERS_HEAD, write_sheets
from scripts.outputs.workbook.words import SheetTables

# The customers with what a marketer filters and pivots by, the best of each segment first.
CUSTOMER_ROWS = """
    select
        segments.customer_id, segments.segment_id, segments.segment_name, customer_values.value_base,
        segments.confidence, segments.runner_up_segment_id, segments.status, segments.as_of_date, segments.is_closed,
        features.* exclude (customer_id, as_of_date, nothing_was_due, months_on_book)
    from marts.customer_segments as segments
    left join marts.customer_features as features using (customer_id)
    left join marts.customer_values as customer_values using (customer_id)
    order by segments.segment_id nulls last, customer_values.value_base desc nulls last, segments.customer_id
"""


def write_workbook(published: Path, folder: Path, *, most_listed: int) -> tuple[Path, int]:
    """Write the workbook about a published file into a folder, in the language it was built in.

    Args:
        published: the DuckDB file of a version.
        folder: where the workbook goes.
        most_listed: most customers on its sheet; a sheet holds SHEET_ROWS.

    Returns its path and the number of customers on its sheet, 0 where they are more and stand in CUSTOMERS instead.
    Raises UserError where a file cannot be written; the workbook before stays then.
    """
    path, customers = folder / WORKBOOK, folder / CUSTOMERS
    with (
        # Not in the system's folder for such: customers who are left behind there are found by nobody.
        passing_folder(folder / "spilled") as spilled,
        duckdb.connect(str(published), read_only=True) as connection,
        whole_file(path) as partial,
    ):
        connection.execute(f"set temp_directory = {sql_text(str(spilled))}")
        connection.execute(f"create temp view customer_rows as {CUSTOMER_ROWS}")
        rows = connection.execute("select count(*) from marts.customer_segments").fetchall()[0][0]
        fits = 0 < rows <= min(most_listed, SHEET_ROWS + 1 - CUSTOMERS_HEAD)
        drawn = spilled / WORKBOOK
        sheet = write_sheets(
            SheetTables(published),
            drawn,
            connection,
            "customer_rows",
            rows if fits else 0,
            beside=CUSTOMERS,
            most_listed=most_listed,
        )
        if fits:
            fill_sheet(drawn, partial, sheet, connection, "customer_rows", rows, CUSTOMERS_HEAD)
            # Of an earlier build that had more: it may hold customers who are no longer to be found.
            customers.unlink(missing_ok=True)
        else:
            shutil.copyfile(drawn, partial)
            with whole_file(customers) as partial_customers:
                connection.execute(
                    f"copy customer_rows to {sql_text(str(partial_customers))} (format parquet)"
                )
    return path, rows if fits else 0
