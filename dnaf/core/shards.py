"""Work divided over the processes of `accelerate launch`; one process does all of it otherwise.

Work is cut into chunks before it is divided, so that a chunk holds the same images, and gives the same
numbers, however many processes there are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from dnaf.core import environment, locks
from dnaf.core.device import default_device
from dnaf.core.progress import track
from dnaf.core.workers import thread_map

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
        chunks: Sequence[Sequence[Item]],
        prepare: Callable[[Sequence[Item]], Prepared],
        finish: Callable[[Prepared], Result],
        description: str,
    ) -> list[Result]:
        """Results of all chunks in order, from all processes, in each of them.

        Args:
            prepare: runs in threads, on the next chunks while the present one is finished.
            finish: runs in this thread, chunk after chunk: what needs a network.
        """
        numbers = range(self.index, len(chunks), self.count)
        prepared = thread_map(prepare, (chunks[number] for number in numbers))
        if self.index == 0:
            prepared = track(prepared, f"{description} (batches)", len(numbers))
        own = [(number, finish(chunk)) for number, chunk in zip(numbers, prepared, strict=True)]
        return [result for _, result in sorted(self._gather(own), key=lambda pair: pair[0])]

    @contextmanager
    def locked(self, folder: Path) -> Iterator[None]:
        """Holds a folder, which all processes see, for this run; the first process holds it for the others.

        Raises:
            StateError: another run writes to the folder.
        """
        with locks.sole_writer(folder) if self.index == 0 else nullcontext():
            self._gather([])  # nobody writes before the folder is held, and cleared of left-overs
            yield

    def _gather(self, own: list[tuple[int, Result]]) -> list[tuple[int, Result]]:
        if self.count == 1:
            return own
        from accelerate.utils import gather_object

        every: list[tuple[int, Result]] = gather_object(own)
        return every


def alone() -> Shards:
    """One process, which does all of the work."""
    return Shards(0, 1, default_device())


@contextmanager
def open_shards() -> Iterator[Shards]:
    """Finds out whether this process is one of several."""
    if environment.number("WORLD_SIZE", 1) == 1:
        yield alone()
        return
    from accelerate import PartialState

    # Without an accelerator it takes every process for the only one, unless it is told.
    state = PartialState(cpu=default_device().type == "cpu")
    try:
        yield Shards(state.process_index, state.num_processes, state.device)
    finally:
        state.destroy_process_group()
