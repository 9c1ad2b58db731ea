"""What a failed dbt run means, in one sentence and an exit code. Reads dbt's result and warehouse/work.duckdb, writes nothing.

A test says its own sentence, where its query has a column `sentence`.
"""

import re
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import GateFailedError, OurFaultError, UserError
from scripts.base.paths import DBT_LOG, WORK
from scripts.base.sentences import shown

# Tests that refuse what somebody typed, edited or handed in; the others are gates that an input fails.
REFUSALS = (
    "assert_enough_features_are_known", "assert_every_segment_has_a_play", "assert_month_does_not_go_back",
    "assert_names_agree_with_numbers", "assert_playbook_does_no_harm",
    "assert_promoted_model_knows_the_features", "assert_rulebook_is_consistent", "assert_window_has_statements",
)  # fmt: skip
HEADING = re.compile(r"\w+ Error(?: in (.+))?")
# Characters of what dbt says in a sentence.
MOST_WORDS = 200
UNCHANGED = "Nothing was published; what was published before stays."


def why_dbt_failed(result: Any, warehouse: Path) -> UserError:
    """Say which step failed, why, and what to do, as the error to raise.

    Args:
        result: what dbtRunner.invoke returned.
        warehouse: folder with work.duckdb and logs/dbt.log; dbt has let go of the file.
    """
    log = warehouse / DBT_LOG
    if not result.result:
        words = telling_words(str(result.exception or ""), placed=True)
        return OurFaultError(f"dbt could not start: {words}. {UNCHANGED} Details stand in {log}.")
    failed = [each for each in result.result if str(each.status) in ("error", "fail")]
    names = [each.node.name for each in failed]
    work = warehouse / WORK
    for each in failed:
        if str(each.status) == "fail" and (sentence := _own_sentence(each.node, work)):
            return UserError(sentence) if each.node.name in REFUSALS else GateFailedError(sentence)
    if not failed:
        words = telling_words(str(result.exception or ""), placed=True)
        return OurFaultError(f"dbt failed: {words}. {UNCHANGED} Details stand in {log}.")
    message = str(failed[0].message or "")
    learning = re.findall(r"^\s*ValueError: (.+)$", message, flags=re.MULTILINE)
    if "Python model failed" in message and learning:
        return UserError(f"{learning[-1].strip().rstrip('.')}. {UNCHANGED}")
    if "Out of Memory" in message or "OutOfMemoryError" in message:
        engine = "Spark" if "OutOfMemoryError" in message else "DuckDB"
        return UserError(
            f"{names[0]} ran out of memory: give {engine} more by the environment variable CARD_SEGMENTS_MEMORY,"
            f" as in CARD_SEGMENTS_MEMORY=8GB. {UNCHANGED}"
        )
    if "No space left" in message or "not enough disk space" in message.lower():
        return UserError(f"{names[0]} found no space left on the disk of {warehouse}: free some. {UNCHANGED}")
    if str(failed[0].status) == "fail":
        rows = failed[0].failures or 0
        return GateFailedError(
            f"{_expectation(failed[0].node)}: that does not hold, for {rows:,} row{'' if rows == 1 else 's'}. {UNCHANGED} Which"
            f" they are, the SQL of {names[0]} in {log} says, on {work}."
        )
    cause = re.findall(r"^\s*(\w[\w ]*Error: .+)$", message, flags=re.MULTILINE)
    words = telling_words(cause[0] if cause else message)
    return OurFaultError(f"{names[0]} failed: {words}. {UNCHANGED} Details stand in {log}.")


def _expectation(test: Any) -> str:
    """What a test without a sentence of its own expects, in words."""
    generic = getattr(test, "test_metadata", None)
    if generic:
        of = (
            f"{test.attached_node.rpartition('.')[2]}.{test.column_name}" if test.attached_node else test.name
        )
        return f"{of} is {generic.name.replace('_', ' ')}"
    words: str = test.name.removeprefix("assert_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _own_sentence(test: Any, work: Path) -> str | None:
    """What a failed test says itself: the column `sentence` of its row, and where the rows are to be found."""
    with duckdb.connect(str(work), read_only=True) as connection:
        found = connection.sql(test.compiled_code)
        if "sentence" not in found.columns:
            return None
        row = dict(zip(found.columns, found.fetchall()[0], strict=True))
    place = row.get("rows_stand_in")
    return f"{row['sentence']} {UNCHANGED}" + (f" The rows stand in {place} of {work}." if place else "")


def telling_words(text: str, placed: bool = False) -> str:
    """Of a message of dbt's the beginning that says something, on one line and without a full stop.

    dbt begins with headings, as `Compilation Error in model words (models/words.sql)`.
    placed: whether the place that a heading names comes with it.
    """
    place, words = "", ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if heading := HEADING.fullmatch(line):
            place = heading[1] or place
            continue
        # What `Error reading project: file.yml - Runtime Error` is about stands on the next line.
        told = re.sub(r"(?: -|:) \w+ Error$", "", line)
        words = f"{words}: {told}" if words else told
        if told == line:
            break
    words = f"{place}: {words}" if placed and place and words else words or place
    return shown(words, MOST_WORDS).rstrip(".!") or "dbt gave no reason"
