"""How much faster the fused kernel's attention is than plain products, at the sizes of the demo's model.

Run: python -m benchmarks.attention

One thread; rounds of both ways are interleaved; what is printed is the median of CPU milliseconds, and of the
ratios within a round. T targets of N tokens each see M keys: their own and those of their style.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

NUM_ROUNDS = 15
NUM_TARGETS = 8
# Heads, tokens, keys, channels of a head: the two levels of the demo's UNet; SD 1.5's finest at 256x176.
SIZES = ((1, 768, 1536, 48), (3, 192, 384, 32), (8, 704, 1408, 40))


def plain(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """softmax(Q Kᵀ / √d) V as it is written."""
    return (query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)).softmax(-1) @ value


def cpu_ms(function: Callable[..., torch.Tensor], inputs: list[torch.Tensor], trains: bool) -> float:
    start = time.process_time()
    with torch.set_grad_enabled(trains):
        result = function(*inputs)
        if trains:
            result.sum().backward()
    return 1000 * (time.process_time() - start)


def main() -> None:
    torch.set_num_threads(1)
    print("| attention | plain products, CPU ms | fused kernel | ratio |\n|---|--:|--:|--:|")
    for heads, tokens, keys, channels in SIZES:
        generator = torch.Generator().manual_seed(0)
        inputs = [
            torch.randn(NUM_TARGETS, heads, number, channels, generator=generator, requires_grad=True)
            for number in (tokens, keys, keys)
        ]
        fused = F.scaled_dot_product_attention
        torch.testing.assert_close(plain(*inputs), fused(*inputs), atol=1e-5, rtol=1e-4)
        for what, trains in (("sampling", False), ("training", True)):
            rounds = [
                (cpu_ms(plain, inputs, trains), cpu_ms(fused, inputs, trains)) for _ in range(NUM_ROUNDS)
            ]
            theirs, ours = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(one / other for one, other in rounds)
            size = f"{NUM_TARGETS} x {heads} heads, {tokens} tokens, {keys:,} keys of {channels}"
            print(f"| {what}: {size} | {theirs:.1f} | {ours:.1f} | {ratio:.1f}x |", flush=True)


if __name__ == "__main__":
    main()
