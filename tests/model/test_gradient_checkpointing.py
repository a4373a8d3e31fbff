from collections import Counter

import pytest
import torch

from dnaf.model import gradient_checkpointing
from dnaf.model.conditioning.appearance import AppearanceBlock
from dnaf.model.denoiser import DNAFDenoiser
from tests.helpers.training_project import one_loss, random_inputs, tiny_pipeline


def gradients(denoiser: DNAFDenoiser, style_grad: bool) -> dict[str, torch.Tensor]:
    one_loss(denoiser, style_grad).backward()
    return {name: p.grad for name, p in denoiser.named_parameters() if p.grad is not None}


def saved_bytes(denoiser: DNAFDenoiser) -> int:
    weights = {parameter.untyped_storage().data_ptr() for parameter in denoiser.parameters()}
    saved: dict[int, int] = {}
    kept = []  # else a freed tensor's address could be that of another one

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        one_loss(denoiser, style_grad=False)
    return sum(saved.values())


@pytest.mark.parametrize("style_grad", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_gradients_are_the_same_to_the_last_bit(frozen: bool, style_grad: bool) -> None:
    results = []
    for checkpointing in (False, True):
        denoiser = tiny_pipeline(channels=[8, 16, 24]).denoiser.train()
        if frozen:
            denoiser.unet.requires_grad_(False)
        if checkpointing:
            gradient_checkpointing.enable(denoiser)
        results.append(gradients(denoiser, style_grad))
    plain, checkpointed = results
    assert plain.keys() == checkpointed.keys() != set()
    assert any(name.startswith("unet.") for name in plain) != frozen
    assert [name for name, gradient in plain.items() if not torch.equal(gradient, checkpointed[name])] == []


def test_most_activations_are_not_kept() -> None:
    denoiser = tiny_pipeline().denoiser.train()
    plain = saved_bytes(denoiser)
    gradient_checkpointing.enable(denoiser)
    assert saved_bytes(denoiser) < 0.5 * plain
    gradient_checkpointing.disable(denoiser)
    assert saved_bytes(denoiser) == plain


def test_every_appearance_block_runs_again_in_the_backward_pass() -> None:
    denoiser = tiny_pipeline().denoiser.train()
    gradient_checkpointing.enable(denoiser)
    calls: Counter[str] = Counter()
    blocks = {name: m for name, m in denoiser.named_modules() if isinstance(m, AppearanceBlock)}
    for name, block in blocks.items():
        # The first layer: the last one need not run again, only its input is wanted.
        block.to_q.register_forward_hook(lambda *_, name=name: calls.update([name]))
    loss = one_loss(denoiser, style_grad=True)
    assert calls == Counter(blocks.keys())
    loss.backward()
    assert calls == Counter(dict.fromkeys(blocks, 2))


def test_sampling_does_not_notice() -> None:
    pipeline, inputs = tiny_pipeline(), random_inputs(1, 1)
    encoded = pipeline.denoiser.encode(inputs.style, inputs.style_pose_map, inputs.pose_map)
    call = (inputs.noise, inputs.style_noise, torch.tensor(500), encoded, torch.tensor([0]))
    with torch.no_grad():
        plain = pipeline.denoiser.denoise(*call)
        gradient_checkpointing.enable(pipeline.denoiser)
        assert torch.equal(pipeline.denoiser.denoise(*call), plain)
