"""Drawn people in clothes for the demo data set, with the keypoints that an annotator would give.

Articulated bodies of shaded capsules under an orthographic camera. Everything is a function of (seed,
outfit index, view), so an outfit looks the same in all its views and no image depends on another.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dnaf.core import seeds
from dnaf.core.images import Pixels
from dnaf.data.demo import body, head
from dnaf.data.demo.body import Figure
from dnaf.data.demo.canvas import Canvas
from dnaf.data.demo.outfit import sample_outfit
from dnaf.data.demo.pose import View, sample_camera, sample_pose

SIZE = (256, 176)  # pixels; DeepFashion's annotations are in this frame
VIEWS: tuple[View, ...] = ("front", "side", "back", "full", "flat", "additional")
JOINTS = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip

_DEPTH_OF_VISIBLE = {
    "nose": -0.25,
    "right_eye": -0.05,
    "left_eye": -0.05,
    "right_ear": -0.35,
    "left_ear": -0.35,
}
_NOISE = 0.004  # standard deviation of the camera's noise


def draw_figure(seed: int, index: int, view: View) -> tuple[Pixels, NDArray[np.float64]]:
    """Draws an outfit in one view.

    Returns:
        uint8 RGB (256, 176, 3), and float (18, 2) keypoints, x then y in pixels, NaN where a joint is hidden
        or outside the image.
    """
    outfit = sample_outfit(seed, index)
    rng = seeds.generator(seed, "demo figure", index, view)
    pose, camera = sample_pose(rng, outfit, view), sample_camera(rng, view, SIZE)
    figure = Figure(Canvas(SIZE, camera.unit), outfit, pose, camera)
    _draw(figure)
    keypoints = _keypoints(figure, rng)
    noise = rng.standard_normal((*SIZE, 1), dtype=np.float32) * np.float32(_NOISE)
    image = np.clip(figure.canvas.image + noise, 0, 1) * 255 + 0.5
    return image.astype(np.uint8), keypoints


def _draw(figure: Figure) -> None:
    """Draws all parts from the farthest to the nearest, then the contour around them."""
    from_behind = math.cos(figure.pose.head_yaw) < 0
    parts: list[tuple[float, Callable[[], None]]] = [
        (0.0, partial(body.draw_torso, figure)),
        (0.33 if from_behind else 0.34, partial(head.draw_head, figure)),
        (0.36 if from_behind else -0.5, partial(head.draw_back_hair, figure)),
    ]
    for side in ("left", "right"):
        leg_depth = min(figure.depth(f"{side}_knee"), 0) - 1 + 0.1 * figure.depth(f"{side}_hip")
        upper, lower = _arm_depths(figure, side)
        parts += [
            (leg_depth, partial(body.draw_leg, figure, side)),
            (upper, partial(body.draw_upper_arm, figure, side)),
            (lower, partial(body.draw_forearm, figure, side)),
        ]
    for _, draw in sorted(parts, key=lambda part: part[0]):
        draw()
    figure.canvas.contour()


def _arm_depths(figure: Figure, side: str) -> tuple[float, float]:
    """Depths of upper arm and forearm, compared with the torso's 0.

    Arms beside the body lie just before it unless clearly behind, and a forearm before its upper arm.
    """
    shoulder, elbow, wrist = (figure.depth(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    upper, lower = 0.8 * shoulder + 0.2 * elbow, (elbow + wrist) / 2
    if abs(math.sin(figure.pose.yaw)) <= 0.6:
        upper = max(upper, 0.05) if figure.facing > 0 else upper
        upper = 0.05 if abs(upper) < 0.35 else upper
        lower = 0.06 if abs(lower) < 0.3 else lower
    return upper, max(lower, upper + 0.001) if lower > -0.05 else lower


def _keypoints(figure: Figure, rng: np.random.Generator) -> NDArray[np.float64]:
    features = head.locate_features(figure)
    height, width = SIZE
    keypoints = np.full((len(JOINTS), 2), np.nan)
    for row, joint in enumerate(JOINTS):
        if joint in features:
            x, y, depth = features[joint]
            is_visible = depth > _DEPTH_OF_VISIBLE[joint]
        else:
            x, y = figure.point(joint)
            is_visible = not _is_hidden_arm(figure, joint, rng)
        if is_visible and 0 <= x < width and 0 <= y < height:
            keypoints[row] = x, y
    return keypoints


def _is_hidden_arm(figure: Figure, joint: str, rng: np.random.Generator) -> bool:
    """Of an arm behind the body seen from the side, an annotator finds elbow and wrist only sometimes."""
    is_far = joint.endswith(("elbow", "wrist")) and figure.depth(joint) < -0.3
    return is_far and abs(math.sin(figure.pose.yaw)) > 0.6 and rng.random() < 0.35
