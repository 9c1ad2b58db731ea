"""The spaces that KMeans works in, and the one that every partition is measured in. Touches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.encoder import Encoder
from python_models.imputation import Imputer, fit_median
from python_models.pca import Projection, component_names, fit_pca
from python_models.sample import Sample, count_distinct
from python_models.scaling import SCALINGS, Scaler, fit_log_standard, fit_standard

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """One scaling and one representation of the sample.

    Attributes:
        scaling: a name of SCALINGS.
        representation: scaled, pca, or the preset of an autoencoder.
        projection: to principal components; two for the plots, or those that KMeans sees.
        scaled: shape (rows, features), imputed and scaled.
        points: shape (rows, dimensions), what KMeans sees.
        dimensions: their names: features, pca_1, ... or ae_1, ...
    """

    scaling: str
    representation: str
    imputer: Imputer
    scaler: Scaler
    projection: Projection
    scaled: FloatArray
    points: FloatArray
    dimensions: tuple[str, ...]


def impute(sample: Sample) -> tuple[Imputer, FloatArray]:
    """Fill the sample's missing values.

    Returns the medians and the filled values, shape (rows, features).

    Raises:
        ValueError: fewer than 2 customers differ.
    """
    rows = len(sample.values)
    if rows < 2:
        noun = "customer" if rows == 1 else "customers"
        raise ValueError(f"only {rows} {noun} to learn from: a segmentation needs at least 2 that differ")
    imputer = fit_median(sample.values)
    filled = imputer.transform(sample.values)
    if count_distinct(fit_standard(filled).transform(filled), 2) < 2:
        raise ValueError(
            f"all {rows} customers have the same features: a segmentation needs at least 2 that differ"
        )
    return imputer, filled


def plain_spaces(
    sample: Sample,
    imputer: Imputer,
    filled: FloatArray,
    scalings: Sequence[str],
    representations: Sequence[str],
    pca_variance: float,
) -> list[Space]:
    """Scale the sample in each way and take all features (`scaled`) or components (`pca`) of each.

    A scaling that leaves nothing of what tells the customers apart is left out.

    filled: shape (rows, features), without missing values; pca_variance: share of the variance to keep, 0 to 1.
    """
    spaces = []
    for scaling in scalings:
        scaler = SCALINGS[scaling](filled)
        scaled = np.ascontiguousarray(scaler.transform(filled))
        if count_distinct(scaled, 2) < 2:
            continue
        for representation in representations:
            is_pca = representation == "pca"
            projection = fit_pca(scaled, pca_variance if is_pca else None)
            points = np.ascontiguousarray(projection.transform(scaled)) if is_pca else scaled
            names = tuple(component_names(len(projection.loadings))) if is_pca else sample.names
            spaces.append(Space(scaling, representation, imputer, scaler, projection, scaled, points, names))
    return spaces


def code_space(plain: Space, encoder: Encoder) -> Space:
    """Take an autoencoder's codes in place of the features it learned from."""
    return Space(
        scaling=plain.scaling,
        representation=encoder.name,
        imputer=plain.imputer,
        scaler=plain.scaler,
        projection=fit_pca(plain.scaled, None),
        scaled=plain.scaled,
        points=np.ascontiguousarray(encoder.transform(plain.scaled)),
        dimensions=tuple(code_names(encoder.codes)),
    )


def code_names(count: int) -> list[str]:
    """Name the first codes ae_1, ae_2, ..."""
    return [f"ae_{number}" for number in range(1, count + 1)]


def common_space(filled: FloatArray) -> FloatArray:
    """Lay out the one space that partitions of every scaling and representation are measured in.

    A silhouette of a smooth, low or outlier-ridden space says nothing about one of another space, so
    all are taken in the same one, whatever is compared or fixed. Each feature stands in it twice, with
    equal weight: logged where it is skewed (`log_standard`) and as its rank among the customers, both
    with unit variance. Neither view knows a currency. The plain amounts are left out: there a few
    very large accounts make up the distance, and a partition that cuts them off would look best.

    Args:
        filled: shape (rows, features), raw units, without missing values.

    Returns:
        Shape (rows, 2 x features).
    """
    # Imported late: codes of a stored autoencoder need no scipy.
    from scipy.stats import rankdata

    logged = fit_log_standard(filled).transform(filled)
    ranks = rankdata(filled, axis=0)
    ranked = fit_standard(ranks).transform(ranks)
    both: FloatArray = np.hstack([logged, ranked]) / np.sqrt(2)
    return np.ascontiguousarray(both)
