import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray

from dnaf.core import files, images
from dnaf.core.errors import StateError
from dnaf.data.demo.figure import draw_figure
from dnaf.evaluate.metrics.frechet import frechet_distance, real_statistics
from dnaf.evaluate.networks.efficientnet import FOLDER, EfficientNet
from dnaf.model.style_encoder import StyleEncoder

WEIGHTS = Path(__file__).resolve().parents[3] / "data" / FOLDER
SIZE = (64, 48)


@pytest.fixture(scope="module")
def network() -> EfficientNet:
    return EfficientNet(WEIGHTS)


@pytest.fixture(scope="module")
def people() -> NDArray[np.uint8]:
    """Sixteen outfits, uint8 (16, 64, 48, 3)."""
    return np.stack([images.resize(draw_figure(11, index, "front")[0], SIZE) for index in range(16)])


def test_features_are_the_means_of_the_style_encoders_maps(
    network: EfficientNet, people: NDArray[np.uint8]
) -> None:
    encoder = StyleEncoder.from_pretrained(WEIGHTS).float().eval()
    pixels = torch.from_numpy(people).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        expected = np.concatenate([each.mean((2, 3)).numpy() for each in encoder(pixels)], axis=1)
    features = network.features(people)
    assert (features.shape, features.dtype) == ((16, network.num_features), np.float32)
    assert features == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert network.provenance == files.digest(WEIGHTS / "diffusion_pytorch_model.safetensors")


def test_levels_may_be_floats(network: EfficientNet, people: NDArray[np.uint8]) -> None:
    assert np.array_equal(network.features(people[:2].astype(np.float32)), network.features(people[:2]))


def test_the_distance_in_these_features_is_that_of_the_closed_form(
    network: EfficientNet, people: NDArray[np.uint8]
) -> None:
    first, second = (network.features(half).astype(np.float64) for half in (people[::2], people[1::2]))
    covariances = [np.cov(rows, rowvar=False) for rows in (first, second)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    difference = first.mean(axis=0) - second.mean(axis=0)
    expected = difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(real_statistics(first), second) == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(real_statistics(first), first) == pytest.approx(0, abs=1e-6 * expected)


def test_the_more_an_image_is_blurred_the_farther_it_is(
    network: EfficientNet, people: NDArray[np.uint8]
) -> None:
    real = real_statistics(network.features(people))
    blurred = [
        np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in people]) for sigma in (0.5, 1, 2)
    ]
    distances = [frechet_distance(real, network.features(each)) for each in blurred]
    assert distances[0] > 1
    assert distances[1] > 2 * distances[0]
    assert distances[2] > 2 * distances[1]


def test_weights_that_were_changed_or_are_missing_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"nowhere: not complete"):
        EfficientNet(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(WEIGHTS, copy)
    path = copy / "diffusion_pytorch_model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StateError, match=r"diffusion_pytorch_model.safetensors: content differs"):
        EfficientNet(copy)


def test_a_complete_folder_of_another_network_is_an_error(tmp_path: Path) -> None:
    other = StyleEncoder("tf_efficientnet_lite0", [1, 2])
    other.save_pretrained(tmp_path / "other")
    files.write_manifest(tmp_path / "other")
    with pytest.raises(
        StateError, match=r"not the weights of tf_efficientnet_lite0 up to stride 16 .*Missing"
    ):
        EfficientNet(tmp_path / "other")
