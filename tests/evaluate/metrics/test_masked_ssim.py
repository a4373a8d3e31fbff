import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dnaf.core.images import Pixels
from dnaf.evaluate.metrics.body_mask import body_mask
from dnaf.evaluate.metrics.masked_ssim import masked_ssim
from dnaf.evaluate.metrics.ssim import ssim

SIZE = (128, 64)
COLUMNS = [32, 32, 24, 20, 20, 40, 44, 44, 27, 27, 27, 37, 37, 37, 30, 34, 28, 36]
ROWS = [20, 30, 30, 45, 58, 30, 45, 58, 62, 85, 108, 62, 85, 108, 17, 17, 19, 19]
MASK = body_mask(np.stack([COLUMNS, ROWS], axis=1).astype(np.float64), SIZE)


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
