"""Whether a new model comes into use: the written rule, case by case."""

import re
from typing import Any

import pytest

from python_models.succession import judge

PLAN = {"model_before": "m1", "can_label": True, "is_asked_for": False, "max_relabelled": 0.1}
RUN = {"warning": None, "relabelled": 0.05}


@pytest.mark.parametrize(
    ("plan", "run", "in_use", "words"),
    [
        ({"model_before": None}, {"relabelled": None}, True, "the first model"),
        ({}, {}, True, "5.0% of the customers change segment"),
        ({}, {"relabelled": 0.1}, True, "10.0%"),
        ({}, {"relabelled": 0.1001}, False, "m1 stays in use, since 10.0% of the customers .* more than MAX_RELABELLED=0.1"),
        ({}, {"warning": "a segment holds only 0.1%"}, False, "m1 stays in use, since of the new model a segment holds"),
        ({"is_asked_for": True}, {"relabelled": 0.9, "warning": "a segment"}, True, "90.0%"),
        ({"can_label": False}, {"relabelled": 0.9, "warning": "a segment"}, True, "90.0%"),
        ({"max_relabelled": 1.0}, {"relabelled": 1.0}, True, "100.0%"),
    ],
)  # fmt: skip
def test_the_rule(plan: dict[str, Any], run: dict[str, Any], in_use: bool, words: str) -> None:
    verdict = judge(PLAN | plan, RUN | run)
    assert verdict.is_in_use is in_use
    assert re.match(words, verdict.words)
