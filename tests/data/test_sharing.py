"""Unpacking and drawing that two processes share give the bytes of one, and its errors."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.core.shards import alone, open_shards
from dnaf.data import prepare
from dnaf.data.formats.names import stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.pairs.write import write_split
from dnaf.data.pose_maps import write as drawing
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.unpack import unpack
from tests.helpers import processes
from tests.helpers.custom_folder import TEST, TRAIN, keypoints, write_custom, write_table

CUSTOM, SIZE = FORMATS["custom"], (64, 48)
RAW = Path("data/raw/mine")
STORES = (Path("data/images.zip"), Path("data/prepared.zip"))
MAPS = Path("data/pose_maps.zip")


@pytest.fixture(autouse=True)
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four images, of which each is a chunk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setattr(prepare, "_CHUNK", 1)
    monkeypatch.setattr(drawing, "_CHUNK", 1)
    write_custom(RAW)
    write_table(RAW, keypoints())


def work(folder: Path, what: str) -> None:
    """Either piece of work, alone or with another process."""
    os.chdir(folder)
    prepare._CHUNK = drawing._CHUNK = 1
    with open_shards() as shards:
        if what == "unpack":
            unpack(RAW, *STORES, SIZE, CUSTOM, lambda archive: None, shards)
        else:
            write_pose_maps(Path("data/pairs"), MAPS, "openpose", (256, 192), SIZE, shards)


def contents(*paths: Path) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def test_two_processes_unpack_and_draw_the_bytes_of_one(tmp_path: Path) -> None:
    work(tmp_path, "unpack")
    write_split(RAW, STORES[0], Path("data/pairs"), CUSTOM, SIZE, 100)
    work(tmp_path, "render")
    expected = contents(*STORES, MAPS)
    for path in (*STORES, MAPS):
        path.unlink()
    for what in ("unpack", "render"):
        assert processes.run_two(tmp_path / "scratch", work, tmp_path, what) == [0, 0]
    assert contents(*STORES, MAPS) == expected
    assert not list((tmp_path / "scratch").rglob("chunk-*"))


def prepare_share(folder: Path) -> None:
    """What is not this process's is not even read."""
    os.chdir(folder)
    names = [*TRAIN, *TEST]
    chunks = [[name] for name in names]
    with open_shards() as shards:

        def read(wanted: Iterable[bool]) -> Iterator[tuple[str, bytes]]:
            assert list(wanted) == [index % 2 == shards.index for index in range(len(names))]
            for name in names[shards.index :: 2]:
                yield name, (RAW / "images" / name).read_bytes()

        prepare.prepare_images(chunks, read, SIZE, None, prepare.Prepared(Path("kept")), shards)


def test_each_process_reads_and_prepares_its_share(tmp_path: Path) -> None:
    assert processes.run_two(tmp_path / "scratch", prepare_share, tmp_path) == [0, 0]
    prepared = prepare.Prepared(tmp_path / "kept")
    originals = dict(prepared.originals.members(4))
    assert originals == {name: (RAW / "images" / name).read_bytes() for name in [*TRAIN, *TEST]}
    assert [name for name, _ in prepared.resized.members(4)] == [f"{stem(name)}.png" for name in originals]


def test_all_damaged_images_are_told_once_by_the_first(tmp_path: Path) -> None:
    for name in (TRAIN[1], TEST[0]):
        path = RAW / "images" / name
        path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(DataError, match=r"2 images cannot be used: ") as alone_said:
        unpack(RAW, *STORES, SIZE, CUSTOM, lambda archive: None, alone())
    assert all(name in str(alone_said.value) for name in (TRAIN[1], TEST[0]))
    codes = processes.run_two(tmp_path / "scratch", work, tmp_path, "unpack")
    assert codes == [1, 0]
    assert not any(path.exists() for path in STORES)
