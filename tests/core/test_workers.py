"""Workers are as many as this process has cores, and are there before anything else runs beside them."""

import multiprocessing
import os

import pytest

from dnaf.core.workers import num_cores, thread_map, worker_pool

pytestmark = pytest.mark.skipif(
    multiprocessing.get_all_start_methods()[0] != "fork", reason="other systems start workers one by one"
)


def num_workers() -> int:
    """Of a pool that was just made."""
    before = len(multiprocessing.active_children())
    with worker_pool() as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
        return len(multiprocessing.active_children()) - before


def test_a_pool_has_a_worker_for_each_core_that_its_process_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert num_workers() == num_cores()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(num_cores()))
    assert num_workers() == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert num_workers() == 1


def test_only_cores_of_the_process_count() -> None:
    every = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(every)})
        assert num_cores() == 1
        assert num_workers() == 1
    finally:
        os.sched_setaffinity(0, every)


def test_threads_give_results_in_the_order_of_the_items() -> None:
    assert list(thread_map(lambda item: item**2, range(50))) == [item**2 for item in range(50)]
