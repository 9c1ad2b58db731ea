"""Names and types of the columns of each result of the learning. Touches nothing, and imports nothing heavy."""

from collections.abc import Mapping

# Goes up whenever a stored model of before cannot be read by what is written for the new columns.
FORMAT = 1

# Columns of each result, with pandas' type: text, 4 and 8 byte whole numbers, doubles, true or false. All but
# float64, whose NaN it is, have an empty value of their own.
TEXT, SMALL, LARGE, REAL, FLAG = "string", "Int32", "Int64", "float64", "boolean"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "run": {
        "model_id": TEXT, "scaling": TEXT, "representation": TEXT, "reason": TEXT, "warning": TEXT,
        "customers_trained_on": LARGE, "k": SMALL, "elbow_k": SMALL, "seed": LARGE, "inertia": REAL,
        "silhouette": REAL, "stability": REAL, "adjusted_rand": REAL, "tree_accuracy": REAL, "is_stable": FLAG,
        "relabelled": REAL, "seconds": REAL, "details": TEXT,
    },
    "parameters": {"model_id": TEXT, "stage": TEXT, "component": TEXT, "feature": TEXT, "value": REAL},
    "candidates": {
        "model_id": TEXT, "scaling": TEXT, "representation": TEXT, "k": SMALL, "inertia": REAL, "silhouette": REAL,
        "davies_bouldin": REAL, "calinski_harabasz": REAL, "stability": REAL, "mean_jaccard": REAL,
        "adjusted_rand": REAL, "resamples": SMALL, "tree_accuracy": REAL, "seed_agreement": REAL,
        "smallest_segment": LARGE, "smallest_share": REAL, "seconds": REAL, "is_valid": FLAG, "is_chosen": FLAG,
        "reason": TEXT,
    },
    "curve": {
        "k": SMALL, "inertia": REAL, "silhouette": REAL, "davies_bouldin": REAL, "calinski_harabasz": REAL,
        "gap": REAL, "gap_error": REAL, "stability": REAL, "smallest_segment": LARGE, "is_elbow": FLAG,
        "is_chosen": FLAG,
    },
    "baseline": {"measure": TEXT, "part": TEXT, "bin": SMALL, "up_to": REAL, "value": REAL},
    "votes": {"method": TEXT, "k": SMALL, "words": TEXT},
    "segments": {
        "segment_id": SMALL, "continues": REAL, "customers_in_sample": LARGE, "silhouette": REAL, "stability": REAL,
        "is_unstable": FLAG,
    },
    "rule_conditions": {
        "segment_id": SMALL, "rule": SMALL, "condition": SMALL, "feature": TEXT, "operator": TEXT,
        "threshold": REAL,
    },
    "components": {"component": TEXT, "explained_variance": REAL, "explained_variance_share": REAL},
    "autoencoders": {
        "autoencoder": TEXT, "scaling": TEXT, "is_of_model_scaling": FLAG, "codes": SMALL, "units": SMALL,
        "dead_units": SMALL, "weights": SMALL, "epochs": SMALL, "mse": REAL, "pca_mse": REAL, "seconds": REAL,
    },
    "epochs": {"autoencoder": TEXT, "epoch": SMALL, "loss": REAL, "held_out_loss": REAL},
    "reconstruction": {"autoencoder": TEXT, "feature": TEXT, "mse": REAL, "pca_mse": REAL},
    "encoder_layers": {
        "model_id": TEXT, "autoencoder": TEXT, "part": TEXT, "layer": SMALL, "activation": TEXT, "inputs": SMALL,
        "outputs": SMALL, "bias": TEXT, "weights": TEXT,
    },
}  # fmt: skip

# The same in SQL.
SQL_TYPES = {TEXT: "varchar", SMALL: "integer", LARGE: "bigint", REAL: "double", FLAG: "boolean"}


def sql_type(result: str) -> str:
    """DuckDB's type of a result as it is stored: a list of rows."""
    columns = ", ".join(f'"{name}" {SQL_TYPES[kind]}' for name, kind in COLUMNS[result].items())
    return f"struct({columns})[]"
