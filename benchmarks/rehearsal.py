"""A rehearsal at DeepFashion's size: 52,712 small drawn images in a password zip, with lists and annotations.

Run: python -m benchmarks.rehearsal FOLDER [--lists FOLDER_OF_TRAIN_LST_AND_TEST_LST] [--images N]

Builds the data set below FOLDER (about 0.5 GB; kept), runs unpack, split and render on it by DVC, and tells
time and memory of each; then runs them again, which should do nothing; then kills unpack with SIGKILL in the
middle, starts it again, and compares the digests. Names come from the grammar, or from real lists.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML

from dnaf.core import files, images
from dnaf.core.parameters import sets as parameter_sets
from dnaf.core.progress import track
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_list

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("unpack", "split", "render")
OUTS = ("data/images.zip", "data/prepared.zip")
TRAIN_SHARE = 48_674 / 52_712
VIEWS = ("1front", "2side", "3back", "4full", "7additional")
# Standing, in the 256x176 frame: 18 joints, x then y.
FIGURE = np.array(
    [
        *[(88, 40), (88, 70), (68, 72), (60, 110), (56, 145), (108, 72), (116, 110), (120, 145), (74, 140)],
        *[(73, 190), (72, 235), (102, 140), (103, 190), (104, 235), (84, 35), (92, 35), (78, 38), (98, 38)],
    ]
)


def make_names(num_images: int) -> tuple[list[str], list[str]]:
    """Names of train and test images, five views of each outfit."""
    names = [
        f"fashionWOMENDressesid{index // len(VIEWS):08d}01_{VIEWS[index % len(VIEWS)]}.jpg"
        for index in range(num_images)
    ]
    num_train = round(num_images * TRAIN_SHARE) // len(VIEWS) * len(VIEWS)
    return names[:num_train], names[num_train:]


def build(
    root: Path,
    train: list[str],
    test: list[str],
    size: images.Size = (256, 176),
    original: images.Size = (110, 75),
) -> None:
    """Writes the project with its data set `rehearsal`: JPEGs of `original`, to be prepared in `size`."""
    raw = root / "data/raw/rehearsal"
    raw.mkdir(parents=True)
    for name in ("dnaf", "stages", "extensions", "data/base/efficientnet_lite0"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", root)
    for card in ROOT.glob("data/results/*/card.yaml"):
        target = root / card.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        shutil.copy(card, target)
    params = parameter_sets.read("deepfashion", folder=ROOT / "params").model_dump()
    params["dataset"] = "rehearsal"
    of_size = {"height": size[0], "width": size[1]}
    params["datasets"]["rehearsal"] = {**params["datasets"]["deepfashion"], **of_size}
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    rng = np.random.default_rng(0)
    members = {}
    for split, names in (("train", train), ("test", test)):
        files.write_atomic(raw / f"{split}.lst", "".join(f"{name}\n" for name in names))
        lines = ["name:keypoints_y:keypoints_x"]
        for name in track(names, f"draw {split} images", len(names)):
            points = FIGURE + rng.integers(-15, 16, FIGURE.shape)
            points[rng.random(18) < 0.05] = -1
            lines.append(f"{name}:{points[:, 1].tolist()}:{points[:, 0].tolist()}")
            coarse = rng.integers(0, 256, (11, 8, 3), dtype=np.uint8)
            image = images.encode_jpeg(images.resize(coarse, original), 85)
            members[f"img_highres/{deepfashion.image_path(name)}"] = image
        files.write_atomic(raw / f"fasion-resize-annotation-{split}.csv", "\n".join(lines) + "\n")
    write_encrypted_zip(raw / "img_highres.zip", members, b"rehearsal", rng)
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=root, check=True)
    subprocess.run(["dvc", "config", "core.analytics", "false"], cwd=root, check=True)


def environment(root: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DNAF_ARCHIVE_PASSWORD": "rehearsal",
        "DNAF_SCRATCH": str(root / "scratch"),
        "OMP_NUM_THREADS": "1",
    }


class Cost(NamedTuple):
    """Seconds, those of processors, and the most memory (GB) of a command and its children together."""

    seconds: float
    cpu: float
    peak: float


def run(root: Path, *command: str) -> Cost:
    """Runs a command to its end."""
    start, cpu = time.perf_counter(), cpu_of_children()
    process = subprocess.Popen(
        command, cwd=root, env=environment(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_memory, _tree(process.pid))))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(time.perf_counter() - start, cpu_of_children() - cpu, peak / 1e6)


def cpu_of_children() -> float:
    """Seconds of processors, user and system, of all that this process has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(below for child in children for below in _tree(int(child)))]


def _memory(pid: int) -> int:
    """Proportional set size in kB: pages that several processes share are counted once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def interrupt(root: Path, after_s: float) -> None:
    """Starts unpack and kills it with everything it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.unpack", "rehearsal"],
        cwd=root,
        env=environment(root),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    timer = threading.Timer(after_s, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    process.wait()
    timer.cancel()
    print(f"unpack: killed after {after_s:.0f} s (exit code {process.returncode})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A rehearsal at DeepFashion's size")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lists", type=Path)
    parser.add_argument("--images", type=int, default=52_712)
    options = parser.parse_args()
    root = options.folder.resolve()
    if options.lists:
        train, test = (read_list(options.lists / f"{p}.lst", deepfashion.name_of) for p in ("train", "test"))
    else:
        train, test = make_names(options.images)
    if not (root / "params.yaml").exists():
        build(root, train, test)
    print(f"{len(train):,} training and {len(test):,} test images, {os.cpu_count()} cores", flush=True)
    for stage in STAGES:
        seconds, _, peak = run(root, "dvc", "repro", "-s", stage)
        print(f"{stage:8} {seconds:7.1f} s   {peak:5.2f} GB", flush=True)
    seconds, _, peak = run(root, "dvc", "repro", *STAGES)
    print(f"again    {seconds:7.1f} s   {peak:5.2f} GB", flush=True)
    before = [files.digest(root / name) for name in OUTS]
    unpack_s = run(root, sys.executable, "-m", "stages.unpack", "rehearsal").seconds
    for name in OUTS:
        (root / name).unlink()
    interrupt(root, unpack_s / 2)
    seconds = run(root, sys.executable, "-m", "stages.unpack", "rehearsal").seconds
    same = [files.digest(root / name) for name in OUTS] == before
    print(f"unpack   {seconds:7.1f} s   after the kill ({unpack_s:.1f} s without one); same digests: {same}")


if __name__ == "__main__":
    main()
