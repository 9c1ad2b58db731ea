"""Lists of customers that a person hands in: a CSV or Parquet file with a column of ids.

Reads the one file that is named and writes nothing.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_path
from scripts.base.sentences import listed, reason_of, shown
from scripts.intake.csv_dialect import column_names, read_csv, sniff
from scripts.intake.customer_ids import id_sql
from scripts.intake.source_files import ID_COLUMNS

# What the register of objections, a CSV file, can hold and read again.
LONGEST_ID = 1000
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def list_relation(path: Path, name: str, also: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Return SQL that reads the file of parameter `name`, and its columns in lower case.

    also: what the bank's mapping calls the id. Every column of a CSV file is text. Raises UserError where there is no such file or it has another kind.
    """
    if not path.is_file():
        raise UserError(
            f"{name}={path}: no such file; expected a CSV or Parquet file with a column customer_id."
        )
    if path.name.lower().endswith((".csv", ".csv.gz")):
        dialect = sniff(path, [*also, *ID_COLUMNS])
        return read_csv([path], dialect), column_names(dialect.header)
    if path.name.lower().endswith(".parquet"):
        relation = f"read_parquet({sql_path(path)})"
        try:
            found = duckdb.sql(f"describe select * from {relation}").fetchall()
        except duckdb.Error as error:
            raise UserError(f"{name}={path}: cannot be read as Parquet ({reason_of(error)}).") from None
        originals = [str(column[0]) for column in found]
        names = column_names(originals)
        renamed = ", ".join(
            f"{sql_name(original)} as {sql_name(name)}"
            for original, name in zip(originals, names, strict=True)
        )
        return f"(select {renamed} from {relation})", names
    raise UserError(f"{name}={path}: expected a file that ends in .csv, .csv.gz or .parquet.")


def id_column(path: Path, name: str, columns: tuple[str, ...], also: Sequence[str] = ()) -> str:
    """Return the one of the columns that holds the customers' ids; raises UserError where none does.

    also: what the bank's mapping calls it.
    """
    for column in (*also, *ID_COLUMNS):
        if column in columns:
            return column
    others = " or ".join(dict.fromkeys(["cust_id", *also]))
    raise UserError(
        f"{name}={path}: has no column customer_id (or {others}); its columns are {listed(columns) or 'none'}."
    )


def read_ids(path: Path, name: str, also: Sequence[str] = ()) -> list[str]:
    """Read the ids as text, spelled as `id_sql` does, each once, in the order of their text.

    Args:
        path: the file.
        name: the parameter it was given by, for the words of an error.
        also: what the bank's mapping calls the column of ids.

    Raises UserError where it cannot be read, has no column of ids, or an id is empty, longer than LONGEST_ID
    or has control characters, as a line break.
    """
    relation, columns = list_relation(path, name, also)
    column = sql_name(id_column(path, name, columns, also))
    try:
        found = duckdb.sql(
            f"select distinct {id_sql(column)} as id from {relation} order by id nulls first"
        ).fetchall()
    except duckdb.Error as error:
        raise UserError(f"{name}={path}: cannot be read ({reason_of(error)}).") from None
    # In a file of one column a row without an id is a blank line.
    ids = [row[0] for row in found if row[0] or len(columns) > 1]
    if any(not each for each in ids):
        raise UserError(f"{name}={path}: a row has an empty {column}; fill it in or take the row out.")
    for each in ids:
        if len(each) > LONGEST_ID or CONTROL_CHARACTERS.search(each):
            raise UserError(
                f"{name}={path}: {shown(each)!r} is no id: expected at most {LONGEST_ID}"
                f" characters without line breaks and the like; this one has {len(each):,}. Correct it or take the row out."
            )
    return ids
