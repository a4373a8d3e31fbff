import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from dnaf.core.images import Pixels
from dnaf.evaluate.metrics.ssim import both_ssims, ssim
from dnaf.evaluate.protocols.resample import resample

SKIMAGE = {
    "uniform51": {"win_size": 51},
    "gaussian": {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
}


def image_pairs() -> dict[str, tuple[Pixels, Pixels]]:
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


def reference(real: Pixels, generated: Pixels, window: str, data_range: float = 255.0) -> float:
    return float(
        structural_similarity(
            real.astype(np.float64),
            generated.astype(np.float64),
            channel_axis=2,
            data_range=data_range,
            **SKIMAGE[window],
        )
    )


@pytest.mark.parametrize("window", ["uniform51", "gaussian"])
@pytest.mark.parametrize("name", image_pairs())
def test_equals_scikit_image_in_double_precision(window: str, name: str) -> None:
    real, generated = image_pairs()[name]
    expected = reference(real, generated, window)
    assert ssim(real, generated, window) == pytest.approx(expected, abs=1e-9)


@st.composite
def hard_images(draw: st.DrawFn, shape: tuple[int, int]) -> Pixels:
    """Where covariances are small differences of large numbers, or as large as they can be."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first, second = draw(st.sampled_from([(0, 255), (255, 255), (0, 0), (254, 255), (20, 235)]))
    image = np.full((*shape, 3), first, np.uint8)
    image[:, draw(st.integers(0, shape[1])) :] = second
    image[draw(st.integers(0, shape[0])) :] = second
    image ^= generator.integers(0, draw(st.sampled_from([1, 2, 4, 256])), image.shape, dtype=np.uint8)
    if draw(st.booleans()):
        image = np.where(image > 127, np.uint8(255), np.uint8(0))
    return image


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equals_scikit_image_on_hard_images(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(51, 60), st.integers(51, 60)))
    real, generated = data.draw(hard_images(shape)), data.draw(hard_images(shape))
    data_range = float(np.ptp(generated)) or 255.0
    uniform, gaussian = both_ssims(real, generated, 1.5, data_range)
    assert uniform == pytest.approx(reference(real, generated, "uniform51"), abs=1e-6)
    assert gaussian == pytest.approx(reference(real, generated, "gaussian", data_range), abs=1e-6)


@pytest.mark.parametrize("mixed", [False, True])
def test_equals_scikit_image_for_levels_that_are_not_whole(mixed: bool) -> None:
    real, generated = (
        resample(image, (80, 70), "cv2-cubic") for image in image_pairs()["black and almost white"]
    )
    if mixed:
        real = np.clip(real, 0, 255).astype(np.uint8)
    data_range = float(generated.max() - generated.min())
    uniform, gaussian = both_ssims(real, generated, 1.5, data_range)
    assert uniform == pytest.approx(reference(real, generated, "uniform51"), abs=1e-9)
    assert gaussian == pytest.approx(reference(real, generated, "gaussian", data_range), abs=1e-9)


@pytest.mark.parametrize("name", image_pairs())
@pytest.mark.parametrize("data_range", [255.0, 17.0, 0.0])
def test_both_windows_in_one_call_are_the_same_as_in_two(name: str, data_range: float) -> None:
    real, generated = image_pairs()[name]
    expected = (ssim(real, generated, "uniform51"), ssim(real, generated, "gaussian", 1.2, data_range))
    assert both_ssims(real, generated, 1.2, data_range) == expected


def test_an_image_too_small_for_the_uniform_window_has_the_gaussian_one_only() -> None:
    real, generated = (image[:50] for image in image_pairs()["shifted"])
    assert both_ssims(real, generated, 1.5, 255.0) == (None, ssim(real, generated, "gaussian"))


def test_a_range_of_zero_gives_one_for_equal_images_and_zero_for_others() -> None:
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    assert ssim(white, white, "gaussian", data_range=0) == 1
    assert ssim(black, white, "gaussian", data_range=0) == 0
    # Where scikit-image has a number, it is the same: a constant has no covariance with anything.
    noise = image_pairs()["independent"][0]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = reference(noise, np.full_like(noise, 9), "gaussian", 0)
    assert ssim(noise, np.full_like(noise, 9), "gaussian", data_range=0) == pytest.approx(expected, abs=1e-9)


def test_threads_and_sizes_do_not_disturb_each_other() -> None:
    images = [image[: 96 - 4 * step] for step in range(4) for image in image_pairs()["shifted"]]
    pairs = [(real, other) for real, other in pairwise(images) if real.shape == other.shape]
    expected = [both_ssims(*pair, 1.5, 255.0) for pair in pairs]
    found: list[list[tuple[float | None, float]]] = []

    def compute() -> None:
        found.append([both_ssims(*pair, 1.5, 255.0) for _ in range(10) for pair in pairs])

    threads = [threading.Thread(target=compute) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected * 10] * 4


@pytest.mark.parametrize("window", ["uniform51", "gaussian"])
def test_is_one_for_equal_images(window: str) -> None:
    real = image_pairs()["independent"][0]
    assert ssim(real, real, window) == pytest.approx(1, abs=1e-12)


def test_is_the_luminance_term_for_constant_images() -> None:
    black, grey = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 100, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(black, grey, "gaussian") == pytest.approx(c1 / (100**2 + c1), abs=1e-12)


def test_uses_the_given_sigma() -> None:
    real, generated = image_pairs()["shifted"]
    expected = structural_similarity(
        real, generated, channel_axis=2, gaussian_weights=True, sigma=1.2, use_sample_covariance=False
    )
    assert ssim(real, generated, "gaussian", sigma=1.2) == pytest.approx(expected, abs=1e-9)


def test_images_smaller_than_the_window_are_refused() -> None:
    small = np.zeros((64, 48, 3), np.uint8)
    with pytest.raises(ValueError, match="window of 51"):
        ssim(small, small, "uniform51")
