"""Everyone in a photograph is found by asking again, with those who were found covered."""

import numpy as np
import pytest

from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import NobodyFoundError
from dnaf.data.detectors.people import find_people
from dnaf.data.keypoints.keypoints import Points

WIDTH = 40


def person_at(column: int, height: int = 60) -> Points:
    """Two columns of joints, from the row 10 on."""
    rows = np.linspace(10, 10 + height, 9)
    return np.concatenate([np.stack([np.full(9, column + side), rows], axis=1) for side in (-5, 5)])


def brightest_first(photograph: Pixels, name: str) -> Points:
    """A detector of people who are bright stripes, WIDTH apart."""
    light = photograph[40, WIDTH // 2 :: WIDTH, 0].astype(int)
    if light.max() < 100:
        raise NobodyFoundError(name)
    return person_at(WIDTH // 2 + WIDTH * int(light.argmax()))


def stripes(*levels: int) -> Pixels:
    # Wide enough for their median to be the ground's.
    photograph = np.zeros((100, WIDTH * len(levels) + 200, 3), np.uint8)
    for index, level in enumerate(levels):
        photograph[:80, WIDTH * index + 12 : WIDTH * index + 28] = level
    return photograph


@pytest.mark.parametrize("levels", [(200,), (150, 200), (200, 0, 150), (110, 210, 120, 220)])
def test_each_person_is_found_once(levels: tuple[int, ...]) -> None:
    found = find_people(brightest_first, stripes(*levels), "group.jpg")
    expected = [index for index in np.argsort(levels)[::-1] if levels[index] > 0]
    assert [round(float(joints[:, 0].mean())) // WIDTH for joints in found] == expected


def test_the_photograph_stays_as_it_was() -> None:
    photograph = stripes(200, 150)
    before = photograph.copy()
    find_people(brightest_first, photograph, "group.jpg")
    np.testing.assert_array_equal(photograph, before)


def test_nobody_is_told_with_the_name_of_the_photograph() -> None:
    with pytest.raises(NobodyFoundError, match=r"empty\.jpg"):
        find_people(brightest_first, stripes(0, 0), "empty.jpg")


def test_a_detector_that_always_sees_somebody_sees_one() -> None:
    assert len(find_people(lambda photograph, name: person_at(30), stripes(0, 0), "wall.jpg")) == 1


def test_joints_outside_the_photograph_are_no_fault() -> None:
    everywhere = person_at(30, height=500)
    everywhere[3] = np.nan
    assert len(find_people(lambda photograph, name: everywhere, stripes(200), "close.jpg")) == 1
