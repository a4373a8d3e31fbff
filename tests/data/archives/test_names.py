"""Every name that an archive gives a member passes the checks, on every version of Python."""

import io
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.data.archives.open import open_archive
from dnaf.data.store import write_store
from tests.data.archives.test_containers import (
    EVERY,
    Writer,
    read,
    write_aes,
    write_folder,
    write_tar,
    write_zip,
)


def unicode_path(name: str, other: str, crc: int | None = None) -> bytes:
    """The extra field by which a zip gives a member another name (APPNOTE 4.6.9)."""
    crc = zlib.crc32(name.encode()) if crc is None else crc
    data = struct.pack("<BL", 1, crc) + other.encode(errors="surrogateescape")
    return struct.pack("<2H", 0x7075, len(data)) + data


def write_two_names(path: Path, names: Mapping[str, str], **options: int) -> None:
    """A zip whose members have a second name in an extra field; each member's content is its number."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, other) in enumerate(names.items()):
            info = zipfile.ZipInfo(name)
            info.extra = unicode_path(name, other, **options)
            archive.writestr(info, str(number))


@pytest.mark.parametrize("crc", [None, 1], ids=["of this name", "outdated"])
@pytest.mark.parametrize(
    "other",
    [
        *(
            "../../../evil.png",
            "/etc/passwd",
            "C:/evil.png",
            "a\0.png",
            "a\x1b[31m.png",
            "a\u2028.png",
            "con",
        ),
        *("a/../../b.png", "a\u202egpj.exe", "\udce9.png"),
    ],
)
def test_an_unsafe_second_name_refuses_the_archive(tmp_path: Path, other: str, crc: int | None) -> None:
    options = {} if crc is None else {"crc": crc}
    write_two_names(tmp_path / "a.zip", {"a.png": other, "b.png": "b.png"}, **options)
    with pytest.raises(DataError, match=r"unsafe member name|a name is not UTF-8") as refused:
        read(tmp_path / "a.zip")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "names", [{"a.png": "c.png", "b.png": "c.png"}, {"a.png": "C.png", "b.png": "c.png"}]
)
def test_second_names_that_meet_refuse_the_archive(tmp_path: Path, names: dict[str, str]) -> None:
    write_two_names(tmp_path / "a.zip", names)
    with pytest.raises(DataError, match="two members meet in one file"):
        read(tmp_path / "a.zip")


def test_a_second_name_is_used_if_it_is_of_the_first_one(tmp_path: Path) -> None:
    write_two_names(tmp_path / "a.zip", {"#U56fe.png": "图.png", "b.png": "b.png"})
    assert read(tmp_path / "a.zip") == {"图.png": b"0", "b.png": b"1"}
    write_two_names(tmp_path / "a.zip", {"a.png": "图.png", "b.png": "b.png"}, crc=1)
    assert read(tmp_path / "a.zip") == {"a.png": b"0", "b.png": b"1"}


def test_members_of_one_first_name_are_decrypted_by_their_position(tmp_path: Path) -> None:
    write_aes(tmp_path / "a.zip", {"1.png": b"0" * 30, "2.png": b"1" * 30})
    data = (tmp_path / "a.zip").read_bytes().replace(b"2.png", b"1.png")
    directory = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", directory + 1)
    end = data.index(b"PK\5\6")
    entries = [data[directory:second], data[second:end]]
    for index, other in enumerate(("é.png", "ü.png")):
        extra = unicode_path("1.png", other)
        entry = bytearray(entries[index] + extra)
        struct.pack_into("<H", entry, 30, len(entry) - 46 - len("1.png"))
        entries[index] = bytes(entry)
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, len(b"".join(entries)))
    (tmp_path / "a.zip").write_bytes(data[:directory] + b"".join(entries) + tail)
    assert read(tmp_path / "a.zip") == {"é.png": b"0" * 30, "ü.png": b"1" * 30}


def local_name_of_another(data: bytearray) -> None:
    data[data.index(b"a.png")] = ord("x")  # the local header comes first


def local_second_name(data: bytearray) -> None:
    at = data.index(unicode_path("a.png", "a.png"))
    data[at : at + 14] = unicode_path("a.png", "z.png")


@pytest.mark.parametrize("change", [local_name_of_another, local_second_name])
def test_a_local_header_that_gives_another_name_is_refused(
    tmp_path: Path, change: Callable[[bytearray], None]
) -> None:
    write_two_names(tmp_path / "a.zip", {"a.png": "a.png", "b.png": "b.png"})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    change(data)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"damaged or truncated \(member a\.png\)"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize("write", EVERY)
def test_names_are_composed_however_they_are_spelled(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", {unicodedata.normalize("NFD", "Café/é.jpg"): b"1"})
    assert read(tmp_path / "data") == {"Café/é.jpg": b"1"}


def test_utf_8_is_read_also_where_a_zip_does_not_say_so(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"é.jpg": b"1"})
    data = (tmp_path / "a.zip").read_bytes().replace(struct.pack("<H", 0x800), bytes(2))
    (tmp_path / "a.zip").write_bytes(data)
    assert read(tmp_path / "a.zip") == {"é.jpg": b"1"}
    (tmp_path / "a.zip").write_bytes(data.replace("é".encode(), b"\x82."))  # é in code page 437
    assert read(tmp_path / "a.zip") == {"é..jpg": b"1"}


def test_bytes_that_are_no_text_refuse_a_folder_in_one_printable_line(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", {"x\udce9.jpg": b"1"})
    with pytest.raises(DataError, match=r"unsafe member name 'x\\udce9\.jpg': bytes that are no text"):
        read(tmp_path / "data")


def test_a_name_that_goes_on_behind_a_nul_refuses_a_tar(tmp_path: Path) -> None:
    write_tar(tmp_path / "data", {"a.jpg": b"1"})
    data = bytearray((tmp_path / "data").read_bytes())
    data[6:12] = b"b.jpg\0"
    data[148:156] = b"        "
    data[148:156] = b"%06o\0 " % sum(data[:512])
    (tmp_path / "data").write_bytes(data)
    with pytest.raises(DataError, match="a name goes on behind its end"):
        read(tmp_path / "data")


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_long_name_that_goes_on_behind_a_nul_refuses_a_tar(tmp_path: Path, kind: int) -> None:
    with tarfile.open(tmp_path / "data", "w", format=kind) as archive:
        info = tarfile.TarInfo("a" * 120 + "\0" + "b" * 20)
        archive.addfile(info, io.BytesIO())
    with pytest.raises(DataError, match=r"a name goes on behind its end|a control character"):
        read(tmp_path / "data")


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_a_tar_are_read(tmp_path: Path, kind: int) -> None:
    name = f"{'földer/' * 20}{'a' * 120}.jpg"
    with tarfile.open(tmp_path / "data", "w", format=kind) as archive:
        folder = tarfile.TarInfo("földer/" * 20)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo(name)
        info.size = 1
        archive.addfile(info, io.BytesIO(b"1"))
    assert read(tmp_path / "data") == {name: b"1"}


@pytest.mark.parametrize("link", ["a\x1b[2J\nb.jpg", "a\u202eb.jpg", "x" * 5000])
def test_a_link_is_named_in_one_short_printable_line(tmp_path: Path, link: str) -> None:
    info = tarfile.TarInfo(link)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "data", "w") as archive:
        archive.addfile(info)
    with pytest.raises(DataError, match=r"a link or device .* `tar --dereference") as refused:
        read(tmp_path / "data")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("field", "value"), [("offset", 2**64 - 1), ("offset", 2**63), ("size", 2**64 - 1), ("size", 2**40)]
)
def test_numbers_of_64_bits_are_refused_with_a_sentence(tmp_path: Path, field: str, value: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("a.jpg")
        info.extra = struct.pack("<2HQ", 1, 8, value)
        archive.writestr(info, b"1" * 9)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + {"offset": 42, "size": 24}[field], 0xFFFFFFFF)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.zip: a\.jpg: |a\.zip: 'a\.jpg'"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "a\nb.png", "a\\b.png", "a\u2028.png", "nul.png"])
def test_our_own_stores_take_no_unsafe_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be stored"), write_store(tmp_path / "a.zip", {}) as store:
        store.add(name, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_that_is_opened_twice_gives_the_same_names_as_zipfile_for_plain_ones(tmp_path: Path) -> None:
    names = {f"img/{number:05d}.jpg": b"x" for number in range(300)}
    write_zip(tmp_path / "a.zip", names)
    with open_archive(tmp_path / "a.zip") as archive, zipfile.ZipFile(tmp_path / "a.zip") as reference:
        assert archive.names == reference.namelist()
