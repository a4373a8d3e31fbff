"""Images and names of members: whatever they look like, valid or one sentence."""

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
from tests.property.test_annotations import mutate

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 8, 3), dtype=np.uint8)


def check_image(path: Path) -> None:
    image = images.read(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


FILES: dict[str, tuple[bytes, Callable[[Path], None]]] = {
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
