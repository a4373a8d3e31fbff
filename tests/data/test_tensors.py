import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnaf.core.images import Pixels
from dnaf.data.tensors import from_batch, to_batch, to_image_tensor, to_pixels, to_pose_tensor

_ALL_VALUES = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)


def test_pixels_survive_the_way_to_tensors_and_back() -> None:
    np.testing.assert_array_equal(to_pixels(to_image_tensor(_ALL_VALUES) / 2 + 0.5), _ALL_VALUES)


@given(arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_batches_come_back_as_they_were(images: Pixels) -> None:
    batch = to_batch(images)
    assert batch.shape == (len(images), 3, *images.shape[1:3])
    np.testing.assert_array_equal(from_batch(batch), images)


def test_images_are_in_minus_one_to_one_and_pose_maps_in_zero_to_one() -> None:
    image, pose_map = to_image_tensor(_ALL_VALUES), to_pose_tensor(_ALL_VALUES)
    assert (float(image.min()), float(image.max())) == (-1, 1)
    assert (float(pose_map.min()), float(pose_map.max())) == (0, 1)
    assert image.dtype == pose_map.dtype == torch.float32


def test_read_only_and_mirrored_images_are_taken() -> None:
    images = _ALL_VALUES.copy()
    images.flags.writeable = False
    np.testing.assert_array_equal(to_pixels(to_pose_tensor(images[:, ::-1])), images[:, ::-1])


def test_what_an_autoencoder_overshoots_is_cut() -> None:
    overshot = torch.full((1, 3, 2, 2), 1.5)
    assert from_batch(overshot)[0].max() == 255
    assert from_batch(-overshot)[0].min() == 0
