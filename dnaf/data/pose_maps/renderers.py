"""The field's ways to show a network a pose, by the names that `render.renderer` has for them.

A new one is a file beside this one with a function `draw`, and its name in `dnaf/core/config.py`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import get_args

from dnaf.core.config import RendererName
from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points

Renderer = Callable[[Points, Size, Size], Pixels]
"""Draws keypoints (18, 2) in pixels of a frame on a canvas: uint8 (height, width, channels).

The arguments are keypoints, (height, width) of the canvas, and of the frame.
"""


def _of_file(name: str) -> Renderer:
    draw: Renderer = import_module(f"dnaf.data.pose_maps.{name}").draw
    return draw


RENDERERS = {name: _of_file(name) for name in get_args(RendererName)}
