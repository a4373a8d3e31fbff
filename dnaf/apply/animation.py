"""Images one after the other, there and back: as GIF by Pillow, as MP4 by the program ffmpeg where it is."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from dnaf.core.errors import ResourceError, one_line
from dnaf.core.images import Pixels

_FRAME_MS = 120
_BIT_RATE = "4M"  # ample for small images with hard edges; whichever encoder ffmpeg has for MP4 takes it


def to_gif(images: Sequence[Pixels]) -> bytes:
    """An animation without end."""
    frames = [Image.fromarray(image) for image in _there_and_back(images)]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], duration=_FRAME_MS, loop=0, disposal=1
    )
    return buffer.getvalue()


def find_ffmpeg() -> str | None:
    """The program of the system, or that of the package imageio-ffmpeg (`dnaf[video]`); None without both."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # RuntimeError: of a package without a program for this system
        return None


def to_mp4(images: Sequence[Pixels], ffmpeg: str) -> bytes:
    """An animation that ends; sides that are odd get a black line, which most encoders need.

    Args:
        images: uint8 (H, W, 3), all of one size.
        ffmpeg: the program.

    Raises:
        ResourceError: ffmpeg did not make it.
    """
    height, width = images[0].shape[:2]
    with tempfile.TemporaryDirectory(prefix="dnaf-") as folder:
        out = Path(folder) / "animation.mp4"
        rate = str(Fraction(1000, _FRAME_MS))
        pixels = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, "-i", "-")
        encoded = ("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-b:v", _BIT_RATE)
        try:
            finished = subprocess.run(
                [ffmpeg, "-loglevel", "error", *pixels, *encoded, "-movflags", "+faststart", str(out)],
                input=np.stack(_there_and_back(images)).tobytes(),
                capture_output=True,
            )
        except OSError as error:
            raise _failed(ffmpeg, str(error.strerror)) from error
        if finished.returncode or not out.is_file():
            raise _failed(ffmpeg, finished.stderr.decode(errors="replace") or f"exit {finished.returncode}")
        return out.read_bytes()


def _failed(ffmpeg: str, reason: str) -> ResourceError:
    return ResourceError(
        f"{ffmpeg}: no MP4 made ({one_line(reason)}). The GIF is there; for an MP4 install another ffmpeg, "
        "or the extra `video`."
    )


def _there_and_back(images: Sequence[Pixels]) -> list[Pixels]:
    return [*images, *images[-2:0:-1]]
