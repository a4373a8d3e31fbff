"""Worker processes for what keeps all cores busy."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor


def worker_pool() -> ProcessPoolExecutor:
    """One worker a core. Workers end with their parent, however that ends.

    Without that, those of a parent that was killed wait for work forever, and hold its memory.
    """
    return ProcessPoolExecutor(os.cpu_count(), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
