"""Training as a whole: what `train` promises about its results, whatever it is given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from python_models.result_columns import COLUMNS
from python_models.settings import Settings
from python_models.training import train
from tests.support.learned import Records, learned, rows_of, without_seconds

NAN = float("nan")
GIVEN: dict[str, Any] = {
    "k": None,
    "k_max": 6,
    "candidates_k_max": 6,
    "scaling": "standard",
    "representation": "scaled",
    "autoencoders": "",
    "pca_variance": 0.9,
    "min_jaccard": 0.75,
    "min_segment_share": 0.01,
    "bootstraps": 5,
    "sample_rows": 100_000,
    "curve_rows": 20_000,
    "silhouette_rows": 4_000,
    "seed": 1,
}
# scikit-learn 1.9.1 on the real file, missing values at the mean, standardised: the best of ten
# k-means++ starts, random_state 0, for k = 1 to 20.
BEST_OF_TEN = [
    152150.0, 127784.9, 111986.7, 99073.9, 91503.4, 84851.1, 79545.3, 74624.9, 69831.9, 66454.8,
    63631.7, 61353.6, 59141.8, 57499.5, 55862.9, 54495.5, 53036.6, 51741.6, 50843.0, 49982.2,
]  # fmt: skip


def settings_with(**changes: object) -> Settings:
    return Settings.from_mapping(GIVEN | changes)


def records_of(features: pd.DataFrame, **changes: object) -> Records:
    return learned(features, settings_with(**changes))


def customers(rows: int, seed: int = 0, clouds: int = 3) -> pd.DataFrame:
    """Customers in clouds of unequal size, with a skewed column and missing values."""
    rng = np.random.default_rng(seed)
    cloud = rng.choice(clouds, size=rows, p=np.arange(clouds, 0, -1) / sum(range(clouds + 1)))
    values = rng.normal(size=(rows, 4)) + 8.0 * rng.normal(size=(clouds, 4))[cloud]
    frame = pd.DataFrame(values, columns=["purchases", "balance", "limit", "advances"])
    frame["limit"] = np.exp(frame["limit"] / 8) * 1000
    frame.loc[rng.random(rows) < 0.1, "balance"] = NAN
    frame.insert(0, "customer_id", [f"C{number:05d}" for number in range(rows)])
    return frame


def score(features: pd.DataFrame, parameters: list[dict[str, Any]]) -> pd.Series:
    """Segment ids from the parameters alone, in the linear form that the SQL uses.

    Folds scaler and projection into one weight per segment and feature, takes the least of
    |c|^2 - 2 c.x, ties to the lower id.
    """
    table = pd.DataFrame(parameters).set_index(["stage", "component"]).sort_index()

    def of(stage: str, component: str) -> pd.Series:
        return table.loc[[(stage, component)]].set_index("feature")["value"]

    median = of("impute", "median")
    raw = features[list(median.index)].fillna(median)
    scaled = (raw - of("scale", "center")) / of("scale", "scale")
    relative = {}
    for segment in sorted({int(c) for s, c in table.index if s == "centroid"}):
        center = of("centroid", str(segment))
        weights, constant = pd.Series(0.0, index=median.index), float((center**2).sum())
        for dimension, value in center.items():
            if str(dimension).startswith("pca_"):
                loadings = of("project", str(dimension))
                weights = weights - 2 * value * loadings.drop("(intercept)")
                constant -= 2 * value * loadings["(intercept)"]
            else:
                weights[dimension] -= 2 * value
        relative[segment] = scaled[list(weights.index)].to_numpy() @ weights.to_numpy() + constant
    return pd.DataFrame(relative).idxmin(axis="columns")


def real_features(real_file: Path) -> pd.DataFrame:
    frame = pd.read_csv(real_file).rename(columns=str.lower).rename(columns={"cust_id": "customer_id"})
    return frame.fillna(frame.mean(numeric_only=True))


# The results


@pytest.mark.parametrize("representation", ["scaled", "pca"])
def test_results_have_the_columns_and_types_that_are_declared(representation: str) -> None:
    results = train(customers(300), settings_with(representation=representation, k=4))
    for name, types in COLUMNS.items():
        assert dict(getattr(results, name).dtypes.astype(str)) == dict(types), name
    records = rows_of(results)
    assert records["run"][0].keys() >= {
        "rows_trained", "features", "seconds_prepare", "seconds_candidates", "seconds_curve", "seconds_fit",
        "python", "numpy", "pandas", "scikit-learn", "kneed", "k_asked", "scaling_asked",
        "representation_asked", "autoencoders", "min_jaccard", "min_segment_share", "bootstraps",
        "candidates_k_max",
    }  # fmt: skip
    assert len(records["run"]) == 1
    model_ids = {each["model_id"] for kind in ("run", "parameters", "candidates") for each in records[kind]}
    assert len(model_ids) == 1
    stages = pd.DataFrame(records["parameters"]).groupby(["stage", "component"]).feature.apply(set).to_dict()
    names = {"purchases", "balance", "limit", "advances"}
    assert stages[("impute", "median")] == stages[("scale", "center")] == stages[("scale", "scale")] == names
    assert stages[("project", "pca_1")] == stages[("project", "pca_2")] == names | {"(intercept)"}
    axes = {each["component"] for each in records["components"]}
    space = names if representation == "scaled" else axes
    assert [stages[("centroid", str(segment))] for segment in (1, 2, 3, 4)] == [space] * 4
    assert {component for stage, component in stages if stage == "project"} == axes


def test_parameters_equal_the_hand_computation() -> None:
    """1, 2, 3, 10 and a missing value: median 2.5 stands in; then mean 3.7 and variance 10.36."""
    frame = pd.DataFrame({"customer_id": list("abcde"), "x": [1.0, NAN, 3.0, 2.0, 10.0]})
    records = records_of(frame, k=2)
    value = {(p["stage"], p["component"], p["feature"]): p["value"] for p in records["parameters"]}
    assert value[("impute", "median", "x")] == 2.5
    assert value[("scale", "center", "x")] == pytest.approx(18.5 / 5)
    assert value[("scale", "scale", "x")] == pytest.approx(np.sqrt(10.36))
    assert value[("centroid", "1", "x")] == pytest.approx((8.5 / 4 - 3.7) / np.sqrt(10.36))
    assert value[("centroid", "2", "x")] == pytest.approx((10 - 3.7) / np.sqrt(10.36))
    assert [each["customers_in_sample"] for each in records["segments"]] == [4, 1]
    assert [each["component"] for each in records["components"]] == ["pca_1"]


@pytest.mark.parametrize("representation", ["scaled", "pca"])
def test_scoring_by_the_parameters_gives_the_labels_of_predict(representation: str, real_file: Path) -> None:
    features = real_features(real_file)
    records = records_of(
        features, k=7, k_max=3, candidates_k_max=2, silhouette_rows=500, representation=representation
    )
    labels = score(features, records["parameters"])
    table = pd.DataFrame(records["parameters"])

    def matrix(stage: str) -> pd.DataFrame:
        return table[table["stage"] == stage].pivot(index="component", columns="feature", values="value")

    scale, centroids = matrix("scale"), matrix("centroid")
    points = (features[scale.columns] - scale.loc["center"]) / scale.loc["scale"]
    if representation == "pca":
        projection = matrix("project").loc[list(centroids.columns)]
        points = points @ projection.drop(columns="(intercept)").T + projection["(intercept)"]
    points = points[list(centroids.columns)]
    model = KMeans(7, init=centroids.to_numpy(), n_init=1, max_iter=1).fit(points.to_numpy())
    model.cluster_centers_ = np.ascontiguousarray(centroids.to_numpy())
    assert (labels == model.predict(points.to_numpy()) + 1).all()
    sizes = [each["customers_in_sample"] for each in records["segments"]]
    assert labels.value_counts().sort_index().tolist() == sizes == sorted(sizes, reverse=True)


def test_clouds_that_lie_apart_are_found() -> None:
    rng = np.random.default_rng(4)
    truth = rng.choice(4, size=800, p=[0.4, 0.3, 0.2, 0.1])
    centers = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]])
    frame = pd.DataFrame(rng.normal(size=(800, 3)) + centers[truth], columns=["a", "b", "c"])
    frame["customer_id"] = [str(number) for number in range(800)]
    records = records_of(frame, k_max=10)
    assert records["run"][0]["k"] == 4
    assert adjusted_rand_score(truth, score(frame, records["parameters"])) > 0.99
    shares = [each["explained_variance_share"] for each in records["components"]]
    assert shares == sorted(shares, reverse=True)


def test_a_k_that_is_asked_for_is_taken_and_the_reason_says_so() -> None:
    free = records_of(customers(400))
    elbow = free["run"][0]["elbow_k"]
    assert free["run"][0]["k_asked"] is None
    assert "the finest partition" in free["run"][0]["reason"]
    for k in (2, 6, 9):
        asked = records_of(customers(400), k=k)
        assert (asked["run"][0]["k"], asked["run"][0]["k_asked"]) == (k, k)
        assert f"K={k}, SCALING=standard, REPRESENTATION=scaled as asked" in asked["run"][0]["reason"]
        assert "finest" not in asked["run"][0]["reason"]
        rows = asked["curve"]
        # A k beyond k_max is a further row.
        assert [each["k"] for each in rows] == [*range(1, 7), *([k] if k > 6 else [])]
        assert [each["k"] for each in rows if each["is_chosen"]] == [k]
        assert [each["k"] for each in rows if each["is_elbow"]] == [elbow]
        assert [each["inertia"] for each in rows[:6]] == [each["inertia"] for each in free["curve"]]
        assert (np.diff([each["inertia"] for each in rows]) < 0).all()
        assert len(asked["segments"]) == k
        candidates = asked["candidates"]
        assert sorted(each["k"] for each in candidates) == [*range(2, 7), *([k] if k > 6 else [])]
        assert [each["k"] for each in candidates if each["is_chosen"]] == [k]
        assert {each["reason"] for each in candidates if each["k"] != k} == {f"K={k} was asked for"}


def test_an_unstable_k_is_taken_only_if_asked_for_and_marked() -> None:
    """Three clouds: seven segments cut them where the draw happens to lie."""
    features = customers(400)
    free = records_of(features, bootstraps=20)
    assert (free["run"][0]["is_stable"], free["run"][0]["warning"]) == (True, None)
    assert not any(each["is_unstable"] for each in free["segments"])
    forced = records_of(features, k=9, bootstraps=20)
    assert forced["run"][0]["is_stable"] is False
    assert (
        "Jaccard of only" in forced["run"][0]["warning"] or "of the customers" in forced["run"][0]["warning"]
    )
    assert any(each["is_unstable"] for each in forced["segments"])
    for each in forced["segments"]:
        assert each["is_unstable"] == (each["stability"] < 0.75 or each["customers_in_sample"] < 4)


def test_a_small_segment_is_not_chosen_unless_asked_for() -> None:
    rng = np.random.default_rng(1)
    values = np.vstack(
        [rng.normal(0, 1, (300, 2)), rng.normal(12, 1, (300, 2)), rng.normal((60, 0), 1, (3, 2))]
    )
    features = pd.DataFrame(values, columns=["a", "b"])
    features["customer_id"] = [str(number) for number in range(len(values))]
    for share, smallest in ((0.01, 200), (0.0, 3)):
        chosen = records_of(features, min_segment_share=share)
        sizes = [each["customers_in_sample"] for each in chosen["segments"]]
        assert (min(sizes) <= 3) == (smallest == 3), sizes
    forced = records_of(features, k=3)
    assert "holds only 0.50% of the customers (at least 1.00% is asked for)" in forced["run"][0]["warning"]


def test_every_method_votes_in_words() -> None:
    records = records_of(customers(400))
    votes = {each["method"]: each for each in records["votes"]}
    assert list(votes) == ["elbow", "silhouette", "davies_bouldin", "calinski_harabasz", "gap", "stability"]
    assert votes["elbow"]["k"] == records["run"][0]["elbow_k"]
    assert "over k = 1 to 6" in votes["elbow"]["words"]
    curve = {each["k"]: each for each in records["curve"]}
    assert votes["silhouette"]["k"] == max(range(2, 7), key=lambda k: curve[k]["silhouette"])
    assert votes["davies_bouldin"]["k"] == min(range(2, 7), key=lambda k: curve[k]["davies_bouldin"])
    assert votes["calinski_harabasz"]["k"] == max(range(2, 7), key=lambda k: curve[k]["calinski_harabasz"])


def test_one_segment_has_no_measures() -> None:
    first, second = records_of(customers(200))["curve"][:2]
    names = ("silhouette", "davies_bouldin", "calinski_harabasz", "stability")
    assert [first[name] for name in names] == [None] * 4
    assert all(isinstance(second[name], float) for name in names)


def test_scalings_and_representations_are_compared_in_one_table() -> None:
    records = records_of(customers(300), scaling="", representation="")
    kinds = {(each["scaling"], each["representation"]) for each in records["candidates"]}
    assert kinds == {
        (scaling, representation)
        for scaling in ("standard", "log_standard", "robust", "quantile")
        for representation in ("scaled", "pca")
    }
    chosen = [each for each in records["candidates"] if each["is_chosen"]]
    assert len(chosen) == 1
    assert all(chosen[0][name] == records["run"][0][name] for name in ("scaling", "representation", "k"))
    assert all(each["reason"] for each in records["candidates"])


def test_measures_of_both_representations_are_in_the_space_of_all_features() -> None:
    """With all components kept the partition is the same, and so must be its measures."""
    features = customers(300)
    scaled = records_of(features, k=3)["curve"]
    whole = records_of(features, k=3, representation="pca", pca_variance=1.0)["curve"]
    for ours, theirs in zip(scaled[1:], whole[1:], strict=True):
        assert theirs["silhouette"] == pytest.approx(ours["silhouette"], abs=1e-9)


# Samples of the sample


def test_the_curve_and_the_fit_use_the_rows_they_are_allowed() -> None:
    features = customers(500)
    records = records_of(features, sample_rows=400, curve_rows=100, silhouette_rows=50, k=3)
    assert records["run"][0]["rows_trained"] == 400
    assert sum(each["customers_in_sample"] for each in records["segments"]) == 400
    chosen = next(each for each in records["curve"] if each["is_chosen"])
    # The curve's inertia is a sum over a quarter of the rows.
    assert chosen["inertia"] < records["run"][0]["inertia"] / 2
    assert records["curve"][0]["smallest_segment"] == 100


def test_a_curve_on_all_rows_is_the_fit() -> None:
    records = records_of(customers(300), k=4)
    chosen = next(each for each in records["curve"] if each["is_chosen"])
    assert chosen["inertia"] == records["run"][0]["inertia"]
    assert chosen["silhouette"] == pytest.approx(records["run"][0]["silhouette"], abs=1e-12)
    assert chosen["smallest_segment"] == records["segments"][-1]["customers_in_sample"]


def test_a_curve_whose_rows_are_alike_takes_all_rows() -> None:
    values = [0.0] * 500 + [1.0, 5.0, 9.0]
    frame = pd.DataFrame({"customer_id": [str(n) for n in range(len(values))], "x": values})
    records = records_of(frame, curve_rows=2)
    assert [each["k"] for each in records["curve"]] == [1, 2, 3, 4]


# The same answer tomorrow


@given(st.integers(0, 10_000), st.sampled_from(["scaled", "pca"]))
@hypothesis_settings(max_examples=6, deadline=None)
def test_the_order_of_rows_and_columns_does_not_matter(seed: int, representation: str) -> None:
    features = customers(150, seed=seed)
    rng = np.random.default_rng(seed)
    shuffled = features.sample(frac=1, random_state=seed)[list(rng.permutation(features.columns))]
    ours, theirs = (
        without_seconds(records_of(each, representation=representation, curve_rows=100))
        for each in (features, shuffled)
    )
    # The names are shown in the order of the input.
    assert ours["run"][0].pop("features") == "purchases,balance,limit,advances"
    theirs["run"][0].pop("features")
    assert ours == theirs


SCALINGS_OF_ALL_KINDS = ("standard", "log_standard", "robust", "quantile")


def money(rows: int, seed: int) -> pd.DataFrame:
    """Amounts in cents, skewed and often 0, and a share."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=rows)
    amounts = np.round(np.exp(rng.normal(size=(rows, 2)) + 5 + 2 * rng.normal(size=(3, 2))[kind]), 2)
    amounts[rng.random((rows, 2)) < 0.3] = 0.0
    frame = pd.DataFrame(amounts, columns=["balance", "purchases"])
    frame["share"] = np.round(rng.beta(1 + kind, 2), 2)
    return frame.assign(customer_id=[f"C{number}" for number in range(rows)])


@given(st.integers(0, 10_000), st.sampled_from(SCALINGS_OF_ALL_KINDS))
@hypothesis_settings(max_examples=8, deadline=None)
def test_another_currency_leaves_every_choice_and_segment_alone(seed: int, scaling: str) -> None:
    """A power of two as the rate, so that no digit is lost; every scaling follows its feature's unit."""
    features = money(150, seed)
    other = features.assign(**{name: features[name] * 128 for name in ("balance", "purchases")})
    ours, theirs = (
        records_of(each, scaling=scaling, bootstraps=2, candidates_k_max=4) for each in (features, other)
    )
    for kind in ("segments", "candidates", "curve", "votes"):
        for one, two in zip(ours[kind], theirs[kind], strict=True):
            for name in set(one) - {"model_id", "seconds"}:
                value = one[name]
                assert two[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), (
                    name
                )


@given(st.integers(0, 10_000), st.sampled_from(["standard", "robust", "log_standard"]))
@hypothesis_settings(max_examples=6, deadline=None)
def test_every_customer_twice_gives_the_same_segments_twice(seed: int, scaling: str) -> None:
    """Means, medians of an even number and inertias per customer stay, so the best partition does.

    Clouds that lie apart: on shapeless data two partitions may be equally good. The quantile scaling's
    knots are customers, and with twice as many a knot may be the next one.
    """
    rng = np.random.default_rng(seed)
    values = np.repeat([[0.0, 0.0], [300.0, 0.0], [0.0, 400.0]], 40, axis=0) + rng.normal(size=(120, 2))
    features = pd.DataFrame(values, columns=["a", "b"]).assign(customer_id=[f"C{n}" for n in range(120)])
    twice = pd.concat([features, features.assign(customer_id=features["customer_id"] + "x")])
    ours, theirs = (
        records_of(each, scaling=scaling, k=3, bootstraps=2, candidates_k_max=3) for each in (features, twice)
    )
    one, two = (
        sorted(each["value"] for each in records["parameters"] if each["stage"] == "centroid")
        for records in (ours, theirs)
    )
    assert two == pytest.approx(one, rel=1e-2, abs=1e-2)
    assert [each["customers_in_sample"] for each in theirs["segments"]] == [
        2 * each["customers_in_sample"] for each in ours["segments"]
    ]


def test_names_of_indexes_and_types_of_ids_do_not_matter() -> None:
    features = customers(100)
    features["customer_id"] = np.arange(100)
    texts = features.assign(customer_id=features["customer_id"].astype(str)).set_index(features.index * 7)
    assert without_seconds(records_of(features)) == without_seconds(records_of(texts))


def test_one_thread_and_two_give_the_same_result(real_file: Path) -> None:
    features = real_features(real_file)
    results = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            results.append(
                without_seconds(records_of(features, k_max=5, candidates_k_max=3, silhouette_rows=2000))
            )
    assert results[0] == results[1]


def test_the_model_id_names_the_model() -> None:
    features = customers(200)
    runs = [
        records_of(features, **changes)["run"][0]["model_id"]
        for changes in ({}, {}, {"seed": 2}, {"k": 5}, {"representation": "pca"})
    ]
    assert runs[0] == runs[1]
    assert len(set(runs)) == 4
    assert all(len(each) == 13 and each[0] == "m" and int(each[1:], 16) >= 0 for each in runs)
    other = features.assign(purchases=features["purchases"] * 1.001)
    assert records_of(other)["run"][0]["model_id"] != runs[0]


# The real file


def test_the_curve_on_the_real_file_is_as_low_as_the_best_of_ten_starts(real_file: Path) -> None:
    """Within 0.5% at every k, so within the 1% that the issue asks for at six of them."""
    records = records_of(real_features(real_file), k_max=20, candidates_k_max=2, silhouette_rows=500)
    inertias = [each["inertia"] for each in records["curve"]]
    assert [each["k"] for each in records["curve"]] == list(range(1, 21))
    assert (np.array(inertias) / BEST_OF_TEN).max() <= 1.005
    assert (np.diff(inertias) < 0).all()


# Degenerate input


def frame_of(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    frame.insert(0, "customer_id", [f"C{number}" for number in range(len(frame))])
    return frame


@pytest.mark.parametrize(
    ("features", "changes", "message"),
    [
        (frame_of(x=[]).astype({"x": float}), {}, "only 0 customers to learn from: a segmentation needs at least 2"),
        (frame_of(x=[1.0]), {}, "only 1 customer to learn from"),
        (frame_of(x=[3.0] * 9), {}, "all 9 customers have the same features"),
        (frame_of(x=[NAN] * 9), {}, "all 9 customers have the same features"),
        (
            frame_of(x=[1.0, 2.0, 2.0, 4.0]),
            {"k": 4},
            "K=4: only 3 segments can be told apart, since the other customers repeat their features; give at most 3",
        ),
        # Nothing is wrong with these customers but their number.
        (
            frame_of(x=[1.0, 2.0, 4.0]),
            {"k": 5},
            "K=5: there are only 3 customers to learn from; give at most 3, or leave K out to have it chosen",
        ),
        (frame_of(x=[1.0, float("inf"), -float("inf")]), {}, "column x holds 2 infinite values"),
        (frame_of(x=[1.0, 1e200]), {}, "column x holds values beyond 1e+150"),
        (frame_of(x=["1", "2"]), {}, "column x is not numeric"),
        (frame_of(x=[True, False]), {}, "column x is not numeric but bool"),
        (frame_of(x=pd.to_datetime(["2025-01-01", "2025-02-01"])), {}, "column x is not numeric"),
        (frame_of(x=[1.0, 2.0], pca_1=[1.0, 2.0]), {}, "column pca_1 has a name that the model uses"),
        (frame_of(), {}, "there is no feature beside customer_id"),
        (pd.DataFrame({"x": [1.0, 2.0]}), {}, "the features have no column customer_id"),
        (frame_of(x=[1.0, 2.0]).assign(customer_id=["a", None]), {}, "1 row has no customer_id"),
        (
            frame_of(x=[1.0, 2.0, 3.0]).assign(customer_id=["b", "a", "a"]),
            {},
            "customer_id a stands on more than one row",
        ),
        (pd.concat([frame_of(x=[1.0, 2.0])] * 2, axis=1).iloc[:, 1:], {}, "column x occurs more than once"),
    ],
)  # fmt: skip
def test_what_cannot_be_segmented_is_refused_in_one_sentence(
    features: pd.DataFrame, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as error:
        train(features, settings_with(**changes))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("features", "ks"),
    [
        (frame_of(x=[0.0, 1.0]), [1, 2]),
        (frame_of(x=[1.0, 2.0, 2.0, 4.0]), [1, 2, 3]),
        (frame_of(x=np.arange(40.0), constant=[5.0] * 40), [1, 2, 3, 4, 5, 6]),
        (frame_of(x=np.arange(40.0), missing=[NAN] * 40), [1, 2, 3, 4, 5, 6]),
        (frame_of(x=np.arange(40.0), twin=np.arange(40.0)), [1, 2, 3, 4, 5, 6]),
        (frame_of(x=[*np.arange(40.0), 1e9]), [1, 2, 3, 4, 5, 6]),
        (frame_of(x=[*np.arange(40.0), 1e140]), [1, 2]),
        (frame_of(x=[0.0, 1e-200] * 5, y=np.arange(10.0)), [1, 2, 3, 4, 5, 6]),
        (frame_of(x=pd.array([1, 2, None, 9], dtype="Int64")), [1, 2, 3]),
    ],
)
def test_odd_but_usable_input_is_segmented(features: pd.DataFrame, ks: list[int]) -> None:
    """Two rows, fewer rows than k, constant, missing, repeated columns, one giant outlier, tiny values."""
    for representation in ("scaled", "pca"):
        records = records_of(features, representation=representation)
        found = [each["k"] for each in records["curve"]]
        assert found == ks
        assert 2 <= records["run"][0]["k"] <= max(ks)
        sizes = [each["customers_in_sample"] for each in records["segments"]]
        assert sum(sizes) == len(features) and min(sizes) >= 1
        assert all(np.isfinite(each["value"]) for each in records["parameters"])


def test_three_hundred_columns_are_segmented() -> None:
    values = np.random.default_rng(1).normal(size=(150, 300))
    features = frame_of(**{f"x{number}": values[:, number] for number in range(300)})
    records = records_of(features, k=3, representation="pca")
    assert sum(each["customers_in_sample"] for each in records["segments"]) == 150
    assert 0.9 <= sum(each["explained_variance_share"] for each in records["components"]) < 0.92


def odd_columns() -> Iterator[st.SearchStrategy[list[float]]]:
    odd = st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.0, 1e-12, 1e9, 1e100, 1e-300, 0.1, NAN])
    yield st.lists(odd, min_size=12, max_size=12)
    yield st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12)


@pytest.mark.filterwarnings("error")
@given(st.lists(st.one_of(*odd_columns()), min_size=1, max_size=3), st.sampled_from(["scaled", "pca"]))
@hypothesis_settings(max_examples=40, deadline=None)
def test_whatever_the_numbers_there_is_a_sound_result_or_a_sentence(
    columns: list[list[float]], representation: str
) -> None:
    features = frame_of(**{f"x{place}": column for place, column in enumerate(columns)})
    try:
        # Few candidates: the curve still goes to k_max.
        records = records_of(features, representation=representation, candidates_k_max=3, bootstraps=1)
    except ValueError as error:
        assert str(error).startswith(("all 12 customers have the same features", "the customers differ"))
        return
    assert sum(each["customers_in_sample"] for each in records["segments"]) == 12
    assert all(np.isfinite(each["value"]) for each in records["parameters"])
    inertias = [each["inertia"] for each in records["curve"]]
    assert (np.diff(inertias) <= 1e-9 * inertias[0]).all()
