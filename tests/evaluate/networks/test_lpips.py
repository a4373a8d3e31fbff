import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
import torchvision

from dnaf.core import files
from dnaf.evaluate.networks.lpips import Lpips, Net
from dnaf.weights.registry import WEIGHTS

REAL, GENERATED = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 48, 3), dtype=np.uint8)
MASKS = np.random.default_rng(1).random((3, 64, 48)) < 0.5
NETS: tuple[Net, ...] = ("alex", "vgg", "squeeze")


@cache
def network(net: Net) -> Lpips:
    return Lpips(net, True, None)


@cache
def package(net: Net) -> lpips.LPIPS:
    """The package's own metric, with the random trunk of ours."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        metric = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    trunk = network(net).layers.state_dict()
    # It keeps torchvision's layer numbers below its slices: `slice2.3.weight` is `3.weight`.
    metric.net.load_state_dict({name: trunk[name.partition(".")[2]] for name in metric.net.state_dict()})
    return metric


def tensors(*images: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(batch).permute(0, 3, 1, 2).float() for batch in images]


@pytest.mark.parametrize("net", NETS)
def test_equals_the_lpips_package_with_the_same_trunk(net: Net) -> None:
    real, generated = tensors(REAL, GENERATED)
    with torch.inference_mode():
        expected = package(net)(real / 255, generated / 255, normalize=True).flatten().double().numpy()
    assert expected.min() > 1e-3
    assert network(net).distances(REAL, GENERATED) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("net", NETS)
def test_equal_images_have_distance_zero(net: Net) -> None:
    assert network(net).distances(REAL, REAL).tolist() == [0] * 3


def test_unscaled_is_the_package_fed_with_pixels_between_0_and_1() -> None:
    real, generated = tensors(REAL, GENERATED)
    with torch.inference_mode():
        expected = package("alex")(real / 255, generated / 255).flatten().double().numpy()
    unscaled = Lpips("alex", False, None).distances(REAL, GENERATED)
    assert unscaled == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert np.abs(unscaled - network("alex").distances(REAL, GENERATED)).min() > 1e-3


def test_masks_multiply_both_images_in_the_range_of_the_network() -> None:
    real, generated = tensors(REAL, GENERATED)
    mask = torch.from_numpy(MASKS).float().unsqueeze(1)
    with torch.inference_mode():
        expected = package("alex")((real / 127.5 - 1) * mask, (generated / 127.5 - 1) * mask)
    distances = network("alex").distances(REAL, GENERATED, MASKS)
    assert distances == pytest.approx(expected.flatten().double().numpy(), rel=1e-6, abs=1e-6)


def test_a_mask_of_ones_changes_nothing_and_one_of_zeros_hides_every_difference() -> None:
    plain = network("alex").distances(REAL, GENERATED)
    assert np.array_equal(network("alex").distances(REAL, GENERATED, np.ones_like(MASKS)), plain)
    assert network("alex").distances(REAL, GENERATED, np.zeros_like(MASKS)).tolist() == [0] * 3


def test_a_ground_truth_that_several_pairs_share_is_given_once() -> None:
    real_of = np.array([1, 0, 1])
    for masks in (None, MASKS):
        shared = network("alex").distances(
            REAL[:2], GENERATED, masks if masks is None else masks[:2], real_of
        )
        repeated = network("alex").distances(
            REAL[real_of], GENERATED, masks if masks is None else masks[real_of]
        )
        assert shared == pytest.approx(repeated, rel=1e-6)


def test_random_weights_say_so_never_change_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = Lpips("alex", True, None)
    assert torch.equal(torch.rand(3), expected)
    assert (again.is_random, again.provenance) == (True, "random, seed 0")
    distances = network("alex").distances(REAL, GENERATED)
    assert np.array_equal(again.distances(REAL, GENERATED), distances)


def test_weights_of_a_file_are_used_and_named_by_their_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alexnet = torchvision.models.alexnet(weights=None)
    path = tmp_path / "alexnet.pth"
    torch.save(alexnet.state_dict(), path)
    known = replace(WEIGHTS["alexnet"], digest=files.digest(path)[:8])
    monkeypatch.setitem(WEIGHTS, "alexnet", known)
    loaded = Lpips("alex", True, path)
    assert (loaded.is_random, loaded.provenance) == (False, files.digest(path))
    state = loaded.layers.state_dict()
    assert len(state) == 10
    assert all(torch.equal(tensor, state[name]) for name, tensor in alexnet.features.state_dict().items())
