"""Work items on several threads: the same results, bit for bit, whatever their number."""

import threading
import time
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from python_models.settings import Settings
from python_models.training import train
from python_models.workers import THREADS, side_by_side
from tests.support.points import amounts


def test_results_come_in_the_order_of_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "4")
    threads = set()

    def work(item: int) -> int:
        # The first take longest.
        time.sleep(0.02 * (8 - item))
        threads.add(threading.get_ident())
        return item * item

    assert side_by_side(work, range(8)) == [item * item for item in range(8)]
    assert len(threads) > 1


def test_within_an_item_there_is_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Python's threads and of OpenMP's, whose bound each thread has for itself."""
    monkeypatch.setenv(THREADS, "2")

    def inner(_: int) -> int:
        return threading.get_ident()

    def outer(_: int) -> tuple[set[int], set[int]]:
        openmp = {each["num_threads"] for each in threadpool_info() if each["user_api"] == "openmp"}
        return set(side_by_side(inner, range(4))), openmp

    for inside, openmp in side_by_side(outer, range(4)):
        assert len(inside) == 1
        assert openmp <= {1}


def test_the_first_failure_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "3")
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 // item, [2, 0, 1])
    assert side_by_side(lambda item: item, []) == []


def test_the_learning_is_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column of every result but those of seconds, of networks whose noise is drawn as they learn, too."""
    settings = Settings.from_mapping(
        {"autoencoders": "denoising,variational", "bootstraps": 6, "candidates_k_max": 5, "k_max": 6}
    )
    values = np.hstack([amounts(400, 1), amounts(400, 2)])
    frame = pd.DataFrame(values, columns=[f"feature_{place}" for place in range(10)])
    frame.insert(0, "customer_id", [f"C{row:04}" for row in range(400)])
    results = []
    for threads in ("1", "2", "4", "8"):
        monkeypatch.setenv(THREADS, threads)
        results.append(train(frame, settings))
    for each in fields(results[0]):
        first = getattr(results[0], each.name)
        columns = [name for name in first.columns if "seconds" not in name and name != "details"]
        for other in results[1:]:
            pd.testing.assert_frame_equal(
                first[columns], getattr(other, each.name)[columns], check_exact=True
            )
