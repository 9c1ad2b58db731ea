"""Fits the model on the sample; every result is a record that SQL models unpack."""

from python_models.settings import Settings
from python_models.training import train


def model(dbt, session):
    """Read one relation, call one function, return one frame."""
    dbt.config(materialized="table")
    settings = Settings.from_mapping(dbt.config.meta_get("settings"))
    return train(dbt.ref("training_sample").df(), settings)
