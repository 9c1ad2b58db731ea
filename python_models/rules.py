"""Rules: who is in a segment, as questions that a person can answer from a statement. Touches nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from python_models.explain import TREE_ROWS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Three questions make at most three conditions, which fit on one line.
DEPTH = 3
# More alternatives than this no one keeps in mind.
MOST_ALTERNATIVES = 3
# A leaf as large as a smaller share of the segment, or an alternative for one, is not worth a line.
LEAST_COVERED = 0.05
# Of the customers that a rule takes in, the share that a rounder threshold may move in or out.
MOST_MOVED = 0.01
# A double has no more significant digits than this.
MOST_DIGITS = 15
ABOVE, UP_TO = ">", "<="


@dataclass(frozen=True)
class Condition:
    """A comparison of one feature with a number in the feature's raw unit; the operator is '>' or '<='."""

    feature: str
    operator: str
    threshold: float


# Conditions that hold together.
Alternative = tuple[Condition, ...]


@dataclass(frozen=True)
class Rule:
    """Who is in a segment: whoever meets all conditions of one of the alternatives.

    Attributes:
        place: of the segment, from 0.
        alternatives: at most 3, the one that covers most of the segment's customers first; none where no
            question about a feature tells the segment from the others.
    """

    place: int
    alternatives: tuple[Alternative, ...]


def segment_rules(
    values: FloatArray, filled: FloatArray, labels: IntArray, names: Sequence[str]
) -> list[Rule]:
    """Find a rule for each segment: the leaves of a shallow tree that asks "this segment or another?".

    One decision tree (CART, Breiman et al. 1984, scikit-learn's) of depth 3 for each segment. Leaves with
    more of the segment's customers than of all others become alternatives; where there is none, the leaf
    with the best F1 (harmonic mean of precision and recall) does. Leaves that fill a whole branch become
    that branch, conditions on the same feature become one, and each threshold becomes the roundest number
    that moves at most 1 in 100 of the rule's customers.

    Measured on CC GENERAL (six segments, mean F1 of their rules): Gini impurity 0.838, entropy 0.827; with
    segments weighted alike 0.824, as precision falls from 0.82 to 0.74; at depth 2 only 0.790. Rounding
    changes nothing in the third digit.

    Args:
        values: shape (rows or more, features), raw units, NaN where missing: meets no condition, as in SQL.
        filled: the same, imputed: what the trees are grown on.
        labels: shape (rows,), of the first rows, 0 to k - 1. The first TREE_ROWS are used, or all where
            a segment has nobody among those.
        names: of the features. The order of columns does not matter, nor does that of rows.

    Returns:
        One rule per segment, that of label 0 first.
    """
    from sklearn.tree import DecisionTreeClassifier

    segments = int(labels.max()) + 1 if len(labels) else 0
    rows = min(len(labels), TREE_ROWS)
    if len(np.unique(labels[:rows])) < segments:
        rows = len(labels)
    # Of two splits as good as each other, CART takes one by the order of columns.
    order = sorted(range(len(names)), key=names.__getitem__)
    table = _Table(values[:rows][:, order], tuple(names[place] for place in order))
    # Trees work in single precision.
    narrow = np.clip(filled[:rows][:, order], np.finfo(np.float32).min, np.finfo(np.float32).max)
    rules = []
    for segment in range(segments):
        is_in = labels[:rows] == segment
        # A question for a handful of customers would be a depth wasted.
        least = max(1, int(LEAST_COVERED * is_in.sum()))
        classifier = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=least, random_state=0)
        tree = classifier.fit(narrow, is_in).tree_
        rules.append(Rule(segment, _alternatives(table, tree, is_in)))
    return rules


def matches(values: FloatArray, names: Sequence[str], alternative: Alternative) -> BoolArray:
    """Tell who meets all conditions; a missing value meets none.

    Args:
        values: shape (rows, features), raw units, NaN where missing.
        names: of the features.
        alternative: conditions on them.

    Returns:
        Shape (rows,).

    Raises:
        ValueError: a condition's feature is not among the names.
    """
    met = np.ones(len(values), dtype=np.bool_)
    for each in alternative:
        column = values[:, list(names).index(each.feature)]
        met &= column > each.threshold if each.operator == ABOVE else column <= each.threshold
    return met


def round_numbers(threshold: float, column: FloatArray) -> Iterator[float]:
    """Offer numbers that a person reads in place of a threshold, the roundest first, the exact one last.

    Zero comes first; then whole numbers for a feature of whole numbers (counts, months), one decimal or
    more for a share (all values within 0 and 1), two significant digits or more for anything else.

    Args:
        threshold: finite.
        column: the feature's values, NaN where missing: they tell what kind of feature it is.
    """
    known = column[~np.isnan(column)]
    yield 0.0
    is_whole = bool((known == np.floor(known)).all())
    if is_whole:
        for digits in (2, 3):
            # Rounder than whole: 1,200 for 1,234.
            if abs(threshold) >= 10**digits:
                yield _significant(threshold, digits)
        yield float(np.floor(threshold))
    elif len(known) and known.min() >= 0 and known.max() <= 1:
        for decimals in (1, 2):
            yield round(threshold, decimals)
    for digits in range(2, MOST_DIGITS + 1):
        yield _significant(threshold, digits)
    yield threshold


@dataclass(frozen=True)
class _Table:
    values: FloatArray
    names: tuple[str, ...]

    def met(self, alternative: Alternative) -> BoolArray:
        return matches(self.values, self.names, alternative)

    def column(self, feature: str) -> FloatArray:
        values: FloatArray = self.values[:, self.names.index(feature)]
        return values


def _alternatives(table: _Table, tree: Any, is_in: BoolArray) -> tuple[Alternative, ...]:
    """Choose among the tree's leaves, join those that fill a branch, and make them readable."""
    leaves = dict(_branches(table, tree, 0, ()))
    if len(leaves) == 1:
        return ()
    met = {leaf: table.met(conditions) for leaf, conditions in leaves.items()}
    majority = {leaf for leaf in leaves if _precision(met[leaf], is_in) > 0.5}
    joined = _joined(table, tree, 0, (), majority)[1]
    worthy = [each for each in joined if _covered(table.met(each), is_in) >= LEAST_COVERED]
    if not worthy:
        better = [leaf for leaf in leaves if _precision(met[leaf], is_in) > is_in.mean()]
        # Of equals the first, whose number says where in the tree it is.
        worthy = [leaves[leaf] for leaf in sorted(better, key=lambda leaf: -_f1(met[leaf], is_in))[:1]]
    rounded = [_rounded(table, merged(each)) for each in worthy]
    ordered = sorted(rounded, key=lambda each: (-_covered(table.met(each), is_in), _key(each)))
    return tuple(ordered[:MOST_ALTERNATIVES])


def _sides(table: _Table, tree: Any, node: int) -> tuple[tuple[int, Condition], tuple[int, Condition]] | None:
    """Children of a node of scikit-learn's tree, with the condition that leads to each; None of a leaf."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left == right:
        return None
    feature, threshold = table.names[tree.feature[node]], float(tree.threshold[node])
    return (left, Condition(feature, UP_TO, threshold)), (right, Condition(feature, ABOVE, threshold))


def _branches(
    table: _Table, tree: Any, node: int, conditions: Alternative
) -> Iterator[tuple[int, Alternative]]:
    """Every leaf below a node with all conditions that lead to it."""
    sides = _sides(table, tree, node)
    if sides is None:
        yield node, conditions
        return
    for child, condition in sides:
        yield from _branches(table, tree, child, (*conditions, condition))


def _joined(
    table: _Table, tree: Any, node: int, conditions: Alternative, chosen: set[int]
) -> tuple[bool, tuple[Alternative, ...]]:
    """Conditions of the chosen leaves below a node; where all are chosen the node stands for them."""
    sides = _sides(table, tree, node)
    if sides is None:
        return node in chosen, (conditions,) if node in chosen else ()
    below = [_joined(table, tree, child, (*conditions, each), chosen) for child, each in sides]
    # The root has no condition: it cannot stand for a segment.
    if all(is_whole for is_whole, _ in below) and conditions:
        return True, (conditions,)
    return False, tuple(each for _, found in below for each in found)


def merged(conditions: Alternative) -> Alternative:
    """Keep the narrowest of the conditions on the same side of the same feature.

    The features stay in the order of their first question, '>' before '<='.
    """
    narrowest: dict[tuple[str, str], Condition] = {}
    for each in conditions:
        key = (each.feature, each.operator)
        known = narrowest.get(key)
        pick = max if each.operator == ABOVE else min
        narrowest[key] = (
            each if known is None else replace(each, threshold=pick(each.threshold, known.threshold))
        )
    features = dict.fromkeys(each.feature for each in conditions)
    keys = [(feature, operator) for feature in features for operator in (ABOVE, UP_TO)]
    return tuple(narrowest[key] for key in keys if key in narrowest)


def _rounded(table: _Table, conditions: Alternative) -> Alternative:
    """Round one threshold after the other, as far as few of the customers move."""
    for place, each in enumerate(conditions):
        before = table.met(conditions)
        for number in round_numbers(each.threshold, table.column(each.feature)):
            changed = (*conditions[:place], replace(each, threshold=number), *conditions[place + 1 :])
            if (table.met(changed) != before).sum() <= MOST_MOVED * before.sum():
                conditions = changed
                break
    return conditions


def _significant(number: float, digits: int) -> float:
    return float(f"{number:.{digits - 1}e}")


def _precision(met: BoolArray, is_in: BoolArray) -> float:
    return float(is_in[met].mean()) if met.any() else 0.0


def _covered(met: BoolArray, is_in: BoolArray) -> float:
    return float(met[is_in].mean())


def _f1(met: BoolArray, is_in: BoolArray) -> float:
    return 2 * int((met & is_in).sum()) / max(int(met.sum() + is_in.sum()), 1)


def _key(alternative: Alternative) -> list[tuple[str, str, float]]:
    return [(each.feature, each.operator, each.threshold) for each in alternative]
