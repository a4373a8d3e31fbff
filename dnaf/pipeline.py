"""DNAFPipeline: style images and pose maps in, images out, by diffusers' conventions."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import DDIMScheduler, DiffusionPipeline, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor

from dnaf.files import require_complete, write_atomic
from dnaf.model.adapter import DNAFAdapter
from dnaf.model.card import CARD, model_card
from dnaf.model.codec import Codec, LosslessCodec
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.model.parts import Parts, Provenance
from dnaf.model.saved import PROVENANCE, load_part, load_trained, save_trained
from dnaf.model.solvers import training_schedule
from dnaf.model.style_encoder import StyleEncoder

Generators = torch.Generator | list[torch.Generator]
OutputType = Literal["pt", "np", "pil"]


@dataclass
class DNAFPipelineOutput(BaseOutput):
    """What the pipeline gives.

    Attributes:
        images: as `output_type` says.
        num_model_calls: calls of the UNet that the solver made; PNDM and Heun make more than their steps.
    """

    images: Any
    num_model_calls: int


class DNAFPipeline(DiffusionPipeline):
    """Generates persons in given poses with the appearance of given style images.

    `save_pretrained(folder)` writes what was trained; `load_pipeline(folder)` reads it back, checked.

    Attributes:
        base, style_weights: see `Parts`.
        trained_size: (height, width) of the training's images; None, and so after loading, if not known.
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
        self.base: Provenance | None = None
        self.style_weights: Provenance | None = None
        self.trained_size: tuple[int, int] | None = None

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        adapter: str | Path | None = None,
        style_encoder: str | Path | None = None,
        torch_dtype: torch.dtype = torch.float32,
    ) -> "DNAFPipeline":
        """Loads a saved pipeline, or a base model with what was trained on it.

        Args:
            folder: that `save_pretrained` wrote; with `adapter`, the base model's.
            adapter: folder that `save_pretrained` wrote, for a base that stands elsewhere by now.
            style_encoder: the style encoder's weights, if they stand elsewhere by now.
            torch_dtype: of the frozen modules; what was trained stays float32.

        Raises:
            BaseModelError: weights are missing, unexpected or of another shape (diffusers fills missing
                tensors with random values and only logs it), or the base is not that of the training.
        """
        saved = Path(folder if adapter is None else adapter)
        if adapter is None and not (saved / PROVENANCE).is_file():
            return assemble(_load_whole(saved))
        base = None if adapter is None else Path(folder)
        style = None if style_encoder is None else Path(style_encoder)
        return assemble(load_trained(saved, base, style, torch_dtype))

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Writes what was trained: beside a base the adapter and the base's digests, else every part.

        A model card comes with it, README.md; it takes the place of one that is there.
        """
        parts = Parts(self.unet, self.codec, self.scheduler, self.adapter, self.style_encoder)
        parts.base, parts.style_weights = self.base, self.style_weights
        if self.base is None:
            super().save_pretrained(save_directory, **options)
        else:
            save_trained(Path(save_directory), parts)
        write_atomic(Path(save_directory) / CARD, model_card(parts, self.trained_size))

    @torch.no_grad()
    def __call__(
        self,
        style: torch.Tensor,
        style_pose: torch.Tensor,
        pose: torch.Tensor,
        rows: torch.Tensor | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 1.0,
        guidance_interval: tuple[float, float] = (0.0, 1.0),
        generator: Generators | None = None,
        style_generator: Generators | None = None,
        fresh_style_noise: bool = False,
        noise: torch.Tensor | None = None,
        style_noise: torch.Tensor | None = None,
        output_type: OutputType = "pt",
        callback_on_step_end: Callable[[Any, int, int, dict[str, Any]], dict[str, Any]] | None = None,
    ) -> DNAFPipelineOutput:
        """Runs the solver `self.scheduler`; any of diffusers' may be set, see `dnaf.model.solvers`.

        Everything that does not change from step to step is computed once, and the style pass once a step
        for all poses of a style and both branches of guidance: rows of a model call are
        [styles | targets without style, in guided steps | targets].

        Args:
            style: (S,3,H,W) in [-1,1].
            style_pose: (S,3,H,W) in [0,1], the pose map of each style image itself.
            pose: (T,3,H,W) in [0,1], the wanted poses.
            rows: (T,) index of each target's style; None: target i has style i.
            num_inference_steps: of the solver; some make more model calls than steps (see the output).
            guidance_scale: w in e0 + w (e1 - e0), e0 without style and e1 with it; 1 switches it off.
            guidance_interval: (start, stop) as shares of the model calls; there is no guidance outside, and
                none at all where start equals stop.
            generator: of the initial noise, and of the noise that some solvers add; one, or one a target.
            style_generator: of the style latents' noise, one or one a style; None: `generator` if it is one.
            fresh_style_noise: draw the style latents' noise at every step anew.
            noise: (T,C,h,w) initial noise, in place of the generator's.
            style_noise: (S,C,h,w) noise of the style latents at every step, in place of the generator's.
            output_type: `pt`: (T,3,H,W) in [-1,1]; `np`: (T,H,W,3) in [0,1]; `pil`: a list of images.
            callback_on_step_end: called as (pipeline, index, timestep, {"latents": …}); may return others.

        Raises:
            ValueError: arguments that do not fit together.
        """
        if fresh_style_noise and style_noise is not None:
            raise ValueError("style_noise: it cannot be given and fresh at every step")
        if style_generator is None and style_noise is None:
            if isinstance(generator, list):
                raise ValueError("style_generator: needed beside one generator a target")
            style_generator = generator
        device, scheduler = self._execution_device, self.scheduler
        style, style_pose, pose = (each.to(device) for each in (style, style_pose, pose))
        rows = torch.arange(len(pose)) if rows is None else rows
        rows = rows.to(device)
        style_latent = self._latents(style)
        # Before the style's: a lone generator has always given noise in this order.
        latent = self._noise((len(pose), *style_latent.shape[1:]), noise, generator)
        style_noise = self._noise(style_latent.shape, style_noise, style_generator)
        schedule = training_schedule(scheduler)
        with self.autocast():
            encoded = self.denoiser.encode(style, style_pose, pose)
        scheduler.set_timesteps(num_inference_steps)  # on the CPU: solvers look into them at every step
        latent = latent * scheduler.init_noise_sigma
        step_options: dict[str, Any] = {"return_dict": False}
        if "generator" in signature(scheduler.step).parameters:
            step_options["generator"] = generator
        num_calls = len(scheduler.timesteps)
        start, stop = guidance_interval
        guided_calls = [guidance_scale != 1 and start <= i / num_calls < stop for i in range(num_calls)]
        both_branches = encoded.repeat_targets(2) if any(guided_calls) else encoded
        for index, timestep in enumerate(self.progress_bar(scheduler.timesteps)):
            if fresh_style_noise and index:
                style_noise = self._noise(style_latent.shape, None, style_generator)
            level = timestep.round().long().expand(len(style))  # some solvers' timesteps are fractional
            noisy_style = schedule.add_noise(style_latent, style_noise, level)
            noisy = scheduler.scale_model_input(latent, timestep)
            guided = guided_calls[index]
            with self.autocast():
                prediction = self.denoiser.denoise(
                    noisy.repeat(2, 1, 1, 1) if guided else noisy,
                    noisy_style,
                    timestep.to(device),
                    both_branches if guided else encoded,
                    rows,
                    num_plain=len(pose) if guided else 0,
                ).float()
            if guided:
                without, with_style = prediction.chunk(2)
                prediction = without + guidance_scale * (with_style - without)
            latent = scheduler.step(prediction, timestep, latent, **step_options)[0]
            if callback_on_step_end is not None:
                values = callback_on_step_end(self, index, int(timestep), {"latents": latent})
                latent = values.get("latents", latent)
        images = _as_images(self.codec.decode(latent.to(self.codec.dtype)).float().clamp(-1, 1), output_type)
        return DNAFPipelineOutput(images, num_calls)

    def _latents(self, image: torch.Tensor) -> torch.Tensor:
        return self.codec.encode(image.to(self.codec.dtype)).float()

    def _noise(
        self, shape: tuple[int, ...], noise: torch.Tensor | None, generator: Generators | None
    ) -> torch.Tensor:
        device = self._execution_device
        if noise is None:
            # Drawn where the generator is: one on the CPU gives the same image on every device.
            noise = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        return noise.to(device)

    def autocast(self) -> AbstractContextManager[Any]:
        """Runs a UNet of half precision together with an adapter of single precision."""
        if self.unet.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._execution_device.type, self.unet.dtype)


def _as_images(images: torch.Tensor, output_type: OutputType) -> Any:
    if output_type == "pt":
        return images
    pictures = VaeImageProcessor.pt_to_numpy((images + 1) / 2)
    return VaeImageProcessor.numpy_to_pil(pictures) if output_type == "pil" else pictures


def assemble(parts: Parts) -> DNAFPipeline:
    """A pipeline from its parts."""
    pipeline = DNAFPipeline(parts.unet, parts.codec, parts.scheduler, parts.adapter, parts.style_encoder)
    pipeline.base, pipeline.style_weights = parts.base, parts.style_weights
    return pipeline


def _load_whole(folder: Path) -> Parts:
    """The parts of a model that was trained from scratch."""
    adapter = load_part(folder / "adapter", DNAFAdapter)
    return Parts(
        load_part(folder / "unet", UNet2DConditionModel),
        load_part(folder / "codec", LosslessCodec),
        DDIMScheduler.from_pretrained(folder / "scheduler"),
        adapter,
        load_part(folder / "style_encoder", StyleEncoder) if adapter.config.appearance_blocks else None,
    )


def load_pipeline(folder: Path) -> DNAFPipeline:
    """Loads a folder that `train` wrote, every file checked against its manifest.

    Raises:
        StateError: incomplete or altered files.
        BaseModelError: as `DNAFPipeline.from_pretrained`.
    """
    require_complete(folder)
    return DNAFPipeline.from_pretrained(folder)
