import torch

from benchmarks.device import GIB, count_flops, interleaved, matmul_peak, peak_memory

CPU = torch.device("cpu")


def test_the_peak_of_a_block_is_seen_and_that_of_an_earlier_block_is_not() -> None:
    num = 2**27  # float32: half a GiB
    with peak_memory(CPU) as before:
        torch.ones(num)
    with peak_memory(CPU) as after:
        pass
    assert before.bytes - after.bytes > 0.9 * 4 * num
    assert before.gib == before.bytes / GIB


def test_flops_count_the_backward_pass() -> None:
    layer = torch.nn.Linear(8, 16, device="meta")
    inputs = torch.ones(4, 8, device="meta", requires_grad=True)
    product = 2 * 4 * 8 * 16
    assert count_flops(lambda: layer(inputs)) == product
    assert count_flops(lambda: layer(inputs).sum().backward()) == 3 * product


def test_ways_take_turns() -> None:
    order: list[str] = []
    ways = {name: lambda name=name: order.append(name) for name in ("one", "two")}
    seconds = interleaved(ways, CPU, rounds=2, warmups=1)
    assert order == ["one", "two"] * 3
    assert [len(times) for times in seconds.values()] == [2, 2]


def test_a_matmul_peak_is_a_speed() -> None:
    assert matmul_peak(CPU, torch.float32, size=64, rounds=2) > 0
