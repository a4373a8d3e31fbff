"""Limbs and torso of the demo's people, dressed. Sizes are in heads, `unit` converts to pixels."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dnaf.data.demo.canvas import Array, Canvas, Paint, Point, Profile, Surface, flat, soft_step
from dnaf.data.demo.outfit import Garment, Outfit, paint_garment
from dnaf.data.demo.pose import FOREARM, SHIN, THIGH, UPPER_ARM, Camera, Pose

_WAIST = 0.66  # as a fraction of the torso
_TORSO_LENGTH = 2.64
_TORSO_AT = np.array([0, 0.025, 0.06, 0.10, 0.2, 0.38, 0.62, 0.81, 0.93, 1.0, 1.12], np.float32)
_TORSO_DEPTH = np.array([0.15, 0.2, 0.25, 0.3, 0.40, 0.46, 0.38, 0.44, 0.48, 0.46, 0.45], np.float32)
_TORSO_SHIFT = np.array([0, 0, 0, 0, 0.03, 0.07, 0.02, -0.05, -0.08, -0.06, -0.04], np.float32)
_NECKLINES = {"crew": (0.075, 0.55), "v": (0.26, 0.5), "tank": (0.2, 0.55)}  # depth, half width
_ANKLE_FRONT, _ANKLE_BACK = np.array([0, -0.2, 0.48]), np.array([0, -0.16, -0.05])


@dataclass(frozen=True)
class Figure:
    """A person in a pose before a camera, being drawn."""

    canvas: Canvas
    outfit: Outfit
    pose: Pose
    camera: Camera

    @property
    def facing(self) -> float:
        """1 towards the viewer, -1 away, 0 sideways."""
        return math.cos(self.pose.yaw)

    @property
    def width(self) -> float:
        """Pixels per head across limbs of this build."""
        return self.outfit.build * self.canvas.unit

    def point(self, joint: str) -> Point:
        return self.camera.project(self.pose.joints[joint], self.pose.yaw)[:2]

    def depth(self, joint: str) -> float:
        return self.camera.project(self.pose.joints[joint], self.pose.yaw)[2]

    def offset(self, joint: str, by: Array) -> Point:
        return self.camera.project(self.pose.joints[joint] + by, self.pose.yaw)[:2]

    def limb(
        self,
        start: Point,
        end: Point,
        radii: Point,
        paint: Paint,
        length: float,
        until: float = 1.0,
        fade: float = 0.0,
    ) -> None:
        """A capsule whose front faces where the person faces; radii in heads."""
        scaled = (radii[0] * self.width, radii[1] * self.width)
        turn = -self.pose.yaw
        self.canvas.capsule(start, end, scaled, paint, length=length, turn=turn, until=until, fade=fade)


def paint_from(garment: Garment, start: float, *, plain_front: bool = False) -> Paint:
    """Paints a garment whose pattern went on for `start` heads above; sleeves have no logo."""

    def paint(surface: Surface) -> Array:
        angle = surface.angle * 0 + 3 if plain_front else surface.angle
        return paint_garment(garment, surface._replace(along=surface.along + start, angle=angle))

    return paint


def between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def draw_leg(figure: Figure, side: str) -> None:
    """Leg, shoe, and the leg of trousers or shorts."""
    outfit, skin = figure.outfit, flat(figure.outfit.skin)
    hip, knee, ankle = (figure.point(f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
    figure.limb(hip, knee, (0.33, 0.25), skin, THIGH)
    figure.limb(knee, ankle, (0.25, 0.13), skin, SHIN)
    toe, heel = figure.offset(f"{side}_ankle", _ANKLE_FRONT), figure.offset(f"{side}_ankle", _ANKLE_BACK)
    figure.limb(heel, toe, (0.17, 0.13), flat(outfit.shoes), 0.5)
    if outfit.has_skirt:
        return
    length = outfit.bottom_length
    figure.limb(hip, knee, (0.38, 0.32), paint_from(outfit.bottom, 1.0), THIGH, until=min(length, 1.0))
    if length > 1:
        paint = paint_from(outfit.bottom, 1.0 + THIGH)
        figure.limb(knee, ankle, (0.32, 0.22), paint, SHIN, until=length - 1)


def draw_upper_arm(figure: Figure, side: str) -> None:
    """Upper arm with its sleeve; grows out of the shoulder without an edge."""
    outfit = figure.outfit
    start, elbow = _shoulder(figure, side), figure.point(f"{side}_elbow")
    figure.limb(start, elbow, (0.2, 0.16), flat(outfit.skin), UPPER_ARM, fade=0.5)
    if outfit.sleeve > 0:
        radii = (0.225, 0.225 if outfit.sleeve < 1.5 else 0.195)
        paint = paint_from(outfit.top, 0.2, plain_front=True)
        figure.limb(start, elbow, radii, paint, UPPER_ARM, until=min(outfit.sleeve, 1.0), fade=0.5)


def draw_forearm(figure: Figure, side: str) -> None:
    """Forearm, hand with a thumb, and the sleeve's lower half."""
    outfit, skin = figure.outfit, flat(figure.outfit.skin)
    elbow, wrist, fingers = (figure.point(f"{side}_{joint}") for joint in ("elbow", "wrist", "fingers"))
    figure.limb(elbow, wrist, (0.16, 0.095), skin, FOREARM)
    palm = between(wrist, fingers, 0.45)
    inwards = np.array([-0.14 if side == "left" else 0.14, -0.1, 0.08])
    figure.limb(wrist, figure.offset(f"{side}_wrist", inwards), (0.06, 0.04), skin, 0.2)
    figure.limb(wrist, palm, (0.095, 0.125), skin, 0.2)
    figure.limb(palm, fingers, (0.125, 0.06), skin, 0.2)
    if outfit.sleeve > 1:
        paint = paint_from(outfit.top, 0.2 + UPPER_ARM, plain_front=True)
        figure.limb(elbow, wrist, (0.205, 0.145), paint, FOREARM, until=outfit.sleeve - 1)


def _shoulder(figure: Figure, side: str) -> Point:
    """Where the arm starts: below the joint while the arm hangs, so that no cap stands above the shoulder."""
    joint = figure.point(f"{side}_shoulder")
    x, y = between(joint, figure.point("neck"), 0.14)
    raised = (joint[1] - figure.point(f"{side}_elbow")[1]) / (UPPER_ARM * figure.canvas.unit)
    return x, y + figure.canvas.unit * 0.16 * (1 - 0.7 * max(raised, 0.0))


def draw_torso(figure: Figure) -> None:
    """Neck, torso with top, waist and hips, then the skirt."""
    outfit, unit = figure.outfit, figure.canvas.unit
    neck, hips = figure.point("neck"), figure.point("hips")
    forward = math.sin(figure.pose.yaw)
    throat = (neck[0] + 0.04 * forward * unit, neck[1] + 0.08 * unit)
    neck_colour = flat(outfit.skin * np.float32(0.93))
    figure.canvas.capsule((neck[0], neck[1] - 0.55 * unit), throat, (0.2 * unit, 0.24 * unit), neck_colour)
    start, end = (neck[0], neck[1] - 0.24 * unit), (hips[0], hips[1] + 0.25 * unit)
    profile = _torso_profile(figure)
    _draw_on_torso(figure, start, end, profile, _torso_paint(figure))
    if outfit.has_skirt:
        _draw_skirt(figure, start, end, profile)
        if outfit.bottom_kind == "skirt" and not outfit.tucked:
            _draw_on_torso(
                figure, start, end, _cut(profile, outfit.hem, 0.07 * unit), _torso_paint(figure), begin=0.6
            )


def _draw_on_torso(
    figure: Figure, start: Point, end: Point, profile: Profile, paint: Paint, begin: float = 0.0
) -> None:
    turn = -figure.pose.yaw
    figure.canvas.tube(start, end, profile, paint, length=_TORSO_LENGTH, turn=turn, begin=begin)


def _torso_profile(figure: Figure) -> Profile:
    """Outline of the torso as seen: between its width from the front and its depth from the side."""
    outfit = figure.outfit
    shoulder, waist = outfit.shoulder, 0.60 if outfit.gender == "WOMEN" else 0.68
    width = np.array([
        0.22, 0.36, 0.62 * shoulder + 0.08, shoulder + 0.02, 0.88 * shoulder + 0.08, 0.72 * shoulder + 0.14,
        waist, 0.70, 0.77, 0.77, 0.75,
    ], np.float32)  # fmt: skip
    sideways = math.sin(figure.pose.yaw)
    half = np.sqrt((width * figure.facing) ** 2 + (_TORSO_DEPTH * sideways) ** 2) * figure.width
    return Profile(
        _TORSO_AT, half.astype(np.float32), _TORSO_SHIFT * np.float32(figure.canvas.unit * sideways)
    )


def _cut(profile: Profile, at: float, looseness: float) -> Profile:
    """The profile down to `at`, below the waist wider by up to `looseness` pixels: cloth over a skirt."""
    points = np.append(profile.at[profile.at < at], at).astype(np.float32)
    half, shift = (np.interp(points, profile.at, values) for values in (profile.half_width, profile.shift))
    half = half + looseness * np.clip((points - _WAIST) / 0.2, 0, 1)
    return Profile(points, half.astype(np.float32), shift.astype(np.float32))


def _torso_paint(figure: Figure) -> Callable[[Surface], Array]:
    """Skin, then bottom and belt below the waist, then the top between neckline and hem."""
    outfit = figure.outfit
    hem = 0.7 if outfit.bottom_kind == "dress" else _WAIST + 0.01 if outfit.tucked else outfit.hem
    bottom_start = 0.0 if outfit.bottom_kind == "dress" else -_WAIST * _TORSO_LENGTH

    def paint(surface: Surface) -> Array:
        at = surface.along / _TORSO_LENGTH
        below = soft_step(at - _WAIST, 0.02)[..., None]
        colour = outfit.skin * (1 - below) + paint_from(outfit.bottom, bottom_start)(surface) * below
        if outfit.belted and outfit.bottom_kind != "dress":
            belt = (soft_step(at - _WAIST, 0.01) * soft_step(_WAIST + 0.045 - at, 0.01))[..., None]
            colour = colour * (1 - belt) + outfit.shoes * belt
        covered = (_below_neckline(figure, surface, at) * soft_step(hem - at, 0.015))[..., None]
        return colour * (1 - covered) + _top_colour(outfit, surface, at) * covered

    return paint


def _below_neckline(figure: Figure, surface: Surface, at: Array) -> Array:
    """Where the top covers the upper body: below its neckline, and without sleeves inside the arm holes."""
    outfit = figure.outfit
    depth, half_width = _NECKLINES[outfit.neckline]
    across = np.abs(surface.around) / half_width
    shape = 1 - across if outfit.neckline == "v" else np.sqrt(np.clip(1 - across * across, 0, 1))
    line = np.where(np.abs(surface.angle) < 1.2, depth * shape, 0.045)
    covered = soft_step(at - np.maximum(line, 0.03), 0.015)
    if outfit.sleeve == 0 and abs(figure.facing) > 0.5:
        arm_hole = (at < 0.24) & (np.abs(surface.side) > 0.62 + 1.2 * np.clip(at - 0.08, 0, 1))
        covered = covered * ~arm_hole
    return covered


def _top_colour(outfit: Outfit, surface: Surface, at: Array) -> Array:
    colour = paint_garment(outfit.top, surface)
    if not outfit.open_jacket:
        return colour
    opening = soft_step(0.13 + 0.05 * at - np.abs(surface.around), 0.03) * (np.abs(surface.angle) < 1.2)
    return colour * (1 - opening[..., None]) + outfit.inner * opening[..., None]


def _draw_skirt(figure: Figure, start: Point, end: Point, torso: Profile) -> None:
    """A skirt from the waist to its length between or below the knees, wide enough for the legs, pleated."""
    outfit, unit = figure.outfit, figure.canvas.unit
    waist, (hem, spread) = between(start, end, _WAIST), _skirt_hem(figure)
    length = math.hypot(hem[0] - waist[0], hem[1] - waist[1]) / unit
    at_waist, at_hips = (float(np.interp(at, torso.at, torso.half_width)) for at in (_WAIST, 0.93))
    at_hips += 0.03 * unit
    at_hem = max(at_hips * 1.08, spread + (0.34 + 0.12 * outfit.bottom_length) * unit)
    fractions = np.array([0, 0.25, 1], np.float32)
    profile = Profile(fractions, np.array([at_waist, at_hips, at_hem], np.float32), np.zeros(3, np.float32))
    paint = paint_from(outfit.bottom, _WAIST * _TORSO_LENGTH if outfit.bottom_kind == "dress" else 0.0)

    def pleated(surface: Surface) -> Array:
        return paint(surface) * (1 - 0.06 * np.sin(surface.angle * 9))[..., None]

    figure.canvas.tube(waist, hem, profile, pleated, length=length, turn=-figure.pose.yaw)


def _skirt_hem(figure: Figure) -> tuple[Point, float]:
    """Middle of the hem, and half the distance of the legs there."""
    length = figure.outfit.bottom_length
    left, right = figure.point("left_knee"), figure.point("right_knee")
    knees = between(left, right, 0.5)
    if length <= 1:
        return between(figure.point("hips"), knees, length), abs(left[0] - right[0]) / 2 * length
    left, right = figure.point("left_ankle"), figure.point("right_ankle")
    return between(knees, between(left, right, 0.5), length - 1), abs(left[0] - right[0]) / 2
