"""Results on their way to SQL: the dbt model hands them over, and macro `learned` takes them out again."""

import importlib.util
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import duckdb
import jinja2
import pandas as pd
import pytest

from python_models.result_columns import COLUMNS, FLAG, LARGE, REAL, SMALL, TEXT, sql_type
from python_models.results import Results, model_id, typed
from python_models.succession import Verdict
from tests.support.builds import REPO

SQL_TYPES = {TEXT: "VARCHAR", SMALL: "INTEGER", LARGE: "BIGINT", REAL: "DOUBLE", FLAG: "BOOLEAN"}
# Both zeros, the ends of the range, the smallest of all, what a decimal text of 15 or 16 digits would change.
DOUBLES = [
    0.0, -0.0, 1.0, -1.0, 0.1, 0.1 + 0.2, 1 / 3, math.pi, 1e308, 1.7976931348623157e308, -1.7976931348623157e308,
    2.2250738585072014e-308, 2.225073858507201e-308, 5e-324, -5e-324, 9007199254740993.0, 123456789.12345678,
    1e22, 1e23, 4.35, 5e-05, math.nextafter(1, 2), math.nextafter(1, 0),
]  # fmt: skip

Learned = Callable[[str], duckdb.DuckDBPyRelation]


def hand_over(results: Results, work: Path, monkeypatch: pytest.MonkeyPatch, stored: bool = True) -> Learned:
    """Run the dbt model on these results; what it returns reads a result by name, from the file where stored."""
    path = REPO / "dbt_project" / "models" / "model" / "trained_model.py"
    spec = importlib.util.spec_from_file_location("trained_model", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr("python_models.training.train", lambda features, settings, before: results)
    monkeypatch.setattr("python_models.succession.judge", lambda plan, run: Verdict(True, "tom's word"))
    session = duckdb.connect(str(work))
    dbt = Mock()
    dbt.config.meta_get.return_value = {}
    relations = {
        "training_sample": "select 1 as customer_id",
        "int_learning_plan": "select true as is_learning, null as model_before, '' as unknown_features",
    }
    dbt.ref.side_effect = lambda name: session.sql(relations[name])
    made = module.model(dbt, session)
    if stored:
        made.create("model_in_use")
        session.close()
        session = duckdb.connect(str(work), read_only=True)
    else:
        made.create_view("model_in_use")
    macro = (REPO / "dbt_project" / "macros" / "learned.sql").read_text(encoding="utf-8")
    template: Any = jinja2.Environment().from_string(macro, globals={"ref": lambda name: name}).module
    return lambda name: session.sql(str(template.learned(name)))


def results_with(**rows: list[dict[str, Any]]) -> Results:
    """Results that are empty but for the run and the rows given, in whose columns None stands where no value is given."""
    return Results(
        **{
            name: typed(
                [dict.fromkeys(columns) | row for row in rows.get(name, [{}] if name == "run" else [])],
                columns,
            )
            for name, columns in COLUMNS.items()
        }
    )


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@pytest.mark.parametrize("stored", [False, True])
def test_doubles_come_back_from_sql_bit_for_bit(
    stored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the sign of zero, though DuckDB stores a column of nothing but zeros with one sign for all."""
    rows = [{"feature": str(number), "value": each} for number, each in enumerate(DOUBLES)]
    learned = hand_over(results_with(parameters=rows), tmp_path / "work.duckdb", monkeypatch, stored)
    found = learned("parameters").project("feature, value").fetchall()
    assert [(feature, bits(value)) for feature, value in found] == [
        (str(number), bits(each)) for number, each in enumerate(DOUBLES)
    ]


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_empty_and_its_neighbours_stay(
    nothing: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_with(parameters=[{"value": 1.5}, {"value": nothing}, {"value": -0.0}])
    learned = hand_over(results, tmp_path / "work.duckdb", monkeypatch)
    assert learned("parameters").project("value").fetchall() == [(1.5,), (None,), (-0.0,)]


def test_whole_numbers_and_flags_with_gaps_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 to the power of 53 and 1 has no double of its own."""
    results = results_with(
        votes=[{"method": "gap", "k": None}, {"method": "elbow", "k": 6}],
        run=[{"seed": 2**53 + 1, "is_stable": None}, {"seed": None, "is_stable": False}],
    )
    learned = hand_over(results, tmp_path / "work.duckdb", monkeypatch)
    assert learned("votes").project("method, k").fetchall() == [("gap", None), ("elbow", 6)]
    assert learned("run").project("seed, is_stable").fetchall() == [(2**53 + 1, None), (None, False)]


@pytest.mark.parametrize("is_filled", [False, True])
def test_every_result_has_its_declared_columns_and_types_though_it_be_empty(
    is_filled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of nothing but empty values tells no type either."""
    results = results_with(**({name: [{}] for name in COLUMNS} if is_filled else {}))
    learned = hand_over(results, tmp_path / "work.duckdb", monkeypatch)
    for name, columns in COLUMNS.items():
        found = learned(name)
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
            column: SQL_TYPES[kind] for column, kind in columns.items()
        }
        assert len(found.fetchall()) == int(is_filled or name == "run")
        stored = duckdb.sql(f"select unnest(cast(null as {sql_type(name)}), recursive := true)")
        assert (stored.columns, stored.types) == (found.columns, found.types), "as state.models has it"


@pytest.mark.parametrize("row", [{"method": "gap"}, {"method": "gap", "k": 1, "words": "", "more": 1}])
def test_a_row_with_other_columns_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no row of"):
        typed([row], COLUMNS["votes"])


def test_every_declared_column_is_of_a_type_that_has_an_empty_value() -> None:
    assert set(COLUMNS) == set(Results.__dataclass_fields__)
    for columns in COLUMNS.values():
        for kind in columns.values():
            assert pd.isna(pd.Series([None], dtype=object).astype(kind)).all()


def test_noise_in_the_last_digits_leaves_the_models_name() -> None:
    one, other = [("scale", "center", "x", 0.1 + 0.2)], [("scale", "center", "x", 0.3)]
    assert model_id(one, {"seed": 1}) == model_id(other, {"seed": 1}) != model_id(one, {"seed": 2})
    assert model_id([("a", "b", "c", 0.0)], {}) == model_id([("a", "b", "c", -0.0)], {})
