"""Rules of segments: known answers on made data. What is published of them is in test_meaning.py."""

import numpy as np
import pytest

from python_models import rules
from python_models.rules import Alternative, Condition, Rule, matches, merged, round_numbers, segment_rules

NAMES = ("balance", "purchases", "tenure")


def rules_of(values: np.ndarray, labels: np.ndarray, names: tuple[str, ...] = NAMES) -> list[Rule]:
    filled = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    return segment_rules(values, filled, labels, names)


def matched(values: np.ndarray, rule: Rule, names: tuple[str, ...] = NAMES) -> np.ndarray:
    met = [matches(values, names, each) for each in rule.alternatives]
    return np.any(met, axis=0) if met else np.ones(len(values), dtype=bool)


def made(rows: int = 4000, seed: int = 1) -> np.ndarray:
    """Two amounts up to 10,000 in cents, and months."""
    rng = np.random.default_rng(seed)
    money = rng.uniform(0, 10_000, size=(rows, 2)).round(2)
    return np.column_stack([money, rng.integers(6, 13, rows)])


# Known answers


def test_a_box_is_told_by_its_sides() -> None:
    values = made()
    is_in = (values[:, 0] > 2310) & (values[:, 2] <= 9)
    first, second = rules_of(values, is_in.astype(int))
    assert [set((each.feature, each.operator) for each in one) for one in second.alternatives] == [
        {("balance", ">"), ("tenure", "<=")}
    ]
    thresholds = {each.feature: each.threshold for each in second.alternatives[0]}
    assert thresholds["tenure"] == 9
    assert abs(thresholds["balance"] - 2310) < 40
    assert (matched(values, second) != is_in).mean() < 0.01
    assert (matched(values, first) == is_in).mean() < 0.01
    assert (first.place, second.place) == (0, 1)


def test_two_corners_need_two_alternatives_the_larger_first() -> None:
    values = made(6000)
    high = values[:, :2] > [5000, 6000]
    # A tree that looks one question ahead finds a first one only where corners differ in size.
    is_in = high[:, 0] == high[:, 1]
    rule = rules_of(values, is_in.astype(int))[1]
    assert len(rule.alternatives) == 2
    assert (matched(values, rule) != is_in).mean() < 0.02
    covered = [int((matches(values, NAMES, each) & is_in).sum()) for each in rule.alternatives]
    assert covered == sorted(covered, reverse=True)
    assert {each.operator for each in rule.alternatives[0]} == {"<="}


def test_a_segment_that_is_nowhere_the_majority_gets_its_best_leaf() -> None:
    values = made(8000, seed=5)
    chance = np.where(values[:, 0] > 7000, 0.4, 0.02)
    is_in = np.random.default_rng(2).uniform(size=len(values)) < chance
    rule = rules_of(values, is_in.astype(int))[1]
    assert len(rule.alternatives) == 1
    met = matched(values, rule)
    assert is_in.mean() < is_in[met].mean() < 0.5
    assert is_in[met].sum() > 0.5 * is_in.sum()


def test_a_segment_that_no_question_tells_has_no_alternative() -> None:
    values = np.tile([[10.0, 20.0, 12.0]], (100, 1))
    assert [each.alternatives for each in rules_of(values, np.arange(100) % 2)] == [(), ()]


def test_leaves_of_a_whole_branch_become_the_branch() -> None:
    values = made(6000)
    # Certain where balance is high; below, likelier than not: the tree splits on without another answer.
    noise = np.random.default_rng(3).uniform(size=len(values))
    is_in = (values[:, 0] > 4000) & (noise < np.where(values[:, 1] > 3000, 0.99, 0.8))
    rule = rules_of(values, is_in.astype(int))[1]
    assert [[(each.feature, each.operator) for each in one] for one in rule.alternatives] == [
        [("balance", ">")]
    ]


def test_there_are_at_most_three_alternatives_and_none_for_a_few() -> None:
    # An odd number of three marks: four alternatives, the fourth of 13 in 100.
    values = (np.random.default_rng(7).uniform(size=(9000, 3)) < 0.4).astype(float)
    is_in = values.sum(axis=1) % 2 == 1
    rule = rules_of(values, is_in.astype(int))[1]
    assert len(rule.alternatives) == rules.MOST_ALTERNATIVES == 3
    left_out = is_in & ~matched(values, rule)
    assert (values[left_out] == 1).all() and left_out.any()
    few = made(8000, seed=8)
    is_in = (few[:, 0] > 6000) | ((few[:, 1] > 9900) & (few[:, 0] <= 6000))
    rule = rules_of(few, is_in.astype(int))[1]
    assert [[each.feature for each in one] for one in rule.alternatives] == [["balance"]]


def test_a_missing_value_meets_no_condition() -> None:
    values = np.array([[np.nan, 1.0, 6.0], [5.0, np.nan, 6.0]])
    for operator in (">", "<="):
        condition = (Condition("balance", operator, -1.0 if operator == ">" else 9.0),)
        assert matches(values, NAMES, condition).tolist() == [False, True]
    with pytest.raises(ValueError):
        matches(values, NAMES, (Condition("unknown", ">", 0.0),))


def test_a_rule_that_holds_only_for_filled_values_is_not_given() -> None:
    values = made(1000)
    is_in = values[:, 0] > 8000
    filled = values.copy()
    values[is_in, 0] = np.nan
    for column in (1, 2):
        values[:, column] = filled[:, column] = 1.0
    assert segment_rules(values, filled, is_in.astype(int), NAMES)[1].alternatives == ()


def test_a_segment_with_nobody_in_the_first_rows_has_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "TREE_ROWS", 500)
    values = made(1000)
    labels = np.zeros(1000, dtype=int)
    labels[600:] = 1
    values[:, 0] = labels * 100.0
    assert rules_of(values, labels)[1].alternatives == ((Condition("balance", ">", 0.0),),)


# Invariance


def segments(values: np.ndarray) -> np.ndarray:
    return np.where(values[:, 0] > 6000, 2, np.where(values[:, 1] > values[:, 0], 1, 0))


def test_the_order_of_columns_and_rows_does_not_matter() -> None:
    values = made(3000)
    # A copy of a feature makes ties at every split.
    values = np.column_stack([values, values[:, 1]])
    names = (*NAMES, "spending")
    labels = segments(values)
    expected = rules_of(values, labels, names)
    assert rules_of(values, labels, names) == expected
    rng = np.random.default_rng(4)
    for _ in range(3):
        columns, rows = rng.permutation(4), rng.permutation(3000)
        shuffled = rules_of(values[rows][:, columns], labels[rows], tuple(names[place] for place in columns))
        assert shuffled == expected


# Conditions and numbers


def test_conditions_on_one_feature_become_the_narrowest() -> None:
    conditions: Alternative = (
        Condition("balance", "<=", 900.0),
        Condition("tenure", ">", 6.0),
        Condition("balance", ">", 10.0),
        Condition("balance", "<=", 500.0),
        Condition("balance", ">", 5.0),
    )
    assert merged(conditions) == (
        Condition("balance", ">", 10.0),
        Condition("balance", "<=", 500.0),
        Condition("tenure", ">", 6.0),
    )


def test_a_band_of_one_feature_is_at_most_two_conditions() -> None:
    values = made(6000)
    is_in = (values[:, 0] > 3000) & (values[:, 0] <= 3500)
    rule = rules_of(values, is_in.astype(int))[1]
    assert [(each.operator) for each in rule.alternatives[0] if each.feature == "balance"] == [">", "<="]
    assert (matched(values, rule) != is_in).mean() < 0.01


@pytest.mark.parametrize(
    ("threshold", "column", "expected"),
    [
        (2313.337, [0.0, 12.34, 9000.5], [0.0, 2300.0, 2310.0, 2313.0]),
        (7.5, [6.0, 7.0, 8.0, np.nan], [0.0, 7.0]),
        (1234.5, [1.0, 2000.0], [0.0, 1200.0, 1230.0, 1234.0]),
        (0.4583, [0.0, 0.41, 0.5, 1.0], [0.0, 0.5, 0.46]),
        (-1234.5, [-2000.5, 7.0], [0.0, -1200.0, -1230.0]),
    ],
)
def test_numbers_are_offered_from_the_roundest(
    threshold: float, column: list[float], expected: list[float]
) -> None:
    offered = list(round_numbers(threshold, np.array(column)))
    assert offered[: len(expected)] == expected
    assert offered[-1] == threshold


def test_a_rounder_threshold_moves_few_customers() -> None:
    values = made(5000)
    for limit in (1007.0, 2313.337, 4876.54):
        is_in = values[:, 0] > limit
        rule = rules_of(values, is_in.astype(int))[1]
        ((condition,),) = rule.alternatives
        assert (matched(values, rule) != is_in).sum() <= 0.01 * is_in.sum()
        assert len(f"{condition.threshold:g}".strip("0").replace(".", "")) <= 3


def test_a_threshold_is_as_fine_as_the_customers_need() -> None:
    rng = np.random.default_rng(6)
    values = made(2000)
    # All live between 1,000.00 and 1,000.10, where 1,000 says nothing.
    values[:, 0] = 1000 + rng.uniform(0, 0.1, size=2000)
    is_in = values[:, 0] > 1000.05
    rule = rules_of(values, is_in.astype(int))[1]
    assert (matched(values, rule) != is_in).mean() <= 0.01
