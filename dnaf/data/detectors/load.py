"""Which network finds the poses in photographs."""

from importlib.metadata import version
from pathlib import Path

from dnaf.core import files
from dnaf.data.detectors.detector import Detector

MEDIAPIPE = "mediapipe"


def load_detector(name: str) -> Detector:
    """The detector that `--detector` names.

    Args:
        name: `mediapipe`, or the ONNX file of an RTMPose model.

    Raises:
        ConfigError: its package is not installed.
        BaseModelError: not such a file.
    """
    # Only the one that is asked for: both packages are optional, and each takes a second to import.
    if name == MEDIAPIPE:
        from dnaf.data.detectors.mediapipe import load_mediapipe

        return load_mediapipe()
    from dnaf.data.detectors.rtmpose import load_rtmpose

    return load_rtmpose(Path(name))


def provenance(name: str) -> str:
    """What a detector that could be loaded is: the package's version, or the file's sha256."""
    return f"{MEDIAPIPE} {version(MEDIAPIPE)}" if name == MEDIAPIPE else files.digest(Path(name))
