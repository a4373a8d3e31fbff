"""The seven baselines' results in their published layouts, made of a data set's own images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dnaf.core import images
from dnaf.core.images import Pixels
from dnaf.data.pairs.pairs import Pair
from dnaf.data.store import ImageStore
from tests.helpers.evaluation_project import near
from tests.helpers.published_results import encode, pad, strip, write_folder, write_zip


class Baselines:
    """Writes results that are the targets with some noise, more of it for each next method."""

    METHODS = ("pidm", "nted", "casd", "dptn", "gfla", "pise", "adgan")

    def __init__(self, prepared: ImageStore, pairs: Sequence[Pair]) -> None:
        self._prepared, self._pairs = prepared, pairs

    def write(self, results: Path) -> None:
        """Writes below the folder of all methods' folders."""
        larger = (256, 192)  # of the same shape
        write_folder(
            results / "pidm",
            {f"{s}_2_{t}_vis.png": encode(self._sized("pidm", s, t, larger), ".png") for s, t in self._pairs},
        )
        write_zip(
            results / "nted/fashion_256.zip",
            {f"eval/{s}_2_{t}_vis.png": encode(self._image("nted", s, t), ".png") for s, t in self._pairs},
        )
        write_zip(
            results / "shared/PIDM_vs_Others.zip",
            {f"{s}_2_{t}.png": encode(self._ten_panels(s, t), ".png") for s, t in self._pairs},
        )
        write_zip(
            results / "dptn/results.zip",
            {f"dptn/{s}_2_{t}_vis.jpg": encode(self._image("dptn", s, t), ".jpg") for s, t in self._pairs},
        )
        write_folder(
            results / "gfla/eval_results",
            {f"{s}_2_{t}_vis.jpg": encode(self._sized("gfla", s, t, larger), ".jpg") for s, t in self._pairs},
        )
        write_zip(
            results / "pise/pise.zip",
            {f"{s}_{t}_vis.jpg": encode(pad(self._image("pise", s, t), 40), ".jpg") for s, t in self._pairs},
        )
        write_zip(
            results / "adgan/test.zip",
            {
                f"images/fashion{s[7:]}.jpg___fashion{t[7:]}.jpg_vis.jpg": encode(
                    self._five_panels(s, t), ".jpg"
                )
                for s, t in self._pairs
            },
        )

    def _real(self, stem: str) -> Pixels:
        return self._prepared.image(f"{stem}.png")

    def _image(self, method: str, source: str, target: str) -> Pixels:
        noisy = self._real(target)
        for round_ in range(1 + self.METHODS.index(method)):
            noisy = near(noisy, f"{method} {round_} {source} {target}")
        return noisy

    def _sized(self, method: str, source: str, target: str, size: images.Size) -> Pixels:
        return images.resize(self._image(method, source, target), size)

    def _five_panels(self, source: str, target: str) -> Pixels:
        """Source, its pose, target, its pose, generated."""
        real = self._real(target)
        pose = np.zeros_like(real)
        return strip([self._real(source), pose, real, pose, self._image("adgan", source, target)])

    def _ten_panels(self, source: str, target: str) -> Pixels:
        """Pose, source, ground truth and seven methods; only CASD's panel is read, the others have files."""
        real = self._real(target)
        methods = ("adgan", "pise", "gfla", "dptn", "casd", "nted", "pidm")
        generated = [self._image(method, source, target) for method in methods]
        return strip([np.zeros_like(real), self._real(source), real, *generated])
