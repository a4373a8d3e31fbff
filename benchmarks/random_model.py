"""The model at Stable Diffusion's size, or narrower, with random weights and without a file.

Speed and memory do not depend on the values of weights. The configurations are those of Stable Diffusion 1.5
and its default style encoder; a width divided by 4 gives a model of the same layout for CPU ratios.
"""

from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import nn

from dnaf.core import config
from dnaf.core.parameters import sets as parameter_sets
from dnaf.model.autoencoder import FrozenVae
from dnaf.model.build import adapter_for, style_encoder_for
from dnaf.model.components import Components
from dnaf.model.pretrained.base_model import BaseModel
from dnaf.model.pretrained.prompt import Prompt
from dnaf.model.pretrained.provenance import Provenance

_SETS = Path(__file__).resolve().parents[1] / "params"
_PROMPT_TOKENS, _PROMPT_DIM = 77, 768
_SWIN = "swin_base_patch4_window7_224"
_NARROW_ENCODER = "test_convnext"

# stable-diffusion-v1-5: unet/config.json, vae/config.json, scheduler/scheduler_config.json
_UNET = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "layers_per_block": 2,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
}
_UNET_CHANNELS = (320, 640, 1280, 1280)
_NUM_HEADS = 8
_VAE = {
    "sample_size": 512,
    "latent_channels": 4,
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
_VAE_CHANNELS = (128, 256, 512, 512)
_GROUPS = 32
_SCHEDULE = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "set_alpha_to_one": False,
    "clip_sample": False,
}
_MODEL: dict[str, Any] = {
    "base": None,  # no folder: the components are built here
    "pose_adapter": True,
    "appearance_blocks": True,
    "noise_aware": True,
    "style_pose": True,
    "style_tokens": True,
    "clean_style": False,
    "channels": [32, 64],
    "layers_per_block": 1,
    "head_dim": 32,
    "style_encoder_weights": None,
    "style_scale": 0.5,
    "level_mapping": "nearest",
    "unshuffle": 8,
}


def model_params(narrow: int = 1) -> config.Model:
    """The section `model` as for Stable Diffusion."""
    return config.Model(**_MODEL, style_encoder=_SWIN if narrow == 1 else _NARROW_ENCODER)


def stable_diffusion(
    device: torch.device, dtype: torch.dtype = torch.float32, narrow: int = 1, seed: int = 0
) -> Components:
    """What `build.build` gives for Stable Diffusion 1.5: frozen components in `dtype`, a float32 adapter.

    Args:
        device: also `meta`, for counting.
        narrow: divides the widths of UNet, autoencoder and prompt; 1, 2, 4 or 8.
    """
    torch.manual_seed(seed)
    groups = _GROUPS // narrow
    model = model_params(narrow)
    # Parameters without memory, but buffers with their values: they are not drawn.
    with init_empty_weights(include_buffers=False):
        unet = UNet2DConditionModel(
            **_UNET,
            # diffusers' name for the number of heads. Narrower means fewer heads of the same 40, 80 and 160
            # channels: with heads of 10 channels the CPU's time goes into softmax, which no FLOP count sees.
            attention_head_dim=_NUM_HEADS // narrow,
            block_out_channels=_divided(_UNET_CHANNELS, narrow),
            norm_num_groups=groups,
            cross_attention_dim=_PROMPT_DIM // narrow,
        )
        vae = AutoencoderKL(
            **_VAE, block_out_channels=_divided(_VAE_CHANNELS, narrow), norm_num_groups=groups
        )
        base = BaseModel(
            unet,
            FrozenVae(vae),
            DDIMScheduler(**_SCHEDULE),
            Prompt(torch.randn(1, _PROMPT_TOKENS, _PROMPT_DIM // narrow)),
            None,
            Provenance("random weights", {}),
        )
        style_encoder = style_encoder_for(model, base)
        adapter = adapter_for(base, style_encoder, model, pose_channels=3)
    for module in (unet, vae, style_encoder):
        fill(module, device, dtype).requires_grad_(False)
    fill(adapter, device, torch.float32)
    adapter.base = base.provenance
    return Components(unet, base.autoencoder, base.scheduler, adapter, style_encoder)


@torch.no_grad()
def fill(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Gives parameters on `meta` memory and values under which activations keep their size; moves buffers."""
    for layer in module.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            values = torch.empty(parameter.shape, device=device, dtype=dtype)
            if parameter.ndim > 1:
                values.normal_(std=(parameter.shape[0] / parameter.numel()) ** 0.5)  # one over root of fan-in
            else:
                values.fill_(name == "weight")  # of norms; biases are 0
            setattr(layer, name, nn.Parameter(values, requires_grad=parameter.requires_grad))
    return module.to(device)


def _divided(channels: tuple[int, ...], narrow: int) -> tuple[int, ...]:
    return tuple(each // narrow for each in channels)


def training_params(**changes: Any) -> config.Train:
    """The section `train` of params/deepfashion.yaml, with changes."""
    return parameter_sets.read("deepfashion", folder=_SETS).train.model_copy(update=changes)


def training_batch(batch_size: int, size: tuple[int, int], device: torch.device) -> dict[str, torch.Tensor]:
    """A batch of noise like those that training sees, with the latents that stage `latents` caches."""
    images = {name: torch.rand(batch_size, 3, *size, device=device) * 2 - 1 for name in ("source", "target")}
    poses = {
        name: torch.rand(batch_size, 3, *size, device=device)
        for name in ("source_pose_map", "target_pose_map")
    }
    latent = (batch_size, 4, size[0] // 8, size[1] // 8)
    latents = {name: torch.randn(latent, device=device) for name in ("source_latent", "target_latent")}
    return {**images, **poses, **latents, "position": torch.arange(batch_size)}
