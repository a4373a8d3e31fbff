"""The tables of many methods at DeepFashion's size: how long stage leaderboard takes, where scores are there.

Run: python -m benchmarks.tables [--pairs 8570] [--methods 20] [--protocols 10]

Scores, keypoints and names are made up; reading, strata, intervals, tests of differences and tables are the
stage's own.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from benchmarks.rehearsal import FIGURE, ROOT, VIEWS, run
from dnaf.core import files
from dnaf.core.seals import write_sealed
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import write_keypoints
from dnaf.evaluate.protocols.registry import PROTOCOLS
from tests.helpers import scored_methods

METRICS = ("lpips", "ssim", "ssim_gaussian", "psnr", "l1", "mae")
SETS = ("fid", "kid", "fd_efficientnet")


def build(root: Path, num_pairs: int, methods: list[str], protocols: list[str]) -> None:
    """Writes a project whose scores are there."""
    generator = np.random.default_rng(0)
    stems = [
        Stem(f"fashionWOMENDressesid{index // len(VIEWS):08d}01_{VIEWS[index % len(VIEWS)]}")
        for index in range(num_pairs)
    ]
    pairs = [(stem, stems[number - number % len(VIEWS)]) for number, stem in enumerate(stems)]
    rows = "".join(f"{source},{target},{source.rpartition('_')[0]}\n" for source, target in pairs)
    (root / "data/pairs").mkdir(parents=True)
    write_sealed(root / "data/pairs/test.csv", f"source,target,outfit\n{rows}")
    write_sealed(root / "data/pairs/train_images.csv", "".join(f"{stem}\n" for stem in ("stem", *stems[::2])))
    write_keypoints(root / "data/pairs/keypoints.csv", stems, [FIGURE.astype(float)] * num_pairs)
    files.write_manifest(root / "data/pairs", {"frame": [256, 176]})
    params = YAML().load(ROOT / "params.yaml")
    params |= {"methods": methods, "protocols": protocols, "protocol": protocols[0]}
    YAML().dump(params, root / "params.yaml")
    for method in methods:
        (root / "data/results" / method).mkdir(parents=True)
        shutil.copy(ROOT / f"data/results/{method}/card.yaml", root / f"data/results/{method}/card.yaml")
    for protocol in protocols:
        for method in methods:
            scores = {key: generator.random(num_pairs) for key in METRICS}
            means = {key: float(values.mean()) for key, values in scores.items()}
            means |= {key: float(generator.random()) for key in SETS}
            numbers = {
                key: value
                for name, mean in means.items()
                for key, value in scored_methods.with_interval(name, mean, 0.01).items()
            }
            row = scored_methods.present(method, numbers, protocol)
            row.numbers.update(num_pairs=num_pairs, num_expected=num_pairs)
            row.protocol["bootstrap"] = {"num_resamplings": 1000, "seed": 0}
            scored_methods.write(root, row, scores, pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description="The tables of many methods at DeepFashion's size")
    parser.add_argument("--pairs", type=int, default=8570)
    parser.add_argument("--methods", type=int, default=20)
    parser.add_argument("--protocols", type=int, default=10)
    options = parser.parse_args()
    methods = sorted(path.parent.name for path in (ROOT / "data/results").glob("*/card.yaml"))
    methods, protocols = methods[: options.methods], list(PROTOCOLS)[: options.protocols]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        build(root, options.pairs, methods, protocols)
        seconds, _, peak = run(root, sys.executable, "-m", "stages.leaderboard", "demo")
    numbers = f"{len(methods)} methods, {len(protocols)} protocols, {len(METRICS)} metrics"
    print(f"{options.pairs:,} pairs, {numbers}\n")
    print("| stage | seconds | GB |\n|---|---|---|")
    print(f"| leaderboard | {seconds:.1f} | {peak:.2f} |")


if __name__ == "__main__":
    main()
