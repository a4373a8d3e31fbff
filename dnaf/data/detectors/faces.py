"""Faces, and how alike two of them are, by OpenCV's YuNet and SFace; their weights are yours to supply."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dnaf.core.errors import BaseModelError, one_line
from dnaf.core.images import Pixels

_ALIGNED = 112  # pixels along each side of what SFace sees
_LEAST_SCORE = 0.6  # opencv_zoo:models/face_detection_yunet/yunet.py, `confThreshold`


class Faces:
    """The largest face of an image, as a vector: that of the same person has nearly the same direction.

    Args:
        detector: YuNet's ONNX file (`face_detection_yunet_2023mar.onnx`, MIT).
        recogniser: SFace's ONNX file (`face_recognition_sface_2021dec.onnx`, Apache-2.0).

    Raises:
        BaseModelError: no such file, or another network.
    """

    def __init__(self, detector: Path, recogniser: Path) -> None:
        for path in (detector, recogniser):
            if not path.is_file():
                raise BaseModelError(f"{path}: no such file (expected an ONNX file, see docs/protocols.md).")
        blank = np.zeros((_ALIGNED, _ALIGNED, 3), np.uint8)
        with _quiet():
            try:
                self._detector = cv2.FaceDetectorYN.create(str(detector), "", blank.shape[:2], _LEAST_SCORE)
                self._detector.detect(blank)
            except cv2.error as error:
                raise BaseModelError(f"{detector}: not a YuNet model ({one_line(error)}).") from error
            try:
                self._recogniser = cv2.FaceRecognizerSF.create(str(recogniser), "")
                self._recogniser.feature(blank)
            except cv2.error as error:
                raise BaseModelError(f"{recogniser}: not an SFace model ({one_line(error)}).") from error

    def __call__(self, image: Pixels) -> NDArray[np.float32] | None:
        """Unit vector (D,) of the largest face; None where there is none.

        Args:
            image: uint8 RGB (H, W, 3).
        """
        bgr = np.ascontiguousarray(image[..., ::-1])
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        found = self._detector.detect(bgr)[1]  # rows x, y, width, height, five points, score
        if found is None:
            return None
        largest = found[int(np.argmax(found[:, 2] * found[:, 3]))]
        vector = self._recogniser.feature(self._recogniser.alignCrop(bgr, largest)).reshape(-1)
        length = float(np.linalg.norm(vector))
        return np.asarray(vector / length, np.float32) if length > 0 else None


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV 5 warns of targets that nobody chose."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
