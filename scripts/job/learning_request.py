"""Whether the parameters of a build ask for a new model: those that the model in use rests on, given and differing.

The rest of the rule, what the input knows, is dbt's model int_learning_plan. Reads the state of the work file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from python_models.settings import Settings
from scripts.base.errors import UserError
from scripts.base.sentences import shown

# What a person may say a model is to be; the rest says how it is looked for.
SAID = ("k", "scaling", "representation")


@dataclass(frozen=True)
class LearningRequest:
    """Why parameters ask for a new model, in words for the middle of a sentence; empty where they do not.

    Attributes:
        because: the words.
        is_asked_for: whether a person said what the model is to be, so that it comes into use at once.
        promote: id of a model that is to come into use instead; empty where none is.
    """

    because: str = ""
    is_asked_for: bool = False
    promote: str = ""

    def variables(self) -> dict[str, Any]:
        """As dbt's vars."""
        return {
            "learn_because": self.because,
            "is_asked_for": self.is_asked_for,
            "promote": self.promote,
        }


def learning_request(connection: duckdb.DuckDBPyConnection, given: Mapping[str, Any]) -> LearningRequest:
    """Compare the parameters that were given with the model in use.

    Args:
        connection: of the work file, with schema state.
        given: parameters by their names, as read.

    Raises UserError where a model is to be promoted that is not there, or learned at the same time.
    """
    names = Settings.parameters()
    learning = {name: value for name, value in given.items() if name in names}
    promote = str(given.get("promote") or "")
    retrain = bool(given.get("retrain"))
    if promote:
        _check_promotion(connection, promote, [*learning, *(["retrain"] if retrain else [])])
        return LearningRequest(promote=promote)
    found = connection.execute(
        "select run[1].details, run[1].k, run[1].scaling, run[1].representation from state.models"
        " where used_from is not null and used_until is null"
    ).fetchall()
    if not found or not found[0][0]:
        return LearningRequest("RETRAIN was given" if retrain else "", _says(learning))
    details, *said = found[0]
    settings = json.loads(details) | dict(zip(SAID, said, strict=True))
    asked = Settings.from_mapping(learning).as_row()
    differing = [
        name
        for name in learning
        if asked[name] != settings.get(name) and not (name in SAID and asked[name] is None)
    ]
    is_said = any(name in SAID for name in differing)
    if differing:
        words = ", ".join(f"{name.upper()}={shown(asked[name])}" for name in differing)
        had = ", ".join(f"{name.upper()}={shown(settings.get(name))}" for name in differing)
        return LearningRequest(f"{words} was given where the model in use has {had}", is_said)
    return LearningRequest("RETRAIN was given" if retrain else "", _says(learning))


def _says(learning: Mapping[str, Any]) -> bool:
    """Whether a person said what the model is to be."""
    settings = Settings.from_mapping(learning)
    return any(getattr(settings, name) is not None for name in SAID)


def _check_promotion(connection: duckdb.DuckDBPyConnection, model: str, others: list[str]) -> None:
    if others:
        raise UserError(
            f"{others[0].upper()}: asks for a new model, but MODEL={shown(model)} is to come into use; give one of them."
        )
    known = connection.execute(
        "select model_id, results_format is not null, used_from is not null and used_until is null from state.models"
        " order by learned_at"
    ).fetchall()
    states = {name: (is_whole, is_in_use) for name, is_whole, is_in_use in known}
    if model not in states:
        names = ", ".join(states) or "none"
        raise UserError(f"MODEL={shown(model)}: no such model; make models lists them: {names}.")
    is_whole, is_in_use = states[model]
    if is_in_use:
        raise UserError(f"MODEL={model}: is in use already.")
    if not is_whole:
        raise UserError(
            f"MODEL={model}: an earlier release learned it and kept less than a build needs; learn again by make retrain."
        )
