"""A mutated archive is read as it was, or refused with a DnafError; nothing else, and nothing is written."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyzipper

from dnaf.core.errors import DnafError
from dnaf.data.archives.open import open_archive
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from tests.helpers.rar_writer import write_rar

MEMBERS = {f"img/WOMEN/Dresses/id_0000000{n}/01_1_front.jpg": bytes(range(40)) * n for n in range(1, 5)}

Mutation = Callable[[bytearray, np.random.Generator], None]


def flip_bit(data: bytearray, rng: np.random.Generator) -> None:
    data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))


def truncate(data: bytearray, rng: np.random.Generator) -> None:
    del data[rng.integers(len(data)) :]


def insert(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 50)))


def delete(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    del data[at : at + int(rng.integers(1, 50))]


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = data[at : at + int(rng.integers(1, 200))]


def splice(data: bytearray, rng: np.random.Generator) -> None:
    source, target = rng.integers(len(data), size=2).tolist()
    length = int(rng.integers(1, 50))
    data[target : target + length] = data[source : source + length]


def set_directory_field(data: bytearray, rng: np.random.Generator) -> None:
    start = data.find(b"PK\x01\x02")
    if start >= 0:
        at = start + int(rng.integers(max(1, len(data) - start)))
        data[at : at + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000])).to_bytes(4, "little")


MUTATIONS: tuple[Mutation, ...] = (flip_bit, truncate, insert, delete, repeat, splice, set_directory_field)


def archives(folder: Path) -> list[bytes]:
    rng = np.random.default_rng(0)
    write_encrypted_zip(folder / "encrypted.zip", MEMBERS, b"demo", rng)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(folder / f"plain{method}.zip", "w", method) as archive:
            for name, data in MEMBERS.items():
                archive.writestr(name, data)
    with pyzipper.AESZipFile(folder / "aes.zip", "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"demo")
        for name, data in MEMBERS.items():
            archive.writestr(name, data)
    for mode in ("w", "w:gz"):
        with tarfile.open(folder / f"{mode.replace(':', '-')}.tar", mode) as archive:
            for name, data in MEMBERS.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    write_rar(folder / "a.rar", MEMBERS)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def has_checksums(data: bytes) -> bool:
    """A plain tar has none of its members' contents: damage shows in names and sizes only."""
    return data[257:262] != b"ustar"


def _read(path: Path) -> tuple[dict[str, bytes], str | None]:
    """What an archive yields, and the message with which it is refused; any other exception is a failure."""
    contents = {}
    try:
        with open_archive(path) as archive:
            for name, data in archive.read(archive.names, "demo"):
                contents[name] = data
    except DnafError as error:
        return contents, str(error)
    return contents, None


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_mutated_archive_is_valid_or_a_named_error(tmp_path: Path, count: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    originals = archives(source)
    known_crcs = {zlib.crc32(data) for data in MEMBERS.values()}
    num_refused = 0
    for case in range(count):
        rng = np.random.default_rng([7, case])
        data = bytearray(originals[case % len(originals)])
        for index in rng.integers(len(MUTATIONS), size=rng.integers(1, 4)):
            if data:
                MUTATIONS[index](data, rng)
        path = target / "mutated.zip"
        path.write_bytes(data)
        contents, refusal = _read(path)
        num_refused += refusal is not None
        is_checked = has_checksums(originals[case % len(originals)])
        if refusal is not None:
            assert refusal.startswith(str(path)), case
            assert "\n" not in refusal, case
        if is_checked:
            assert all(data == b"" or zlib.crc32(data) in known_crcs for data in contents.values()), case
        assert [entry.name for entry in target.iterdir()] == ["mutated.zip"], case
    assert count / 3 < num_refused < count
