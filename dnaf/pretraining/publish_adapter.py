"""The pretrained adapter as a model folder that `train.init` takes, small enough for git.

What DNAF's own training wrote, with its weights in float16 and the loss curves of its trainings beside them.
"""

import json
import os.path
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from dnaf.core import files
from dnaf.model.saving import PROVENANCE

STAGES = ("adapter_crops", "adapter_whole", "adapter_longer")
_VARIANT = "full"
_PROMPT = "prompt_embedding"


def publish_adapter(work: Path, output: Path, stage: str) -> None:
    """Writes the model folder of the adapter with all of DNAF's parts.

    Args:
        work: what the stages of the pretraining wrote.
        stage: of `STAGES`, the last one that it went through.

    Raises:
        StateError: the model is missing, incomplete or damaged.
        ResourceError: the disk is full or not writable.
    """
    model = work / f"{stage}_{_VARIANT}" / "model"
    info = files.require_complete(model)
    provenance = json.loads((model / PROVENANCE).read_text())
    base = os.path.normpath(model / provenance["base"]["folder"])
    provenance["base"]["folder"] = os.path.relpath(base, output)
    with files.atomic_folder(output) as temporary:
        shutil.copytree(model, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns(files.MANIFEST))
        files.write_json(temporary / PROVENANCE, provenance)
        for path in temporary.glob("adapter/*.safetensors"):
            # The prompt's embedding is no weight: by its digest a base is recognised.
            weights = {
                name: tensor if name == _PROMPT else tensor.to(torch.float16)
                for name, tensor in load_file(path).items()
            }
            save_file(weights, path, metadata={"format": "pt"})
        for each in STAGES[: STAGES.index(stage) + 1]:
            (temporary / "logs").mkdir(exist_ok=True)
            shutil.copyfile(work / f"{each}_{_VARIANT}" / "loss.csv", temporary / "logs" / f"{each}.csv")
        files.write_manifest(temporary, info)
