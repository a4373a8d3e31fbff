import torch

from dnaf.model.conditioning.attention import merge_heads, split_heads


def test_merging_heads_undoes_splitting_them() -> None:
    together = torch.randn(2, 5, 12)
    assert split_heads(together, 3).shape == (2, 3, 5, 4)
    torch.testing.assert_close(merge_heads(split_heads(together, 3)), together, atol=0, rtol=0)
