import numpy as np
import pytest

from dnaf.core.images import Size
from dnaf.evaluate.metrics.psnr import psnr
from dnaf.evaluate.protocols.registry import PROTOCOLS, protocol_for
from dnaf.evaluate.protocols.view import compared_size, view_generated, view_real
from tests.helpers.evaluation_project import near, random_image

DEEPFASHION = (256, 176)
MARKET = (128, 64)

# Height and width in which each protocol compares DeepFashion, by pixels and by networks; the table of
# docs/protocols.md.
SIZES: dict[str, tuple[Size, Size | None]] = {
    "gfla": ((256, 256), (256, 256)),
    "pocold": ((256, 176), (256, 176)),
    "patn": ((256, 256), None),
    "dptn": ((256, 256), (256, 176)),
    "pidm": ((256, 256), (256, 176)),
    "pcdms": ((256, 176), (256, 176)),
    "pcdms512": ((512, 352), (512, 352)),
    "cfld": ((256, 176), (256, 176)),
    "cfld256": ((256, 176), (256, 176)),
    "cfld512": ((512, 352), (512, 352)),
    "fpdm": ((256, 176), (256, 176)),
    "leffa": ((256, 176), (256, 176)),
    "pytorch_fid": ((256, 176), (256, 176)),
}


def test_every_protocol_is_listed() -> None:
    assert list(PROTOCOLS) == list(SIZES)
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("original", [(1101, 750), (256, 176), (256, 256), (64, 48)])
def test_images_of_any_size_are_compared_in_the_protocols(name: str, original: Size) -> None:
    protocol = protocol_for(name, "deepfashion")
    image = np.zeros((*original, 3), np.uint8)
    for view, size in zip((protocol.pixels, protocol.networks), SIZES[name], strict=True):
        if view is not None:
            assert size is not None
            assert compared_size(view, DEEPFASHION) == size
            assert view_real(image, view, DEEPFASHION).shape == (*size, 3)
            assert view_generated(image, view, DEEPFASHION).shape == (*size, 3)


@pytest.mark.parametrize("name", SIZES)
def test_market_is_compared_in_its_own_size_without_padding(name: str) -> None:
    protocol = protocol_for(name, "market1501")
    for view in filter(None, (protocol.pixels, protocol.networks)):
        assert compared_size(view, MARKET) == MARKET
        image = random_image("market")
        assert view_generated(image, view, image.shape[:2]) is image


@pytest.mark.parametrize("size", [(64, 48), (256, 176), (512, 352), (944, 624)])
def test_fixed_sizes_are_those_of_the_protocol_whatever_the_data_sets(size: Size) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for name, expected in (("cfld256", (256, 176)), ("cfld512", (512, 352)), ("pcdms512", (512, 352))):
        view = PROTOCOLS[name].pixels
        assert compared_size(view, size) == expected
        assert view_generated(image, view, size).shape == view_real(image, view, size).shape == (*expected, 3)


def test_padding_adds_equal_white_sides_which_raises_psnr_by_a_known_amount() -> None:
    padded = PROTOCOLS["dptn"].pixels
    real = random_image("real").repeat(4, axis=0).repeat(11, axis=1)[:, :528:3]
    generated = near(real, "generated")
    assert real.shape == (256, 176, 3)
    shown = [view_real(real, padded, DEEPFASHION), view_generated(generated, padded, DEEPFASHION)]
    for image, unpadded in zip(shown, (real, generated), strict=True):
        assert (image[:, :40] == 255).all()
        assert (image[:, -40:] == 255).all()
        assert np.array_equal(image[:, 40:-40], unpadded)
    gain = psnr(shown[0], shown[1]) - psnr(real, generated)
    assert gain == pytest.approx(10 * np.log10(256 / 176), abs=1e-9)


def test_pidms_networks_see_the_ground_truth_resized_twice_and_the_generated_image_once() -> None:
    networks = PROTOCOLS["pidm"].networks
    assert networks is not None
    image = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    assert not np.array_equal(
        view_real(image, networks, DEEPFASHION), view_generated(image, networks, DEEPFASHION)
    )
    square = view_real(image, PROTOCOLS["pidm"].pixels, DEEPFASHION)
    assert np.array_equal(
        view_real(square, networks, DEEPFASHION), view_generated(square, networks, DEEPFASHION)
    )
