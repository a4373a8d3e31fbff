from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from transformers import SwinConfig, SwinForImageClassification

from dnaf.core import files
from dnaf.core.errors import BaseModelError
from dnaf.model.build import build
from dnaf.model.pretrained.style_weights import load_style_weights, swin_to_timm
from dnaf.model.style_encoder import StyleEncoder
from tests.helpers import base_folders
from tests.helpers.training_project import model_params

SIZES = {"image_size": 112, "patch_size": 4, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4]}


@pytest.fixture
def swin() -> SwinForImageClassification:
    """Hugging Face's Swin at tiny size; its position biases are not zero."""
    torch.manual_seed(0)
    model = SwinForImageClassification(SwinConfig(**SIZES, window_size=7)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


@torch.no_grad()
@pytest.mark.parametrize("size", [(112, 112), (112, 168)])
def test_a_converted_swin_gives_the_maps_of_hugging_faces(
    swin: SwinForImageClassification, size: tuple[int, int], tmp_path: Path
) -> None:
    swin.save_pretrained(tmp_path)  # the names of the published folder, which transformers 5 has no longer
    tensors = load_file(tmp_path / "model.safetensors")
    assert "swin.encoder.layers.0.blocks.0.attention.self.query.weight" in tensors
    ours = timm.create_model(
        "swin_base_patch4_window7_224",
        img_size=112,
        embed_dim=8,
        depths=(2, 2),
        num_heads=(2, 4),
        num_classes=2,
        strict_img_size=False,
    ).eval()
    ours.load_state_dict(swin_to_timm(tensors))
    image = torch.randn(1, 3, *size)
    embedded, grid = swin.swin.embeddings(image)
    theirs = swin.swin.encoder(
        embedded, grid, output_hidden_states=True, output_hidden_states_before_downsampling=True
    ).reshaped_hidden_states[1:]
    maps = ours.forward_intermediates(image, intermediates_only=True, output_fmt="NCHW")
    assert len(maps) == len(theirs) == 2
    for mine, other in zip(maps, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def pretrained(name: str) -> torch.nn.Module:
    torch.manual_seed(5)
    return timm.create_model(name, pretrained=False)


@torch.no_grad()
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("name", ["test_convnext", "test_resnet"])
def test_a_file_of_timm_fills_the_encoder(name: str, suffix: str, tmp_path: Path) -> None:
    model, path = pretrained(name).eval(), tmp_path / f"{name}{suffix}"
    tensors = model.state_dict()
    save_file(tensors, path) if suffix == ".safetensors" else torch.save({"state_dict": tensors}, path)
    encoder = StyleEncoder.for_levels(name, {0: 4, 1: 8}).eval()
    provenance = load_style_weights(encoder, path)
    assert provenance.sha256 == {path.name: files.digest(path)}
    style = torch.rand(1, 3, 64, 48) * 2 - 1
    normalised = ((style + 1) / 2 - encoder.pixel_mean) / encoder.pixel_std
    expected = model.forward_intermediates(
        normalised, indices=list(encoder.config.map_indices), intermediates_only=True
    )
    for ours, theirs in zip(encoder(style), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


def test_the_authors_layout_of_swin_is_converted(tmp_path: Path) -> None:
    name = "swin_tiny_patch4_window7_224"
    tensors = pretrained(name).state_dict()
    old = {}
    for key, tensor in tensors.items():
        names = key.replace("head.fc.", "head.").split(".")
        if "downsample" in names:
            names[1] = str(int(names[1]) - 1)
        old[".".join(names)] = tensor
    torch.save({"model": old}, tmp_path / "swin.pth")
    encoder = StyleEncoder.for_levels(name, {0: 4, 1: 8, 2: 16, 3: 32})
    load_style_weights(encoder, tmp_path / "swin.pth")
    key = "layers_1.downsample.reduction.weight"
    assert torch.equal(encoder.backbone.state_dict()[key], tensors["layers.1.downsample.reduction.weight"])


def test_a_hugging_face_folder_is_the_style_encoder_of_a_model(tmp_path: Path) -> None:
    config = SwinConfig(embed_dim=96, depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], window_size=7)
    SwinForImageClassification(config).save_pretrained(tmp_path / "swin")
    own = base_folders.write_own(tmp_path / "base")
    components = build(
        model_params(
            base=str(own),
            style_encoder="swin_tiny_patch4_window7_224",
            style_encoder_weights=str(tmp_path / "swin"),
            style_scale=0.5,
        ),
        0,
    )
    assert components.style_encoder is not None
    assert components.adapter.style_weights is not None
    assert list(components.adapter.style_weights.sha256) == ["model.safetensors"]
    tensors = load_file(tmp_path / "swin/model.safetensors")
    theirs = tensors["swin.encoder.layers.0.blocks.0.attention.self.key.weight"]
    ours = components.style_encoder.backbone.state_dict()["layers_0.blocks.0.attn.qkv.weight"]
    assert torch.equal(ours[96:192], theirs)
    assert not [each for each in components.style_encoder.parameters() if each.requires_grad]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"weights.pth: missing.*stages.doctor"),
        (b"", r"weights.pth: not a file of tensors"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"weights.pth: a pointer of git-lfs"),
        ({"conv.weight": torch.zeros(1)}, r"weights.pth: \d+ of \d+ tensors missing \(first: stages_0"),
        ([1], r"weights.pth: not a file of tensors \(found list\)"),
        ({"call": print}, r"weights.pth: not a file of tensors"),
    ],
    ids=["absent", "empty", "pointer", "another model", "list", "code"],
)
def test_what_is_wrong_with_weights_is_one_sentence(content: object, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(BaseModelError, match=sentence) as caught:
        load_style_weights(StyleEncoder.for_levels("test_convnext", {0: 4, 1: 8}), path)
    assert "\n" not in str(caught.value)


def test_a_hugging_face_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(BaseModelError, match=r"config.json: not a Swin.*found model_type vit"):
        load_style_weights(StyleEncoder.for_levels("test_convnext", {0: 4, 1: 8}), tmp_path)
