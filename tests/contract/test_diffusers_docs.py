"""The code of docs/diffusers.md runs as it is printed, at a tiny size."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

from dnaf.core import files
from tests.helpers import base_folders
from tests.helpers.training_project import ROOT, model_params, tiny_pipeline
from tests.model.test_saving import trained

SIZE = (64, 48)
PAGE = (ROOT / "docs/diffusers.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_a_photograph_becomes_an_image_and_the_adapter_goes_onto_another_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mediapipe")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "docs/examples", "docs/examples")
    pipeline = tiny_pipeline()
    pipeline.adapter.register_to_config(trained_size=SIZE)
    pipeline.save_pretrained("data/model")
    files.write_manifest(Path("data/model"))
    names: dict[str, Any] = {}
    on_one, on_another = EXAMPLES
    exec(on_one, names)
    with Image.open("posed.png") as image:
        assert image.size == SIZE[::-1]

    base = base_folders.write_sd(Path("checkpoints/base"), "sd-1.5")
    shutil.copytree(base, "checkpoints/a-fine-tune")
    (Path("checkpoints/a-fine-tune/scheduler/scheduler_config.json")).write_text(
        (base / "scheduler/scheduler_config.json").read_text() + "\n"
    )
    weights = "checkpoints/encoder.safetensors"
    save_file(timm.create_model("test_convnext").state_dict(), weights)
    trained(model_params(base=str(base), style_encoder_weights=weights)).save_pretrained(
        "checkpoints/their-model"
    )
    capsys.readouterr()
    exec(on_another, names)
    assert "not the base that checkpoints/their-model was trained on" in capsys.readouterr().err
    with Image.open("posed-on-another-base.png") as image:
        assert image.size == SIZE[::-1]
        assert image.info["Base model"] == "checkpoints/a-fine-tune"
