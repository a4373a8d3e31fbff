"""How long sampling takes, against what its FLOPs say, and against the naive way in the same run.

    python -m benchmarks.sampling          # CPU: ratios of time and FLOPs, a quarter of the width, one thread
    python -m benchmarks.sampling --gpu    # Stable Diffusion's size, bf16, 512x352 and 256x176

Prints a table. On the CPU single steps of sampling take turns and the fastest round counts. On a GPU whole
images are sampled, the naive way and by the pipeline, without and with torch.compile; each row tells images
per second, milliseconds a model call, achieved TFLOP/s, their share of what the device reaches in products of
8192x8192 matrices, and the peak of memory. Weights are random, images are noise.
"""

import statistics
from collections.abc import Callable

import torch
import typer

from benchmarks.device import (
    MATMUL_SIZE,
    count_flops,
    device_name,
    interleaved,
    matmul_peak,
    peak_memory,
)
from benchmarks.flops import (
    CALLS,
    FAST_CALLS,
    GROUP,
    HALF,
    SIZES,
    Batch,
    Row,
    count,
    naive,
    ours,
    plain_stable_diffusion,
    random_batch,
    sample_plainly,
)
from benchmarks.random_model import stable_diffusion
from dnaf.model.schedulers import make_scheduler
from dnaf.pipeline import DNAFPipeline, assemble

CPU, META = torch.device("cpu"), torch.device("meta")
CPU_NARROW, CPU_ROUNDS, CPU_POSES = 4, 5, 3
GPU_BATCH, GPU_ROUNDS = GROUP[1], 3
FAST_SCHEDULER = "dpm++"

Ways = dict[str, Callable[[], object]]


def random_pipeline(device: torch.device, dtype: torch.dtype, narrow: int) -> DNAFPipeline:
    pipeline = assemble(stable_diffusion(device, dtype, narrow))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def steps(pipeline: DNAFPipeline, size: tuple[int, int]) -> tuple[Ways, list[int]]:
    """The model calls of one step, the naive way first, and the number of images that each serves."""
    denoiser, device = pipeline.denoiser, pipeline.device
    timestep = torch.tensor(500, device=device)

    def step(num_targets: int, guided: bool) -> Callable[[], object]:
        batch = random_batch(pipeline, size, 1, num_targets)
        encoded = denoiser.encode(batch.style, batch.style_pose_map, batch.pose_map)
        style_index, latents, num_unconditional = batch.style_index.to(device), batch.noise, 0
        if guided:
            encoded, latents, num_unconditional = (
                encoded.repeat_targets(2),
                latents.repeat(2, 1, 1, 1),
                num_targets,
            )
        arguments = (latents, batch.style_noise, timestep, encoded, style_index)
        return lambda: denoiser.denoise(*arguments, num_unconditional=num_unconditional)

    pair, several = random_batch(pipeline, size, 1, 1), CPU_POSES
    branches = naive(denoiser, pair)
    ways = {
        "naive (2S+2D)": (lambda: branches(pair.noise, pair.style_noise, timestep[None]), 1),
        "plain Stable Diffusion (2U)": (lambda: plain_stable_diffusion(pipeline.unet, pair, 1), 1),
        "one pose (S+U+D)": (step(1, guided=True), 1),
        f"{several} poses (S+{several}U+{several}D)": (step(several, guided=True), several),
        f"{several} poses, not guided (S+{several}D)": (step(several, guided=False), several),
    }
    return {name: way for name, (way, _) in ways.items()}, [number for _, number in ways.values()]


def compare_steps(size: tuple[int, int], narrow: int, rounds: int) -> None:
    """Prints a row a way: how much less it takes than the naive one, in FLOPs and in time."""
    ways, numbers = steps(random_pipeline(CPU, torch.float32, narrow), size)
    counted, _ = steps(random_pipeline(META, torch.float32, narrow), size)
    seconds = interleaved(ways, CPU, rounds)
    flops_of_naive = seconds_of_naive = 0.0
    for name, number in zip(ways, numbers, strict=True):
        flops, fastest = count_flops(counted[name]) / number, min(seconds[name]) / number
        flops_of_naive, seconds_of_naive = flops_of_naive or flops, seconds_of_naive or fastest
        fewer, less = flops_of_naive / flops, seconds_of_naive / fastest
        print(
            f"| {size[0]}x{size[1]} | {name} | {flops / 1e9:,.1f} | {1000 * fastest:,.0f} | {fewer:.2f} x "
            f"| {less:.2f} x | {less / fewer:.2f} |",
            flush=True,
        )


def samplings(pipeline: DNAFPipeline, batch: Batch) -> dict[str, Callable[[int], torch.Tensor]]:
    """Whole samplings of a batch by the number of steps: naive, the same images by the pipeline, and fast."""
    exact = pipeline.scheduler
    fast = make_scheduler(FAST_SCHEDULER, exact)

    def naively(num_calls: int) -> torch.Tensor:
        pipeline.scheduler = exact
        with pipeline.autocast():
            return sample_plainly(pipeline, batch, num_calls, naive)

    def exactly(num_calls: int) -> torch.Tensor:
        pipeline.scheduler = exact
        return ours(pipeline, batch, num_calls)

    def quickly(num_calls: int) -> torch.Tensor:
        pipeline.scheduler = fast
        return ours(pipeline, batch, num_calls, HALF)

    return {"naive": naively, "the same images": exactly, f"fast setting ({FAST_SCHEDULER})": quickly}


def measure(
    size: tuple[int, int],
    batch_size: int,
    num_calls: list[int],
    device: torch.device,
    dtype: torch.dtype,
    narrow: int,
    peak_flops: float,
    compiled: bool,
) -> None:
    """Prints a row a way of sampling a batch."""
    num_styles = max(1, round(batch_size * GROUP[0] / GROUP[1]))
    # FLOPs do not depend on the dtype, and there is no autocast for tensors without data.
    empty, pipeline = random_pipeline(META, torch.float32, narrow), random_pipeline(device, dtype, narrow)
    counted = samplings(empty, random_batch(empty, size, num_styles, batch_size))
    rows = [
        count(name, calls, way, batch_size, fewest=2)
        for (name, way), calls in zip(counted.items(), num_calls, strict=True)
    ]
    ways = samplings(pipeline, random_batch(pipeline, size, num_styles, batch_size))
    slowest = _measure(size, rows[0], ways["naive"], batch_size, device, peak_flops)
    for row in rows[1:]:
        _measure(size, row, ways[row.name], batch_size, device, peak_flops, slowest)
    if compiled:
        pipeline.denoiser.denoise = torch.compile(pipeline.denoiser.denoise, fullgraph=True)
        for row in rows[1:]:
            _measure(size, row, ways[row.name], batch_size, device, peak_flops, slowest, ", compiled")


def _measure(
    size: tuple[int, int],
    row: Row,
    way: Callable[[int], object],
    batch_size: int,
    device: torch.device,
    peak_flops: float,
    slowest: float | None = None,
    note: str = "",
) -> float:
    """Prints a row, with its speed against `slowest`, which like the result is in seconds an image."""
    with peak_memory(device) as peak:
        rounds = interleaved({"": lambda: way(row.num_calls)}, device, GPU_ROUNDS)[""]
    seconds = statistics.median(rounds) / batch_size
    achieved = row.per_image / seconds
    print(
        f"| {size[0]}x{size[1]} | {row.name}{note} | {row.num_calls} | {1 / seconds:.2f} "
        f"| {1000 * seconds * batch_size / row.num_calls:,.0f} | {achieved / 1e12:.3g} "
        f"| {achieved / peak_flops:.0%} | {peak.gib:.1f} | {(slowest or seconds) / seconds:.2f} x |",
        flush=True,
    )
    return seconds


def main(gpu: bool = False, small: bool = False) -> None:
    """Prints the table of the CPU, or of the GPU; `--small`: a tiny model on the CPU, in seconds."""
    sizes, narrow = ((64, 64),) if small else SIZES, 8 if small else CPU_NARROW
    if not gpu:
        torch.set_num_threads(1)
        print(f"{device_name(CPU)}, 1/{narrow} of the width, float32\n")
        print(
            "| size | a step | GFLOP an image | CPU ms an image | fewer FLOPs | less time | time to FLOPs |"
        )
        print("|---|---|---:|---:|---:|---:|---:|")
        for size in sizes:
            compare_steps(size, narrow, 1 if small else CPU_ROUNDS)
        return
    device, dtype = torch.device("cpu" if small else "cuda"), torch.float32 if small else torch.bfloat16
    peak_flops = matmul_peak(device, dtype, 256 if small else MATMUL_SIZE)
    batch_size, calls = (2, [2, 2, 2]) if small else (GPU_BATCH, [CALLS, CALLS, FAST_CALLS])
    print(
        f"{device_name(device)}, {dtype}, batch {batch_size}, matmul peak {peak_flops / 1e12:,.3g} TFLOP/s\n"
    )
    print("| size | way | model calls | images/s | ms a call | TFLOP/s | of the peak | GiB | faster |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for size in sizes:
        measure(
            size, batch_size, calls, device, dtype, narrow if small else 1, peak_flops, compiled=not small
        )


if __name__ == "__main__":
    with torch.no_grad():
        typer.run(main)
