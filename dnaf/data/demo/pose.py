"""Poses of the demo's people: joints in space, and the camera that looks at them.

Space is in heads: x to the person's left, y up from the floor, z forward. `yaw` is in radians: 0 is seen from
the front, pi from the back, and at pi/2 the person looks to the right of the image.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnaf.data.demo.outfit import Outfit, choose

View = Literal["front", "side", "back", "full", "additional", "flat"]
Vector = NDArray[np.float64]

UPPER_ARM, FOREARM, THIGH, SHIN = 1.25, 1.15, 1.78, 1.75  # heads
HAND, NECK_HEIGHT, HIP_HEIGHT = 0.36, 6.0, 3.85

_STYLES = {
    "down": 0.3, "hands on hips": 0.1, "hand on hip": 0.14, "up": 0.07,
    "forward": 0.08, "crossed": 0.07, "wave": 0.08, "walk": 0.16,
}  # fmt: skip
_CROPS: dict[View, dict[str, float]] = {
    "front": {"upper": 0.45, "three quarters": 0.35, "full": 0.2},
    "side": {"upper": 0.4, "three quarters": 0.35, "full": 0.25},
    "back": {"upper": 0.4, "three quarters": 0.35, "full": 0.25},
    "full": {"full": 1},
    "additional": {"three quarters": 0.5, "close": 0.3, "lower": 0.2},
    "flat": {"three quarters": 1, "full": 1},
}
_CROP_HEIGHTS = {  # upper and lower edge of the image, in heads above the floor
    "upper": (7.75, 2.7), "three quarters": (7.75, 1.3), "full": (7.85, -0.25),
    "close": (6.9, 2.6), "lower": (5.4, -0.25),
}  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """Joints in space by name (`left_elbow`, ...), and where body and head are turned."""

    joints: dict[str, Vector]
    yaw: float
    head_yaw: float


@dataclass(frozen=True)
class Camera:
    """An orthographic camera: pixels per head, pixel column of the body's axis, pixel row of the floor."""

    unit: float
    centre: float
    floor: float

    def project(self, point: Vector, yaw: float) -> tuple[float, float, float]:
        """Pixel x and y, and depth in heads towards the camera, of a point of a turned body."""
        x, y, z = point.tolist()
        cos, sin = math.cos(yaw), math.sin(yaw)
        return self.centre + self.unit * (x * cos + z * sin), self.floor - self.unit * y, z * cos - x * sin


def sample_camera(rng: np.random.Generator, view: View, size: tuple[int, int]) -> Camera:
    """A camera whose crop fits the view: upper body, three quarters, full, close-up or lower body."""
    top, bottom = _CROP_HEIGHTS[choose(rng, _CROPS[view])]
    top += rng.uniform(-0.1, 0.25)
    bottom += rng.uniform(-0.25, 0.25)
    unit = size[0] / (top - bottom)
    return Camera(unit, size[1] * (0.5 + 0.03 * rng.standard_normal()), top * unit)


def sample_pose(rng: np.random.Generator, outfit: Outfit, view: View) -> Pose:
    """A standing or walking pose, turned as the view demands."""
    lean, tilt = rng.normal(0, math.radians(2.5)), rng.normal(0, math.radians(4))
    style = choose(rng, _STYLES)
    busy_side = 1 if rng.random() < 0.5 else -1  # the arm of the one-armed styles
    neck, hips = np.array([0, NECK_HEIGHT, 0.0]), np.array([0, HIP_HEIGHT, 0.0])
    joints = {"neck": neck}
    for name, side in (("left", 1), ("right", -1)):
        shoulder = neck + np.array([side * outfit.shoulder * outfit.build, -0.02, 0])
        hip = hips + np.array([side * 0.37 * outfit.build, 0, 0])
        joints |= _arm(rng, name, side, shoulder, _arm_style(style, side == busy_side))
        joints |= _leg(rng, name, side, hip, style)
    _lean(joints, hips, lean)
    joints["hips"] = hips
    joints["head"] = joints["neck"] + np.array([-math.sin(lean + tilt) * 0.78, 0.78, 0.08])
    yaw = math.radians(_sample_turn(rng, view))
    return Pose(joints, yaw, yaw + rng.normal(0, math.radians(14)))


def _arm_style(style: str, is_busy: bool) -> str:
    """What one arm does: in the one-armed styles the other arm hangs down."""
    if style in ("hand on hip", "wave") and not is_busy:
        return "down"
    return "hands on hips" if style == "hand on hip" else style


def _direction(outwards: float, forwards: float, side: int) -> Vector:
    """Unit vector of a limb that hangs down at (0, 0)."""
    return np.array([
        side * math.sin(outwards) * math.cos(forwards),
        -math.cos(outwards) * math.cos(forwards),
        math.sin(forwards),
    ])  # fmt: skip


def _arm(rng: np.random.Generator, name: str, side: int, shoulder: Vector, style: str) -> dict[str, Vector]:
    def degrees(low: float, high: float) -> float:
        return math.radians(rng.uniform(low, high))

    outwards, forwards = degrees(6, 16), degrees(-8, 8)
    lower_outwards, lower_forwards = outwards * 0.6, forwards + degrees(5, 25)
    if style == "hands on hips":
        outwards, forwards = degrees(35, 50), degrees(-22, -5)
        lower_outwards, lower_forwards = degrees(-55, -38), degrees(0, 25)
    elif style == "up":
        outwards, forwards = degrees(125, 160), degrees(-10, 15)
        lower_outwards, lower_forwards = degrees(165, 225), degrees(-10, 10)
    elif style == "forward":
        outwards, forwards = degrees(5, 15), degrees(10, 35)
        lower_outwards, lower_forwards = degrees(-15, 5), degrees(45, 80)
    elif style == "crossed":
        outwards, forwards = degrees(8, 18), degrees(5, 20)
        lower_outwards, lower_forwards = degrees(-95, -75), degrees(20, 35)
    elif style == "wave":
        outwards, forwards = degrees(60, 95), degrees(-5, 15)
        lower_outwards, lower_forwards = degrees(150, 190), degrees(0, 20)
    elif style == "walk":
        forwards = side * degrees(12, 28)
        lower_forwards = forwards + degrees(8, 30)
    elbow = shoulder + UPPER_ARM * _direction(outwards, forwards, side)
    wrist = elbow + FOREARM * _direction(lower_outwards, lower_forwards, side)
    fingers = wrist + HAND * _direction(lower_outwards * 0.8, lower_forwards + degrees(0, 15), side)
    joints = {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "fingers": fingers}
    return {f"{name}_{joint}": point for joint, point in joints.items()}


def _leg(rng: np.random.Generator, name: str, side: int, hip: Vector, style: str) -> dict[str, Vector]:
    def degrees(low: float, high: float) -> float:
        return math.radians(rng.uniform(low, high))

    outwards, forwards = degrees(1, 7), degrees(-3, 3)
    lower_forwards = forwards - degrees(0, 6)
    if style == "walk":
        forwards = -side * degrees(10, 24)
        lower_forwards = forwards - degrees(4, 30)
    elif rng.random() < 0.15:
        outwards = degrees(8, 14)
    knee = hip + THIGH * _direction(outwards, forwards, side)
    ankle = knee + SHIN * _direction(outwards * 0.3, lower_forwards, side)
    return {f"{name}_hip": hip, f"{name}_knee": knee, f"{name}_ankle": ankle}


def _lean(joints: dict[str, Vector], hips: Vector, angle: float) -> None:
    """Leans the upper body sideways around the hips."""
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    for name, joint in joints.items():
        if not name.endswith(("hip", "knee", "ankle")):
            joints[name] = hips + turn @ (joint - hips)


def _sample_turn(rng: np.random.Generator, view: View) -> float:
    """Degrees by which the body is turned."""
    side = 1 if rng.random() < 0.5 else -1
    if view == "front":
        return float(rng.normal(0, 10))
    if view == "side":
        return side * rng.uniform(60, 100)
    if view == "back":
        return float(180 + rng.normal(0, 14))
    if view == "additional":
        return side * rng.uniform(20, 60)
    if view == "flat":
        return side * rng.uniform(110, 160)
    return float(rng.normal(0, 12)) if rng.random() < 0.5 else side * rng.uniform(25, 50)
