"""Pose adapter: pose map -> one residual for every block of the UNet's encoder (figure, panel a)."""

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.adapter import AdapterBlock
from torch import nn


def residual_levels(unet: UNet2DConditionModel) -> list[tuple[int, int]]:
    """(channels, level) of each entry of `down_intrablock_additional_residuals`; level k: latent size / 2^k.

    A block with attention takes the residual before its downsampler, a plain one after it: that is what
    `UNet2DConditionModel.forward` does, and why diffusers' own `T2IAdapter` fits only some UNets.
    """
    config = unet.config
    last = len(config.block_out_channels) - 1
    return [
        (channels, level if "CrossAttn" in kind or level == last else level + 1)
        for level, (channels, kind) in enumerate(
            zip(config.block_out_channels, config.down_block_types, strict=True)
        )
    ]


class PoseAdapter(nn.Module):
    """T2I-Adapter blocks (arXiv 2302.08453), derived from the UNet's layout, with zero-initialised outputs.

    Args:
        levels: (channels, level) of each output, from `residual_levels`.
        downscale: pixels per latent cell along each side.
        num_res_blocks: residual blocks of each output.
        pose_channels: of the pose map.
    """

    def __init__(
        self, levels: list[tuple[int, int]], downscale: int, num_res_blocks: int, pose_channels: int
    ) -> None:
        super().__init__()
        channels, level = levels[0][0], 0
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(downscale), nn.Conv2d(pose_channels * downscale**2, channels, 3, padding=1)
        )
        blocks = []
        for out_channels, out_level in levels:
            pools = [nn.AvgPool2d(2, 2, ceil_mode=True) for _ in range(out_level - level)]
            blocks.append(nn.Sequential(*pools, AdapterBlock(channels, out_channels, num_res_blocks)))
            channels, level = out_channels, out_level
        self.blocks = nn.ModuleList(blocks)
        self.outputs = nn.ModuleList(_zero(nn.Conv2d(channels, channels, 1)) for channels, _ in levels)

    def forward(self, pose_map: torch.Tensor) -> list[torch.Tensor]:
        """Pose map (B,C,H,W) in [0,1] -> residuals [(B,Cᵢ,Hᵢ,Wᵢ)], finest first."""
        features, residuals = self.stem(pose_map), []
        for block, output in zip(self.blocks, self.outputs, strict=True):
            features = block(features)
            residuals.append(output(features))
        return residuals


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
