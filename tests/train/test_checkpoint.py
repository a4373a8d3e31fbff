from pathlib import Path
from typing import Any

import pytest
import torch

from dnaf.core import seeds
from dnaf.train.checkpoint import Checkpoint, load_newest, save


def trained(step: int) -> Checkpoint:
    """Weights, average and AdamW's state after one step of a tiny layer; different for every `step`."""
    torch.manual_seed(step)
    layer = torch.nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(layer.parameters(), fused=True)
    layer(torch.randn(1, 2, 4, 4)).square().sum().backward()
    optimizer.step()
    weights = {name: parameter.detach() for name, parameter in layer.named_parameters()}
    ema = {name: value / 3 for name, value in weights.items()}
    best = {name: value / 7 for name, value in weights.items()}
    log = [{"step": step, "loss": 1 / 3, "lr": 0.1}]
    validation = [{"step": step, "x0_error": 0.2, "other_features": 0.01}]
    scaler = {"scale": 2.0**step, "_growth_tracker": step}
    return Checkpoint(step, weights, ema, optimizer.state_dict(), scaler, log, best, validation)


def assert_equal(first: Checkpoint, second: Checkpoint) -> None:
    assert (first.step, first.scaler) == (second.step, second.scaler)
    assert (first.log, first.validation) == (second.log, second.validation)
    for name, value in first.weights.items():
        assert torch.equal(value, second.weights[name])
        assert torch.equal(first.ema[name], second.ema[name])
        assert torch.equal(first.best[name], second.best[name])
    _assert_same(first.optimizer, second.optimizer)


def _assert_same(first: Any, second: Any) -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key, value in first.items():
            _assert_same(value, second[key])
    else:
        assert first == second


def loaded(folder: Path) -> tuple[Checkpoint, list[str]]:
    found, warnings = load_newest(folder)
    assert found is not None
    return found, warnings


def steps(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_loaded_is_what_was_saved_to_the_bit(tmp_path: Path) -> None:
    save(tmp_path, trained(5))
    found, warnings = loaded(tmp_path)
    assert_equal(found, trained(5))
    assert warnings == []


def test_an_empty_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert load_newest(tmp_path) == (None, [])


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (2, 4, 6, 10):
        save(tmp_path, trained(step))
    assert steps(tmp_path) == ["step-000000006", "step-000000010"]
    assert loaded(tmp_path)[0].step == 10


def test_what_a_killed_writer_left_is_removed_by_the_next_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, trained(2))
    save(tmp_path, trained(4))
    (tmp_path / "step-000000004/state.json").unlink()
    save(tmp_path, trained(6))
    assert steps(tmp_path) == ["step-000000002", "step-000000006"]


@pytest.mark.parametrize(
    "name", ["trainable.safetensors", "average.safetensors", "optimizer.pt", "state.json"]
)
def test_any_flipped_bit_is_found_and_the_earlier_checkpoint_used(tmp_path: Path, name: str) -> None:
    save(tmp_path, trained(2))
    save(tmp_path, trained(4))
    path = tmp_path / "step-000000004" / name
    content = path.read_bytes()
    for index in range(50):
        place = seeds.generator(0, "flip", name, index)
        position, bit = place.integers(len(content)), place.integers(8)
        flipped = bytearray(content)
        flipped[position] ^= 1 << bit
        path.write_bytes(flipped)
        found, warnings = loaded(tmp_path)
        assert_equal(found, trained(2))
        assert len(warnings) == 1
        assert "step-000000004" in warnings[0]


@pytest.mark.parametrize(
    "name", ["trainable.safetensors", "average.safetensors", "optimizer.pt", "state.json"]
)
@pytest.mark.parametrize("damage", ["delete", "truncate", "empty"])
def test_a_damaged_newest_is_passed_over_with_a_warning_that_names_it(
    tmp_path: Path, name: str, damage: str
) -> None:
    save(tmp_path, trained(2))
    save(tmp_path, trained(4))
    path = tmp_path / "step-000000004" / name
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: -20 if damage == "truncate" else 0])
    found, warnings = loaded(tmp_path)
    assert_equal(found, trained(2))
    assert len(warnings) == 1
    assert "step-000000004" in warnings[0]


def test_a_state_of_another_kind_is_no_checkpoint(tmp_path: Path) -> None:
    for content in ("[]", "3", '{"step": 4}', "null", '{"fingerprint": "", "step": NaN}'):
        save(tmp_path, trained(4))
        (tmp_path / "step-000000004/state.json").write_text(content)
        found, warnings = load_newest(tmp_path)
        assert found is None
        assert len(warnings) == 1


def test_an_optimizer_that_would_run_code_is_not_loaded(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    hostile = trained(4)
    hostile.optimizer = {"state": Hostile()}
    save(tmp_path, hostile)
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        load_newest(tmp_path)
    assert not (tmp_path / "ran").exists()
