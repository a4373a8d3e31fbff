"""Style encoder: style image -> pyramid of constant features (figure, panel a), by any timm backbone."""

from collections.abc import Mapping
from math import log2
from typing import Any

import timm
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from timm.models.efficientnet import EfficientNetFeatures
from torch import nn

from dnaf.core.config import LevelMapping
from dnaf.core.errors import ConfigError, one_line, short


class StyleEncoder(ModelMixin, ConfigMixin):
    """A timm model with `features_only`, randomly initialised.

    Args:
        model_name: for example `test_convnext`, `convnext_tiny`, `swin_base_patch4_window7_224`.
        map_indices: which of the backbone's maps are given; stages behind the last one are not built.
        mean: of the channels in [0,1], as the backbone was trained with (ImageNet's by default).
        std: likewise.
        style_scale: the backbone sees the image in this size, relative to its own.

    Attributes:
        channels: of each map, finest first.

    Raises:
        ConfigError: timm has no such model, or it gives no feature pyramid.
    """

    @register_to_config
    def __init__(
        self,
        model_name: str,
        map_indices: list[int],
        mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
        std: tuple[float, float, float] = (0.229, 0.224, 0.225),
        style_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.backbone = _create(model_name, out_indices=tuple(map_indices))
        self.channels: tuple[int, ...] = tuple(self.backbone.feature_info.channels())
        self._channels_last = str(getattr(self.backbone, "output_fmt", None) or "").endswith("NHWC")
        self.register_buffer("pixel_mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @classmethod
    def for_levels(
        cls,
        model_name: str,
        scales: Mapping[int, float],
        style_scale: float = 1.0,
        level_mapping: LevelMapping = "nearest",
    ) -> "StyleEncoder":
        """An encoder that gives the maps which these levels of a UNet read, and no others.

        Args:
            scales: {level: pixels of the image per cell}.

        Raises:
            ConfigError: timm has no such model, it gives no feature pyramid, or too few maps.
        """
        with torch.device("meta"):
            reductions = [each / style_scale for each in _create(model_name).feature_info.reduction()]
        every = dict(enumerate(reductions))
        indices = {_choose(model_name, every, level, scales[level], level_mapping) for level in scales}
        return cls(model_name, sorted(indices), style_scale=style_scale)

    @property
    def reductions(self) -> tuple[float, ...]:
        """Pixels of the image per cell of each map along each side, finest first."""
        return tuple(each / self.config.style_scale for each in self.backbone.feature_info.reduction())

    def maps_of(self, scales: Mapping[int, float], level_mapping: LevelMapping = "nearest") -> dict[int, int]:
        """{level: position of the map it reads among those that are given}.

        Args:
            scales: {level: pixels of the image per cell}.

        Raises:
            ConfigError: this encoder does not give the map that a level should read.
        """
        given = self.config.map_indices
        maps = dict(zip(given, self.reductions, strict=True))
        name = self.config.model_name
        return {
            level: given.index(_choose(name, maps, level, scale, level_mapping))
            for level, scale in scales.items()
        }

    def set_scale(self, style_scale: float) -> None:
        """Shows the backbone images in another size; its weights stay."""
        self.register_to_config(style_scale=style_scale)

    def require_size(self, size: tuple[int, int]) -> None:
        """Refuses images that the backbone cannot take.

        Families differ in how small or odd an image may be, so one is shown to a twin without weights.

        Args:
            size: (height, width) of the style image in pixels.

        Raises:
            ConfigError: what the backbone says, and which parameters to change.
        """
        with torch.device("meta"), torch.no_grad():
            name, indices = self.config.model_name, self.config.map_indices
            twin = StyleEncoder(name, indices, style_scale=self.config.style_scale).eval()
            try:
                twin(torch.zeros(1, 3, *size))
            except (RuntimeError, AssertionError) as error:
                raise ConfigError(
                    f"params.yaml: model.style_encoder: {name} cannot take images of "
                    f"{size[0]}x{size[1]} pixels at model.style_scale {self.config.style_scale} "
                    f"({one_line(error)}). Raise one of the two, or "
                    "choose another encoder."
                ) from error

    def freeze(self, dtype: torch.dtype) -> "StyleEncoder":
        """Without gradients, in evaluation mode, in `dtype`."""
        # torch's own `to`: diffusers' warns of modules that must stay float32 where there are none.
        return nn.Module.to(self.requires_grad_(False).eval(), dtype)

    def train(self, mode: bool = True) -> "StyleEncoder":
        """Keeps the backbone in evaluation mode.

        Drop path draws from the global generator and batch norm keeps statistics outside the checkpoints: a
        resumed run would not repeat either.
        """
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, style: torch.Tensor) -> list[torch.Tensor]:
        """Style image (S,3,H,W) in [-1,1] -> maps [(S,Cᵢ,Hᵢ,Wᵢ)], finest first."""
        scale = self.config.style_scale
        if scale != 1:
            size = [max(1, round(side * scale)) for side in style.shape[-2:]]
            style = F.interpolate(style, size, mode="bilinear", antialias=True)
        pixels = ((style + 1) / 2 - self.pixel_mean) / self.pixel_std
        maps = self.backbone(pixels.to(self.dtype))
        return [m.permute(0, 3, 1, 2).contiguous() if self._channels_last else m for m in maps]


def _choose(
    model_name: str, maps: Mapping[int, float], level: int, scale: float, level_mapping: LevelMapping
) -> int:
    """Index of the map that a level reads, of maps {index: pixels per cell} in the order of their size."""
    if level_mapping in ("nearest", "coarser"):
        wanted = scale if level_mapping == "nearest" else 2 * scale
        # By ratio, and of two equally near ones the finer.
        return min(maps, key=lambda index: abs(log2(maps[index] / wanted)))
    if level not in maps:
        raise ConfigError(
            f"params.yaml: model.level_mapping: level {level} of the UNet has no style map of its index "
            f"(found {', '.join(map(str, maps))} of {model_name}). "
            "Set it to nearest, or use an encoder or a base model with more maps."
        )
    return level


def _create(model_name: str, **options: Any) -> Any:
    """A backbone of timm's own registry.

    timm.create_model also follows `hf-hub:OWNER/NAME` and `local-dir:PATH`: a name that comes with a folder
    of weights would make the reader ask the network, or open any folder of the disk.
    """
    if not isinstance(model_name, str) or not timm.is_model(model_name):
        raise ConfigError(_message(model_name, "not a name of timm's registry"))
    # Swin checks the input size unless told otherwise; other families do not know the option.
    if model_name.startswith("swin"):
        options["strict_img_size"] = False
    try:
        backbone = timm.create_model(model_name, pretrained=False, features_only=True, **options)
    # The families raise RuntimeError, AttributeError, IndexError and more, by what they lack.
    except Exception as error:
        raise ConfigError(_message(model_name, str(error))) from error
    # Plain vision transformers give several maps of one size, and only for one size of image.
    if "out_indices" not in options and len(set(backbone.feature_info.reduction())) < 2:
        raise ConfigError(_message(model_name, "all maps have one size"))
    if isinstance(backbone, EfficientNetFeatures):
        # timm keeps the stages behind the last map. Stage 0 is the stem, stage i the block before i.
        last = max(each["stage"] for each in backbone.feature_info.get_dicts())
        backbone.blocks = backbone.blocks[:last]
    return backbone


def _message(model_name: object, reason: str) -> str:
    return (
        f"params.yaml: model.style_encoder: no feature pyramid (found {short(model_name)}: "
        f"{one_line(reason)}). "
        "Choose a name of timm.list_models() for which timm.create_model(..., features_only=True) works."
    )
