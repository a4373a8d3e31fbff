"""How much memory a training step takes on each device, counted before anything is computed.

One forward pass runs on fake tensors, which have shapes but no data, and every storage is counted while it
lives. No backward pass, so that a machine without the GPU can count for it: PyTorch runs none on fake tensors
of a GPU that is not there. What it computes again is counted segment by segment instead; PyTorch's own
counter, `torch.distributed._tools.mem_tracker`, cannot do that. Not counted: the gradients of activations,
workspaces of kernels, fragments; on a GPU expect a tenth more and about 0.5 GiB for its context.

tests/train/test_memory.py compares the estimate with what PyTorch's allocator gave out in a real step on the
CPU; on a GPU every training says after its first step what it took.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dnaf.core import config
from dnaf.core.progress import note
from dnaf.model import gradient_checkpointing
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline
from dnaf.train.draw import Draw
from dnaf.train.loss import training_loss

GIB = 2**30
_ADAM_MOMENTS = 2
_OF_SOURCE = ("source", "source_pose_map", "source_latent")


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device.

    Attributes:
        weights: of all modules, frozen ones too.
        gradients, optimizer, ema: of the trained weights; two moments of Adam; the moving average (EMA).
        buckets: the copy of the gradients in which several processes exchange them.
        activations: the most that lives at once in a step beside all that.
    """

    weights: int
    gradients: int
    optimizer: int
    ema: int
    buckets: int
    activations: int

    @property
    def total(self) -> int:
        return sum(vars(self).values())

    def __str__(self) -> str:
        each = ", ".join(f"{name} {size / GIB:.2f}" for name, size in vars(self).items() if size)
        return f"{self.total / GIB:.2f} GiB ({each})"


def estimate(
    pipeline: DNAFPipeline,
    params: config.Train,
    size: tuple[int, int],
    device: torch.device,
    num_processes: int = 1,
) -> Estimate:
    """Counts one step as `training_loss` runs it; the pipeline may be on any device, also on `meta`.

    Args:
        size: (height, width) of the images in pixels.
        device: where training will run; it need not be there.
    """
    trained = [parameter for parameter in pipeline.denoiser.parameters() if parameter.requires_grad]
    gradients = sum(parameter.nbytes for parameter in trained)
    batch_size = params.batch_size // num_processes // params.accumulate
    return Estimate(
        weights=sum(tensor.nbytes for tensor in tensors_of(_Step(pipeline, params)).values()),
        gradients=gradients,
        optimizer=_ADAM_MOMENTS * gradients,
        ema=gradients,
        buckets=gradients if num_processes > 1 else 0,
        activations=_activations(pipeline, params, batch_size, size, device.type),
    )


def advice(found: Estimate, available: int, params: config.Train) -> str | None:
    """What to change, in one sentence, when a step needs more than the `available` bytes of the device."""
    if found.total <= available:
        return None
    remedies = [] if params.gradient_checkpointing else ["train.gradient_checkpointing to true"]
    # Examples at once: the batch divided among processes and micro-batches.
    micro_batches = -(-found.activations // max(1, available - (found.total - found.activations)))
    if params.accumulate * micro_batches <= params.batch_size:
        remedies.append(f"train.accumulate to {params.accumulate * micro_batches} or more")
    change = f"Set {' or '.join(remedies)}." if remedies else "Use a device with more memory."
    return (
        f"warning: train: not enough memory for a step (found {available / GIB:.1f} GiB on each device, "
        f"expected about {found.total / GIB:.1f} GiB). {change}"
    )


def tell(pipeline: DNAFPipeline, params: config.Train, image: torch.Tensor, accelerator: Accelerator) -> None:
    """Shows the estimate before training starts, and what to change where the device has less.

    Not for a model that trains from scratch on the CPU: those are small.

    Args:
        image: (3,H,W), one like those that are trained on.
    """
    device, num_processes = accelerator.device, accelerator.num_processes
    frozen = any(not parameter.requires_grad for parameter in pipeline.denoiser.parameters())
    if not accelerator.is_main_process or (device.type == "cpu" and not frozen):
        return
    size = image.shape[-2], image.shape[-1]
    found = estimate(pipeline, params, size, device, num_processes)
    note(f"Memory of a step on each device, estimated: {found}")
    warning = advice(found, _memory(device), params)
    if warning is not None:
        note(warning)


def tell_measured(accelerator: Accelerator) -> None:
    """Shows after a step what it took, to compare with the estimate; nothing where PyTorch does not count."""
    device = accelerator.device
    if accelerator.is_main_process and device.type == "cuda":
        note(f"Memory of a step, measured: {torch.cuda.max_memory_allocated(device) / GIB:.2f} GiB")


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return psutil.virtual_memory().total


class _Step(nn.Module):
    """A training step as a module, so that all its weights can be swapped for fake ones at once."""

    def __init__(self, pipeline: DNAFPipeline, params: config.Train) -> None:
        super().__init__()
        self.denoiser, self.autoencoder, self.params = pipeline.denoiser, pipeline.autoencoder, params
        self.schedule = training_schedule(pipeline.scheduler)

    def forward(self, batch: dict[str, torch.Tensor], random: Draw) -> torch.Tensor:
        return training_loss(self.denoiser, self.autoencoder, self.schedule, batch, random, self.params)


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Weights and buffers by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@contextmanager
def fake_step(
    pipeline: DNAFPipeline, params: config.Train, batch_size: int, size: tuple[int, int], device_type: str
) -> Iterator[Callable[[], torch.Tensor]]:
    """Gives a training step on tensors that have shapes and no data; calling it gives the loss.

    Args:
        pipeline: on any device, also on `meta`; its weights are not touched.
    """
    step = _Step(pipeline, params)
    with FakeTensorMode(allow_non_fake_inputs=True):
        weights = {name: fake_tensor(tensor, device_type) for name, tensor in tensors_of(step).items()}
        inputs = _inputs(step, batch_size, size, device_type)
        yield lambda: functional_call(step, weights, inputs)


def _activations(
    pipeline: DNAFPipeline, params: config.Train, batch_size: int, size: tuple[int, int], device_type: str
) -> int:
    """Bytes alive at the worst moment of a step, without weights."""
    alive = Alive()
    with ExitStack() as stack:
        step = stack.enter_context(fake_step(pipeline, params, batch_size, size, device_type))
        if device_type != "cpu":
            stack.enter_context(FusedAttention())
        if params.gradient_checkpointing:
            gradient_checkpointing.enable(pipeline.denoiser, alive.measure)
            stack.callback(gradient_checkpointing.disable, pipeline.denoiser)
        stack.enter_context(alive)
        with autocast(device_type, params.mixed_precision):
            loss = step()
            backward = alive.now + alive.largest_segment
        del loss
    return max(alive.peak, backward)


def fake_tensor(tensor: torch.Tensor, device_type: str) -> torch.Tensor:
    """Under a `FakeTensorMode`: one of the same form without data, on a device that need not be there."""
    fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device_type)
    return fake.requires_grad_(tensor.requires_grad)


def _inputs(
    step: _Step, batch_size: int, size: tuple[int, int], device_type: str
) -> tuple[dict[str, torch.Tensor], Draw]:
    def empty(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty(batch_size, *shape, dtype=dtype, device=device_type)

    pose_channels = step.denoiser.adapter.config.pose_channels
    batch = {name: empty(3, *size) for name in ("source", "target")}
    batch |= {name: empty(pose_channels, *size) for name in ("source_pose_map", "target_pose_map")}
    latent = (
        step.autoencoder.latent_channels,
        size[0] // step.autoencoder.downscale,
        size[1] // step.autoencoder.downscale,
    )
    batch |= {name: empty(*latent) for name in ("source_latent", "target_latent")}
    timestep, keep, other_noise = empty(dtype=torch.int64), empty(dtype=torch.bool), None
    if num_others := step.params.max_sources - 1:
        batch |= {f"other_{name}": empty(num_others, *batch[name].shape[1:]) for name in _OF_SOURCE}
        batch["has_other"], other_noise = empty(num_others, dtype=torch.bool), empty(num_others, *latent)
    return batch, Draw(timestep, empty(*latent), empty(*latent), keep, other_noise)


class Alive(TorchDispatchMode):
    """Counts the bytes of storages that operators create, as long as they live.

    Attributes:
        now, peak: bytes alive, and the most that ever were.
        largest_segment: the most that one segment under `measure` needed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = self.largest_segment = 0
        self._inputs: list[Any] = []
        self._known: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for tensor in _tensor_leaves((args, kwargs)):
            self._known[tensor.untyped_storage()] = True  # was there before, or is counted already
        result = func(*args, **(kwargs or {}))
        for tensor in _tensor_leaves(result):
            storage = tensor.untyped_storage()
            if storage not in self._known:
                self._known[storage] = True
                self.now += storage.nbytes()
                weakref.finalize(storage, self._free, storage.nbytes())
        self.peak = max(self.peak, self.now)
        return result

    def measure(self, segment: gradient_checkpointing.Segment, *args: Any) -> Any:
        """Takes the place of `gradient_checkpointing.run_again`: counts what the backward pass needs again.

        What comes back is as large as the segment's output, and only its inputs stay alive.
        """
        if not torch.is_grad_enabled():
            return segment(*args)
        before, peak = self.now, self.peak
        self.peak = before
        output = segment(*args)
        self.largest_segment = max(self.largest_segment, self.peak - before)
        self.peak = peak
        self._inputs.append(args)
        leaf = torch.zeros((), dtype=output.dtype, device=output.device, requires_grad=True)
        return leaf.expand_as(output).clone()

    def _free(self, size: int) -> None:
        self.now -= size


def _tensor_leaves(tree: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))


class FusedAttention(TorchFunctionMode):
    """Attention by a GPU's kernel: without a GPU, PyTorch would spell it out and keep all scores."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            query, key, value = args[:3]
            return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def autocast(device_type: str, mixed_precision: str) -> Iterator[None]:
    """`torch.autocast`, which switches itself off for devices that this machine does not have."""
    if mixed_precision == "no":
        yield
        return
    before = torch.is_autocast_enabled(device_type), torch.get_autocast_dtype(device_type)
    torch.set_autocast_enabled(device_type, True)
    torch.set_autocast_dtype(device_type, {"bf16": torch.bfloat16, "fp16": torch.float16}[mixed_precision])
    torch.autocast_increment_nesting()
    try:
        yield
    finally:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled(device_type, before[0])
        torch.set_autocast_dtype(device_type, before[1])
