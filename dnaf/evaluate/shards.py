"""Work divided over the processes of `accelerate launch`; one process does all of it otherwise.

Work is cut into chunks before it is divided, so that a chunk holds the same images, and gives the same
numbers, however many processes there are.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

from dnaf.device import default_device
from dnaf.progress import track
from dnaf.workers import thread_map

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Shards:
    """This process among those that share the work.

    Attributes:
        index: from 0; only 0 writes files.
        count: number of processes.
        device: what this process computes on.
    """

    index: int
    count: int
    device: torch.device

    def run(
        self,
        items: Sequence[Item],
        chunk_size: int,
        prepare: Callable[[Sequence[Item]], Prepared],
        finish: Callable[[Prepared], Result],
        description: str,
    ) -> list[Result]:
        """Results of all chunks in order, from all processes, in each of them.

        Args:
            prepare: runs in threads, on the next chunks while the present one is finished.
            finish: runs in this thread, chunk after chunk: what needs a network.
        """
        starts = range(0, len(items), chunk_size)
        numbers = range(self.index, len(starts), self.count)
        chunks = (items[starts[number] : starts[number] + chunk_size] for number in numbers)
        prepared = track(thread_map(prepare, chunks), f"{description} (batches)", len(numbers))
        own = [(number, finish(chunk)) for number, chunk in zip(numbers, prepared, strict=True)]
        return [result for _, result in sorted(self._gather(own), key=lambda pair: pair[0])]

    def _gather(self, own: list[tuple[int, Result]]) -> list[tuple[int, Result]]:
        if self.count == 1:
            return own
        from accelerate.utils import gather_object

        every: list[tuple[int, Result]] = gather_object(own)
        return every


@contextmanager
def open_shards() -> Iterator[Shards]:
    """Finds out whether this process is one of several."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Shards(0, 1, default_device())
        return
    from accelerate import PartialState

    state = PartialState()
    try:
        yield Shards(state.process_index, state.num_processes, state.device)
    finally:
        state.destroy_process_group()
