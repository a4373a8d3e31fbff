"""Keypoints of a photograph by RTMPose, through the optional package rtmlib (`dnaf[photos]`)."""

from pathlib import Path
from typing import Any

import numpy as np

from dnaf.core import commands
from dnaf.core.errors import BaseModelError, ConfigError, one_line
from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import Detector, person_of
from dnaf.data.keypoints.detections import LEAST_SCORE
from dnaf.data.keypoints.joint_sets import to_openpose_18
from dnaf.data.keypoints.keypoints import Points


def load_rtmpose(weights: Path) -> Detector:
    """RTMPose on the whole photograph, which the person must fill: no network looks for people before.

    Args:
        weights: ONNX file of an RTMPose model with COCO's 17 joints. Nothing is downloaded.

    Raises:
        ConfigError: rtmlib is not installed.
        BaseModelError: not such a file.
    """
    try:
        from rtmlib import RTMPose
    except ImportError as error:
        raise ConfigError(
            f"--detector {weights}: needs the package rtmlib, which is not installed. "
            f"Run `{commands.install('photos')}`."
        ) from error
    if not weights.is_file():
        raise BaseModelError(
            f"{weights}: no such file (expected RTMPose's ONNX file, see docs/applications.md)."
        )
    try:
        network: Any = RTMPose(str(weights), backend="onnxruntime")
        height, width = network.session.get_inputs()[0].shape[2:]
        network.model_input_size = (int(width), int(height))
    # onnxruntime has an exception of its own for every way in which a file can be wrong.
    except Exception as error:
        raise BaseModelError(f"{weights}: not an RTMPose model ({one_line(error)}).") from error

    def detect(photograph: Pixels, name: str) -> Points:
        points, scores = network(np.ascontiguousarray(photograph[..., ::-1]))  # BGR, as OpenCV reads
        if points.shape != (1, 17, 2):
            raise BaseModelError(
                f"{weights}: another set of joints (found shape {points.shape}, expected 17 joints of COCO)."
            )
        joints = np.where(scores[0][:, None] >= LEAST_SCORE, points[0], np.nan)
        return to_openpose_18(person_of(joints, name))

    return detect
