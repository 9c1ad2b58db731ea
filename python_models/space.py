"""The space that KMeans works in: the sample imputed, scaled and, where asked, projected. Touches nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.imputation import Imputer, fit_median
from python_models.pca import Projection, component_names, fit_pca
from python_models.sample import Sample, count_distinct
from python_models.scaling import SCALINGS, Scaler
from python_models.settings import Settings

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """What the sample became, and how.

    Attributes:
        scaled: shape (rows, features), imputed and scaled: the common space of all measures.
        points: shape (rows, dimensions), what KMeans sees.
        dimensions: their names, features or components.
    """

    imputer: Imputer
    scaler: Scaler
    projection: Projection
    scaled: FloatArray
    points: FloatArray
    dimensions: tuple[str, ...]


def prepare(sample: Sample, settings: Settings) -> Space:
    """Impute, scale and project the sample.

    Raises:
        ValueError: fewer than 2 customers differ.
    """
    rows = len(sample.values)
    if rows < 2:
        raise ValueError(f"only {rows} customers to learn from: a segmentation needs at least 2 that differ")
    imputer = fit_median(sample.values)
    filled = imputer.transform(sample.values)
    scaler = SCALINGS[settings.scaling](filled)
    scaled = np.ascontiguousarray(scaler.transform(filled))
    if count_distinct(scaled, 2) < 2:
        raise ValueError(
            f"all {rows} customers have the same features: a segmentation needs at least 2 that differ"
        )
    is_pca = settings.representation == "pca"
    projection = fit_pca(scaled, settings.pca_variance if is_pca else None)
    return Space(
        imputer=imputer,
        scaler=scaler,
        projection=projection,
        scaled=scaled,
        points=np.ascontiguousarray(projection.transform(scaled)) if is_pca else scaled,
        dimensions=tuple(component_names(len(projection.loadings))) if is_pca else sample.names,
    )
