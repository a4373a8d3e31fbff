"""What becomes of a weights file that is not the right one, and of the right one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.evaluate.networks.weights import initialise
from dnaf.weights.registry import WEIGHTS, KnownWeights

UNCHECKED = replace(WEIGHTS["dinov2"], digest=None)

Save = Callable[[dict[str, torch.Tensor], Path], None]
FORMATS: list[tuple[str, Save]] = [("weights.pth", torch.save), ("weights.safetensors", save_file)]


def network() -> nn.Module:
    with torch.device("meta"):
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else torch.tensor(3)
        for name, tensor in network().state_dict().items()
    }


def known_as(path: Path) -> KnownWeights:
    return replace(UNCHECKED, digest=files.digest(path)[:8])


@pytest.mark.parametrize(("name", "save"), FORMATS)
def test_a_file_fills_the_network_and_gives_its_digest(tmp_path: Path, name: str, save: Save) -> None:
    path = tmp_path / name
    save(tensors(), path)
    filled = network()
    assert initialise(filled, known_as(path), path) == files.digest(path)
    assert all(torch.equal(filled.state_dict()[key], tensor) for key, tensor in tensors().items())


@pytest.mark.parametrize(("name", "save"), FORMATS)
def test_half_precision_becomes_float32(tmp_path: Path, name: str, save: Save) -> None:
    path = tmp_path / name
    save(
        {key: value.half() if value.is_floating_point() else value for key, value in tensors().items()}, path
    )
    filled = network()
    initialise(filled, UNCHECKED, path)
    assert filled[0].weight.dtype == torch.float32


@pytest.mark.parametrize(("name", "save"), FORMATS)
def test_another_version_is_refused_by_its_digest(tmp_path: Path, name: str, save: Save) -> None:
    path = tmp_path / name
    save(tensors(), path)
    known = known_as(path)
    altered = bytearray(path.read_bytes())
    altered[-30] ^= 1
    path.write_bytes(altered)
    with pytest.raises(DataError, match=rf"{name}: not the expected weights .*expected {known.digest}"):
        initialise(network(), known, path)


@pytest.mark.parametrize(("name", "save"), FORMATS)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, name: str, save: Save) -> None:
    path = tmp_path / name
    complete = tensors()
    missing = {key: value for key, value in complete.items() if key != "3.bias"}
    for state, reason in (
        (missing, r"Missing key\(s\) in state_dict: .3\.bias"),
        (complete | {"4.bias": torch.zeros(2)}, r"Unexpected key\(s\) in state_dict: .4\.bias"),
        (complete | {"3.bias": torch.zeros(3)}, "size mismatch for 3.bias"),
    ):
        save(state, path)
        with pytest.raises(DataError, match=rf"{name}: not weights of this network \(.*{reason}"):
            initialise(network(), known_as(path), path)


@pytest.mark.parametrize(("name", "save"), FORMATS)
def test_half_a_file_is_refused_whether_its_digest_is_known_or_not(
    tmp_path: Path, name: str, save: Save
) -> None:
    path = tmp_path / name
    save(tensors(), path)
    known = known_as(path)
    whole = path.read_bytes()
    for size in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="not the expected weights"):
            initialise(network(), known, path)
        with pytest.raises(DataError, match="not weights of this network"):
            initialise(network(), UNCHECKED, path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"path": Path("x")}, path)  # torch.load would have to call Path
    with pytest.raises(DataError, match="not weights of this network"):
        initialise(network(), known_as(path), path)


def test_a_missing_file_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.pth: could not be read .*fetch_weights alexnet`"):
        initialise(network(), WEIGHTS["alexnet"], tmp_path / "absent.pth")
