"""Checkpoints of a run: weights, EMA, optimizer and logs; a run goes on from the newest intact one.

    step-000500/  trainable.safetensors  average.safetensors  best.safetensors  optimizer.pt
                  state.json (written last)

No random state is kept: every draw is a function of (seed, position), so weights, optimizer and step
number are all there is.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from dnaf.core import files
from dnaf.core.errors import StateError, one_line

_KEEP = 2
_WEIGHTS, _AVERAGE, _BEST, _OPTIMIZER, _STATE = (
    "trainable.safetensors",
    "average.safetensors",
    "best.safetensors",
    "optimizer.pt",
    "state.json",
)


@dataclass
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        step: number of finished steps.
        weights, ema: trainable tensors by name, and their exponential moving average.
        optimizer: its `state_dict`.
        scaler: the loss scaler's `state_dict`, empty without float16.
        log: rows of the loss curve so far.
        best: the average that was best in validation. validation: its rows. Both are empty before the first.
    """

    step: int
    weights: dict[str, torch.Tensor]
    ema: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    log: list[dict[str, float]]
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    validation: list[dict[str, float]] = field(default_factory=list)


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint, then deletes all but the newest two.

    Raises:
        ResourceError: the disk is full; earlier checkpoints are untouched.
    """
    target = folder / f"step-{checkpoint.step:09d}"
    buffer = io.BytesIO()
    torch.save(checkpoint.optimizer, buffer)
    contents = {
        _WEIGHTS: save_tensors(_contiguous(checkpoint.weights)),
        _AVERAGE: save_tensors(_contiguous(checkpoint.ema)),
        _BEST: save_tensors(_contiguous(checkpoint.best)),
        _OPTIMIZER: buffer.getvalue(),
    }
    for name, data in contents.items():
        files.write_atomic(target / name, data)
    digests = {name: files.digest(target / name) for name in contents}
    state = {
        "step": checkpoint.step,
        "scaler": checkpoint.scaler,
        "log": checkpoint.log,
        "validation": checkpoint.validation,
        "sha256": digests,
    }
    files.write_json(target / _STATE, {**state, "fingerprint": files.fingerprint(state)})
    complete = [path for path in _newest_first(folder) if (path / _STATE).exists()]
    for old in set(_newest_first(folder)) - set(complete[:_KEEP]):
        files.remove_folder(old)


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest intact checkpoint, and one sentence for each damaged one that was passed over."""
    warnings: list[str] = []
    for path in _newest_first(folder):
        try:
            return _load(path), warnings
        except StateError as error:
            warnings.append(str(error))
    return None, warnings


def _load(path: Path) -> Checkpoint:
    state = files.read_json(path / _STATE)
    try:
        if state.pop("fingerprint") != files.fingerprint(state):
            raise StateError(f"{path / _STATE}: damaged checkpoint. An earlier one is used.")
        data = {name: (path / name).read_bytes() for name in state["sha256"]}
        damaged = [name for name, digest in state["sha256"].items() if files.digest(path / name) != digest]
        if damaged:
            raise StateError(f"{path / damaged[0]}: damaged checkpoint. An earlier one is used.")
        return Checkpoint(
            step=state["step"],
            weights=load_tensors(data[_WEIGHTS]),
            ema=load_tensors(data[_AVERAGE]),
            best=load_tensors(data[_BEST]),
            optimizer=torch.load(io.BytesIO(data[_OPTIMIZER]), map_location="cpu", weights_only=True),
            scaler=state["scaler"],
            log=state["log"],
            validation=state["validation"],
        )
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise StateError(
            f"{path}: incomplete checkpoint ({one_line(error)}). An earlier one is used."
        ) from error


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True)


def _contiguous(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
