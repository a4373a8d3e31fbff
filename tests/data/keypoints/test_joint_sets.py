import numpy as np
import pytest

from dnaf.data.keypoints.joint_sets import to_openpose_18
from tests.helpers.raw_folder import FIGURE, figure

# Where the joints of the 18 stand in the other sets, by the names of their makers.
COCO_17 = {0: 0, 1: 15, 2: 14, 3: 17, 4: 16, 5: 5, 6: 2, 7: 6, 8: 3, 9: 7, 10: 4}
COCO_17 |= {11: 11, 12: 8, 13: 12, 14: 9, 15: 13, 16: 10}
BODY_25 = {n: n for n in range(8)} | {
    9: 8,
    10: 9,
    11: 10,
    12: 11,
    13: 12,
    14: 13,
    15: 14,
    16: 15,
    17: 16,
    18: 17,
}


def as_set(places: dict[int, int], size: int, points: np.ndarray) -> np.ndarray:
    """The figure's joints in the order of another set; joints that only that set has lie far away."""
    result = np.full((size, 2), 900.0)
    for place, joint in places.items():
        result[place] = points[joint]
    return result


def test_eighteen_joints_stay() -> None:
    np.testing.assert_array_equal(to_openpose_18(figure(missing=[3])), figure(missing=[3]))


def test_body_25_loses_its_middle_hip_and_feet() -> None:
    np.testing.assert_array_equal(to_openpose_18(as_set(BODY_25, 25, FIGURE)), FIGURE)


def test_coco_17_gets_a_neck_between_its_shoulders() -> None:
    expected = FIGURE.copy()
    expected[1] = (FIGURE[2] + FIGURE[5]) / 2
    np.testing.assert_array_equal(to_openpose_18(as_set(COCO_17, 17, FIGURE)), expected)


@pytest.mark.parametrize("shoulder", [2, 5])
def test_without_a_shoulder_there_is_no_neck(shoulder: int) -> None:
    converted = to_openpose_18(as_set(COCO_17, 17, figure(missing=[shoulder])))
    assert set(np.flatnonzero(np.isnan(converted[:, 0]))) == {1, shoulder}


@pytest.mark.parametrize("size", [0, 16, 19, 133])
def test_other_numbers_of_joints_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} joints"):
        to_openpose_18(np.zeros((size, 2)))
