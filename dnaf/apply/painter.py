"""What all applications share: persons and poses in, images of persons out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dnaf.apply.other_base import load_on_base, origin
from dnaf.apply.person import Person, in_the_shape_of
from dnaf.core import config, seeds
from dnaf.core.errors import BaseModelError, NumericalError, ResourceError
from dnaf.core.images import Pixels, Size
from dnaf.core.progress import note
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points
from dnaf.data.pose_maps.write import draw_pose_map
from dnaf.data.tensors import to_image_tensor, to_pixels, to_pose_tensor
from dnaf.generate.prepare_pipeline import prepare_pipeline
from dnaf.pipeline import load_pipeline

OnStepEnd = Callable[[Any, int, int, dict[str, Any]], dict[str, Any]]


class Painter:
    """A trained model, the size of its images, and how poses are drawn for it.

    All images start from one noise, which depends on the seed alone: then two images differ only by
    what is asked of them.

    Attributes:
        pipeline: the model, on its device, with the scheduler of `generate.scheduler`.
        size: (height, width) of all images.
        noise: (1, C, h, w) of every image's first latent.
        origin: what a file of an image tells of its making, by keyword; empty on the base of the training.
    """

    def __init__(
        self,
        model: Path,
        size: Size,
        render: config.Render,
        generate: config.Generate,
        seed: int,
        device: torch.device,
        low_memory: bool = False,
        base: Path | None = None,
    ) -> None:
        """Loads the model.

        Args:
            base: a base model of the same family to use in place of that of the training.
            low_memory: on an accelerator only the component that is at work is there; the autoencoder takes
                one image at a time, and one larger than those of its training in overlapping tiles.

        Raises:
            BaseModelError, StateError, ConfigError: as `stages.generate`; or made for other pose maps.
        """
        if base is None:
            pipeline, self.origin = load_pipeline(model), dict[str, str]()
        else:
            pipeline, self.origin = load_on_base(model, base), origin(model, base)
        self.pipeline = prepare_pipeline(pipeline, generate, torch.device("cpu") if low_memory else device)
        if low_memory:
            # Only where it is asked for: it counts with the training's counter, which no other image needs.
            from dnaf.apply.memory import estimate, save_memory

            found = estimate(self.pipeline, size, device.type, guided=generate.guidance_scale != 1)
            note(f"Memory of an image on {device.type}, estimated: {found}")
            save_memory(self.pipeline, device)
        self.size = size
        self._render, self._generate = render, generate
        blank = self.pose_map(np.full((NUM_JOINTS, 2), np.nan))
        channels = self.pipeline.adapter.config.pose_channels
        if blank.shape[2] != channels:
            raise BaseModelError(
                f"{model}: made for other pose maps (found {blank.shape[2]} channels of renderer "
                f"{render.renderer}, expected {channels}). Set render.renderer as at its training."
            )
        autoencoder = self.pipeline.autoencoder
        shape = (1, autoencoder.latent_channels, *(side // autoencoder.downscale for side in size))
        self.noise, self._style_noise = (
            torch.randn(shape, generator=torch.Generator().manual_seed(seeds.seed(seed, "apply", name)))
            for name in ("noise", "style-noise")
        )

    def pose_map(self, keypoints: Points) -> Pixels:
        """uint8 (H, W, C), as the model was trained with, of keypoints (18, 2) in pixels of the frame."""
        return draw_pose_map(keypoints, self._render.renderer, self.size, self._render.canvas, self.size)

    def latent(self, image: Pixels) -> torch.Tensor:
        """(1, C, h, w) of an image in the frame, without noise."""
        autoencoder = self.pipeline.autoencoder
        on_device = to_image_tensor(image)[None].to(self.pipeline._execution_device, autoencoder.dtype)
        with torch.no_grad():
            latent: torch.Tensor = autoencoder.encode(on_device).float()
        return latent

    def generate(
        self,
        styles: Sequence[Person],
        keypoints: Sequence[Points],
        on_step_end: OnStepEnd | None = None,
        generate: config.Generate | None = None,
    ) -> list[Pixels]:
        """An image a pose, each of the style at the same place, or all of a single style.

        A style without a pose is cut out in the shape of the wanted one.

        Args:
            styles: as many as `keypoints`, or one; each with its `others` beside it.
            keypoints: each (18, 2) in pixels of the frame.
            on_step_end: as `DNAFPipeline.__call__` takes it; its latents are those of all images.
            generate: steps and guidance of these images; None: those given when the model was loaded.

        Raises:
            NumericalError: an image is not finite.
            ResourceError: out of memory.
        """
        params = generate or self._generate
        start, stop = params.guidance_interval
        of_targets = [
            in_the_shape_of(wanted, styles[index % len(styles)]) for index, wanted in enumerate(keypoints)
        ]
        rows: list[Person] = []  # all images of all styles, those of one style once
        rows_of: dict[int, list[int]] = {}
        for style in of_targets:
            if id(style) not in rows_of:
                rows_of[id(style)] = list(range(len(rows), len(rows) + 1 + len(style.others)))
                rows += [style, *style.others]
        style_pose_maps, wanted = (
            torch.stack([to_pose_tensor(self.pose_map(each)) for each in drawn])
            for drawn in ([row.keypoints for row in rows], keypoints)
        )
        try:
            generated = self.pipeline(
                style=[Image.fromarray(row.image) for row in rows],
                style_pose_map=style_pose_maps,
                pose_map=wanted,
                style_index=[rows_of[id(style)] for style in of_targets],
                num_inference_steps=params.num_inference_steps,
                guidance_scale=params.guidance_scale,
                guidance_interval=(start, stop),
                generator=torch.Generator().manual_seed(0),  # only of what some schedulers add
                latents=self.noise.repeat(len(keypoints), 1, 1, 1),
                style_noise=self._style_noise.repeat(len(rows), 1, 1, 1),
                callback_on_step_end=on_step_end,
                output_type="pt",
            ).images.cpu()
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"out of memory (found {len(keypoints)} images of {self.size[0]}x{self.size[1]} pixels at "
                "once). Ask for fewer, say --low-memory, or set generate.mixed_precision."
            ) from error
        if not generated.isfinite().all():
            raise NumericalError("image: not finite. Set generate.mixed_precision to no or bf16.")
        return [to_pixels(image) for image in generated]
