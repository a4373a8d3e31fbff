"""An image store: many images in one stored (uncompressed) zip with fixed time stamps.

Any file manager opens it, random access is as fast as loose files, and DVC handles one file instead of
52,712. Its last member, `manifest.json`, holds size and sha256 of every other member; a store without it
is not complete, and every read is checked against it.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dnaf.core import images
from dnaf.core.errors import DataError, StateError, one_line
from dnaf.core.filenames import folded, shown, unsafe
from dnaf.core.files import MANIFEST, atomic_file, fingerprint

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # same content, same bytes, same hash for DVC


class StoreWriter:
    """Adds members to a store under construction; see `write_store`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._files: dict[str, dict[str, Any]] = {}
        self._folded = {MANIFEST}

    def add(self, name: str, data: bytes) -> None:
        """Adds a file verbatim; a name added before is a bug (ValueError).

        Raises:
            DataError: the name would leave a folder into which people unpack the store, or is not portable.
        """
        if folded(name) in self._folded:
            raise ValueError(f"{name}: added twice")
        problem = unsafe(name)
        if problem:
            raise DataError(f"{shown(name)}: cannot be stored (found {problem}). Rename the file.")
        self._folded.add(folded(name))
        self._archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), data)
        self._files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def add_image(self, name: str, image: images.Pixels) -> None:
        """Adds uint8 RGB (H, W, 3) as PNG."""
        self.add(name, images.encode_png(image))

    def finish(self, info: Mapping[str, Any]) -> None:
        manifest = {"files": self._files, "info": dict(info)}
        self._archive.writestr(zipfile.ZipInfo(MANIFEST, _FIXED_TIME), json.dumps(manifest))


@contextmanager
def write_store(path: Path, info: Mapping[str, Any]) -> Iterator[StoreWriter]:
    """Gives a writer; the store appears under `path` when the block ends without an error.

    Args:
        info: where the content comes from (counts, sizes, digests); JSON-able, kept in the manifest. Read
            when the block ends, so it may be filled inside the block.
    """
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        writer = StoreWriter(archive)
        yield writer
        writer.finish(info)


class ImageStore:
    """Reads a store; safe to pickle and to use in forked workers (each process opens its own handle).

    Attributes:
        info: what the writer said about the content.
        names: members in the order they were written, without the manifest.

    Raises:
        StateError: no such store, not a zip, or without its manifest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        try:
            manifest = json.loads(self._archive().read(MANIFEST))
            self._files: dict[str, dict[str, Any]] = dict(manifest["files"])
            self.info: dict[str, Any] = dict(manifest["info"])
        except Exception as error:  # a damaged directory makes zipfile raise anything
            raise StateError(
                f"{path}: not a complete image store ({one_line(error)}). Run the stage that writes it again."
            ) from error
        self.names: list[str] = list(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __len__(self) -> int:
        return len(self._files)

    def fingerprint(self) -> str:
        """A digest of all names and contents."""
        return fingerprint(self._files)

    def digest(self, name: str) -> str:
        """Sha256 of a member's bytes, from the manifest."""
        return str(self._files[name]["sha256"])

    def read(self, name: str) -> bytes:
        """The bytes of a member, checked against the manifest.

        Raises:
            StateError: no such member, or its content is damaged.
        """
        try:
            data, expected = self._archive().read(name), self.digest(name)
        except Exception as error:  # a damaged header makes zipfile raise anything
            raise StateError(
                f"{self.path}: {name} cannot be read ({one_line(error)}). Run the stage that writes it again."
            ) from error
        if hashlib.sha256(data).hexdigest() != expected:
            raise StateError(
                f"{self.path}: {name} differs from its manifest. Run the stage that writes it again."
            )
        return data

    def image(self, name: str) -> images.Pixels:
        """A PNG that this package encoded, as uint8 RGB (H, W, 3)."""
        return images.decode_png(self.read(name))

    def _archive(self) -> zipfile.ZipFile:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), zipfile.ZipFile(self.path))
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}
