"""The cipher agrees with Python's own decryptor, and is its own inverse."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from dnaf.data.archives import zipcrypto
from dnaf.data.demo.encrypted_zip import write_encrypted_zip


def _payloads(lengths: list[int]) -> list[bytes]:
    rng = np.random.default_rng(0)
    return [rng.bytes(length) for length in lengths]


# One member; few (integers only); many of one length; many whose tails outlast the vectorised part; more
# bytes than one block.
LENGTHS = [
    [100],
    [0, 1, 5],
    [300] * 40,
    [0, 0, 1, 2, *range(50, 450, 10), 5000],
    [9000] * 30 + [4096, 4095, 4097],
]


@pytest.mark.parametrize("lengths", LENGTHS, ids=lambda lengths: f"{len(lengths)} members")
def test_decryption_inverts_encryption(lengths: list[int]) -> None:
    payloads = _payloads(lengths)
    crcs = [zlib.crc32(payload) for payload in payloads]
    encrypted = zipcrypto.encrypt(payloads, crcs, b"secret", np.random.default_rng(1))
    assert [len(data) for data in encrypted] == [length + zipcrypto.HEADER_SIZE for length in lengths]
    assert zipcrypto.decrypt(encrypted, b"secret") == payloads


def test_result_does_not_depend_on_the_members_beside_it() -> None:
    payloads = _payloads(list(range(0, 900, 13)))
    together = zipcrypto.decrypt([bytes(12) + payload for payload in payloads], b"k")
    alone = [zipcrypto.decrypt([bytes(12) + payload], b"k")[0] for payload in payloads]
    assert together == alone


def test_nothing_is_decrypted_from_nothing() -> None:
    assert zipcrypto.decrypt([], b"k") == []


def test_payload_shorter_than_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 12 bytes"):
        zipcrypto.decrypt([b"12345678901"], b"k")


def test_wrong_password_gives_noise() -> None:
    payload = bytes(1000)
    encrypted = zipcrypto.encrypt([payload], [zlib.crc32(payload)], b"right", np.random.default_rng(0))
    assert zipcrypto.decrypt(encrypted, b"wrong") != [payload]


@pytest.mark.parametrize("password", ["demo", "pässwörd", "x" * 200])
def test_written_archive_is_read_by_the_standard_library(tmp_path: Path, password: str) -> None:
    members = {f"folder/{index}.bin": data for index, data in enumerate(_payloads([0, 1, 2000, *[70] * 40]))}
    path = tmp_path / "a.zip"
    write_encrypted_zip(path, members, password.encode(), np.random.default_rng(0))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == list(members)
        assert all(info.flag_bits & 1 for info in archive.infolist())
        assert {name: archive.read(name, password.encode()) for name in members} == members


@pytest.mark.parametrize("number", [0xFFFF - 1, 0xFFFF, 0xFFFF + 1])
def test_archives_of_more_members_than_sixteen_bits_count_are_read(tmp_path: Path, number: int) -> None:
    path = tmp_path / "many.zip"
    members = {f"{index:x}": b"%d" % index for index in range(number)}
    write_encrypted_zip(path, members, b"secret", np.random.default_rng(0))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == list(members)
        assert archive.read(f"{number - 1:x}", pwd=b"secret") == b"%d" % (number - 1)
