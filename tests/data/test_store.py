"""A store gives back what was put in, is the same bytes for the same content, and shows every damage."""

import multiprocessing
import pickle
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.core.errors import DnafError, StateError
from dnaf.data import store as module
from dnaf.data.store import ImageStore, write_store
from tests.helpers.faults import Faults, disk_full

# Of a store in several files: two members in each.
MANY = {f"{number}.jpg": bytes([number]) * (10 + number) for number in range(7)}
CONTENT = {"b.jpg": b"second" * 20, "a.png": images.encode_png(np.full((4, 3, 3), 7, np.uint8)), "c": b""}


def _write(path: Path) -> Path:
    with write_store(path, {"count": 3}) as store:
        for name, data in CONTENT.items():
            store.add(name, data)
    return path


def test_a_store_gives_back_what_was_put_in(tmp_path: Path) -> None:
    store = ImageStore(_write(tmp_path / "s.zip"))
    assert store.names == list(CONTENT)
    assert len(store) == 3
    assert "a.png" in store
    assert "manifest.json" not in store
    assert store.info == {"count": 3}
    assert {name: store.read(name) for name in store.names} == CONTENT
    assert np.array_equal(store.image("a.png"), np.full((4, 3, 3), 7, np.uint8))


def test_an_added_image_is_read_back_exactly(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    with write_store(tmp_path / "s.zip", {}) as store:
        store.add_image("a.png", image)
    assert np.array_equal(ImageStore(tmp_path / "s.zip").image("a.png"), image)


def test_any_tool_opens_a_store(tmp_path: Path) -> None:
    with zipfile.ZipFile(_write(tmp_path / "s.zip")) as archive:
        assert archive.namelist() == [*CONTENT, "manifest.json"]
        assert archive.testzip() is None


def test_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = _write(tmp_path / "1.zip"), _write(tmp_path / "2.zip")
    assert first.read_bytes() == second.read_bytes()
    assert ImageStore(first).fingerprint() == ImageStore(second).fingerprint()


def test_a_name_added_twice_is_a_bug_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="added twice"), write_store(tmp_path / "s.zip", {}) as store:  # noqa: PT012
        store.add("a", b"1")
        store.add("a", b"2")
    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_of_a_member_is_found(tmp_path: Path) -> None:
    whole = _write(tmp_path / "s.zip").read_bytes()
    damaged = tmp_path / "damaged.zip"
    rng = np.random.default_rng(0)
    for name, content in CONTENT.items():
        start = whole.index(content)
        for bit in rng.integers(8 * len(content), size=60 if content else 0):
            data = bytearray(whole)
            data[start + bit // 8] ^= 1 << bit % 8
            damaged.write_bytes(data)
            with pytest.raises(StateError, match=name):
                ImageStore(damaged).read(name)


def test_a_flipped_bit_anywhere_is_found_or_changes_nothing(tmp_path: Path) -> None:
    whole = _write(tmp_path / "s.zip").read_bytes()
    damaged = tmp_path / "damaged.zip"
    num_found = 0
    for bit in np.random.default_rng(1).permutation(8 * len(whole))[:1500]:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        damaged.write_bytes(data)
        try:
            store = ImageStore(damaged)
            assert {name: store.read(name) for name in store.names} == CONTENT
        except StateError:
            num_found += 1
    assert num_found > 500


def test_a_member_replaced_with_a_valid_crc_is_found(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**CONTENT, "b.jpg": b"other", "manifest.json": manifest}.items():
            archive.writestr(name, data)
    with pytest.raises(StateError, match=r"b\.jpg differs from its manifest"):
        ImageStore(path).read("b.jpg")


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_every_truncation_is_found(tmp_path: Path, percent: int) -> None:
    path = _write(tmp_path / "s.zip")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    with pytest.raises(StateError, match="not a complete image store"):
        ImageStore(path)


def test_a_zip_without_manifest_and_a_missing_file_are_no_stores(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("a", b"1")
    for name in ("s.zip", "absent.zip"):
        with pytest.raises(StateError, match=f"{name}: not a complete image store"):
            ImageStore(tmp_path / name)


def _read_b(store: ImageStore) -> bytes:
    return store.read("b.jpg")


def test_a_store_works_in_other_processes(tmp_path: Path) -> None:
    store = ImageStore(_write(tmp_path / "s.zip"))
    store.read("c")
    assert _read_b(pickle.loads(pickle.dumps(store))) == CONTENT["b.jpg"]
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        assert pool.map(_read_b, [store] * 4) == [CONTENT["b.jpg"]] * 4


def test_what_is_read_is_of_the_store_that_was_opened_whatever_takes_its_place(tmp_path: Path) -> None:
    store = ImageStore(_write(tmp_path / "s.zip"))
    with write_store(tmp_path / "s.zip", {}) as other:
        other.add("b.jpg", b"another")
    assert store.read("b.jpg") == CONTENT["b.jpg"]
    assert ImageStore(tmp_path / "s.zip").read("b.jpg") == b"another"


def test_threads_read_one_store(tmp_path: Path) -> None:
    store = ImageStore(_write_many(tmp_path / "s.zip"))
    with ThreadPoolExecutor(8) as pool:
        names = [*MANY] * 200
        assert list(pool.map(store.read, names)) == [MANY[name] for name in names]


@pytest.fixture
def two_in_a_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_IN_A_FILE", 3)
    monkeypatch.setattr(module, "_MOST_IN_A_VOLUME", 2)


def _write_many(path: Path, **changed: bytes) -> Path:
    content = {**MANY, **{f"{name[1:]}.jpg": data for name, data in changed.items()}}
    with write_store(path, {"count": 7}, len(content)) as store:
        for name, data in content.items():
            store.add(name, data)
    return path


def _contents(path: Path) -> dict[str, bytes]:
    store = ImageStore(path)
    return {name: store.read(name) for name in store.names}


def _bytes(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.usefixtures("two_in_a_volume")
def test_a_store_of_many_members_is_a_folder_of_stores_and_read_the_same_way(tmp_path: Path) -> None:
    path = _write_many(tmp_path / "s.zip")
    volumes = [f"{number:06d}.zip" for number in range(4)]
    assert sorted(each.name for each in path.iterdir()) == [*volumes, "manifest.json"]
    store = ImageStore(path)
    assert store.names == list(MANY)
    assert len(store) == 7
    assert "3.jpg" in store
    assert "7.jpg" not in store
    assert store.info == {"count": 7}
    assert _contents(path) == MANY
    assert [ImageStore(path / each).names for each in volumes[:2]] == [["0.jpg", "1.jpg"], ["2.jpg", "3.jpg"]]
    assert pickle.loads(pickle.dumps(store)).read("5.jpg") == MANY["5.jpg"]
    assert _bytes(path) == _bytes(_write_many(tmp_path / "again.zip"))


@pytest.mark.usefixtures("two_in_a_volume")
def test_a_changed_image_changes_one_file_and_the_fingerprint(tmp_path: Path) -> None:
    first, second = _write_many(tmp_path / "1.zip"), _write_many(tmp_path / "2.zip", _4=b"another")
    before, after = _bytes(first), _bytes(second)
    assert {name for name in before if before[name] != after[name]} == {"000002.zip", "manifest.json"}
    assert ImageStore(first).fingerprint() != ImageStore(second).fingerprint()


@pytest.mark.usefixtures("two_in_a_volume")
def test_one_file_and_a_folder_take_each_others_place(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.zip")
    assert _contents(_write_many(path)) == MANY
    assert _contents(_write(path)) == CONTENT
    assert path.is_file()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("two_in_a_volume")
@pytest.mark.parametrize("before", [_write, _write_many])
def test_a_failure_at_any_moment_leaves_the_store_of_before_or_the_new_one(
    tmp_path: Path, before: Callable[[Path], Path]
) -> None:
    path = before(tmp_path / "s.zip")
    old = _contents(path)
    number, num_failed, failed = 0, 0, True
    while failed:
        number += 1
        faults = Faults(number, disk_full)
        try:
            with faults.installed():
                _write_many(path, _1=b"new")
            failed = faults.calls >= number  # at a moment where it did not matter
        except DnafError:
            num_failed += 1
        found = _contents(path)
        assert found in (old, {**MANY, "1.jpg": b"new"})
        before(path)
        assert [each for each in tmp_path.iterdir() if each != path] == []
    assert num_failed > 20


@pytest.mark.usefixtures("two_in_a_volume")
def test_a_volume_that_is_missing_foreign_or_damaged_is_found(tmp_path: Path) -> None:
    path = _write_many(tmp_path / "s.zip")
    volume = path / "000001.zip"
    whole = volume.read_bytes()
    volume.write_bytes((path / "000002.zip").read_bytes())
    with pytest.raises(StateError, match=r"not a complete image store \(000001.zip: of another store"):
        ImageStore(path)
    volume.unlink()
    with pytest.raises(StateError, match=r"s\.zip: not a complete image store"):
        ImageStore(path)
    rng = np.random.default_rng(0)
    for bit in rng.permutation(8 * len(whole))[:300]:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        volume.write_bytes(data)
        try:
            assert _contents(path) == MANY
        except StateError:
            continue
