"""The paper's figure of applications: a sheet each, drawn from a data set's test pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from dnaf.apply.input_reader import InputReader
from dnaf.apply.interpolate import sequence
from dnaf.apply.masks.by_pose import above_hips, garment_mask
from dnaf.apply.mix import mix
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.apply.repaint import try_on
from dnaf.apply.sheet import with_mask
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, RIGHT_HIP
from dnaf.data.pairs.pairs import Pair
from dnaf.data.pose_maps.storage import to_rgb
from dnaf.report.panels import Panel


@dataclass(frozen=True)
class Sheet:
    """What `dnaf.report.figure.draw` draws: a row for each pair of names, a column for each panel."""

    panels: list[Panel]
    pairs: list[Pair]


class Sheets:
    """Application sheets of a few test pairs.

    Args:
        pairs: source and target names, each pair of another outfit than the next.
        artworks: image files.
    """

    def __init__(
        self, painter: Painter, inputs: InputReader, pairs: Sequence[Pair], artworks: Sequence[Path]
    ) -> None:
        self._painter, self._inputs, self._artworks = painter, inputs, artworks
        self._pairs = [pair for pair in pairs if all(self._has_trunk(name) for name in pair)]
        if len(self._pairs) < 2:
            raise DataError(
                f"{inputs.data / 'pairs/test.csv'}: too few pairs with neck and hips (found "
                f"{len(self._pairs)} of {len(pairs)}, expected 2). Raise applications.num_rows."
            )
        self._person: Callable[[str], Person] = cache(inputs.person)

    def try_on(self) -> Sheet:
        """The upper garment of the next pair's source on each pair's source."""

        def mask_of(name: str) -> Pixels:
            return with_mask(self._image(name), self._garment(name))

        def result(pair: Pair) -> Pixels:
            person, garment_from = (self._person(name) for name in pair)
            return try_on(self._painter, person, self._garment(pair[0]), garment_from)

        panels = [
            Panel("Person", None, lambda pair: self._image(pair[0])),
            Panel("Mask", None, lambda pair: mask_of(pair[0])),
            Panel("Garment from", None, lambda pair: self._image(pair[1])),
            Panel("Result", None, result),
        ]
        return Sheet(panels, self._neighbours())

    def mix(self) -> Sheet:
        """Each pair's source above the hips and the next one's below, in its own target pose."""
        pose_of = {
            neighbours: target
            for neighbours, (_, target) in zip(self._neighbours(), self._pairs, strict=True)
        }

        def result(pair: Pair) -> Pixels:
            upper, lower = (self._person(name) for name in pair)
            keypoints = self._person(pose_of[pair]).keypoints
            return mix(self._painter, upper, lower, keypoints, above_hips(keypoints, self._inputs.size))

        panels = [
            Panel("Upper", None, lambda pair: self._image(pair[0])),
            Panel("Lower", None, lambda pair: self._image(pair[1])),
            Panel("Pose", None, lambda pair: self._pose(pose_of[pair])),
            Panel("Result", None, result),
        ]
        return Sheet(panels, list(pose_of))

    def artwork(self) -> Sheet:
        """Each image as the style of a pair's target."""

        def result(pair: Pair) -> Pixels:
            style = self._inputs.artwork(pair[0])
            return self._painter.generate([style], [self._person(pair[1]).keypoints])[0]

        panels = [
            Panel("Style", None, lambda pair: self._inputs.artwork(pair[0]).image),
            Panel("Pose", None, lambda pair: self._pose(pair[1])),
            Panel("Result", None, result),
        ]
        targets = [target for _, target in self._pairs]
        # In the place of the source a path: the panels of this sheet take it.
        pairs = [(Stem(str(path)), targets[row % len(targets)]) for row, path in enumerate(self._artworks)]
        return Sheet(panels, pairs)

    def interpolation(self, num_frames: int) -> Sheet:
        """Each pair's source on the way from its own pose to its target's."""

        @cache
        def frames(pair: Pair) -> list[Pixels]:
            style, last = (self._person(name) for name in pair)
            return sequence(self._painter, style, style.keypoints, last.keypoints, num_frames, num_frames)

        def frame(index: int) -> Callable[[Pair], Pixels]:
            return lambda pair: frames(pair)[index]

        shares = np.linspace(0, 100, num_frames)
        panels = [Panel("Source", None, lambda pair: self._image(pair[0]))]
        panels += [Panel(f"{share:.0f} %", None, frame(index)) for index, share in enumerate(shares)]
        panels.append(Panel("Target", None, lambda pair: self._image(pair[1])))
        return Sheet(panels, self._pairs)

    def _neighbours(self) -> list[Pair]:
        sources = [source for source, _ in self._pairs]
        return list(zip(sources, [*sources[1:], sources[0]], strict=True))

    def _image(self, name: str) -> Pixels:
        return self._person(name).image

    def _pose(self, name: str) -> Pixels:
        return to_rgb(self._painter.pose_map(self._person(name).keypoints))

    def _garment(self, name: str) -> np.ndarray:
        return garment_mask(self._person(name).keypoints, self._inputs.size, "upper")

    def _has_trunk(self, name: str) -> bool:
        joints = self._inputs.person(name).keypoints[[NECK, LEFT_HIP, RIGHT_HIP]]
        return not np.isnan(joints).any()
