"""Training pairs by position: what position p of a run shows depends on (seed, p) and on nothing else."""

from collections.abc import Collection, Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from dnaf.core import seeds
from dnaf.core.errors import StateError
from dnaf.core.images import Pixels
from dnaf.data.pairs.tables import PAIR_COLUMNS, read_table
from dnaf.data.pose_maps.storage import read_pose_map, to_rgb
from dnaf.data.store import ImageStore
from dnaf.data.tensors import to_image_tensor, to_pose_tensor

if TYPE_CHECKING:
    from dnaf.data.latent_store import Latents


@dataclass(frozen=True)
class Sources:
    """Where pairs, images and pose maps of one data set stand."""

    pairs: Path
    images: Path
    pose_maps: Path


class PairImages:
    """Images and pose maps of a list of pairs, as tensors.

    Raises:
        StateError: an artefact is incomplete, or a pair names an image that the stores do not hold.
    """

    def __init__(self, sources: Sources) -> None:
        self._images = ImageStore(sources.images)
        self._pose_maps = ImageStore(sources.pose_maps)
        rows = read_table(sources.pairs, PAIR_COLUMNS)
        self.pairs = pd.DataFrame(rows, columns=PAIR_COLUMNS, dtype=str)
        for stem in pd.unique(self.pairs[["source", "target"]].to_numpy().ravel()):
            for store in (self._images, self._pose_maps):
                if f"{stem}.png" not in store:
                    raise StateError(f"{store.path}: {stem}.png is missing. Run split and render again.")

    def split(self, outfits: Collection[str]) -> tuple["PairImages", "PairImages"]:
        """The pairs of all other outfits, and those of these."""
        chosen = self.pairs["outfit"].isin(outfits)
        others, these = copy(self), copy(self)
        others.pairs, these.pairs = self.pairs[~chosen], self.pairs[chosen]
        return others, these

    def fingerprint(self) -> str:
        """A digest of all images and pose maps."""
        return self._images.fingerprint() + self._pose_maps.fingerprint()

    @property
    def pose_channels(self) -> int:
        """Channels of every pose map."""
        return int(self._pose_maps.info["channels"])

    def pose_map_image(self, stem: str) -> Pixels:
        """uint8 RGB (H,W,3) that shows a pose map."""
        return to_rgb(read_pose_map(self._pose_maps, f"{stem}.png"))

    def pixels(self, stem: str) -> Pixels:
        """Image uint8 RGB (H,W,3)."""
        return self._images.image(f"{stem}.png")

    def image(self, stem: str, mirror: bool = False) -> torch.Tensor:
        """Image (3,H,W) float32 in [-1,1]."""
        pixels = self.pixels(stem)
        return to_image_tensor(pixels[:, ::-1] if mirror else pixels)

    def pose_map(self, stem: str, mirror: bool = False) -> torch.Tensor:
        """Pose map (C,H,W) float32 in [0,1]; mirrored: with left and right joints swapped."""
        name = f"mirrored/{stem}.png" if mirror else f"{stem}.png"
        return to_pose_tensor(read_pose_map(self._pose_maps, name))


def members(pairs: pd.DataFrame) -> dict[str, list[str]]:
    """The stems of each outfit that a table of pairs names, sorted."""
    return {
        str(outfit): sorted({*of_outfit["source"], *of_outfit["target"]})
        for outfit, of_outfit in pairs.groupby("outfit")
    }


class TrainingPairs(Dataset[dict[str, torch.Tensor | int]]):
    """Training examples by position; every epoch is a new permutation of all pairs.

    Args:
        images: the pairs, and what they show.
        mirror: share of examples of which source and target are mirrored.
        max_sources: most images of the person that an example has, its source among them.

    Attributes:
        latents: where examples get their latents from; None: they have none.
    """

    def __init__(self, images: PairImages, seed: int, mirror: float, max_sources: int = 1) -> None:
        self.images = images
        self._stems = self.images.pairs[["source", "target"]].to_numpy()
        self._outfits = self.images.pairs["outfit"].to_numpy()
        self._members = members(self.images.pairs) if max_sources > 1 else {}
        self._max_sources = max_sources
        self._seed = seed
        self._mirror = mirror
        self.latents: Latents | None = None

    def __getitem__(self, position: int) -> dict[str, torch.Tensor | int]:
        """`source`, `target` (3,H,W) in [-1,1], `source_pose_map`, `target_pose_map` (C,H,W) in [0,1].

        Also `position`, and with cached latents `source_latent`, `target_latent` (C,h,w). Where there may be
        more sources, `other_source` (K-1,3,H,W), its pose maps and latents, and `has_other` (K-1,) bool: what
        an example does not have is its source once more.
        """
        source, target = self.stems(position)
        mirror = bool(seeds.generator(self._seed, "mirror", position).random() < self._mirror)
        example: dict[str, torch.Tensor | int] = {
            "position": position,
            "source": self.images.image(source, mirror),
            "target": self.images.image(target, mirror),
            "source_pose_map": self.images.pose_map(source, mirror),
            "target_pose_map": self.images.pose_map(target, mirror),
        }
        if self.latents is not None and self.latents.cached:
            example["source_latent"] = self.latents.latent(source, mirror)
            example["target_latent"] = self.latents.latent(target, mirror)
        if self._max_sources > 1:
            others = self.other_sources(position)
            num_absent = self._max_sources - 1 - len(others)
            shown = [*others, *[source] * num_absent]
            example["has_other"] = torch.tensor([True] * len(others) + [False] * num_absent)
            example["other_source"] = torch.stack([self.images.image(stem, mirror) for stem in shown])
            example["other_source_pose_map"] = torch.stack(
                [self.images.pose_map(stem, mirror) for stem in shown]
            )
            if self.latents is not None and self.latents.cached:
                example["other_source_latent"] = torch.stack(
                    [self.latents.latent(stem, mirror) for stem in shown]
                )
        return example

    def stems(self, position: int) -> tuple[str, str]:
        """Source and target stem of the pair at a position."""
        source, target = self._stems[self._row(position)]
        return str(source), str(target)

    def other_sources(self, position: int) -> list[str]:
        """Further images of the outfit, never the target; each number, from none on, is drawn as often."""
        source, target = self.stems(position)
        members = self._members[str(self._outfits[self._row(position)])]
        others = [stem for stem in members if stem not in (source, target)]
        generator = seeds.generator(self._seed, "sources", position)
        number = int(generator.integers(1 + min(len(others), self._max_sources - 1)))
        return [others[index] for index in generator.permutation(len(others))[:number]]

    def _row(self, position: int) -> int:
        epoch, index = divmod(position, len(self._stems))
        return int(_order(self._seed, epoch, len(self._stems))[index])


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, num_pairs: int) -> NDArray[np.int64]:
    return seeds.generator(seed, "order", epoch).permutation(num_pairs)


class StepSampler(Sampler[list[int]]):
    """Positions of each step's batch, from `first_step` on; process `rank` of `world` gets its share."""

    def __init__(self, first_step: int, num_steps: int, batch_size: int, rank: int, world: int) -> None:
        self._steps = range(first_step, num_steps)
        self._batch_size = batch_size
        self._share = range(rank, batch_size, world)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self._steps:
            yield [step * self._batch_size + offset for offset in self._share]

    def __len__(self) -> int:
        return len(self._steps)
