"""The customers the model learns from: those that come first by a hash of the id, whatever the order of rows."""

from python_models.settings import Settings


def model(dbt, session):
    """Draw the sample; its order serves the limit alone, the learning does not rely on it. Nobody where none learns."""
    dbt.config(materialized="table")
    settings = Settings.from_mapping(dbt.config.meta_get("learning"))
    (is_learning,) = dbt.ref("int_learning_plan").project("is_learning").fetchone()
    customers = dbt.ref("model_input")
    if not is_learning:
        return customers.limit(0)
    return customers.order("md5(customer_id), customer_id").limit(settings.sample_rows)
