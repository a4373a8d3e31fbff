"""Work divided over the processes of `accelerate launch`; one process does all of it otherwise.

Work is cut into chunks before it is divided, so that a chunk holds the same images, and gives the same
numbers, however many processes there are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dnaf.core import environment, locks
from dnaf.core.progress import track
from dnaf.core.workers import thread_map

if TYPE_CHECKING:  # stages without a network share their work too, and need no PyTorch for it alone
    import torch

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Shards:
    """This process among those that share the work.

    Attributes:
        index: from 0.
        count: number of processes.
        chosen: what this process computes on; None: the default.
    """

    index: int
    count: int
    chosen: "torch.device | None" = None

    @property
    def device(self) -> "torch.device":
        """What this process computes on."""
        if self.chosen is not None:
            return self.chosen
        from dnaf.core.device import default_device

        return default_device()

    def has(self, number: int) -> bool:
        """Whether this process does the chunk with this number."""
        return number % self.count == self.index

    def run(
        self,
        chunks: Sequence[Item],
        prepare: Callable[[Item], Prepared],
        finish: Callable[[Prepared], Result],
        description: str,
    ) -> list[Result]:
        """Results of all chunks in order, from all processes, in each of them.

        Args:
            prepare: runs in threads, on the next chunks while the present one is finished.
            finish: runs in this thread, chunk after chunk: what needs a network.
        """
        numbers = [number for number in range(len(chunks)) if self.has(number)]
        prepared = thread_map(prepare, (chunks[number] for number in numbers))
        if self.index == 0:
            prepared = track(prepared, f"{description} (batches)", len(numbers))
        own = [(number, finish(chunk)) for number, chunk in zip(numbers, prepared, strict=True)]
        return [result for _, result in sorted(self.gather(own), key=lambda pair: pair[0])]

    @contextmanager
    def locked(self, folder: Path) -> Iterator[None]:
        """Holds a folder, which all processes see, for this run; the first process holds it for the others.

        Raises:
            StateError: another run writes to the folder.
        """
        with locks.sole_writer(folder) if self.index == 0 else nullcontext():
            self.wait()  # nobody writes before the folder is held, and cleared of left-overs
            yield

    def wait(self) -> None:
        """Until all processes are here."""
        self.gather([])

    def gather(self, own: list[tuple[int, Result]]) -> list[tuple[int, Result]]:
        """What all processes have, in each of them: results with the numbers of their chunks, in no order."""
        if self.count == 1:
            return own
        from accelerate.utils import gather_object

        every: list[tuple[int, Result]] = gather_object(own)
        return every


def alone() -> Shards:
    """One process, which does all of the work."""
    return Shards(0, 1)


@contextmanager
def open_shards() -> Iterator[Shards]:
    """Finds out whether this process is one of several."""
    if environment.number("WORLD_SIZE", 1) == 1:
        yield alone()
        return
    from accelerate import PartialState

    from dnaf.core.device import default_device

    # Without an accelerator it takes every process for the only one, unless it is told.
    state = PartialState(cpu=default_device().type == "cpu")
    try:
        yield Shards(state.process_index, state.num_processes, state.device)
    finally:
        state.destroy_process_group()
