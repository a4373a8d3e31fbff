"""A canvas for the demo's people: shaded capsules and tubes with a paint given on their surface.

Points are (x, y) in pixels, y down; lengths of surfaces are in heads. Edges are antialiased over one pixel.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Point = tuple[float, float]

_CONTOUR = 2  # pixels
_DARKENING = 0.6


class Surface(NamedTuple):
    """Coordinates of painted points, each float32 (h, w).

    Attributes:
        around: heads around the limb from its front, positive to the person's left.
        along: heads from the upper end.
        angle: radians from the person's front, in [-pi, pi).
        side: -1 to 1 from the left to the right silhouette as seen.
    """

    around: Array
    along: Array
    angle: Array
    side: Array


Paint = Callable[[Surface], Array]
"""Linear RGB, float32 (h, w, 3) or (3,)."""


class Profile(NamedTuple):
    """Outline of a tube at `at` (fractions of its axis): half width and sideways shift, in pixels."""

    at: Array
    half_width: Array
    shift: Array


def soft_step(value: Array, width: float) -> Array:
    """0 below -width/2, 1 above width/2, linear between."""
    step: Array = np.clip(value / width + 0.5, 0, 1)
    return step


def flat(colour: Array) -> Paint:
    """Paints one colour."""
    return lambda surface: colour


class Canvas:
    """An image under construction.

    Attributes:
        image: float32 (H, W, 3), linear RGB in [0, 1]; white at first.
        unit: pixels per head.
    """

    def __init__(self, size: tuple[int, int], unit: float) -> None:
        self.image: Array = np.ones((*size, 3), np.float32)
        self.unit = unit
        self._painted: Array = np.zeros(size, np.float32)  # opacity of all that has been drawn

    def disc(self, centre: Point, radii: Point, colour: Array, opacity: float = 1.0) -> None:
        """Paints an ellipse with horizontal and vertical radii in pixels."""
        found = self._region([centre[0]], [centre[1]], max(radii) + 1)
        if found is None:
            return
        region, x, y = found
        distance = np.sqrt(((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2)
        self._blend(region, np.clip((1 - distance) * min(radii) + 0.5, 0, 1) * opacity, colour)

    def contour(self) -> None:
        """Darkens the rim of all that has been drawn, so that white cloth is seen before the white ground."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CONTOUR + 1, 2 * _CONTOUR + 1))
        # Beyond the edges of the image the person goes on.
        inside = cv2.erode(self._painted, kernel, borderType=cv2.BORDER_REPLICATE)
        self.image *= 1 - _DARKENING * (self._painted - inside)[..., None]

    def capsule(
        self,
        start: Point,
        end: Point,
        radii: Point,
        paint: Paint,
        *,
        length: float = 1.0,
        turn: float = 0.0,
        until: float = 1.0,
        fade: float = 0.0,
    ) -> None:
        """Paints a limb with round ends that narrows from one radius (pixels) to the other.

        Args:
            length: of the limb in space, in heads; foreshortening must not squeeze the pattern.
            turn: radians by which the limb's front is turned from the viewer.
            until: fraction of the limb that is painted; below 1 it ends straight, like a sleeve.
            fade: fraction at the start over which the shading of the edges sets in, so that a limb grows out
                of what it joins.
        """
        found = self._region([start[0], end[0]], [start[1], end[1]], max(radii) + 1)
        if found is None:
            return
        region, x, y = found
        x, y = x - start[0], y - start[1]
        dx, dy = end[0] - start[0], end[1] - start[1]
        squared = dx * dx + dy * dy + 1e-6
        at = (x * dx + y * dy) / squared
        nearest = np.clip(at, 0, 1)
        radius = radii[0] + (radii[1] - radii[0]) * nearest
        distance = np.sqrt((x - nearest * dx) ** 2 + (y - nearest * dy) ** 2)
        alpha = np.clip(radius - distance + 0.5, 0, 1)
        pixels = squared**0.5
        if until < 1:
            alpha = alpha * np.clip((until - at) * pixels + 0.5, 0, 1)
        side = np.clip((dy * x - dx * y) / (pixels * radius), -1, 1)
        angle = np.mod(np.arcsin(side) + turn + np.pi, 2 * np.pi) - np.pi
        colour = paint(Surface(angle * (radius / self.unit), at * length, angle, side))
        strength = np.clip(at / fade, 0.15, 1) if fade else 1.0
        self._blend(region, alpha, colour * _light(side, strength))

    def tube(
        self, start: Point, end: Point, profile: Profile, paint: Paint, *,
        length: float, turn: float, radius: float = 0.62, begin: float = 0.0,
    ) -> None:  # fmt: skip
        """Paints a body of free outline around an axis, like a torso or a skirt.

        Args:
            length: of the axis in heads.
            turn: radians by which its front is turned from the viewer.
            radius: heads, converts angles to lengths around the body.
            begin: fraction of the axis from which on it is painted.
        """
        dx, dy = end[0] - start[0], end[1] - start[1]
        pixels = (dx * dx + dy * dy) ** 0.5 + 1e-6
        dx, dy = dx / pixels, dy / pixels
        last = float(profile.at[-1])
        ends = [(start[0] + dx * pixels * at, start[1] + dy * pixels * at) for at in (begin, last)]
        xs, ys = zip(*ends, strict=True)
        found = self._region(xs, ys, float((profile.half_width + np.abs(profile.shift)).max()) + 2)
        if found is None:
            return
        region, x, y = found
        x, y = x - start[0], y - start[1]
        at = (x * dx + y * dy) / pixels
        half = np.interp(at, profile.at, profile.half_width).astype(np.float32)
        sideways = x * dy - y * dx - np.interp(at, profile.at, profile.shift).astype(np.float32)
        alpha = np.clip(half - np.abs(sideways) + 0.5, 0, 1) * np.clip((at - begin) * pixels + 0.5, 0, 1)
        alpha = alpha * np.clip((last - at) * pixels + 0.5, 0, 1)
        side = np.clip(sideways / np.maximum(half, 1e-3), -1, 1)
        angle = np.mod(np.arcsin(side) + turn + np.pi, 2 * np.pi) - np.pi
        colour = paint(Surface(angle * radius, at * length, angle, side))
        self._blend(region, alpha, colour * _light(side))

    def ball(self, centre: Point, radii: Point, paint: Callable[[Array, Array], tuple[Array, Array]]) -> None:
        """Paints a head: `paint(x, y)` gives colour and opacity at points in units of the radii, y up."""
        found = self._region([centre[0]], [centre[1]], 1.25 * max(radii))
        if found is None:
            return
        region, x, y = found
        x, y = (x - centre[0]) / radii[0], (centre[1] - y) / radii[1]
        colour, alpha = paint(x, y)
        self._blend(region, alpha, colour * _light(np.clip(x, -1, 1)))

    def _region(
        self, xs: Sequence[float], ys: Sequence[float], pad: float
    ) -> tuple[tuple[slice, slice], Array, Array] | None:
        """The part of the canvas around points, and its pixel coordinates; None if it lies outside."""
        height, width = self.image.shape[:2]
        left, right = max(0, int(min(xs) - pad)), min(width, int(max(xs) + pad) + 2)
        top, bottom = max(0, int(min(ys) - pad)), min(height, int(max(ys) + pad) + 2)
        if right <= left or bottom <= top:
            return None
        x = np.arange(left, right, dtype=np.float32)[None, :]
        y = np.arange(top, bottom, dtype=np.float32)[:, None]
        return (slice(top, bottom), slice(left, right)), x, y

    def _blend(self, region: tuple[slice, slice], alpha: Array, colour: Array) -> None:
        weight = alpha.astype(np.float32)[..., None]
        under = self.image[region]
        under += (colour - under) * weight
        self._painted[region] = np.maximum(self._painted[region], weight[..., 0])


def _light(side: Array, strength: Array | float = 1.0) -> Array:
    """Brightness across a round body, lit from the left; (h, w, 1). At strength 0 as in its middle."""
    lit = 0.80 + 0.24 * np.sqrt(np.clip(1 - (side + 0.25) ** 2 / 1.56, 0, 1))
    light: Array = (1.035 + (lit - 1.035) * strength).astype(np.float32)[..., None]
    return light
