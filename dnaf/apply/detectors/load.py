"""Which network finds the poses in photographs."""

from pathlib import Path

from dnaf.apply.detectors.detector import Detector

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
        from dnaf.apply.detectors.mediapipe import load_mediapipe

        return load_mediapipe()
    from dnaf.apply.detectors.rtmpose import load_rtmpose

    return load_rtmpose(Path(name))
