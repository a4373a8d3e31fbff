import numpy as np
import pytest

from dnaf.data.keypoints.keypoints import Points
from dnaf.evaluate.metrics.pckh import pckh

HEAD = [0, 1, 14, 15, 16, 17]


def figure() -> Points:
    """A person whose head's box is 10 pixels wide and 20 high."""
    points = np.stack([np.arange(18.0) * 5, np.arange(18.0) * 9], axis=1)
    points[HEAD] = [[50, 30], [50, 40], [47, 25], [53, 25], [45, 20], [55, 22]]
    return points


def test_a_person_in_place_is_correct_in_every_joint() -> None:
    assert pckh(figure(), figure()) == (18, 18)


@pytest.mark.parametrize(
    ("shift", "is_correct"),
    [((4.9, 0), True), ((5, 0), False), ((-4.9, 9.9), True), ((0, 10), False), ((0, -9.9), True)],
)
def test_a_joint_is_correct_within_half_the_head(shift: tuple[float, float], is_correct: bool) -> None:
    moved = figure()
    moved[4] += shift
    assert pckh(figure(), moved) == (17 + is_correct, 18)


def test_a_joint_missing_in_the_generated_image_is_wrong() -> None:
    found = figure()
    found[[4, 7]] = np.nan
    assert pckh(figure(), found) == (16, 18)


def test_a_joint_missing_in_the_target_does_not_count() -> None:
    target = figure()
    target[[4, 7]] = np.nan
    assert pckh(target, figure()) == (16, 16)


def test_without_two_joints_of_the_head_no_joint_of_the_pair_counts() -> None:
    target = figure()
    target[HEAD[1:]] = np.nan
    assert pckh(target, figure()) == (0, 0)
    target[1] = figure()[1]
    assert pckh(target, target)[1] == 14


def test_the_head_of_the_target_is_the_measure() -> None:
    larger = figure()
    larger[HEAD] = 50 + 3 * (figure()[HEAD] - 50)
    moved = figure()
    moved[4] += 7, 0
    assert pckh(figure(), moved) == (17, 18)
    moved[HEAD] = larger[HEAD]
    assert pckh(larger, moved) == (18, 18)
