import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.apply.trunk import fitted, trunk_of
from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, NUM_JOINTS, RIGHT_HIP, Points


def pose(neck: tuple[float, float], hips: tuple[float, float]) -> Points:
    """Neck and hips, which are 4 pixels apart, and a nose 3 pixels above the neck."""
    keypoints = np.full((NUM_JOINTS, 2), np.nan)
    keypoints[0] = neck[0], neck[1] - 3
    keypoints[NECK] = neck
    keypoints[RIGHT_HIP], keypoints[LEFT_HIP] = (hips[0] - 2, hips[1]), (hips[0] + 2, hips[1])
    return keypoints


def test_a_pose_of_half_the_size_is_doubled_and_moved_to_the_person() -> None:
    result = fitted(pose((10, 10), (10, 20)), pose((50, 40), (50, 60)))
    assert result[NECK] == pytest.approx([50, 40])
    assert result[[RIGHT_HIP, LEFT_HIP]] == pytest.approx(np.array([[46, 60], [54, 60]]))
    assert result[0] == pytest.approx([50, 34])
    assert np.isnan(result[2]).all(), "a missing joint stays missing"


@given(st.floats(0.1, 10), st.floats(-200, 200), st.floats(-200, 200))
def test_size_and_place_of_the_wanted_pose_do_not_matter(scale: float, right: float, down: float) -> None:
    wanted, person = pose((30, 20), (35, 44)), pose((50, 40), (50, 60))
    moved = wanted * scale + (right, down)
    np.testing.assert_allclose(fitted(moved, person), fitted(wanted, person), atol=1e-6)


def test_a_pose_fits_itself() -> None:
    own = pose((30, 20), (35, 44))
    np.testing.assert_allclose(fitted(own, own), own)


@pytest.mark.parametrize("joint", [NECK, RIGHT_HIP, LEFT_HIP])
def test_without_neck_or_hips_it_is_one_sentence(joint: int) -> None:
    half = pose((30, 20), (35, 44))
    half[joint] = np.nan
    with pytest.raises(DataError, match=r"needed to fit a pose to a person \(found one of them missing\)"):
        fitted(half, pose((50, 40), (50, 60)))


def test_a_trunk_without_length_is_one_sentence() -> None:
    with pytest.raises(DataError, match="them in one place"):
        trunk_of(pose((30, 20), (30, 20)), "to find a garment", "Give a mask.")
