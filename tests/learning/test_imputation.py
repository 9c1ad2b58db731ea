"""Imputation: missing values become the median of the present ones."""

import warnings

import numpy as np

from python_models.imputation import fit_median

NAN = float("nan")


def test_missing_values_become_the_median_of_the_present_ones() -> None:
    values = np.array([[1.0, NAN, NAN], [NAN, 5.0, NAN], [4.0, 7.0, NAN], [100.0, NAN, NAN]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imputer = fit_median(values)
    assert imputer.median.tolist() == [4.0, 6.0, 0.0]
    assert imputer.transform(values).tolist() == [
        [1.0, 6.0, 0.0],
        [4.0, 5.0, 0.0],
        [4.0, 7.0, 0.0],
        [100.0, 6.0, 0.0],
    ]
