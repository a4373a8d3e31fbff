"""An adapter goes onto another base of its family with a warning, and onto no other one."""

import json
import shutil
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from dnaf.apply.other_base import load_on_base, png_info
from dnaf.core.errors import BaseModelError
from dnaf.pipeline import DNAFPipeline
from tests.helpers import base_folders
from tests.helpers.training_project import model_params
from tests.model.test_saving import image, trained

UNET = "unet/diffusion_pytorch_model.safetensors"


def fine_tuned(base: Path, folder: Path) -> Path:
    """Of the same shapes, with other weights."""
    shutil.copytree(base, folder)
    tensors = load_file(folder / UNET)
    save_file({name: 1.1 * tensor for name, tensor in tensors.items()}, folder / UNET)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base`, `model`, which was trained on it with a style encoder from a file, and `tuned`."""
    root = tmp_path_factory.mktemp("bases")
    base = base_folders.write_sd(root / "base", "sd-1.5")
    weights = root / "encoder.safetensors"
    save_file(timm.create_model("test_convnext").state_dict(), weights)
    params = model_params(base=str(base), style_encoder_weights=str(weights))
    trained(params).save_pretrained(root / "model")
    fine_tuned(base, root / "tuned")
    return root


def test_on_the_base_of_the_training_it_is_what_from_pretrained_gives_and_nothing_is_said(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_on_base(folders / "model", folders / "base")
    assert capsys.readouterr().err == ""
    assert torch.equal(image(loaded), image(DNAFPipeline.from_pretrained(folders / "model")))


def test_on_another_base_of_the_family_it_is_told_and_has_that_base_s_weights(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_on_base(folders / "model", folders / "tuned")
    said = capsys.readouterr().err
    assert said.startswith(
        f"warning: {folders / 'tuned'}: not the base that {folders / 'model'} was trained on"
    )
    on_its_own = DNAFPipeline.from_pretrained(folders / "model")
    expected = load_file(folders / "tuned" / UNET)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.unet.state_dict().items())
    for name, tensor in on_its_own.adapter.state_dict().items():
        assert torch.equal(loaded.adapter.state_dict()[name], tensor)
    assert not torch.equal(image(loaded), image(on_its_own))


def test_a_model_that_names_its_base_from_its_own_folder_keeps_doing_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base_folders.write_own(Path("bases/own"))
    trained(model_params(base="bases/own")).save_pretrained("model")
    load_on_base("model", fine_tuned(Path("bases/own"), Path("tuned"))).save_pretrained("deep/again")
    recorded = json.loads(Path("deep/again/provenance.json").read_text())
    assert recorded["base"]["folder"] == "../../bases/own"


def test_saved_again_it_still_belongs_to_the_base_of_its_training(folders: Path, tmp_path: Path) -> None:
    load_on_base(folders / "model", folders / "tuned").save_pretrained(tmp_path / "again")
    expected = image(DNAFPipeline.from_pretrained(folders / "model"))
    assert torch.equal(image(DNAFPipeline.from_pretrained(tmp_path / "again")), expected)


def test_the_base_is_named_in_the_file_of_an_image(folders: Path, tmp_path: Path) -> None:
    info = png_info(folders / "model", "checkpoints/a-fine-tune")
    Image.new("RGB", (4, 4)).save(tmp_path / "image.png", pnginfo=info)
    with Image.open(tmp_path / "image.png") as opened:
        assert opened.info["Base model"] == "checkpoints/a-fine-tune"
        assert opened.info["Trained on base model"] == str(folders / "base")


@pytest.mark.parametrize("other", ["sdxl", "own"])
def test_a_base_of_another_family_is_refused(folders: Path, other: str, tmp_path: Path) -> None:
    if other == "own":
        base = base_folders.write_own(tmp_path / "other")
        config = tmp_path / "other/unet/config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "cross_attention_dim": 24}))
    else:
        base = base_folders.write_sd(tmp_path / "other", other)
    with pytest.raises(
        BaseModelError, match=r"other: of another family than .*cross_attention_dim \d+ and 16"
    ):
        load_on_base(folders / "model", base)


def test_a_base_of_other_shapes_is_refused_before_a_weight_is_read(folders: Path, tmp_path: Path) -> None:
    base = shutil.copytree(folders / "base", tmp_path / "wide")
    config = json.loads((base / "unet/config.json").read_text())
    (base / "unet/config.json").write_text(json.dumps({**config, "block_out_channels": [8, 16, 16, 16]}))
    (base / UNET).unlink()
    with pytest.raises(BaseModelError, match=r"of other shapes than the base of the training \(found layers"):
        load_on_base(folders / "model", base)


def test_a_style_encoder_of_other_weights_is_refused(folders: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file(timm.create_model("test_convnext").state_dict(), other)
    with pytest.raises(BaseModelError, match=r"safetensors: (changed since|.*no such file)"):
        load_on_base(folders / "model", folders / "tuned", other)
    with pytest.raises(BaseModelError, match=r"gone: missing .* pass `style_encoder_weights`"):
        load_on_base(folders / "model", folders / "tuned", tmp_path / "gone")


def test_a_base_needs_the_style_encoder_of_the_training_where_that_was_part_of_it(tmp_path: Path) -> None:
    base = base_folders.write_own(tmp_path / "base")
    trained(model_params(base=str(base))).save_pretrained(tmp_path / "model")
    tuned = fine_tuned(base, tmp_path / "tuned")
    assert torch.isfinite(image(load_on_base(tmp_path / "model", tuned))).all()
    shutil.rmtree(tuned / "style_encoder")
    with pytest.raises(BaseModelError, match="without the style encoder that"):
        load_on_base(tmp_path / "model", tuned)


def test_a_model_without_a_base_and_a_folder_that_is_none_are_refused(folders: Path, tmp_path: Path) -> None:
    trained(model_params()).save_pretrained(tmp_path / "whole")
    with pytest.raises(BaseModelError, match=r"whole: not on a base model"):
        load_on_base(tmp_path / "whole", folders / "base")
    with pytest.raises(BaseModelError, match=r"nowhere/provenance\.json: "):
        load_on_base(tmp_path / "nowhere", folders / "base")
    with pytest.raises(BaseModelError, match=r"nowhere/unet/config\.json: "):
        load_on_base(folders / "model", tmp_path / "nowhere")
