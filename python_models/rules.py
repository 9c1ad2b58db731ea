"""Rules: a few questions on raw features that find most of a segment. Touches nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from python_models.explain import TREE_ROWS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Three questions still fit into one sentence, three sentences into one head.
DEPTH = 3
MOST_RULES = 3
# A rule about fewer of a hundred customers is about exceptions.
LEAST_LEAF_SHARE = 0.01
# Significant digits of a threshold, as people say numbers.
DIGITS = 2


@dataclass(frozen=True)
class Condition:
    """One question: is the feature above (`>`) or at most (`<=`) the threshold, in raw units."""

    feature: str
    operator: str
    threshold: float


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold."""

    segment: int
    conditions: tuple[Condition, ...]


def segment_rules(values: FloatArray, labels: IntArray, names: Sequence[str]) -> list[Rule]:
    """Describe each segment by the leaves of a shallow tree that tells it from all others.

    A decision tree (CART, scikit-learn's, by entropy) of depth 3 is grown for each segment against the rest,
    on raw features. Its leaves in which the segment is the majority become rules, at most three, the one
    that covers most of the segment first; where no leaf has the majority, the one with the best F1 is taken.
    Conditions on one feature are merged and thresholds rounded to two significant digits, so what a rule is
    worth must be measured on the rounded rule, over all customers.

    Args:
        values: shape (rows or more, features), raw units, imputed.
        labels: shape (rows,), segments 0 to k - 1 of the first rows; the first TREE_ROWS are used.
        names: of the features; their order does not count.

    Returns:
        Rules in the order of segments; none for a segment without customers or without a rest.
    """
    from sklearn.tree import DecisionTreeClassifier

    rows = min(len(labels), TREE_ROWS)
    # Of splits that are as good, CART takes the first column: in the order of names it is the same one.
    order = np.argsort(np.asarray(names))
    low, high = np.finfo(np.float32).min, np.finfo(np.float32).max
    narrow = np.clip(values[:rows][:, order], low, high)
    sorted_names = [names[place] for place in order]
    found: list[Rule] = []
    for segment in range(int(labels.max()) + 1):
        inside = labels[:rows] == segment
        if not inside.any() or inside.all():
            continue
        tree = DecisionTreeClassifier(
            criterion="entropy",
            max_depth=DEPTH,
            min_samples_leaf=max(1, round(LEAST_LEAF_SHARE * inside.sum())),
            random_state=0,
        )
        tree.fit(narrow, inside)
        found += _rules(tree, narrow, inside, sorted_names, segment)
    return found


def _rules(
    tree: object, values: FloatArray, inside: BoolArray, names: Sequence[str], segment: int
) -> list[Rule]:
    nodes = _nodes(tree.tree_)  # type: ignore[attr-defined]
    reached: BoolArray = tree.decision_path(values).toarray().astype(bool)  # type: ignore[attr-defined]
    customers = reached.sum(axis=0)
    hits = reached[inside].sum(axis=0)
    majority = {
        node for node, (_, leaves) in nodes.items() if all(2 * hits[i] > customers[i] for i in leaves)
    }
    # Where all leaves below a question are of the segment, the question need not be asked.
    tops = [node for node in majority if nodes[node][0] and nodes[node][0][-1][0] not in majority]
    chosen = sorted(tops, key=lambda node: (-hits[node], node))[:MOST_RULES]
    if not chosen:
        f1 = 2 * hits / (customers + inside.sum())
        leaves = [node for node, (path, below) in nodes.items() if path and below == [node]]
        chosen = [max(leaves, key=lambda node: (f1[node], -node))] if leaves else []
    whole = (values == np.floor(values)).all(axis=0)
    rules: list[Rule] = []
    for node in chosen:
        conditions = _merged(
            [
                Condition(names[place], operator, rounded(bound, bool(whole[place])))
                for _, place, operator, bound in nodes[node][0]
            ]
        )
        if all(rule.conditions != conditions for rule in rules):
            rules.append(Rule(segment, conditions))
    return rules


# Node above, column asked there, operator, threshold.
Question = tuple[int, int, str, float]


def _nodes(tree: Any) -> dict[int, tuple[list[Question], list[int]]]:
    """The questions from the root to each node, and the leaves below it."""
    found: dict[int, tuple[list[Question], list[int]]] = {}

    def visit(node: int, path: list[Question]) -> list[int]:
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            leaves = [node]
        else:
            place, bound = int(tree.feature[node]), float(tree.threshold[node])
            leaves = visit(left, [*path, (node, place, "<=", bound)])
            leaves = leaves + visit(right, [*path, (node, place, ">", bound)])
        found[node] = (path, leaves)
        return leaves

    visit(0, [])
    return found


def _merged(path: Sequence[Condition]) -> tuple[Condition, ...]:
    """Keep the tightest bound of each feature and side, in the order in which they were first asked."""
    tightest: dict[tuple[str, str], Condition] = {}
    for each in path:
        key = each.feature, each.operator
        before = tightest.get(key)
        tighter = max if each.operator == ">" else min
        bound = each.threshold if before is None else tighter(each.threshold, before.threshold)
        tightest[key] = Condition(each.feature, each.operator, bound)
    return tuple(tightest.values())


def rounded(threshold: float, whole: bool) -> float:
    """A threshold as people say it: two significant digits; of whole numbers the last that is at most it."""
    if whole and abs(threshold) < 10**DIGITS:
        return math.floor(threshold)
    return float(f"{threshold:.{DIGITS}g}")
