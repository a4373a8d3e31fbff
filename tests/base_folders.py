"""Base model folders at tiny size, with random weights, as their authors publish them."""

from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from dnaf.model.codec import LosslessCodec
from dnaf.model.prompt import write_prompt
from dnaf.model.style_encoder import StyleEncoder

PROMPT_CHANNELS = 16


def write_own(folder: Path, unshuffle: int = 2, with_style_encoder: bool = True) -> Path:
    """A base of our own layout: lossless codec, prompt as a tensor, x0 prediction."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        codec = LosslessCodec(unshuffle)
        UNet2DConditionModel(
            in_channels=codec.latent_channels,
            out_channels=codec.latent_channels,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=PROMPT_CHANNELS,
            attention_head_dim=2,
        ).save_pretrained(folder / "unet")
        codec.save_pretrained(folder / "codec")
        DDIMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            prediction_type="sample",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
            clip_sample=False,
        ).save_pretrained(folder / "scheduler")
        write_prompt(folder / "prompt.safetensors", torch.randn(1, 4, PROMPT_CHANNELS))
        if with_style_encoder:
            scales = [unshuffle, 2 * unshuffle]
            StyleEncoder.for_scales("test_convnext", scales).save_pretrained(folder / "style_encoder")
    (folder / "README.md").write_text("how it was trained\n")
    return folder
