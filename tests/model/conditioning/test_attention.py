import pytest
import torch
import torch.nn.functional as F

from dnaf.model.conditioning.attention import attend, merge_heads, split_heads


def tokens(num: int, seed: int) -> torch.Tensor:
    return torch.randn(2, 4, num, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_torch(masked: bool) -> None:
    query, key, value = tokens(6, 0), tokens(10, 1), tokens(10, 2)
    mask = torch.randn(6, 10, generator=torch.Generator().manual_seed(3)) if masked else None
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(attend(query, key, value, mask), expected, atol=1e-6, rtol=1e-5)


def test_attention_keeps_the_precision_of_the_values_under_autocast() -> None:
    query, key, value = (tokens(6, seed) for seed in range(3))
    with torch.autocast("cpu", torch.bfloat16):
        result = attend(query.bfloat16(), key.bfloat16(), value.bfloat16())
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), attend(query, key, value), atol=0.05, rtol=0.05)


def test_merging_heads_undoes_splitting_them() -> None:
    together = torch.randn(2, 5, 12)
    assert split_heads(together, 3).shape == (2, 3, 5, 4)
    torch.testing.assert_close(merge_heads(split_heads(together, 3)), together, atol=0, rtol=0)
