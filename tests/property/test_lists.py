"""Lists, pose files, images, names of members: whatever they look like, valid or one sentence."""

import random
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.data.archives.checks import Entry, check_members
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_list
from dnaf.data.keypoints.pose_files import read_pose_txt
from dnaf.data.pairs import pairs
from tests.helpers.raw_folder import FIGURE, outfit_names
from tests.property.test_annotations import mutate

NAMES = outfit_names(1, 2)
PATHS = [f"img/{deepfashion.image_path(name)}" for name in NAMES]
IMAGE = np.random.default_rng(0).integers(0, 256, (12, 8, 3), dtype=np.uint8)


def check_list(path: Path) -> None:
    names = read_list(path, deepfashion.name_of)
    assert len(set(names)) == len(names)
    assert all(deepfashion.flat_name(f"img/{deepfashion.image_path(name)}") == name for name in names)


def check_pairs(path: Path) -> None:
    listed = pairs.read_pair_list(path, deepfashion.name_of)
    assert len(set(listed)) == len(listed)
    assert all(source != target for source, target in listed)


def check_pose(path: Path) -> None:
    points = read_pose_txt(path.read_bytes(), path, 40)
    assert points.shape == (18, 2)
    assert (np.isnan(points[:, 0]) == np.isnan(points[:, 1])).all()
    assert not np.isinf(points).any()


def check_image(path: Path) -> None:
    image = images.read(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


FILES: dict[str, tuple[bytes, Callable[[Path], None]]] = {
    "train.lst": ("\n".join(NAMES).encode(), check_list),
    "test_pairs.txt": ("\n".join([",".join(PATHS[:3]), ",".join(PATHS[3:])]).encode(), check_pairs),
    "pairs.csv": (f",from,to\n0,{NAMES[0]},{NAMES[1]}\n1,{NAMES[1]},{NAMES[0]}\n".encode(), check_pairs),
    "pose.txt": ("\n".join(f"{x:.18e} {y:.18e}" for x, y in FIGURE).encode(), check_pose),
    "image.jpg": (images.encode_jpeg(IMAGE), check_image),
    "image.png": (images.encode_png(IMAGE), check_image),
}


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_as_valid_or_refused_by_name(tmp_path: Path, name: str, count: int) -> None:
    original, check = FILES[name]
    path = tmp_path / name
    refusals = []
    for seed in range(count):
        path.write_bytes(mutate(original, random.Random(seed)))
        try:
            check(path)
        except DataError as error:
            refusals.append(str(error))
    assert all(message.startswith(str(path)) and "\n" not in message for message in refusals)
    assert len(refusals) > count / 10
    assert [path.name for path in tmp_path.iterdir()] == [name]


path_parts = st.text(alphabet="ab./\\:~ \x00\x7fAßéÉ", min_size=1, max_size=6) | st.sampled_from(
    ["..", "con", "x" * 256]
)
member_names = st.lists(path_parts, min_size=1, max_size=3).map("/".join)


def check_accepted_names(names: list[str]) -> None:
    try:
        kept = check_members(Path("a.zip"), [Entry(name, 0) for name in names])
    except DataError:
        return
    assert len(kept) == len(names)
    taken = [name for name in kept if name is not None]
    for name in taken:
        assert ".." not in PurePosixPath(name).parts
        for path in (PurePosixPath(name), PureWindowsPath(name)):
            assert not path.is_absolute()
            assert not path.drive
            assert len(path.parts) == len(name.split("/"))
    assert len({name.casefold() for name in taken}) == len(taken)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(names=st.lists(member_names, min_size=1, max_size=3))
def test_names_that_are_accepted_stay_inside_on_every_system(names: list[str]) -> None:
    check_accepted_names(names)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(names=st.lists(member_names, min_size=1, max_size=3))
def test_ten_thousand_names_that_are_accepted_stay_inside_on_every_system(names: list[str]) -> None:
    check_accepted_names(names)
