"""The pretrained adapter as a model folder that `train.init` takes, small enough for git.

What DNAF's own training wrote, with its weights in float16 and the loss curves of its trainings beside them.
"""

import json
import os.path
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from dnaf.core import commands, files
from dnaf.core.errors import StateError
from dnaf.model.saving import PROVENANCE

_PROMPT = "prompt_embedding"


def publish_adapter(work: Path, output: Path) -> None:
    """Writes the model folder of an adapter as its last round left it.

    Args:
        work: the folder of its rounds, `1`, `2`, …

    Raises:
        StateError: the model is missing, incomplete or damaged.
        ResourceError: the disk is full or not writable.
    """
    rounds = sorted(work.glob("[0-9]*"), key=lambda path: int(path.name))
    if not rounds:
        raise StateError(f"{work}: holds no round. Run `{commands.module('pretraining', 'adapter')} full 1`.")
    model = rounds[-1] / "model"
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
        (temporary / "logs").mkdir(exist_ok=True)
        for each in rounds:
            shutil.copyfile(each / "loss.csv", temporary / "logs" / f"{each.name}.csv")
        files.write_manifest(temporary, info)
