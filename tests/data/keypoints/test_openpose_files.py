"""The forms in which programs write OpenPose's JSON."""

import json

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.keypoints.openpose_files import read_openpose
from tests.helpers.raw_folder import FIGURE

FLAT = [value for x, y in FIGURE.tolist() for value in (x, y, 0.9)]
PERSON = {"pose_keypoints_2d": FLAT}


def read(content: object) -> tuple[np.ndarray, tuple[int, int] | None]:
    return read_openpose(json.dumps(content).encode(), "pose.json")


@pytest.mark.parametrize(
    "content",
    [
        {"people": [PERSON]},
        {"version": 1.0, "people": [{"pose_keypoints": FLAT}]},
        [{"people": [PERSON]}],
        {"people": [PERSON, {"pose_keypoints_2d": None, "hand_left_keypoints_2d": [1, 1, 1]}]},
        {"people": [{"pose_keypoints_2d": [0] * 54}, PERSON]},
    ],
    ids=["1.3", "1.0", "ComfyUI's list of frames", "hands of somebody else", "somebody without joints"],
)
def test_every_form_gives_the_same_joints(content: object) -> None:
    joints, canvas = read(content)
    np.testing.assert_array_equal(joints, FIGURE)
    assert canvas is None


@pytest.mark.parametrize(
    "content",
    [
        {"people": []},
        {"people": [{"pose_keypoints_2d": None}]},
        {"people": [{"pose_keypoints_2d": [0] * 75}]},
    ],
)
def test_nobody_is_all_missing(content: object) -> None:
    assert np.isnan(read(content)[0]).all()


def test_shares_of_a_canvas_are_brought_to_its_pixels() -> None:
    shares = [value for x, y in (FIGURE / [176, 256]).tolist() for value in (x, y, 1)]
    content = {"people": [{"pose_keypoints_2d": shares}], "canvas_height": 512, "canvas_width": 352}
    joints, canvas = read([content])
    np.testing.assert_allclose(joints, 2 * FIGURE)
    assert canvas == (512, 352)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"people": [PERSON]}] * 3, "a list of 3 frames, as ComfyUI writes .expected one"),
        ([{"image_id": 785, "keypoints": [1] * 51}], "a list of COCO results"),
        ([], "no list 'people'"),
        ([3], "no list 'people'"),
        ({"people": [PERSON, PERSON]}, "2 people .expected at most 1"),
        ({"people": [{}]}, "wrong number of joints .found None, expected 3 numbers for each of 18 or 25"),
        ({"people": [PERSON], "canvas_height": True, "canvas_width": 3}, "not pixels .found True and 3"),
    ],
)
def test_what_is_not_read_is_named(content: object, message: str) -> None:
    with pytest.raises(DataError, match=rf"^pose\.json: .*{message}"):
        read(content)
