"""Work in chunks, and workers that keep all cores busy: processes, or threads where libraries allow."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TypeVar

from dnaf.core import environment

Item = TypeVar("Item")
Result = TypeVar("Result")


def chunked(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Consecutive chunks of `size` items; the last may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def num_cores() -> int:
    """Cores that this process may use: under Slurm those of its task, not all of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_pool() -> ProcessPoolExecutor:
    """One worker for each core that this process has. Workers end with their parent, however that ends.

    Without that, those of a parent that was killed wait for work forever, and hold its memory.
    """
    num_processes = environment.number("LOCAL_WORLD_SIZE", 1)  # on this host, set by `torchrun`
    pool = ProcessPoolExecutor(max(1, num_cores() // num_processes), initializer=_end_with_parent)
    # Now: a process forked beside threads may inherit a lock that one of them holds, for ever.
    pool.submit(int).result()
    return pool


def thread_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results in the order of the items, computed by one thread a core, few of them ahead of the reader.

    For work that spends its time in NumPy, OpenCV and Pillow, which let other threads run meanwhile.
    """
    num_threads = num_cores()
    with ThreadPoolExecutor(num_threads) as pool:
        started: deque[Future[Result]] = deque()
        try:
            for item in items:
                started.append(pool.submit(function, item))
                if len(started) > num_threads:
                    yield started.popleft().result()
            while started:
                yield started.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
