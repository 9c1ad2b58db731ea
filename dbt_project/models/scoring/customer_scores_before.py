"""Segments of every customer under the model that this build put another in place of; nobody where it did not.

What a customer's own change would have done can only be told from what the new model does by both labels of one month.
"""

from python_models.stored_model import model_of

# Of DuckDB's vectors, 2,048 rows each: about 100,000 customers are in memory at a time.
VECTORS = 49


def model(dbt, session):
    """Label batch by batch with the stored numbers of the model before."""
    dbt.config(materialized="table")
    session.execute("create or replace temp table labelled_before (customer_id varchar, segment_id integer)")
    models = dbt.ref("int_models")
    plan = dbt.ref("int_learning_plan")
    (before,) = plan.project("model_before").fetchone()
    (is_new,) = dbt.ref("model_in_use").project("is_new").fetchone()
    if before is None or not is_new:
        return session.table("labelled_before")
    labeller = model_of(models, before)
    # A connection of its own: one cannot stream out and take in at once.
    reader = session.cursor()
    reader.execute(dbt.ref("model_input").sql_query())
    while len(batch := reader.fetch_df_chunk(VECTORS)):
        segments = labeller.labels(batch[list(labeller.features)].to_numpy(dtype="float64"))
        session.register("labelled_batch", batch[["customer_id"]].assign(segment_id=segments))
        session.execute("insert into labelled_before from labelled_batch")
        session.unregister("labelled_batch")
    return session.table("labelled_before")
