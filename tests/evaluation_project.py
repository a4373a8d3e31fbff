"""A tiny project whose test pairs can be scored."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dnaf import files, seeds
from dnaf.data.pairs import Pair, pair_id
from dnaf.data.store import write_store
from dnaf.images import Pixels

ROOT = Path(__file__).resolve().parents[1]
SIZE = (64, 48)  # of `demo` in params.yaml
VIEWS = ("1front", "3back")
NUM_OUTFITS = 3


def picture(name: str) -> Pixels:
    """A coarse random picture, uint8 (64, 48, 3); the same for the same name."""
    coarse = seeds.generator(0, "picture", name).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def near(image: Pixels, name: str) -> Pixels:
    """The image with some noise, which a name determines."""
    noise = seeds.generator(0, "noise", name).normal(0, 20, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


class EvaluationProject:
    """data/prepared.zip, data/pose.zip, data/pairs, the cards and params.yaml below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stems = [
            f"fashionWOMENDressesid{outfit:08d}01_{view}" for outfit in range(NUM_OUTFITS) for view in VIEWS
        ]
        self.pairs: list[Pair] = []
        for front, back in zip(self.stems[::2], self.stems[1::2], strict=True):
            self.pairs += [(front, back), (back, front)]
        shutil.copy(ROOT / "params.yaml", root)
        for card in ROOT.glob("data/results/*/card.yaml"):
            target = root / card.relative_to(ROOT)
            target.parent.mkdir(parents=True)
            shutil.copy(card, target)
        with write_store(root / "data/prepared.zip", {}) as prepared:
            for stem in self.stems:
                prepared.add_image(f"{stem}.png", picture(stem))
        with write_store(root / "data/pose.zip", {"channels": 3}) as pose:
            for stem in self.stems:
                pose.add_image(f"{stem}.png", picture(f"pose of {stem}"))
        self.outfits = [source.rpartition("_")[0] for source, _ in self.pairs]
        rows = [",".join([*pair, outfit]) for pair, outfit in zip(self.pairs, self.outfits, strict=True)]
        self.pairs_csv = root / "data/pairs/test.csv"
        files.write_atomic(self.pairs_csv, _table("source,target,outfit", rows))
        files.write_atomic(root / "data/pairs/train_images.csv", _table("name", self.stems[:4]))
        files.write_manifest(root / "data/pairs")

    def generated(self) -> dict[str, Pixels]:
        """Member names and images of a complete result: each the target with some noise."""
        return {f"{pair_id(*pair)}.png": near(picture(pair[1]), pair_id(*pair)) for pair in self.pairs}

    def add_results(
        self,
        method: str = "dnaf",
        images: Mapping[str, Pixels] | None = None,
        name: str = "generated.zip",
        info: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes a method's images; by default those of `generated`, made for these pairs by model `m`."""
        info = info or {"pairs_sha256": files.digest(self.pairs_csv), "model": "m", "num_pairs": 6}
        with write_store(self.root / "data/results" / method / name, info) as store:
            for member, image in (self.generated() if images is None else images).items():
                store.add_image(member, image)


def _table(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows]) + "\n"
