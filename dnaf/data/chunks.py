"""Long work in chunks that survives a kill: finished chunks stay in a scratch folder until all are done.

Each is an image store of its own. A damaged one is made again, whatever the damage is.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import StateError
from dnaf.core.progress import note
from dnaf.data.store import ImageStore, write_store

Array = NDArray[Any]


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

    def save(self, number: int, contents: Mapping[str, bytes], made_from: str = "") -> None:
        """Keeps a chunk.

        Raises:
            ResourceError: disk full.
        """
        with write_store(self._path(number), {"made_from": made_from}) as store:
            for name, data in contents.items():
                store.add(name, data)

    def arrays(self, number: int, make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
        """A chunk that is arrays by name: what an interrupted run kept of it, or else made now, and kept.

        Raises:
            ResourceError: disk full.
        """
        contents = self.load(number)
        if contents is None:
            contents = {}
            for name, array in make().items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                contents[name] = buffer.getvalue()
            self.save(number, contents)
        return {name: np.load(io.BytesIO(data), allow_pickle=False) for name, data in contents.items()}

    def _path(self, number: int) -> Path:
        return self._folder / f"chunk-{number:06d}.zip"
