"""A pose in OpenPose's JSON, as OpenPose, DWPose in ComfyUI, and the web editors of poses write it."""

from typing import Any

import numpy as np

from dnaf.core.errors import DataError
from dnaf.core.images import Size
from dnaf.data.keypoints.detections import from_numbers, list_of_objects, parse_json
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points
from dnaf.data.keypoints.people import Choose, only

_CANVAS = ("canvas_height", "canvas_width")
_LARGEST_SIDE = 100_000  # pixels
_LARGEST_DISTORTION = 0.02  # of rounded sides
_JOINTS = ("pose_keypoints_2d", "pose_keypoints")  # since OpenPose 1.3, and before


def read_openpose(data: bytes, place: str, choose: Choose = only) -> tuple[Points, Size | None]:
    """Keypoints, float (18, 2), of a file's person, and the size that it says its pixels are of.

    All are NaN if nobody is in it. Without a size, its pixels are those of the image that was looked at.
    Joints between 0 and 1 are shares of the size, where there is one.

    Args:
        choose: who is meant of those of whom a joint is known.

    Source: OpenPose's `people[].pose_keypoints_2d`, BODY_25 or COCO_18 by the number of joints;
    `canvas_height` and `canvas_width` of sd-webui-openpose-editor and comfyui_controlnet_aux.

    Raises:
        DataError: not such a file, or of several frames; as `choose`.
    """
    content = parse_json(data, place)
    if isinstance(content, list) and content and all(isinstance(frame, dict) for frame in content):
        if "image_id" in content[0]:
            raise DataError(
                f"{place}: a list of COCO results (expected OpenPose's JSON of an image). See docs/data.md."
            )
        if len(content) > 1:
            raise DataError(
                f"{place}: a list of {len(content)} frames, as ComfyUI writes (expected one). "
                "Keep the frame that is meant."
            )
        content = content[0]
    people = [_person(person, place) for person in list_of_objects(content, "people", place)]
    seen = [joints for joints in people if not np.isnan(joints).all()]
    canvas = _canvas(content, place)
    joints = choose(seen, place) if seen else np.full((NUM_JOINTS, 2), np.nan)
    if canvas is not None and np.nanmax(np.abs(joints), initial=0) <= 1:
        joints = joints * np.array(canvas[::-1])
    return joints, canvas


def read_openpose_of(data: bytes, place: str, image: Size, choose: Choose = only) -> Points:
    """Keypoints, float (18, 2), of a file's person, in pixels of their image.

    Args:
        image: (height, width).
        choose: as of `read_openpose`.

    Raises:
        DataError: not such a file, or one that says that it is of an image of another shape.
    """
    joints, canvas = read_openpose(data, place, choose)
    if canvas is None:
        return joints
    scale = np.array(image[::-1]) / np.array(canvas[::-1])  # of x and y
    if abs(scale[0] / scale[1] - 1) > _LARGEST_DISTORTION:
        raise DataError(
            f"{place}: of another image (found a canvas of {canvas[0]}x{canvas[1]}, its image has "
            f"{image[0]}x{image[1]} pixels, height x width). Find the pose in the image as it is."
        )
    return np.asarray(joints * scale)


def _person(person: dict[str, Any], place: str) -> Points:
    key = next((key for key in _JOINTS if key in person), _JOINTS[0])
    if key in person and person[key] is None:  # of someone whose hands alone are seen
        return np.full((NUM_JOINTS, 2), np.nan)
    return from_numbers(person.get(key), (18, 25), place)


def _canvas(content: dict[str, Any], place: str) -> Size | None:
    if not any(key in content for key in _CANVAS):
        return None
    sides: list[Any] = [content.get(key) for key in _CANVAS]
    if not all(type(side) is int and 1 <= side <= _LARGEST_SIDE for side in sides):
        raise DataError(
            f"{place}: {' and '.join(_CANVAS)}: not pixels (found {sides[0]!r:.40} and {sides[1]!r:.40}, "
            f"expected 1 to {_LARGEST_SIDE:,}). Correct them, or leave both out."
        )
    return sides[0], sides[1]
