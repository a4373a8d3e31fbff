"""The pretrained base as one folder that `model.base` takes, small enough for git.

    unet/  autoencoder/  scheduler/  style_encoder/  prompt.safetensors  logs/  README.md  manifest.json

Weights are in float16, as the stages wrote them; loading gives float32.
"""

import shutil
from pathlib import Path
from typing import Any

from dnaf.core import files
from dnaf.model.patch_autoencoder import PATCH
from dnaf.pretraining.params import Pretraining

_STAGES = ("autoencoder", "crops", "base")


def publish(work: Path, style_encoder: Path, output: Path, stage: str, params: Pretraining) -> None:
    """Writes the base folder.

    Args:
        work: what the stages of the pretraining wrote.
        style_encoder: of the base, copied as it is.
        stage: whose UNet is published, `crops` or `base`; `autoencoder`: none yet, only the autoencoder.

    Raises:
        StateError: a component is missing, incomplete or damaged.
        ResourceError: the disk is full or not writable.
    """
    done = _STAGES[: _STAGES.index(stage) + 1]
    infos = {each: files.require_complete(work / each) for each in done}
    files.require_complete(style_encoder)
    with files.atomic_folder(output) as temporary:
        (temporary / "autoencoder").mkdir()
        for name in ("config.json", "diffusion_pytorch_model.safetensors"):
            shutil.copyfile(work / "autoencoder" / name, temporary / "autoencoder" / name)
        if stage != "autoencoder":
            for name in ("unet", "scheduler"):
                shutil.copytree(work / stage / name, temporary / name)
            shutil.copyfile(work / stage / "prompt.safetensors", temporary / "prompt.safetensors")
        shutil.copytree(style_encoder, temporary / "style_encoder")
        for each in done:
            (temporary / "logs").mkdir(exist_ok=True)
            shutil.copyfile(work / each / "loss.csv", temporary / "logs" / f"{each}.csv")
        files.write_atomic(temporary / "README.md", _readme(stage, infos, params))
        sizes = {each: _size(getattr(params, each).crop, params) for each in done if each != "autoencoder"}
        info = {"seed": params.seed, "sizes": list(sizes.values()), "stages": infos}
        files.write_manifest(temporary, info)


def _size(crop: int | None, params: Pretraining) -> list[int]:
    """Height and width in pixels of what a stage trained on."""
    return list(params.people.size) if crop is None else [crop * PATCH, crop * PATCH]


def _readme(stage: str, infos: dict[str, dict[str, Any]], params: Pretraining) -> str:
    people, channels = params.people, infos["autoencoder"]["latent_channels"]
    psnr = infos["autoencoder"]["psnr"]
    rows = "\n".join(
        f"| {name} | {info['steps']:,} steps of {info['batch_size']} | {info['cpu_hours']:.2f} |"
        for name, info in infos.items()
    )
    unet = (
        "There is no UNet yet: this is the autoencoder alone, on which the pretraining goes on."
        if stage == "autoencoder"
        else f"A UNet of Stable Diffusion's class, trained as a plain denoiser ({stage} is the last stage "
        "below): no pose, no style encoder and no appearance block was used. Some of the examples were "
        "sheets, two views of one person of which the second saw the first's keys and values at the same "
        "noise level."
    )
    return f"""\
# A base for drawn people of {people.height}x{people.width} pixels

{unet}
The autoencoder is a `PatchAutoencoder` of {channels} channels in cells of 4x4 pixels, with a PSNR of
{psnr} dB on people that it was not trained on. The style encoder is EfficientNet-Lite0, trained on ImageNet,
see [style_encoder/README.md](style_encoder/README.md).

Made by `uv run dvc --cd pretraining repro` and `uv run python -m pretraining.publish {stage}` from
[pretraining/params.yaml](../../../pretraining/params.yaml), on {people.num_outfits:,} drawn outfits in six
views each, of seed {params.seed} (the demo's people are of another seed).

| training | length | CPU hours |
|---|---|---|
{rows}

`logs/` holds the loss of each, `manifest.json` the sha256 of every file and all parameters. Weights are in
float16.
"""
