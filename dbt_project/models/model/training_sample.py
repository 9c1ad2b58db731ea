"""The customers the model learns from: those that come first by a hash of the id, whatever the order of rows."""

from python_models.settings import Settings


def model(dbt, session):
    """Draw the sample; its order serves the limit alone, the learning does not rely on it."""
    dbt.config(materialized="table")
    settings = Settings.from_mapping(dbt.config.meta_get("learning"))
    return dbt.ref("model_input").order("md5(customer_id), customer_id").limit(settings.sample_rows)
