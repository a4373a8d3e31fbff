"""The training run: resumable after a kill at any moment, with the same bits as an uninterrupted one."""

import math
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler
from torch.utils.data import DataLoader

from dnaf import config, files
from dnaf.data.loader import Sources, StepSampler, TrainingPairs
from dnaf.errors import ConfigError, NumericalError, ResourceError, StateError
from dnaf.model import base
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.progress import note, track
from dnaf.train import checkpoint
from dnaf.train.draw import draw
from dnaf.train.loss import training_loss
from dnaf.train.record import Record
from dnaf.train.schedule import learning_rate

_VERSION = 4  # of everything below that changes the course of a run; part of the resume key


@dataclass(frozen=True)
class Outputs:
    """Where a run writes: the model folder, the loss curve, and a folder of sample sheets."""

    model: Path
    loss_curve: Path
    samples: Path


def train(sources: Sources, outputs: Outputs, model: config.Model, params: config.Train, seed: int) -> None:
    """Trains what is not frozen, or goes on where a killed run with the same inputs stopped.

    Resume state stands in `files.scratch_folder`, keyed by parameters and data, and is removed at the end.

    Raises:
        StateError: data incomplete, or another process trains the very same run.
        NumericalError: the loss or a gradient is not finite; the last checkpoint is kept.
        ResourceError: disk full, or out of memory.
        ConfigError: the batch does not divide among the processes.
        BaseModelError: the base model is missing, incomplete or of another kind.
    """
    data = TrainingPairs(sources, seed, params.mirror)
    parts = base.build(model, seed, data.images.pose_channels)
    folder = files.scratch_folder("train", _resume_key(data, sources, model, parts, params, seed))
    accelerator = Accelerator(mixed_precision=params.mixed_precision)
    if params.batch_size % accelerator.num_processes:
        raise ConfigError(
            f"params.yaml: train.batch_size: not divisible (found {params.batch_size}, expected "
            f"a multiple of the {accelerator.num_processes} processes). Change it, or start fewer processes."
        )
    lock = files.run_lock(folder) if accelerator.is_main_process else nullcontext()
    with lock:
        run = _Run(accelerator, data, parts, params, seed, folder, outputs)
        run.resume()
        run.go_on()
        if accelerator.is_main_process:
            run.publish()
    if accelerator.is_main_process:
        files.remove_folder(folder)


def _resume_key(
    data: TrainingPairs,
    sources: Sources,
    model: config.Model,
    parts: base.Parts,
    params: config.Train,
    seed: int,
) -> str:
    relevant = params.model_dump(exclude={"log_every", "checkpoint_every", "sample_every"})
    return files.fingerprint(
        {
            "version": _VERSION,
            "model": model.model_dump(),
            "base": [origin.digest for origin in (parts.base, parts.style_weights) if origin],
            "train": relevant,
            "seed": seed,
            "pairs": files.digest(sources.pairs),
            "data": data.images.fingerprint(),
        }
    )


class _Run:
    def __init__(
        self,
        accelerator: Accelerator,
        data: TrainingPairs,
        parts: base.Parts,
        params: config.Train,
        seed: int,
        folder: Path,
        outputs: Outputs,
    ) -> None:
        self.accelerator, self.data, self.params, self.seed = accelerator, data, params, seed
        self.folder, self.outputs = folder, outputs
        self.pipeline: DNAFPipeline = assemble(parts).to(accelerator.device)
        # The noise of training; the pipeline's own scheduler may be any solver.
        self.schedule = DDPMScheduler.from_config(self.pipeline.scheduler.config)
        denoiser: DNAFDenoiser = self.pipeline.denoiser.to(memory_format=torch.channels_last)
        self.trainable = {name: each for name, each in denoiser.named_parameters() if each.requires_grad}
        self.average = {name: value.detach().clone() for name, value in self.trainable.items()}
        optimizer = torch.optim.AdamW(
            self.trainable.values(),
            lr=params.lr,
            betas=(0.9, 0.99),
            weight_decay=params.weight_decay,
            fused=True,
        )
        self.denoiser, self.optimizer = accelerator.prepare(denoiser, optimizer)
        self.step = 0
        self.record = Record(data.images, outputs.loss_curve, outputs.samples, folder)

    def resume(self) -> None:
        """Restores the newest intact checkpoint of this run, if there is one."""
        found, warnings = checkpoint.load_newest(self.folder)
        for warning in warnings:
            note(f"warning: {warning}")
        if found is None:
            return
        if found.weights.keys() != self.trainable.keys():
            raise StateError(f"{self.folder}: checkpoint of another model. Remove the folder and run again.")
        with torch.no_grad():
            for name, parameter in self.trainable.items():
                parameter.copy_(found.weights[name])
                self.average[name].copy_(found.average[name])
        self.optimizer.load_state_dict(found.optimizer)
        self.step, self.record.rows = found.step, found.log
        note(f"Resuming at step {self.step:,} of {self.params.steps:,}")

    def go_on(self) -> None:
        """Runs the remaining steps; SIGTERM and SIGINT end the run after the step at hand, saved."""
        if self.accelerator.is_main_process:
            self.record.restore()
        params, world = self.params, self.accelerator.num_processes
        sampler = StepSampler(
            self.step, params.steps, params.batch_size, self.accelerator.process_index, world
        )
        batches: Iterable[dict[str, Any]] = DataLoader(self.data, batch_sampler=sampler)
        if self.accelerator.is_main_process:
            batches = track(batches, "Training steps", params.steps, self.step)
        self.denoiser.train()
        with _stop_requests() as requested:
            for batch in batches:
                loss = self._one_step(batch)
                self.step += 1
                stopping = bool(requested)  # once: a request during the writing waits for the next step
                self._write(loss, stopping)
                if stopping:
                    raise SystemExit(128 + requested[0])

    def publish(self) -> None:
        """Writes the averaged weights as a self-describing model folder."""
        self._load_average()
        self.pipeline.to("cpu")
        self.pipeline.denoiser.to(memory_format=torch.contiguous_format)
        with files.atomic_folder(self.outputs.model) as temporary:
            self.pipeline.save_pretrained(temporary)
            files.write_manifest(temporary, {"steps": self.step, "seed": self.seed})

    def _one_step(self, batch: dict[str, Any]) -> float:
        positions = batch.pop("position").tolist()
        accelerator, pipeline = self.accelerator, self.pipeline
        batch = {name: _to_device(tensor, accelerator.device) for name, tensor in batch.items()}
        latent_shape = tuple(pipeline.codec.encode(batch["target"][:1]).shape[1:])
        num_timesteps = self.schedule.config.num_train_timesteps
        random = draw(positions, latent_shape, self.params, num_timesteps, self.seed).to(accelerator.device)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.params)
        try:
            with accelerator.autocast():
                loss = training_loss(self.denoiser, pipeline.codec, self.schedule, batch, random, self.params)
                accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(self.trainable.values(), self.params.max_grad_norm)
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"train: out of memory at step {self.step} (found batch_size {self.params.batch_size}). "
                "Set a smaller train.batch_size; the last checkpoint is kept."
            ) from error
        value = float(accelerator.reduce(loss.detach(), reduction="mean"))
        if not (math.isfinite(value) and math.isfinite(float(norm))):
            raise self._not_finite(value, float(norm), positions)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._update_average()
        return value

    def _not_finite(self, loss: float, norm: float, positions: list[int]) -> NumericalError:
        ids = ", ".join("_2_".join(self.data.stems(position)) for position in positions)
        return NumericalError(
            f"train: step {self.step}: not finite (found loss {loss}, gradient norm {norm}; last finite loss "
            f"{self.record.last_loss}). Set a smaller train.lr; the last checkpoint is kept. Pairs: {ids}"
        )

    @torch.no_grad()
    def _update_average(self) -> None:
        # A young average follows faster, so that it does not remember the random start.
        decay = min(self.params.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.average.values()), [p.data for p in self.trainable.values()], 1 - decay
        )

    def _write(self, loss: float, stopping: bool) -> None:
        params, last = self.params, self.step == self.params.steps
        if not self.accelerator.is_main_process:
            return
        self.record.add(self.step, loss, learning_rate(self.step - 1, params))
        if self.step % params.log_every == 0 or last:
            self.record.write_loss_curve()
        if self.step % params.sample_every == 0 or last:
            with self._averaged_weights(), self.accelerator.autocast():
                self.record.write_samples(self.pipeline, self.step, self.seed)
        if self.step % params.checkpoint_every == 0 or last or stopping:
            state = self.optimizer.state_dict()
            weights = {name: parameter.detach() for name, parameter in self.trainable.items()}
            checkpoint.save(
                self.folder,
                checkpoint.Checkpoint(self.step, weights, self.average, state, self.record.rows),
            )

    @torch.no_grad()
    def _load_average(self) -> None:
        for name, parameter in self.trainable.items():
            parameter.copy_(self.average[name])

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        trained = {name: parameter.detach().clone() for name, parameter in self.trainable.items()}
        self._load_average()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self.trainable.items():
                    parameter.copy_(trained[name])


def _to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    return tensor.to(device, memory_format=torch.channels_last)


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Gives a list that receives the number of the first SIGTERM or SIGINT; a second one acts at once."""
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    previous = {number: signal.signal(number, receive) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
