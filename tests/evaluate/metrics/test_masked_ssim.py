import hashlib

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dnaf.core.images import Pixels
from dnaf.evaluate.metrics.body_mask import body_mask, fill_polygon
from dnaf.evaluate.metrics.masked_ssim import masked_ssim
from dnaf.evaluate.metrics.ssim import ssim

SIZE = (128, 64)
COLUMNS = [32, 32, 24, 20, 20, 40, 44, 44, 27, 27, 27, 37, 37, 37, 30, 34, 28, 36]
ROWS = [20, 30, 30, 45, 58, 30, 45, 58, 62, 85, 108, 62, 85, 108, 17, 17, 19, 19]
MASK = body_mask(np.stack([COLUMNS, ROWS], axis=1).astype(np.float64), SIZE)


def test_masks_are_those_that_the_scripts_made_with_scikit_image_0_17() -> None:
    """Pixels of twelve skeletons, and their digest, by PATN's own function under scikit-image 0.17.2."""
    joints = np.arange(18)
    masks = []
    for number in range(12):
        columns = np.array(COLUMNS) + (11 * number + 3 * joints * number) % 23 - 11
        rows = np.array(ROWS) + (7 * number + 5 * joints * number) % 17 - 8
        masks.append(body_mask(np.stack([columns, rows], axis=1).astype(np.float64), SIZE))
    expected = [2100, 1917, 2516, 2175, 2467, 2437, 2349, 2246, 2059, 1622, 2335, 2488]
    assert [int(mask.sum()) for mask in masks] == expected
    assert hashlib.sha256(np.stack(masks).tobytes()).hexdigest()[:16] == "ce6ee5efbc9ff010"


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
@pytest.mark.parametrize("step", [1, -1])
def test_a_rectangle_has_its_near_edges_and_not_its_far_ones(turned: int, step: int) -> None:
    corners = np.roll(np.array([(2, 3), (2, 8), (6, 8), (6, 3)], np.float64)[::step], turned, axis=0)
    expected = np.zeros((9, 10), bool)
    expected[2:6, 3:8] = True
    np.testing.assert_array_equal(fill_polygon(corners, (9, 10)), expected)
    cut = fill_polygon(corners - [4, 5], (9, 10))  # over the upper left corner of the canvas
    np.testing.assert_array_equal(cut[:2, :3], True)
    assert cut.sum() == 6


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(40, 230, (*SIZE, 3), dtype=np.uint8)


def test_the_background_does_not_count() -> None:
    real, generated = noise(0), noise(1)
    generated[MASK] = real[MASK]
    assert masked_ssim(real, generated, MASK) == pytest.approx(1, abs=1e-12)
    assert ssim(real, generated, "gaussian") < 0.9


def test_a_mask_of_ones_changes_nothing() -> None:
    real, generated = noise(0), noise(1)
    expected = ssim(real, generated, "gaussian", data_range=float(np.ptp(generated)))
    assert masked_ssim(real, generated, np.ones(SIZE, bool)) == expected


def test_equals_scikit_image_on_masked_images() -> None:
    real, generated = (np.where(MASK[..., None], noise(seed), np.uint8(0)) for seed in (0, 1))
    expected = structural_similarity(
        real,
        generated,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=int(generated.max()),
    )
    assert masked_ssim(noise(0), noise(1), MASK) == pytest.approx(expected, abs=1e-9)
