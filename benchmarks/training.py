"""What a training step costs without and with gradients through the style branch.

    python -m benchmarks.training          # CPU: ratios of time and FLOPs, a quarter of the width, one thread
    python -m benchmarks.training --gpu    # Stable Diffusion's size, bf16, 512x352 and 256x176

Prints a table. On the CPU the ways take turns and the fastest round counts. On a GPU each row tells samples
per second, achieved TFLOP/s, their share of what the device reaches in products of 8192x8192 matrices, and
the peak of memory beside its estimate. Weights are random, images are noise.
"""

import statistics

import torch
import typer
from accelerate import Accelerator

from benchmarks.device import (
    GIB,
    MATMUL_SIZE,
    count_flops,
    device_name,
    interleaved,
    matmul_peak,
    peak_memory,
)
from benchmarks.random_model import stable_diffusion, training_batch, training_params
from dnaf.core import config
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.train.memory import estimate, fake_step
from dnaf.train.precision import Precision
from dnaf.train.step import Learner

CPU = torch.device("cpu")
CPU_NARROW, CPU_BATCH, CPU_ROUNDS = 4, 1, 4
GPU_BATCHES = (8, 16)
GPU_ROUNDS = 10
SIZES = ((512, 352), (256, 176))


def step_flops(pipeline: DNAFPipeline, params: config.Train, size: tuple[int, int]) -> int:
    """FLOPs of a step, counted on tensors without data; what is computed again is not counted."""
    with fake_step(pipeline, params, params.batch_size, size, "cpu") as step:
        return count_flops(lambda: step().backward())


class Step:
    """A whole step as `stages.train` takes it: loss, gradients, clipping, AdamW, average."""

    def __init__(
        self, pipeline: DNAFPipeline, params: config.Train, size: tuple[int, int], device: torch.device
    ) -> None:
        precision = Precision(params.mixed_precision, device)
        self._learner = Learner(pipeline, Accelerator(cpu=device.type == "cpu"), precision, params, seed=0)
        self._batch = training_batch(params.batch_size, size, CPU)

    def __call__(self) -> None:
        self._learner.backward(0, dict(self._batch))
        self._learner.update(0)


def compare_style_gradients(size: tuple[int, int], narrow: int, rounds: int) -> None:
    """Prints a row: step without gradients through the style branch against one with them."""
    flops, steps = [], {}
    empty = assemble(stable_diffusion(torch.device("meta"), narrow=narrow))
    pipeline = assemble(stable_diffusion(CPU, narrow=narrow))
    for style_grad in (False, True):
        params = training_params(
            batch_size=CPU_BATCH,
            accumulate=1,
            mixed_precision="no",
            gradient_checkpointing=False,
            style_grad=style_grad,
        )
        flops.append(step_flops(empty, params, size))
        steps[str(style_grad)] = Step(pipeline, params, size, CPU)
    seconds = [min(times) for times in interleaved(steps, CPU, rounds).values()]
    print(
        f"| {size[0]}x{size[1]} | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[0] / seconds[1]:.2f} x "
        f"| {flops[0] / 1e9:,.0f} | {flops[1] / 1e9:,.0f} | {flops[0] / flops[1]:.2f} x |",
        flush=True,
    )


def measure(
    size: tuple[int, int],
    batch_size: int,
    checkpointing: bool,
    device: torch.device,
    dtype: torch.dtype,
    narrow: int,
    peak_flops: float,
) -> None:
    """Prints a row: speed and memory of the step of one configuration."""
    params = training_params(
        batch_size=batch_size,
        accumulate=1,
        mixed_precision="no" if dtype == torch.float32 else "bf16",
        gradient_checkpointing=checkpointing,
    )
    empty = assemble(stable_diffusion(torch.device("meta"), dtype, narrow))
    expected = estimate(empty, params, size, device).total
    flops = step_flops(empty, params, size)
    pipeline = assemble(stable_diffusion(device, dtype, narrow))
    with peak_memory(device) as peak:
        step = Step(pipeline, params, size, device)
        rounds = GPU_ROUNDS if device.type == "cuda" else 1
        seconds = statistics.median(interleaved({"": step}, device, rounds, warmups=3)[""])
    print(
        f"| {size[0]}x{size[1]} | {batch_size} | {'yes' if checkpointing else 'no'} "
        f"| {batch_size / seconds:.1f} | {1000 * seconds:.0f} | {flops / seconds / 1e12:.3g} "
        f"| {flops / seconds / peak_flops:.0%} | {peak.gib:.1f} | {expected / GIB:.1f} |",
        flush=True,
    )


def main(gpu: bool = False, small: bool = False) -> None:
    """Prints the table of the CPU, or of the GPU; `--small`: a tiny model on the CPU, in seconds."""
    sizes, narrow = ((64, 64),) if small else SIZES, 8 if small else CPU_NARROW
    if not gpu:
        torch.set_num_threads(1)
        print(f"{device_name(CPU)}, 1/{narrow} of the width, batch {CPU_BATCH}, float32\n")
        print("| size | without, CPU s | with | ratio | without, GFLOP | with | ratio |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for size in sizes:
            compare_style_gradients(size, narrow, 1 if small else CPU_ROUNDS)
        return
    device, dtype = torch.device("cpu" if small else "cuda"), torch.float32 if small else torch.bfloat16
    peak_flops = matmul_peak(device, dtype, 256 if small else MATMUL_SIZE)
    print(f"{device_name(device)}, {dtype}, matmul peak {peak_flops / 1e12:,.3g} TFLOP/s\n")
    print("| size | batch | checkpointed | samples/s | ms a step | TFLOP/s | of the peak | GiB | estimate |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for size in sizes:
        for batch_size in (1,) if small else GPU_BATCHES:
            for checkpointing in (True,) if small else (True, False):
                measure(size, batch_size, checkpointing, device, dtype, narrow if small else 1, peak_flops)


if __name__ == "__main__":
    typer.run(main)
