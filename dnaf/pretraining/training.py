"""One training of the pretraining: resumable after a kill at any moment with the same bits.

Every draw is a function of (seed, position of the example), so weights, their ema, the optimizer and the
number of steps are all the state there is; see `dnaf/train/checkpoint.py`. Processes of `accelerate launch`
share every batch.
"""

import io
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from diffusers import ModelMixin
from torch import nn

from dnaf.core import files, locks, seeds
from dnaf.core.errors import ConfigError, NumericalError
from dnaf.core.progress import note, track
from dnaf.pretraining.params import Training
from dnaf.train import checkpoint, processes
from dnaf.train.ema import EMA, copy
from dnaf.train.precision import Precision
from dnaf.train.schedule import learning_rate
from dnaf.train.signals import stop_requests

_VERSION = 2  # of everything here that changes the course of a run; in the resume key
_LOGGING = {"log_every", "checkpoint_every"}

Loss = Callable[[nn.Module, list[int]], torch.Tensor]
"""(module, positions of examples) -> their mean loss; the module is on its device, perhaps wrapped."""


def run_training(
    name: str, module: nn.Module, loss: Loss, params: Training, depends_on: Mapping[str, Any]
) -> pd.DataFrame | None:
    """Trains a module in place, or goes on where a killed run with the same inputs stopped.

    At its end the module has the averaged weights. Resume state stays until `remove_state`.

    Args:
        name: of the training, for the resume state and the progress bar.
        depends_on: JSON-able; all that the run depends on beside its parameters.

    Returns:
        A row for each `log_every` steps: step, loss (their mean), lr, cpu_hours (of the first process).
        None in all processes but the first, which is the one to write the result.

    Raises:
        StateError: another process runs the very same training.
        NumericalError: the loss is not finite; the last checkpoint is kept.
        ConfigError: the batch does not divide among the processes.
    """
    accelerator = Accelerator(cpu=not torch.accelerator.is_available())
    if params.batch_size % accelerator.num_processes:
        raise ConfigError(
            f"pretraining/params.yaml: {name}.batch_size: not divisible (found {params.batch_size}, expected "
            f"a multiple of {accelerator.num_processes} processes). Change one."
        )
    folder = state_folder(name, params, depends_on)
    with locks.sole_writer(folder) if accelerator.is_main_process else nullcontext():
        run = _Run(name, module, params, accelerator, folder)
        run.resume()
        run.go_on(loss)
    run.ema.apply()
    module.to("cpu")
    return _log(run.rows, params.log_every) if accelerator.is_main_process else None


def state_folder(name: str, params: Training, depends_on: Mapping[str, Any]) -> Path:
    """Where a training keeps its resume state."""
    key = {"version": _VERSION, "params": params.model_dump(exclude=_LOGGING), "inputs": dict(depends_on)}
    return files.scratch_folder(f"pretraining-{name}", files.fingerprint(key))


def remove_state(name: str, params: Training, depends_on: Mapping[str, Any]) -> None:
    """Removes a training's resume state, once its result is written."""
    files.remove_folder(state_folder(name, params, depends_on))


class _Run:
    def __init__(
        self, name: str, module: nn.Module, params: Training, accelerator: Accelerator, folder: Path
    ) -> None:
        self._name, self._params, self._accelerator, self._folder = name, params, accelerator, folder
        module.to(accelerator.device).to(memory_format=torch.channels_last).train()
        self._weights = dict(module.named_parameters())
        self._buffers = dict(module.named_buffers())
        self.ema = EMA(self._weights, params.ema_decay)
        self._optimizer = torch.optim.AdamW(
            self._weights.values(), lr=params.lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )
        self._module = accelerator.prepare(module)
        self._precision = Precision(params.mixed_precision, accelerator.device)
        self.step = 0
        self.rows: list[dict[str, float]] = []

    def resume(self) -> None:
        """Restores the newest intact checkpoint, if there is one."""
        found, warnings = checkpoint.load_newest(self._folder)
        for warning in warnings:
            note(f"warning: {warning}")
        if found is None:
            return
        copy(found.weights, self._weights | self._buffers)
        self.ema.load(found.ema)
        self._optimizer.load_state_dict(found.optimizer)
        self.step, self.rows = found.step, found.log
        if self._accelerator.is_main_process:
            note(f"Resuming at step {self.step:,} of {self._params.steps:,}")

    def go_on(self, loss: Loss) -> None:
        """Runs the remaining steps; a stop request ends the run after the step at hand, saved."""
        rank, world = self._accelerator.process_index, self._accelerator.num_processes
        share = self._params.batch_size // world
        remaining: Any = range(self.step, self._params.steps)
        if self._accelerator.is_main_process:
            remaining = track(remaining, f"Training {self._name} (steps)", self._params.steps, self.step)
        with stop_requests() as requested:
            for step in remaining:
                start = time.process_time()
                first = step * self._params.batch_size + rank * share
                value = self._one_step(step, list(range(first, first + share)), loss)
                value, stop = processes.agree(self._accelerator, value, requested[0] if requested else 0)
                if not math.isfinite(value):
                    raise NumericalError(
                        f"{self._name}: step {step}: loss not finite (found {value}). Set a smaller "
                        f"{self._name}.lr in pretraining/params.yaml; the last checkpoint is kept."
                    )
                self._update(step)
                if self._accelerator.is_main_process:
                    self._write(value, time.process_time() - start, bool(stop))
                if stop:
                    raise SystemExit(128 + stop)

    def _one_step(self, step: int, positions: list[int], loss: Loss) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(step, self._params)
        with self._precision.autocast():
            value = loss(self._module, positions)
        self._accelerator.backward(value)
        torch.nn.utils.clip_grad_norm_(self._weights.values(), self._params.max_grad_norm)
        return float(value.detach())

    def _update(self, step: int) -> None:
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.ema.update(step)
        self.step = step + 1

    def _write(self, loss: float, cpu_seconds: float, stopping: bool) -> None:
        rate = learning_rate(self.step - 1, self._params)
        self.rows.append({"step": self.step, "loss": loss, "lr": rate, "cpu_seconds": cpu_seconds})
        if self.step % self._params.log_every == 0:
            last = self.rows[-self._params.log_every :]
            mean = sum(row["loss"] for row in last) / len(last)
            seconds = sum(row["cpu_seconds"] for row in last) / len(last)
            note(f"{self._name}: step {self.step:,}: loss {mean:.4f}, {seconds:.2f} CPU seconds a step")
        if self.step % self._params.checkpoint_every == 0 or self.step == self._params.steps or stopping:
            weights = {name: value.detach() for name, value in (self._weights | self._buffers).items()}
            checkpoint.save(
                self._folder,
                checkpoint.Checkpoint(
                    self.step, weights, self.ema.values, self._optimizer.state_dict(), {}, self.rows
                ),
            )


def _log(rows: list[dict[str, float]], every: int) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    table["cpu_hours"] = table.pop("cpu_seconds").cumsum() / 3600
    block = (table["step"] - 1) // every
    log = table.groupby(block).agg({"step": "last", "loss": "mean", "lr": "last", "cpu_hours": "last"})
    return log.reset_index(drop=True)


def random_normal(shape: tuple[int, ...], seed: int, purpose: str, position: int) -> torch.Tensor:
    """Standard normal numbers on the CPU, a function of (seed, purpose, position)."""
    generator = torch.Generator().manual_seed(seeds.seed(seed, purpose, position))
    return torch.randn(shape, generator=generator)


def save_half(module: ModelMixin, folder: Path) -> None:
    """Rounds a module to float16, in place, and writes it; what later stages read is what git can keep."""
    module.half().save_pretrained(folder)
    module.float()


def log_to_csv(log: pd.DataFrame) -> str:
    """The log of a training as CSV."""
    buffer = io.StringIO()
    log.to_csv(buffer, index=False, float_format="%.6g")
    return buffer.getvalue()
