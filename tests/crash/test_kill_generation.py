"""Generation, killed at any moment and started again, ends with the bytes of an uninterrupted run."""

from pathlib import Path

import pytest

from dnaf.core import seeds
from tests.helpers import processes
from tests.helpers.training_project import TrainingProject

RESULTS = ("data/results", "metrics/samples")
ONE_BY_ONE = {"batch_size": 1}  # four batches for each of the two stores
AFTER_SOME_BATCHES = 60  # number of a system call


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    """A project with an untrained model."""
    project = TrainingProject(tmp_path)
    project.write_model()
    project.set_params(generate=ONE_BY_ONE)
    return project


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of what an uninterrupted run gives."""
    project = TrainingProject(tmp_path_factory.mktemp("uninterrupted"))
    project.write_model()
    project.set_params(generate=ONE_BY_ONE)
    assert processes.run("generate", project) == 0, processes.output(project)
    digests = project.digests(*RESULTS)
    assert len(digests) == 6  # two stores, the card, three sheets
    assert not list(project.scratch.rglob("chunk-*"))
    return digests


def test_resume_after_random_kills_gives_the_same_bytes(
    project: TrainingProject, uninterrupted: dict[str, str]
) -> None:
    for attempt in range(3):
        at = int(seeds.generator(0, "kill", attempt).integers(1, 200))
        exit_code = processes.run("generate", project, kill_at=at)
        assert exit_code == 0 or processes.was_killed(exit_code), processes.output(project)
    assert processes.run("generate", project) == 0, processes.output(project)
    assert project.digests(*RESULTS) == uninterrupted


def test_finished_batches_are_not_generated_again(
    project: TrainingProject, uninterrupted: dict[str, str]
) -> None:
    assert processes.was_killed(processes.run("generate", project, kill_at=AFTER_SOME_BATCHES))
    finished = list(project.scratch.glob("generate/*/chunk-*.zip"))
    assert 0 < len(finished) < 4
    assert processes.run("generate", project) == 0
    assert f"Resuming: {len(finished)} of 4 chunks are done" in processes.output(project)
    assert project.digests(*RESULTS) == uninterrupted


def test_a_damaged_batch_is_named_and_generated_again(
    project: TrainingProject, uninterrupted: dict[str, str]
) -> None:
    assert processes.was_killed(processes.run("generate", project, kill_at=AFTER_SOME_BATCHES))
    batch = min(project.scratch.glob("generate/*/chunk-*.zip"))
    content = bytearray(batch.read_bytes())
    content[len(content) // 3] ^= 1
    batch.write_bytes(content)
    assert processes.run("generate", project) == 0, processes.output(project)
    assert f"warning: {batch}" in processes.output(project)
    assert project.digests(*RESULTS) == uninterrupted


def test_the_batches_of_another_model_are_not_used(project: TrainingProject) -> None:
    assert processes.was_killed(processes.run("generate", project, kill_at=AFTER_SOME_BATCHES))
    project.write_model(seed=1)
    assert processes.run("generate", project) == 0
    assert "Resuming" not in processes.output(project)


@pytest.mark.slow
def test_resume_after_a_kill_in_any_system_call_gives_the_same_bytes(
    project: TrainingProject, uninterrupted: dict[str, str]
) -> None:
    at = 1
    while processes.was_killed(processes.run("generate", project, kill_at=at)):
        assert processes.run("generate", project) == 0, processes.output(project)
        assert project.digests(*RESULTS) == uninterrupted, f"killed in call {at}"
        at += 1
    assert at > 80
