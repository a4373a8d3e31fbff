import pytest
import torch
from diffusers import UNet2DConditionModel

from dnaf.model.conditioning.pose_adapter import PoseAdapter, residual_levels

PLAIN, ATTENTION = "DownBlock2D", "CrossAttnDownBlock2D"
UP = {PLAIN: "UpBlock2D", ATTENTION: "CrossAttnUpBlock2D"}


def unet(*kinds: str) -> UNet2DConditionModel:
    channels = (8, 16, 24, 32)[: len(kinds)]
    return UNet2DConditionModel(
        in_channels=4,
        out_channels=4,
        block_out_channels=channels,
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=kinds,
        up_block_types=tuple(UP[kind] for kind in reversed(kinds)),
        cross_attention_dim=8,
        attention_head_dim=2,
    )


# The last is Stable Diffusion's, the first two those of models built here.
LAYOUTS = [
    (PLAIN, ATTENTION),
    (PLAIN, ATTENTION, ATTENTION),
    (PLAIN, PLAIN, ATTENTION),
    (ATTENTION, ATTENTION, ATTENTION, PLAIN),
]


@pytest.mark.parametrize("kinds", LAYOUTS)
@pytest.mark.parametrize("latent_size", [(16, 16), (20, 12)])
def test_a_residual_fits_every_block_of_the_encoder(
    kinds: tuple[str, ...], latent_size: tuple[int, int]
) -> None:
    network = unet(*kinds)
    adapter = PoseAdapter(residual_levels(network), downscale=2, num_res_blocks=1, pose_channels=3)
    residuals = adapter(torch.rand(1, 3, 2 * latent_size[0], 2 * latent_size[1]))
    assert len(residuals) == len(kinds)
    latent, prompt = torch.randn(1, 4, *latent_size), torch.randn(1, 2, 8)
    plain = network(latent, 5, prompt, return_dict=False)[0]
    for index in range(len(residuals)):
        alone = [torch.full_like(r, float(i == index)) for i, r in enumerate(residuals)]
        changed = network(latent, 5, prompt, down_intrablock_additional_residuals=alone, return_dict=False)[0]
        # diffusers skips some residuals of a wrong shape without a word
        assert (changed - plain).abs().max() > 1e-4, f"residual {index} has no effect"


def test_a_new_adapter_gives_zeros() -> None:
    adapter = PoseAdapter([(8, 0), (16, 1)], downscale=2, num_res_blocks=1, pose_channels=3)
    assert not any(residual.any() for residual in adapter(torch.rand(2, 3, 32, 24)))
