"""Principal components: a few axes that keep most of the variance. Touches nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Pictures need a plane, so two components are kept even where one would do.
COMPONENTS_FOR_PLOTS = 2
# Loadings closer than this share count as equally large when the sign is chosen.
SIGN_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Projection:
    """Scores = scaled values times loadings' + intercept.

    Attributes:
        loadings: shape (components, features), rows of unit length.
        intercept: shape (components,), minus the mean of the scaled values times the loadings.
        explained_variance: shape (components,), divisor rows - 1.
        explained_variance_share: shape (components,), of the variance of all features.

    """

    loadings: FloatArray
    intercept: FloatArray
    explained_variance: FloatArray
    explained_variance_share: FloatArray

    def transform(self, scaled: FloatArray) -> FloatArray:
        """Project scaled values, shape (rows, features), to scores, shape (rows, components)."""
        scores: FloatArray = scaled @ self.loadings.T + self.intercept
        return scores


def component_names(count: int) -> list[str]:
    """Name the first components pca_1, pca_2, ..."""
    return [f"pca_{number}" for number in range(1, count + 1)]


def fit_pca(scaled: FloatArray, variance_share: float | None) -> Projection:
    """Fit principal components by a full singular value decomposition (scikit-learn's PCA).

    The sign of an axis is arbitrary; here the largest absolute loading is positive, and of equally
    large ones the first feature's, so that two runs draw the same picture.

    Args:
        scaled: shape (rows, features), at least 2 rows.
        variance_share: keep the fewest components with at least this share of the variance, above
            0 and up to 1; None keeps what a plot needs. Two are kept wherever there are two.

    """
    # Imported late: a stored projection needs no scikit-learn.
    from sklearn.decomposition import PCA

    fitted = PCA(svd_solver="full").fit(scaled)
    shares: FloatArray = fitted.explained_variance_ratio_
    kept = COMPONENTS_FOR_PLOTS
    if variance_share is not None:
        # Rounding may leave the sum of all shares a hair below 1.
        reached = np.cumsum(shares) >= variance_share - 1e-12
        needed = int(np.argmax(reached)) + 1 if reached.any() else len(shares)
        kept = max(kept, needed)
    kept = min(kept, len(shares))
    loadings = with_signs(fitted.components_[:kept])
    return Projection(
        loadings=loadings,
        intercept=-(loadings @ fitted.mean_),
        explained_variance=fitted.explained_variance_[:kept],
        explained_variance_share=shares[:kept],
    )


def with_signs(loadings: FloatArray) -> FloatArray:
    """Turn each row so that its largest absolute loading is positive, of equally large ones the first.

    loadings: shape (components, features), as is the result.
    """
    size = np.abs(loadings)
    largest = np.argmax(size >= size.max(axis=1, keepdims=True) * (1 - SIGN_TOLERANCE), axis=1)
    signs = np.where(loadings[np.arange(len(loadings)), largest] < 0, -1.0, 1.0)
    turned: FloatArray = loadings * signs[:, None]
    return turned
