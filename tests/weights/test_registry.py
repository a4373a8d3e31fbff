import re
from urllib.parse import urlparse

import pytest
import timm

from dnaf.weights.registry import WEIGHTS, url_of

NAMES = ["inception_imagenet", "inception_fid", "alexnet", "vgg16", "squeezenet1_1", "dinov2", "swin"]


def test_table_is_keyed_by_name_and_no_two_share_a_file() -> None:
    assert list(WEIGHTS) == NAMES
    assert [known.name for known in WEIGHTS.values()] == NAMES
    assert len({known.file for known in WEIGHTS.values()}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES[:5])
def test_file_and_checksum_are_those_of_the_address_in_the_library(name: str) -> None:
    address = urlparse(url_of(name))
    assert address.scheme == "https"
    assert address.path.endswith(f"/{WEIGHTS[name].file}")
    assert WEIGHTS[name].file.endswith(f"-{WEIGHTS[name].digest}.pth")
    assert re.fullmatch("[0-9a-f]{8}", WEIGHTS[name].digest or "")


@pytest.mark.parametrize("name", NAMES[5:])
def test_weights_of_timm_come_from_the_hub_as_safetensors(name: str) -> None:
    model = WEIGHTS[name].file.removesuffix(".safetensors")
    assert model in timm.list_models(pretrained=True)
    assert urlparse(url_of(name)).path == f"/timm/{model}/resolve/main/model.safetensors"
    assert WEIGHTS[name].digest is None
