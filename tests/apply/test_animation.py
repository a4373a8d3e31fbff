import io
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dnaf.apply.animation import find_ffmpeg, to_gif, to_mp4
from dnaf.core.errors import ResourceError

GREYS = (0, 128, 255)
IMAGES = [np.full((48, 32, 3), grey, np.uint8) for grey in GREYS]


def frames_of(video: bytes, folder: Path) -> list[np.ndarray]:
    """As OpenCV decodes them, by its own ffmpeg."""
    path = folder / "video.mp4"
    path.write_bytes(video)
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        is_there, frame = capture.read()
        if not is_there:
            return frames
        frames.append(frame)


def test_a_gif_goes_there_and_back_without_end() -> None:
    animation = Image.open(io.BytesIO(to_gif(IMAGES)))
    assert animation.size == (32, 48)
    assert animation.n_frames == 4  # 0, 128, 255, 128
    assert animation.info["loop"] == 0


def test_an_mp4_shows_the_same_there_and_back(tmp_path: Path) -> None:
    ffmpeg = find_ffmpeg()
    assert ffmpeg is not None, "the group dev has imageio-ffmpeg"
    frames = frames_of(to_mp4(IMAGES, ffmpeg), tmp_path)
    assert [frame.shape for frame in frames] == [(48, 32, 3)] * 4
    assert [frame.mean() for frame in frames] == pytest.approx([0, 128, 255, 128], abs=4)


def test_odd_sides_become_even(tmp_path: Path) -> None:
    ffmpeg = find_ffmpeg()
    assert ffmpeg is not None
    (first, *_) = frames_of(to_mp4([image[:47, :31] for image in IMAGES], ffmpeg), tmp_path)
    assert first.shape == (48, 32, 3)


def test_the_system_s_program_comes_first_and_without_any_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho no encoder of any kind >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == str(program)
    with pytest.raises(ResourceError, match=r"ffmpeg: no MP4 made \(no encoder of any kind\)"):
        to_mp4(IMAGES, str(program))
    with pytest.raises(ResourceError, match=r"gone: no MP4 made \(No such file or directory\)"):
        to_mp4(IMAGES, str(tmp_path / "gone"))

    program.unlink()
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert shutil.which("ffmpeg") is None
    assert find_ffmpeg() is None
