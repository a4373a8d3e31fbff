"""The processes of `accelerate launch`: one a device, on one host or several."""

from importlib.util import find_spec
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, ProjectConfiguration

from dnaf.core import commands, config
from dnaf.core.errors import ConfigError

# Each process must hold all weights: a checkpoint is one process's.
_SHARDED = {DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM}


def start(params: config.Train, tensorboard: Path) -> Accelerator:
    """Joins the other processes, if there are any.

    Args:
        tensorboard: folder of its logs, if it is asked for.

    Raises:
        ConfigError: accelerate shards the model, the batch does not divide, or TensorBoard is not installed.
    """
    if params.report_to == "tensorboard" and find_spec("tensorboard") is None:
        raise ConfigError(
            "params.yaml: train.report_to: TensorBoard is not installed. "
            f"Run `{commands.install('tensorboard')}`, or set it to none."
        )
    accelerator = Accelerator(
        # Without an accelerator it takes every process for the only one, unless it is told.
        cpu=not torch.accelerator.is_available(),
        mixed_precision="no",  # see precision.py
        log_with=None if params.report_to == "none" else params.report_to,
        project_config=ProjectConfiguration(logging_dir=str(tensorboard)),
    )
    if accelerator.distributed_type in _SHARDED:
        raise ConfigError(
            f"accelerate: cannot shard this model (found {accelerator.distributed_type.value}, expected "
            "plain data parallelism). Choose no FSDP, DeepSpeed or Megatron in `accelerate config`."
        )
    num_micro_batches = accelerator.num_processes * params.accumulate
    if params.batch_size % num_micro_batches:
        raise ConfigError(
            f"params.yaml: train.batch_size: not divisible (found {params.batch_size}, expected a multiple "
            f"of {accelerator.num_processes} processes x train.accumulate {params.accumulate}). Change one."
        )
    return accelerator


def start_report(accelerator: Accelerator, params: config.Train, run: str, step: int) -> None:
    """Starts what `report_to` asks for; what a killed process reported after `step` is replaced."""
    if params.report_to != "none":
        accelerator.init_trackers(run, init_kwargs={params.report_to: {"purge_step": step + 1}})


def finish(accelerator: Accelerator) -> None:
    """Ends the reports once all processes have written; these stay joined, for another training."""
    accelerator.wait_for_everyone()
    for tracker in accelerator.trackers:
        tracker.finish()


def agree(accelerator: Accelerator, loss: float, stop: int) -> tuple[float, int]:
    """The mean of all processes' losses, and a signal that any of them received, else 0.

    A request to stop may reach processes in different steps; they end in the same one.
    """
    # float32 holds both exactly, the loss being one; Apple's GPUs have no float64.
    own = torch.tensor([[loss, stop]], dtype=torch.float32, device=accelerator.device)
    every = accelerator.gather(own).cpu().double()
    return float(every[:, 0].mean()), int(every[:, 1].max())
