from pathlib import Path

import pytest

from dnaf.core import files
from dnaf.core.seals import seal
from dnaf.data.pairs.pairs import pair_id
from tests.helpers import processes
from tests.helpers.evaluation_project import DNAF_CARD
from tests.helpers.messages import error_of
from tests.helpers.training_project import TrainingProject


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    """A project with an untrained model."""
    project = TrainingProject(tmp_path)
    project.write_model()
    return project


def assert_refused(project: TrainingProject, *words: str) -> None:
    """The stage exits with code 2 and one line that holds the words, and leaves no images."""
    assert processes.run("generate", project) == 2
    error = error_of(processes.output(project))
    for word in words:
        assert word in error
    assert not list(project.root.glob("data/results/dnaf/*.zip"))


def test_the_command_writes_both_stores_and_the_samples(project: TrainingProject) -> None:
    assert processes.run("generate", project) == 0, processes.output(project)
    said = processes.output(project)
    assert "\nControl run, from wrong sources: generating 4 pairs, " in said
    assert said.splitlines()[-1] == (
        "4 images → data/results/dnaf/generated.zip; control from wrong sources → "
        "data/results/dnaf/wrong_source.zip; samples → metrics/samples"
    )
    names = [f"{pair_id(*pair)}.png" for pair in project.pairs("test")]
    for name in ("generated.zip", "wrong_source.zip"):
        store = project.generated(name)
        assert store.names == names
        assert store.info["pairs_sha256"] == files.digest(project.sources("test").pairs)
    assert (project.root / "data/results/dnaf/card.yaml").read_bytes() == DNAF_CARD.read_bytes()
    sheets = sorted(path.name for path in (project.root / "metrics/samples").iterdir())
    assert sheets == ["00.png", "01.png", "02.png"]
    assert not list(project.scratch.rglob("batch-*"))


def test_two_processes_give_the_images_of_one(project: TrainingProject) -> None:
    project.set_params(generate={"batch_size": 1})
    assert processes.run("generate", project) == 0
    folder, launch = project.root / "data/results/dnaf", (*processes.TWO_PROCESSES, "stages.generate")
    alone = {path.name: files.digest(path) for path in folder.glob("*.zip")}
    for path in folder.glob("*.zip"):
        path.unlink()
    finished = processes.run_command(project, *launch)
    assert finished.returncode == 0, finished.stderr
    assert {path.name: files.digest(path) for path in folder.glob("*.zip")} == alone
    assert finished.stdout.count("4 images → ") == 1


def test_a_project_without_a_model_is_told_so(project: TrainingProject) -> None:
    files.remove_folder(project.root / "data/model")
    assert_refused(project, "data/model: not complete")


def test_an_altered_model_is_named(project: TrainingProject) -> None:
    config = project.root / "data/model/unet/config.json"
    config.write_text(config.read_text().replace("8", "16", 1))
    assert_refused(project, "data/model/unet/config.json: content differs from its manifest")


def test_an_image_missing_in_the_store_is_named(project: TrainingProject) -> None:
    pairs = project.sources("test").pairs
    pairs.write_text(
        pairs.read_text() + "fashionMENPantsid0000000101_1front,fashionMENPantsid0000000101_3back,one\n"
    )
    seal(pairs)
    assert_refused(project, "data/prepared.zip: fashionMENPantsid0000000101_1front.png is missing")


def test_a_cut_store_is_named(project: TrainingProject) -> None:
    path = project.root / "data/pose_maps.zip"
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(project, "data/pose_maps.zip: not a complete image store")


def test_an_unknown_parameter_is_named_with_the_known_ones(project: TrainingProject) -> None:
    project.set_params(generate={"steps": 3})
    assert_refused(project, "generate.steps: unknown key", "num_inference_steps")
