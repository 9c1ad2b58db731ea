"""Principal components: scikit-learn's up to sign, how many are kept, and which way they point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from python_models.pca import fit_pca
from tests.support.points import rows_of


@pytest.mark.parametrize("variance_share", [None, 0.5, 0.9, 1.0])
def test_components_equal_scikit_learn_up_to_sign(variance_share: float | None) -> None:
    values = rows_of(2, 300, 7)
    projection = fit_pca(values, variance_share)
    kept = len(projection.loadings)
    theirs = PCA(svd_solver="full").fit(values)
    np.testing.assert_allclose(np.abs(projection.loadings), np.abs(theirs.components_[:kept]), atol=1e-12)
    np.testing.assert_allclose(projection.explained_variance, theirs.explained_variance_[:kept])
    np.testing.assert_allclose(projection.explained_variance_share, theirs.explained_variance_ratio_[:kept])
    np.testing.assert_allclose(
        np.abs(projection.transform(values)), np.abs(theirs.transform(values)[:, :kept]), atol=1e-10
    )
    np.testing.assert_allclose(projection.transform(values).mean(axis=0), 0, atol=1e-12)


def test_as_many_components_are_kept_as_the_share_of_variance_needs() -> None:
    """Independent columns of variance 60, 25, 10 and 5: shares 0.60, 0.85, 0.95, 1."""
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T
    values = corners * np.sqrt([60, 25, 10, 5])
    kept = {share: len(fit_pca(values, share).loadings) for share in (0.5, 0.7, 0.9, 0.96, 1.0)}
    # Two at least, for the plots.
    assert kept == {0.5: 2, 0.7: 2, 0.9: 3, 0.96: 4, 1.0: 4}
    assert len(fit_pca(values, None).loadings) == 2
    assert fit_pca(values, 1.0).explained_variance_share == pytest.approx([0.60, 0.25, 0.10, 0.05])


def test_one_feature_has_one_component() -> None:
    assert fit_pca(np.array([[0.0], [1.0], [5.0]]), None).loadings.tolist() == [[1.0]]


@given(st.integers(0, 10_000))
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_largest_loading_is_positive(seed: int) -> None:
    for values in (rows_of(seed, 30, 4), -rows_of(seed, 30, 4)):
        loadings = fit_pca(values, 1.0).loadings
        assert (loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)] > 0).all()


def test_of_equally_large_loadings_the_first_is_positive() -> None:
    x = np.random.default_rng(3).normal(size=200)
    for noise in (0.0, 1e-14, -1e-14):
        values = np.column_stack([x, -x * (1 + noise)])
        assert fit_pca(values, None).loadings[0] == pytest.approx([np.sqrt(0.5), -np.sqrt(0.5)])
