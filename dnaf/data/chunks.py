"""Long work in chunks that survives a kill: finished chunks stay in a scratch folder until all are done.

Each is an image store of its own. A damaged one is made again, whatever the damage is.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import StateError
from dnaf.core.progress import note
from dnaf.core.shards import Shards, alone
from dnaf.data.store import ImageStore, write_store

Array = NDArray[Any]
Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


class FinishedChunks:
    """The finished chunks of one piece of work, by number.

    Args:
        folder: belongs to this work alone, and is the folder of another work as soon as a chunk would come
            out differently; what its key does not cover goes into `made_from`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note_resumption(self, num_chunks: int) -> None:
        """Says how many chunks an interrupted run finished, if any."""
        finished = sum(self._path(number).exists() for number in range(num_chunks))
        if finished:
            note(f"Resuming: {finished:,} of {num_chunks:,} chunks are done")

    def make(
        self,
        chunks: Sequence[Item],
        prepare: Callable[[Item], Prepared],
        finish: Callable[[Item, Prepared], Mapping[str, bytes]],
        shards: Shards,
        description: str,
    ) -> None:
        """Makes and keeps all chunks that no interrupted run finished; ends when all processes have.

        Args:
            prepare: runs in threads, on the next chunks while the present one is finished.
            finish: gives the contents of a chunk by name.

        Raises:
            ResourceError: disk full.
        """

        def prepare_missing(number: int) -> tuple[int, list[Prepared]]:
            return number, [] if self.load(number) is not None else [prepare(chunks[number])]

        def keep(missing: tuple[int, list[Prepared]]) -> None:
            number, prepared = missing
            for each in prepared:
                self.save(number, finish(chunks[number], each))

        if shards.index == 0:
            self.note_resumption(len(chunks))
        shards.run(range(len(chunks)), prepare_missing, keep, description)

    def make_arrays(
        self, chunks: Sequence[Item], make: Callable[[Item], Mapping[str, Array]], description: str
    ) -> dict[str, Array]:
        """Arrays by name, each of all chunks one after the other, made by this process alone.

        Raises:
            ResourceError: disk full.
        """

        def as_bytes(chunk: Item, _: object) -> dict[str, bytes]:
            return {name: to_bytes(array) for name, array in make(chunk).items()}

        self.make(chunks, lambda chunk: None, as_bytes, alone(), description)
        kept = [self.read(number) for number in range(len(chunks))]
        return {name: np.concatenate([from_bytes(each[name]) for each in kept]) for name in kept[0]}

    def load(self, number: int, made_from: str = "") -> dict[str, bytes] | None:
        """The contents of a chunk by name, every byte as it was written; None if it has to be made."""
        path = self._path(number)
        if not path.exists():
            return None
        try:
            store = ImageStore(path)
            if store.info.get("made_from") != made_from:
                return None
            return {name: store.read(name) for name in store.names}
        except StateError:
            note(f"warning: {path}: damaged. This chunk is made again.")
            return None

    def read(self, number: int) -> dict[str, bytes]:
        """The contents of a chunk that this run has made or loaded.

        Raises:
            StateError: it was damaged since.
        """
        store = ImageStore(self._path(number))
        return {name: store.read(name) for name in store.names}

    def members(self, num_chunks: int) -> Iterator[tuple[str, bytes]]:
        """Names and contents of all chunks, in order, of which one at a time is in memory.

        Raises:
            StateError: as of `read`.
        """
        for number in range(num_chunks):
            yield from self.read(number).items()

    def save(self, number: int, contents: Mapping[str, bytes], made_from: str = "") -> None:
        """Keeps a chunk.

        Raises:
            ResourceError: disk full.
        """
        with write_store(self._path(number), {"made_from": made_from}) as store:
            for name, data in contents.items():
                store.add(name, data)

    def _path(self, number: int) -> Path:
        return self._folder / f"chunk-{number:06d}.zip"


def to_bytes(array: Array) -> bytes:
    """An array as content of a chunk."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Array:
    """The array that `to_bytes` was given."""
    array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    return array
