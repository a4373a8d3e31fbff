"""A rehearsal of evaluation at DeepFashion's size: eight methods, in the folder of `benchmarks.rehearsal`.

Run: python -m benchmarks.rehearsal_evaluation FOLDER [--sample 64]

Draws an image of every test pair for eight methods (zips of PNG and JPEG files below FOLDER; kept), and
scores them by DVC under protocol `patn`, which has no networks; tells time and memory of each stage. What the
networks take is measured on a sample of images, and multiplied; what is made of their features (reference
statistics, FID, KID and their intervals) at full size, on random features.
"""

import argparse
import io
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from benchmarks.rehearsal import ROOT, run
from dnaf.core import images
from dnaf.core.progress import track
from dnaf.evaluate.metrics.frechet import frechet_distance, frechet_interval, real_statistics
from dnaf.evaluate.metrics.kid import kid, kid_interval, real_term
from dnaf.evaluate.networks.inception import Inception
from dnaf.evaluate.networks.lpips import Lpips
from dnaf.evaluate.submissions.find import read_pairs_csv

SIZE = (256, 176)
# Methods whose results are published as single images, and the type of their files.
METHODS = {
    "pise": "jpg", "gfla": "jpg", "dptn": "jpg", "nted": "png", "pidm": "png", "pocold": "png", "cfld": "png",
    "mcld": "png",
}  # fmt: skip
NUM_REAL, NUM_FEATURES, NUM_RESAMPLINGS = 48_674, 2048, 1000


def draw_results(root: Path) -> int:
    """Writes `data/results/<method>/<method>.zip` of every method; gives the number of pairs."""
    pairs = read_pairs_csv(root / "data/pairs/test.csv").pairs
    for number, (method, kind) in enumerate(METHODS.items()):
        path = root / "data/results" / method / f"{method}.zip"
        if path.exists():
            continue
        generator = np.random.default_rng(number)
        with zipfile.ZipFile(path.with_suffix(".tmp"), "w") as archive:
            for source, target in track(pairs, f"draw {method}", len(pairs)):
                coarse = generator.integers(0, 256, (11, 8, 3), dtype=np.uint8)
                image = images.resize(coarse, SIZE)
                data = images.encode_jpeg(image, 95) if kind == "jpg" else images.encode_png(image)
                archive.writestr(f"{source}_2_{target}_vis.{kind}", data)
        path.with_suffix(".tmp").rename(path)
        # Margins and folders of the real archives are not drawn.
        card = path.with_name("card.yaml")
        values = YAML().load(card.read_text())
        values |= {"panels": None, "margin": 0, "folder": None}
        buffer = io.StringIO()
        YAML().dump(values, buffer)
        card.write_text(buffer.getvalue())
    return len(pairs)


def set_params(root: Path) -> None:
    path = root / "params.yaml"
    params = YAML().load(path.read_text())
    params |= {"methods": list(METHODS), "method": "pidm", "protocols": ["patn"], "protocol": "patn"}
    with open(path, "w") as file:
        YAML().dump(params, file)


def networks_on_a_sample(num_images: int, num_pairs: int) -> None:
    """Wall seconds of the networks on all cores, and what that makes of all images."""
    generator = np.random.default_rng(0)
    batch = generator.integers(0, 256, (num_images, *SIZE, 3), dtype=np.uint8)
    inception, lpips = Inception("imagenet", None), Lpips("alex", scaled=True, weights=None)
    steps: tuple[tuple[str, Callable[..., Any], int], ...] = (
        ("Inception", inception.features, NUM_REAL),
        ("Inception", inception.features, num_pairs),
        ("LPIPS", lambda some: lpips.distances(some[: num_images // 3], some, real_of=of), num_pairs),
    )
    of = np.arange(num_images) % (num_images // 3)
    for name, function, total in steps:
        function(batch)
        start = time.perf_counter()
        function(batch)
        each = (time.perf_counter() - start) / num_images
        what, minutes = f"{name}, {num_images} images measured", each * total / 60
        print(f"{what:34} {1000 * each:7.1f} ms   an image; {minutes:.0f} min for {total:,}, by multiplying")


def statistics_at_full_size(which: str, num_pairs: int) -> None:
    """What is made of features; run in a process of its own, for its memory."""
    generator = np.random.default_rng(0)
    features = np.abs(generator.standard_normal((NUM_REAL, NUM_FEATURES), np.float32))
    statistics, kernel_mean = real_statistics(features), real_term(features)
    if which == "reference":
        return
    generated = np.abs(generator.standard_normal((num_pairs, NUM_FEATURES), np.float32))
    outfits = [str(index // 4) for index in range(num_pairs)]
    frechet_distance(statistics, generated)
    frechet_interval(statistics, generated, outfits, NUM_RESAMPLINGS, 0, "fid")
    kid(features, kernel_mean, generated)
    kid_interval(features, kernel_mean, generated, outfits, NUM_RESAMPLINGS, 0, "kid")


def main() -> None:
    parser = argparse.ArgumentParser(description="A rehearsal of evaluation at DeepFashion's size")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=64)
    parser.add_argument("--statistics", help=argparse.SUPPRESS)
    options = parser.parse_args()
    root = options.folder.resolve()
    if options.statistics:
        which, _, number = options.statistics.partition(":")
        statistics_at_full_size(which, int(number))
        return
    (root / "data/results/shared").mkdir(exist_ok=True)
    num_pairs = draw_results(root)
    set_params(root)
    print(f"{num_pairs:,} pairs, {len(METHODS)} methods, {torch.get_num_threads()} cores", flush=True)
    stages = ["reference@patn", *(f"evaluate@{method}-patn" for method in METHODS)]
    for stage in stages:
        seconds, _, peak = run(root, "dvc", "repro", "-s", stage)
        print(f"{stage:34} {seconds:7.1f} s   {peak:5.2f} GB", flush=True)
    seconds, _, peak = run(root, "dvc", "repro", *stages, "-s")
    print(f"{'again, nothing to do':34} {seconds:7.1f} s   {peak:5.2f} GB", flush=True)
    script = (sys.executable, "-m", "benchmarks.rehearsal_evaluation", str(root), "--statistics")
    known = None
    for which in ("reference", "method"):
        seconds, _, peak = run(ROOT, *script, f"{which}:{num_pairs}")
        own = seconds if known is None else seconds - known
        known = seconds
        print(f"{f'features of {which}':34} {own:7.1f} s   {peak:5.2f} GB", flush=True)
    networks_on_a_sample(options.sample, num_pairs)


if __name__ == "__main__":
    main()
