"""What a failed dbt run means, in one sentence. Reads dbt's result and warehouse/work.duckdb, writes nothing."""

import re
from pathlib import Path
from typing import Any

import duckdb

UNCHANGED = "Nothing was published; what was published before stays."


def why_dbt_failed(result: Any, warehouse: Path) -> str:
    """Say which step failed, why, and what to do.

    Args:
        result: what dbtRunner.invoke returned.
        warehouse: folder with work.duckdb and logs/dbt.log; dbt has let go of the file.
    """
    log = warehouse / "logs" / "dbt.log"
    if not result.result:
        words = _first_line(str(result.exception or "dbt gave no reason"))
        return f"dbt could not start: {words} {UNCHANGED} Details stand in {log}."
    failed = [each for each in result.result if str(each.status) in ("error", "fail")]
    names = [each.node.name for each in failed]
    work = warehouse / "work.duckdb"
    if "assert_rejected_share_within_limit" in names:
        return _too_many_rejected(work)
    if "assert_window_has_statements" in names:
        return _empty_window(work)
    if "assert_no_error_in_data_quality" in names:
        return _data_quality(work)
    if "assert_rulebook_is_consistent" in names:
        return _rulebook(work)
    if not failed:
        return f"dbt failed: {_first_line(str(result.exception))} {UNCHANGED} Details stand in {log}."
    message = str(failed[0].message or "")
    learning = re.findall(r"^\s*ValueError: (.+)$", message, flags=re.MULTILINE)
    if "Python model failed" in message and learning:
        return f"{learning[-1].strip().rstrip('.')}. {UNCHANGED}"
    if "Out of Memory" in message:
        return (
            f"{names[0]} ran out of memory: give DuckDB more by the environment variable CARD_SEGMENTS_MEMORY,"
            f" as in CARD_SEGMENTS_MEMORY=8GB. {UNCHANGED}"
        )
    if "No space left" in message or "not enough disk space" in message.lower():
        return f"{names[0]} found no space left on the disk of {warehouse}: free some. {UNCHANGED}"
    if str(failed[0].status) == "fail":
        return f"The check {names[0]} failed: {_first_line(message)}. {UNCHANGED} Its rows stand in {work}, its SQL in {log}."
    cause = re.findall(r"^\s*(\w[\w ]*Error: .+)$", message, flags=re.MULTILINE)
    words = (cause[0] if cause else _first_line(message)).strip().rstrip(".")
    return f"{names[0]} failed: {words}. {UNCHANGED} Details stand in {log}."


def _too_many_rejected(work: Path) -> str:
    with duckdb.connect(str(work), read_only=True) as connection:
        source, in_error, rows_in, share = connection.execute(
            "select source, rows_in_error, rows_in, rows_in_error / rows_in from customers.int_load_audit"
            " where measure = 'rows' and rows_in_error > 0 order by 4 desc, 1 limit 1"
        ).fetchall()[0]
        reasons = connection.execute(
            "select reason || ' (' || count(*) || ')' from customers.int_rejected_rows where source = ?"
            " and counts_as_error group by reason order by count(*) desc, reason limit 3",
            [source],
        ).fetchall()
    return (
        f"{source}: {in_error:,} of {rows_in:,} rows ({share:.1%}) were refused, more than MAX_REJECTED_SHARE"
        f" allows: {'; '.join(reason for (reason,) in reasons)}. {UNCHANGED}"
        f" The rows stand in marts.rejected_rows of {work}."
    )


def _empty_window(work: Path) -> str:
    with duckdb.connect(str(work), read_only=True) as connection:
        # The view reads the input again, whose paths are relative to where the build runs.
        first, last = connection.execute(
            "select min(statement_on), max(statement_on) from staging.stg_ledger__statements"
            " where rejection_reason is null"
        ).fetchall()[0]
        starts_on, ends_on = connection.execute(
            "select window_starts_on, as_of_date from ledger.int_ledger_period"
        ).fetchall()[0]
    if first is None:
        return f"statements: every row was refused, so there is no window to segment by. {UNCHANGED} The rows stand in ledger.int_ledger_rejected_rows of {work}."
    return (
        f"statements: none lies in the window from {starts_on} to {ends_on}; they reach from {first} to {last}."
        f" Give AS_OF a month's last day among these, or leave it out. {UNCHANGED}"
    )


def _data_quality(work: Path) -> str:
    with duckdb.connect(str(work), read_only=True) as connection:
        check, rows, ids, meaning = connection.execute(
            "select check_name, affected_rows, example_ids, text as meaning from customers.int_quality_checks as checks"
            " inner join staging.stg_rulebook__words as words on 'check.' || check_name = key"
            " where severity = 'error' and affected_rows > 0 order by affected_rows desc limit 1"
        ).fetchall()[0]
    return (
        f"data quality check {check}: {rows:,} customers are affected, such as {ids}. {meaning}"
        f" Correct or leave out these rows. {UNCHANGED}"
    )


def _rulebook(work: Path) -> str:
    with duckdb.connect(str(work), read_only=True) as connection:
        problems = [
            row[0] for row in connection.execute("from staging.rulebook_problems order by all").fetchall()
        ]
    more = f" ({len(problems) - 3} more like these)" if len(problems) > 3 else ""
    return f"dbt_project/seeds: {'; '.join(problems[:3])}{more}. {UNCHANGED}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip() if text.strip() else ""
