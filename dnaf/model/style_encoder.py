"""Style encoder: style image -> pyramid of constant features (figure, panel a), by any timm backbone."""

import timm
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from dnaf.errors import ConfigError


class StyleEncoder(ModelMixin, ConfigMixin):
    """A timm model with `features_only`, randomly initialised.

    Args:
        model_name: for example `test_convnext`, `convnext_tiny`, `swin_base_patch4_window7_224`.
        mean, std: of the channels in [0,1], as the backbone was trained with (ImageNet's by default).

    Attributes:
        channels: of each map, finest first.

    Raises:
        ConfigError: timm has no such model, or it gives no feature pyramid.
    """

    @register_to_config
    def __init__(
        self,
        model_name: str,
        mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
        std: tuple[float, float, float] = (0.229, 0.224, 0.225),
    ) -> None:
        super().__init__()
        # Swin checks the input size unless told otherwise; other families do not know the option.
        options = {"strict_img_size": False} if model_name.startswith("swin") else {}
        try:
            self.backbone = timm.create_model(model_name, pretrained=False, features_only=True, **options)
        except (RuntimeError, AttributeError) as error:
            raise ConfigError(
                f"params.yaml: model.style_encoder: no feature pyramid (found {model_name!r}: {error}). "
                "Choose a model for which timm.create_model(..., features_only=True) works."
            ) from error
        self.channels: tuple[int, ...] = tuple(self.backbone.feature_info.channels())
        self.reductions: tuple[int, ...] = tuple(self.backbone.feature_info.reduction())
        self._channels_last = str(getattr(self.backbone, "output_fmt", None) or "").endswith("NHWC")
        self.register_buffer("pixel_mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, style: torch.Tensor) -> list[torch.Tensor]:
        """Style image (S,3,H,W) in [-1,1] -> maps [(S,Cᵢ,Hᵢ,Wᵢ)], finest first."""
        maps = self.backbone(((style + 1) / 2 - self.pixel_mean) / self.pixel_std)
        return [m.permute(0, 3, 1, 2).contiguous() if self._channels_last else m for m in maps]
