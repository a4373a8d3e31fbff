import dataclasses
import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
import torchvision

from dnaf import files
from dnaf.errors import DataError
from dnaf.evaluate.lpips import Lpips
from dnaf.evaluate.protocol import NATIVE

REAL, GENERATED = np.random.default_rng(0).integers(0, 256, (2, 5, 64, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> Lpips:
    return Lpips(NATIVE, None)


def test_equal_images_have_distance_zero(network: Lpips) -> None:
    assert network.distances(REAL, REAL).tolist() == [0] * 5


def test_equals_the_lpips_package_with_the_same_weights(network: Lpips) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    package.load_state_dict(network.network.state_dict())
    real, generated = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 for images in (REAL, GENERATED))
    with torch.inference_mode():
        expected = package(real, generated, normalize=True).flatten().double().numpy()
    assert network.distances(REAL, GENERATED) == pytest.approx(expected, rel=1e-5)


def test_linear_layers_are_the_calibrated_ones_of_the_package(network: Lpips) -> None:
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth"
    calibrated = torch.load(path, map_location="cpu", weights_only=True)
    assert len(calibrated) == 5
    state = network.network.state_dict()
    assert all(torch.equal(state[name], weights) for name, weights in calibrated.items())


def test_random_weights_are_called_random_and_are_a_function_of_the_seed(network: Lpips) -> None:
    torch.manual_seed(123)
    again = Lpips(NATIVE, None)
    other = Lpips(dataclasses.replace(NATIVE, random_weights_seed=1), None)
    assert (network.metric, network.provenance) == ("lpips_random", "random, seed 0")
    distances = network.distances(REAL, GENERATED)
    assert np.array_equal(again.distances(REAL, GENERATED), distances)
    assert not np.array_equal(other.distances(REAL, GENERATED), distances)


def test_building_the_network_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Lpips(NATIVE, None)
    assert torch.equal(torch.rand(3), expected)


def test_weights_of_a_file_are_used_and_named_by_their_digest(tmp_path: Path) -> None:
    alexnet = torchvision.models.alexnet(weights=None)
    path = tmp_path / "alexnet.pth"
    torch.save(alexnet.state_dict(), path)
    protocol = dataclasses.replace(NATIVE, alexnet_digest=files.digest(path)[:8])
    network = Lpips(protocol, path)
    assert (network.metric, network.provenance) == ("lpips", files.digest(path))
    first = network.network.net.slice1[0].weight
    assert torch.equal(first, alexnet.features[0].weight)


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "alexnet.pth"
    path.write_bytes(b"an error page")
    with pytest.raises(DataError, match=r"alexnet\.pth: not the expected weights .*expected 7be5be79"):
        Lpips(NATIVE, path)


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "alexnet.pth"
    if content is None:
        torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, path)
    else:
        path.write_bytes(content)
    protocol = dataclasses.replace(NATIVE, alexnet_digest=files.digest(path)[:8])
    with pytest.raises(DataError, match="not weights of this network"):
        Lpips(protocol, path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.pth: could not be read"):
        Lpips(NATIVE, tmp_path / "absent.pth")
