"""Work items side by side on the machine's cores, with the same results as one after the other.

Each item runs on one thread from its beginning to its end, draws from a generator of its own, and results come in the
order of the items: so nothing depends on which item ends first, or on how many threads there are. What takes the time,
scikit-learn's and NumPy's loops, lets other threads run meanwhile. Touches nothing but the bound on OpenMP's threads.
"""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from python_models.progress import PROGRESS

Item = TypeVar("Item")
Result = TypeVar("Result")

# Set by the machine's owner; scripts/base/parameters.py checks it.
THREADS = "CARD_SEGMENTS_THREADS"
_thread = threading.local()


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do the work for each item on as many threads as CARD_SEGMENTS_THREADS allows, or on all cores.

    Within an item of an outer call it goes one after the other: the outer one has the cores.

    Args:
        work: depends on its item alone.
        items: in the order in which the results are wanted.

    Raises:
        Exception: what the work of the first item that fails raises.
    """
    every = list(items)
    threads = min(int(os.environ.get(THREADS) or os.cpu_count() or 1), len(every))
    if threads < 2 or getattr(_thread, "is_worker", False):
        return [work(item) for item in every]
    results = []
    with ThreadPoolExecutor(threads, initializer=_begin) as pool:
        for result in pool.map(work, every):
            results.append(result)
            PROGRESS.advance(len(results), len(every))
    return results


def in_parallel(one: Callable[[], Item], other: Callable[[], Result]) -> tuple[Item, Result]:
    """Do two unlike things side by side and return what each gives; raises as `side_by_side` does."""
    works: list[Callable[[], Any]] = [one, other]
    first, second = side_by_side(lambda work: work(), works)
    return first, second


def _begin() -> None:
    """Bound the new thread as the one that started it: OpenMP counts for each thread by itself."""
    _thread.is_worker = True
    threadpool_limits(limits=1, user_api="openmp")
