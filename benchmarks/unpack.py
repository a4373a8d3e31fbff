"""Reading a password-protected zip: this package against Python's zipfile, on the same archive in one run.

Run: python -m benchmarks.unpack

The archive has 1,200 deflated members of 8 to 16 kB that cannot be compressed, as photographs cannot; both
ways decrypt, inflate and check the CRC of each. They take turns, and medians of the rounds are compared.
"""

import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dnaf.data.archive import open_archive
from dnaf.data.encrypted_zip import write_encrypted_zip

NUM_MEMBERS, NUM_ROUNDS = 1200, 3
PASSWORD = "demo"


def read_with_zipfile(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name, PASSWORD.encode()) for name in archive.namelist()}


def read_with_dnaf(path: Path) -> dict[str, bytes]:
    with open_archive(path) as archive:
        return dict(archive.read(archive.names, PASSWORD))


def measure(read: Callable[[Path], dict[str, bytes]], path: Path) -> tuple[float, float, dict[str, bytes]]:
    """CPU seconds, wall seconds, and what was read."""
    cpu, wall = time.process_time(), time.perf_counter()
    contents = read(path)
    return time.process_time() - cpu, time.perf_counter() - wall, contents


def main() -> None:
    rng = np.random.default_rng(0)
    members = {
        f"img/{index}.jpg": rng.bytes(int(rng.integers(8_000, 16_000))) for index in range(NUM_MEMBERS)
    }
    megabytes = sum(map(len, members.values())) / 1e6
    seconds: dict[str, list[tuple[float, float]]] = {"zipfile": [], "dnaf": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        write_encrypted_zip(path, members, PASSWORD.encode(), rng)
        for _ in range(NUM_ROUNDS):
            for name, read in (("zipfile", read_with_zipfile), ("dnaf", read_with_dnaf)):
                cpu, wall, contents = measure(read, path)
                if contents != members:
                    raise SystemExit(f"{name}: read something else than was written")
                seconds[name].append((cpu, wall))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in seconds.items()
    }
    print(f"{NUM_MEMBERS:,} members, {megabytes:.1f} MB, median of {NUM_ROUNDS} rounds, same contents")
    for name, (cpu, wall) in medians.items():
        print(f"{name:8} CPU {cpu:6.2f} s ({megabytes / cpu:5.1f} MB/s)   wall {wall:6.2f} s")
    ratios = [plain / ours for plain, ours in zip(medians["zipfile"], medians["dnaf"], strict=True)]
    print(f"ratio    CPU {ratios[0]:6.1f} x                wall {ratios[1]:6.1f} x")


if __name__ == "__main__":
    main()
