import dataclasses
from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch
from torch.nn import functional

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.evaluate.networks.inception import NUM_FEATURES, Family, Inception, build_network
from dnaf.evaluate.networks.weights import initialise
from dnaf.weights.registry import WEIGHTS

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), dtype=np.uint8)
FAMILIES: tuple[Family, ...] = ("imagenet", "fid")


def pixels() -> torch.Tensor:
    return torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255


def publish(family: Family, path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """Writes a weights file of the family, with batch norms that do something, and makes it the known one."""
    name = f"inception_{family}"
    network = build_network(family)
    initialise(network, WEIGHTS[name], None)
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            # One positive mean, or a larger variance, lets the signal die out on its way through 48 layers.
            layer.running_mean.normal_(0, 0.02, generator=generator)
            layer.running_var.uniform_(0.7, 1.1, generator=generator)
    torch.save(network.state_dict(), path)
    monkeypatch.setitem(WEIGHTS, name, dataclasses.replace(WEIGHTS[name], digest=files.digest(path)[:8]))
    return network.eval()


def test_features_of_fid_equal_those_of_pytorch_fid_with_the_same_weights_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "inception.pth"
    network = publish("fid", path, monkeypatch)
    loaded = Inception("fid", path)
    assert (loaded.is_random, loaded.provenance) == (False, files.digest(path))

    # Its class knows no other source of weights than this download.
    monkeypatch.setattr(
        pytorch_fid.inception, "load_state_dict_from_url", lambda *args, **kwargs: network.state_dict()
    )
    package = pytorch_fid.inception.InceptionV3().eval()
    with torch.inference_mode():
        expected = package(pixels())[0].flatten(1).numpy()
    features = loaded.features(IMAGES)
    assert features.shape == (3, NUM_FEATURES)
    assert np.abs(expected[0] - expected[1]).max() > 0.02
    assert features == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_features_of_imagenet_equal_gflas_steps_with_the_same_weights_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "inception.pth"
    network = publish("imagenet", path, monkeypatch)
    loaded = Inception("imagenet", path)
    assert (loaded.is_random, loaded.provenance) == (False, files.digest(path))

    # pytorch-fid's class still has the blocks of the 2018 one, which GFLA copied.
    monkeypatch.setattr(pytorch_fid.inception, "_inception_v3", lambda *args, **kwargs: network)
    package = pytorch_fid.inception.InceptionV3(
        resize_input=False, normalize_input=False, use_fid_inception=False
    ).eval()
    x = functional.interpolate(pixels(), size=(299, 299), mode="bilinear")
    x[:, 0] = x[:, 0] * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
    x[:, 1] = x[:, 1] * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
    x[:, 2] = x[:, 2] * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
    with torch.inference_mode():
        expected = package(x)[0].flatten(1).numpy()
    features = loaded.features(IMAGES)
    assert features.shape == (3, NUM_FEATURES)
    assert np.abs(expected[0] - expected[1]).max() > 0.02
    assert features == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_random_weights_say_so_never_change_and_tell_images_apart(family: Family) -> None:
    torch.manual_seed(123)
    network = Inception(family, None)
    torch.manual_seed(5)
    again = Inception(family, None)
    assert (network.is_random, network.provenance) == (True, "random, seed 0")
    assert all(torch.equal(again.state_dict()[name], t) for name, t in network.state_dict().items())
    features = network.features(IMAGES[:2])
    assert np.abs(features[0] - features[1]).max() > 0.01 * features.std()


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_another_version_are_refused(tmp_path: Path, family: Family) -> None:
    path = tmp_path / "inception.pth"
    path.write_bytes(b"an error page")
    expected = WEIGHTS[f"inception_{family}"].digest
    with pytest.raises(DataError, match=rf"inception\.pth: not the expected weights .*expected {expected}"):
        Inception(family, path)


def test_weights_of_the_other_family_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inception.pth"
    publish("fid", path, monkeypatch)
    with pytest.raises(DataError, match="not the expected weights"):
        Inception("imagenet", path)
    name = "inception_imagenet"
    monkeypatch.setitem(WEIGHTS, name, dataclasses.replace(WEIGHTS[name], digest=None))
    with pytest.raises(DataError, match="not weights of this network"):
        Inception("imagenet", path)
