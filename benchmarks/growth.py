"""The data stages as a data set grows to 409,270 images, the field's most, and what a changed one moves.

Run: python -m benchmarks.growth FOLDER [--images N …]

For each number of images a project as of `benchmarks.rehearsal` is made below FOLDER, of 64x48 pixels, and
runs unpack, split and render by DVC. A line for each tells wall seconds, those of processors, the most memory
that all processes of a stage held together, and the size of what it wrote; the last ones tell how each grows:
seconds of processors as images ** exponent. Then one prepared image of the last project is another, and its
stores are pushed again to a folder as remote. A project that is finished is removed.
"""

import argparse
import os
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.rehearsal import STAGES, Cost, build, environment, make_names, run
from dnaf.core import files, images
from dnaf.core.progress import track
from dnaf.data.store import ImageStore, write_store

NUM_IMAGES = (52_712, 105_424, 210_848, 409_270)
SIZE = (64, 48)
OUTS = {"unpack": ("images.zip", "prepared.zip"), "split": ("pairs",), "render": ("pose_maps.zip",)}


def num_bytes(*paths: Path) -> int:
    """Size of files, and of folders with all that is in them."""
    every = [each for path in paths for each in (path.rglob("*") if path.is_dir() else [path])]
    return sum(each.stat().st_size for each in every if each.is_file())


def exponent(numbers: list[int], costs: list[float]) -> float:
    """Slope of the line through the logarithms: 1 where a cost grows as the number does."""
    return float(np.polyfit(np.log(numbers), np.log(costs), 1)[0])


def change_an_image(root: Path) -> None:
    """Writes the prepared images anew, of which the middle one is black."""
    path = root / "data/prepared.zip"
    store = ImageStore(path)
    changed = store.names[len(store.names) // 2]
    black = images.encode_png(np.zeros((*SIZE, 3), np.uint8))
    with write_store(path, store.info, len(store.names)) as new:
        for name in track(store.names, "Writing the store anew", len(store.names)):
            new.add(name, black if name == changed else store.read(name))


def moved_by_a_change(root: Path) -> tuple[int, int]:
    """Bytes that a push of both stores moves at first, and after an image has changed."""
    remote = root / "remote"
    dvc(root, "remote", "add", "-d", "folder", str(remote))
    dvc(root, "push", "unpack")
    first = num_bytes(remote)
    change_an_image(root)
    dvc(root, "commit", "-f", "unpack")
    dvc(root, "push", "unpack")
    return first, num_bytes(remote) - first


def dvc(root: Path, *words: str) -> None:
    subprocess.run(["dvc", *words, "-q"], cwd=root, env=environment(root), check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="The data stages as a data set grows")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, nargs="+", default=NUM_IMAGES)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores\n\n| images | stage | seconds | CPU seconds | GB of memory | GB written |")
    print("|--:|---|--:|--:|--:|--:|", flush=True)
    costs: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    for number in options.images:
        root = options.folder.resolve() / f"{number}-images"
        build(root, *make_names(number), SIZE)
        for stage in STAGES:
            cost = run(root, "dvc", "repro", "-s", stage)
            written = num_bytes(*(root / "data" / name for name in OUTS[stage])) / 1e9
            line = f"{cost.seconds:,.1f} | {cost.cpu:,.1f} | {cost.peak:.2f} | {written:.2f}"
            print(f"| {number:,} | {stage} | {line} |", flush=True)
            costs[stage].append(cost)
        if number != options.images[-1]:
            files.remove_folder(root)
    for stage, of_stage in costs.items():
        slope = exponent(list(options.images), [cost.cpu for cost in of_stage])
        print(f"{stage}: CPU seconds grow as images ** {slope:.2f}", flush=True)
    first, again = moved_by_a_change(root)
    print(f"a push moves {first:,} bytes; after a change of one image {again:,}, {again / first:.2%}")
    files.remove_folder(root)


if __name__ == "__main__":
    main()
