import csv
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dnaf.core import files
from dnaf.core.seals import seal
from dnaf.pipeline import load_pipeline
from tests.helpers import base_folders, processes
from tests.helpers.messages import error_of
from tests.helpers.training_project import TrainingProject

COMPONENTS = ("pose_adapter", "appearance_blocks", "noise_aware", "style_pose")


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    return TrainingProject(tmp_path)


def assert_refused(project: TrainingProject, *words: str) -> None:
    """The stage exits with code 2 and one line that holds the words, and leaves no model."""
    assert processes.run("train", project) == 2
    error = error_of(processes.output(project))
    for word in words:
        assert word in error
    assert not (project.root / "data/model").exists()


def test_the_command_writes_model_curve_and_samples(project: TrainingProject) -> None:
    finished = processes.run_command(project, "stages.train")
    assert finished.returncode == 0, finished.stderr
    assert re.fullmatch(
        r"6 steps, loss \d\.\d{4} at the end → data/model; "
        r"the curve → metrics/train/loss\.csv, samples → metrics/train/samples\n",
        finished.stdout,
    )
    assert re.search(r"^Training steps: 6 of 6, loss \d\.\d{4}, .* done in ", finished.stderr, re.MULTILINE)
    load_pipeline(project.root / "data/model")
    with open(project.root / "metrics/train/validation.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [4, 6]
    chosen = min(rows, key=lambda row: float(row["x0_error"]))
    about = {"steps": 6, "seed": 0, "chosen_step": int(chosen["step"]), "validation_outfits": 2}
    assert files.require_complete(project.root / "data/model") == about
    assert "32x24 pixels" in (project.root / "data/model/README.md").read_text()
    with open(project.root / "metrics/train/loss.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(float(row["loss"]) > 0 and float(row["lr"]) > 0 for row in rows)
    sheets = sorted(path.name for path in (project.root / "metrics/train/samples").iterdir())
    assert sheets == ["step-000000004.png", "step-000000006.png"]
    assert not list(project.scratch.rglob("step-*"))


@pytest.mark.parametrize(
    "change", [*({component: False} for component in COMPONENTS), {"level_mapping": "index"}]
)
def test_every_ablation_trains_and_generates(project: TrainingProject, change: dict[str, object]) -> None:
    project.set_params(model=change, train={"steps": 2})
    assert processes.run("train", project) == 0, processes.output(project)
    assert processes.run("generate", project) == 0, processes.output(project)
    assert len(project.generated()) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"mixed_precision": "bf16"},
        {"loss": "mse", "style_grad": True},
        {"condition_dropout": 1.0, "ema_decay": 0.0},
        {"mixed_precision": "fp16", "accumulate": 2, "timestep_sampling": "cubic"},
        {"loss": "mse", "min_snr_gamma": 5.0, "timestep_sampling": "uniform"},
    ],
)
def test_other_ways_of_training_end_too(project: TrainingProject, changes: dict[str, object]) -> None:
    project.set_params(train={"steps": 2, **changes})
    assert processes.run("train", project) == 0, processes.output(project)
    load_pipeline(project.root / "data/model")


def test_the_same_parameters_give_the_same_bits(project: TrainingProject) -> None:
    runs = []
    for _ in range(2):
        assert processes.run("train", project) == 0, processes.output(project)
        runs.append(project.digests("data/model", "metrics"))
    assert runs[0] == runs[1]


def test_an_image_missing_in_the_store_is_named(project: TrainingProject) -> None:
    pairs = project.sources("train").pairs
    pairs.write_text(
        pairs.read_text() + "fashionMENPantsid0000000101_1front,fashionMENPantsid0000000101_3back,one\n"
    )
    seal(pairs)
    assert_refused(project, "data/prepared.zip: fashionMENPantsid0000000101_1front.png is missing")


@pytest.mark.parametrize("name", ["prepared.zip", "pose_maps.zip"])
def test_a_cut_store_is_named(project: TrainingProject, name: str) -> None:
    path = project.root / "data" / name
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(project, f"data/{name}: not a complete image store")


def test_a_damaged_image_is_named(project: TrainingProject) -> None:
    path = project.root / "data/prepared.zip"
    content = bytearray(path.read_bytes())
    start = content.index(b"IDAT")  # inside the first image, which belongs to the first outfit
    content[start + 8] ^= 1
    path.write_bytes(content)
    assert_refused(project, "data/prepared.zip: ", project.splits["train"][0])


def test_missing_pairs_are_named(project: TrainingProject) -> None:
    project.sources("train").pairs.unlink()
    assert_refused(project, "data/pairs/train.csv: missing")


def test_an_unknown_parameter_is_named_with_the_known_ones(project: TrainingProject) -> None:
    project.set_params(train={"learning_rate": 1.0})
    assert_refused(project, "train.learning_rate: unknown key", "lr_warmup_steps")


def test_images_too_small_for_the_style_encoder_are_told_in_one_sentence(project: TrainingProject) -> None:
    project.set_params(model={"style_encoder": "convnext_atto", "style_scale": 0.1})
    assert_refused(project, "model.style_encoder", "convnext_atto cannot take images of 32x24 pixels")


def test_an_unknown_style_encoder_is_named(project: TrainingProject) -> None:
    project.set_params(model={"style_encoder": "no_such_model"})
    assert_refused(project, "model.style_encoder", "no_such_model")


def test_two_processes_have_the_losses_of_one(
    project: TrainingProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Not the weights: where a gradient is nothing but rounding, Adam takes whole steps.
    other = TrainingProject(tmp_path_factory.mktemp("two"))
    project.set_params(train={"batch_size": 4})
    other.set_params(train={"batch_size": 4})
    assert processes.run("train", project) == 0, processes.output(project)
    finished = processes.run_command(other, *processes.TWO_PROCESSES, "stages.train")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("→ data/model") == 1
    assert "nan" not in finished.stdout
    one, two = (
        np.genfromtxt(each.root / "metrics/train/loss.csv", delimiter=",", names=True)["loss"]
        for each in (project, other)
    )
    assert len(one) == 6
    assert one == pytest.approx(two, rel=1e-4)


def test_each_of_two_processes_has_half_of_a_batch(project: TrainingProject) -> None:
    project.set_params(train={"batch_size": 3})
    finished = processes.run_command(project, *processes.TWO_PROCESSES, "stages.train")
    assert finished.returncode != 0
    assert "train.batch_size: not divisible (found 3, expected a multiple of 2 processes" in finished.stderr


def test_a_batch_that_does_not_divide_is_refused(project: TrainingProject) -> None:
    project.set_params(train={"batch_size": 3, "accumulate": 2})
    assert_refused(project, "train.batch_size: not divisible (found 3", "train.accumulate 2")


def test_latents_of_another_autoencoder_are_refused(project: TrainingProject) -> None:
    project.set_params(model={"unshuffle": 4})
    assert_refused(project, "data/latents.zip: latents of another autoencoder", "Run the stage latents again")


def test_the_stage_latents_writes_what_training_reads(project: TrainingProject) -> None:
    project.set_params(model={"unshuffle": 4})
    assert processes.run("latents", project) == 0, processes.output(project)
    assert (
        processes.output(project)
        .splitlines()[-1]
        .startswith("No latents to keep: the autoencoder only rearranges")
    )
    assert processes.run("train", project) == 0, processes.output(project)


def test_the_program_that_shows_the_log_can_start() -> None:
    import_module("tensorboard.default")  # of its plugins; what it needs is not all among what it declares


def test_tensorboard_shows_every_step_once_also_after_a_kill(project: TrainingProject) -> None:
    project.set_params(train={"report_to": "tensorboard", "checkpoint_every": 2})
    assert processes.was_killed(processes.run("train", project, kill_at=150))
    assert processes.run("train", project) == 0, processes.output(project)
    (run,) = (project.root / "runs").iterdir()
    shown = EventAccumulator(str(run))
    shown.Reload()
    assert [event.step for event in shown.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in shown.Images("samples")] == [4, 6]


@pytest.mark.parametrize("family", ["own", "sd-1.5"])
def test_on_a_base_only_the_adapter_is_trained_and_saved(project: TrainingProject, family: str) -> None:
    folder = project.root / "base"
    encoder = "test_convnext"
    if family == "own":
        base_folders.write_own(folder)
    else:
        base_folders.write_sd(folder, family)
        encoder = "test_resnet"  # gives maps of 64 pixels a cell even of images as small as these
    before = project.digests("base")
    model = {"base": "base", "style_encoder": encoder}
    project.set_params(model=model, train={"steps": 2, "sample_every": 2})
    assert processes.run("latents", project) == 0, processes.output(project)
    assert processes.run("train", project) == 0, processes.output(project)
    # From the shell, where it starts without what only trainings need.
    generated = processes.run_command(project, "stages.generate")
    assert generated.returncode == 0, generated.stderr
    assert project.digests("base") == before
    assert len(project.generated()) == 4
    trained = {path.split("/")[2] for path in project.digests("data/model")}
    assert trained == {"README.md", "adapter", "manifest.json", "provenance.json", "style_encoder"}


def test_training_goes_on_from_a_published_model_and_says_so(project: TrainingProject) -> None:
    base_folders.write_own(project.root / "base")
    project.set_params(model={"base": "base"}, train={"steps": 2})
    assert processes.run("latents", project) == 0, processes.output(project)
    assert processes.run("train", project) == 0, processes.output(project)
    (project.root / "data/model").rename(project.root / "published")
    tuned = {"steps": 1, "lr": 1e-12, "init": "published"}
    project.set_params(model={"base": "base"}, train=tuned)
    assert processes.run("train", project) == 0, processes.output(project)
    name = "adapter/diffusion_pytorch_model.safetensors"
    before, after = (load_file(project.root / folder / name) for folder in ("published", "data/model"))
    for weight, start in before.items():
        torch.testing.assert_close(after[weight], start, atol=1e-6, rtol=0)
    origin = files.require_complete(project.root / "data/model")["init"]
    assert origin["folder"] == "published"
    assert origin["sha256"][name] == files.digest(project.root / "published" / name)
    files.remove_folder(project.root / "data/model")
    project.set_params(model={"base": "base", "noise_aware": False}, train=tuned)
    assert processes.run("train", project) == 2
    assert "an adapter of another form (found noise_aware True, expected False)" in processes.output(project)
