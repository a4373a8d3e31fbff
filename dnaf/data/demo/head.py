"""Heads of the demo's people: face, hair, and where eyes, ears and nose are seen."""

import math

import numpy as np

from dnaf.data.demo.body import Figure
from dnaf.data.demo.canvas import Array, Point, Surface, flat, soft_step

_WIDTH, _HEIGHT = 0.40, 0.53  # half axes, heads
# Directions from the middle of the head in units of its half axes: to the left, up, forwards.
_FEATURES = {
    "nose": (0.0, -0.10, 1.0), "right_eye": (-0.36, 0.12, 0.86), "left_eye": (0.36, 0.12, 0.86),
    "right_ear": (-0.98, 0.0, 0.0), "left_ear": (0.98, 0.0, 0.0), "mouth": (0.0, -0.48, 0.80),
}  # fmt: skip
_WHITE, _IRIS = np.array([0.97, 0.96, 0.95], np.float32), np.array([0.14, 0.09, 0.07], np.float32)


def locate_features(figure: Figure) -> dict[str, tuple[float, float, float]]:
    """Pixel x and y, and depth (1 nearest, -1 farthest from the viewer), of eyes, ears, nose and mouth."""
    x0, y0 = figure.point("head")
    cos, sin, unit = math.cos(figure.pose.head_yaw), math.sin(figure.pose.head_yaw), figure.canvas.unit
    return {
        name: (x0 + _WIDTH * unit * (x * cos + z * sin), y0 - _HEIGHT * unit * y, z * cos - x * sin)
        for name, (x, y, z) in _FEATURES.items()
    }


def draw_back_hair(figure: Figure) -> None:
    """The hair that hangs or is bound behind the head."""
    style, hair = figure.outfit.hair_style, figure.outfit.hair
    (x, y), unit, canvas = figure.point("head"), figure.canvas.unit, figure.canvas
    cos, sin = math.cos(figure.pose.head_yaw), math.sin(figure.pose.head_yaw)
    if style == "bun":
        centre = (x - 0.28 * unit * sin, y - 0.52 * unit)
        canvas.capsule(centre, (centre[0], centre[1] + 0.01), (0.24 * unit, 0.24 * unit), flat(hair))
    elif style in ("long", "bob"):
        length, narrow = (1.75, 0.34 + 0.06 * abs(cos)) if style == "long" else (0.62, 0.44)
        top = (x - 0.16 * unit * sin, y - 0.05 * unit)
        tip = (x - 0.26 * unit * sin, y + length * unit)

        def strands(surface: Surface) -> Array:
            return hair * (1 - 0.10 * np.sin(surface.angle * 14))[..., None]

        canvas.capsule(top, tip, (0.46 * unit, narrow * unit), strands)


def draw_head(figure: Figure) -> None:
    """Ears, skull with hair, and the face where it is seen."""
    unit, outfit = figure.canvas.unit, figure.outfit
    features = locate_features(figure)
    for ear in ("left_ear", "right_ear"):
        x, y, depth = features[ear]
        if depth > -0.35 and outfit.hair_style in ("short", "bun"):
            figure.canvas.disc((x, y), (0.07 * unit, 0.11 * unit), outfit.skin * np.float32(0.92))
    figure.canvas.ball(figure.point("head"), (_WIDTH * unit, _HEIGHT * unit), _Skull(figure).paint)
    for eye in ("left_eye", "right_eye"):
        _draw_eye(figure, features[eye])
    _draw_nose_and_mouth(figure, features)


class _Skull:
    """Colours of the skull: skin narrowing to the chin, hair above the hairline and around the back."""

    def __init__(self, figure: Figure) -> None:
        self._skin, self._hair = figure.outfit.skin, figure.outfit.hair
        self._cos, self._sin = math.cos(figure.pose.head_yaw), math.sin(figure.pose.head_yaw)
        self._pixels = _WIDTH * figure.canvas.unit

    def paint(self, x: Array, y: Array) -> tuple[Array, Array]:
        narrowing = 1 + 0.22 * np.clip(-y, 0, 1) ** 2
        radius = np.sqrt((x * narrowing) ** 2 + y * y)
        z = np.sqrt(np.clip(1 - radius * radius, 0, 1))
        left, forward = x * self._cos - z * self._sin, x * self._sin + z * self._cos
        hairline = 0.46 + 0.10 * left * left - 0.55 * np.clip(0.25 - forward, 0, 2)
        hair = soft_step(y - hairline, 0.12)
        head = np.clip((1 - radius) * self._pixels + 0.5, 0, 1)
        cap = self._cap(x, y, radius, hair)
        share = np.maximum(hair * (head > 0), cap * (1 - head) + cap * hair * head)[..., None]
        return self._skin * (1 - share) + self._hair * share, np.maximum(head, cap)

    def _cap(self, x: Array, y: Array, radius: Array, hair: Array) -> Array:
        """Hair standing a little off the head; it reaches lower behind."""
        behind = 0.9 * max(-self._cos, 0) + 0.75 * np.clip(-x * self._sin, 0, 1)
        outside = soft_step(y - (0.30 - behind), 0.12)
        volume = np.clip((1.13 - np.sqrt(x * x + (y - 0.04) ** 2)) * self._pixels + 0.5, 0, 1)
        return volume * np.where(radius > 1, outside, hair)


def _draw_eye(figure: Figure, place: tuple[float, float, float]) -> None:
    """White, iris and brow; narrower the more the eye is turned away."""
    x, y, depth = place
    if depth < 0.12:
        return
    unit, canvas = figure.canvas.unit, figure.canvas
    seen = min(1.0, depth + 0.15)
    canvas.disc((x, y), (0.085 * unit * seen, 0.052 * unit), _WHITE)
    canvas.disc((x, y), (0.046 * unit * seen, 0.05 * unit), _IRIS)
    canvas.disc((x, y - 0.05 * unit), (0.09 * unit * seen, 0.018 * unit), _IRIS, 0.7)
    brow = figure.outfit.hair * np.float32(0.8)
    canvas.disc((x, y - 0.15 * unit), (0.1 * unit * seen, 0.02 * unit), brow, 0.7)


def _draw_nose_and_mouth(figure: Figure, features: dict[str, tuple[float, float, float]]) -> None:
    unit, outfit, canvas = figure.canvas.unit, figure.outfit, figure.canvas
    x, y, depth = features["nose"]
    if depth > 0.12:
        tip: Point = (x + 0.01 * unit, y + 0.03 * unit)
        canvas.disc((x, y - 0.06 * unit), (0.03 * unit, 0.11 * unit), outfit.skin * np.float32(0.9), 0.6)
        canvas.disc(tip, (0.06 * unit, 0.035 * unit), outfit.skin * np.float32(0.8), 0.8)
    x, y, depth = features["mouth"]
    if depth > 0.12:
        canvas.disc((x, y), (0.12 * unit * depth + 0.01, 0.042 * unit), outfit.lips)
        canvas.disc((x, y), (0.11 * unit * depth + 0.01, 0.012 * unit), outfit.lips * np.float32(0.6), 0.8)
