import hashlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnaf.data.formats.deepfashion import FRAME
from dnaf.data.pose_maps.openpose import keypoints_to_pose_map
from tests.helpers.raw_folder import FIGURE, figure

# The skeleton and its hashes: made by controlnet_aux 0.0.10's own draw_bodypose with OpenCV 5.0.0.
GOLDEN_X = [89, 90, 68, 58, -1, 113, 119, 121, 71, 56, 75, 100, 95, 91, 84, 93, 79, -1]
GOLDEN_Y = [33, 59, 56, 90, -1, 61, 95, 125, 125, 174, 216, 127, 177, 225, 29, 28, 32, -1]
JOINT_COLOURS = {0: (255, 0, 0), 4: (170, 255, 0), 13: (85, 0, 255), 16: (255, 0, 170)}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((256, 176), "a51082542507074c"),
        ((512, 352), "c59805526bbe0270"),
        ((512, 512), "ca96afa8373563d6"),
        ((768, 512), "d9b2892a75322379"),
    ],
)
def test_pixels_equal_those_of_controlnet_aux(size: tuple[int, int], expected: str) -> None:
    keypoints = np.array([GOLDEN_X, GOLDEN_Y], dtype=np.float64).T
    keypoints[keypoints[:, 0] == -1] = np.nan
    drawn = keypoints_to_pose_map(keypoints, size, FRAME)
    assert drawn.shape == (*size, 3)
    assert drawn.dtype == np.uint8
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == expected


def test_no_keypoints_give_a_black_map() -> None:
    assert not keypoints_to_pose_map(np.full((18, 2), np.nan), (64, 48), FRAME).any()


@pytest.mark.parametrize(("joint", "colour"), JOINT_COLOURS.items())
def test_a_single_joint_is_one_disc_at_its_place(joint: int, colour: tuple[int, int, int]) -> None:
    only = figure(missing=[other for other in range(18) if other != joint])
    drawn = keypoints_to_pose_map(only, FRAME, FRAME)
    x, y = (int(value) for value in only[joint])
    assert tuple(drawn[y, x]) == colour
    expected = cv2.circle(np.zeros_like(drawn), (x, y), 4, colour, -1)
    np.testing.assert_array_equal(drawn, expected)


def test_coordinates_are_divided_by_the_frame_as_controlnet_aux_does() -> None:
    only = figure(missing=range(1, 18))
    only[0] = 15, 100  # 15 / 176 * 176 is a little less than 15
    drawn = keypoints_to_pose_map(only, FRAME, FRAME)
    assert np.flatnonzero(drawn.any(axis=(0, 2))).tolist() == list(range(10, 19))


def test_joints_outside_the_frame_are_cut_off() -> None:
    outside = FIGURE + np.array([1000.0, 0.0])
    assert not keypoints_to_pose_map(outside, FRAME, FRAME).any()
    negative = figure(missing=range(1, 18))
    negative[0] = -2, 100
    assert np.flatnonzero(keypoints_to_pose_map(negative, FRAME, FRAME).any(axis=(0, 2))).max() == 2


@settings(max_examples=200, deadline=None, derandomize=True)
@given(visible=st.lists(st.booleans(), min_size=18, max_size=18))
def test_as_many_discs_are_drawn_as_joints_are_present(visible: list[bool]) -> None:
    # Far apart, with limbs 2 pixels thin at most beside discs: full colours belong to discs alone.
    grid = np.array(
        [(60 + 100 * (joint % 6), 60 + 150 * (joint // 6)) for joint in range(18)], dtype=np.float64
    )
    keypoints = np.where(np.array(visible)[:, None], grid, np.nan)
    drawn = keypoints_to_pose_map(keypoints, (480, 640), (480, 640))
    is_disc = (drawn.max(axis=2) == 255).astype(np.uint8)
    num_discs = cv2.connectedComponents(is_disc)[0] - 1
    assert num_discs == sum(visible)
