"""DNAFPipeline: style images and pose maps in, images out, by diffusers' conventions."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import BaseOutput

from dnaf.core.files import require_complete, write_atomic
from dnaf.model.autoencoder import EARLIER_FOLDER, FOLDER, FrozenVae, LosslessAutoencoder
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.denoiser import DNAFDenoiser, Encoded
from dnaf.model.inputs import (
    Generators,
    Images,
    StyleIndex,
    draw_noise,
    read_inputs,
    require_known,
    style_index_of,
)
from dnaf.model.model_card import CARD, model_card
from dnaf.model.saving import load_model, save_trained
from dnaf.model.schedulers import training_schedule
from dnaf.model.style_encoder import StyleEncoder

OutputType = Literal["pil", "np", "pt", "latent"]
StepEnd = Callable[[Any, int, int, dict[str, Any]], Mapping[str, Any]]

_OUTPUT_TYPES = ("pil", "np", "pt", "latent")
# What is fetched from the hub. Of a base no text encoder: the adapter has the prompt's embedding.
_OF_MODEL = ("*.json", "*.safetensors")
_OF_BASE = tuple(
    f"{component}/{kind}"
    for component in ("unet", "vae", FOLDER, EARLIER_FOLDER, "scheduler", "style_encoder")
    for kind in ("*.json", "*.safetensors")
)


@dataclass
class DNAFPipelineOutput(BaseOutput):
    """What the pipeline gives.

    Attributes:
        images: as `output_type` says.
        num_model_calls: calls of the UNet that the scheduler made; PNDM and Heun make more than their steps.
    """

    images: Any
    num_model_calls: int


class DNAFPipeline(DiffusionPipeline):
    """Generates persons in given poses with the appearance of given style images.

    Several pipelines may share components, as `DNAFPipeline(**pipeline.components)` does. The UNet gets
    DNAF's attention processors and hooks at the first call, and is plain again when the last of them is gone.

    `save_pretrained(folder)` writes what was trained; `from_pretrained(folder)` reads it back.

    Attributes:
        image_processor: diffusers' own, between PIL images, arrays and tensors in [0,1].
        denoiser: UNet, adapter and style encoder as one module.
    """

    # The adapter's blocks run inside the UNet's forward, so it is in no chain: it stays where the UNet is.
    model_cpu_offload_seq = "style_encoder->unet->autoencoder"
    _optional_components = ("style_encoder",)  # not there without appearance blocks
    _callback_tensor_inputs = ("latents", "style_noise")

    def __init__(
        self,
        unet: UNet2DConditionModel,
        autoencoder: LosslessAutoencoder | FrozenVae,
        scheduler: DDIMScheduler,
        adapter: DNAFAdapter,
        style_encoder: StyleEncoder | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(
            unet=unet,
            autoencoder=autoencoder,
            scheduler=scheduler,
            adapter=adapter,
            style_encoder=style_encoder,
        )
        # accelerate cannot offload what has no parameters, as the lossless autoencoder.
        empty = [name for name, each in self.components.items() if _has_no_parameters(each)]
        self._exclude_from_cpu_offload = empty
        order = self.model_cpu_offload_seq.split("->")
        self.model_cpu_offload_seq = "->".join(name for name in order if name not in empty)
        # Nothing is resized: a pose map does not survive it.
        self.image_processor = VaeImageProcessor(do_resize=False, do_normalize=False, do_convert_rgb=True)
        self.denoiser = DNAFDenoiser(unet, adapter, style_encoder)
        self._guidance_scale, self._num_timesteps = 1.0, 0

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        base: str | Path | None = None,
        style_encoder_weights: str | Path | None = None,
        torch_dtype: torch.dtype = torch.float32,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
    ) -> "DNAFPipeline":
        """Loads what `save_pretrained` wrote, and puts it on its base model.

        Args:
            pretrained_model_name_or_path: a folder, or a repository's name on the Hugging Face hub.
            base: the base model's folder or name on the hub; None: where it was at the training, as seen from
                the folder.
            style_encoder_weights: of the style encoder, where the base does not hold them; None: as above.
            torch_dtype: of UNet, autoencoder and style encoder; the adapter is float32.
            revision: of the repository; that of a base is fixed by the digests of its files.
            token, cache_dir, local_files_only: as `huggingface_hub.snapshot_download` takes them.

        Raises:
            BaseModelError: no such folder or repository; or weights are missing, unexpected or of another
                shape (diffusers fills missing tensors with random values and only logs it), or the base is
                not that of the training.
        """
        of_hub: dict[str, Any] = {
            "token": token,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
        }
        folder = _local_folder(pretrained_model_name_or_path, _OF_MODEL, revision=revision, **of_hub)
        base_folder = None if base is None else _local_folder(base, _OF_BASE, **of_hub)
        weights = None if style_encoder_weights is None else Path(style_encoder_weights)
        return cls(**vars(load_model(folder, base_folder, weights, torch_dtype)))

    def save_pretrained(
        self, save_directory: str | Path, safe_serialization: bool = True, **options: Any
    ) -> None:
        """Writes what was trained: beside a base the adapter and the base's digests, else every component.

        A model card comes with it, README.md; it takes the place of one that is there.

        Args:
            options: of diffusers, for a model without a base.

        Raises:
            ValueError: an option that is not possible: pickles, others beside a base, or an autoencoder that
                does not belong to a base.
        """
        if not safe_serialization:
            raise ValueError(
                "safe_serialization: must be True; pickles are not loaded, for they can run code"
            )
        components = Components(**self.components)
        if self.adapter.base is None:
            if not isinstance(self.autoencoder, LosslessAutoencoder):
                raise ValueError(
                    f"autoencoder: a {type(self.autoencoder).__name__} is saved by its base model alone "
                    "(found adapter.base None). Load the base by dnaf.model.pretrained.base_model.load_base."
                )
            super().save_pretrained(save_directory, **options)
        elif given := [name for name, value in options.items() if value]:
            raise ValueError(f"{given[0]}: not for a model on a base, of which only the adapter is saved")
        else:
            save_trained(Path(save_directory), components)
        write_atomic(Path(save_directory) / CARD, model_card(components))

    @torch.no_grad()
    def __call__(
        self,
        *,
        style: Images,
        style_pose_map: Images,
        pose_map: Images,
        style_index: StyleIndex | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 1.0,
        guidance_interval: tuple[float, float] = (0.0, 1.0),
        generator: Generators | None = None,
        style_generator: Generators | None = None,
        fresh_style_noise: bool = False,
        latents: torch.Tensor | None = None,
        style_noise: torch.Tensor | None = None,
        output_type: OutputType = "pil",
        return_dict: bool = True,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> DNAFPipelineOutput:
        """Samples with `self.scheduler`; any of diffusers' may be set, see `dnaf.model.schedulers`.

        Everything that does not change from step to step is computed once, and the style pass once a step
        for all poses of a style and both branches of guidance: rows of a model call are
        [styles | unconditional (targets without style), in guided steps | targets].

        Images and pose maps are PIL images, arrays (N,H,W,C) or tensors (N,C,H,W) in [0,1], one or a list of
        them, all of one size. Sides are multiples of the autoencoder's `downscale`.

        Args:
            style: S images of persons.
            style_pose_map: S pose maps, of the style images themselves.
            pose_map: T pose maps, of the wanted poses.
            style_index: for each target the index of its style, or a list of several, images of one person
                that it sees side by side; None: a single style is every target's, else target i has style i.
            num_inference_steps: of the scheduler; some make more model calls than steps (see the output).
            guidance_scale: w in e0 + w (e1 - e0), e0 without style and e1 with it; 1 switches it off.
            guidance_interval: (start, stop) as shares of the model calls; there is no guidance outside, and
                none at all where start equals stop.
            generator: of the initial noise, and of the noise that some schedulers add; one, or one a target.
            style_generator: of the style latents' noise, one or one a style; None: `generator`, where it is
                one or targets and styles are pairs.
            fresh_style_noise: draw the style latents' noise at every step anew.
            latents: (T,C,h,w) initial noise, in place of the generator's.
            style_noise: (S,C,h,w) noise of the style latents at every step, in place of the generator's.
            output_type: `pil`: a list of T images; `np`: (T,H,W,3) in [0,1]; `pt`: (T,3,H,W) in [0,1];
                `latent`: (T,C,h,w), not decoded.
            return_dict: False: a tuple of the output's values.
            callback_on_step_end: called as (pipeline, index, timestep, tensors); may return others by name.
            callback_on_step_end_tensor_inputs: which tensors it is given: `latents`, `style_noise`.

        Raises:
            ValueError: arguments that are not what they should be, or do not fit together.
            BaseModelError: the UNet's attention processors are neither DNAF's nor diffusers' default.
        """
        require_known("output_type", [output_type], _OUTPUT_TYPES)
        names = callback_on_step_end_tensor_inputs
        require_known("callback_on_step_end_tensor_inputs", names, self._callback_tensor_inputs)
        device, scheduler = self._execution_device, self.scheduler
        channels, downscale = self.adapter.config.pose_channels, self.autoencoder.downscale
        read = read_inputs(style, style_pose_map, pose_map, channels, downscale, self.image_processor)
        styles, style_pose_maps, pose_maps = (each.to(device) for each in read)
        in_pairs = style_index is None and len(styles) == len(pose_maps)
        if fresh_style_noise and style_noise is not None:
            raise ValueError("style_noise: it cannot be given and fresh at every step")
        if style_generator is None and style_noise is None:
            if isinstance(generator, list) and not in_pairs:
                raise ValueError("style_generator: needed beside one generator a target")
            style_generator = generator
        indices = style_index_of(style_index, len(styles), len(pose_maps))
        fewer, indices = bool((indices < 0).any()), indices.to(device)
        styles = self.image_processor.normalize(styles)
        style_latent = self.autoencoder.encode(styles.to(self.autoencoder.dtype)).float()
        # Before the style's: a lone generator has always given noise in this order.
        shape, style_shape = (len(pose_maps), *style_latent.shape[1:]), tuple(style_latent.shape)
        latents = draw_noise("latents", shape, latents, generator, device)
        style_noise = draw_noise("style_noise", style_shape, style_noise, style_generator, device)
        schedule = training_schedule(scheduler)
        with self.autocast():
            encoded = self.denoiser.encode(styles, style_pose_maps, pose_maps)
        scheduler.set_timesteps(num_inference_steps)  # on the CPU: schedulers look into them at every step
        latents = latents * scheduler.init_noise_sigma
        step_options: dict[str, Any] = {"return_dict": False}
        if "generator" in signature(scheduler.step).parameters:
            step_options["generator"] = generator
        self._guidance_scale, self._num_timesteps = guidance_scale, len(scheduler.timesteps)
        start, stop = guidance_interval
        both_branches: Encoded | None = None
        for index, timestep in enumerate(self.progress_bar(scheduler.timesteps)):
            if fresh_style_noise and index:
                style_noise = draw_noise("style_noise", style_shape, None, style_generator, device)
            level = self.denoiser.style_timestep(
                timestep.round().long().expand(len(styles))
            )  # some schedulers' timesteps are fractional
            noisy_style = schedule.add_noise(style_latent, style_noise, level)
            noisy = scheduler.scale_model_input(latents, timestep)
            guided = self.guidance_scale != 1 and start <= index / self.num_timesteps < stop
            branches = encoded
            if guided:
                branches = both_branches = both_branches or encoded.repeat_targets(2)
            with self.autocast():
                prediction = self.denoiser.denoise(
                    noisy.repeat(2, 1, 1, 1) if guided else noisy,
                    noisy_style,
                    timestep.to(device),
                    branches,
                    indices,
                    num_unconditional=len(pose_maps) if guided else 0,
                    fewer=fewer,
                ).float()
            if guided:
                without, with_style = prediction.chunk(2)
                prediction = without + self.guidance_scale * (with_style - without)
            latents = scheduler.step(prediction, timestep, latents, **step_options)[0]
            if callback_on_step_end is not None:
                tensors = {"latents": latents, "style_noise": style_noise}
                shown = {name: tensors[name] for name in names}
                tensors.update(callback_on_step_end(self, index, int(timestep), shown))
                latents, style_noise = tensors["latents"], tensors["style_noise"]
        images = latents
        if output_type != "latent":
            decoded = self.autoencoder.decode(latents.to(self.autoencoder.dtype)).float()
            images = self.image_processor.denormalize(decoded)
        output = DNAFPipelineOutput(self.image_processor.postprocess(images, output_type), self.num_timesteps)
        self.maybe_free_model_hooks()
        return output if return_dict else output.to_tuple()

    @property
    def guidance_scale(self) -> float:
        """Of the call at hand; a callback may set `_guidance_scale` for the steps that follow."""
        return self._guidance_scale

    @property
    def num_timesteps(self) -> int:
        """Model calls of the call at hand, or of the last one."""
        return self._num_timesteps

    def autocast(self) -> AbstractContextManager[Any]:
        """Runs a UNet of half precision together with an adapter of single precision."""
        if self.unet.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._execution_device.type, self.unet.dtype)

    def enable_vae_slicing(self) -> None:
        """Encodes and decodes one image at a time; ValueError without a VAE."""
        self._vae.enable_slicing()

    def disable_vae_slicing(self) -> None:
        """Undoes `enable_vae_slicing`."""
        self._vae.disable_slicing()

    def enable_vae_tiling(self) -> None:
        """Encodes and decodes in overlapping tiles; ValueError without a VAE."""
        self._vae.enable_tiling()

    def disable_vae_tiling(self) -> None:
        """Undoes `enable_vae_tiling`."""
        self._vae.disable_tiling()

    @property
    def _vae(self) -> AutoencoderKL:
        if not isinstance(self.autoencoder, FrozenVae):
            raise ValueError("autoencoder: it has no VAE, and no need of slices or tiles")
        return self.autoencoder.vae


def _local_folder(name: str | Path, take: Sequence[str], **of_hub: Any) -> Path:
    if Path(name).exists():
        return Path(name)
    from dnaf.weights.hub import cached_folder  # only now: no stage needs the hub

    return cached_folder(name, take, **of_hub)


def _has_no_parameters(component: Any) -> bool:
    return isinstance(component, torch.nn.Module) and not any(True for _ in component.parameters())


def assemble(components: Components) -> DNAFPipeline:
    """A pipeline from its components."""
    return DNAFPipeline(**vars(components))


def load_pipeline(folder: Path) -> DNAFPipeline:
    """Loads a folder that `train` wrote, every file checked against its manifest.

    Raises:
        StateError: incomplete or altered files.
        BaseModelError: as `DNAFPipeline.from_pretrained`.
    """
    require_complete(folder)
    return DNAFPipeline(**vars(load_model(folder)))
