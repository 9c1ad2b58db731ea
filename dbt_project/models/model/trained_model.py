"""Fits the model on the sample: one row, whose columns are the results of the learning, each a list of rows."""

from dataclasses import fields

from python_models.results import Results
from python_models.settings import Settings
from python_models.training import train


def model(dbt, session):
    """Read one relation, call one function, and hand its typed frames to SQL (macro learned unpacks them)."""
    dbt.config(materialized="table")
    settings = Settings.from_mapping(dbt.config.meta_get("learning"))
    results = train(dbt.ref("training_sample").df(), settings)
    names = [field.name for field in fields(Results)]
    for name in names:
        session.register(f"result_{name}", getattr(results, name))
    # Joined, since out of a scalar subquery DuckDB hands a -0.0 within a list on as 0.0.
    lists = [f"(select list(r) as {name} from result_{name} as r)" for name in names]
    return session.sql("from " + " cross join ".join(lists))
