"""Nothing makes float64 off the CPU: Apple's GPUs (MPS) have none, and refuse it with a TypeError."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dnaf.evaluate.networks.lpips import Lpips
from dnaf.model.patch_autoencoder import PatchAutoencoder
from dnaf.train.processes import agree
from tests.helpers.other_device import moved, other_device
from tests.helpers.training_project import random_inputs, tiny_pipeline


def test_the_device_of_these_tests_refuses_float64_and_gives_what_the_cpu_gives() -> None:
    values = torch.rand(3, 4)
    with other_device() as device:
        there = values.to(device)
        assert there.device == device
        assert torch.equal((there @ there.T + 1).cpu(), values @ values.T + 1)
        assert there.cpu().double().dtype == torch.float64
        for make in (
            lambda: there.double(),
            lambda: torch.zeros(2, dtype=torch.float64, device=device),
            lambda: torch.tensor([1.0], dtype=torch.float64).to(device),
        ):
            with pytest.raises(TypeError, match=r"no torch\.float64"):
                make()


def test_processes_agree_on_a_loss_and_a_signal() -> None:
    loss = float(torch.tensor(0.1))  # of float32, as every loss is
    with other_device() as device:
        accelerator: Any = SimpleNamespace(device=device, gather=lambda own: torch.cat([own, own]))
        assert agree(accelerator, loss, 15) == (loss, 15)


def test_lpips_compares() -> None:
    network = Lpips("squeeze", scaled=True, weights=None)
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 32, 3), dtype=np.uint8)
    expected = network.distances(images, images[::-1].copy())
    with other_device():
        found = moved(network).distances(images, images[::-1].copy())  # type: ignore[operator]
    assert found.dtype == np.float64
    assert np.array_equal(found, expected)


def test_an_autoencoder_starts() -> None:
    images = torch.rand(2, 3, 16, 16)
    with other_device() as device:
        PatchAutoencoder(4, (8, 8)).start_linear(images.to(device))


@pytest.mark.parametrize("scheduler", ["ddim", "euler", "dpm++"])
def test_a_person_is_generated(scheduler: str) -> None:
    from dnaf.model.schedulers import make_scheduler

    pipeline = tiny_pipeline()
    inputs = random_inputs(1, 2)
    images = {"style": inputs.image, "style_pose_map": inputs.style_pose_map, "pose_map": inputs.pose_map}
    noise = {"latents": inputs.noise, "style_noise": inputs.style_noise}
    pipeline.scheduler = make_scheduler(scheduler, pipeline.scheduler)
    expected = pipeline(**images, **noise, num_inference_steps=2, output_type="pt").images
    with other_device() as device:
        for module in pipeline.components.values():
            if isinstance(module, torch.nn.Module):
                moved(module)
        noise = {name: tensor.to(device) for name, tensor in noise.items()}
        found = pipeline(**images, **noise, num_inference_steps=2, output_type="pt").images.cpu()
    # After two calls; on some processors the two ways differ in more than one operation's last bits.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)  # a fortieth of a grey level
