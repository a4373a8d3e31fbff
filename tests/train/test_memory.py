from types import SimpleNamespace

import pytest
import torch
from diffusers import DDPMScheduler

from benchmarks.random_model import stable_diffusion
from dnaf.core import config
from dnaf.model import gradient_checkpointing
from dnaf.pipeline import DNAFPipeline, assemble
from dnaf.train import memory
from dnaf.train.draw import draw
from dnaf.train.loss import training_loss
from dnaf.train.memory import GIB, Estimate
from tests.helpers.training_project import SIZE, tiny_pipeline, train_params

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def allocated_in_a_step(pipeline: DNAFPipeline, params: config.Train) -> int:
    """What PyTorch's allocator gave out at most in a real step, gradients of weights being there already."""
    generator = torch.Generator().manual_seed(0)
    names = ("source", "target", "source_pose_map", "target_pose_map")
    batch = {name: torch.rand(params.batch_size, 3, *SIZE, generator=generator) for name in names}
    batch |= {f"{name}_latent": pipeline.autoencoder.encode(batch[name]) for name in ("source", "target")}
    schedule = DDPMScheduler.from_config(pipeline.scheduler.config)
    latent = tuple(batch["target_latent"].shape[1:])
    random = draw(list(range(params.batch_size)), latent, params, 1000, 0)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=params.mixed_precision == "bf16"):
            loss = training_loss(pipeline.denoiser, pipeline.autoencoder, schedule, batch, random, params)
        loss.backward()

    if params.gradient_checkpointing:
        gradient_checkpointing.enable(pipeline.denoiser)
    step()
    with torch.profiler.profile(profile_memory=True) as profile:
        step()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    now, peak = 0, 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize("mixed_precision", ["no", "bf16"])
@pytest.mark.parametrize("style_grad", [False, True])
def test_the_estimate_is_what_a_real_step_allocates(style_grad: bool, mixed_precision: str) -> None:
    pipeline = tiny_pipeline()
    params = train_params(style_grad=style_grad, mixed_precision=mixed_precision)
    found = memory.estimate(pipeline, params, SIZE, CPU).activations
    # Half precision on the CPU packs operands in buffers that no operator shows.
    assert found == pytest.approx(
        allocated_in_a_step(pipeline, params), rel=0.01 if mixed_precision == "no" else 0.06
    )


def test_recomputation_is_estimated_from_above() -> None:
    params = train_params(gradient_checkpointing=True)
    pipeline = tiny_pipeline()
    found, real = (
        memory.estimate(pipeline, params, SIZE, CPU).activations,
        allocated_in_a_step(pipeline, params),
    )
    assert real <= found < 1.3 * real
    assert found < 0.6 * memory.estimate(tiny_pipeline(), train_params(), SIZE, CPU).activations


def test_stable_diffusion_with_eight_large_images_fits_in_24_gb() -> None:
    pipeline = assemble(stable_diffusion(torch.device("meta"), torch.bfloat16))
    params = train_params(batch_size=8, gradient_checkpointing=True, mixed_precision="bf16")
    found = memory.estimate(pipeline, params, (512, 352), GPU)
    assert found.total < 24e9
    frozen, trained = (
        sum(p.numel() for p in module.parameters())
        for module in (
            torch.nn.ModuleList([pipeline.unet, pipeline.autoencoder, pipeline.style_encoder]),
            pipeline.adapter,
        )
    )
    assert found.weights == pytest.approx(2 * frozen + 4 * trained, rel=1e-3)  # and a few buffers
    assert found.gradients == found.ema == found.optimizer // 2 == 4 * trained
    assert found.activations > 8 * 2**27


def test_estimating_leaves_the_pipeline_as_it_was() -> None:
    pipeline = tiny_pipeline()
    before = {name: id(tensor) for name, tensor in pipeline.denoiser.named_parameters()}
    memory.estimate(pipeline, train_params(gradient_checkpointing=True), SIZE, GPU)
    assert {name: id(tensor) for name, tensor in pipeline.denoiser.named_parameters()} == before
    assert not pipeline.unet.is_gradient_checkpointing
    assert all("forward" not in vars(module) for module in pipeline.denoiser.modules())
    assert pipeline.scheduler.alphas_cumprod.sum() > 0


def test_processes_divide_the_batch_and_copy_the_gradients() -> None:
    one = memory.estimate(tiny_pipeline(), train_params(batch_size=2), SIZE, CPU)
    two = memory.estimate(tiny_pipeline(), train_params(batch_size=4), SIZE, CPU, num_processes=2)
    accumulated = memory.estimate(tiny_pipeline(), train_params(batch_size=4, accumulate=2), SIZE, CPU)
    assert one.activations == two.activations == accumulated.activations
    assert (one.buckets, two.buckets) == (0, one.gradients)


def test_what_a_step_took_is_said_where_pytorch_counts_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.tell_measured(SimpleNamespace(device=CPU, is_main_process=True))  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * GIB // 2)
    memory.tell_measured(SimpleNamespace(device=GPU, is_main_process=True))  # type: ignore[arg-type]
    assert capsys.readouterr().err == "Memory of a step, measured: 1.50 GiB\n"


def test_advice_names_what_to_change_and_by_how_much() -> None:
    found = Estimate(weights=4 * GIB, gradients=0, optimizer=0, ema=0, buckets=0, activations=8 * GIB)
    params = train_params(batch_size=8)
    assert memory.advice(found, 12 * GIB, params) is None
    assert memory.advice(found, 8 * GIB, params) == (
        "warning: train: not enough memory for a step (found 8.0 GiB on each device, expected about "
        "12.0 GiB). Set train.gradient_checkpointing to true or train.accumulate to 2 or more."
    )
    alone = train_params(batch_size=1, gradient_checkpointing=True)
    assert str(memory.advice(found, 8 * GIB, alone)).endswith("Use a device with more memory.")
    assert str(found) == "12.00 GiB (weights 4.00, activations 8.00)"
