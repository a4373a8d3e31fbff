"""Every family of Stable Diffusion: at its real configuration without weights, and tiny with weights."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers import UNet2DConditionModel as UNet
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from dnaf.core.errors import BaseModelError
from dnaf.model.autoencoder import FrozenVae
from dnaf.model.build import adapter_for, build, style_encoder_for
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.model.pretrained import stable_diffusion
from dnaf.model.pretrained.base_model import BaseModel, inspect_base, load_base
from dnaf.model.pretrained.prompt import PROMPT, Prompt
from dnaf.model.pretrained.provenance import Provenance
from dnaf.pipeline import assemble
from tests.helpers import base_folders
from tests.helpers.training_project import model_params

UNET = "unet/diffusion_pytorch_model.safetensors"
PREDICTIONS = {"sd-2.1": "v_prediction"}


@pytest.mark.parametrize("family", base_folders.FAMILIES)
def test_the_adapter_fits_the_real_configuration(family: str) -> None:
    height, width = (1024, 704) if family == "sdxl" else (512, 352)
    text, pooled = base_folders.UNETS[family]["cross_attention_dim"], None
    with torch.device("meta"), torch.no_grad():
        unet = UNet(**base_folders.UNETS[family]).requires_grad_(False)
        if family == "sdxl":
            pooled = torch.zeros(1, 1280)
        model = BaseModel(
            unet,
            FrozenVae(AutoencoderKL(**base_folders.VAE)),
            DDIMScheduler(),
            Prompt(torch.zeros(1, 77, text), pooled),
            None,
            Provenance("", {}),
        )
        params = model_params(style_encoder="swin_base_patch4_window7_224", style_scale=0.5)
        style_encoder = style_encoder_for(params, model)
        adapter = adapter_for(model, style_encoder, params, 3)
        denoiser = DNAFDenoiser(unet, adapter, style_encoder)
        style, poses = torch.zeros(1, 3, height, width), torch.zeros(2, 3, height, width)
        latent = model.autoencoder.encode(style)
        assert latent.shape == (1, 4, height // 8, width // 8)
        encoded = denoiser.encode(style, poses[:1], poses)
        noisy, style_index = latent.expand(2, -1, -1, -1), torch.zeros(2, dtype=torch.long)
        timestep = torch.zeros((), dtype=torch.long)
        prediction = denoiser.denoise(noisy, latent, timestep, encoded, style_index)
    assert prediction.shape == noisy.shape
    num_levels = len(base_folders.UNETS[family]["block_out_channels"])
    levels = [1, 2] if family == "sdxl" else [0, 1, 2, 3]  # the first of SDXL's three has no transformers
    assert levels[-1] == num_levels - 1
    assert style_encoder is not None
    assert style_encoder.config.map_indices == levels
    assert style_encoder.reductions == tuple(8 * 2**level for level in levels)
    assert adapter.config.style_maps == {str(level): index for index, level in enumerate(levels)}
    assert sum(each.numel() for each in adapter.parameters()) > 100e6


@pytest.mark.parametrize("family", base_folders.FAMILIES)
def test_a_tiny_one_is_loaded_and_generates(family: str, tmp_path: Path) -> None:
    folder = base_folders.write_sd(tmp_path, family)
    components = build(model_params(base=str(folder)), 0)
    assert components.scheduler.config.prediction_type == PREDICTIONS.get(family, "epsilon")
    assert not components.scheduler.config.clip_sample
    for name, tensor in load_file(folder / UNET).items():
        assert torch.equal(components.unet.state_dict()[name], tensor), name
    pipeline = assemble(components)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    image = pipeline(
        style=torch.full((1, 3, 64, 48), 0.5),
        style_pose_map=torch.zeros(1, 3, 64, 48),
        pose_map=torch.zeros(2, 3, 64, 48),
        num_inference_steps=2,
        generator=generator,
        output_type="pt",
    ).images
    assert image.shape == (2, 3, 64, 48)
    assert image.isfinite().all()


def diffusers_prompt(folder: Path, family: str) -> Prompt:
    """As diffusers' own pipeline computes it."""
    components = {
        "vae": AutoencoderKL.from_pretrained(folder / "vae"),
        "unet": UNet.from_pretrained(folder / "unet"),
        "scheduler": DDIMScheduler.from_pretrained(folder / "scheduler"),
        "text_encoder": CLIPTextModel.from_pretrained(folder / "text_encoder"),
        "tokenizer": CLIPTokenizer.from_pretrained(folder / "tokenizer"),
    }
    if family == "sdxl":
        second = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2")
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer_2")
        pipeline = StableDiffusionXLPipeline(**components, text_encoder_2=second, tokenizer_2=tokenizer)
        embedding, _, pooled, _ = pipeline.encode_prompt(PROMPT, do_classifier_free_guidance=False)
        return Prompt(embedding, pooled)
    pipeline = StableDiffusionPipeline(
        **components, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    return Prompt(pipeline.encode_prompt(PROMPT, "cpu", 1, do_classifier_free_guidance=False)[0])


@pytest.mark.parametrize("family", ["sd-1.5", "sd-2.1", "sdxl"])
@torch.no_grad()
def test_the_prompt_is_embedded_as_diffusers_does_it(family: str, tmp_path: Path) -> None:
    folder = base_folders.write_sd(tmp_path, family)
    ours = load_base(folder).prompt
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = diffusers_prompt(folder, family)
    assert ours.embedding.shape == (1, 77, base_folders.tiny_unet(family)["cross_attention_dim"])
    torch.testing.assert_close(ours.embedding, theirs.embedding, atol=1e-6, rtol=0)
    assert (ours.pooled is None) == (family != "sdxl")
    if ours.pooled is not None:
        torch.testing.assert_close(ours.pooled, theirs.pooled, atol=1e-6, rtol=0)
    # Words matter: an embedding of nothing but padding would pass a comparison of shapes.
    assert (ours.embedding[:, 1:10] - ours.embedding[:, -9:]).abs().max() > 1e-3


def test_the_prompt_is_kept_in_the_adapter(tmp_path: Path) -> None:
    folder = base_folders.write_sd(tmp_path, "sdxl")
    components = build(model_params(base=str(folder)), 0)
    assert components.adapter.base is not None
    assert components.adapter.kept_prompt.digest == components.adapter.base.prompt
    assert load_base(folder, prompt=components.adapter.kept_prompt).provenance == components.adapter.base


@torch.no_grad()
def test_stable_diffusion_xl_is_told_its_size_as_diffusers_tells_it(tmp_path: Path) -> None:
    components = build(model_params(base=str(base_folders.write_sd(tmp_path, "sdxl"))), 0)
    noisy, style_index = torch.randn(2, 4, 8, 6), torch.arange(2)
    style, pose = torch.zeros(2, 3, 64, 48), torch.zeros(2, 3, 64, 48)
    denoiser = assemble(components).denoiser
    keep = torch.zeros(2, dtype=torch.bool)
    encoded = denoiser.encode(style, pose, pose)
    ours = denoiser.denoise(noisy, noisy, torch.tensor(500), encoded, style_index, keep)
    prompt = components.adapter.kept_prompt
    assert prompt.pooled is not None
    plain = load_base(tmp_path).unet(
        noisy,
        500,
        prompt.embedding.expand(2, -1, -1),
        added_cond_kwargs={
            "text_embeds": prompt.pooled.expand(2, -1),
            "time_ids": torch.tensor([[64, 48, 0, 0, 64, 48]] * 2),
        },
    )
    torch.testing.assert_close(ours, plain.sample, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_half_precision_files_are_taken_where_full_ones_were_not_fetched(tmp_path: Path) -> None:
    folder = base_folders.write_sd(tmp_path, "sd-1.5")
    full = load_base(folder)
    base_folders.use_half_precision(folder)
    half = load_base(folder)
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in half.provenance.sha256
    for name, tensor in full.unet.state_dict().items():
        torch.testing.assert_close(half.unet.state_dict()[name], tensor.half().float(), atol=0, rtol=0)


def test_weights_in_several_files_are_put_together(tmp_path: Path) -> None:
    folder = base_folders.write_sd(tmp_path, "sd-1.5")
    full = load_base(folder)
    UNet.from_pretrained(folder / "unet").save_pretrained(tmp_path / "split", max_shard_size="20KB")
    (folder / UNET).unlink()
    for path in (tmp_path / "split").iterdir():
        path.replace(folder / "unet" / path.name)
    split = load_base(folder)
    assert len(split.provenance.sha256) > len(full.provenance.sha256)
    for name, tensor in full.unet.state_dict().items():
        assert torch.equal(split.unet.state_dict()[name], tensor), name


def test_the_autoencoder_stays_in_float32_where_float16_overflows(tmp_path: Path) -> None:
    autoencoder = load_base(base_folders.write_sd(tmp_path, "sdxl"), torch.float16).autoencoder
    assert isinstance(autoencoder, FrozenVae)
    assert autoencoder.dtype == torch.float32
    assert autoencoder.vae.config.scaling_factor == 0.13025
    autoencoder.half()
    assert autoencoder.encode(torch.zeros(1, 3, 32, 24)).isfinite().all()
    assert autoencoder.dtype == torch.float32


@pytest.mark.parametrize(
    ("family", "prediction_type"),
    [("sd-1.5", "epsilon"), ("sd-2.1", "v_prediction")],
)
def test_inspection_tells_what_is_there(family: str, prediction_type: str, tmp_path: Path) -> None:
    found = inspect_base(base_folders.write_sd(tmp_path, family))
    assert (found.prediction_type, found.downscale) == (prediction_type, 8)


def test_families_are_named_by_what_their_cross_attention_reads() -> None:
    assert [stable_diffusion.family(unet) for unet in base_folders.UNETS.values()] == [
        "Stable Diffusion 1",
        "Stable Diffusion 1",
        "Stable Diffusion 2",
        "Stable Diffusion 2",
        "Stable Diffusion XL",
    ]


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def inpainting(folder: Path) -> None:
    change(folder / "unet/config.json", in_channels=9)


def unclip(folder: Path) -> None:
    change(folder / "unet/config.json", class_embed_type="projection")


def latent_consistency(folder: Path) -> None:
    change(folder / "unet/config.json", time_cond_proj_dim=256)


def other_text(folder: Path) -> None:
    change(folder / "text_encoder/config.json", architectures=["T5EncoderModel"])


def diffusion_transformer(folder: Path) -> None:
    (folder / "unet").rename(folder / "transformer")


def other_autoencoder(folder: Path) -> None:
    change(folder / "vae/config.json", _class_name="AutoencoderKLTemporalDecoder")


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer/vocab.json").unlink()


def short_vocabulary(folder: Path) -> None:
    path = folder / "tokenizer/vocab.json"
    tokens = json.loads(path.read_text())
    path.write_text(json.dumps({token: index for token, index in tokens.items() if token != "a"}))


def cut_text(folder: Path) -> None:
    path = folder / "text_encoder/model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def other_words(folder: Path) -> None:
    path = folder / "text_encoder/model.safetensors"
    tensors = load_file(path)
    del tensors["text_model.final_layer_norm.bias"]
    save_file(tensors, path)


def pointers(folder: Path) -> None:
    for path in folder.rglob("*.safetensors"):
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3438167534\n")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (inpainting, r"unet/config.json: an inpainting model \(found in_channels 9, expected 4\)"),
        (unclip, r"unet/config.json: a UNet with another input \(found class_embed_type projection"),
        (latent_consistency, r"another input \(found time_cond_proj_dim 256"),
        (
            other_text,
            r"text_encoder/config.json: another kind of model \(found T5EncoderModel, expected CLIP",
        ),
        (diffusion_transformer, r"another kind of model \(found transformer, expected the folder unet"),
        (other_autoencoder, r"vae/config.json: another kind of model \(found AutoencoderKLTemporalDecoder"),
        (no_tokenizer, r"tokenizer/vocab.json: missing"),
        (short_vocabulary, r"tokenizer/vocab.json: not the text encoder's \(found 513 tokens, expected 514"),
        (cut_text, r"text_encoder/model.safetensors: damaged"),
        (other_words, r"model.safetensors: 1 of \d+ tensors missing \(first: final_layer_norm.bias"),
        (pointers, r"unet/diffusion_pytorch_model.safetensors: a pointer of git-lfs"),
    ],
)
def test_a_relative_or_a_damaged_one_is_refused_in_one_sentence(
    tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    folder = base_folders.write_sd(tmp_path, "sd-1.5")
    damage(folder)
    with pytest.raises(BaseModelError, match=sentence) as caught:
        load_base(folder)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)
