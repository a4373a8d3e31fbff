"""Archives as everyday programs write them are read, or the sentence says how to pack them again."""

import os
import shutil
import stat
import subprocess
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from tests.data.archives.test_containers import EVERY, Writer, read, write_folder, write_tar

PHOTOS = {"images/Anna/1.jpg": b"1" * 300, "images/Café/2.jpg": b"2" * 300, "images/a b (1).jpg": b"3"}
LEFT_BEHIND = {
    **{"images/.DS_Store": b"x", "__MACOSX/images/Anna/._1.jpg": b"x", "images/Anna/Thumbs.db": b"x"},
    **{"images/desktop.ini": b"x", "images/@eaDir/1.jpg": b"x", "images/1.jpg~": b"x", "images/Icon\r": b"x"},
}
TOOLS = [
    "tar -cf {out} -C {folder} .",
    "tar -czf {out} -C {folder} images",
    "tar --format=gnu -cf {out} --label=photos -C {folder} images",
    "tar --format=v7 -cf {out} -C {folder} images",
    "bsdtar -cf {out} -C {folder} .",
    "bsdtar --format zip -cf {out} -C {folder} .",
    "bsdtar --format zip -cf {out} -C {folder} images",
    "zip -q -r {out} {folder}/images",
    "7z a -tzip {out} {folder}/images",
    "7z a -ttar {out} {folder}/images",
    "python -m zipfile -c {out} {folder}/images",
    "python -m tarfile -c {out} {folder}/images",
]


def _from(found: dict[str, bytes]) -> dict[str, bytes]:
    """By their names from `images` on: some programs pack the folders above it too."""
    return {name[name.index("images/") :]: data for name, data in found.items()}


@pytest.mark.parametrize("command", TOOLS)
def test_what_programs_pack_is_read(tmp_path: Path, command: str) -> None:
    program, *_ = command.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    write_folder(tmp_path / "data", PHOTOS)
    out = tmp_path / ("a.zip" if "zip" in command else "a.tar")
    folder = "data" if program in ("zip", "7z", "python") else str(tmp_path / "data")
    arguments = [word.format(out=out, folder=folder) for word in command.split()]
    subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True)
    assert _from(read(out)) == PHOTOS


@pytest.mark.parametrize("write", EVERY)
def test_what_systems_leave_behind_is_no_member(tmp_path: Path, write: Writer) -> None:
    if "rar" in write.__name__:
        left_behind = {name: data for name, data in LEFT_BEHIND.items() if name.isprintable()}
    else:
        left_behind = LEFT_BEHIND
    write(tmp_path / "data", {**left_behind, **PHOTOS})
    assert read(tmp_path / "data") == PHOTOS


def _write_zip(path: Path, members: dict[str, bytes], system: int, attributes: int = 0) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.create_system, info.external_attr = name, system, attributes
            archive.writestr(info, data)


def test_backslashes_of_powershell_divide_folders(tmp_path: Path) -> None:
    _write_zip(tmp_path / "a.zip", {name.replace("/", "\\"): data for name, data in PHOTOS.items()}, 0)
    assert read(tmp_path / "a.zip") == PHOTOS
    _write_zip(tmp_path / "a.zip", {"images\\..\\..\\a.jpg": b""}, 0)
    with pytest.raises(DataError, match="it leaves the folder"):
        read(tmp_path / "a.zip")
    _write_zip(tmp_path / "a.zip", {"images\\a.jpg": b""}, 3)
    with pytest.raises(DataError, match=r"a backslash\. Pack the files again"):
        read(tmp_path / "a.zip")


def test_folders_that_only_their_attributes_show_are_no_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, (system, attributes) in enumerate([(0, 0x10), (3, (stat.S_IFDIR | 0o755) << 16)]):
            info = zipfile.ZipInfo(f"images{number}")
            info.create_system, info.external_attr = system, attributes
            archive.writestr(info, b"")
            archive.writestr(f"images{number}/a.jpg", b"1")
    assert read(tmp_path / "a.zip") == {"images0/a.jpg": b"1", "images1/a.jpg": b"1"}


def test_a_zip_of_the_finder_is_read(tmp_path: Path) -> None:
    """Names decomposed and in UTF-8, which no flag says; a second tree of attributes."""
    name = unicodedata.normalize("NFD", "images/Café/é.jpg")
    _write_zip(tmp_path / "a.zip", {name: b"1", f"__MACOSX/{name}": b"2"}, 3)
    data = (tmp_path / "a.zip").read_bytes()
    assert data.count(b"\x00\x08\x00\x00") >= 2
    (tmp_path / "a.zip").write_bytes(data.replace(b"\x00\x08\x00\x00", bytes(4)))
    assert read(tmp_path / "a.zip") == {"images/Café/é.jpg": b"1"}


def _hard_link(folder: Path) -> None:
    os.link(folder / "images/Anna/1.jpg", folder / "images/Anna/3.jpg")


def _with_holes(folder: Path) -> None:
    with open(folder / "images/Anna/1.jpg", "r+b") as file:
        file.truncate(2_000_000)


def _absolute(folder: Path) -> None:
    pass


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
@pytest.mark.parametrize(
    ("prepare", "options", "sentence"),
    [
        (_hard_link, "", "a link or device (expected plain files only). Pack again with `tar --dereference"),
        (_with_holes, "--sparse", "a file with holes (expected plain files only). Pack again without"),
        (_with_holes, "--sparse --format=pax", "a file with holes"),
        (_with_holes, "--sparse --format=pax --sparse-version=0.1", "a file with holes"),
        (_with_holes, "--sparse --format=pax --sparse-version=0.0", "a file with holes"),
        (_absolute, "-P", "an absolute path. Pack the files again, with names relative to their folder"),
    ],
)
def test_what_is_not_read_is_said_with_its_remedy(
    tmp_path: Path, prepare: Callable[[Path], None], options: str, sentence: str
) -> None:
    write_folder(tmp_path / "data", PHOTOS)
    prepare(tmp_path / "data")
    packed = str(tmp_path / "data") if prepare is _absolute else "data"
    subprocess.run(["tar", "-cf", "a.tar", *options.split(), packed], cwd=tmp_path, check=True)
    with pytest.raises(DataError) as refused:
        read(tmp_path / "a.tar")
    assert sentence in str(refused.value)


def test_one_part_of_several_is_said_to_be_one(tmp_path: Path) -> None:
    _write_zip(tmp_path / "a.zip", PHOTOS, 3)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\5\6") + 4] = 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"one part of several: join them"):
        read(tmp_path / "a.zip")


def test_a_tar_that_is_nothing_but_headers_is_refused(tmp_path: Path) -> None:
    """Each header of attributes is read within the one before it."""
    with tarfile.open(tmp_path / "one.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("a.jpg"))
    header = bytearray((tmp_path / "one.tar").read_bytes()[:512])
    header[156:157] = tarfile.XHDTYPE
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) * 3000 + bytes(1024))
    with pytest.raises(DataError, match="damaged or truncated tar"):
        read(tmp_path / "a.tar")


@pytest.mark.parametrize("write", [write_tar, write_folder])
def test_a_name_that_is_no_file_elsewhere_is_refused_with_a_remedy(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", {"images/aux.jpg": b"1"})
    with pytest.raises(DataError, match=r"aux\.jpg': a device name\. Rename the file"):
        read(tmp_path / "data")
