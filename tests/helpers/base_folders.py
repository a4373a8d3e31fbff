"""Base model folders at tiny size, with random weights, as their authors publish them.

The configurations are those of the published folders; `tiny` shrinks them and keeps their structure.
"""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.model.pretrained.prompt import write_prompt
from dnaf.model.style_encoder import StyleEncoder

PROMPT_CHANNELS = 16

_THREE_AND_PLAIN: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}
UNETS: dict[str, dict[str, Any]] = {
    "sd-1.4": {**_THREE_AND_PLAIN, "sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd-1.5": {**_THREE_AND_PLAIN, "sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "sd-2.1-base": {
        **_THREE_AND_PLAIN,
        "sample_size": 64,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    },
    "sd-2.1": {
        **_THREE_AND_PLAIN,
        "sample_size": 96,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
        "upcast_attention": True,
    },
    "sdxl": {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
_TINY_UNETS: dict[str, dict[str, Any]] = {
    "sdxl": {
        "block_out_channels": (8, 8, 16),
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (2, 2, 4),
        "cross_attention_dim": 16 + 24,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 20 + 6 * 8,
    },
    "sd-2.1": {"attention_head_dim": (1, 1, 2, 2), "cross_attention_dim": 16},
    "sd-2.1-base": {"attention_head_dim": (1, 1, 2, 2), "cross_attention_dim": 16},
    "sd-1.4": {"attention_head_dim": 2, "cross_attention_dim": 16},
    "sd-1.5": {"attention_head_dim": 2, "cross_attention_dim": 16},
}
_BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "clip_sample": False,
}
SCHEDULERS: dict[str, dict[str, Any]] = {
    "sd-1.4": {"_class_name": "PNDMScheduler", **_BETAS},
    "sd-1.5": {"_class_name": "PNDMScheduler", **_BETAS},
    "sd-2.1-base": {"_class_name": "PNDMScheduler", **_BETAS, "prediction_type": "epsilon"},
    "sd-2.1": {"_class_name": "DDIMScheduler", **_BETAS, "prediction_type": "v_prediction"},
    "sdxl": {
        "_class_name": "EulerDiscreteScheduler",
        **_BETAS,
        "prediction_type": "epsilon",
        "interpolation_type": "linear",
        "timestep_spacing": "leading",
        "use_karras_sigmas": False,
    },
}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}
SCALING = {"sdxl": {"scaling_factor": 0.13025, "force_upcast": True}}
FAMILIES = tuple(UNETS)


def write_own(folder: Path, unshuffle: int = 2, with_style_encoder: bool = True) -> Path:
    """A base of our own layout: lossless autoencoder, prompt as a tensor, x0 prediction."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        autoencoder = LosslessAutoencoder(unshuffle)
        UNet2DConditionModel(
            in_channels=autoencoder.latent_channels,
            out_channels=autoencoder.latent_channels,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=PROMPT_CHANNELS,
            attention_head_dim=2,
        ).save_pretrained(folder / "unet")
        autoencoder.save_pretrained(folder / "autoencoder")
        DDIMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            prediction_type="sample",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
            clip_sample=False,
        ).save_pretrained(folder / "scheduler")
        write_prompt(folder / "prompt.safetensors", torch.randn(1, 4, PROMPT_CHANNELS))
        if with_style_encoder:
            levels = {1: 2 * unshuffle}
            StyleEncoder.for_levels("test_convnext", levels).save_pretrained(folder / "style_encoder")
    (folder / "README.md").write_text("how it was trained\n")
    return folder


def tiny_unet(family: str) -> dict[str, Any]:
    """The UNet's configuration with the family's structure and few channels."""
    small = {"block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "norm_num_groups": 8}
    return {**UNETS[family], **small, **_TINY_UNETS[family]}


def write_sd(folder: Path, family: str) -> Path:
    """A folder of Stable Diffusion, with the names of tensors that the published ones have."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        UNet2DConditionModel(**tiny_unet(family)).save_pretrained(folder / "unet")
        vae = {**VAE, "block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 8}
        AutoencoderKL(**vae, **SCALING.get(family, {})).save_pretrained(folder / "vae")
        _write_text(folder, "", CLIPTextModel, hidden_size=16)
        if family == "sdxl":
            _write_text(folder, "_2", CLIPTextModelWithProjection, hidden_size=24, projection_dim=20)
    if family.startswith("sd-1"):
        _use_old_vae_names(folder / "vae/diffusion_pytorch_model.safetensors")
    (folder / "scheduler").mkdir()
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULERS[family]))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    _write_tokenizer(folder / "tokenizer", pad="!" if family.startswith("sd-2") else "<|endoftext|>")
    if family == "sdxl":
        _write_tokenizer(folder / "tokenizer_2", pad="!")
    return folder


def use_half_precision(folder: Path) -> None:
    """Leaves only the variant fp16 of every component, as `git lfs pull --include '*.fp16.*'` does."""
    for path in folder.rglob("*.safetensors"):
        halves = {name: tensor.half() for name, tensor in load_file(path).items()}
        save_file(halves, path.with_suffix(".fp16.safetensors"))
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3438167534\n")


def _write_text(folder: Path, suffix: str, kind: Any, **sizes: int) -> None:
    config = CLIPTextConfig(
        vocab_size=514,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        bos_token_id=512,
        eos_token_id=513,
        **sizes,
    )
    target = folder / f"text_encoder{suffix}"
    kind(config).save_pretrained(target)
    # The published files are older than transformers 5, which took the model out of `text_model`.
    path = target / "model.safetensors"
    tensors = {
        name if name.startswith(("text_model.", "text_projection.")) else f"text_model.{name}": tensor
        for name, tensor in load_file(path).items()
    }
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(tensors, path, metadata={"format": "pt"})


def _write_tokenizer(folder: Path, pad: str) -> None:
    """CLIP's tokenizer without merges: every byte is a token, or the last of its word."""
    folder.mkdir()
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [each for each in range(256) if each not in visible]
    bytes_ = [chr(each) for each in visible] + [chr(256 + index) for index in range(len(others))]
    tokens = [*bytes_, *(f"{each}</w>" for each in bytes_), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    special = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": pad,
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    config = {**special, "pad_token": "<|endoftext|>", "model_max_length": 77, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**config, "tokenizer_class": "CLIPTokenizer", "add_prefix_space": False})
    )


def _use_old_vae_names(path: Path) -> None:
    today = {"to_q.": "query.", "to_k.": "key.", "to_v.": "value.", "to_out.0.": "proj_attn."}
    renamed = {}
    for name, tensor in load_file(path).items():
        for new, old in today.items():
            name = name.replace(f"attentions.0.{new}", f"attentions.0.{old}")
        renamed[name] = tensor
    save_file(renamed, path, metadata={"format": "pt"})
