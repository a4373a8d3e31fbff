"""Every renderer gives what its authors' own code gave, and what a plain reading of the rules gives."""

import hashlib
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from dnaf.data.formats.deepfashion import FRAME
from dnaf.data.pose_maps.cfld import build_pose_img, draw_pose_from_cords
from dnaf.data.pose_maps.heatmaps import heatmaps
from dnaf.data.pose_maps.nted import get_label_tensor
from dnaf.data.pose_maps.renderers import RENDERERS
from dnaf.data.pose_maps.storage import read_pose_map, stack, to_rgb
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.metrics.body_mask import body_mask
from tests.helpers.raw_folder import figure

# The skeleton that the golden hashes were made of, by the authors' own functions.
_Y = [33, 59, 56, 90, -1, 61, 95, 125, 125, 174, 216, 127, 177, 225, 29, 28, 32, -1]
_X = [89, 90, 68, 58, -1, 113, 119, 121, 71, 56, 75, 100, 95, 91, 84, 93, 79, -1]
GOLDEN = np.array([_X, _Y], float).T
GOLDEN[GOLDEN[:, 0] == -1] = np.nan

# Another one, on columns and rows that a division and a multiplication by the same number move by one.
_LOST = [15, 30, 49, 60, 98, 109, 120]
_LOSSY_Y = [*_LOST, 61, 95, 125, 174, 216, 127, 177, 225, 29, 28, np.nan]
_LOSSY_X = [*_LOST, 15, 30, 49, 60, 98, 109, 120, 49, 60, 98, np.nan]
LOSSY = np.array([_LOSSY_X, _LOSSY_Y], float).T


def nted_planes_first(keypoints: np.ndarray, size: tuple[int, int], frame: tuple[int, int]) -> np.ndarray:
    return get_label_tensor(keypoints, size, frame).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("size", "expected"), [((256, 176), "106c0eb65837b582"), ((512, 352), "9b18aff91aa10713")]
)
def test_nted_loses_a_joint_one_pixel_left_of_the_frame_in_the_frames_own_size(
    size: tuple[int, int], expected: str
) -> None:
    """Column 39 of the padded frame: made by NTED's own function."""
    keypoints = GOLDEN.copy()
    keypoints[3, 0] = -1
    drawn = np.ascontiguousarray(nted_planes_first(keypoints, size, FRAME))
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == expected
    keypoints[3] = np.nan
    lost = np.array_equal(nted_planes_first(keypoints, size, FRAME), drawn)
    assert lost == (size == FRAME)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((256, 176), "1d9225b5f5606409"),
        ((512, 352), "e9dfca2473774a4b"),
        ((256, 256), "e32a8ced8b167d5d"),
        ((512, 512), "8d79bc34d09074a4"),
    ],
)
def test_heatmaps_are_those_of_the_authors_code_on_columns_that_it_moves(
    size: tuple[int, int], expected: str
) -> None:
    drawn = np.ascontiguousarray(heatmaps(LOSSY, size, FRAME))
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == expected


@pytest.mark.parametrize("lost", _LOST)
def test_a_heatmap_divides_by_the_frame_before_it_multiplies_by_the_size(lost: int) -> None:
    square = (176, 176)
    maps = heatmaps(np.full((18, 2), float(lost)), square, square)
    assert maps[lost - 1, lost - 1].tolist() == [1] * 18
    wide = heatmaps(np.full((18, 2), float(lost)), (352, 352), square)
    assert wide[2 * lost - 1, 2 * lost - 1].tolist() == [1] * 18


@pytest.mark.parametrize(
    ("render", "size", "expected"),
    [
        (draw_pose_from_cords, (256, 256), "165eaf46a2b6c488"),
        (draw_pose_from_cords, (512, 512), "02dca4a42ba51d16"),
        (draw_pose_from_cords, (512, 352), "89ed9910ace05e3c"),
        (heatmaps, (256, 256), "1b5b44260ae9b3de"),
        (heatmaps, (512, 512), "17f39ca2704b4ca9"),
        (heatmaps, (512, 352), "2f83f56d7be46aeb"),
        (nted_planes_first, (256, 176), "99604f6ec86fbab1"),
        (nted_planes_first, (512, 352), "5cf1c63c37a9f6b7"),
        (RENDERERS["openpose"], (256, 176), "a51082542507074c"),
        (RENDERERS["openpose"], (512, 352), "c59805526bbe0270"),
        (RENDERERS["openpose"], (512, 512), "ca96afa8373563d6"),
        (RENDERERS["openpose"], (768, 512), "d9b2892a75322379"),
    ],
)
def test_pixels_are_those_of_the_authors_code(
    render: Callable[..., np.ndarray], size: tuple[int, int], expected: str
) -> None:
    drawn = np.ascontiguousarray(render(GOLDEN, size, FRAME))
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == expected


def test_the_body_mask_is_that_of_the_authors_code() -> None:
    mask = body_mask(np.floor(GOLDEN * [64 / 176, 128 / 256]), (128, 64))
    assert mask.sum() == 2_086
    assert hashlib.sha256(mask.tobytes()).hexdigest()[:16] == "860f21e43cf8ebf9"


def test_a_limb_without_length_leaves_its_joint_only() -> None:
    points = np.full((18, 2), np.nan)
    points[2] = points[3] = 20, 30
    mask = body_mask(points, (128, 64))
    assert mask[30, 20]
    assert 25 < mask.sum() < 80


def test_a_heatmap_is_a_gaussian_around_its_joint() -> None:
    maps = heatmaps(figure(missing=[4]), (128, 88), FRAME)
    assert not maps[..., 4].any()
    for joint, (x, y) in enumerate(figure().tolist()):
        if joint != 4:
            row, column = int(y / 256 * 128), int(x / 176 * 88)
            assert maps[row, column, joint] == 1
            assert maps[row, column + 6, joint] == pytest.approx(math.exp(-0.5))
            assert maps[row - 3, column + 2, joint] == pytest.approx(math.exp(-13 / 72))


def test_cfld_is_its_skeleton_and_the_heatmaps() -> None:
    both = build_pose_img(GOLDEN, (256, 256), FRAME)
    skeleton = draw_pose_from_cords(GOLDEN, (256, 256), FRAME)
    np.testing.assert_allclose(both[..., :3] * 255, skeleton, atol=1e-4)
    np.testing.assert_array_equal(both[..., 3:], heatmaps(GOLDEN, (256, 256), FRAME))


def test_a_plane_of_nted_is_a_third_of_the_distance_to_its_limb() -> None:
    label = get_label_tensor(figure(missing=[4]), FRAME, FRAME)
    assert (label[..., 3 + 3] == 255).all()  # the limb from elbow to the missing wrist
    upper_arm = label[..., 3 + 2]
    on_limb = figure()[[2, 3]].mean(axis=0).astype(int)
    assert upper_arm[on_limb[1], on_limb[0]] == 0
    far = cv2.distanceTransform((upper_arm > 0).astype(np.uint8), cv2.DIST_L1, 3)
    assert np.abs(upper_arm.astype(float) - far / 3).max() < 1


@pytest.mark.parametrize(
    ("name", "channels"), [("openpose", 3), ("nted", 20), ("cfld", 21), ("heatmaps", 18)]
)
def test_missing_joints_leave_nothing_and_any_map_is_stored_and_shown(
    tmp_path_factory: pytest.TempPathFactory, name: str, channels: int
) -> None:
    nothing = RENDERERS[name](np.full((18, 2), np.nan), (64, 48), FRAME)
    assert nothing.shape == (64, 48, channels)
    assert not nothing[..., :3].any()
    drawn = RENDERERS[name](figure(missing=[3]), (64, 48), FRAME)
    assert drawn.dtype == np.uint8
    path = tmp_path_factory.mktemp("store") / "pose.zip"
    with write_store(path, {"channels": channels}) as store:
        store.add_image("a.png", stack(drawn))
    np.testing.assert_array_equal(read_pose_map(ImageStore(path), "a.png"), drawn)
    shown = to_rgb(drawn)
    assert shown.shape == (64, 48, 3)
    assert shown.any()
