"""What the benchmarks of the model share: clocks, peak memory, counted FLOPs, the device's matmul peak."""

import contextlib
import gc
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

MATMUL_SIZE = 8192  # side of the square matrices of the peak; smaller ones do not fill a data-centre GPU
GIB = 2**30


def device_name(device: torch.device) -> str:
    """What to print for the device, for example `NVIDIA H100 80GB HBM3`, or the CPU's model name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{found.group(1) if found else 'CPU'}, {torch.get_num_threads()} threads"


def now(device: torch.device) -> float:
    """Seconds: wall time after all queued work on a GPU; this process's CPU time on the CPU.

    CPU time because a busy machine must not change a ratio; set one thread, or it is a sum over threads.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def interleaved(
    ways: Mapping[str, Callable[[], object]], device: torch.device, rounds: int, warmups: int = 1
) -> dict[str, list[float]]:
    """Seconds of each way in each round. All ways take turns in a round, so that they share its weather."""
    for _ in range(warmups):
        for function in ways.values():
            function()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, function in ways.items():
            start = now(device)
            function()
            seconds[name].append(now(device) - start)
    return seconds


def count_flops(function: Callable[[], object]) -> int:
    """FLOPs of products, convolutions and attention in `function`, backward included; 2 a multiply-add.

    Works on the meta device, where it costs no arithmetic.
    """
    with FlopCounterMode(display=False) as counter:
        function()
    return int(counter.get_total_flops())


def matmul_peak(
    device: torch.device, dtype: torch.dtype = torch.bfloat16, size: int = MATMUL_SIZE, rounds: int = 20
) -> float:
    """FLOP/s of the product of two square matrices, the best round: what the device itself can reach."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    seconds = interleaved({"matmul": lambda: left @ right}, device, rounds, warmups=3)["matmul"]
    return 2 * size**3 / min(seconds)


class Peak:
    """Receives the most bytes in use at any moment inside `peak_memory`."""

    bytes: int = 0

    @property
    def gib(self) -> float:
        return self.bytes / GIB


@contextlib.contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Peak of the block: what PyTorch allocated on a GPU; resident memory of this process on the CPU.

    Both count what was there before, such as the weights of the model. On the CPU for Linux only.
    """
    peak = Peak()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device)
    else:
        Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark, see proc(5)
        yield peak
        peak.bytes = _status("VmHWM")


def resident_memory() -> int:
    """Bytes of this process in memory now."""
    return _status("VmRSS")


def _status(key: str) -> int:
    found = re.search(rf"{key}:\s*(\d+) kB", Path(f"/proc/{os.getpid()}/status").read_text())
    assert found is not None
    return 1024 * int(found.group(1))
