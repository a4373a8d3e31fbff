"""What was trained on a base is saved alone and put on the same base again, or refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from dnaf.core import config, files
from dnaf.core.errors import BaseModelError
from dnaf.model.build import build
from dnaf.model.saving import move_provenance
from dnaf.pipeline import DNAFPipeline, assemble, load_pipeline
from tests.helpers import base_folders
from tests.helpers.training_project import model_params, tiny_pipeline

UNET = "unet/diffusion_pytorch_model.safetensors"
FAMILIES = ("own", "own without style", "sd-1.5", "sdxl")


def write_base(folder: Path, family: str) -> Path:
    if family.startswith("own"):
        return base_folders.write_own(folder, with_style_encoder=family == "own")
    return base_folders.write_sd(folder, family)


def trained(params: config.Model) -> DNAFPipeline:
    """As if trained: every weight of the adapter is another one than at the start."""
    pipeline = assemble(build(params, 0))
    torch.manual_seed(1)
    for parameter in pipeline.adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def image(pipeline: DNAFPipeline) -> torch.Tensor:
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(3)
    style, poses = (torch.rand(1, 3, 64, 48, generator=generator) for _ in range(2))
    images = {"style": style, "style_pose_map": poses, "pose_map": poses}
    result: torch.Tensor = pipeline(
        **images, num_inference_steps=2, generator=generator, output_type="pt"
    ).images
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_trained_comes_back_in_the_same_bits(family: str, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", family)
    scale = 0.5 if family.startswith("own") else 1.0  # the smallest that the encoder's coarsest map allows
    pipeline = trained(model_params(base=str(folder), style_scale=scale))
    pipeline.save_pretrained(tmp_path / "model")
    files.write_manifest(tmp_path / "model")
    loaded = load_pipeline(tmp_path / "model")
    for name, tensor in pipeline.denoiser.state_dict().items():
        assert torch.equal(loaded.denoiser.state_dict()[name], tensor), name
    assert torch.equal(image(loaded), image(pipeline))
    ours = [name for name, each in loaded.denoiser.named_parameters() if each.requires_grad]
    assert ours
    assert all(name.startswith("adapter.") for name in ours)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_of_the_base_is_saved(family: str, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", family)
    pipeline = trained(model_params(base=str(folder)))
    pipeline.save_pretrained(tmp_path / "model")
    written = {path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*.*")}
    expected = {
        "README.md",
        "provenance.json",
        "adapter/config.json",
        "adapter/diffusion_pytorch_model.safetensors",
        "style_encoder/config.json",
    }
    # A random style encoder stands nowhere else.
    assert written - expected == (
        set() if family == "own" else {"style_encoder/diffusion_pytorch_model.safetensors"}
    )
    assert written >= expected
    tensors = load_file(tmp_path / "model/adapter/diffusion_pytorch_model.safetensors")
    assert tensors.keys() == pipeline.adapter.state_dict().keys()


def test_weights_of_the_style_encoder_are_read_from_their_file_again(tmp_path: Path) -> None:
    folder, weights = base_folders.write_own(tmp_path / "base"), tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_convnext").state_dict(), weights)
    params = model_params(base=str(folder), style_encoder_weights=str(weights))
    pipeline = trained(params)
    pipeline.save_pretrained(tmp_path / "model")
    assert not list((tmp_path / "model/style_encoder").glob("*.safetensors"))
    assert torch.equal(image(DNAFPipeline.from_pretrained(tmp_path / "model")), image(pipeline))
    save_file(timm.create_model("test_convnext").state_dict(), weights)
    with pytest.raises(BaseModelError, match=r"weights.safetensors: changed .*found sha256 \w+, expected"):
        DNAFPipeline.from_pretrained(tmp_path / "model")


def test_a_base_that_moved_is_given_by_hand(tmp_path: Path) -> None:
    folder = base_folders.write_own(tmp_path / "base")
    pipeline = trained(model_params(base=str(folder)))
    pipeline.save_pretrained(tmp_path / "model")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BaseModelError, match=rf"^{folder}: missing \(expected the base .*pass `base` to"):
        DNAFPipeline.from_pretrained(tmp_path / "model")
    loaded = DNAFPipeline.from_pretrained(tmp_path / "model", base=tmp_path / "elsewhere")
    assert torch.equal(image(loaded), image(pipeline))


def test_a_model_loads_whatever_folder_is_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `train` writes it in a checkout, with a base that params.yaml names from there."""
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    weights = checkout / "checkpoints/encoder.safetensors"
    base_folders.write_own(checkout / "data/base/people", with_style_encoder=False)
    weights.parent.mkdir()
    save_file(timm.create_model("test_convnext").state_dict(), weights)
    elsewhere.mkdir()
    monkeypatch.chdir(checkout)
    params = model_params(base="data/base/people", style_encoder_weights="checkpoints/encoder.safetensors")
    pipeline = trained(params)
    pipeline.save_pretrained("data/model")
    expected = image(pipeline)
    recorded = json.loads(Path("data/model/provenance.json").read_text())
    assert recorded["base"]["folder"] == "../base/people"
    assert recorded["style_weights"]["folder"] == "../../checkpoints/encoder.safetensors"
    loaded = DNAFPipeline.from_pretrained("data/model")
    assert loaded.adapter.base == pipeline.adapter.base
    (elsewhere / "link").symlink_to(checkout / "data/model")
    monkeypatch.chdir(elsewhere)
    for folder in (checkout / "data/model", "../checkout/data/model", "link"):
        assert torch.equal(image(DNAFPipeline.from_pretrained(folder)), expected)
    checkout.rename(tmp_path / "moved")
    assert torch.equal(image(DNAFPipeline.from_pretrained("../moved/data/model")), expected)


def test_a_copy_in_another_folder_finds_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base_folders.write_own(Path("data/base/people"))
    trained(model_params(base="data/base/people")).save_pretrained("data/model")
    shutil.copytree("data/model", "public/dnaf/model")
    move_provenance(Path("data/model"), Path("public/dnaf/model"))
    recorded = json.loads(Path("public/dnaf/model/provenance.json").read_text())
    assert recorded["base"]["folder"] == "../../../data/base/people"
    DNAFPipeline.from_pretrained("public/dnaf/model")


def test_a_base_that_is_given_as_an_absolute_folder_stays_one(tmp_path: Path) -> None:
    folder = base_folders.write_own(tmp_path / "base")
    trained(model_params(base=str(folder))).save_pretrained(tmp_path / "model")
    assert json.loads((tmp_path / "model/provenance.json").read_text())["base"]["folder"] == str(folder)
    (tmp_path / "model").rename(tmp_path / "further-down")
    DNAFPipeline.from_pretrained(tmp_path / "further-down")


def test_the_advice_about_a_missing_base_names_its_repository(tmp_path: Path) -> None:
    folder = base_folders.write_own(tmp_path / "stable-diffusion-v1-5")
    trained(model_params(base=str(folder))).save_pretrained(tmp_path / "model")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BaseModelError, match=r"hub \(stable-diffusion-v1-5/stable-diffusion-v1-5\)\.$"):
        DNAFPipeline.from_pretrained(tmp_path / "model")


def test_what_was_trained_from_scratch_is_loaded_in_another_dtype(tmp_path: Path) -> None:
    tiny_pipeline().save_pretrained(tmp_path)
    loaded = DNAFPipeline.from_pretrained(tmp_path, torch_dtype=torch.bfloat16)
    assert loaded.unet.dtype == loaded.style_encoder.dtype == torch.bfloat16
    assert loaded.adapter.dtype == loaded.autoencoder.dtype == torch.float32


def test_the_size_of_the_training_is_known_after_loading(tmp_path: Path) -> None:
    pipeline = tiny_pipeline()
    pipeline.adapter.register_to_config(trained_size=(32, 24))
    pipeline.save_pretrained(tmp_path / "one")
    DNAFPipeline.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    one, two = (tmp_path / name / "README.md" for name in ("one", "two"))
    assert "| trained at | 32x24 pixels" in two.read_text()
    assert one.read_bytes() == two.read_bytes()


def test_the_frozen_component_is_loaded_in_another_dtype(tmp_path: Path) -> None:
    folder = base_folders.write_own(tmp_path / "base")
    trained(model_params(base=str(folder))).save_pretrained(tmp_path / "model")
    loaded = DNAFPipeline.from_pretrained(tmp_path / "model", torch_dtype=torch.bfloat16)
    assert (loaded.unet.dtype, loaded.adapter.dtype) == (torch.bfloat16, torch.float32)


def other_weights(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    tensors["conv_in.bias"] += 1
    save_file(tensors, folder / UNET)


def other_schedule(folder: Path) -> None:
    path = folder / "scheduler/scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beta_end": 0.02}))


def half(folder: Path) -> None:
    base_folders.use_half_precision(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_weights, UNET),
        (other_schedule, "scheduler/scheduler_config.json"),
        (half, "diffusion_pytorch_model.fp16.safetensors"),
    ],
)
def test_a_base_that_changed_is_refused_with_both_digests(
    change: Callable[[Path], None], named: str, tmp_path: Path
) -> None:
    folder = base_folders.write_sd(tmp_path / "base", "sd-1.5")
    trained(model_params(base=str(folder))).save_pretrained(tmp_path / "model")
    change(folder)
    digest = r"(\w{64}|no such file)"
    with pytest.raises(BaseModelError, match=rf"{named}: changed .*sha256 {digest}, expected {digest}"):
        DNAFPipeline.from_pretrained(tmp_path / "model")
