"""What a build prints last: it reads what is published, whatever is unknown there, and says where customers are generated."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from scripts.base.console import Console
from scripts.dbt.failures import why_dbt_failed
from scripts.job.summary import print_summary, summarise


def publish(path: Path, *, value: str, is_sample: str) -> Path:
    """A published file as far as the summary reads it: one segment, with a value in SQL."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            create schema marts;
            create table marts.segment_profiles as
                select 1 as segment_id, 10 as customers, 1.0 as customer_share, 'Transactors' as segment_name,
                    '94% pay in full' as payment_words, false as is_unstable;
            create table marts.segment_values as select 1 as segment_id, {value}::double as value_base;
            create table marts.load_audit as
                select 'customer_summary' as source, 'rows' as measure, 10 as rows_in, 10 as rows_accepted,
                    0 as rows_in_error, 0 as rows_rejected, 0 as amounts_unknown
                union all
                select 'customer_summary', 'payments', null, null, null, null, 3;
            create table marts.data_quality_checks as
                select 'a' as check_name, 'warn' as severity, 1200 as affected_rows, 'No limit is known.' as meaning
                union all select 'b', 'warn', 0, 'Found nothing.'
                union all select 'c', 'note', 7, 'A note.';
            create table marts.customer_segments as select 'segmented' as status from range(10);
            create table marts.segment_drift as select 'fine' as alarm, 'w' as words, 0.0 as drift;
            create table marts.value_assumptions as select 'USD' as currency;
            create table marts.model_runs as
                select 'm' as model_id, 1 as run_number, timestamp '2026-01-01' as trained_at, 'robust' as scaling,
                    'scaled' as representation, 'as asked' as reason, null::varchar as warning,
                    {is_sample} as is_sample, 'labelled with model m' as decision,
                    '{"tenure" if value == "null" else ""}' as unknown_features;
            """
        )
    return path


@pytest.mark.parametrize(
    ("value", "is_sample", "there", "not_there"),
    [
        (
            "12.4",
            "true",
            [
                "12",
                "generated sample",
                "SOURCE=path/to/your.csv",
                "the payments of 3 rejected rows cannot be read",
            ],
            ["unknown"],
        ),
        # A column of the input that is empty leaves the value unknown; that is no reason to fail after publishing.
        ("null", "false", ["unknown"], ["generated sample", "SOURCE=path"]),
        ("null", "null", ["unknown"], ["generated sample"]),
    ],
)
def test_the_summary(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    value: str,
    is_sample: str,
    there: list[str],
    not_there: list[str],
) -> None:
    published = publish(tmp_path / "card_segments.duckdb", value=value, is_sample=is_sample)
    print_summary(summarise(published, tmp_path), Console(), 1.0)
    said = capsys.readouterr().out
    assert all(each in said for each in there)
    assert not any(each in said for each in not_there)
    assert "check (1,200): No limit is known." in said
    assert "94% pay in full" in said
    assert ("unknown in the input: tenure;" in said) == (value == "null")
    assert not any(each in said for each in ("Found nothing", "A note"))


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            SimpleNamespace(name="assert_names_are_unique", compiled_code="select 1 as name"),
            "Names are unique: that does not hold, for 2 rows. Nothing was published",
        ),
        (
            SimpleNamespace(
                name="unique_segments_segment_id",
                compiled_code="select 1 as segment_id",
                test_metadata=SimpleNamespace(name="not_null"),
                attached_node="model.card_segments.customer_segments",
                column_name="segment_id",
            ),
            "customer_segments.segment_id is not null: that does not hold, for 2 rows.",
        ),
        (
            SimpleNamespace(name="assert_something", compiled_code="select 'Cards are blue.' as sentence"),
            "Cards are blue. Nothing was published",
        ),
    ],
)
def test_a_check_that_fails_says_what_it_expected(tmp_path: Path, node: SimpleNamespace, words: str) -> None:
    """Not `Got 2 results, configured to fail if != 0`."""
    duckdb.connect(str(tmp_path / "work.duckdb")).close()
    failed = SimpleNamespace(
        status="fail", node=node, message="Got 2 results, configured to fail if != 0", failures=2
    )
    said = str(why_dbt_failed(SimpleNamespace(result=[failed], exception=None), tmp_path))
    assert said.startswith(words) and "Got 2" not in said


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Compilation Error in model words (models/words.sql)\n  unexpected 'end of template'\n    line 1",
            "dbt could not start: model words (models/words.sql): unexpected 'end of template'. Nothing",
        ),
        (
            "Parsing Error\n  Error reading card_segments: marts/x.yml - Runtime Error\n    Syntax error near line 99\n    ---",
            "dbt could not start: Error reading card_segments: marts/x.yml: Syntax error near line 99. Nothing",
        ),
        (
            'Runtime Error\n  Credentials in profile "a", target "b" invalid: Runtime Error\n    Could not find it!',
            'dbt could not start: Credentials in profile "a", target "b" invalid: Could not find it. Nothing',
        ),
        ("Runtime Error\n  " + "x" * 1_000, f"dbt could not start: {'x' * 197}. Nothing"),
        ("Runtime Error", "dbt could not start: dbt gave no reason. Nothing"),
        ("", "dbt could not start: dbt gave no reason. Nothing"),
    ],
)
def test_why_dbt_did_not_start_is_what_says_something(tmp_path: Path, message: str, words: str) -> None:
    """Not `Runtime Error`, which comes first."""
    said = str(why_dbt_failed(SimpleNamespace(result=None, exception=message), tmp_path))
    assert said.startswith(words), said


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Compilation Error in model words (models/words.sql)\n  'nope' is undefined. Check it.\n\n  > in macro x",
            "words failed: 'nope' is undefined. Check it. Nothing",
        ),
        (
            "Runtime Error in model words (models/words.sql)\n  Binder Error: no column nope\n\n  LINE 3: nope",
            "words failed: Binder Error: no column nope. Nothing",
        ),
        (None, "words failed: dbt gave no reason. Nothing"),
    ],
)
def test_why_a_model_failed_is_what_says_something(tmp_path: Path, message: str | None, words: str) -> None:
    failed = SimpleNamespace(status="error", node=SimpleNamespace(name="words"), message=message)
    said = str(why_dbt_failed(SimpleNamespace(result=[failed], exception=None), tmp_path))
    assert said.startswith(words), said
