"""How much memory an image takes on a device, counted before it is made, and what --low-memory makes of it.

Counted as a training step is (dnaf.train.memory): one pass on tensors that have shapes but no data.
Workspaces of kernels are not counted; they are a larger share of an image than of a step.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call

from dnaf.core.images import Size
from dnaf.model.autoencoder import FrozenVae
from dnaf.pipeline import DNAFPipeline
from dnaf.train.memory import GIB, Alive, FusedAttention, autocast, fake_tensor, tensors_of

_PRECISIONS = {torch.float32: "no", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device.

    Attributes:
        weights: of all components.
        at_work: of the largest one with what works inside it: what --low-memory leaves on an accelerator.
        activations: the most that lives at once beside them.
    """

    weights: int
    at_work: int
    activations: int

    def __str__(self) -> str:
        whole, low = (weights + self.activations for weights in (self.weights, self.at_work))
        return f"{whole / GIB:.2f} GiB, with offload {low / GIB:.2f}"


def estimate(pipeline: DNAFPipeline, size: Size, device_type: str, guided: bool) -> Estimate:
    """Counts one image as the pipeline samples it; the pipeline may be on any device, but not offloaded.

    Args:
        size: (height, width) of the image in pixels.
        device_type: where it will be made; that device need not be there.
        guided: whether the target has an unconditional row too.
    """
    weights = [
        sum(
            tensor.nbytes
            for module in modules
            if module is not None
            for tensor in tensors_of(module).values()
        )
        # The adapter's blocks run inside the UNet's forward.
        for modules in ([pipeline.style_encoder], [pipeline.unet, pipeline.adapter], [pipeline.autoencoder])
    ]
    return Estimate(sum(weights), max(weights), _activations(pipeline, size, device_type, guided))


def save_memory(pipeline: DNAFPipeline, device: torch.device) -> None:
    """By diffusers' own means; the same images beyond rounding, but where the autoencoder joins tiles.

    Args:
        pipeline: on the CPU.
        device: where each component goes when it is at work.
    """
    if isinstance(pipeline.autoencoder, FrozenVae):
        pipeline.enable_vae_slicing()
        pipeline.enable_vae_tiling()
    if device.type != "cpu":
        pipeline.enable_model_cpu_offload(device=device)


class _Image(nn.Module):
    """One image in one step, as a module, so that all its weights can be swapped for fake ones at once."""

    def __init__(self, pipeline: DNAFPipeline, guided: bool) -> None:
        super().__init__()
        self.denoiser, self.autoencoder, self.guided = pipeline.denoiser, pipeline.autoencoder, guided

    @torch.no_grad()
    def forward(self, image: torch.Tensor, pose_map: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        latent = self.autoencoder.encode(image.to(self.autoencoder.dtype)).float()
        encoded = self.denoiser.encode(image, pose_map, pose_map)
        num_unconditional = int(self.guided)
        prediction = self.denoiser.denoise(
            latent.repeat(1 + num_unconditional, 1, 1, 1),
            latent,
            timestep,
            encoded.repeat_targets(2) if self.guided else encoded,
            torch.zeros(1, dtype=torch.long, device=image.device),
            num_unconditional=num_unconditional,
        )
        decoded: torch.Tensor = self.autoencoder.decode(prediction[:1].to(self.autoencoder.dtype))
        return decoded


def _activations(pipeline: DNAFPipeline, size: Size, device_type: str, guided: bool) -> int:
    step, alive = _Image(pipeline, guided), Alive()
    with ExitStack() as stack:
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        weights = {name: fake_tensor(tensor, device_type) for name, tensor in tensors_of(step).items()}
        pose_channels = pipeline.adapter.config.pose_channels
        image, pose_map = (
            torch.empty(1, channels, *size, device=device_type) for channels in (3, pose_channels)
        )
        timestep = torch.empty((), dtype=torch.int64, device=device_type)
        if device_type != "cpu":
            stack.enter_context(FusedAttention())
        stack.enter_context(alive)
        stack.enter_context(autocast(device_type, _PRECISIONS[pipeline.unet.dtype]))
        functional_call(step, weights, (image, pose_map, timestep))
    return alive.peak
