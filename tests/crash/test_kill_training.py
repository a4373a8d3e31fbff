"""Training, killed at any moment and started again, ends with the bits of an uninterrupted run."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
import torch

from dnaf.core import files, locks, seeds
from dnaf.core.errors import StateError
from dnaf.data.store import write_store
from dnaf.train import checkpoint
from dnaf.train.signals import stop_requests
from tests.helpers import processes
from tests.helpers.training_project import TrainingProject, random_image

RESULTS = ("data/model", "metrics")
LONG = {"steps": 8, "checkpoint_every": 2, "sample_every": 5, "log_every": 3}
SHORT = {"steps": 2, "checkpoint_every": 1, "sample_every": 2, "log_every": 1}
LOGGED = {"steps": 100, "checkpoint_every": 1000, "sample_every": 1000, "log_every": 1}
AFTER_A_CHECKPOINT = 72  # number of a system call of a SHORT run, between its first checkpoint and its second
SPARE = 140_000_000  # bytes: enough to load and resume the smallest model, not to train it on 128 pairs
_PATIENCE_S = 60.0


def uninterrupted(project: TrainingProject) -> dict[str, str]:
    """Digests of what the project's run gives. The results are removed again, as DVC does."""
    assert processes.run("train", project) == 0, processes.output(project)
    digests = project.digests(*RESULTS)
    assert len(digests) > 10
    assert not list(project.scratch.rglob("*.safetensors"))
    remove_results(project)
    return digests


def remove_results(project: TrainingProject) -> None:
    """Removes what DVC removes before it starts a stage again."""
    for folder in RESULTS:
        files.remove_folder(project.root / folder)


def checkpoints(project: TrainingProject) -> list[Path]:
    return sorted(project.scratch.glob("train/*/step-*"))


def said(project: TrainingProject) -> tuple[str, re.RegexFlag]:
    """What all stages said, for a search line by line."""
    return processes.output(project), re.MULTILINE


def wait_for(path: Path, project: TrainingProject) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, processes.output(project)
        time.sleep(0.01)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """Digests of a long run, and the seconds it took."""
    project = TrainingProject(tmp_path_factory.mktemp("long"))
    project.set_params(train=LONG)
    uninterrupted(project)  # the first also starts the server that others are forked from
    start = time.monotonic()
    digests = uninterrupted(project)
    return digests, time.monotonic() - start


@pytest.fixture(scope="module")
def logged_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of a run that writes its loss curve at every step, by which others see that it has begun."""
    project = TrainingProject(tmp_path_factory.mktemp("logged"))
    project.set_params(train=LOGGED)
    return uninterrupted(project)


def kill_and_resume(project: TrainingProject, duration_s: float, index: int) -> dict[str, str]:
    """Up to three kills after random delays, with DVC's removal of outputs between them; then to the end."""
    project.set_params(train=LONG)
    for attempt in range(3):
        process = processes.start("train", project)
        process.join(seeds.generator(0, "kill", index, attempt).uniform(0.1, 1.0) * duration_s)
        process.kill()
        if not processes.was_killed(processes.finish(process)):
            break  # it ended before
        remove_results(project)
    assert processes.run("train", project) == 0, processes.output(project)
    return project.digests(*RESULTS)


@pytest.mark.parametrize("index", range(2))
def test_resume_after_random_kills_is_bit_identical(
    tmp_path: Path, long_run: tuple[dict[str, str], float], index: int
) -> None:
    expected, duration_s = long_run
    assert kill_and_resume(TrainingProject(tmp_path), duration_s, index) == expected


@pytest.mark.slow
def test_resume_after_fifty_times_random_kills_is_bit_identical(
    tmp_path: Path, long_run: tuple[dict[str, str], float]
) -> None:
    expected, duration_s = long_run
    for index in range(2, 52):
        project = TrainingProject(tmp_path / str(index))
        assert kill_and_resume(project, duration_s, index) == expected, index


def test_a_run_killed_again_and_again_in_its_writes_ends_bit_identical(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    # With float16 the state of the loss's scale is kept too.
    project.set_params(train={**SHORT, "mixed_precision": "fp16", "accumulate": 2})
    expected = uninterrupted(project)
    at = 2
    while processes.was_killed(exit_code := processes.run("train", project, kill_at=at)):
        at += 7  # test_checkpoint_writes has every one
    assert exit_code == 0, processes.output(project)
    assert at > 40  # the four files of the first checkpoint, and more
    assert project.digests(*RESULTS) == expected


@pytest.mark.slow
def test_resume_after_a_kill_in_any_system_call_is_bit_identical(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train=SHORT)
    expected = uninterrupted(project)
    at = 1
    while processes.was_killed(processes.run("train", project, kill_at=at)):
        assert processes.run("train", project) == 0, processes.output(project)
        assert project.digests(*RESULTS) == expected, f"killed in call {at}"
        remove_results(project)
        at += 1
    assert at > 80


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGUSR1, 138)],
)
def test_a_request_to_stop_saves_the_step_at_hand(
    tmp_path: Path, logged_run: dict[str, str], number: signal.Signals, exit_code: int
) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train=LOGGED)
    process = processes.start("train", project)
    wait_for(project.root / "metrics/train/loss.csv", project)
    os.kill(process.pid or 0, number)
    assert processes.finish(process) == exit_code
    (saved,) = checkpoints(project)
    step = int(saved.name.removeprefix("step-"))
    assert not (project.root / "data/model").exists()
    remove_results(project)
    assert processes.run("train", project) == 0
    assert f"Resuming at step {step} of {LOGGED['steps']}" in processes.output(project)
    assert project.digests(*RESULTS) == logged_run


def test_a_second_request_to_stop_acts_at_once(request: pytest.FixtureRequest) -> None:
    # Processes that run tests side by side ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with stop_requests() as requested:
        os.kill(os.getpid(), signal.SIGINT)
        assert requested == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_hangup_that_is_ignored_stays_so(request: pytest.FixtureRequest) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    with stop_requests() as requested:
        os.kill(os.getpid(), signal.SIGHUP)
        assert requested == []


def test_a_second_start_of_a_run_is_refused_and_names_the_first(
    tmp_path: Path, logged_run: dict[str, str]
) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train=LOGGED)
    first = processes.start("train", project)
    wait_for(project.root / "metrics/train/loss.csv", project)
    assert processes.run("train", project) == 2
    assert f"another run is writing here (PID {first.pid} on " in processes.output(project)
    project.set_params(train={"lr": 1e-3})  # another run, with resume state of its own, for the same folder
    assert processes.run("train", project) == 2
    assert f"data/model: another run is writing here (PID {first.pid} on " in processes.output(project)
    assert processes.finish(first) == 0, processes.output(project)
    assert project.digests(*RESULTS) == logged_run


def test_other_parameters_are_another_run_and_mere_logging_is_not(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train={**SHORT, "steps": 3})
    assert processes.was_killed(processes.run("train", project, kill_at=AFTER_A_CHECKPOINT))
    for other in ({"train": {**SHORT, "steps": 3, "lr": 1e-3}}, {"model": {"noise_aware": False}}):
        project.set_params(**{"train": {**SHORT, "steps": 3}, **other})
        assert processes.run("train", project) == 0
        assert "Resuming" not in processes.output(project)
    project.set_params(train={**SHORT, "steps": 3, "log_every": 3})
    assert processes.run("train", project) == 0
    assert "Resuming at step 1 of 3" in processes.output(project)


def test_other_images_are_another_run(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train=SHORT)
    assert processes.was_killed(processes.run("train", project, kill_at=AFTER_A_CHECKPOINT))
    with write_store(project.root / "data/prepared.zip", {}) as store:
        for stem in project.splits["train"] + project.splits["test"]:
            store.add_image(f"{stem}.png", random_image(f"another {stem}"))
    project.write_latents()
    assert processes.run("train", project) == 0
    assert "Resuming" not in processes.output(project)


def test_a_full_disk_keeps_the_checkpoint_and_the_run_goes_on_when_there_is_space(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train=SHORT)
    expected = uninterrupted(project)
    for number, at in enumerate((30, AFTER_A_CHECKPOINT), start=1):
        assert processes.run("train", project, full_at=at) == 2
        errors = re.findall(r"^error: .*could not be written \(No space left on device\).*$", *said(project))
        assert len(errors) == number
    assert "Traceback" not in processes.output(project)
    assert [path.name for path in checkpoints(project)] == ["step-000000001"]
    assert processes.run("train", project) == 0, processes.output(project)
    assert "Resuming at step 1 of 2" in processes.output(project)
    assert project.digests(*RESULTS) == expected


def test_too_little_memory_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train={**SHORT, "steps": 3, "batch_size": 128})
    assert processes.was_killed(processes.run("train", project, kill_at=AFTER_A_CHECKPOINT))
    before = [project.digests(str(path.relative_to(project.root))) for path in checkpoints(project)]
    assert processes.run("train", project, spare_bytes=SPARE) == 2, processes.output(project)
    (message,) = re.findall(r"^error: (train: step 1: out of memory .*)$", *said(project))
    assert "found batch_size 128 in 1 micro-batches" in message
    assert "_2_fashionWOMEN" in message  # the ids of the batch's pairs, as many as a message holds
    assert "Traceback" not in processes.output(project)
    after = [project.digests(str(path.relative_to(project.root))) for path in checkpoints(project)]
    assert after == before != []


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train={**SHORT, "steps": 3})
    assert processes.was_killed(processes.run("train", project, kill_at=AFTER_A_CHECKPOINT))
    folder = checkpoints(project)[0].parent
    found, _ = checkpoint.load_newest(folder)
    assert found is not None
    assert found.step == 1
    found.weights["unet.conv_in.weight"][0] = torch.inf
    checkpoint.save(folder, found)
    before = project.digests(str(folder.relative_to(project.root)))
    assert processes.run("train", project) == 2
    (message,) = re.findall(r"^error: (train: step 1: not finite .*)$", processes.output(project), re.M)
    assert "last finite loss 0." in message
    assert message.count("_2_fashionWOMEN") == 2  # the ids of the batch's pairs
    after = project.digests(str(folder.relative_to(project.root)))
    assert {k: v for k, v in after.items() if "/step-" in k} == {
        k: v for k, v in before.items() if "/step-" in k
    }
    assert not (project.root / "data/model").exists()


def test_a_loss_that_is_not_finite_at_once_leaves_nothing(tmp_path: Path) -> None:
    project = TrainingProject(tmp_path)
    project.set_params(train={"foreground_weight": 1e39})  # infinite in float32
    assert processes.run("train", project) == 2
    assert "error: train: step 0: not finite (found loss nan" in processes.output(project)
    assert "Traceback" not in processes.output(project)
    assert not (project.root / "data/model").exists()
    assert checkpoints(project) == []


def test_a_second_start_leaves_the_first_one_s_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path))
    folder = files.scratch_folder("train", "run")
    with locks.sole_writer(folder):
        with files.atomic_file(folder / "trainable.safetensors") as file:
            file.write(b"half")
            with pytest.raises(StateError), locks.sole_writer(files.scratch_folder("train", "run")):
                pass
        assert (folder / "trainable.safetensors").read_bytes() == b"half"
