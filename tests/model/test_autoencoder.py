import pytest
import torch
from diffusers import AutoencoderKL

from dnaf.model.autoencoder import Autoencoder, FrozenVae, LosslessAutoencoder


@pytest.mark.parametrize("unshuffle", [1, 2, 4, 8])
def test_decoding_undoes_encoding(unshuffle: int) -> None:
    autoencoder, image = LosslessAutoencoder(unshuffle), torch.rand(2, 3, 32, 24) * 2 - 1
    latent = autoencoder.encode(image)
    assert latent.shape == (2, autoencoder.latent_channels, 32 // unshuffle, 24 // unshuffle)
    torch.testing.assert_close(autoencoder.decode(latent), image, atol=1e-5, rtol=0)


def test_grey_is_luma_alone() -> None:
    grey = torch.full((1, 3, 4, 4), 0.5)
    luma, *chroma = LosslessAutoencoder(unshuffle=1).encode(grey)[0]
    torch.testing.assert_close(luma, grey[0, 0], atol=1e-6, rtol=0)
    assert max(plane.abs().max() for plane in chroma) < 1e-6


def test_colour_weighs_by_its_gain() -> None:
    image = torch.rand(1, 3, 4, 4)
    plain, amplified = (LosslessAutoencoder(1, chroma_gain=gain).encode(image) for gain in (1.0, 3.0))
    torch.testing.assert_close(amplified[:, 1:], 3 * plain[:, 1:])
    torch.testing.assert_close(amplified[:, 0], plain[:, 0])


def tiny_vae(**changes: object) -> AutoencoderKL:
    """Four levels, so 8 pixels a cell, as Stable Diffusion's."""
    torch.manual_seed(0)
    return AutoencoderKL(
        **{
            "block_out_channels": (8, 8, 8, 8),
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
            "norm_num_groups": 4,
            "latent_channels": 4,
            **changes,
        }
    )


@pytest.mark.parametrize(
    "autoencoder", [LosslessAutoencoder(2), FrozenVae(tiny_vae())], ids=["lossless", "vae"]
)
def test_both_autoencoders_keep_their_promises(autoencoder: Autoencoder) -> None:
    assert isinstance(autoencoder, Autoencoder)
    image = torch.rand(2, 3, 32, 24) * 2 - 1
    latent = autoencoder.encode(image)
    cells = (32 // autoencoder.downscale, 24 // autoencoder.downscale)
    assert latent.shape == (2, autoencoder.latent_channels, *cells)
    assert autoencoder.decode(latent).shape == image.shape
    weights = autoencoder.cell_weights(torch.ones(2, 1, 32, 24))
    assert torch.equal(weights.expand_as(latent), torch.ones_like(latent))


def test_the_latent_of_an_autoencoder_is_its_mode_scaled() -> None:
    vae, image = tiny_vae(scaling_factor=0.5), torch.rand(1, 3, 32, 24) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(FrozenVae(vae).encode(image), 0.5 * vae.encode(image).latent_dist.mode())
        expected = vae.decode(torch.ones(1, 4, 4, 3)).sample
        torch.testing.assert_close(FrozenVae(vae).decode(0.5 * torch.ones(1, 4, 4, 3)), expected)


def test_an_autoencoder_runs_in_its_own_dtype_under_autocast() -> None:
    autoencoder, image = FrozenVae(tiny_vae()), torch.rand(1, 3, 32, 24) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        inside = autoencoder.encode(image)
    assert torch.equal(inside, autoencoder.encode(image))


def test_a_lossless_cell_weighs_each_of_its_pixels() -> None:
    weight = torch.arange(16.0).view(1, 1, 4, 4)
    autoencoder = LosslessAutoencoder(2)
    planes = autoencoder.cell_weights(weight).view(1, 3, 4, 2, 2)
    for plane in planes[0]:
        assert torch.equal(torch.nn.functional.pixel_shuffle(plane[None], 2), weight)


def test_a_cell_of_an_autoencoder_weighs_the_mean_of_its_pixels() -> None:
    weight = torch.zeros(1, 1, 8, 16)
    weight[..., :4] = 1
    assert FrozenVae(tiny_vae()).cell_weights(weight).tolist() == [[[[0.5, 0.0]]]]
