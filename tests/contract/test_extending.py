"""The examples of docs/extending.md, written into a project as they stand there, and run."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
from ruamel.yaml import YAML
from transformers import CLIPTextModel, CLIPTokenizer

from dnaf.core import files, images
from dnaf.data.store import ImageStore
from stages import evaluate, external, leaderboard, reference, summary
from tests.helpers.base_folders import write_sd
from tests.helpers.evaluation_project import ROOT, EvaluationProject
from tests.helpers.raw_folder import figure, write_annotations

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^`(?P<path>\S+)`:\n\n```(?P<language>\w+)\n(?P<text>.*?)```$", re.MULTILINE | re.DOTALL)
REGISTRATIONS = {"params.yaml", "dnaf/core/config.py"}


class Block(NamedTuple):
    path: str
    language: str
    text: str


def example(title: str) -> list[Block]:
    """The blocks of a section that say into which file they go."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [Block(*match.group("path", "language", "text")) for match in BLOCK.finditer(section)]


def apply(title: str, root: Path) -> None:
    """Does to a project what a section says."""
    for path, language, text in example(title):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path == "params.yaml":
            merge(target, YAML(typ="safe").load(text))
        elif language == "diff":
            (old,), (new,) = (re.findall(rf"^\{sign}(.*)$", text, re.MULTILINE) for sign in "-+")
            before = target.read_text(encoding="utf-8")
            assert before.count(old) == 1
            target.write_text(before.replace(old, new), encoding="utf-8")
        else:
            target.write_text(text, encoding="utf-8")


def merge(path: Path, changes: dict[str, Any]) -> None:
    yaml = YAML()
    params = yaml.load(path)
    for key, value in changes.items():
        if isinstance(value, dict):
            params[key].update(value)
        else:
            params[key] = value
    yaml.dump(params, path)


@pytest.mark.parametrize("title", ["A metric", "A protocol", "A method", "A renderer", "A data-set format"])
def test_every_thing_is_one_file_and_one_registration(title: str) -> None:
    paths = [block.path for block in example(title)]
    assert len([path for path in paths if path not in REGISTRATIONS]) == 1
    assert not any((ROOT / path).exists() for path in paths if path not in REGISTRATIONS)
    assert paths.count("params.yaml") == 1


def test_an_example_metric_touches_one_file(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then is in every table, with an interval, and in the summary."""
    root = evaluation_project.root
    evaluation_project.add_keypoints()
    monkeypatch.syspath_prepend(str(root))
    merge(root / "params.yaml", {"methods": ["copy_source"], "method": "copy_source"})
    before = {path for path in root.rglob("*") if path.is_file()}
    apply("A metric", root)
    assert {path for path in root.rglob("*") if path.is_file()} - before == {root / "extensions/contrast.py"}

    evaluate.main("demo", "copy_source", "cfld")
    leaderboard.main()
    summary.main()
    scores = pd.read_csv("data/scores/cfld/copy_source.csv")["contrast"]
    pair = evaluation_project.pairs[0]
    prepared = ImageStore(root / "data/prepared.zip")
    source, target = (prepared.image(f"{stem}.png") for stem in pair)
    assert scores[0] == pytest.approx(abs(source.std() - target.std()))
    numbers = json.loads(Path("metrics/leaderboard.json").read_text())["cfld"]["copy_source"]["numbers"]
    assert numbers["contrast"] == pytest.approx(scores.mean(), rel=1e-5)
    assert numbers["contrast_low"] <= numbers["contrast"] <= numbers["contrast_high"]
    assert json.loads(Path("metrics/summary.json").read_text())["contrast"] == numbers["contrast"]
    table = Path("metrics/leaderboard.md").read_text()
    assert "Contrast, levels ↓" in table
    assert "**Contrast**: 0 for images as rich in contrast" in table


def test_an_example_protocol_and_method_are_scored(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = evaluation_project.root
    evaluation_project.add_keypoints()
    monkeypatch.syspath_prepend(str(root))
    apply("A protocol", root)
    apply("A method", root)
    for name, image in evaluation_project.generated().items():
        renamed = name.replace("_2_", "_to_")
        (root / "data/results/mine" / renamed).write_bytes(images.encode_png(image))
    reference.main("demo", "square128")
    for method in ("copy_source", "mine"):
        for protocol in ("cfld", "square128"):
            evaluate.main("demo", method, protocol)
    leaderboard.main()
    record = json.loads(Path("metrics/leaderboard.json").read_text())
    assert list(record) == ["cfld", "square128"]
    assert record["square128"]["mine"]["provenance"]["image_size"] == "128x128"
    assert record["cfld"]["mine"]["numbers"]["num_pairs"] == len(evaluation_project.pairs)
    table = Path("metrics/leaderboard.md").read_text()
    assert "## Protocol `square128`" in table
    assert "| My method |" in table


def test_an_example_generator_of_diffusers_is_run_and_scored(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Stable Diffusion's own classes, tiny and random."""
    root = evaluation_project.root
    evaluation_project.add_keypoints()
    monkeypatch.setenv("DNAF_SCRATCH", str(root / "scratch"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the generator
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    apply("A generator", root)
    base = write_sd(root / "base", "sd-1.5")
    StableDiffusionImg2ImgPipeline(
        vae=AutoencoderKL.from_pretrained(base / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(base / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(base / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(base / "unet"),
        scheduler=PNDMScheduler.from_pretrained(base / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
    ).save_pretrained(root / "checkpoints/my-model")
    assert external.main("img2img").startswith("data/results/img2img: complete, 6 of 6 pairs, png, 64x48")
    assert "; 6 of 6 pairs, names <source>_2_<target>.png" in evaluate.main("demo", "img2img", "cfld")


def test_an_example_format_and_renderer_are_read_and_drawn(tmp_path: Path) -> None:
    for folder in ("dnaf", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply("A renderer", tmp_path)
    apply("A data-set format", tmp_path)
    raw = tmp_path / "data/raw/lookbook"
    for split, outfits in (("train", (1, 2)), ("test", (7,))):
        names = [f"{outfit:04d}_{view}.jpg" for outfit in outfits for view in (1, 2)]
        (raw / split).mkdir(parents=True)
        for number, name in enumerate(names):
            image = np.full((256, 176, 3), 40 * number + len(names), np.uint8)
            (raw / split / name).write_bytes(images.encode_jpeg(image))
        write_annotations(raw / f"keypoints-{split}.csv", names, [figure()] * len(names))
    code = (
        "import dnaf; from stages import render, split, unpack; print(dnaf.__file__); "
        "unpack.main('lookbook'); split.main('lookbook'); render.main('lookbook')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "NO_COLOR": "1", "DNAF_SCRATCH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith(str(tmp_path))
    pairs = (tmp_path / "data/pairs/test.csv").read_text().splitlines()[1:]
    assert sorted(pairs) == ["0007_1,0007_2,0007", "0007_2,0007_1,0007"]
    store = ImageStore(tmp_path / "data/pose_maps.zip")
    assert (store.info["renderer"], store.info["channels"]) == ("dots", 1)
    assert store.image("0007_1.png").any()
    assert files.require_complete(tmp_path / "data/pairs")
