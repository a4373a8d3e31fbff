"""Twelve folders as people have cloned them: those of Stable Diffusion and what is trained from it are read.

What is none of them is refused by its kind, before anybody downloads gigabytes of weights.
"""

import json
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from dnaf.core.errors import BaseModelError
from dnaf.model.pretrained.base_model import inspect_base
from tests.helpers.raw_folder import SHARED_DATA

FOLDERS = SHARED_DATA / "real/sd-configs"
READ = {  # what makes the images of each
    "HDRJ-One+runwayml-stable-diffusion-v1-5": ("Stable Diffusion 1", "epsilon"),
    "HDRJ-One+stable-diffusion-xl-base-1.0": ("Stable Diffusion XL", "epsilon"),
    "Vikas-2025+Hugging_face_sta_dif_2.1": ("Stable Diffusion 2", "v_prediction"),
    "jack-op11+stable-diffusion-2-1-base": ("Stable Diffusion 2", "epsilon"),
    "qfz9527+Counterfeit-V2.5": ("Stable Diffusion 1", "epsilon"),
    "smbands+realistic-vision-v51": ("Stable Diffusion 1", "epsilon"),
    "wswplay+stable-diffusion-v1-4": ("Stable Diffusion 1", "epsilon"),
}
REFUSED = {
    "Teiboku+std2-inpaint": "an inpainting model (found in_channels 9, expected 4)",
    "jack-op11+stable-diffusion-inpainting": "an inpainting model (found in_channels 9, expected 4)",
    "khuongsatou+ddpm-butterflies-128": "another kind of model (found UNet2DModel, expected UNet2DCond",
    "theonlyengine+text-to-video-ms-1.7b": "another kind of model (found UNet3DConditionModel, expected",
    "yuanqi99+sd-image-variations-diffusers": "another kind of model (found image_encoder, expected text_enc",
}

pytestmark = pytest.mark.skipif(
    not FOLDERS.is_dir(),
    reason="the real configurations are not beside the project; they are third parties' and not part of it",
)


def test_every_folder_that_is_there_has_its_expectation() -> None:
    assert {folder.name for folder in FOLDERS.iterdir()} == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_another_kind_of_model_is_refused_by_its_kind(name: str) -> None:
    with pytest.raises(BaseModelError) as error:
        inspect_base(FOLDERS / name)
    assert REFUSED[name] in str(error.value)
    assert str(error.value).startswith(str(FOLDERS / name))
    assert "docs/base-models.md" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", READ)
def test_a_clone_without_git_lfs_says_what_fetches_the_weights(name: str) -> None:
    with pytest.raises(
        BaseModelError, match=r"diffusion_pytorch_model\.safetensors: a pointer .*git lfs pull"
    ):
        inspect_base(FOLDERS / name)


@pytest.mark.parametrize("name", READ)
def test_with_weights_of_its_shapes_it_is_what_its_authors_say(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(FOLDERS / name, folder)
    give_weights(folder / "unet/diffusion_pytorch_model", UNet2DConditionModel.from_config)
    give_weights(folder / "vae/diffusion_pytorch_model", AutoencoderKL.from_config)
    for kind, suffix in ((CLIPTextModel, ""), (CLIPTextModelWithProjection, "_2")):
        if (folder / f"text_encoder{suffix}").is_dir():
            give_weights(
                folder / f"text_encoder{suffix}/model",
                lambda config, kind=kind: kind(CLIPTextConfig.from_dict(config)),
            )
            (folder / f"tokenizer{suffix}").mkdir()
            for file in ("vocab.json", "merges.txt"):
                (folder / f"tokenizer{suffix}" / file).write_text("{}")
    found = inspect_base(folder)
    assert (found.family, found.prediction_type, found.downscale) == (*READ[name], 8)


def give_weights(stem: Path, build: Callable[[dict[str, Any]], torch.nn.Module]) -> None:
    """A safetensors file whose gigabytes are a hole: of the shapes that the config beside it asks for."""
    with torch.device("meta"):
        module = build(json.loads((stem.parent / "config.json").read_text()))
    write_hole(stem.with_suffix(".safetensors"), {k: tuple(v.shape) for k, v in module.state_dict().items()})


def write_hole(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A safetensors file of zeros in float16 that takes no space on the disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * int(torch.Size(shape).numel())
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
