from typing import get_args

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from torch.nn import functional

from dnaf.core.images import Pixels
from dnaf.evaluate.protocols.resample import Filter, resample

SIZE = (64, 44)


@pytest.fixture
def photograph() -> Pixels:
    """Uint8 (220, 150, 3): smooth areas, an edge, and noise."""
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (22, 15, 3)).repeat(10, axis=0).repeat(10, axis=1)
    image[:, 70:] = np.clip(image[:, 70:] + generator.normal(0, 30, image[:, 70:].shape), 0, 255)
    return image.astype(np.uint8)


@pytest.mark.parametrize("how", get_args(Filter))
def test_an_image_that_has_the_size_is_left_alone(photograph: Pixels, how: Filter) -> None:
    assert resample(photograph, photograph.shape[:2], how) is photograph


def test_pil_bicubic_is_pillows(photograph: Pixels) -> None:
    expected = PilImage.fromarray(photograph).resize(SIZE[::-1], PilImage.Resampling.BICUBIC)
    assert np.array_equal(resample(photograph, SIZE, "pil-bicubic"), np.asarray(expected))


@pytest.mark.parametrize(("how", "flag"), [("cv2-linear", cv2.INTER_LINEAR), ("cv2-cubic", cv2.INTER_CUBIC)])
def test_opencvs_filters_work_on_floats_and_do_not_round(photograph: Pixels, how: Filter, flag: int) -> None:
    expected = cv2.resize(photograph.astype(np.float32), SIZE[::-1], interpolation=flag)
    resized = resample(photograph, SIZE, how)
    assert resized.dtype == np.float32
    assert np.array_equal(resized, expected)
    assert not np.array_equal(resized, resized.round())


def test_opencvs_filter_on_levels_rounds_what_the_one_on_floats_gives(photograph: Pixels) -> None:
    levels = resample(photograph, SIZE, "cv2-linear-uint8")
    assert levels.dtype == np.uint8
    floats = resample(photograph, SIZE, "cv2-linear")
    # Its weights have 11 bits, in both directions: 255 / 2048 at each side of the rounding's half.
    assert np.abs(levels.astype(float) - floats).max() <= 0.5 + 2 * 255 / 2048


def test_cubic_without_antialiasing_overshoots() -> None:
    edge = np.zeros((10, 40, 3), np.uint8)
    edge[:, 20:] = 255
    enlarged = resample(edge, (10, 100), "cv2-cubic")
    assert enlarged.max() > 255
    assert enlarged.min() < 0


def test_torch_bicubic_is_antialiased_and_cut_to_whole_levels(photograph: Pixels) -> None:
    floats = torch.from_numpy(photograph.astype(np.float32) / 255).permute(2, 0, 1)[None]
    resized = functional.interpolate(floats, SIZE, mode="bicubic", antialias=True)[0].permute(1, 2, 0)
    expected = np.floor(np.clip(resized.numpy() * np.float32(255), 0, 255))
    result = resample(photograph, SIZE, "torch-bicubic")
    assert result.dtype == np.uint8
    assert np.array_equal(result, expected)
    # Half a level darker than Pillow's, which rounds, and otherwise the same filter; at edges Pillow clips
    # between its two passes.
    pillow = resample(photograph, SIZE, "pil-bicubic").astype(float)
    assert np.quantile(np.abs(pillow - result), 0.99) <= 2
    assert 0.2 < (pillow - result).mean() < 0.8


def test_filters_without_antialiasing_differ_much_from_pillows(photograph: Pixels) -> None:
    pillow = resample(photograph, SIZE, "pil-bicubic").astype(float)
    assert np.abs(resample(photograph, SIZE, "cv2-cubic") - pillow).max() > 20
