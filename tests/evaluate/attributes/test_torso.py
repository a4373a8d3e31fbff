import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from dnaf.core.images import Pixels
from dnaf.data.keypoints.keypoints import Points
from dnaf.evaluate.attributes.torso import SIZE, colour_error, facing, texture_error, torso

HEIGHT, WIDTH = SIZE
NECK, SHOULDERS, HIPS = 1, [2, 5], [8, 11]


def person(left: float = 0.0, top: float = 0.0, scale: float = 1.0) -> Points:
    """Keypoints whose torso is the box of SIZE, scaled and moved; hips are a third of it below the waist."""
    points = np.full((18, 2), np.nan)
    points[NECK] = WIDTH / 2, 0
    points[SHOULDERS] = [[4, 3], [40, 3]]
    points[HIPS] = [[12, HEIGHT / 0.75], [32, HEIGHT / 0.75]]
    return points * scale + [left, top]


def random_image() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def test_a_torso_that_fills_its_image_is_the_image() -> None:
    assert np.array_equal(torso(random_image(), person()), random_image())


def test_a_torso_is_found_where_the_keypoints_are_and_brought_to_its_size() -> None:
    large = random_image().repeat(3, axis=0).repeat(3, axis=1)
    image = np.zeros((200, 150, 3), np.uint8)
    image[20 : 20 + len(large), 10 : 10 + large.shape[1]] = large
    assert np.array_equal(torso(image, person(10, 20, 3)), random_image())


def test_what_lies_outside_the_image_goes_on_as_its_edge() -> None:
    image = np.full((60, 50, 3), 90, np.uint8)
    assert np.array_equal(torso(image, person(-20, -30, 1.5)), np.full((*SIZE, 3), 90, np.uint8))


@pytest.mark.parametrize("joint", [NECK, *HIPS])
def test_without_neck_or_a_hip_there_is_no_torso(joint: int) -> None:
    points = person()
    points[joint] = np.nan
    assert torso(random_image(), points) is None


def test_a_torso_of_no_height_is_none() -> None:
    points = person()
    points[NECK] = points[HIPS].mean(axis=0)
    assert torso(random_image(), points) is None


def test_facing_is_the_shoulders_distance_with_the_sign_of_front_and_back() -> None:
    front = person()
    back = person()
    back[SHOULDERS] = back[SHOULDERS[::-1]]
    assert facing(front) == -facing(back) == pytest.approx(36 / HEIGHT * 0.75)
    front[SHOULDERS[0]] = np.nan
    assert np.isnan(facing(front))


def test_the_colour_error_of_flat_colours_is_their_delta_e_2000() -> None:
    first, second = (np.full((*SIZE, 3), colour, np.uint8) for colour in ((200, 30, 40), (180, 60, 40)))
    expected = deltaE_ciede2000(
        *(rgb2lab(np.array(colour) / 255) for colour in ((200, 30, 40), (180, 60, 40)))
    )
    assert colour_error(first, second) == pytest.approx(float(expected))
    assert colour_error(first, first) == 0


def test_the_colour_error_sees_a_wrong_half_and_not_the_stripes_of_a_mean() -> None:
    grey = np.full((*SIZE, 3), 128, np.uint8)
    striped = grey.copy()
    striped[0::2], striped[1::2] = 108, 148
    assert colour_error(grey, striped) == pytest.approx(0, abs=1e-6)
    half = grey.copy()
    half[25:] = 0, 0, 200
    assert colour_error(grey, half) > 15


def test_the_texture_error_sees_a_blur_and_turned_stripes_and_not_shifted_ones() -> None:
    def stripes(shift: int) -> Pixels:
        rows = np.where((np.arange(SIZE[0]) + shift) // 2 % 2, 60, 180).astype(np.uint8)
        return np.repeat(np.repeat(rows[:, None, None], SIZE[1], axis=1), 3, axis=2)

    grey = np.full((*SIZE, 3), 120, np.uint8)
    light, dark = (rgb2lab(np.full((1, 1, 3), level / 255))[0, 0, 0] for level in (180, 60))
    # From row to row every second pair differs: of the 9 steps of a third, 4 or 5; along a row none does.
    expected = (light - dark) * np.mean([4 / 9, 5 / 9]) / 2
    assert texture_error(stripes(0), grey) == pytest.approx(expected, rel=0.15)
    assert texture_error(stripes(0), stripes(2)) < 0.25 * expected
    turned = stripes(0)[:, :40].transpose(1, 0, 2)
    turned = np.concatenate([turned, turned[:, :4]], axis=1)[: SIZE[0]]
    assert texture_error(stripes(0), turned) > 1.5 * expected
    assert texture_error(grey, grey) == 0
