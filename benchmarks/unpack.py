"""Reading password-protected zips: this package against Python's `zipfile`, on the same contents in one run.

Run: python -m benchmarks.unpack

The archives have 1,200 deflated members of 8 to 16 kB that cannot be compressed, as photographs cannot; all
ways decrypt, inflate and verify each of them. They take turns, and medians of the rounds are compared. CPU
time includes that of started programs. Python alone, 7-Zip where it is installed, and AES, which `zipfile`
cannot read.
"""

import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyzipper

from dnaf.data.archives import zip as zip_archive
from dnaf.data.archives.open import open_archive
from dnaf.data.demo.encrypted_zip import write_encrypted_zip

NUM_MEMBERS, NUM_ROUNDS = 1200, 3
PASSWORD = "demo"
PLAIN = "zipfile"

Contents = dict[str, bytes]


def read_with_zipfile(path: Path) -> Contents:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name, PASSWORD.encode()) for name in archive.namelist()}


def read_with_dnaf(path: Path, streamer: str | None) -> Contents:
    zip_archive._STREAMER = streamer
    with open_archive(path) as archive:
        return dict(archive.read(archive.names, PASSWORD))


def write_aes_zip(path: Path, members: Contents) -> None:
    with pyzipper.AESZipFile(
        path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(PASSWORD.encode())
        for name, data in members.items():
            archive.writestr(name, data)


def measure(read: Callable[[], Contents]) -> tuple[float, float, Contents]:
    """CPU seconds, wall seconds, and what was read."""
    cpu, wall = os.times(), time.perf_counter()
    contents = read()
    used = [after - before for after, before in zip(os.times()[:4], cpu[:4], strict=True)]
    return sum(used), time.perf_counter() - wall, contents


def main() -> None:
    rng = np.random.default_rng(0)
    members = {
        f"img/{index}.jpg": rng.bytes(int(rng.integers(8_000, 16_000))) for index in range(NUM_MEMBERS)
    }
    megabytes = sum(map(len, members.values())) / 1e6
    streamer = zip_archive._STREAMER
    with tempfile.TemporaryDirectory() as folder:
        path, aes = Path(folder) / "a.zip", Path(folder) / "aes.zip"
        write_encrypted_zip(path, members, PASSWORD.encode(), rng)
        write_aes_zip(aes, members)
        ways: dict[str, Callable[[], Contents]] = {
            PLAIN: lambda: read_with_zipfile(path),
            "dnaf, Python alone": lambda: read_with_dnaf(path, None),
            "dnaf, AES": lambda: read_with_dnaf(aes, None),
        }
        if streamer:
            ways["dnaf, with 7-Zip"] = lambda: read_with_dnaf(path, streamer)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(NUM_ROUNDS):
            for name, read in ways.items():
                cpu, wall, contents = measure(read)
                if contents != members:
                    raise SystemExit(f"{name}: read something else than was written")
                seconds[name].append((cpu, wall))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in seconds.items()
    }
    print(f"{NUM_MEMBERS:,} members, {megabytes:.1f} MB, median of {NUM_ROUNDS} rounds, same contents")
    for name, (cpu, wall) in medians.items():
        ratio = medians[PLAIN][0] / cpu
        print(
            f"{name:20} CPU {cpu:6.2f} s ({megabytes / cpu:6.1f} MB/s, {ratio:5.1f} x)   wall {wall:6.2f} s"
        )


if __name__ == "__main__":
    main()
