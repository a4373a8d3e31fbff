"""Keypoints of a photograph by MediaPipe Pose, whose package has the weights (`dnaf[photos]`, Apache-2.0).

Fit for images of your own, not for scores: against OpenPose's own keypoints hips lie lower, and left and
right are exchanged on some backs (docs/applications.md).
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from dnaf.core import commands
from dnaf.core.errors import ConfigError
from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import Detector, person_of
from dnaf.data.keypoints.joint_sets import to_openpose_18
from dnaf.data.keypoints.keypoints import Points

_LEAST_VISIBILITY = 0.5  # mediapipe/python/solutions/drawing_utils.py:_VISIBILITY_THRESHOLD


def load_mediapipe() -> Detector:
    """MediaPipe's full model; of several people it finds one, by its own choice.

    Raises:
        ConfigError: the package is not installed, or is one without its models.
    """
    try:
        with _undrawn(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of protobuf, on what MediaPipe calls
            from mediapipe.python.solutions.pose import Pose
    except ImportError as error:
        raise ConfigError(
            "--detector mediapipe: needs the package mediapipe 0.10.14, which is not installed and which "
            f"Python 3.11 and 3.12 have. Run `{commands.install('photos')}`."
        ) from error

    with _native_logs_dropped():
        network = Pose(static_image_mode=True, model_complexity=1)
    only_one = Lock()  # the page asks from several threads

    def detect(photograph: Pixels, name: str) -> Points:
        with only_one, _native_logs_dropped(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = network.process(np.ascontiguousarray(photograph)).pose_landmarks
        landmarks = [] if found is None else list(found.landmark)
        return to_openpose_18(person_of(_joints(landmarks, photograph), name))

    return detect


def _joints(landmarks: list[Any], photograph: Pixels) -> Points:
    """Float (33, 2) in pixels; NaN where MediaPipe guesses what is hidden or outside."""
    joints = np.full((33, 2), np.nan)
    for index, landmark in enumerate(landmarks):
        inside = 0 <= landmark.x <= 1 and 0 <= landmark.y <= 1
        if inside and landmark.visibility >= _LEAST_VISIBILITY:
            joints[index] = landmark.x, landmark.y
    height, width = photograph.shape[:2]
    return joints * (width, height)


@contextmanager
def _undrawn() -> Iterator[None]:
    """MediaPipe imports Matplotlib, half a second, for drawings of its own that nobody here asks it for."""
    names = [name for name in ("matplotlib", "matplotlib.pyplot") if name not in sys.modules]
    sys.modules.update({name: ModuleType(name) for name in names})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


@contextmanager
def _native_logs_dropped() -> Iterator[None]:
    """MediaPipe's C++ writes notes on its own code to file descriptor 2, which no option turns off."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
