"""Whatever a user's annotation looks like: valid data is read exactly, anything else is a DataError."""

import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion
from dnaf.data.keypoints.keypoints import Annotations
from dnaf.data.pairs import pairs
from tests.helpers.raw_folder import FIGURE, HEADER, annotation_line, read_table

NUM_MUTATIONS = 400
NUM_MUTATIONS_SLOW = 10_000

genders = st.sampled_from(["WOMEN", "MEN"])
categories = st.sampled_from(["Tees_Tanks", "Denim", "Jackets_Coats", "Leggings"])
views = st.sampled_from(["1front", "2side", "3back", "4full", "6flat", "7additional"])
names = st.builds(
    "fashion{}{}id{:08d}{:02d}_{}.jpg".format,
    genders,
    categories,
    st.integers(0, 99_999_999),
    st.integers(0, 99),
    views,
)


@st.composite
def figures(draw: st.DrawFn) -> np.ndarray:
    """A standing figure moved by whole pixels and then thinned out; joints may lie outside the frame."""
    shift = np.array([[draw(st.integers(-15, 15)), draw(st.integers(-15, 15))] for _ in range(18)])
    keypoints = FIGURE + shift
    keypoints[4] = draw(st.integers(-40, -2)), draw(st.integers(256, 300))
    missing = draw(st.sets(st.sampled_from([joint for joint in range(18) if joint != 1])))
    keypoints[list(missing)] = np.nan
    return keypoints


def read(text: str | bytes) -> Annotations:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "annotation.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_table(path)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(people=st.dictionaries(names, figures(), min_size=1, max_size=4), windows=st.booleans())
def test_what_was_written_is_read_back_exactly(people: dict[str, np.ndarray], windows: bool) -> None:
    lines = [HEADER, *(annotation_line(name, points) for name, points in people.items())]
    end = "\r\n" if windows else "\n"
    found = read(("\ufeff" if windows else "") + end.join(lines) + end)
    assert found.names == list(people)
    assert found.frame == "256x176"
    np.testing.assert_array_equal(found.keypoints, np.stack(list(people.values())))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(name=names)
def test_names_and_paths_are_each_others_inverse(name: str) -> None:
    assert deepfashion.flat_name("img/" + deepfashion.image_path(name)) == name


@settings(max_examples=100, deadline=None, derandomize=True)
@given(people=st.dictionaries(names, figures(), min_size=1, max_size=12), max_pairs=st.integers(1, 20))
def test_pairs_stay_within_an_outfit_and_every_image_is_used_or_removed(
    people: dict[str, np.ndarray], max_pairs: int
) -> None:
    points = np.stack(list(people.values()))
    table = pairs.select_pairs(list(people), points, deepfashion.outfit)
    rows = list(zip(table["source"], table["target"], strict=True))
    assert len(set(rows)) == len(rows)
    for source, target in rows:
        assert source != target
        assert deepfashion.outfit(source) == deepfashion.outfit(target)
    removed = {name for name, _ in pairs.removed_images(list(people), points, deepfashion.outfit)}
    used = {name for row in rows for name in row}
    assert used | removed == set(people)
    assert not used & removed
    drawn = pairs.draw(table, max_pairs)
    assert len(drawn) == min(max_pairs, len(rows))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_an_annotation_or_a_data_error(text: str) -> None:
    for content in (text, f"{HEADER}\n{text}"):
        try:
            found = read(content)
        except DataError:
            continue
        assert found.keypoints.shape == (len(found.names), 18, 2)


def check_mutations(seeds: range) -> None:
    """Changes a few bytes of a valid file; it then gives a valid table or a sentence with the file's name."""
    lines = [HEADER]
    for number in range(3):
        points = FIGURE.copy()
        points[number] = np.nan
        lines.append(annotation_line(f"fashionMENDenimid0000000{number}01_1front.jpg", points))
    original = ("\n".join(lines) + "\n").encode()
    refusals = []
    for seed in seeds:
        mutant = mutate(original, random.Random(seed))
        try:
            found = read(mutant)
        except DataError as error:
            refusals.append(str(error))
            continue
        assert found.keypoints.shape == (len(found.names), 18, 2)
        assert (np.isnan(found.keypoints[..., 0]) == np.isnan(found.keypoints[..., 1])).all()
        assert not np.isinf(found.keypoints).any()
        assert len(set(found.names)) == len(found.names)
    assert len(refusals) > len(seeds) // 3
    assert all("annotation.csv" in message and "\n" not in message for message in refusals)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to three edits: a byte changed, a stretch removed, doubled, or filled with a number."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.randint(1, 12))
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
        elif kind == 1:
            data = data[:start] + data[end:] or b"\n"
        elif kind == 2:
            data = data[:end] + data[start:end] + data[end:]
        else:
            number = chance.choice([b"-1", b"1e12", b"NaN", b"-Infinity", b"0.5", b":", b"\n", b"[", b"true"])
            data = data[:start] + number + data[end:]
    return data


def test_a_damaged_file_is_read_as_valid_or_refused_by_name() -> None:
    check_mutations(range(NUM_MUTATIONS))


@pytest.mark.slow
def test_ten_thousand_damaged_files_are_read_as_valid_or_refused_by_name() -> None:
    check_mutations(range(NUM_MUTATIONS, NUM_MUTATIONS + NUM_MUTATIONS_SLOW))
