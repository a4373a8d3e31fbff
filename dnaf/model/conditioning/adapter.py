"""The adapter: all weights that DNAF adds to a UNet, in one module that saves and loads by itself."""

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn

from dnaf.model.conditioning.appearance import AppearanceBlock
from dnaf.model.conditioning.noise_aware import Appearance
from dnaf.model.conditioning.pose_adapter import PoseAdapter, residual_levels
from dnaf.model.pretrained.prompt import Prompt
from dnaf.model.pretrained.provenance import Provenance


class DNAFAdapter(ModelMixin, ConfigMixin):
    """All weights that DNAF adds to a UNet: pose adapter, style projections, appearance blocks.

    Build it with `from_unet`; `save_pretrained` writes config.json and the weights.

    Args:
        layers: (path, channels, heads, level) of every transformer of the UNet.
        pose_levels: (channels, level) of every pose residual.
        prompt_shape: (tokens, channels) of the embedding of the fixed prompt, kept here as a buffer.
        style_channels: of the style encoder's maps, finest first.
        style_maps: {UNet level, as text: which of the style encoder's maps it reads}.
        downscale: pixels per latent cell along each side.
        pose_channels: of the pose maps.
        pooled_channels: of the prompt's pooled embedding; 0: the UNet takes none.
        pose_adapter: figure (a); this and the next three can be switched off, for ablations.
        appearance_blocks: figure (c).
        noise_aware: figure (b).
        style_pose: gives the style branch the source's own pose.
        style_tokens: gives the style branch its own appearance features, too.
        clean_style: ablation: the style branch sees its style without noise, at timestep 0.
    """

    @register_to_config
    def __init__(
        self,
        layers: list[tuple[str, int, int, int]],
        pose_levels: list[tuple[int, int]],
        prompt_shape: tuple[int, int],
        style_channels: list[int],
        style_maps: dict[str, int],
        downscale: int,
        num_pose_res_blocks: int = 1,
        pose_channels: int = 3,
        pose_adapter: bool = True,
        appearance_blocks: bool = True,
        noise_aware: bool = True,
        style_pose: bool = True,
        style_tokens: bool = True,
        clean_style: bool = False,
        pooled_channels: int = 0,
        trained_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        # Here, and not in the pipeline: the adapter is what fits this base alone, in whatever pipeline it is.
        self.base: Provenance | None = None
        self.style_weights: Provenance | None = None
        self.register_buffer("prompt_embedding", torch.zeros(1, *prompt_shape))
        if pooled_channels:
            self.register_buffer("pooled_embedding", torch.zeros(1, pooled_channels))
        self.pose: PoseAdapter | None = None
        if pose_adapter:
            self.pose = PoseAdapter(pose_levels, downscale, num_pose_res_blocks, pose_channels)
        self.style_inputs = nn.ModuleDict()
        self.blocks = nn.ModuleDict()
        if appearance_blocks:
            for path, channels, num_heads, level in layers:
                if str(level) not in self.style_inputs:
                    self.style_inputs[str(level)] = nn.Conv2d(
                        style_channels[style_maps[str(level)]], channels, 1
                    )
                self.blocks[_key(path)] = AppearanceBlock(channels, num_heads)

    @classmethod
    def from_unet(
        cls,
        unet: UNet2DConditionModel,
        prompt_embedding: torch.Tensor,
        style_channels: list[int],
        style_maps: Mapping[int, int],
        downscale: int,
        pooled_embedding: torch.Tensor | None = None,
        **options: Any,
    ) -> "DNAFAdapter":
        """An adapter for this UNet.

        Args:
            style_channels: of the style encoder's maps; [] without appearance blocks.
            style_maps: {level: which of the maps it reads}, of `StyleEncoder.maps_of`; {} without.
        """
        layers = [
            (path, module.in_channels, module.config.num_attention_heads, _level(unet, path))
            for path, module in transformers(unet)
        ]
        adapter = cls(
            layers=layers,
            pose_levels=residual_levels(unet),
            prompt_shape=tuple(prompt_embedding.shape[1:]),
            style_channels=style_channels,
            style_maps={str(level): index for level, index in style_maps.items()},
            downscale=downscale,
            pooled_channels=0 if pooled_embedding is None else pooled_embedding.shape[1],
            **options,
        )
        adapter.prompt_embedding.copy_(prompt_embedding)
        if pooled_embedding is not None:
            adapter.pooled_embedding.copy_(pooled_embedding)
        return adapter

    def block(self, path: str) -> AppearanceBlock | None:
        """The appearance block in front of the transformer at `path` of the UNet, if there is one."""
        if _key(path) not in self.blocks:
            return None
        return cast(AppearanceBlock, self.blocks[_key(path)])

    @property
    def kept_prompt(self) -> Prompt:
        """The embedding of the fixed prompt that this adapter was made with."""
        pooled = self.pooled_embedding if self.config.pooled_channels else None
        return Prompt(self.prompt_embedding, pooled)

    def prompt(self, sample: torch.Tensor) -> dict[str, Any]:
        """What the UNet is told of the prompt and, Stable Diffusion XL's, of the size, for every row.

        Args:
            sample: (B,C,h,w) latents.
        """
        rows, (height, width) = len(sample), sample.shape[-2:]
        told: dict[str, Any] = {"encoder_hidden_states": self.prompt_embedding.expand(rows, -1, -1)}
        if self.config.pooled_channels:
            size = [height * self.config.downscale, width * self.config.downscale]
            # Original size, crop and target size (arXiv 2307.01952, section 2.2): nothing was cropped.
            time_ids = self.pooled_embedding.new_tensor([*size, 0, 0, *size])
            told["added_cond_kwargs"] = {
                "text_embeds": self.pooled_embedding.expand(rows, -1),
                "time_ids": time_ids.expand(rows, -1),
            }
        return told

    @apply_forward_hook
    def encode_pose(self, pose_map: torch.Tensor) -> list[torch.Tensor]:
        """Pose map (B,C,H,W) in [0,1] -> residuals for the UNet's encoder, finest first."""
        return [] if self.pose is None else self.pose(pose_map)

    @apply_forward_hook
    def encode_style(
        self, maps: list[torch.Tensor], pose_residuals: list[torch.Tensor]
    ) -> dict[str, Appearance]:
        """Style maps (and the source's own pose residuals) -> every appearance block, its keys and values.

        The source's pose marks in each style token which part of the body it shows, in the very features
        that mark it in the target's tokens.
        """
        features = {}
        for level, project in self.style_inputs.items():
            projected = project(maps[self.config.style_maps[level]])
            if pose_residuals:
                residual = pose_residuals[int(level)]
                projected = projected + F.interpolate(residual, projected.shape[-2:], mode="bilinear")
            features[level] = projected
        return {
            path: (block, *block.keys_values(features[str(level)]))
            for path, _, _, level in self.config.layers
            if (block := self.block(path)) is not None
        }


def style_levels(unet: UNet2DConditionModel, downscale: int) -> dict[int, float]:
    """{level: pixels of the image per cell} of the UNet's levels with transformers, which read style maps."""
    return {
        level: downscale * 2**level
        for level in sorted({_level(unet, path) for path, _ in transformers(unet)})
    }


def transformers(unet: UNet2DConditionModel) -> list[tuple[str, Transformer2DModel]]:
    """(path, module) of every transformer of the UNet, in the order of its modules."""
    return [(path, module) for path, module in unet.named_modules() if isinstance(module, Transformer2DModel)]


def _key(path: str) -> str:
    return path.replace(".", "/")  # ModuleDict refuses dots


def _level(unet: UNet2DConditionModel, path: str) -> int:
    last = len(unet.config.block_out_channels) - 1
    kind, _, rest = path.partition(".")
    if kind == "mid_block":
        return last
    index = int(rest.split(".")[0])
    return index if kind == "down_blocks" else last - index
