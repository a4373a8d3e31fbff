import dataclasses
from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch

from dnaf import files
from dnaf.errors import DataError
from dnaf.evaluate.inception import NUM_FEATURES, Inception
from dnaf.evaluate.protocol import NATIVE

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> Inception:
    return Inception(NATIVE, None)


@pytest.fixture(scope="module")
def state(network: Inception) -> dict[str, torch.Tensor]:
    """The network's weights as a file of pytorch-fid has them: with a last layer that features do not use."""
    last = {"fc.weight": torch.zeros(1008, NUM_FEATURES), "fc.bias": torch.zeros(1008)}
    return {**network.network.state_dict(), **last}


def test_features_equal_those_of_pytorch_fid_with_the_same_weights(
    network: Inception, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its class knows no other source of weights than this download.
    monkeypatch.setattr(pytorch_fid.inception, "load_state_dict_from_url", lambda *args, **kwargs: state)
    package = pytorch_fid.inception.InceptionV3().eval()
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected = package(images)[0].flatten(1).numpy()
    features = network.features(IMAGES)
    assert features.shape == (3, NUM_FEATURES)
    assert features == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_random_features_tell_images_apart(network: Inception) -> None:
    features = network.features(IMAGES[:2])
    assert np.abs(features[0] - features[1]).max() > 0.01 * features.std()


def test_random_weights_are_called_random_and_are_a_function_of_the_seed(network: Inception) -> None:
    torch.manual_seed(123)
    assert (network.metric, network.provenance) == ("fid_random", "random, seed 0")
    again = Inception(NATIVE, None).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_of_a_file_are_used_and_named_by_their_digest(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "inception.pth"
    torch.save({name: tensor + 1 for name, tensor in state.items()}, path)
    protocol = dataclasses.replace(NATIVE, inception_digest=files.digest(path)[:8])
    loaded = Inception(protocol, path)
    assert (loaded.metric, loaded.provenance) == ("fid", files.digest(path))
    assert torch.equal(loaded.network.Conv2d_1a_3x3.conv.weight, state["Conv2d_1a_3x3.conv.weight"] + 1)


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inception.pth"
    path.write_bytes(b"an error page")
    with pytest.raises(DataError, match=r"inception\.pth: not the expected weights .*expected 6726825d"):
        Inception(NATIVE, path)
