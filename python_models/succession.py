"""Whether a model that was just learned comes into use: the written rule. Touches nothing.

1. Where no model is in use, or that in use can no longer label (an earlier release learned it, or the known features are
   others), the new one comes into use.
2. What a person asked for (`K`, `SCALING`, `REPRESENTATION`) comes into use at once, with a warning where it is due.
3. Else it must be valid: every segment stable and large enough.
4. And the share of customers who would be in another segment without having changed themselves, since both models label
   the same month, must be at most `MAX_RELABELLED`.

A model that does not come into use is a challenger; `make promote MODEL=id` is a person's word for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """Whether the new model comes into use, and why, in words for the end of a sentence."""

    is_in_use: bool
    words: str


def judge(plan: Mapping[str, Any], run: Mapping[str, Any]) -> Verdict:
    """Apply the rule.

    Args:
        plan: the row of dbt's model int_learning_plan: `model_before` (None where there is none), `can_label`,
            `is_asked_for`, `max_relabelled`.
        run: of the new model, `run` of `python_models.results.Results`: `warning`, why it is not valid, or None, and
            `relabelled`, the share of the sample's customers in another segment than with the model in use, 0 to 1.
    """
    before, fault, relabelled = plan["model_before"], run["warning"], run["relabelled"]
    if before is None:
        return Verdict(True, "the first model")
    moved = f"{relabelled:.1%} of the customers change segment without having changed themselves"
    if not plan["can_label"] or plan["is_asked_for"]:
        return Verdict(True, moved)
    if isinstance(fault, str):
        return Verdict(False, f"{before} stays in use, since of the new model {fault}")
    if relabelled > plan["max_relabelled"]:
        most = f"MAX_RELABELLED={plan['max_relabelled']:g}"
        return Verdict(False, f"{before} stays in use, since {moved}, more than {most}")
    return Verdict(True, moved)
