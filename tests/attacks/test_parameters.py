"""Odd values of parameters: each is taken for what it says, or refused in one short sentence with its range."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from python_models.settings import LearningParameter
from python_models.typed import LONGEST_SHOWN, Range, number, shown, whole_number
from scripts.base.errors import UserError
from scripts.base.parameters import machine_limits, parameters, parse_parameters
from scripts.base.statistics import customers_needed
from scripts.benchmark.__main__ import main as benchmark
from scripts.campaigns import results, settings
from scripts.campaigns.draw import draw_campaign
from scripts.campaigns.results import measure_campaign, read_request
from scripts.campaigns.settings import read_settings
from scripts.sample.__main__ import main as sample
from tests.support.campaigning import publish_customers

NO_NUMBERS = [
    "nan", "-nan", "inf", "-Infinity", "1e999", "\u0661\u0662", "\u00b2", "1_000", "1,000", "0x10", "5 5", "--5", ".",
    "e5", "1e", "x\x1b[31m", "\udcff", "9" * 5000, "line\nbreak",
]  # fmt: skip
ODD = [*NO_NUMBERS, "-1", "-1e308", "1e308", "99999999999999999999", "-0", "1e-308", "1e-7", "0.0000001"]
BUILDS_NUMBERS = [
    name
    for name, each in parameters().items()
    if each.range or isinstance(each.default, int | float) or name == "k"
]
CAMPAIGNS_NUMBERS = [name for name, each in settings.PARAMETERS.items() if each.range]


def refusal_or_value(read: Callable[[Sequence[str]], Any], name: str, value: str) -> Any:
    """What is read of it; a refusal is looked at and gives None."""
    try:
        return read([f"{name.upper()}={value}"])
    except UserError as error:
        words = str(error)
        assert words.startswith(f"{name.upper()}=") and words.isprintable() and words.endswith("."), words
        assert len(words) <= LONGEST_SHOWN + 220, words
        return None


@pytest.mark.parametrize("name", BUILDS_NUMBERS)
@pytest.mark.parametrize("value", ODD)
def test_odd_numbers_of_a_build(name: str, value: str) -> None:
    read = refusal_or_value(parse_parameters, name, value)
    if read is not None:
        declared = parameters()[name]
        assert value not in NO_NUMBERS
        assert isinstance(declared, LearningParameter) or declared.range is not None
        assert -1 <= read[name] <= 2**32


@pytest.mark.parametrize("name", CAMPAIGNS_NUMBERS)
@pytest.mark.parametrize("value", ODD)
def test_odd_numbers_of_a_campaign(name: str, value: str) -> None:
    read = refusal_or_value(lambda given: read_settings(["NAME=a", "SEGMENT=1", *given]), name, value)
    assert read is None or value not in NO_NUMBERS


@pytest.mark.parametrize("value", ODD)
def test_odd_costs_of_results(value: str) -> None:
    read = refusal_or_value(lambda given: read_request(["NAME=a", "OUTCOMES=x.csv", *given]), "cost", value)
    assert read is None or value not in NO_NUMBERS
    assert read_request(["NAME=a", "OUTCOMES=x.csv", "COST="])[2] is None


def test_what_is_no_odd_way_to_write_a_number_is_read() -> None:
    given = parse_parameters(["K= 5", "SEED=+5", "KEEP_VERSIONS=007", "PCA_VARIANCE=.5", "MIN_KEPT_SHARE=-0"])
    assert given == {"k": 5, "seed": 5, "keep_versions": 7, "pca_variance": 0.5, "min_kept_share": 0.0}
    assert str(given["min_kept_share"]) == "0.0"
    assert parse_parameters(["K=", "MIN_JACCARD=7e-1"]) == {"k": "", "min_jaccard": 0.7}


@pytest.mark.parametrize("name", BUILDS_NUMBERS)
def test_a_number_left_empty_is_left_out_or_refused(name: str) -> None:
    read = refusal_or_value(parse_parameters, name, "")
    assert (read is None) == (parameters()[name].default != "")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("K=99999999999999999999", "K=99999999999999999999: expected at most 1000 segments"),
        ("CUSTOMERS=0", "CUSTOMERS=0: expected a whole number from 1 to 100000000, as in CUSTOMERS=10000"),
        ("SAMPLE_MONTHS=11", "expected a whole number from 12 to 120"),
        ("MAX_REJECTED_SHARE=1.5", "expected a number from 0 to 1, as in MAX_REJECTED_SHARE=0.05"),
        ("MIN_KEPT_SHARE=nan", "MIN_KEPT_SHARE=nan: expected a number from 0 to 1"),
        ("NEW_SOURCE=no", "NEW_SOURCE=no: expected yes, or nothing"),
        ("AS_OF=9999-12-31", "AS_OF=9999-12-31: expected a date from 1900-01-31 to 2199-12-31"),
        ("AS_OF=0001-01-31", "AS_OF=0001-01-31: expected a date from"),
        ("AS_OF=2025-02-30", "AS_OF=2025-02-30: expected a date like 2025-12-31"),
        ("AS_OF=2025-W52-7", "expected a date like"),
        ("AS_OF=\u0662\u0660\u0662\u0665-12-31", "expected a date like"),
        ("AS_OF=2025-12-30", "give a month's last day"),
        ("KK=5", "KK: no such parameter; did you mean K? Known are"),
        ("quite_another_thing=5", "quite_another_thing: no such parameter. Known are"),
    ],
)
def test_the_sentence_says_what_was_expected(argument: str, words: str) -> None:
    with pytest.raises(UserError, match=r"expected|give|no such") as refusal:
        parse_parameters([argument])
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["AS_OF", "LANGUAGE", "CURRENCY", "IDS", "SCALING", "REPRESENTATION", "X" * 5000]
)
def test_an_error_shows_the_beginning_of_a_long_value(name: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_parameters([f"{name}=a\x1b]0;title\x07{'x' * 5000}"])
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 900 if name.startswith("X") else len(str(refusal.value)) < 400


def test_shown_is_printable() -> None:
    assert shown("a\nb\x1b[1m\udcff") == r"a\nb\x1b[1m\udcff"
    assert shown("x" * 101) == "x" * 100 + "..."


def test_one_place_reads_numbers() -> None:
    assert [whole_number(text) for text in (" 5 ", "+5", "-0", "5.0", "")] == [5, 5, 0, None, None]
    assert [number(text) for text in ("1e-7", "5.", "+.5", "", "1e999")] == [1e-7, 5.0, 0.5, None, None]
    assert Range(least=2, below=3).words == "a number at least 2 and below 3"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CARD_SEGMENTS_MEMORY", "99999999999TB"),
        ("CARD_SEGMENTS_MEMORY", "\u0661GB"),
        ("CARD_SEGMENTS_MEMORY", "x" * 5000),
        ("CARD_SEGMENTS_THREADS", "\u00b2"),
        ("CARD_SEGMENTS_THREADS", "9" * 5000),
    ],
)
def test_limits_of_the_machine(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=f"{variable}=.*: expected") as refusal:
        machine_limits()
    assert len(str(refusal.value)) < 250


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    publish_customers(tmp_path / "warehouse")
    return tmp_path / "warehouse"


NOW = dt.datetime(2026, 3, 1)


@pytest.mark.parametrize(
    "segment", ["\u00b2", "9" * 5000, "-1", "1.0", "\u0661", "1,\u00b2", "x\x1b[31m", "\udcff"]
)
def test_odd_segments(warehouse: Path, segment: str) -> None:
    with pytest.raises(UserError, match=r"^SEGMENT=.*there is no such segment") as refusal:
        draw_campaign(read_settings(["NAME=a", f"SEGMENT={segment}"]), warehouse, NOW)
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["BUDGET=1e15", "COST=1e-308"],
        ["BUDGET=1e-300", "COST=0"],
        ["EXPECTED_UPLIFT=0.0001", "HOLDOUT=0.002"],
        ["EXPECTED_UPLIFT=0.9999", "BASE_RATE=0.0001", "HOLDOUT=0.5"],
        ["EXPECTED_UPLIFT=0.9999", "BASE_RATE=0.9999"],
        ["COOL_OFF_DAYS=3650", "GLOBAL_HOLDOUT=1e-300"],
        ["HOLDOUT=0.998"],
    ],
)
def test_the_ends_of_the_ranges_can_be_drawn(warehouse: Path, arguments: list[str]) -> None:
    plan = draw_campaign(read_settings(["NAME=a", "SEGMENT=1", *arguments]), warehouse, NOW)
    assert plan.treated + plan.held_out == 600 and plan.needed >= 4


def test_the_most_customers_that_a_plan_can_need() -> None:
    assert 1e9 < customers_needed(0.5, 0.0001, 1e-8) < 1e17


def test_an_outcome_beyond_all_money(warehouse: Path, tmp_path: Path) -> None:
    plan = draw_campaign(read_settings(["NAME=a", "SEGMENT=1"]), warehouse, NOW)
    first = (plan.folder / "mailing.csv").read_text().splitlines()[1]
    for value in ("1e308", "-1e13", "nan", "x" * 5000):
        (tmp_path / "outcomes.csv").write_text(f"customer_id,responded,value\n{first},1,{value}\n")
        with pytest.raises(UserError, match=f"customer {first} has value") as refusal:
            measure_campaign("a", tmp_path / "outcomes.csv", None, warehouse, NOW)
        assert len(str(refusal.value)) < 300 + len(str(tmp_path))
    with duckdb.connect(str(warehouse / "campaigns" / "campaigns.duckdb"), read_only=True) as connection:
        assert connection.sql("select count(*) from campaign_results").fetchall() == [(0,)]


@pytest.mark.parametrize("name", ["DRIFT", "MONTH"])
def test_watch_comes_before_act(name: str) -> None:
    assert parse_parameters([f"{name}_WATCH=0.2", f"{name}_ACT=0.2"])
    with pytest.raises(UserError, match=f"{name}_WATCH: is above {name}_ACT"):
        parse_parameters([f"{name}_WATCH=0.3", f"{name}_ACT=0.2"])


@pytest.mark.parametrize("name", ["../a", "", "a b", "\udcff", "x" * 5000])
def test_names_of_results_are_those_of_campaigns(name: str) -> None:
    with pytest.raises(UserError, match="NAME") as refusal:
        read_request([f"NAME={name}", "OUTCOMES=x.csv"])
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (sample, ["CUSTOMERS=\u00b2"]),
        (sample, ["CUSTOMERS=1e3"]),
        (sample, ["SEED=1_000"]),
        (sample, ["SAMPLE_MONTHS=999999999"]),
        (sample, ["MORE_MONTHS=-1"]),
        (sample, ["MORE_MONTHS=121"]),
        (sample, ["SHOCK=war"]),
        (sample, ["SHOCK=limits"]),
        (sample, ["SHOCK=limits", "MORE_MONTHS=6", "SHOCK_MONTH=7"]),
        (sample, ["FORMAT=xml"]),
        (sample, ["OUT=" + "x" * 5000]),
        (benchmark, ["SIZES=100,\u00b2"]),
        (benchmark, ["SIZES="]),
        (benchmark, ["MONTHS=" + "9" * 5000]),
        (benchmark, ["NOTEBOOK=perhaps"]),
        (benchmark, ["REPEATS=0"]),
        (benchmark, ["REPEATS=three"]),
        (benchmark, ["OUT=/dev/null/x"]),
    ],
)
def test_odd_values_of_the_sample_and_the_benchmark(
    main: Callable[[Sequence[str]], int], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    name = arguments[0].partition("=")[0]
    assert said.removeprefix("error: ").startswith(f"{name}=") and said.count("\n") == 1 and len(said) < 300


def test_every_number_of_a_command_has_a_range() -> None:
    declared = {**parameters(), **settings.PARAMETERS, **results.PARAMETERS}
    for name, each in declared.items():
        if isinstance(each.default, int | float) and not isinstance(each, LearningParameter):
            assert each.range is not None, name
