import numpy as np

from dnaf.evaluate.metrics.ssim import ssim
from dnaf.evaluate.metrics.ssim_reflected import ssim_reflected


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def test_equal_images_are_one_and_of_two_colours_it_is_the_luminance() -> None:
    image = images(0)
    assert ssim_reflected(image, image) == 1
    black, grey = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 100, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert abs(ssim_reflected(black, grey) - c1 / (100**2 + c1)) < 1e-12


def test_a_change_at_the_border_counts_as_the_windows_inside_do_not_count_it() -> None:
    real, generated = images(1), images(1)
    generated[0, 0] ^= 255
    inside = ssim(real, generated, "gaussian")
    assert ssim_reflected(real, generated) < inside < 1


def test_it_is_symmetric() -> None:
    assert abs(ssim_reflected(images(1), images(2)) - ssim_reflected(images(2), images(1))) < 1e-12
