"""DNAFPipeline: style images and pose maps in, images out, by diffusers' conventions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, DiffusionPipeline, ModelMixin, UNet2DConditionModel

from dnaf.errors import BaseModelError
from dnaf.files import require_complete
from dnaf.model.adapter import DNAFAdapter
from dnaf.model.base import Parts
from dnaf.model.codec import Codec, LosslessCodec
from dnaf.model.denoiser import DNAFDenoiser, Encoded
from dnaf.model.style_encoder import StyleEncoder


class DNAFPipeline(DiffusionPipeline):
    """Generates persons in given poses with the appearance of given style images.

    `save_pretrained(folder)` writes every part; `load_pipeline(folder)` reads it back, checked.
    """

    _optional_components = ("style_encoder",)  # not there without appearance blocks

    def __init__(
        self,
        unet: UNet2DConditionModel,
        codec: Codec,
        scheduler: DDIMScheduler,
        adapter: DNAFAdapter,
        style_encoder: StyleEncoder | None,
    ) -> None:
        super().__init__()
        self.register_modules(
            unet=unet, codec=codec, scheduler=scheduler, adapter=adapter, style_encoder=style_encoder
        )
        self.denoiser = DNAFDenoiser(unet, adapter, style_encoder)

    @torch.no_grad()
    def __call__(
        self,
        style: torch.Tensor,
        style_pose: torch.Tensor,
        pose: torch.Tensor,
        rows: torch.Tensor | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 1.0,
        noise: torch.Tensor | None = None,
        style_noise: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any]] | None = None,
    ) -> torch.Tensor:
        """Runs the sampler; the style pass is shared by all poses of a style.

        Args:
            style: (S,3,H,W) in [-1,1].
            style_pose: (S,3,H,W) in [0,1], the pose map of each style image itself.
            pose: (T,3,H,W) in [0,1], the wanted poses.
            rows: (T,) index of each target's style; None: target i has style i.
            num_inference_steps: model calls (twice as many rows with guidance).
            guidance_scale: w in e0 + w (e1 - e0), e0 without style and e1 with it; 1 switches it off.
            noise: (T,C,h,w) initial noise; None draws it from `generator`.
            style_noise: (S,C,h,w) noise of the style latents, the same at every step.

        Returns:
            (T,3,H,W) in [-1,1].
        """
        device = self._execution_device
        rows = torch.arange(len(pose)) if rows is None else rows
        rows = rows.to(device)
        style_latent = self.codec.encode(style.to(device))
        encoded = self.denoiser.encode(style.to(device), style_pose.to(device), pose.to(device))
        latent = self._noise((len(pose), *style_latent.shape[1:]), noise, generator)
        style_noise = self._noise(style_latent.shape, style_noise, generator)
        self.scheduler.set_timesteps(num_inference_steps, device=device)
        for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
            noisy_style = self.scheduler.add_noise(style_latent, style_noise, timestep.expand(len(style)))
            if guidance_scale == 1:
                prediction = self.denoiser.denoise(latent, noisy_style, timestep, encoded, rows)
            else:
                prediction = self._guided(latent, noisy_style, timestep, encoded, rows, guidance_scale)
            latent = self.scheduler.step(prediction.float(), timestep, latent, return_dict=False)[0]
            if callback_on_step_end is not None:
                values = callback_on_step_end(self, index, int(timestep), {"latents": latent})
                latent = values.get("latents", latent)
        return self.codec.decode(latent).clamp(-1, 1)

    def _guided(
        self,
        latent: torch.Tensor,
        noisy_style: torch.Tensor,
        timestep: torch.Tensor,
        encoded: Encoded,
        rows: torch.Tensor,
        guidance_scale: float,
    ) -> torch.Tensor:
        """One model call for both branches: rows [styles | without style | with style]."""
        num_targets = len(latent)
        keep = torch.arange(2 * num_targets, device=latent.device) >= num_targets
        without, with_style = self.denoiser.denoise(
            latent.repeat(2, 1, 1, 1), noisy_style, timestep, encoded.repeat_targets(2), rows.repeat(2), keep
        ).chunk(2)
        return without + guidance_scale * (with_style - without)

    def _noise(
        self, shape: tuple[int, ...], noise: torch.Tensor | None, generator: torch.Generator | None
    ) -> torch.Tensor:
        if noise is None:
            # Drawn on the CPU, so that a seed gives the same image on every device.
            noise = torch.randn(shape, generator=generator)
        return noise.to(self._execution_device)


def assemble(parts: Parts) -> DNAFPipeline:
    """A pipeline from freshly built parts."""
    return DNAFPipeline(parts.unet, parts.codec, parts.scheduler, parts.adapter, parts.style_encoder)


def load_pipeline(folder: Path) -> DNAFPipeline:
    """Loads a folder that `train` wrote, every file checked against its manifest.

    Raises:
        StateError: incomplete or altered files.
        BaseModelError: weights are missing, unexpected or of another shape. (diffusers fills missing
            tensors with random values and only logs it.)
    """
    require_complete(folder)
    adapter = _load(folder / "adapter", DNAFAdapter)
    return DNAFPipeline(
        _load(folder / "unet", UNet2DConditionModel),
        _load(folder / "codec", LosslessCodec),
        DDIMScheduler.from_pretrained(folder / "scheduler"),
        adapter,
        _load(folder / "style_encoder", StyleEncoder) if adapter.config.appearance_blocks else None,
    )


def _load(folder: Path, kind: type[ModelMixin]) -> Any:
    try:
        part, info = kind.from_pretrained(
            folder, output_loading_info=True, low_cpu_mem_usage=False, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise BaseModelError(f"{folder}: could not be loaded ({reason}). Train the model again.") from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[problem]:
            raise BaseModelError(
                f"{folder}: {len(info[problem])} {problem.replace('_', ' ')} "
                f"(first: {sorted(map(str, info[problem]))[0]}). Train the model again."
            )
    return part
