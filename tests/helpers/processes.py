"""Processes that can be killed: forked from one that has imported torch and done nothing else.

What earlier tests left in the test process itself can keep a fork of it from ending well.
"""

import importlib
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from dnaf.train import checkpoint
from tests.helpers.training_project import ROOT, TrainingProject

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        *("dnaf.train.loop", "dnaf.generate.pairs", "dnaf.evaluate.method", "dnaf.evaluate.reference"),
        *("dnaf.report.page", "dnaf.report.figure", "dnaf.apply.sheets", "stages._command"),
        *("dnaf.data.unpack", "tests.helpers.faults"),
    ]
)
_PATIENCE_S = 600.0  # of a busy machine; what hangs is told all the same


def start(
    stage: str, project: TrainingProject, kill_at: int = 0, full_at: int = 0, spare_bytes: int = 0
) -> BaseProcess:
    """Starts a stage in the project's folder.

    Args:
        kill_at: number of the system call, of those that change the disk, in which it kills itself.
        full_at: number of the one in which the disk is full.
        spare_bytes: memory it may take beyond what its libraries hold; 0: no limit.
    """
    process = CONTEXT.Process(target=_run_stage, args=(stage, project.root, kill_at, full_at, spare_bytes))
    process.start()
    return process


def finish(process: BaseProcess) -> int:
    """Waits for the end; 0…255, or minus the number of the signal that killed it."""
    process.join(_PATIENCE_S)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"process {process.pid} did not end")
    return process.exitcode


def run(
    stage: str, project: TrainingProject, kill_at: int = 0, full_at: int = 0, spare_bytes: int = 0
) -> int:
    """Runs a stage to its end or death."""
    return finish(start(stage, project, kill_at, full_at, spare_bytes))


def kill_training(step: int, train: Callable[..., None], *arguments: Any) -> None:
    """Calls `train(*arguments)` in a process that is killed when it is about to save a step."""
    process = CONTEXT.Process(
        target=_kill_training,
        args=(step, os.environ["DNAF_SCRATCH"], torch.get_num_threads(), train, *arguments),
    )
    process.start()
    assert was_killed(finish(process))


def _kill_training(
    step: int, scratch: str, num_threads: int, train: Callable[..., None], *arguments: Any
) -> None:
    os.environ["DNAF_SCRATCH"] = scratch
    torch.set_num_threads(num_threads)
    save = checkpoint.save

    def kill_or_save(place: Path, state: checkpoint.Checkpoint) -> None:
        if state.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        save(place, state)

    checkpoint.save = kill_or_save
    train(*arguments)


# `accelerate launch --cpu --num_processes 2` starts one process only (accelerate 1.15).
TWO_PROCESSES = ("torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m")


def run_command(project: TrainingProject, *module: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m module …` in the project's folder as a user would, from a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=project.root,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DNAF_SCRATCH": str(project.scratch),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
    )


def run_two(scratch: Path, function: Callable[..., None], *arguments: Any) -> list[int]:
    """The exit codes of two processes that call a function, in an environment as `torchrun` makes it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [
        CONTEXT.Process(target=_run_one_of_two, args=(rank, port, scratch, function, *arguments))
        for rank in (0, 1)
    ]
    for process in both:
        process.start()
    return [finish(process) for process in both]


def _run_one_of_two(
    rank: int, port: int, scratch: Path, function: Callable[..., None], *arguments: Any
) -> None:
    os.environ.update(
        {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
    )
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)})
    os.environ.update({"DNAF_SCRATCH": str(scratch), "OMP_NUM_THREADS": "1"})
    _start_workers_as_users_do()
    function(*arguments)


def _start_workers_as_users_do() -> None:
    """Not from a second server, which would import torch for each stage again."""
    multiprocessing.set_start_method(multiprocessing.get_all_start_methods()[0], force=True)


def was_killed(exit_code: int) -> bool:
    """Whether the process died by SIGKILL."""
    return exit_code == -signal.SIGKILL


def calls(project: TrainingProject) -> int:
    """How many system calls of the last stage changed the disk, if it was not killed."""
    return int((project.root / "calls.txt").read_text())


def output(project: TrainingProject) -> str:
    """What all stages of this project said on stdout and stderr."""
    return (project.root / "output.txt").read_text()


def _run_stage(stage: str, root: Path, kill_at: int, full_at: int, spare_bytes: int) -> None:
    os.chdir(root)
    os.environ["DNAF_SCRATCH"] = str(root / "scratch")
    with open(root / "output.txt", "ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    # pytest's capture left other streams here
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    from stages import _command
    from tests.helpers import faults

    torch.set_num_threads(1)
    _start_workers_as_users_do()
    sys.argv = [stage]
    main = importlib.import_module(f"stages.{stage}").main
    if spare_bytes:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + spare_bytes, resource.RLIM_INFINITY))
    counted = faults.Faults(kill_at or full_at, faults.kill if kill_at else faults.disk_full)
    try:
        with counted.installed():
            sys.exit(_command.exit_code(main))
    finally:
        (root / "calls.txt").write_text(str(counted.calls))
