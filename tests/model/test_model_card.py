"""The model card: what it says is what the pipeline holds, and its code runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import timm
from huggingface_hub import ModelCard
from safetensors.torch import save_file

from dnaf.model.build import build
from dnaf.model.model_card import CARD, FOLDER
from dnaf.model.pretrained.known_bases import KNOWN_BASES
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.weights.hub import STABLE_DIFFUSION
from tests.helpers import base_folders
from tests.helpers.training_project import SIZE, model_params, random_inputs, tiny_pipeline


def on_base(folder: Path, **changes: Any) -> DNAFPipeline:
    """An untrained pipeline on a base of our own layout in this folder."""
    return assemble(build(model_params(base=str(base_folders.write_own(folder)), **changes), 0))


def saved_card(pipeline: DNAFPipeline, folder: Path) -> ModelCard:
    pipeline.save_pretrained(folder)
    return ModelCard.load(folder / CARD)


@pytest.mark.parametrize(
    ("name", "license", "license_name"),
    [
        ("stable-diffusion-v1-5", "creativeml-openrail-m", "CreativeML OpenRAIL-M"),
        ("stable-diffusion-xl-base-1.0", "openrail++", "CreativeML Open RAIL++-M"),
    ],
)
def test_a_known_base_is_named_with_its_repository_digests_and_licence(
    name: str, license: str, license_name: str, tmp_path: Path
) -> None:
    pipeline = on_base(tmp_path / name)
    card = saved_card(pipeline, tmp_path / "model")
    assert card.data.license == license
    assert card.data.base_model == KNOWN_BASES[name].repository
    assert card.data.base_model_relation == "adapter"
    assert (card.data.pipeline_tag, card.data.library_name) == ("image-to-image", "diffusers")
    assert f"{license_name}." in card.text
    assert pipeline.adapter.base is not None
    for digest in (*pipeline.adapter.base.sha256.values(), pipeline.adapter.base.prompt):
        assert f"`{digest}`" in card.text


@pytest.mark.parametrize(
    ("folder", "license", "words"),
    [
        ("data/base/people", "apache-2.0", "under the project's licence, Apache-2.0"),
        ("demo", "unknown", "unknown, ask its publisher"),
    ],
)
def test_a_base_that_was_not_published_has_no_repository(
    folder: str, license: str, words: str, tmp_path: Path
) -> None:
    card = saved_card(on_base(tmp_path / folder), tmp_path / "model")
    assert (card.data.license, card.data.base_model) == (license, None)
    assert words in card.text


def test_a_model_from_scratch_has_neither_base_nor_licence(tmp_path: Path) -> None:
    card = saved_card(tiny_pipeline(), tmp_path)
    assert (card.data.license, card.data.base_model) == ("unknown", None)
    assert "every weight was trained from scratch" in card.text


@pytest.mark.parametrize("kind", ["scratch", "base", "style weights"])
def test_the_code_of_the_card_loads_the_model_and_makes_an_image(kind: str, tmp_path: Path) -> None:
    if kind == "scratch":
        pipeline = tiny_pipeline()
    elif kind == "base":
        pipeline = on_base(tmp_path / "base")
    else:
        weights = tmp_path / "weights.safetensors"
        save_file(timm.create_model("test_convnext").state_dict(), weights)
        pipeline = on_base(tmp_path / "base", style_encoder_weights=str(weights))
    card = saved_card(pipeline, tmp_path / "model")
    (code,) = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    inputs = random_inputs(1, 1)
    names = {"style": inputs.image, "style_pose_map": inputs.style_pose_map, "pose_map": inputs.pose_map}
    code = code.replace(FOLDER, str(tmp_path / "model")).replace(
        "pose_map=pose_map)", "pose_map=pose_map, num_inference_steps=1)"
    )
    exec(code, names)
    assert [image.size for image in names["images"]] == [SIZE[::-1]]


def test_components_that_are_off_and_a_size_that_is_not_known_are_not_claimed(tmp_path: Path) -> None:
    pipeline = tiny_pipeline(noise_aware=False)
    card = saved_card(pipeline, tmp_path)
    assert "noise-aware features" not in card.text
    assert "| trained at | unknown |" in card.text
    pipeline.adapter.register_to_config(trained_size=SIZE)
    assert "| trained at | 32x24 pixels (height x width) |" in saved_card(pipeline, tmp_path).text


def test_the_same_model_has_the_same_card_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tiny_pipeline().save_pretrained(tmp_path / name)
    assert (tmp_path / "one" / CARD).read_bytes() == (tmp_path / "two" / CARD).read_bytes()


def test_the_base_that_can_be_fetched_is_known_by_its_folder() -> None:
    assert KNOWN_BASES[STABLE_DIFFUSION.name].repository == STABLE_DIFFUSION.repository
