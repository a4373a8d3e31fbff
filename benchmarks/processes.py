"""How much faster two processes on two cores are than one on one, stage by stage.

Run: python -m benchmarks.processes FOLDER

FOLDER is that of `benchmarks.rehearsal` and `benchmarks.rehearsal_evaluation`: render and evaluate have the
numbers of DeepFashion. unpack has 12,000 JPEGs of its 1101x750 pixels, which are drawn first. generate makes
the demo's images with the model that `dvc repro` left here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from benchmarks.rehearsal import ROOT, build, environment, make_names
from dnaf.core import files

NUM_IMAGES, ORIGINAL = 12_000, (1101, 750)
_TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
_OF_GENERATE = (
    "params.yaml",
    "data/model",
    "data/base",
    "data/pairs",
    "data/prepared.zip",
    "data/pose_maps.zip",
)


@contextmanager
def photographs(folder: Path) -> Iterator[Path]:
    """A project with large images, beside FOLDER; removed in the end."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        root = Path(temporary) / "photographs"
        build(root, *make_names(NUM_IMAGES), original=ORIGINAL)
        yield root


@contextmanager
def demo(folder: Path) -> Iterator[Path]:
    """A copy of what `generate` reads of the demo."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in _OF_GENERATE:
            target = Path(temporary) / name
            target.parent.mkdir(exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
        yield Path(temporary)


# Where each stage runs, how it is called, and what it writes; it starts without any of that.
COMPARED: list[tuple[Callable[[Path], AbstractContextManager[Path]], list[str], list[str]]] = [
    (photographs, ["unpack", "rehearsal"], ["data/images.zip", "data/prepared.zip"]),
    (nullcontext, ["render", "rehearsal"], ["data/pose_maps.zip"]),
    (nullcontext, ["evaluate", "rehearsal", "pidm", "patn"], ["data/scores/patn/pidm.csv"]),
    (demo, ["generate"], ["data/results/dnaf/generated.zip", "data/results/dnaf/wrong_source.zip"]),
]


def seconds(root: Path, stage: list[str], num_processes: int) -> float:
    """Wall seconds of a stage, imports included; one process has one core."""
    cores = sorted(os.sched_getaffinity(0))[:num_processes]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *(_TWO if num_processes == 2 else ()), "-m", f"stages.{stage[0]}", *stage[1:]],
        cwd=root,
        env={**environment(root), "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def compare(root: Path, stage: list[str], outputs: list[str]) -> str:
    """A line of the table."""
    took, digests = [], []
    for num_processes in (1, 2):
        for path in outputs:
            (root / path).unlink(missing_ok=True)
        took.append(seconds(root, stage, num_processes))
        digests.append([files.digest(root / path) for path in outputs])
    same = "yes" if digests[0] == digests[1] else "no"
    return f"| {stage[0]} | {took[0]:.1f} | {took[1]:.1f} | {took[0] / took[1]:.2f}x | {same} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Two processes on two cores against one on one")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    print("| stage | one, seconds | two, seconds | | same bytes |\n|---|--:|--:|--:|---|", flush=True)
    for place, stage, outputs in COMPARED:
        with place(options.folder.resolve()) as root:
            print(compare(root, stage, outputs), flush=True)


if __name__ == "__main__":
    main()
