import pytest
import torch

from dnaf.model.codec import LosslessCodec


@pytest.mark.parametrize("unshuffle", [1, 2, 4, 8])
def test_decoding_undoes_encoding(unshuffle: int) -> None:
    codec, image = LosslessCodec(unshuffle), torch.rand(2, 3, 32, 24) * 2 - 1
    latent = codec.encode(image)
    assert latent.shape == (2, codec.latent_channels, 32 // unshuffle, 24 // unshuffle)
    torch.testing.assert_close(codec.decode(latent), image, atol=1e-5, rtol=0)


def test_grey_is_luma_alone() -> None:
    grey = torch.full((1, 3, 4, 4), 0.5)
    luma, *chroma = LosslessCodec(unshuffle=1).encode(grey)[0]
    torch.testing.assert_close(luma, grey[0, 0], atol=1e-6, rtol=0)
    assert max(plane.abs().max() for plane in chroma) < 1e-6


def test_colour_weighs_by_its_gain() -> None:
    image = torch.rand(1, 3, 4, 4)
    plain, amplified = (LosslessCodec(1, chroma_gain=gain).encode(image) for gain in (1.0, 3.0))
    torch.testing.assert_close(amplified[:, 1:], 3 * plain[:, 1:])
    torch.testing.assert_close(amplified[:, 0], plain[:, 0])
