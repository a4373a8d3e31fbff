"""The batch files of docs/cluster.md, run by a Slurm of one node on this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import MINIMAL, Project, copy_project

pytestmark = pytest.mark.slow

BATCH = Path("docs/examples/slurm")
DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
SlurmUser=root
ReturnToService=2
SchedulerParameters=sched_interval=2
KillWait=60
NodeName={host} NodeAddr=127.0.0.1 CPUs=2
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a user of a running cluster."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in DAEMONS):
        pytest.skip("needs root, and Debian's packages slurm-wlm and munge")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("spool", "state"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text(CONFIGURATION.format(host=socket.gethostname(), folder=folder))
    environment = {"SLURM_CONF": str(folder / "slurm.conf")}
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge")
    starts = [["su", "-s", "/bin/sh", "munge", "-c", "munged --force"], ["slurmctld", "-c"], ["slurmd"]]
    for words in starts:
        subprocess.run(words, env={**os.environ, **environment}, check=True)
    try:
        yield environment
    finally:
        for name in ("slurmd", "slurmctld"):
            os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)
        subprocess.run(["pkill", "munged"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, slurm: dict[str, str]) -> Project:
    made = copy_project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("scratch"))
    made.environment |= slurm
    made.set_params({**MINIMAL, "methods": ["dnaf", "copy_source"]})
    made.run("git", "init", "-q", "-b", "main")
    made.run("git", "add", "-A")
    made.run("git", "commit", "-qm", "start")
    return made


def test_the_whole_pipeline_runs_in_one_allocation_of_two_tasks(project: Project) -> None:
    project.run("sbatch", "--wait", "--ntasks-per-node=2", str(BATCH / "repro.sbatch"))
    [log] = project.root.glob("dnaf-*.log")
    said = log.read_text()
    assert "Running stage 'train'" in said
    assert "> python -m stages._launch stages.generate" in said
    assert "ssim_gaussian" in json.loads((project.root / "metrics/summary.json").read_text())
    assert "Data and pipelines are up to date" in project.run("dvc", "status").stdout
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "results")


def test_an_array_runs_an_experiment_a_task_and_sends_them_back(project: Project) -> None:
    project.run("sbatch", "--wait", "--array=0-1", str(BATCH / "queue.sbatch"))
    listed = project.run("dvc", "exp", "list", "--name-only").stdout.split()
    assert sorted(listed) == ["array-0", "array-1"]
    assert "ssim_gaussian" in project.run("dvc", "metrics", "diff", "array-0", "array-1").stdout


def test_a_training_that_is_preempted_saves_is_queued_again_and_goes_on(project: Project) -> None:
    project.set_params({"train.steps": 400, "train.sample_every": 400, "train.checkpoint_every": 100})
    number = project.run("sbatch", "--parsable", str(BATCH / "preempted.sbatch")).stdout.strip()
    log = project.root / f"dnaf-train-{number}.log"
    wait_for(log, "Training steps: 1")
    project.run("scancel", "--batch", "--signal=USR1", number)
    wait_for(log, "Resuming at step")
    wait_for(log, "400 steps, loss")
    wait_until_done(project, number)
    assert "Data and pipelines are up to date" in project.run("dvc", "status", "train").stdout


def wait_for(log: Path, text: str) -> None:
    for _ in range(3000):
        if log.exists() and text in log.read_text():
            return
        time.sleep(0.1)
    raise TimeoutError(f"{log}: no {text!r} in\n{log.read_text()[-3000:]}")


def wait_until_done(project: Project, number: str) -> None:
    while project.run("squeue", "-h", "-j", number, check=False).stdout.strip():
        time.sleep(0.5)
