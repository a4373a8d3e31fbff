import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dnaf.evaluate.ssim import ssim
from dnaf.images import Pixels

SKIMAGE = {
    "uniform51": {"win_size": 51},
    "gaussian": {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
}


def pictures() -> dict[str, tuple[Pixels, Pixels]]:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (96, 64, 3), dtype=np.uint8)
    half = np.zeros((96, 64, 3), np.uint8)
    half[:, 32:] = 255
    almost_half = half.copy()
    almost_half[:, 32:] -= generator.integers(0, 3, (96, 32, 3), dtype=np.uint8)
    return {
        "independent": (noise, generator.integers(0, 256, noise.shape, dtype=np.uint8)),
        "inverted": (noise, 255 - noise),
        "shifted": (noise, np.roll(noise, 3, 1)),
        # Black beside white: where single precision is off by 6e-6.
        "black and almost white": (half, almost_half),
        "white and almost white": (np.full_like(half, 255), almost_half),
    }


@pytest.mark.parametrize("window", ["uniform51", "gaussian"])
@pytest.mark.parametrize("name", pictures())
def test_equals_scikit_image_in_double_precision(window: str, name: str) -> None:
    real, generated = pictures()[name]
    expected = structural_similarity(
        real.astype(np.float64),
        generated.astype(np.float64),
        channel_axis=2,
        data_range=255,
        **SKIMAGE[window],
    )
    assert ssim(real, generated, window) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("window", ["uniform51", "gaussian"])
def test_is_one_for_equal_images(window: str) -> None:
    real = pictures()["independent"][0]
    assert ssim(real, real, window) == pytest.approx(1, abs=1e-12)


def test_is_the_luminance_term_for_constant_images() -> None:
    black, grey = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 100, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(black, grey, "gaussian") == pytest.approx(c1 / (100**2 + c1), abs=1e-12)


def test_uses_the_given_sigma() -> None:
    real, generated = pictures()["shifted"]
    expected = structural_similarity(
        real, generated, channel_axis=2, gaussian_weights=True, sigma=1.2, use_sample_covariance=False
    )
    assert ssim(real, generated, "gaussian", sigma=1.2) == pytest.approx(expected, abs=1e-9)


def test_images_smaller_than_the_window_are_refused() -> None:
    small = np.zeros((64, 48, 3), np.uint8)
    with pytest.raises(ValueError, match="window of 51"):
        ssim(small, small, "uniform51")
