"""The base: a small Stable Diffusion, trained as a plain denoiser of single images and sheets.

    unet/  scheduler/  prompt.safetensors  loss.csv  manifest.json

No pose, no style encoder, and no appearance block is used: in the paper the base can match by self-attention
before DNAF is added to it, and only then can the style's keys and values carry texture.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from torch import nn

from dnaf.core import files, seeds
from dnaf.model.conditioning.attachment import attach
from dnaf.model.conditioning.noise_aware import StyleContext
from dnaf.model.norm import use_float32_group_norms
from dnaf.model.patch_autoencoder import PATCH
from dnaf.model.pretrained.checked_component import check_component
from dnaf.model.pretrained.prompt import read_prompt, write_prompt
from dnaf.model.schedulers import training_schedule
from dnaf.model.tiny import tie_self_attention
from dnaf.pretraining.params import Denoising, UNet
from dnaf.pretraining.people import PeopleImages
from dnaf.pretraining.people_latents import PeopleLatents
from dnaf.pretraining.sheets import Examples, Rows
from dnaf.pretraining.training import log_to_csv, random_normal, remove_state, run_training, save_half

_PROMPT = "prompt.safetensors"
_WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
_PROMPT_SHAPE = (1, 4, 32)  # tokens and channels of the embedding that takes the fixed prompt's place


class SheetDenoiser(nn.Module):
    """A UNet with DNAF's attention processors and the fixed prompt; nothing else of DNAF."""

    prompt: torch.Tensor

    def __init__(self, unet: UNet2DConditionModel, prompt: torch.Tensor) -> None:
        super().__init__()
        self.unet = unet
        self.register_buffer("prompt", prompt)
        self._attachment = attach(unet)
        use_float32_group_norms(unet)

    def forward(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        num_styles: int = 0,
        num_unconditional: int | None = None,
    ) -> torch.Tensor:
        """What the scheduler's `prediction_type` says, (B,C,h,w) for rows [styles | unconditional | targets].

        Args:
            num_styles: rows whose keys and values the targets see, target i those of style i.
            num_unconditional: rows that see only themselves; None: all that are not styles.
        """
        unconditional = len(noisy) - num_styles if num_unconditional is None else num_unconditional
        num_targets = len(noisy) - num_styles - unconditional
        context = StyleContext(
            num_styles, torch.arange(num_targets, device=noisy.device), num_unconditional=unconditional
        )
        context.share = num_targets > 0
        return self._predict(noisy, timestep, context)

    @torch.no_grad()
    def record(self, noisy_style: torch.Tensor, timestep: torch.Tensor) -> dict[str, torch.Tensor]:
        """Inputs (S,N,C) of every self-attention layer of a pass over styles alone, by layer name."""
        style_index = torch.arange(len(noisy_style), device=noisy_style.device)
        cache: dict[str, torch.Tensor] = {}
        self._predict(noisy_style, timestep, StyleContext(0, style_index, cache=cache, recording=True))
        return cache

    def with_style(
        self, noisy: torch.Tensor, timestep: torch.Tensor, cache: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """The prediction for targets (T,C,h,w), each of which sees its row of a recorded pass."""
        style_index = torch.arange(len(noisy), device=noisy.device)
        return self._predict(noisy, timestep, StyleContext(0, style_index, cache=cache))

    def _predict(self, noisy: torch.Tensor, timestep: torch.Tensor, context: StyleContext) -> torch.Tensor:
        prediction: torch.Tensor = self.unet(
            noisy,
            timestep,
            self.prompt.expand(len(noisy), -1, -1),
            cross_attention_kwargs={"style": context},
            return_dict=False,
        )[0]
        return prediction


def train_base(
    name: str,
    people: Path,
    latents: Path,
    output: Path,
    unet: UNet,
    params: Denoising,
    seed: int,
    start: Path | None = None,
) -> None:
    """Trains the base, or goes on where a killed run stopped, and writes it.

    Args:
        name: `crops` or `base`, the section of the parameters.
        start: what an earlier `train_base` wrote, whose weights training starts from.

    Raises:
        StateError, NumericalError, ResourceError, ConfigError: see `run_training`.
    """
    drawn, encoded = PeopleImages(people), PeopleLatents(latents)
    count = drawn.num_training
    examples = Examples(encoded.latents[:count], drawn.keypoints[:count] / np.float32(PATCH), params, seed)
    denoiser = build(unet, encoded.latents.shape[2], seed) if start is None else load(start)
    denoiser.requires_grad_(True)
    schedule = training_schedule(make_scheduler())
    depends_on = {
        "latents": encoded.digest,
        "people": drawn.digest,
        "seed": seed,
        "unet": unet.model_dump(),
        "start": None if start is None else files.digest(start / _WEIGHTS),
    }

    def loss(module: nn.Module, positions: list[int]) -> torch.Tensor:
        rows = examples.rows(positions, schedule.config.num_train_timesteps)
        return denoising_loss(module, rows.to(next(module.parameters()).device), schedule, params)

    log = run_training(name, denoiser, loss, params, depends_on)
    if log is None:
        return
    with files.atomic_folder(output) as temporary:
        save_half(denoiser.unet.to(memory_format=torch.contiguous_format), temporary / "unet")
        make_scheduler().save_pretrained(temporary / "scheduler")
        write_prompt(temporary / _PROMPT, denoiser.prompt)
        files.write_atomic(temporary / "loss.csv", log_to_csv(log))
        info = {"cpu_hours": round(float(log["cpu_hours"].iloc[-1]), 3), "seed": seed}
        files.write_manifest(temporary, {**info, **unet.model_dump(), **params.model_dump()})
    remove_state(name, params, depends_on)


def denoising_loss(module: nn.Module, rows: Rows, schedule: DDPMScheduler, params: Denoising) -> torch.Tensor:
    """Mean |w (prediction - clean)| or its square, w = min(1 / sigma, max_weight).

    With the square and without the bound it is the loss of a prediction of velocity.
    """
    noisy = schedule.add_noise(rows.clean, rows.noise, rows.timestep)
    prediction = module(noisy, rows.timestep, rows.num_styles, rows.num_unconditional)
    alphas = schedule.alphas_cumprod.to(rows.timestep.device)[rows.timestep]
    weight = (1 - alphas).rsqrt().clamp(max=params.max_weight).view(-1, 1, 1, 1)
    error = weight * (prediction - rows.clean)
    return error.abs().mean() if params.loss == "l1" else error.square().mean()


def build(params: UNet, latent_channels: int, seed: int) -> SheetDenoiser:
    """A base with weights drawn from `seed`: attention at every level, keys equal to queries."""
    num_levels = len(params.channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.seed(seed, "base weights"))
        unet = UNet2DConditionModel(
            in_channels=latent_channels,
            out_channels=latent_channels,
            block_out_channels=tuple(params.channels),
            layers_per_block=params.layers_per_block,
            norm_num_groups=8,
            down_block_types=("CrossAttnDownBlock2D",) * num_levels,
            up_block_types=("CrossAttnUpBlock2D",) * num_levels,
            cross_attention_dim=_PROMPT_SHAPE[-1],
            # diffusers' name; its meaning is the number of heads
            attention_head_dim=tuple(max(1, channels // params.head_dim) for channels in params.channels),
        )
        tie_self_attention(unet)
    return SheetDenoiser(unet, 0.5 * random_normal(_PROMPT_SHAPE, seed, "prompt", 0))


def load(folder: Path) -> SheetDenoiser:
    """What `train_base` wrote, frozen.

    Raises:
        BaseModelError: incomplete or damaged.
    """
    component = check_component(folder / "unet", ("UNet2DConditionModel",), UNet2DConditionModel.from_config)
    return SheetDenoiser(component.load(), read_prompt(folder / _PROMPT).embedding)


def make_scheduler() -> DDIMScheduler:
    """Predicts the clean latent, on a schedule that ends without signal (arXiv 2305.08891)."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )
