"""KMeans on features that are there, by other libraries, each with a scaling, a curve over k and the elbow.

    python -m scripts.benchmark.learners LIBRARY FEATURES LABELS REPORT K_MAX

FEATURES is an array of shape (customers, features) with NaN where a value is missing (.npy); LABELS gets the segment
of each customer, REPORT the seconds of each step. Runs in the library's own environment, so nothing of the project is
imported here. Every library labels every customer; none resamples, compares scalings or trains a network.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Segments where the curve has no elbow.
NO_ELBOW = 6


def elbow(inertias: Sequence[float], first: int = 1) -> int:
    """The k at the elbow of the inertias of k = first, first + 1, ..."""
    from kneed import KneeLocator

    ks = range(first, first + len(inertias))
    found = KneeLocator(ks, list(inertias), curve="convex", direction="decreasing").knee
    return int(found or NO_ELBOW)


def standardised(features: FloatArray) -> FloatArray:
    """Means in place of what is missing, and each feature with mean 0 and variance 1."""
    from sklearn.preprocessing import StandardScaler

    filled = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
    scaled: FloatArray = StandardScaler().fit_transform(filled)
    return scaled


def curve_of_scikit_learn(points: FloatArray, k_max: int) -> list[float]:
    """Inertia for k = 1 to k_max, one k-means++ start each."""
    from sklearn.cluster import KMeans

    return [float(KMeans(k, random_state=0).fit(points).inertia_) for k in range(1, k_max + 1)]


def labels_of_scikit_learn(points: FloatArray, k: int) -> IntArray:
    """Fit k segments and label every row."""
    from sklearn.cluster import KMeans

    labels: IntArray = KMeans(k, random_state=0).fit_predict(points)
    return labels


def scikit_learn(features: FloatArray, k_max: int, done: Callable[[str], None]) -> IntArray:
    """As a notebook does it."""
    points = standardised(features)
    k = elbow(curve_of_scikit_learn(points, k_max))
    done("curve over k")
    labels = labels_of_scikit_learn(points, k)
    done("fit and label")
    return labels


def segments_and_plane(
    features: FloatArray, k_max: int, done: Callable[[str], None]
) -> tuple[IntArray, FloatArray]:
    """Segments as a notebook finds them, and two principal components of every customer, shape (customers, 2)."""
    from sklearn.decomposition import PCA

    points = standardised(features)
    k = elbow(curve_of_scikit_learn(points, k_max))
    done("curve over k")
    segments = labels_of_scikit_learn(points, k)
    plane: FloatArray = PCA(2).fit_transform(points)
    assert np.isfinite(plane).all()
    done("fit, label, components")
    return segments, plane


def faiss(features: FloatArray, k_max: int, done: Callable[[str], None]) -> IntArray:
    """FAISS' KMeans on every customer, with its default of 25 passes; it would draw 256 customers a segment otherwise."""
    import faiss as library

    points = np.ascontiguousarray(standardised(features), dtype=np.float32)

    def fitted(k: int) -> tuple[float, IntArray]:
        kmeans = library.Kmeans(points.shape[1], k, seed=1, max_points_per_centroid=len(points))
        kmeans.train(points)
        distances, labels = kmeans.index.search(points, 1)
        return float(distances.sum(dtype=np.float64)), labels[:, 0].astype(np.int64)

    k = elbow([fitted(k)[0] for k in range(1, k_max + 1)])
    done("curve over k")
    labels = fitted(k)[1]
    done("fit and label")
    return labels


def pycaret(features: FloatArray, k_max: int, done: Callable[[str], None]) -> IntArray:
    """PyCaret's setup, its KMeans for each k from 2, and the elbow.

    Its silhouette over all pairs of customers, which it would compute for each model, is switched off.
    """
    import pandas as pd
    from pycaret.clustering import ClusteringExperiment

    frame = pd.DataFrame(features, columns=[f"feature_{place}" for place in range(features.shape[1])])
    experiment: Any = ClusteringExperiment()
    experiment.setup(frame, normalize=True, session_id=1, html=False, verbose=False)
    experiment.remove_metric("silhouette")
    done("set up")

    def fitted(k: int) -> Any:
        return experiment.create_model("kmeans", num_clusters=k, verbose=False)

    k = elbow([float(fitted(k).inertia_) for k in range(2, k_max + 1)], 2)
    done("curve over k")
    assigned = experiment.assign_model(fitted(k), verbose=False)["Cluster"]
    labels: IntArray = assigned.str.removeprefix("Cluster ").astype(int).to_numpy()
    done("fit and label")
    return labels


LIBRARIES = {"scikit_learn": scikit_learn, "faiss": faiss, "pycaret": pycaret}


class Steps:
    """Seconds of the steps of a program, from one to the next."""

    def __init__(self) -> None:
        self.taken: list[dict[str, object]] = []
        self._started = time.perf_counter()

    def done(self, step: str) -> None:
        """Say that a step has ended."""
        now = time.perf_counter()
        self.taken.append({"stage": step, "rows": None, "seconds": now - self._started})
        self._started = now

    def write(self, path: Path) -> None:
        """Write all of them as JSON."""
        path.write_text(json.dumps(self.taken), encoding="utf-8")


def main(library: str, features: Path, labels: Path, report: Path, k_max: int) -> None:
    """Learn, step by step, and write labels and seconds."""
    steps = Steps()
    known = np.load(features)
    steps.done("read")
    np.save(labels, LIBRARIES[library](known, k_max, steps.done))
    steps.done("write")
    steps.write(report)


if __name__ == "__main__":
    _library, _features, _labels, _report, _k_max = sys.argv[1:]
    main(_library, Path(_features), Path(_labels), Path(_report), int(_k_max))
