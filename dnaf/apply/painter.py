"""What all applications share: persons and poses in, pictures of persons out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dnaf.apply.person import Person
from dnaf.core import config, seeds
from dnaf.core.errors import BaseModelError, NumericalError, ResourceError
from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points
from dnaf.data.loader import to_image_tensor, to_pixels, to_pose_tensor
from dnaf.data.pose_maps.write import draw_pose_map
from dnaf.generate.pairs import prepare_pipeline

OnStepEnd = Callable[[Any, int, int, dict[str, Any]], dict[str, Any]]


class Painter:
    """A trained model, the size of its pictures, and how poses are drawn for it.

    All pictures start from one noise, which depends on the seed alone: then two pictures differ only by
    what is asked of them.

    Attributes:
        pipeline: the model, on its device, with the solver of `generate.solver`.
        size: (height, width) of all pictures.
        noise: (1, C, h, w) of every picture's first latent.
    """

    def __init__(
        self,
        model: Path,
        size: Size,
        render: config.Render,
        generate: config.Generate,
        seed: int,
        device: torch.device,
    ) -> None:
        """Loads the model.

        Raises:
            BaseModelError, StateError, ConfigError: as `stages.generate`; or made for other pose maps.
        """
        self.pipeline = prepare_pipeline(model, generate, device)
        self.size = size
        self._render, self._generate = render, generate
        blank = self.pose_map(np.full((NUM_JOINTS, 2), np.nan))
        channels = self.pipeline.adapter.config.pose_channels
        if blank.shape[2] != channels:
            raise BaseModelError(
                f"{model}: made for other pose maps (found {blank.shape[2]} channels of renderer "
                f"{render.renderer}, expected {channels}). Set render.renderer as at its training."
            )
        codec = self.pipeline.codec
        shape = (1, codec.latent_channels, *(side // codec.downscale for side in size))
        self.noise, self._style_noise = (
            torch.randn(shape, generator=torch.Generator().manual_seed(seeds.seed(seed, "apply", name)))
            for name in ("noise", "style-noise")
        )

    def pose_map(self, pose: Points) -> Pixels:
        """uint8 (H, W, C), as the model was trained with, of keypoints (18, 2) in pixels of the frame."""
        return draw_pose_map(pose, self._render.renderer, self.size, self._render.canvas, self.size)

    def latent(self, image: Pixels) -> torch.Tensor:
        """(1, C, h, w) of a picture in the frame, without noise."""
        codec = self.pipeline.codec
        on_device = to_image_tensor(image)[None].to(self.pipeline.device, codec.dtype)
        with torch.no_grad():
            latent: torch.Tensor = codec.encode(on_device).float()
        return latent

    def paint(
        self,
        styles: Sequence[Person],
        poses: Sequence[Points],
        on_step_end: OnStepEnd | None = None,
        generate: config.Generate | None = None,
    ) -> list[Pixels]:
        """A picture a pose, each of the style at the same place, or all of a single style.

        Args:
            styles: as many as poses, or one.
            poses: keypoints (18, 2) in pixels of the frame.
            on_step_end: as `DNAFPipeline.__call__` takes it; its latents are those of all pictures.
            generate: steps and guidance of these pictures; None: those given when the model was loaded.

        Raises:
            NumericalError: a picture is not finite.
            ResourceError: out of memory.
        """
        params = generate or self._generate
        start, stop = params.guidance_interval
        style_poses, wanted = (
            torch.stack([to_pose_tensor(self.pose_map(pose)) for pose in drawn])
            for drawn in ([style.keypoints for style in styles], poses)
        )
        try:
            painted = self.pipeline(
                style=[Image.fromarray(style.image) for style in styles],
                style_pose=style_poses,
                pose=wanted,
                rows=torch.arange(len(poses)) % len(styles),
                num_inference_steps=params.num_inference_steps,
                guidance_scale=params.guidance_scale,
                guidance_interval=(start, stop),
                generator=torch.Generator().manual_seed(0),  # only of what some solvers add
                latents=self.noise.repeat(len(poses), 1, 1, 1),
                style_noise=self._style_noise.repeat(len(styles), 1, 1, 1),
                callback_on_step_end=on_step_end,
                output_type="pt",
            ).images.cpu()
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"out of memory (found {len(poses)} pictures of {self.size[0]}x{self.size[1]} pixels at "
                "once). Ask for fewer, or set generate.mixed_precision."
            ) from error
        if not painted.isfinite().all():
            raise NumericalError("picture: not finite. Set generate.mixed_precision to no or bf16.")
        return [to_pixels(image) for image in painted]
