"""How much faster two processes on two cores are than one on one, stage by stage.

Run: python -m benchmarks.processes FOLDER

FOLDER is that of `benchmarks.rehearsal` and `benchmarks.rehearsal_evaluation`: unpack, render and evaluate
have the size of DeepFashion. `generate` makes the demo's images with the model that `dvc repro` left here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rehearsal import ROOT, environment
from dnaf.core import files

_TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
# What each stage writes; it starts without any of it.
STAGES = {
    ("unpack", "rehearsal"): ("data/images.zip", "data/prepared.zip"),
    ("render", "rehearsal"): ("data/pose_maps.zip",),
    ("evaluate", "rehearsal", "pidm", "patn"): ("data/scores/patn/pidm.json", "data/scores/patn/pidm.csv"),
}
GENERATE = {("generate",): ("data/results/dnaf/generated.zip", "data/results/dnaf/wrong_source.zip")}
OF_GENERATE = ("data/model", "data/base", "data/pairs", "data/prepared.zip", "data/pose_maps.zip")


def seconds(root: Path, stage: tuple[str, ...], num_processes: int) -> float:
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


def compare(root: Path, stage: tuple[str, ...], outputs: tuple[str, ...]) -> str:
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
    for stage, outputs in STAGES.items():
        print(compare(options.folder.resolve(), stage, outputs), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        shutil.copy(ROOT / "params.yaml", root)
        for name in OF_GENERATE:
            target = root / name
            target.parent.mkdir(exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
        for stage, outputs in GENERATE.items():
            print(compare(root, stage, outputs), flush=True)


if __name__ == "__main__":
    main()
