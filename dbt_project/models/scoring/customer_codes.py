"""Codes and reconstruction error of every customer under the autoencoders asked for, batch by batch."""

from python_models.embeddings import COLUMNS, embed, encoders_of

# Of DuckDB's vectors, 2,048 rows each: about 100,000 customers are in memory at a time.
VECTORS = 49


def model(dbt, session):
    """Encode the scaled features; needs no TensorFlow, and holds one batch at a time."""
    dbt.config(materialized="table")
    trained = dbt.ref("model_in_use")
    if dbt.config.meta_get("embeddings") == "lead":
        networks = dbt.ref("int_autoencoders").filter("is_lead")
    else:
        networks = trained.project("unnest(autoencoders, recursive := true)").filter("is_of_model_scaling")
    encoders = encoders_of(
        [name for (name,) in networks.project("autoencoder").fetchall()],
        trained.project("unnest(encoder_layers, recursive := true)").df(),
    )
    types = ", ".join(f"{name} {'varchar' if place < 2 else 'double'}" for place, name in enumerate(COLUMNS))
    session.execute(f"create or replace temp table encoded_customers ({types})")
    if encoders:
        # A connection of its own: one cannot stream out and take in at once.
        reader = session.cursor()
        reader.execute(dbt.ref("scaled_features").sql_query())
        while len(batch := reader.fetch_df_chunk(VECTORS)):
            session.register("encoded_batch", embed(encoders, batch))
            session.execute("insert into encoded_customers from encoded_batch")
            session.unregister("encoded_batch")
    return session.table("encoded_customers")
