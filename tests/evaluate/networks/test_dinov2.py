from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.models.vision_transformer import checkpoint_filter_fn

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.evaluate.networks.dinov2 import Dino

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 256, 176, 3), dtype=np.uint8)
ARCHITECTURE = "test_vit"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(ARCHITECTURE, num_classes=0).state_dict()


def resized_by_pillow(image: np.ndarray) -> np.ndarray:
    planes = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    resized = [np.asarray(plane.resize((224, 224), Image.Resampling.BICUBIC)) for plane in planes]
    return np.stack(resized).clip(0, 255) / 255


@pytest.mark.parametrize("name", ["dino.safetensors", "dino.pth"])
def test_features_equal_timms_network_at_224_pixels_behind_pillows_resize(
    tmp_path: Path, state: dict[str, torch.Tensor], name: str
) -> None:
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    dino = Dino(path, ARCHITECTURE)
    assert (dino.num_features, dino.provenance) == (64, files.digest(path))

    network = timm.create_model(ARCHITECTURE, num_classes=0, img_size=224).eval()
    network.load_state_dict(checkpoint_filter_fn(dict(state), network))
    pixels = torch.from_numpy(np.stack([resized_by_pillow(image) for image in IMAGES]))
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.inference_mode():
        expected = network((pixels - mean) / deviation).numpy()
    features = dino.features(IMAGES)
    assert features.dtype == np.float32
    assert features == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert np.abs(features[0] - features[1]).max() > 0.1 * features.std()


def test_a_missing_or_additional_tensor_is_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "dino.safetensors"
    save_file({name: tensor for name, tensor in state.items() if name != "norm.weight"}, path)
    with pytest.raises(DataError, match=r"dino\.safetensors: not weights of this network .*Missing key"):
        Dino(path, ARCHITECTURE)
    save_file(state | {"head.weight": torch.zeros(1000, 64)}, path)
    with pytest.raises(DataError, match=r"dino\.safetensors: not weights of this network .*Unexpected key"):
        Dino(path, ARCHITECTURE)


def test_weights_of_a_smaller_model_are_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "dino.safetensors"
    save_file(state, path)
    with pytest.raises(DataError, match=r"dino\.safetensors: not weights of this network"):
        Dino(path)
