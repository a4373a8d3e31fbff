import dataclasses
from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch

from dnaf import files
from dnaf.errors import DataError
from dnaf.evaluate.inception import NUM_FEATURES, Inception, build_network
from dnaf.evaluate.networks import initialise
from dnaf.evaluate.protocol import NATIVE

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> Inception:
    return Inception(NATIVE, None)


def test_features_equal_those_of_pytorch_fid_with_the_same_weights_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build_network()
    initialise(other, None, "", seed=1)
    for layer in other.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.fill_(0.1)
            layer.running_var.fill_(1.5)
    path = tmp_path / "inception.pth"
    torch.save(other.state_dict(), path)
    protocol = dataclasses.replace(NATIVE, inception_digest=files.digest(path)[:8])
    loaded = Inception(protocol, path)
    assert (loaded.metric, loaded.provenance) == ("fid", files.digest(path))

    # Its class knows no other source of weights than this download.
    monkeypatch.setattr(
        pytorch_fid.inception, "load_state_dict_from_url", lambda *args, **kwargs: other.state_dict()
    )
    package = pytorch_fid.inception.InceptionV3().eval()
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected = package(images)[0].flatten(1).numpy()
    features = loaded.features(IMAGES)
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


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inception.pth"
    path.write_bytes(b"an error page")
    with pytest.raises(DataError, match=r"inception\.pth: not the expected weights .*expected 6726825d"):
        Inception(NATIVE, path)
