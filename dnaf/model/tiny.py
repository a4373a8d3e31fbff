"""The tiny model: the classes of Stable Diffusion at a size that learns from scratch on two cores."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import nn

from dnaf.core import config, seeds
from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter, style_levels
from dnaf.model.conditioning.appearance import AppearanceBlock
from dnaf.model.norm import use_float32_group_norms
from dnaf.model.style_encoder import StyleEncoder

_PROMPT_TOKENS, _PROMPT_DIM = 4, 32
_TIE_GAIN = 1.5


def build_tiny(model: config.Model, seed: int, pose_channels: int = 3) -> Components:
    """All components with weights drawn from `seed`.

    The scheduler predicts the clean latent and ends at zero signal (arXiv 2305.08891): a small model that
    predicts noise spends its short training on copying noise.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.seed(seed, "weights"))
        return _build(model, pose_channels)


def _build(model: config.Model, pose_channels: int) -> Components:
    autoencoder = LosslessAutoencoder(unshuffle=model.unshuffle)
    attention = ["CrossAttn"] * (len(model.channels) - 1)
    unet = UNet2DConditionModel(
        in_channels=autoencoder.latent_channels,
        out_channels=autoencoder.latent_channels,
        block_out_channels=tuple(model.channels),
        layers_per_block=model.layers_per_block,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", *(kind + "DownBlock2D" for kind in attention)),
        up_block_types=(*(kind + "UpBlock2D" for kind in attention), "UpBlock2D"),
        cross_attention_dim=_PROMPT_DIM,
        # diffusers' name; its meaning is the number of heads
        attention_head_dim=tuple(max(1, channels // model.head_dim) for channels in model.channels),
    )
    levels = style_levels(unet, model.unshuffle)
    style_encoder = None
    if model.appearance_blocks:
        style_encoder = StyleEncoder.for_levels(
            model.style_encoder, levels, model.style_scale, model.level_mapping
        )
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )
    adapter = DNAFAdapter.from_unet(
        unet,
        # In the place of the fixed prompt's embedding, which is the same for every image.
        0.5 * torch.randn(1, _PROMPT_TOKENS, _PROMPT_DIM),
        list(style_encoder.channels) if style_encoder else [],
        style_encoder.maps_of(levels, model.level_mapping) if style_encoder else {},
        downscale=model.unshuffle,
        pose_channels=pose_channels,
        pose_adapter=model.pose_adapter,
        appearance_blocks=model.appearance_blocks,
        noise_aware=model.noise_aware,
        style_pose=model.style_pose,
        style_tokens=model.style_tokens,
        clean_style=model.clean_style,
    )
    _prepare_for_scratch_training(unet, adapter)
    use_float32_group_norms(unet)
    return Components(unet, autoencoder, scheduler, adapter, style_encoder)


@torch.no_grad()
def _prepare_for_scratch_training(unet: UNet2DConditionModel, adapter: DNAFAdapter) -> None:
    """Lets attention match like with like from the first step: keys start equal to queries.

    Zero-initialised outputs protect a pretrained UNet; without one they only delay learning, so they get
    an ordinary start here.
    """
    tie_self_attention(unet)
    for module in adapter.modules():
        if isinstance(module, AppearanceBlock):
            _tie(module.to_q, module.to_k, module.to_v)
            module.projection.reset_parameters()
    if adapter.pose is not None:
        for output in adapter.pose.outputs.modules():
            if isinstance(output, nn.Conv2d):
                output.reset_parameters()


@torch.no_grad()
def tie_self_attention(unet: UNet2DConditionModel) -> None:
    """Keys equal to queries: attention matches like with like before anything is learnt."""
    for path, module in unet.named_modules():
        if path.endswith("attn1"):
            _tie(module.to_q, module.to_k, module.to_v)


def _tie(query: nn.Linear, key: nn.Linear, value: nn.Linear) -> None:
    nn.init.orthogonal_(query.weight)
    query.weight.mul_(_TIE_GAIN)
    key.weight.copy_(query.weight)
    nn.init.orthogonal_(value.weight)
