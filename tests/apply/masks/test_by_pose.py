import numpy as np
import pytest

from dnaf.apply.masks.by_pose import above_hips, body_mask, garment_mask
from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK
from tests.helpers.application_project import FRAME, STANDING


def has(mask: np.ndarray, x: float, y: float) -> bool:
    return bool(mask[round(y), round(x)])


def test_an_upper_garment_covers_trunk_and_arms_but_neither_head_nor_feet() -> None:
    mask = garment_mask(STANDING, FRAME, "upper")
    assert has(mask, 88, 100)
    assert all(has(mask, *STANDING[joint]) for joint in (2, 3, 4, 5, 6, 7))
    assert not any(has(mask, *STANDING[joint]) for joint in (0, 9, 10, 12, 13))


def test_a_lower_garment_covers_the_legs_alone() -> None:
    mask = garment_mask(STANDING, FRAME, "lower")
    assert all(has(mask, *STANDING[joint]) for joint in (8, 9, 10, 11, 12, 13))
    assert not any(has(mask, *STANDING[joint]) for joint in (0, 1, 2, 3, 5, 6))


def test_missing_arms_leave_the_trunk() -> None:
    points = STANDING.copy()
    points[[3, 4, 6, 7]] = np.nan
    mask = garment_mask(points, FRAME, "upper")
    assert has(mask, 88, 100)
    assert not has(mask, *STANDING[4])


def test_the_hips_divide_the_image() -> None:
    mask = above_hips(STANDING, FRAME)
    assert mask[:136].all()
    assert not mask[136:].any()


@pytest.mark.parametrize("joint", [NECK, LEFT_HIP])
def test_without_neck_or_hips_a_mask_is_asked_for(joint: int) -> None:
    points = STANDING.copy()
    points[joint] = np.nan
    for call in (
        lambda: garment_mask(points, FRAME, "upper"),
        lambda: above_hips(points, FRAME),
        lambda: body_mask(points, FRAME),
    ):
        with pytest.raises(DataError, match=r"neck and hips are needed .* Give a mask"):
            call()


def test_a_body_covers_every_joint_and_both_garments() -> None:
    mask = body_mask(STANDING, FRAME)
    assert all(has(mask, *joint) for joint in STANDING)
    for garment in ("upper", "lower"):
        assert mask[garment_mask(STANDING, FRAME, garment)].all()
    assert not has(mask, 10, 10)


def test_from_behind_the_head_is_above_the_neck() -> None:
    points = STANDING.copy()
    points[[0, 14, 15, 16, 17]] = np.nan
    assert has(body_mask(points, FRAME), *STANDING[0])
