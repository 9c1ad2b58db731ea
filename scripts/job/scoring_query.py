"""A model as one query that labels customers, for an auditor or another warehouse.

Reads the published file; the job's own scoring query is written out with the model's parameters, so that what is
printed is what the build runs. Writes nothing.
"""

import json
from pathlib import Path
from typing import Any

from python_models.settings import REPRESENTATIONS
from scripts.base.errors import UserError
from scripts.base.quoting import sql_text
from scripts.dbt.query import compile_model
from scripts.published.reading import open_published

# In the order in which the scoring adds them up. A value handed over beside the query would make DuckDB import pandas.
PARAMETERS = (
    "select stage, component, feature, value from marts.model_parameters where model_id = {model}"
    " order by stage, try_cast(regexp_extract(component, '[0-9]+$') as integer), component, feature"
)
HEADER = """\
-- Model {model_id}: k = {k}, {scaling} {representation}, trained {trained_at} UTC on {customers} customers.
-- Labels every row of `customer_features`: customer_id and the features in raw units, empty where missing.
"""


def scoring_sql(warehouse: Path, model: str) -> str:
    """Write a model as one self-contained query over a relation `customer_features`.

    Args:
        warehouse: folder of the published file.
        model: its id, or empty for the one whose labels are published.

    Raises UserError for an unknown model, or one that needs the codes of an autoencoder.
    """
    with open_published(warehouse) as connection:
        runs = connection.execute(
            "select model_id, k, scaling, representation, strftime(trained_at, '%Y-%m-%d %H:%M') as trained_at,"
            " customers_trained_on as customers from marts.model_runs order by run_number desc"
        ).fetchall()
        names = [column[0] for column in connection.description or []]
        found = [dict(zip(names, run, strict=True)) for run in runs if model in ("", run[0])]
        if not found:
            known = ", ".join(dict.fromkeys(run[0] for run in runs))
            raise UserError(f"MODEL={model}: no such model; make models lists them: {known}.")
        run = found[0]
        if run["representation"] not in REPRESENTATIONS:
            raise UserError(
                f"MODEL={run['model_id']}: its customers are labelled by the codes of the autoencoder"
                f" {run['representation']}, which no plain query computes; its layers stand in"
                " marts.autoencoder_layers. Train without it by REPRESENTATION=scaled."
            )
        parameters = connection.execute(PARAMETERS.format(model=sql_text(run["model_id"]))).fetchall()
    stages: dict[str, Any] = {"representation": run["representation"]}
    for stage, component, feature, value in parameters:
        stages.setdefault(stage, {}).setdefault(component, {})[feature] = value
    return HEADER.format(**run) + _written_out(json.dumps(stages))


def _written_out(parameters: str) -> str:
    """The scoring query with a model's parameters, as macro scoring_parameters reads them."""
    query = compile_model(
        "scoring/customer_scores.sql",
        "scoring.sql",
        {"model": parameters},
        lambda name: "customer_features" if name == "model_input" else name,
    )
    # Notes to dbt and the blank lines that its templates leave.
    lines = [line.rstrip() for line in query.splitlines() if "depends_on" not in line]
    return "\n".join(line for line in lines if line) + "\n"
