"""The parameters of pretraining: one file, `pretraining/params.yaml`, as frozen sections."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dnaf.core import sections
from dnaf.core.config import Fraction, Positive, TimestepSampling
from dnaf.core.images import Size
from dnaf.core.sections import Section

PARAMS = Path("pretraining/params.yaml")

AdapterImages = Literal["crops", "whole"]
"""What an adapter is trained on: torsos, or whole images."""


class People(Section):
    """Which people are drawn. Validation outfits come last and are not trained on."""

    name = "people"
    num_outfits: Positive
    num_validation_outfits: Positive
    height: Annotated[int, Field(ge=16, le=1024, multiple_of=8)]
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=8)]

    @property
    def size(self) -> Size:
        return self.height, self.width


class Optimizing(Section):
    """What every training of the pretraining has."""

    name = "optimizing"
    batch_size: Positive
    lr_warmup_steps: Annotated[int, Field(ge=0)]
    max_grad_norm: Annotated[float, Field(gt=0)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    mixed_precision: Literal["no", "bf16"]
    log_every: Positive
    checkpoint_every: Positive


class Training(Optimizing):
    """One that is not divided into rounds."""

    name = "training"
    steps: Positive
    lr: Annotated[float, Field(gt=0, le=1)]


class Autoencoder(Training):
    name = "autoencoder"
    latent_channels: Positive
    channels: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    latent_noise: Annotated[float, Field(ge=0)]
    gradient_weight: Annotated[float, Field(ge=0)]


class UNet(Section):
    name = "unet"
    channels: Annotated[list[Annotated[int, Field(ge=8, multiple_of=8)]], Field(min_length=2, max_length=4)]
    layers_per_block: Positive
    head_dim: Annotated[int, Field(ge=4)]


class Denoising(Training):
    """Of sections `crops` and `base`."""

    name = "base"
    crop: Annotated[int, Field(ge=4, multiple_of=4)] | None
    sheets: Fraction
    loss: Literal["l1", "mse"]
    max_weight: Annotated[float, Field(ge=1)]


class Round(Section):
    """One of an adapter's trainings, which starts from the weights of the one before.

    Attributes:
        order: rounds on the same images have different ones, and so see the pairs in another order.
    """

    name = "round"
    images: AdapterImages
    steps: Positive
    lr: Annotated[float, Field(gt=0, le=1)]
    order: Annotated[int, Field(ge=0)]
    timestep_sampling: TimestepSampling


class Adapter(Optimizing):
    """What all rounds share; the rest is in `dnaf/pretraining/adapter.py`.

    Attributes:
        crop: latent cells along each side of a torso.
    """

    name = "adapter"
    crop: Annotated[int, Field(ge=4, multiple_of=4)]
    rounds: Annotated[list[Round], Field(min_length=1)]
    loss: Literal["l1", "mse"]
    max_weight: Annotated[float, Field(ge=1)]
    sample_every: Positive


class Exchange(Section):
    name = "exchange"
    timesteps: Annotated[list[Annotated[int, Field(ge=0, lt=1000)]], Field(min_length=1)]
    num_pairs: Positive
    num_bootstrap: Positive


class Pretraining(Section):
    """All of pretraining/params.yaml."""

    name = "pretraining"
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    people: People
    autoencoder: Autoencoder
    unet: UNet
    crops: Denoising
    base: Denoising
    adapter: Adapter
    exchange: Exchange


def load(path: Path = PARAMS) -> Pretraining:
    """Reads the parameters.

    Raises:
        ConfigError: the file is missing, not YAML, or a key is unknown, missing or out of range.
    """
    return sections.validate(Pretraining, sections.read(path), path)
