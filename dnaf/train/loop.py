"""The training run: resumable after a kill at any moment, with the same bits as an uninterrupted one."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch.utils.data import default_collate

from dnaf.core import config, files, locks
from dnaf.core.errors import NumericalError, ResourceError, StateError
from dnaf.core.progress import note, track
from dnaf.core.workers import thread_map
from dnaf.data.latent_store import Latents
from dnaf.data.loader import PairImages, Sources, StepSampler, TrainingPairs
from dnaf.model.build import Components, build
from dnaf.model.pretrained.base_model import require_trained_size
from dnaf.model.pretrained.provenance import Provenance
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.train import checkpoint, memory, processes
from dnaf.train.ema import copy
from dnaf.train.init import init_adapter
from dnaf.train.latents import origin
from dnaf.train.logs import Record
from dnaf.train.precision import Precision
from dnaf.train.schedule import learning_rate
from dnaf.train.signals import stop_requests
from dnaf.train.step import Batch, Learner
from dnaf.train.validation import Validation, hold_out

_VERSION = 4  # of everything below that changes the course of a run; in the resume key
_LOGGING = {"log_every", "checkpoint_every", "report_to"}  # do not change it
_IN_VALIDATION = (
    "in samples and validation, which take less than a step. End what else uses the device, and run again; "
    "the last checkpoint is kept."
)


@dataclass(frozen=True)
class Outputs:
    """Where a run writes: model folder, curves, a folder of sample sheets, one of TensorBoard's logs."""

    model: Path
    loss_curve: Path
    validation_curve: Path
    samples: Path
    tensorboard: Path


def train(
    sources: Sources,
    latents: Path,
    outputs: Outputs,
    model: config.Model,
    params: config.Train,
    seed: int,
) -> float:
    """Trains what is not frozen, or goes on where a killed run with the same inputs stopped.

    Resume state stands in `files.scratch_folder`, keyed by parameters and data, and is removed at the end.
    Started by `accelerate launch`, processes on any number of devices and hosts share every batch; all must
    see the same scratch folder.

    Args:
        latents: what stage `latents` wrote.

    Returns:
        The mean loss of the last `log_every` steps; NaN in other processes than the first.

    Raises:
        StateError: data incomplete, or another process trains the very same run.
        NumericalError: the loss or a gradient is not finite; the last checkpoint is kept.
        ResourceError: disk full, or out of memory.
        ConfigError: the batch does not divide among the processes, accelerate is to shard the model, or
            images are too small for the style encoder or of another size than those that the base was
            trained with.
        BaseModelError: the base model, or the model to start from, is missing, incomplete or of another kind.
    """
    training, held_out = hold_out(PairImages(sources), params.validation_outfits, seed)
    data = TrainingPairs(training, seed, params.mirror, params.max_sources)
    accelerator = processes.start(params, outputs.tensorboard)
    precision = Precision(params.mixed_precision, accelerator.device)
    components = build(model, seed, data.images.pose_channels, precision.dtype)
    height, width = data.images.image(data.stems(0)[0]).shape[-2:]
    if model.base is not None:
        require_trained_size(Path(model.base), (height, width))
    if components.style_encoder is not None:
        components.style_encoder.require_size((height, width))
    data.latents = Latents(
        latents, origin(components.autoencoder, components.adapter.base, sources.pairs, sources.images)
    )
    start = None if params.init is None else init_adapter(components, Path(params.init))
    folder = files.scratch_folder("train", _resume_key(data, sources, model, components, start, params, seed))
    lock = locks.sole_writer(folder) if accelerator.is_main_process else nullcontext()
    with lock:
        run = _Run(accelerator, precision, data, held_out, components, start, params, seed, folder, outputs)
        run.resume()
        run.go_on()
        if accelerator.is_main_process:
            run.publish()
            files.remove_folder(folder)
    processes.finish(accelerator)
    return run.record.recent_loss(params.log_every)


def _resume_key(
    data: TrainingPairs,
    sources: Sources,
    model: config.Model,
    components: Components,
    start: Provenance | None,
    params: config.Train,
    seed: int,
) -> str:
    return files.fingerprint(
        {
            "version": _VERSION,
            "model": model.model_dump(),
            "base": [
                each.digest for each in (components.adapter.base, components.adapter.style_weights) if each
            ],
            "train": params.model_dump(exclude=_LOGGING | {"init"}),
            "init": start.digest if start else None,
            "seed": seed,
            "pairs": files.digest(sources.pairs),
            "data": data.images.fingerprint(),
        }
    )


class _Run:
    def __init__(
        self,
        accelerator: Accelerator,
        precision: Precision,
        data: TrainingPairs,
        held_out: PairImages,
        components: Components,
        start: Provenance | None,
        params: config.Train,
        seed: int,
        folder: Path,
        outputs: Outputs,
    ) -> None:
        self.accelerator, self.data, self.params, self.seed = accelerator, data, params, seed
        self.folder, self.outputs = folder, outputs
        self.precision, self.start = precision, start
        self.pipeline: DNAFPipeline = assemble(components)
        example = data.images.image(data.stems(0)[0])
        memory.tell(self.pipeline, params, example, accelerator)
        components.adapter.register_to_config(trained_size=tuple(example.shape[-2:]))
        self.pipeline.to(accelerator.device)
        self.learner = Learner(self.pipeline, accelerator, precision, params, seed)
        self.step = 0
        self.validation = Validation(held_out)
        shown = held_out if len(held_out.pairs) else data.images
        self.record = Record(shown, outputs.loss_curve, outputs.validation_curve, outputs.samples, folder)

    def resume(self) -> None:
        """Restores the newest intact checkpoint of this run, if there is one."""
        found, warnings = checkpoint.load_newest(self.folder)
        steps = gather_object([found.step if found else 0])
        if len(set(steps)) > 1:
            raise StateError(
                f"{self.folder}: not the same folder for all processes (found checkpoints of steps "
                f"{', '.join(map(str, steps))}). Set DNAF_SCRATCH to one that all hosts share."
            )
        if self.accelerator.is_main_process:
            for warning in warnings:
                note(f"warning: {warning}")
        if found is None:
            return
        try:
            self.learner.restore(found)
        except KeyError as error:
            raise StateError(
                f"{self.folder}: checkpoint of another model. Remove the folder and run again."
            ) from error
        self.step, self.record.rows = found.step, found.log
        self.validation.rows, self.validation.best = found.validation, found.best
        if self.accelerator.is_main_process:
            note(f"Resuming at step {self.step:,} of {self.params.steps:,}")

    def go_on(self) -> None:
        """Runs the remaining steps; a stop request ends the run after the step at hand, saved."""
        batches = self._batches()
        if self.accelerator.is_main_process:
            self.record.restore()
            self.record.write_validation_curve(self.validation.rows)
            batches = track(batches, "Training steps", self.params.steps, self.step, self._recent_loss)
        processes.start_report(self.accelerator, self.params, self.folder.name, self.step)
        with stop_requests() as requested:
            for index, batch in enumerate(batches):
                loss, stop = self._one_step(batch, requested)
                if index == 0:
                    memory.tell_measured(self.accelerator)
                self.step += 1
                if self.accelerator.is_main_process:
                    self._write(loss, bool(stop))
                if stop:
                    raise SystemExit(128 + stop)

    def publish(self) -> None:
        """Writes the averaged weights, the best by validation, as a self-describing model folder."""
        copy(self.validation.best or self.learner.ema.values, self.learner.weights)
        self.pipeline.to("cpu")
        self.pipeline.denoiser.to(memory_format=torch.contiguous_format)
        with files.atomic_folder(self.outputs.model) as temporary:
            self.pipeline.save_pretrained(temporary)
            chosen = {
                "chosen_step": self.validation.best_step,
                "validation_outfits": self.params.validation_outfits,
            }
            files.write_manifest(
                temporary,
                {
                    "steps": self.step,
                    "seed": self.seed,
                    **(chosen if self.validation.rows else {}),
                    **({"init": asdict(self.start)} if self.start else {}),
                },
            )

    def _batches(self) -> Iterator[Batch]:
        """This process's share of every remaining step's batch; threads load the next while a step runs."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        sampler = StepSampler(self.step, self.params.steps, self.params.batch_size, rank, world)
        examples = thread_map(self.data.__getitem__, (position for share in sampler for position in share))
        for share in sampler:
            with self._out_of_memory_is_told(self._too_large_a_step):
                batch = default_collate([next(examples) for _ in share])
            yield batch

    def _recent_loss(self) -> str:
        return f"loss {self.record.recent_loss(self.params.log_every):.4f}"

    def _one_step(self, batch: Batch, requested: list[int]) -> tuple[float, int]:
        """The batch's mean loss, and the number of the signal by which any process was asked to stop."""
        with self._out_of_memory_is_told(self._too_large_a_step):
            loss, norm = self.learner.backward(self.step, batch)
        loss, stop = processes.agree(self.accelerator, loss, requested[0] if requested else 0)
        if not math.isfinite(loss) or self.precision.has_failed(norm):
            raise NumericalError(
                f"train: step {self.step}: not finite (found loss {loss}, gradient norm {norm}; last finite "
                f"loss {self.record.last_loss}). Set a smaller train.lr; the last checkpoint is kept. "
                f"Pairs: {self._pair_ids()}"
            )
        self.learner.update(self.step)
        return loss, stop

    @contextmanager
    def _out_of_memory_is_told(self, sentence: Callable[[], str]) -> Iterator[None]:
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            raise ResourceError(f"train: step {self.step}: out of memory {sentence()}") from error

    def _too_large_a_step(self) -> str:
        return (
            f"(found batch_size {self.params.batch_size} in "
            f"{self.accelerator.num_processes * self.params.accumulate} micro-batches). Set a larger "
            f"train.accumulate; the last checkpoint is kept. Pairs: {self._pair_ids()}"
        )

    def _pair_ids(self) -> str:
        """Of the whole batch at hand."""
        first = self.step * self.params.batch_size
        positions = range(first, first + self.params.batch_size)
        return ", ".join("_2_".join(self.data.stems(position)) for position in positions)

    def _write(self, loss: float, stopping: bool) -> None:
        params, last = self.params, self.step == self.params.steps
        rate = learning_rate(self.step - 1, params)
        self.record.add(self.step, loss, rate)
        self.accelerator.log({"loss": loss, "lr": rate}, step=self.step)
        if self.step % params.log_every == 0 or last:
            self.record.write_loss_curve()
        if self.step % params.sample_every == 0 or last:
            told = self._out_of_memory_is_told(lambda: _IN_VALIDATION)
            with told, self.learner.ema.applied(), self.precision.autocast():
                sheet = self.record.write_samples(self.pipeline, self.step, self.seed)
                self.validation.add(self.step, self.pipeline, self.learner.ema.values)
            self.record.write_validation_curve(self.validation.rows)
            if self.validation.rows:
                measured = {f"validation_{name}": value for name, value in self.validation.rows[-1].items()}
                self.accelerator.log(measured, step=self.step)
            for tracker in self.accelerator.trackers:
                tracker.log_images({"samples": sheet[None]}, step=self.step, dataformats="NHWC")
        if self.step % params.checkpoint_every == 0 or last or stopping:
            state = self.learner.state(self.step, self.record.rows)
            checkpoint.save(
                self.folder, replace(state, best=self.validation.best, validation=self.validation.rows)
            )


def _is_out_of_memory(error: Exception) -> bool:
    # Torch has a type of error for devices only; of the CPU, C++ and oneDNN have their own words.
    told = ("can't allocate memory", "bad_alloc", "could not create a primitive")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(each in str(error) for each in told)
