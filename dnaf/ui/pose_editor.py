"""The wanted pose as an image with a handle on every joint, to be dragged; its script is pose_editor.js."""

import base64
import html
from pathlib import Path

import numpy as np

from dnaf.core import images
from dnaf.core.images import Pixels, Size
from dnaf.data.keypoints.keypoints import Points
from dnaf.ui.joint_table import JOINTS

SCRIPT = Path(__file__).with_suffix(".js").read_text()
STYLE = """
svg.joints { display: block; margin: auto; max-width: 100%; height: auto; }
svg.joints { touch-action: none; cursor: crosshair; }
circle { fill: #fff6; stroke: #fff; cursor: grab; }
circle:focus { fill: #fffc; outline: none; }
"""
HELP = (
    "Drag a joint, or press Tab and the arrow keys (Shift: further; Delete: remove it). A click beside the "
    "joints puts the one that is chosen below there."
)
_RADIUS = 0.016  # of a handle, in heights of the image


def to_svg(image: Pixels, keypoints: Points, size: Size, height: int) -> str:
    """The image with its handles, an SVG whose units are pixels of the frame.

    Args:
        image: what the pose looks like.
        keypoints: (18, 2), x then y, in pixels of the frame; a missing joint, NaN, has no handle.
        size: (height, width) of the frame.
        height: of the image, in pixels of the screen, if there is room.
    """
    encoded = base64.b64encode(images.encode_png(image)).decode()
    handles = [
        f'<circle data-joint="{joint}" cx="{x:g}" cy="{y:g}" r="{_RADIUS * size[0]:g}" '
        f'stroke-width="{_RADIUS * size[0] / 4:g}" tabindex="0" role="button" aria-label="{joint}">'
        f"<title>{joint}</title></circle>"
        for joint, (x, y) in zip(JOINTS, keypoints.tolist(), strict=True)
        if not np.isnan(x)
    ]
    width = height * size[1] / size[0]
    return (
        f'<svg class="joints" viewBox="0 0 {size[1]} {size[0]}" width="{width:g}" '
        f'role="group" aria-label="{html.escape(HELP)}">'
        f'<image href="data:image/png;base64,{encoded}" width="{size[1]}" height="{size[0]}"/>'
        f"{''.join(handles)}</svg>"
    )
