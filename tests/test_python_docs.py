"""The code of docs/python.md runs as it is printed."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.training_project import ROOT, SIZE, TrainingProject, random_inputs, tiny_pipeline


def test_the_example_makes_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TrainingProject(tmp_path).write_model()
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)[0]
    exec(example, {})
    with Image.open("posed.png") as image:
        assert image.size == SIZE[::-1]


def test_the_scheduler_of_the_table_runs() -> None:
    (line,) = re.findall(r"`(pipeline.scheduler = .*?)`", (ROOT / "docs/python.md").read_text())
    pipeline, inputs = tiny_pipeline(), random_inputs(1, 1)
    exec(f"from diffusers import UniPCMultistepScheduler\n{line}", {"pipeline": pipeline})
    images = {"style": inputs.image, "style_pose_map": inputs.style_pose_map, "pose_map": inputs.pose_map}
    assert pipeline(**images, num_inference_steps=2).num_model_calls == 2
