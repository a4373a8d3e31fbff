import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.apply.frame import Fit, place, placement

FRAME = (64, 48)
sides = st.integers(2, 200)


def test_an_image_of_the_frames_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), np.uint8)
    for fit in ("pad", "crop"):
        assert (place(image, FRAME, fit) == image).all()
        assert (placement(FRAME, FRAME, fit).points(np.ones((18, 2))) == 1).all()


def test_padding_has_the_colour_of_the_border_above_and_below_a_wide_image() -> None:
    image = np.full((48, 96, 3), 200, np.uint8)
    image[12:36, 24:72] = 10
    placed = place(image, FRAME, "pad")
    assert (placed[:20] == 200).all()
    assert (placed[-20:] == 200).all()
    assert placed[32, 24].max() < 20


def test_cropping_fills_the_frame_from_the_middle() -> None:
    image = np.zeros((64, 148, 3), np.uint8)
    image[:, 50:98] = 255
    assert (place(image, FRAME, "crop") == 255).all()


def test_the_room_around_can_be_given() -> None:
    placed = place(np.full((64, 10, 3), 255, np.uint8), FRAME, "pad", around=0)
    assert (placed[:, :19] == 0).all()
    assert (placed[:, 19:29] == 255).all()


@given(height=sides, width=sides, fit=st.sampled_from(["pad", "crop"]), x=st.floats(0, 1), y=st.floats(0, 1))
def test_a_marked_spot_is_where_its_keypoint_is(
    height: int, width: int, fit: Fit, x: float, y: float
) -> None:
    points = placement((height, width), FRAME, fit).points(np.array([[x * width, y * height]]))
    inside = (points >= -1).all() and (points <= np.array(FRAME[::-1]) + 1).all()
    assert inside or fit == "crop"
    middle = placement((height, width), FRAME, fit).points(np.array([[width / 2, height / 2]]))
    assert middle == pytest.approx(np.array([[FRAME[1] / 2, FRAME[0] / 2]]), abs=1)


def test_a_dark_spot_is_found_where_its_keypoint_is_placed() -> None:
    image = np.full((300, 120, 3), 255, np.uint8)
    image[195:206, 75:86] = 0
    for fit in ("pad", "crop"):
        placed = place(image, FRAME, fit)[..., 0].astype(int)
        rows, columns = np.nonzero(placed < 128)
        ((x, y),) = placement((300, 120), FRAME, fit).points(np.array([[80.5, 200.5]]))
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=1)
