"""A tiny project whose test pairs can be scored."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from dnaf.core import files, images, seeds
from dnaf.core.images import Pixels
from dnaf.core.seals import write_sealed
from dnaf.data.keypoints.keypoints import Points, write_keypoints
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.submissions.find import TestPairs, read_test_pairs
from dnaf.evaluate.submissions.open import DataSet
from tests.helpers.raw_folder import FIGURE

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 48)  # half of the demo's: a quarter of the time
VIEWS = ("1front", "3back")
NUM_OUTFITS = 3
EFFICIENTNET = "data/base/efficientnet_lite0"
DNAF_CARD = ROOT / "dnaf/generate/card.yaml"


def random_image(name: str) -> Pixels:
    """A coarse random image, uint8 (64, 48, 3); the same for the same name."""
    coarse = seeds.generator(0, "picture", name).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


def near(image: Pixels, name: str) -> Pixels:
    """The image with some noise, which a name determines."""
    noise = seeds.generator(0, "noise", name).normal(0, 20, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


class EvaluationProject:
    """What `evaluate` reads below `root`, params.yaml and the cards too; pose maps for other stages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stems = [
            f"fashionWOMENDressesid{outfit:08d}01_{view}" for outfit in range(NUM_OUTFITS) for view in VIEWS
        ]
        self.pairs: list[Pair] = []
        for front, back in zip(self.stems[::2], self.stems[1::2], strict=True):
            self.pairs += [(front, back), (back, front)]
        shutil.copy(ROOT / "params.yaml", root)
        demo = {"format": "deepfashion", "height": SIZE[0], "width": SIZE[1], "max_test_pairs": 240}
        self.set_params(datasets={"demo": demo})
        for card in ROOT.glob("data/results/*/card.yaml"):
            target = root / card.relative_to(ROOT)
            target.parent.mkdir(parents=True)
            shutil.copy(card, target)
        # The stage generate writes it, beside its images.
        (root / "data/results/dnaf").mkdir(exist_ok=True)
        shutil.copy(DNAF_CARD, root / "data/results/dnaf")
        shutil.copytree(ROOT / EFFICIENTNET, root / EFFICIENTNET)
        with write_store(root / "data/prepared.zip", {}) as prepared:
            for stem in self.stems:
                prepared.add_image(f"{stem}.png", random_image(stem))
        with write_store(root / "data/images.zip", {}) as originals:
            for stem in self.stems:
                originals.add(f"{stem}.jpg", images.encode_png(random_image(stem)))
        with write_store(root / "data/pose_maps.zip", {"channels": 3}) as pose:
            for stem in self.stems:
                pose.add_image(f"{stem}.png", random_image(f"pose of {stem}"))
        self.outfits = [source.rpartition("_")[0] for source, _ in self.pairs]
        self.pairs_csv = root / "data/pairs/test.csv"
        write_sealed(root / "data/pairs/train_images.csv", _table("stem", self.stems[:4]))
        self.keep_pairs(len(self.pairs))

    def keep_pairs(self, number: int) -> None:
        """Writes the list of pairs with the first of them alone."""
        self.pairs, self.outfits = self.pairs[:number], self.outfits[:number]
        rows = [",".join([*pair, outfit]) for pair, outfit in zip(self.pairs, self.outfits, strict=True)]
        write_sealed(self.pairs_csv, _table("source,target,outfit", rows))
        files.write_manifest(self.root / "data/pairs", {"frame": list(SIZE)})

    @property
    def keypoints(self) -> Points:
        """A standing figure in the middle of the image."""
        return FIGURE * np.array([SIZE[1] / 176, SIZE[0] / 256])

    def add_keypoints(self) -> None:
        """Gives every image the keypoints of a standing figure in the middle."""
        points = [self.keypoints] * len(self.stems)
        write_keypoints(self.root / "data/pairs/keypoints.csv", self.stems, points)
        files.write_manifest(self.root / "data/pairs", {"frame": list(SIZE)})

    def rewrite_reference(self, changes: Mapping[str, Any]) -> None:
        """Changes what the manifest of the reference set says."""
        folder = self.root / "data/reference/cfld"
        files.write_manifest(folder, {**files.require_complete(folder), **changes})

    @property
    def test(self) -> TestPairs:
        """The test pairs."""
        return read_test_pairs(self.root / "data/pairs")

    @property
    def data(self) -> DataSet:
        """What results have to belong to."""
        prepared = ImageStore(self.root / "data/prepared.zip")
        return DataSet("deepfashion", SIZE, self.test, self.root / "data/pairs/train_images.csv", prepared)

    def set_params(self, **sections: dict[str, Any]) -> None:
        """Changes keys of params.yaml."""
        yaml, path = YAML(), self.root / "params.yaml"
        params = yaml.load(path)
        for name, values in sections.items():
            params[name].update(values)
        yaml.dump(params, path)

    def generated(self) -> dict[str, Pixels]:
        """Member names and images of a complete result: each the target with some noise."""
        return {f"{pair_id(*pair)}.png": near(random_image(pair[1]), pair_id(*pair)) for pair in self.pairs}

    def add_results(
        self,
        method: str = "dnaf",
        members: Mapping[str, Pixels] | None = None,
        name: str = "generated.zip",
        info: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes a method's images; by default those of `generated`, made for these pairs by model `m`."""
        info = info or {"pairs_sha256": files.digest(self.pairs_csv), "model": "m", "num_pairs": 6}
        with write_store(self.root / "data/results" / method / name, info) as store:
            for member, image in (self.generated() if members is None else members).items():
                store.add_image(member, image)


def _table(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows]) + "\n"
