import torch

from dnaf.model.conditioning.appearance import AppearanceBlock
from tests.helpers import training_project  # noqa: F401  one thread


def started_block() -> AppearanceBlock:
    """A block whose projection is no longer zero."""
    torch.manual_seed(0)
    block = AppearanceBlock(16, num_heads=2)
    block.projection.reset_parameters()
    return block


def test_a_new_block_changes_nothing() -> None:
    block = AppearanceBlock(16, num_heads=2)
    residual = block(torch.randn(2, 16, 4, 3), *block.keys_values(torch.randn(2, 16, 5, 5)))
    assert residual.shape == (2, 16, 4, 3)
    assert not residual.any()


def test_the_style_is_a_set_of_tokens() -> None:
    block, hidden, style = started_block(), torch.randn(1, 16, 4, 3), torch.randn(1, 16, 5, 2)
    shuffled = style.flatten(2)[:, :, torch.randperm(10)].reshape_as(style)
    torch.testing.assert_close(
        block(hidden, *block.keys_values(style)),
        block(hidden, *block.keys_values(shuffled)),
        atol=1e-5,
        rtol=1e-5,
    )


def test_every_position_gets_its_own_residual() -> None:
    block, hidden = started_block(), torch.randn(1, 16, 4, 3)
    style = block.keys_values(torch.randn(1, 16, 5, 2))
    whole = block(hidden, *style)
    one = block(hidden[:, :, 2:3, 1:2], *style)
    torch.testing.assert_close(whole[:, :, 2:3, 1:2], one, atol=1e-5, rtol=1e-5)


def test_another_style_gives_another_residual() -> None:
    block, hidden = started_block(), torch.randn(1, 16, 4, 3)
    first, second = (block(hidden, *block.keys_values(torch.randn(1, 16, 5, 2))) for _ in range(2))
    assert (first - second).abs().max() > 1e-3
