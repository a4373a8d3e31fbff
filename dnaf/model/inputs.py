"""What the pipeline is given: images of any form, noise and indices, checked before anything is computed."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils.torch_utils import randn_tensor
from numpy.typing import NDArray
from PIL.Image import Image

from dnaf.core.errors import one_line

Generators = torch.Generator | list[torch.Generator]
OneOrMore = Image | NDArray[Any] | torch.Tensor
Images = OneOrMore | Sequence[OneOrMore]
StyleIndex = torch.Tensor | Sequence[int] | Sequence[Sequence[int]]


def read_inputs(
    style: Images,
    style_pose_map: Images,
    pose_map: Images,
    pose_channels: int,
    downscale: int,
    processor: VaeImageProcessor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Style (S,3,H,W), its pose maps (S,C,H,W) and the wanted ones (T,C,H,W), float32 in [0,1].

    Args:
        style, style_pose_map, pose_map: PIL images, arrays (N,H,W,C) or tensors (N,C,H,W), one or a list.
        downscale: of the autoencoder; H and W must be multiples of it.

    Raises:
        ValueError: they are no images, or of another number, size, range or of other channels than expected.
    """
    given = {"style": style, "style_pose_map": style_pose_map, "pose_map": pose_map}
    channels = {"style": 3, "style_pose_map": pose_channels, "pose_map": pose_channels}
    read = {name: _read(name, images, channels[name], processor) for name, images in given.items()}
    height, width = read["style"].shape[-2:]
    if height % downscale or width % downscale:
        raise ValueError(f"style: {height}x{width} pixels (expected multiples of {downscale})")
    for name, images in read.items():
        if images.shape[-2:] != (height, width):
            found = "x".join(map(str, images.shape[-2:]))
            raise ValueError(f"{name}: not the size of style (found {found}, expected {height}x{width})")
    if len(read["style_pose_map"]) != len(read["style"]):
        counts = f"found {len(read['style_pose_map'])}, expected {len(read['style'])}"
        raise ValueError(f"style_pose_map: not one for each style ({counts})")
    return read["style"], read["style_pose_map"], read["pose_map"]


def _read(name: str, images: Images, num_channels: int, processor: VaeImageProcessor) -> torch.Tensor:
    if isinstance(images, tuple):
        images = list(images)  # which is all that diffusers knows
    try:
        pixels: torch.Tensor = processor.preprocess(images)
    except (AttributeError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name}: not images of one size ({one_line(error)}). Pass PIL images, arrays "
            "(N,H,W,C) or tensors (N,C,H,W)."
        ) from error
    if pixels.shape[1] != num_channels:
        raise ValueError(
            f"{name}: not the right number of channels (found {pixels.shape[1]}, expected {num_channels})"
        )
    if not pixels.is_meta:  # without values, only operations are counted
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"{name}: values outside 0…1 (found {low:.3g}…{high:.3g})")
    return pixels.float().contiguous()  # in one order of memory, which the last bits depend on


def style_index_of(style_index: StyleIndex | None, num_styles: int, num_targets: int) -> torch.Tensor:
    """(T,K) indices of each target's styles, -1 where it has fewer than K.

    Args:
        style_index: one index or several for each target; None: a single style is every target's, else target
            i has style i.

    Raises:
        ValueError: not one or several for each target, or no index of a style.
    """
    if style_index is None:
        if num_styles not in (1, num_targets):
            raise ValueError(f"style_index: needed for {num_styles} styles and {num_targets} poses")
        return (torch.arange(num_targets) % num_styles)[:, None]
    given = style_index.tolist() if isinstance(style_index, torch.Tensor) else list(style_index)
    rows = [list(row) if isinstance(row, Sequence) else [row] for row in given]
    if len(rows) != num_targets or not all(
        row and all(isinstance(index, int) and 0 <= index < num_styles for index in row) for row in rows
    ):
        raise ValueError(
            f"style_index: not the index of a style for each pose (found {given}, expected "
            f"{num_targets} of 0 … {num_styles - 1})"
        )
    most = max(len(row) for row in rows)
    return torch.tensor([[*row, *[-1] * (most - len(row))] for row in rows])


def draw_noise(
    name: str,
    shape: tuple[int, ...],
    given: torch.Tensor | None,
    generator: Generators | None,
    device: torch.device,
) -> torch.Tensor:
    """Noise (N,C,h,w) float32 on the device: what is given, else the generator's.

    Raises:
        ValueError: it is of another shape.
    """
    if given is None:
        # Drawn where the generator is: one on the CPU gives the same image on every device.
        given = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
    if tuple(given.shape) != shape:
        raise ValueError(f"{name}: another shape (found {tuple(given.shape)}, expected {shape})")
    return given.to(device)


def require_known(name: str, values: Sequence[str], known: Sequence[str]) -> None:
    """Raises a ValueError if a value is none of the known ones."""
    for value in values:
        if value not in known:
            raise ValueError(f"{name}: unknown (found {value!r}, expected {', '.join(known)})")
