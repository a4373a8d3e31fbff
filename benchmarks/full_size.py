"""A training step and a sampled image of the model at Stable Diffusion's size, on this machine's CPU.

    python -m benchmarks.full_size

Prints seconds and the peak of the process's memory of each, as a table. Weights are random (nothing is
downloaded), float32; everything else is what `stages.train` and `stages.generate` run. 256x176 pixels, batch
1; the image takes two model calls with guidance. Needs about 10 GiB. Then tells the memory that training on a
GPU is estimated to take. `--narrow 8` is quick, and for the test.
"""

import contextlib
import time
from collections.abc import Iterator

import torch
import typer
from accelerate import Accelerator

from benchmarks.device import device_name, peak_memory
from benchmarks.random_model import stable_diffusion, training_batch, training_params
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.train.memory import estimate
from dnaf.train.precision import Precision
from dnaf.train.step import Learner

CPU = torch.device("cpu")
NUM_CALLS, GUIDANCE_SCALE = 2, 2.0
GPU_BATCH, GPU_SIZE = 8, (512, 352)


@contextlib.contextmanager
def row(what: str) -> Iterator[None]:
    """Prints a row of the table for what the block does."""
    wall, cpu = time.perf_counter(), time.process_time()
    with peak_memory(CPU) as peak:
        yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {what} | {wall:.1f} | {cpu:.1f} | {peak.gib:.1f} |", flush=True)


def learner(pipeline: DNAFPipeline) -> Learner:
    params = training_params(batch_size=1, accumulate=1, mixed_precision="no", gradient_checkpointing=False)
    return Learner(pipeline, Accelerator(cpu=True), Precision("no", CPU), params, seed=0)


def on_gpu(narrow: int) -> str:
    """What training in params/deepfashion.yaml's way takes on one GPU, counted on tensors without data."""
    params = training_params(
        batch_size=GPU_BATCH, accumulate=1, mixed_precision="bf16", gradient_checkpointing=True
    )
    empty = assemble(stable_diffusion(torch.device("meta"), torch.bfloat16, narrow))
    found = estimate(empty, params, GPU_SIZE, torch.device("cuda"))
    height, width = GPU_SIZE
    return f"bfloat16, batch {GPU_BATCH} at {height}x{width}, activations computed again: {found}."


def main(height: int = 256, width: int = 176, narrow: int = 1) -> None:
    """Builds, trains one step, and samples one image."""
    size = height, width
    print(f"{device_name(CPU)}, {height}x{width}, float32\n")
    print("| what | s | CPU s | peak memory, GiB |\n|---|---:|---:|---:|")
    with row("build"):
        pipeline = assemble(stable_diffusion(CPU, narrow=narrow))
    pipeline.set_progress_bar_config(disable=True)
    with row("training step, batch 1"):
        student = learner(pipeline)
        loss, norm = student.backward(0, training_batch(1, size, CPU))
        student.update(0)
        assert norm > 0
    del student
    pipeline.adapter.zero_grad()
    inputs = training_batch(1, size, CPU)
    with row(f"one image, {NUM_CALLS} model calls with guidance"):
        images = pipeline(
            style=inputs["source"] / 2 + 0.5,
            style_pose_map=inputs["source_pose_map"],
            pose_map=inputs["target_pose_map"],
            num_inference_steps=NUM_CALLS,
            guidance_scale=GUIDANCE_SCALE,
            generator=torch.Generator().manual_seed(0),
            output_type="pt",
        ).images
    assert images.shape == (1, 3, *size)
    components = ("unet", "autoencoder", "style_encoder", "adapter")
    millions = (
        sum(p.numel() for p in getattr(pipeline, component).parameters()) / 1e6 for component in components
    )
    sizes = ", ".join(
        f"{component} {million:,.1f} M" for component, million in zip(components, millions, strict=True)
    )
    print(f"\nParameters: {sizes}; loss {loss:.3f}.")
    print(f"\nEstimated for a GPU, {on_gpu(narrow)}")


if __name__ == "__main__":
    typer.run(main)
