from pathlib import Path

import pytest
import torch

from dnaf.apply.input_reader import InputReader
from dnaf.apply.memory import Estimate, estimate
from dnaf.pipeline import DNAFPipeline
from dnaf.train.memory import GIB
from tests.helpers.application_project import ApplicationProject
from tests.helpers.training_project import SIZE, tiny_pipeline

LARGE = (128, 96)  # where what a scheduler allocates, which is the same at any size, does not count


def allocated(project: ApplicationProject, guidance_scale: float) -> tuple[DNAFPipeline, int]:
    """A pipeline, and what PyTorch's allocator gave out at most while it made an image."""
    painter = project.painter(size=LARGE, num_inference_steps=2, guidance_scale=guidance_scale)
    person = InputReader(LARGE, data=project.root / "data").person(project.names[0])
    painter.generate([person], [person.keypoints])
    with torch.profiler.profile(profile_memory=True) as profile:
        painter.generate([person], [person.keypoints])
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    now, peak = 0, 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return painter.pipeline, peak


@pytest.mark.parametrize("guidance_scale", [1.0, 2.0])
def test_the_estimate_is_what_an_image_allocates_beside_workspaces(
    guidance_scale: float, tmp_path: Path
) -> None:
    pipeline, peak = allocated(ApplicationProject(tmp_path), guidance_scale)
    found = estimate(pipeline, LARGE, "cpu", guided=guidance_scale != 1)
    assert found.activations < peak < 1.5 * found.activations


def test_offload_leaves_the_largest_component() -> None:
    pipeline = tiny_pipeline()
    found = estimate(pipeline, SIZE, "cuda", guided=True)
    at_work = [*pipeline.unet.parameters(), *pipeline.adapter.parameters(), *pipeline.adapter.buffers()]
    encoder = [*pipeline.style_encoder.parameters(), *pipeline.style_encoder.buffers()]
    autoencoder = [*pipeline.autoencoder.buffers()]
    sizes = [sum(tensor.nbytes for tensor in tensors) for tensors in (at_work, encoder, autoencoder)]
    assert (found.at_work, found.weights) == (max(sizes), sum(sizes))
    assert str(Estimate(3 * GIB, 2 * GIB, GIB // 2)) == "3.50 GiB, with offload 2.50"
