"""Hostile, damaged and mistaken archives are refused with one sentence, and nothing is yielded from them."""

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.archives import checks, zipcrypto
from dnaf.data.archives import zip as zip_archive
from dnaf.data.archives.open import open_archive
from dnaf.data.demo.encrypted_zip import write_encrypted_zip

MEMBERS = {
    "img/WOMEN/a.jpg": b"first" * 40,
    "img/WOMEN/b.jpg": b"second" * 30,
    "img/MEN/c.jpg": np.random.default_rng(0).bytes(900),
}


def _write(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as writer:
        for name, data in members.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # past zipfile's own cleaning of names
            info.compress_type = method
            writer.writestr(info, data)
    return path


def _encrypted(path: Path, password: bytes = b"right") -> Path:
    write_encrypted_zip(path, MEMBERS, password, np.random.default_rng(0))
    return path


def _read_all(path: Path, password: str | None = None) -> dict[str, bytes]:
    with open_archive(path) as opened:
        return dict(opened.read(opened.names, password))


def _refusal(path: Path, password: str | None = None) -> str:
    """The message with which an archive is refused before anything is yielded."""
    yielded = []
    with pytest.raises(DataError) as refused, open_archive(path) as opened:
        yielded.extend(opened.read(opened.names, password))
    assert yielded == []
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_plain_archive_is_read_verbatim(tmp_path: Path, method: int) -> None:
    path = _write(tmp_path / "a.zip", {"img/": b"", **MEMBERS}, method)
    assert _read_all(path) == MEMBERS


def test_encrypted_archive_is_read_verbatim(tmp_path: Path) -> None:
    path = _encrypted(tmp_path / "a.zip")
    assert _read_all(path, "right") == MEMBERS
    with open_archive(path) as opened:
        assert opened.is_encrypted
        assert {name: opened.size(name) for name in opened.names} == {
            name: len(data) for name, data in MEMBERS.items()
        }


def test_only_the_named_members_are_read_in_the_archives_order(tmp_path: Path) -> None:
    names = list(MEMBERS)
    with open_archive(_write(tmp_path / "a.zip", MEMBERS)) as opened:
        assert [name for name, _ in opened.read([names[2], names[0]])] == [names[0], names[2]]
        with pytest.raises(DataError, match=r"no such member \(expected d\.jpg\)"):
            list(opened.read(["d.jpg"]))


@pytest.mark.parametrize("batch_members", [1, 2])
def test_batches_do_not_change_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_members: int
) -> None:
    monkeypatch.setattr(zip_archive, "_BATCH_MEMBERS", batch_members)
    assert _read_all(_encrypted(tmp_path / "a.zip"), "right") == MEMBERS


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "a/../../evil.jpg",
        "..",
        "/etc/passwd",
        "//host/share",
        "C:/evil.jpg",
        "c:evil.jpg",
        "a\\..\\evil.jpg",
        "a\x00b.jpg",
        "a\nb.jpg",
        "a/./b.jpg",
        "a//b.jpg",
        "a./b.jpg",
        "a /b.jpg",
        "b.jpg.",
        "con",
        "NUL.jpg",
        "a/com1.jpg/x",
        "x" * 256,
        "é" * 128,
        "\x7f",
        "a\x9bb.jpg",
        "a\u2028b.jpg",
        "a\u202egpj.exe",
        "a\u2066b.jpg",
    ],
)
def test_unsafe_name_refuses_the_whole_archive(tmp_path: Path, name: str) -> None:
    message = _refusal(_write(tmp_path / "a.zip", {**MEMBERS, name: b"x"}))
    assert "unsafe member name" in message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/b.jpg", "a/B.jpg"),
        ("a/b.jpg", "A/b.jpg"),
        ("straße.jpg", "STRASSE.jpg"),
        ("\u00e9.jpg", "e\u0301.jpg"),
        ("a", "a/b.jpg"),
        ("A/b.jpg", "a"),
        ("a", "a/"),
        ("a/b", "A/B/c/d.jpg"),
    ],
)
def test_members_that_meet_in_one_file_refuse_the_whole_archive(
    tmp_path: Path, first: str, second: str
) -> None:
    message = _refusal(_write(tmp_path / "a.zip", {first: b"1", second: b"" if second[-1] == "/" else b"2"}))
    assert "two members meet in one file" in message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_listed_twice_refuses_the_whole_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as writer:
        writer.writestr("a.jpg", b"1")
        writer.writestr("a.jpg", b"2")
    assert "two members meet in one file" in _refusal(tmp_path / "a.zip")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("a.jpg")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as writer:
        writer.writestr(info, "/etc/passwd")
    assert "a.jpg: a link or device" in _refusal(tmp_path / "a.zip")


def test_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", {"a.jpg": bytes(3_000_000)})
    assert "packed too tightly" in _refusal(path)


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MAX_MEMBERS", 2, "too many members"),
        ("MAX_MEMBER_BYTES", 800, "too large"),
        ("MAX_TOTAL_BYTES", 1000, "too large"),
    ],
)
def test_limits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    monkeypatch.setattr(checks, limit, value)
    assert reason in _refusal(_write(tmp_path / "a.zip", MEMBERS))


def _patched(path: Path, central_offset: int, layout: str, value: int) -> Path:
    """Overwrites a field of the first member's entry in the central directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(b"PK\x01\x02") + central_offset, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("lie", [-1, 1, 100])
def test_member_of_another_size_than_told_is_refused(tmp_path: Path, lie: int) -> None:
    path = _write(tmp_path / "a.zip", MEMBERS)
    assert "damaged content" in _refusal(_patched(path, 24, "<I", len(MEMBERS["img/WOMEN/a.jpg"]) + lie))


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", MEMBERS, zipfile.ZIP_STORED)
    assert "members overlap" in _refusal(_patched(path, 20, "<I", 400))


def test_unsupported_method_names_the_tool_to_use(tmp_path: Path) -> None:
    message = _refusal(_patched(_write(tmp_path / "a.zip", MEMBERS), 10, "<H", 14))
    assert "unsupported method" in message
    assert "7z" in message


def test_missing_password_is_told_with_the_variable(tmp_path: Path) -> None:
    message = _refusal(_encrypted(tmp_path / "a.zip"))
    assert "password needed (member img/" in message
    assert "DNAF_ARCHIVE_PASSWORD" in message


def test_a_thousand_wrong_passwords_yield_nothing(tmp_path: Path) -> None:
    path = _encrypted(tmp_path / "a.zip")
    rng = np.random.default_rng(2)
    with zipfile.ZipFile(path) as reader:
        smallest = min(reader.infolist(), key=lambda info: info.compress_size)
    past_check_byte = 0
    for _ in range(1000):
        password = rng.bytes(6).hex()
        past_check_byte += _passes_check_byte(path, smallest, password)
        assert f"{path}: wrong password (member img/" in _refusal(path, password)
    assert past_check_byte >= 3  # these would leave garbage if only the check byte were looked at


def _passes_check_byte(path: Path, info: zipfile.ZipInfo, password: str) -> bool:
    try:
        with zipfile.ZipFile(path) as reader:
            reader.open(info, pwd=password.encode()).close()
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize("password", ["pässwörd", "密码", "\udce9t\udce9"])
def test_passwords_may_be_any_bytes_of_the_environment(tmp_path: Path, password: str) -> None:
    path = _encrypted(tmp_path / "a.zip", os.fsencode(password))
    assert _read_all(path, password) == MEMBERS
    assert "wrong password" in _refusal(path, password[1:])


def _stored_and_encrypted(path: Path, members: dict[str, bytes], password: bytes = b"right") -> Path:
    """As `zip -0 -e` writes it: members with their payloads, whose headers are then made to say so."""
    crcs = [zlib.crc32(data) for data in members.values()]
    payloads = zipcrypto.encrypt(list(members.values()), crcs, password, np.random.default_rng(0))
    _write(path, dict(zip(members, payloads, strict=True)), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = [info.header_offset for info in archive.infolist()]
        central = archive.start_dir
    for start, name, crc in zip(local, members, crcs, strict=True):
        central = data.index(b"PK\x01\x02", central)
        for header, flags_at, crc_at, size_at in ((start, 6, 14, 22), (central, 8, 16, 24)):
            struct.pack_into("<H", data, header + flags_at, 1)
            struct.pack_into("<I", data, header + crc_at, crc)
            struct.pack_into("<I", data, header + size_at, len(members[name]))
        central += 4
    path.write_bytes(data)
    return path


def test_members_that_any_password_opens_do_not_prove_it(tmp_path: Path) -> None:
    tiny = {"empty.txt": b"", "one.txt": b"1"}
    path = _stored_and_encrypted(tmp_path / "a.zip", {**tiny, **MEMBERS})
    assert _read_all(path, "right") == {**tiny, **MEMBERS}
    assert "wrong password (member img/" in _refusal(path, "wrong")


def test_a_password_can_be_tried_before_anything_is_read(tmp_path: Path) -> None:
    path = _encrypted(tmp_path / "a.zip")
    with open_archive(path) as opened:
        opened.check_password("right")
        with pytest.raises(DataError, match="wrong password"):
            opened.check_password("wrong")


def test_password_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    assert "hunter2" not in _refusal(_encrypted(tmp_path / "a.zip"), "hunter2")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    data = _encrypted(tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "a.zip"
    for percent in range(100):
        path.write_bytes(data[: len(data) * percent // 100])
        assert "not a readable zip archive" in _refusal(path, "right")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\n <!DOCTYPE html><html>Quota exceeded", "an HTML page"),
        (b"PK\x03\x04" + bytes(99), "a truncated zip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\xff\xd8\xff\xe0", "unknown content"),
    ],
)
def test_file_of_another_type_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    assert f"found {kind}" in _refusal(tmp_path / "a.zip")


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "could not be read" in _refusal(tmp_path / "a.zip")


def test_damaged_member_is_named_after_the_good_ones_before_it(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.zip", MEMBERS, zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"second", b"sEcond", 1))
    with open_archive(path) as opened:
        contents = opened.read(opened.names)
        assert next(contents)[0] == "img/WOMEN/a.jpg"
        with pytest.raises(DataError, match=r"damaged content \(member img/WOMEN/b\.jpg\)"):
            next(contents)


def test_archive_with_bytes_before_it_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO(b"#!/bin/sh\n")
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a") as writer:
        writer.writestr("a.jpg", b"1")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    assert _read_all(tmp_path / "a.zip") == {"a.jpg": b"1"}
