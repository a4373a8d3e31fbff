"""A tiny project that can be trained and generated from: 32x24 images of random outfits."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from dnaf.core import config, files, seeds
from dnaf.core.images import Pixels
from dnaf.core.seals import write_sealed
from dnaf.core.shards import alone
from dnaf.data.loader import Sources
from dnaf.data.store import ImageStore, write_store
from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.model.build import build
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.train.latents import write_latents

ROOT = Path(__file__).resolve().parents[2]
SIZE = (32, 24)
VIEWS = ("1front", "2side")

torch.set_num_threads(1)  # faster than more at these sizes, and the same bits on every machine

_MODEL: dict[str, Any] = {
    "base": None,
    "pose_adapter": True,
    "appearance_blocks": True,
    "noise_aware": True,
    "style_pose": True,
    "style_tokens": True,
    "clean_style": False,
    "channels": [8, 16],
    "layers_per_block": 1,
    "head_dim": 8,
    "style_encoder": "test_convnext",
    "style_encoder_weights": None,
    "style_scale": 1.0,
    "level_mapping": "nearest",
    "unshuffle": 2,
}
_TRAIN: dict[str, Any] = {
    "init": None,
    "steps": 6,
    "batch_size": 2,
    "accumulate": 1,
    "lr": 4.0e-3,
    "lr_warmup_steps": 2,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "ema_decay": 0.9,
    "loss": "l1",
    "foreground_weight": 2.0,
    "max_noise_weight": None,
    "min_snr_gamma": None,
    "timestep_sampling": "fourth_root",
    "condition_dropout": 0.2,
    "drop_pose": False,
    "mirror": 0.5,
    "validation_outfits": 2,
    "style_grad": False,
    "gradient_checkpointing": False,
    "mixed_precision": "no",
    "log_every": 2,
    "checkpoint_every": 2,
    "sample_every": 4,
    "report_to": "none",
}
_GENERATE: dict[str, Any] = {
    "scheduler": "ddim",
    "num_inference_steps": 2,
    "guidance_scale": 1.0,
    "guidance_interval": [0.0, 1.0],
    "style_noise": "fixed",
    "mixed_precision": "no",
    "batch_size": 2,
    "num_samples": 3,
}


def model_params(**changes: Any) -> config.Model:
    """The smallest model with all components on."""
    return config.Model(**{**_MODEL, **changes})


def train_params(**changes: Any) -> config.Train:
    """A run of a few steps."""
    return config.Train(**{**_TRAIN, **changes})


def generate_params(**changes: Any) -> config.Generate:
    """A sampler of two steps."""
    return config.Generate(**{**_GENERATE, **changes})


def tiny_pipeline(seed: int = 0, **changes: Any) -> DNAFPipeline:
    """An untrained pipeline of the smallest model."""
    pipeline = assemble(build(model_params(**changes), seed))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@dataclasses.dataclass
class Inputs:
    """Random inputs of a pipeline: S styles with their poses, T target poses, noise for both."""

    style: torch.Tensor
    style_pose_map: torch.Tensor
    pose_map: torch.Tensor
    noise: torch.Tensor
    style_noise: torch.Tensor

    @property
    def image(self) -> torch.Tensor:
        """The styles as the pipeline takes them, in [0,1]."""
        return self.style / 2 + 0.5


def random_inputs(num_styles: int, num_targets: int, seed: int = 0) -> Inputs:
    """Images in [-1,1], pose maps in [0,1] and latents (.,12,16,12) of the smallest model."""
    generator = torch.Generator().manual_seed(seed)
    latent = (12, SIZE[0] // 2, SIZE[1] // 2)
    return Inputs(
        torch.rand(num_styles, 3, *SIZE, generator=generator) * 2 - 1,
        torch.rand(num_styles, 3, *SIZE, generator=generator),
        torch.rand(num_targets, 3, *SIZE, generator=generator),
        torch.randn(num_targets, *latent, generator=generator),
        torch.randn(num_styles, *latent, generator=generator),
    )


def one_loss(denoiser: DNAFDenoiser, style_grad: bool) -> torch.Tensor:
    """Mean square of the prediction for two targets, of which the second does not see its style."""
    inputs = random_inputs(2, 2)
    prediction: torch.Tensor = denoiser(
        inputs.noise,
        inputs.style_noise,
        torch.tensor([300, 900]),
        inputs.style,
        inputs.style_pose_map,
        inputs.pose_map,
        keep=torch.tensor([True, False]),
        style_grad=style_grad,
    )
    return prediction.square().mean()


def stems(first_item: int, num_outfits: int) -> list[str]:
    """Two views of each outfit."""
    return [
        f"fashionWOMENTees_Tanksid{first_item + number:08d}01_{view}"
        for number in range(num_outfits)
        for view in VIEWS
    ]


def random_image(name: str) -> Pixels:
    """White, with a coarse random figure in the middle; the same for the same name."""
    image = np.full((*SIZE, 3), 255, dtype=np.uint8)
    coarse = seeds.generator(0, "picture", name).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    image[4:28, 4:20] = coarse.repeat(4, axis=0).repeat(4, axis=1)
    return image


class TrainingProject:
    """params.yaml, data/{prepared,pose_maps}.zip and data/pairs below `root`, as the stages write them.

    Three training outfits (six pairs) and two test outfits (four pairs).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.splits = {"train": stems(1, 3), "test": stems(100, 2)}
        self.scratch = root / "scratch"
        names = self.splits["train"] + self.splits["test"]
        with write_store(root / "data/prepared.zip", {}) as prepared:
            for stem in names:
                prepared.add_image(f"{stem}.png", random_image(stem))
        with write_store(root / "data/pose_maps.zip", {"channels": 3}) as pose:
            for stem in names:
                pose.add_image(f"{stem}.png", random_image(f"pose of {stem}"))
                pose.add_image(f"mirrored/{stem}.png", random_image(f"pose of {stem}")[:, ::-1])
        for split in self.splits:
            rows = [f"{source},{target},{source.rpartition('_')[0]}" for source, target in self.pairs(split)]
            write_sealed(self.sources(split).pairs, "\n".join(["source,target,outfit", *rows]) + "\n")
        files.write_manifest(root / "data/pairs")
        self.write_latents()
        self.set_params()

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """Ordered pairs of a split: front to side and side to front of each outfit."""
        names = self.splits[split]
        ordered = []
        for front, side in zip(names[::2], names[1::2], strict=True):
            ordered += [(front, side), (side, front)]
        return ordered

    def sources(self, split: str) -> Sources:
        """What the loader reads."""
        data = self.root / "data"
        return Sources(data / f"pairs/{split}.csv", data / "prepared.zip", data / "pose_maps.zip")

    def write_latents(self) -> None:
        """What stage latents writes for the smallest model."""
        sources, autoencoder = self.sources("train"), LosslessAutoencoder(_MODEL["unshuffle"])
        output = self.root / "data/latents.zip"
        write_latents(sources.pairs, sources.images, output, autoencoder, None, alone())

    def set_params(self, **sections: dict[str, Any]) -> None:
        """Writes params.yaml with the tiny sections, changed by `train={...}` and so on."""
        params = config.Params().model_dump()
        params["datasets"]["demo"].update(height=SIZE[0], width=SIZE[1])
        for name, tiny in (("model", _MODEL), ("train", _TRAIN), ("generate", _GENERATE)):
            params[name].update(tiny)
            params[name].update(sections.get(name, {}))
        with open(self.root / "params.yaml", "w") as file:
            YAML().dump(params, file)

    def write_model(self, seed: int = 0) -> Path:
        """Writes an untrained model as stage train does; returns its folder."""
        folder = self.root / "data/model"
        with files.atomic_folder(folder) as temporary:
            tiny_pipeline(seed).save_pretrained(temporary)
            files.write_manifest(temporary, {"steps": 0, "seed": seed})
        return folder

    def generated(self, name: str = "generated.zip") -> ImageStore:
        """A store that stage generate wrote."""
        return ImageStore(self.root / "data/results/dnaf" / name)

    def digests(self, *folders: str) -> dict[str, str]:
        """Sha256 of every file below some folders of the project, by path."""
        paths = [path for folder in folders for path in sorted((self.root / folder).rglob("*"))]
        return {str(path.relative_to(self.root)): files.digest(path) for path in paths if path.is_file()}
