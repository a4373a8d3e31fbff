import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from dnaf.evaluate.metrics.psnr import l1, mae, psnr

BLACK = np.zeros((8, 6, 3), np.uint8)
WHITE = np.full((8, 6, 3), 255, np.uint8)


def test_equal_images_have_no_difference() -> None:
    assert psnr(WHITE, WHITE) == math.inf
    assert l1(WHITE, WHITE) == 0
    assert mae(WHITE, WHITE) == mae(BLACK, BLACK) == 0


def test_black_against_white_is_the_largest_difference() -> None:
    assert psnr(BLACK, WHITE) == 0
    assert l1(BLACK, WHITE) == mae(BLACK, WHITE) == 1


def test_equals_scikit_image_and_numpy() -> None:
    generator = np.random.default_rng(0)
    real, generated = generator.integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    assert psnr(real, generated) == pytest.approx(peak_signal_noise_ratio(real, generated), abs=1e-9)
    expected = np.abs(real.astype(float) - generated).mean() / 255
    assert l1(real, generated) == pytest.approx(expected, abs=1e-12)


def test_mae_is_the_difference_in_parts_of_the_brightness() -> None:
    generator = np.random.default_rng(0)
    real, generated = generator.integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    a, b = real.astype(float), generated.astype(float)
    assert mae(real, generated) == pytest.approx(np.abs(a - b).sum() / (a + b).sum(), abs=1e-12)
    assert mae(np.full((8, 6, 3), 100, np.uint8), np.full((8, 6, 3), 150, np.uint8)) == 50 / 250


def test_images_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        l1(BLACK, WHITE[:4])
