import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from dnaf.core import files
from dnaf.core.errors import BaseModelError, ConfigError, StateError
from dnaf.doctor.model import inspect_model
from dnaf.model import build as base
from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.model.components import Components
from dnaf.model.pretrained.base_model import inspect_base, load_base, require_trained_size
from dnaf.model.pretrained.prompt import read_prompt
from dnaf.pipeline import DNAFPipeline, assemble
from tests.helpers import base_folders
from tests.helpers.no_network import no_network
from tests.helpers.training_project import ROOT, model_params, random_inputs

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return base_folders.write_own(tmp_path / "base")


def build(folder: Path, **changes: object) -> Components:
    return base.build(model_params(base=str(folder), **changes), 0)


def test_a_base_is_frozen_and_the_adapter_is_what_is_trained(own: Path) -> None:
    components = build(own)
    assert components.style_encoder is not None
    for frozen in (components.unet, components.autoencoder, components.style_encoder):
        assert not [name for name, each in frozen.named_parameters() if each.requires_grad]
    assert all(each.requires_grad for each in components.adapter.parameters())


def test_a_base_that_tells_its_size_is_refused_for_images_of_another(own: Path) -> None:
    require_trained_size(own, (128, 96))  # it tells none
    files.write_manifest(own, {"size": [64, 48]})
    require_trained_size(own, (64, 48))
    sentence = r"^params\.yaml: model\.base: .*base was trained .* \(found 128x96 pixels, expected 64x48;"
    with pytest.raises(ConfigError, match=sentence):
        require_trained_size(own, (128, 96))
    params = model_params(base=str(own))
    states = [inspect_model(params, None, size)[0].state for size in ((64, 48), (128, 96))]
    assert states == ["ok", "wrong"]


def test_the_bundled_base_tells_its_size_and_that_it_knows_drawn_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    params = model_params(base="data/base/people")
    found, *_ = inspect_model(params, None, (128, 96))
    assert found.state == "ok"
    assert "knows drawn people only" in found.detail
    assert inspect_model(params, None, (64, 48))[0].state == "wrong"


@pytest.mark.parametrize(
    ("base", "init", "state"),
    [
        ("data/base/people", None, "absent"),
        ("data/base/people", "data/adapter/people", "ok"),
        ("data/base/people", "data/adapter/none", "missing"),
        ("data/base/people", "data/artwork", "wrong"),
        (None, "data/adapter/people", "wrong"),
    ],
)
def test_the_adapter_to_start_from_is_looked_at_before_any_long_work(
    base: str | None, init: str | None, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert inspect_model(model_params(base=base), init, (128, 96))[2].state == state


def test_a_base_written_before_the_codec_was_called_autoencoder_loads(own: Path) -> None:
    now = load_base(own)
    (own / "autoencoder").rename(own / "codec")
    before = load_base(own)
    assert torch.equal(before.autoencoder.to_ycc, now.autoencoder.to_ycc)
    before.provenance.require(now.provenance)  # a model that was trained on either finds it unchanged
    config = own / "codec/config.json"
    config.write_text(config.read_text().replace("LosslessAutoencoder", "LosslessCodec"))
    assert isinstance(load_base(own).autoencoder, LosslessAutoencoder)


def test_the_weights_are_those_of_the_files(own: Path) -> None:
    components = build(own)
    for name, tensor in load_file(own / UNET).items():
        assert torch.equal(components.unet.state_dict()[name], tensor), name
    prompt = load_file(own / "prompt.safetensors")["prompt_embedding"]
    assert torch.equal(components.adapter.prompt_embedding, prompt)


def test_the_frozen_components_take_a_dtype_and_the_adapter_stays_float32(own: Path) -> None:
    components = base.build(model_params(base=str(own)), 0, dtype=torch.bfloat16)
    assert components.style_encoder is not None
    assert {each.dtype for each in components.unet.parameters()} == {torch.bfloat16}
    assert {each.dtype for each in components.style_encoder.parameters()} == {torch.bfloat16}
    assert {each.dtype for each in components.adapter.parameters()} == {torch.float32}


def test_without_its_style_a_target_is_denoised_as_the_plain_base_does(own: Path) -> None:
    components = build(own)
    denoiser, inputs = assemble(components).denoiser.eval(), random_inputs(2, 2)
    timestep, style_index = torch.tensor(600), torch.arange(2)
    with torch.no_grad():
        encoded = denoiser.encode(inputs.style, inputs.style_pose_map, inputs.pose_map)
        keep = torch.zeros(2, dtype=torch.bool)
        ours = denoiser.denoise(inputs.noise, inputs.style_noise, timestep, encoded, style_index, keep)
        plain = load_base(own).unet(
            inputs.noise, timestep, components.adapter.prompt_embedding.expand(2, -1, -1)
        )
    torch.testing.assert_close(ours, plain.sample, atol=1e-5, rtol=1e-5)


def test_the_adapter_is_a_function_of_the_seed(own: Path) -> None:
    state = torch.get_rng_state()
    first, again = build(own).adapter, build(own).adapter
    other = base.build(model_params(base=str(own)), 1).adapter
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert not torch.equal(first.pose.stem[1].weight, other.pose.stem[1].weight)


def test_provenance_names_every_file_that_was_read(own: Path) -> None:
    provenance = build(own).adapter.base
    assert provenance is not None
    assert provenance.folder == str(own)
    expected = {path.relative_to(own).as_posix() for path in own.rglob("*") if path.is_file()}
    expected -= {"README.md", "prompt.safetensors"}
    assert provenance.sha256 == {name: files.digest(own / name) for name in expected}
    assert provenance.prompt == read_prompt(own / "prompt.safetensors").digest


def test_a_style_encoder_that_the_base_lacks_is_random_and_frozen(tmp_path: Path) -> None:
    components = build(base_folders.write_own(tmp_path, with_style_encoder=False))
    assert components.style_encoder is not None
    assert not [name for name, each in components.style_encoder.named_parameters() if each.requires_grad]


def test_another_style_encoder_than_the_bases_is_refused(own: Path) -> None:
    with pytest.raises(ConfigError, match=r"model.style_encoder: .*'test_resnet', expected 'test_convnext'"):
        build(own, style_encoder="test_resnet")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=rf"^{tmp_path}/nothing: no such folder.*stages.doctor"):
        build(tmp_path / "nothing")


def change_config(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def without_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    del tensors["conv_in.bias"]
    save_file(tensors, folder / UNET)


def with_a_stranger(folder: Path) -> None:
    save_file({**load_file(folder / UNET), "stranger": torch.zeros(1)}, folder / UNET)


def with_another_shape(folder: Path) -> None:
    save_file({**load_file(folder / UNET), "conv_in.bias": torch.zeros(3)}, folder / UNET)


def cut(folder: Path) -> None:
    (folder / UNET).write_bytes((folder / UNET).read_bytes()[:-10])


def pointer(folder: Path) -> None:
    (folder / UNET).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3438167534\n")


def pickle_only(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet/diffusion_pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / UNET).unlink()


def no_prompt(folder: Path) -> None:
    (folder / "prompt.safetensors").unlink()


def wide_prompt(folder: Path) -> None:
    save_file({"prompt_embedding": torch.zeros(1, 4, 99)}, folder / "prompt.safetensors")


def strange_prompt(folder: Path) -> None:
    save_file({"other": torch.zeros(1)}, folder / "prompt.safetensors")


def no_config(folder: Path) -> None:
    (folder / "unet/config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "unet/config.json").write_text("{")


def video(folder: Path) -> None:
    change_config(folder / "unet/config.json", _class_name="UNet3DConditionModel")


def flow(folder: Path) -> None:
    change_config(folder / "scheduler/scheduler_config.json", prediction_type="flow_prediction")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (without_a_tensor, rf"{UNET}: 1 of \d+ tensors missing \(first: conv_in.bias\)"),
        (with_a_stranger, rf"{UNET}: 1 of \d+ tensors unexpected \(first: stranger\)"),
        (
            with_another_shape,
            rf"{UNET}: 1 tensors of another shape \(first: conv_in.bias, found \(3,\), expected \(8,\)",
        ),
        (cut, rf"{UNET}: damaged"),
        (pointer, rf"{UNET}: a pointer of git-lfs.*git lfs pull"),
        (pickle_only, r"unet: weights only as pickle, .*found diffusion_pytorch_model.bin"),
        (no_weights, r"unet: no weights"),
        (no_prompt, r"prompt.safetensors: missing"),
        (wide_prompt, r"unet/config.json: does not fit .*\(16, 0\), expected \(99, 0\)"),
        (strange_prompt, r"prompt.safetensors: not a prompt's embedding"),
        (no_config, r"unet/config.json: missing"),
        (broken_config, r"unet/config.json: not valid JSON"),
        (video, r"unet/config.json: another kind of model \(found UNet3DConditionModel, expected UNet2D"),
        (flow, r"scheduler_config.json: another kind of model \(found DDIMScheduler with .*flow_prediction"),
    ],
)
def test_what_is_wrong_with_a_base_is_one_sentence(own: Path, damage: object, sentence: str) -> None:
    assert callable(damage)
    damage(own)
    with pytest.raises(BaseModelError, match=sentence) as caught:
        build(own)
    assert str(caught.value).startswith(str(own))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18.a1_in1k", "local-dir:/etc", "timm/resnet18"])
def test_a_config_that_names_another_place_is_refused_and_not_followed(name: str, own: Path) -> None:
    """By loading and by doctor, in one sentence."""
    path = own / "style_encoder/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_name": name}))
    with no_network() as asked, pytest.raises(BaseModelError, match=r"not usable .*timm's registry"):
        load_base(own)
    with no_network() as asked_by_doctor:
        found, *_ = inspect_model(model_params(base=str(own)), None, (64, 48))
    assert not asked + asked_by_doctor
    assert found.state == "wrong"
    assert str(path) in found.detail


def test_a_folder_that_is_not_there_is_looked_for_nowhere_else(own: Path, tmp_path: Path) -> None:
    pipeline = assemble(build(own))
    pipeline.save_pretrained(tmp_path / "model")
    shutil.rmtree(tmp_path / "model/adapter")
    with no_network() as asked, pytest.raises(BaseModelError, match="adapter"):
        DNAFPipeline.from_pretrained(tmp_path / "model")
    assert not asked


def test_no_flipped_bit_of_a_base_with_a_manifest_is_trained_on(own: Path) -> None:
    files.write_manifest(own, {"size": [64, 48]})
    read = sorted(path for path in own.rglob("*") if path.is_file() and path.name != "README.md")
    assert len(read) == 9
    (own / "README.md").write_text("changed: nobody's input")
    load_base(own)
    for path in read:
        whole = bytearray(path.read_bytes())
        whole[-9] ^= 1  # of tensors: a low bit of a weight
        path.write_bytes(whole)
        with pytest.raises(BaseModelError, match=rf"^{own}/\S+: "):
            inspect_base(own)
        with pytest.raises((BaseModelError, StateError), match=rf"^{own}/\S+: "):
            load_base(own)
        whole[-9] ^= 1
        path.write_bytes(whole)
    load_base(own)


def test_no_flipped_bit_of_a_published_model_is_loaded(own: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assemble(build(own)).save_pretrained(folder)
    files.write_manifest(folder)
    (folder / "README.md").write_text("as the hub shows it")
    (folder / ".gitattributes").write_text("the hub's")
    DNAFPipeline.from_pretrained(folder)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".safetensors"):
            whole = bytearray(path.read_bytes())
            whole[-9] ^= 1
            path.write_bytes(whole)
            with pytest.raises(BaseModelError, match=rf"^{folder}"):
                DNAFPipeline.from_pretrained(folder)
            whole[-9] ^= 1
            path.write_bytes(whole)
