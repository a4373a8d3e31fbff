"""What a pipeline is made of: its components, by the names that `DNAFPipeline` gives them."""

from dataclasses import dataclass

from diffusers import DDIMScheduler, UNet2DConditionModel

from dnaf.model.autoencoder import Autoencoder
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.style_encoder import StyleEncoder


@dataclass
class Components:
    """The components of a pipeline, before they are put together."""

    unet: UNet2DConditionModel
    autoencoder: Autoencoder
    scheduler: DDIMScheduler
    adapter: DNAFAdapter
    style_encoder: StyleEncoder | None  # None without appearance blocks
