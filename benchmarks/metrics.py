"""How much faster the metrics are than the field's way of computing them, with equal numbers, in one run.

    python -m benchmarks.metrics

Prints a table: CPU milliseconds on one thread, the median of the ratios of rounds in which both ways take
turns, and the largest difference of the results. The images are synthetic, LPIPS's network is random.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = (
    "1"  # before numpy, which reads them once
)

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import imageio.v2 as imageio
import lpips
import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from pytorch_fid.fid_score import calculate_frechet_distance
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from dnaf.core.images import Pixels, decode_png, encode_png
from dnaf.evaluate.metrics.frechet import frechet_distance, real_statistics, trace_of_root
from dnaf.evaluate.metrics.psnr import l1, mae, psnr
from dnaf.evaluate.metrics.ssim import both_ssims
from dnaf.evaluate.networks.lpips import Lpips

SIZE = (256, 176)
NUM_PAIRS, NUM_TARGETS = 32, 12  # as in DeepFashion's list, whose 8,570 pairs have 3,144 targets
NUM_FEATURES = 2048
NUM_REAL, NUM_GENERATED, NUM_FEW = 10_000, 8_570, 1_000
METRICS = ("ssim", "ssim_gaussian", "psnr", "l1", "mae")

Pair = tuple[Pixels, Pixels]
UNIFORM: dict[str, Any] = {"win_size": 51, "channel_axis": 2}
GAUSSIAN: dict[str, Any] = {
    "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2,
}  # fmt: skip


def compare(
    name: str, theirs: Callable[[], Any], ours: Callable[[], Any], rounds: int = 7
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Prints a line of the table; returns both results."""
    ratios, times = [], []
    for _ in range(rounds):
        seconds, results = [], []
        for function in (theirs, ours):
            start = time.process_time()
            results.append(np.asarray(function()))
            seconds.append(time.process_time() - start)
        ratios.append(seconds[0] / seconds[1])
        times.append(seconds)
    before, after = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    difference = np.abs(results[0] - results[1]).max()
    print(
        f"| {name} | {before:,.1f} | {after:,.1f} | {statistics.median(ratios):.1f} x | {difference:.1e} |",
        flush=True,
    )
    return results[0], results[1]


def image_pairs(generator: np.random.Generator) -> list[Pair]:
    """Smooth images with grain, whose files are as big as photographs'; the second resembles the first."""

    def smooth() -> NDArray[np.float64]:
        noise = cv2.GaussianBlur(generator.normal(size=(*SIZE, 3)), (0, 0), 6)
        return np.asarray(cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX))

    def grain(image: NDArray[np.float64]) -> Pixels:
        return np.clip(image + generator.normal(0, 2, image.shape), 0, 255).astype(np.uint8)

    bases = [smooth() for _ in range(NUM_TARGETS)]
    reals = [grain(base) for base in bases]
    targets = [number * NUM_TARGETS // NUM_PAIRS for number in range(NUM_PAIRS)]
    return [(reals[target], grain(0.7 * bases[target] + 0.3 * smooth())) for target in targets]


def ssims_of_skimage(pairs: Sequence[Pair], dtype: type) -> list[tuple[float, float]]:
    """Both windows, as the field's scripts call them; they do so in float32."""
    scores = []
    for real, generated in pairs:
        x, y = real.astype(dtype), generated.astype(dtype)
        uniform = structural_similarity(x, y, data_range=255, **UNIFORM)
        scores.append((uniform, structural_similarity(x, y, data_range=y.max() - y.min(), **GAUSSIAN)))
    return scores


def our_ssims(pairs: Sequence[Pair]) -> list[tuple[float | None, float]]:
    return [both_ssims(real, generated, 1.5, float(np.ptp(generated))) for real, generated in pairs]


def differences_of_numpy(pairs: Sequence[Pair]) -> list[tuple[float, float, float]]:
    scores = []
    for real, generated in pairs:
        x, y = real.astype(np.float32) / 255, generated.astype(np.float32) / 255
        difference = np.abs(x - y)
        mean = difference.sum() / (x + y).sum()
        scores.append((peak_signal_noise_ratio(x, y, data_range=1), difference.mean(), mean))
    return scores


def our_differences(pairs: Sequence[Pair]) -> list[tuple[float, float, float]]:
    return [(psnr(*pair), l1(*pair), mae(*pair)) for pair in pairs]


def write_pairs(folder: Path, pairs: Sequence[Pair], compress_real: bool) -> list[tuple[Path, Path]]:
    """Paths of the pairs' PNG files, each ground truth written once."""
    files = []
    for number, (real, generated) in enumerate(pairs):
        paths = folder / f"real_{id(real)}_{compress_real}.png", folder / f"generated_{number}.png"
        paths[0].write_bytes(encode_png(real, compress_real))
        paths[1].write_bytes(encode_png(generated))
        files.append(paths)
    return files


def script(files: Sequence[tuple[Path, Path]]) -> list[float]:
    """The means of METRICS, as GFLA's `calculate_from_disk` goes about it, and PIDM's after it."""
    scores = []
    for real, generated in files:
        x = imageio.imread(str(real)).astype(np.float32) / 255.0
        y = imageio.imread(str(generated)).astype(np.float32) / 255.0
        x_255, y_255 = x * 255.0, y * 255.0
        scores.append(
            [
                structural_similarity(x, y, data_range=1, **UNIFORM),
                structural_similarity(x_255, y_255, data_range=y_255.max() - y_255.min(), **GAUSSIAN),
                peak_signal_noise_ratio(x, y, data_range=1),
                np.mean(np.abs(x - y)),
                np.sum(np.abs(x - y)) / np.sum(x + y),
            ]
        )
    return [float(mean) for mean in np.mean(scores, axis=0)]


def our_pass(files: Sequence[tuple[Path, Path]]) -> list[float]:
    ground_truth = cache(lambda path: decode_png(path.read_bytes()))  # as `real_images.RealImages` does
    scores = []
    for real_path, generated_path in files:
        real, generated = ground_truth(real_path), decode_png(generated_path.read_bytes())
        ssims = both_ssims(real, generated, 1.5, float(np.ptp(generated)))
        scores.append([*ssims, psnr(real, generated), l1(real, generated), mae(real, generated)])
    return [float(mean) for mean in np.mean(np.asarray(scores, np.float64), axis=0)]


def frechet_of_pytorch_fid(
    real: tuple[NDArray[np.float64], NDArray[np.float64]], generated: NDArray[np.float32]
) -> float:
    """By the matrix square root of the product of covariances; `real` are mean and covariance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of scipy's sqrtm(disp=...)
        activations = generated.astype(np.float64)
        return float(
            calculate_frechet_distance(*real, activations.mean(axis=0), np.cov(activations, rowvar=False))
        )


def compare_frechet(generator: np.random.Generator) -> None:
    """With enough images for a covariance of full rank, and with fewer than features."""
    spectrum = np.logspace(0, -2, NUM_FEATURES)
    mixing = generator.normal(size=(NUM_FEATURES, NUM_FEATURES)) * spectrum / np.sqrt(NUM_FEATURES)

    def features(num: int, scale: float) -> NDArray[np.float32]:
        return np.abs(scale * generator.normal(size=(num, NUM_FEATURES)) @ mixing + 0.4).astype(np.float32)

    real, generated = features(NUM_REAL, 1), features(NUM_GENERATED, 1.2)
    mean_and_covariance = real.astype(np.float64).mean(axis=0), np.cov(real, rowvar=False, dtype=np.float64)
    known = real_statistics(real)
    covariance = np.cov(generated, rowvar=False, dtype=np.float64)
    compare(
        f"root in the Frechet distance of covariances, {NUM_FEATURES} features, scipy's sqrtm",
        lambda: np.trace(scipy.linalg.sqrtm(mean_and_covariance[1] @ covariance)).real,
        lambda: trace_of_root(known.factor, covariance),
        rounds=1,
    )
    for num, what in ((NUM_GENERATED, "full rank"), (NUM_FEW, "fewer images than features")):
        before, _ = compare(
            f"Frechet distance, {NUM_FEATURES} features, {num:,} generated images ({what})",
            lambda some=generated[:num]: frechet_of_pytorch_fid(mean_and_covariance, some),
            lambda some=generated[:num]: frechet_distance(known, some),
            rounds=1,
        )
        print(f"  distance {before:.6g}", file=sys.stderr)


def lpips_package(trunk: Lpips) -> torch.nn.Module:
    """The package's own class with the same random trunk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torchvision's older arguments
        metric: torch.nn.Module = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = trunk.layers.state_dict()
    metric.net.load_state_dict({name: state[name.partition(".")[2]] for name in metric.net.state_dict()})
    return metric


def lpips_loop(network: torch.nn.Module, pairs: Sequence[Pair], batch_size: int) -> list[float]:
    """As GFLA's script goes about it, and DPTN's in batches of one: both images of every pair."""
    distances: list[float] = []
    with torch.no_grad():
        for start in range(0, len(pairs), batch_size):
            images = zip(*pairs[start : start + batch_size], strict=True)
            real, generated = (
                torch.from_numpy(np.stack(some).astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1
                for some in images
            )
            distances += network(real, generated).flatten().tolist()
    return distances


def our_lpips(network: Lpips, pairs: Sequence[Pair], batch_size: int = 16) -> NDArray[np.float64]:
    """As `batch_networks.Networks` does it: each ground truth once, all in one pass."""
    distances = []
    for start in range(0, len(pairs), batch_size):
        batch = pairs[start : start + batch_size]
        reals = {id(real): real for real, _ in batch}
        distances.append(
            network.distances(
                np.stack(list(reals.values())),
                np.stack([generated for _, generated in batch]),
                real_of=np.array([list(reals).index(id(real)) for real, _ in batch]),
            )
        )
    return np.concatenate(distances)


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    pairs = image_pairs(generator)
    print("| what | their way, CPU ms | ours | ratio | largest difference |\n|---|---:|---:|---:|---:|")
    at = f"{NUM_PAIRS} pairs of {NUM_TARGETS} targets, {SIZE[0]}x{SIZE[1]}"
    for dtype in (np.float32, np.float64):
        compare(
            f"both SSIMs, skimage in {dtype.__name__}, {at}",
            lambda dtype=dtype: ssims_of_skimage(pairs, dtype),
            lambda: our_ssims(pairs),
        )
    compare(
        f"PSNR, L1 and MAE, skimage and numpy, {at}",
        lambda: differences_of_numpy(pairs),
        lambda: our_differences(pairs),
    )
    network = Lpips("alex", scaled=True, weights=None)
    package = lpips_package(network)
    for batch_size in (16, 1):
        compare(
            f"LPIPS (AlexNet), the package in batches of {batch_size}, {at}",
            lambda batch_size=batch_size: lpips_loop(package, pairs, batch_size),
            lambda: our_lpips(network, pairs),
            rounds=3,
        )
    with tempfile.TemporaryDirectory() as folder:
        # Ground truths as stage unpack prepares them, and as everyone else does; generated images compressed.
        prepared, compressed = (write_pairs(Path(folder), pairs, compress) for compress in (False, True))
        means = compare(
            f"whole pair pass from PNG files, {at}", lambda: script(compressed), lambda: our_pass(prepared)
        )
    compare_frechet(generator)
    print("\n| of the whole pass | " + " | ".join(METRICS) + " |\n|---" * 1 + "|---:" * len(METRICS) + "|")
    for name, row in zip(("their script", "ours"), means, strict=True):
        print(f"| {name} | " + " | ".join(f"{value:.6f}" for value in row) + " |")


if __name__ == "__main__":
    main()
