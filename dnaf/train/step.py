"""One optimizer step: the gradients of a batch, however it is divided, clipped and applied."""

from contextlib import nullcontext

import torch
from accelerate import Accelerator

from dnaf.core import config
from dnaf.model import gradient_checkpointing
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline
from dnaf.train.checkpoint import Checkpoint
from dnaf.train.draw import draw
from dnaf.train.ema import EMA, copy
from dnaf.train.loss import training_loss
from dnaf.train.precision import Precision
from dnaf.train.schedule import learning_rate

Batch = dict[str, torch.Tensor]


class Learner:
    """The weights that are trained, their optimizer and their average.

    Only parameters with `requires_grad` are trained, averaged and kept in checkpoints.

    Args:
        pipeline: on the accelerator's device; its denoiser is what is trained.

    Attributes:
        weights: what is trained, by name. ema: theirs.
    """

    def __init__(
        self,
        pipeline: DNAFPipeline,
        accelerator: Accelerator,
        precision: Precision,
        params: config.Train,
        seed: int,
    ) -> None:
        self._accelerator, self._precision = accelerator, precision
        self._params, self._seed = params, seed
        self._autoencoder = pipeline.autoencoder
        self._clean_style = pipeline.adapter.config.clean_style
        # The noise of training; the pipeline's own scheduler may be any scheduler.
        self._schedule = training_schedule(pipeline.scheduler)
        denoiser = pipeline.denoiser.to(memory_format=torch.channels_last)
        if params.gradient_checkpointing:
            gradient_checkpointing.enable(denoiser)
        self.weights = {name: each for name, each in denoiser.named_parameters() if each.requires_grad}
        self.ema = EMA(self.weights, params.ema_decay)
        self._optimizer = torch.optim.AdamW(
            self.weights.values(),
            lr=params.lr,
            betas=(0.9, 0.99),
            weight_decay=params.weight_decay,
            fused=True,
        )
        self._denoiser = accelerator.prepare(denoiser.train())

    def backward(self, step: int, batch: Batch) -> tuple[float, float]:
        """Loss of this process's share of a batch, and the norm of all processes' clipped gradient.

        Args:
            step: from 0.
            batch: of `TrainingPairs`, collated, on the CPU.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(step, self._params)
        num_micro_batches = self._params.accumulate
        micro_batches = zip(*(tensor.chunk(num_micro_batches) for tensor in batch.values()), strict=True)
        total = torch.zeros((), device=self._accelerator.device)
        for index, tensors in enumerate(micro_batches):
            # Processes exchange gradients once a step.
            last = index == num_micro_batches - 1
            with nullcontext() if last else self._accelerator.no_sync(self._denoiser):
                loss = self._loss(dict(zip(batch, tensors, strict=True))) / num_micro_batches
                self._precision.scaler.scale(loss).backward()
            total += loss.detach()
        self._precision.scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), self._params.max_grad_norm)
        return float(total), float(norm)

    def update(self, step: int) -> None:
        """Applies the gradient of `backward`; `step` from 0."""
        self._precision.scaler.step(self._optimizer)
        self._precision.scaler.update()
        self._optimizer.zero_grad()
        self.ema.update(step)

    def state(self, step: int, log: list[dict[str, float]]) -> Checkpoint:
        """All that a run needs to go on after `step` finished steps."""
        weights = {name: weight.detach() for name, weight in self.weights.items()}
        optimizer, scaler = self._optimizer.state_dict(), self._precision.scaler.state_dict()
        return Checkpoint(step, weights, self.ema.values, optimizer, scaler, log)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to a checkpoint; KeyError if it is of other weights."""
        if checkpoint.weights.keys() != self.weights.keys():
            raise KeyError("weights")
        copy(checkpoint.weights, self.weights)
        self.ema.load(checkpoint.ema)
        self._optimizer.load_state_dict(checkpoint.optimizer)
        self._precision.scaler.load_state_dict(checkpoint.scaler)

    def _loss(self, batch: Batch) -> torch.Tensor:
        device = self._accelerator.device
        positions = batch.pop("position").tolist()
        batch = {name: _moved(tensor, device) for name, tensor in batch.items()}
        num_timesteps = self._schedule.config.num_train_timesteps
        for name in ("source", "target", "other_source"):
            if name in batch and f"{name}_latent" not in batch:  # not cached: a mere rearrangement
                rows = batch[name].shape[:-3]  # (B,), or (B,K-1)
                latents = self._autoencoder.encode(batch[name].flatten(0, len(rows) - 1))
                batch[f"{name}_latent"] = latents.unflatten(0, rows)
        latent_shape = tuple(batch["target_latent"].shape[1:])
        random = draw(positions, latent_shape, self._params, num_timesteps, self._seed).to(device)
        with self._precision.autocast():
            return training_loss(
                self._denoiser,
                self._autoencoder,
                self._schedule,
                batch,
                random,
                self._params,
                self._clean_style,
            )


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    images = tensor.ndim == 4
    return tensor.to(device, memory_format=torch.channels_last if images else torch.preserve_format)
