import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from dnaf.model.conditioning.noise_aware import NoiseAwareProcessor, StyleContext
from tests.helpers import training_project  # noqa: F401  one thread

NAME = "mid_block.attn1.processor"
HEADS, TOKENS, DIM = 2, 6, 16
NUM_STYLES = 2
ROWS = torch.tensor([1, 0, 1])


@pytest.fixture
def attention() -> Attention:
    torch.manual_seed(0)
    return Attention(DIM, heads=HEADS, dim_head=DIM // HEADS, processor=NoiseAwareProcessor(NAME, True, None))


@pytest.fixture
def hidden() -> torch.Tensor:
    """Rows [styles | targets]."""
    return torch.randn(NUM_STYLES + len(ROWS), TOKENS, DIM, generator=torch.Generator().manual_seed(1))


def explicit(attention: Attention, target: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """Attention of one image's tokens (N,C) over `context` (M,C), written out head by head."""
    query, key, value = attention.to_q(target), attention.to_k(context), attention.to_v(context)
    heads = []
    for head in range(HEADS):
        channels = slice(head * DIM // HEADS, (head + 1) * DIM // HEADS)
        scores = query[:, channels] @ key[:, channels].T / (DIM // HEADS) ** 0.5
        heads.append(torch.softmax(scores, dim=-1) @ value[:, channels])
    return attention.to_out[0](torch.cat(heads, dim=-1))


def expected(attention: Attention, hidden: torch.Tensor, keep: list[bool]) -> torch.Tensor:
    rows = [explicit(attention, own, own) for own in hidden[:NUM_STYLES]]
    for own, style, kept in zip(hidden[NUM_STYLES:], hidden[ROWS], keep, strict=True):
        rows.append(explicit(attention, own, torch.cat([own, style]) if kept else own))
    return torch.stack(rows)


@pytest.mark.parametrize("keep", [None, [True, False, True], [False] * 3])
def test_shared_keys_and_values_are_attention_over_the_tokens_of_both(
    attention: Attention, hidden: torch.Tensor, keep: list[bool] | None
) -> None:
    context = StyleContext(NUM_STYLES, ROWS, None if keep is None else torch.tensor(keep))
    torch.testing.assert_close(
        attention(hidden, style=context),
        expected(attention, hidden, keep or [True] * 3),
        atol=1e-6,
        rtol=1e-5,
    )


def test_recorded_styles_serve_later_targets_as_joint_ones_do(
    attention: Attention, hidden: torch.Tensor
) -> None:
    cache: dict[str, torch.Tensor] = {}
    recording = StyleContext(0, torch.arange(NUM_STYLES), cache=cache, recording=True)
    styles = attention(hidden[:NUM_STYLES], style=recording)
    targets = attention(hidden[NUM_STYLES:], style=StyleContext(0, ROWS, cache=cache))
    joint = attention(hidden, style=StyleContext(NUM_STYLES, ROWS))
    torch.testing.assert_close(torch.cat([styles, targets]), joint, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("context", [None, StyleContext(NUM_STYLES, ROWS, share=False)])
def test_without_sharing_it_is_the_attention_of_diffusers(
    attention: Attention, hidden: torch.Tensor, context: StyleContext | None
) -> None:
    ours = attention(hidden, style=context)
    attention.set_processor(AttnProcessor2_0())
    torch.testing.assert_close(ours, attention(hidden), atol=1e-6, rtol=1e-5)


def test_cross_attention_never_shares(hidden: torch.Tensor) -> None:
    attention = Attention(DIM, cross_attention_dim=DIM, heads=HEADS, dim_head=DIM // HEADS)
    prompt = torch.randn(len(hidden), 3, DIM)
    theirs = attention(hidden, prompt)
    attention.set_processor(NoiseAwareProcessor("mid_block.attn2.processor", False, None))
    ours = attention(hidden, prompt, style=StyleContext(NUM_STYLES, ROWS))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
