"""Learns a model from the sample: one row, whose columns are its results, each a list of rows; no row where none learns."""

from python_models.result_columns import COLUMNS, FORMAT


def model(dbt, session):
    """Read the plan, call one function, and hand its typed frames to SQL (macro learned unpacks them)."""
    dbt.config(materialized="table")
    row = dbt.ref("int_learning_plan")
    plan = dict(zip(row.columns, row.fetchone(), strict=True))
    known = dbt.source("state", "models")
    if not plan["is_learning"]:
        return known.project("*, false as is_in_use").limit(0)
    # Imported here: a build that only labels needs neither scikit-learn nor TensorFlow.
    from python_models.settings import Settings
    from python_models.succession import judge
    from python_models.training import train

    settings = Settings.from_mapping(dbt.config.meta_get("learning"))
    results = train(dbt.ref("training_sample").df(), settings, predecessor(known, plan))
    verdict = judge(plan, results.run.to_dict("records")[0])
    for name in COLUMNS:
        session.register(f"result_{name}", getattr(results, name))
    # Joined, since out of a scalar subquery DuckDB hands a -0.0 within a list on as 0.0.
    lists = [f"(select list(r) as {name} from result_{name} as r)" for name in COLUMNS]
    words = verdict.words.replace("'", "''")
    return session.sql(
        f"""
        select
            run[1].model_id as model_id, {FORMAT} as results_format, cast(null as timestamp) as learned_at,
            cast(null as timestamp) as used_from, cast(null as timestamp) as used_until,
            '{plan["unknown_features"]}' as unknown_features, '{words}' as verdict,
            {verdict.is_in_use} as is_in_use, {", ".join(COLUMNS)}
        from {" cross join ".join(lists)}
        """
    )


def predecessor(known, plan):
    """The model in use, whose segments keep their ids, or None."""
    from python_models.stored_model import model_of
    from python_models.training import Predecessor

    if plan["model_before"] is None:
        return None
    (highest,) = (
        known.project("unnest(parameters, recursive := true)")
        .filter("stage = 'centroid'")
        .aggregate("max(component::integer)")
        .fetchone()
    )
    return Predecessor(model_of(known, plan["model_before"]), highest, plan["min_overlap"])
