"""Long work in chunks that survives a kill: finished chunks stay in a scratch folder until all are done.

Each is an image store of its own. A damaged one is made again, whatever the damage is.
"""

from collections.abc import Mapping
from pathlib import Path

from dnaf.core.errors import StateError
from dnaf.core.progress import note
from dnaf.data.store import ImageStore, write_store


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

    def _path(self, number: int) -> Path:
        return self._folder / f"chunk-{number:06d}.zip"
