"""Ratio of our SSIM and Frechet distance against scikit-image's and SciPy's way, in one run.

    python -m benchmarks.metrics

Both ways take turns; the ratio is the median of the ratios of the rounds. CPU time, one thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from pytorch_fid.fid_score import calculate_frechet_distance
from skimage.metrics import structural_similarity

from dnaf.evaluate.frechet import frechet_distance
from dnaf.evaluate.ssim import ssim

SIZE = (256, 176)
NUM_PAIRS = 20
DIMENSIONS = 512
NUM_ROWS = (2000, 3000)
ROUNDS = 5


def picture(generator: np.random.Generator) -> np.ndarray:
    """A smooth random picture, uint8 (256, 176, 3)."""
    noise = cv2.GaussianBlur(generator.normal(size=(*SIZE, 3)), (0, 0), 6)
    return cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def ssim_of_skimage(real: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Both windows, as the field's metric scripts call them: in float32."""
    real, generated = real.astype(np.float32), generated.astype(np.float32)
    common: dict[str, Any] = {"channel_axis": 2, "data_range": 255}
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return (
        structural_similarity(real, generated, win_size=51, **common),
        structural_similarity(real, generated, **gaussian, **common),
    )


def frechet_of_pytorch_fid(real: np.ndarray, generated: np.ndarray) -> float:
    """By the matrix square root of the product of covariances."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return calculate_frechet_distance(
            real.mean(0), np.cov(real, rowvar=False), generated.mean(0), np.cov(generated, rowvar=False)
        )


def compare(name: str, theirs: Callable[[], Any], ours: Callable[[], Any]) -> None:
    """Prints the ratio of CPU times and the largest difference of the results."""
    ratios = []
    for _ in range(ROUNDS):
        seconds, results = [], []
        for function in (theirs, ours):
            start = time.process_time()
            results.append(function())
            seconds.append(time.process_time() - start)
        ratios.append(seconds[0] / seconds[1])
    difference = np.abs(np.asarray(results[0]) - np.asarray(results[1])).max()
    print(
        f"{name}: {statistics.median(ratios):.1f} times faster (CPU {seconds[0]:.3f} -> {seconds[1]:.3f} s, "
        f"largest difference {difference:.1e}, of {np.abs(results[0]).max():.3g})"
    )


def main() -> None:
    cv2.setNumThreads(1)
    generator = np.random.default_rng(0)
    pairs = [(picture(generator), picture(generator)) for _ in range(NUM_PAIRS)]
    compare(
        f"SSIM, both windows, {NUM_PAIRS} pairs of {SIZE[0]}x{SIZE[1]}",
        lambda: [ssim_of_skimage(*pair) for pair in pairs],
        lambda: [(ssim(*pair, "uniform51"), ssim(*pair, "gaussian")) for pair in pairs],
    )
    sets = [
        generator.normal(size=(rows, DIMENSIONS)) ** 2 * (1 + number / 4)
        for number, rows in enumerate(NUM_ROWS)
    ]
    compare(
        f"Frechet distance, {NUM_ROWS[0]} and {NUM_ROWS[1]} rows of {DIMENSIONS} features",
        lambda: frechet_of_pytorch_fid(*sets),
        lambda: frechet_distance(*sets),
    )
    few = [rows[: DIMENSIONS // 2] for rows in sets]
    compare(
        f"Frechet distance, {DIMENSIONS // 2} rows of {DIMENSIONS} features (singular covariances)",
        lambda: frechet_of_pytorch_fid(*few),
        lambda: frechet_distance(*few),
    )


if __name__ == "__main__":
    main()
