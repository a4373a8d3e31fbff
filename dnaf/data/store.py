"""An image store: many images in one stored (uncompressed) zip with fixed time stamps.

Any file manager opens it, random access is as fast as loose files, and DVC handles one file instead of
52,712. Its last member, `manifest.json`, holds size and sha256 of every other member; a store without it
is not complete, and every read is checked against it.

A store of very many members is a folder of such zips, with a `manifest.json` of its own, under the same name:
where one image has changed, DVC moves one of them.
"""

import hashlib
import json
import math
import os
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dnaf.core import files, images
from dnaf.core.errors import DataError, StateError, one_line
from dnaf.core.filenames import folded, shown, unsafe
from dnaf.core.files import MANIFEST, fingerprint

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # same content, same bytes, same hash for DVC
_MOST_IN_A_FILE = 131_072  # members: the pose maps of DeepFashion, 105,424, are one file
_MOST_IN_A_VOLUME = 2_048  # half a hundredth of 409,270 images
_LOCAL_HEADER = struct.Struct("<26xHH")  # before each content: ..., lengths of its name and of what follows
_MEMBER = np.dtype([("volume", "u4"), ("header", "i8"), ("size", "i8"), ("sha256", "V32")])


class StoreWriter:
    """Adds members to a store under construction; see `write_store`."""

    def __init__(
        self, stack: ExitStack, place: Callable[[int], AbstractContextManager[IO[bytes]]], most: float
    ) -> None:
        """Begins the first file.

        Args:
            stack: holds the file at hand; leaving it by an error abandons that.
            place: gives the file with this number, from 0.
            most: members of a file.
        """
        self._stack, self._place, self._most = stack, place, most
        self.volumes: list[str] = []  # fingerprints of the members of each that is finished
        self._folded = {MANIFEST}
        self._begin()

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
        if len(self._files) == self._most:
            self.finish_volume()
            self._begin()
        self._folded.add(folded(name))
        self._archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), data)
        self._files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def add_image(self, name: str, image: images.Pixels) -> None:
        """Adds uint8 RGB (H, W, 3) as PNG."""
        self.add(name, images.encode_png(image))

    def finish(self, info: Mapping[str, Any]) -> None:
        """Completes the file at hand."""
        manifest = {"files": self._files, "info": dict(info)}
        self._archive.writestr(zipfile.ZipInfo(MANIFEST, _FIXED_TIME), json.dumps(manifest))
        self._stack.close()

    def finish_volume(self) -> None:
        """Completes the file at hand as one of several."""
        self.finish({})
        self.volumes.append(fingerprint(self._files))

    def _begin(self) -> None:
        file = self._stack.enter_context(self._place(len(self.volumes)))
        self._archive = self._stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_STORED))
        self._files: dict[str, dict[str, Any]] = {}


@contextmanager
def write_store(path: Path, info: Mapping[str, Any], num_members: int = 0) -> Iterator[StoreWriter]:
    """Gives a writer; the store appears under `path` when the block ends without an error.

    Args:
        info: where the content comes from (counts, sizes, digests); JSON-able, kept in the manifest. Read
            when the block ends, so it may be filled inside the block.
        num_members: how many there will be, which decides between one file and a folder of several.
    """
    if num_members <= _MOST_IN_A_FILE:
        with ExitStack() as stack:
            writer = StoreWriter(stack, lambda number: files.atomic_file(path), math.inf)
            yield writer
            if path.is_dir():  # from when there were more
                files.remove_folder(path)
            writer.finish(info)
        return
    with files.atomic_folder(path) as folder, ExitStack() as stack:
        writer = StoreWriter(
            stack, lambda number: files.atomic_file(folder / _volume(number)), _MOST_IN_A_VOLUME
        )
        yield writer
        writer.finish_volume()
        files.write_json(folder / MANIFEST, {"volumes": writer.volumes, "info": dict(info)})


class ImageStore:
    """Reads a store; safe to pickle, and to use in threads and forked workers.

    Attributes:
        info: what the writer said about the content.
        names: members in the order they were written, without the manifest.

    Raises:
        StateError: no such store, not a zip, or without its manifest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = _Opened(os.getpid())
        try:
            self._read_tables()
            self._opened.file(self._files[0])  # what is read later is of this store, whatever takes its place
        except Exception as error:  # a damaged directory makes zipfile raise anything
            raise StateError(
                f"{path}: not a complete image store ({one_line(error)}). Run the stage that writes it again."
            ) from error

    def _read_tables(self) -> None:
        whole = files.read_json(self.path / MANIFEST) if self.path.is_dir() else None
        self._volumes: list[str] | None = None if whole is None else list(whole["volumes"])
        self._files = (
            [self.path] if whole is None else [self.path / _volume(n) for n in range(len(whole["volumes"]))]
        )
        self.names: list[str] = []
        tables = []
        for number, file in enumerate(self._files):
            manifest, table = _read_file(file, number)
            if self._volumes is not None and fingerprint(manifest["files"]) != self._volumes[number]:
                raise StateError(f"{file.name}: of another store")
            self.names += manifest["files"]
            tables.append(table)
        self.info: dict[str, Any] = dict((whole or manifest)["info"])
        # A row a member and no object: of a million, they would be what the process consists of.
        self._members = np.concatenate(tables)
        self._index = {name: index for index, name in enumerate(self.names)}

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self.names)

    def fingerprint(self) -> str:
        """A digest of all names and contents."""
        if self._volumes is not None:
            return fingerprint(self._volumes)
        sizes = self._members["size"].tolist()
        return fingerprint(
            {
                name: {"size": size, "sha256": self.digest(name)}
                for name, size in zip(self.names, sizes, strict=True)
            }
        )

    def digest(self, name: str) -> str:
        """Sha256 of a member's bytes, from the manifest."""
        return bytes(self._members[self._index[name]]["sha256"]).hex()

    def read(self, name: str) -> bytes:
        """The bytes of a member, checked against the manifest.

        Raises:
            StateError: no such member, or its content is damaged.
        """
        try:
            expected, data = self.digest(name), self._content(name)
        except (KeyError, OSError, struct.error) as error:
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

    def _content(self, name: str) -> bytes:
        if self._opened.pid != os.getpid():
            self._opened = _Opened(os.getpid())
        member = self._members[self._index[name]]
        return self._opened.read(self._files[member["volume"]], int(member["header"]), int(member["size"]))


class _Opened:
    """The files of a store that a process has open; threads seek and read in turn."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._files: dict[Path, IO[bytes]] = {}
        self._turn = threading.Lock()

    def file(self, path: Path) -> IO[bytes]:
        if path not in self._files:
            self._files[path] = open(path, "rb")  # noqa: SIM115
        return self._files[path]

    def read(self, path: Path, header: int, size: int) -> bytes:
        """The content that follows a local header."""
        with self._turn:
            file = self.file(path)
            file.seek(header)
            file.seek(sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))), 1)
            return file.read(size)

    def __reduce__(self) -> tuple[type["_Opened"], tuple[int]]:
        return _Opened, (0,)  # no handle and no lock goes to another process


def _read_file(path: Path, number: int) -> tuple[dict[str, Any], NDArray[Any]]:
    """The manifest of a zip, and where each of its members is."""
    with zipfile.ZipFile(path) as archive:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        rows = [
            (number, archive.getinfo(name).header_offset, entry["size"], bytes.fromhex(entry["sha256"]))
            for name, entry in manifest["files"].items()
        ]
    return manifest, np.array(rows, _MEMBER)


def _volume(number: int) -> str:
    return f"{number:06d}.zip"
