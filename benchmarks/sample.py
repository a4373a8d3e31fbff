"""CPU time of one training sample: this package against the way of DNAF's README, in one run.

Run: python -m benchmarks.sample

A sample is a source, a target and the target's pose map, as float tensors of 256x176 pixels. The README's
way decodes two photographs of 750x1101 pixels with Pillow, resizes them with Pillow's bicubic filter, and
reads a pose map from a PNG. Ours reads all three from the stores that unpack and render write. Photographs
are smoothed noise; both ways take turns, and medians of the rounds are compared. Pixels must be the same.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dnaf.core import images
from dnaf.data.loader import PairImages, Sources
from dnaf.data.store import write_store

NUM_IMAGES, NUM_ROUNDS = 40, 5
ORIGINAL, SIZE = (1101, 750), (256, 176)

Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def photograph(index: int) -> bytes:
    """A JPEG whose size in bytes is that of a photograph: coarse shapes with fine noise."""
    rng = np.random.default_rng(index)
    coarse = rng.integers(0, 256, (28, 19, 3), dtype=np.uint8)
    smooth = images.resize(coarse, ORIGINAL).astype(np.int16)
    noisy = smooth + rng.normal(0, 4, smooth.shape)
    return images.encode_jpeg(np.clip(noisy, 0, 255).astype(np.uint8), 90)


def pose(index: int) -> images.Pixels:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[60:200, 40 + index % 40 : 60 + index % 40] = (255, 85, 0)
    return image


def tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float()


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jpegs = [photograph(index) for index in range(NUM_IMAGES)]
        with (
            write_store(folder / "prepared.zip", {}) as prepared,
            write_store(folder / "pose_maps.zip", {"channels": 3}) as poses,
        ):
            for index, jpeg in enumerate(jpegs):
                (folder / f"{index}.jpg").write_bytes(jpeg)
                (folder / f"{index}.png").write_bytes(images.encode_png(pose(index)))
                resized = images.resize(images.decode(jpeg, "photograph"), SIZE)
                prepared.add(f"{index}.png", images.encode_png(resized, compress=False))
                poses.add_image(f"{index}.png", pose(index))
        rows = [f"{index},{(index + 1) % NUM_IMAGES},a" for index in range(NUM_IMAGES)]
        (folder / "pairs.csv").write_text("\n".join(["source,target,outfit", *rows]) + "\n")
        stores = PairImages(Sources(folder / "pairs.csv", folder / "prepared.zip", folder / "pose_maps.zip"))

        def photo(index: int) -> torch.Tensor:
            with Image.open(folder / f"{index}.jpg") as image:
                return tensor(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BICUBIC)) / 127.5 - 1

        def plain(index: int) -> Sample:
            other = (index + 1) % NUM_IMAGES
            with Image.open(io.BytesIO((folder / f"{other}.png").read_bytes())) as image:
                pose_map = tensor(image.convert("RGB")) / 255
            return photo(index), photo(other), pose_map

        def ours(index: int) -> Sample:
            other = str((index + 1) % NUM_IMAGES)
            return stores.image(str(index)), stores.image(other), stores.pose_map(other)

        ways: dict[str, Callable[[int], Sample]] = {"README": plain, "dnaf": ours}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(NUM_ROUNDS):
            for way in sorted(ways, reverse=bool(number % 2)):
                start = time.process_time()
                for index in range(NUM_IMAGES):
                    ways[way](index)
                times[way].append((time.process_time() - start) / NUM_IMAGES * 1000)
        for index in range(NUM_IMAGES):
            assert all(torch.equal(a, b) for a, b in zip(plain(index), ours(index), strict=True))
        prepared_kb = (folder / "prepared.zip").stat().st_size / NUM_IMAGES / 1000
    medians = {way: statistics.median(values) for way, values in times.items()}
    print(f"photographs of {statistics.mean(map(len, jpegs)) / 1000:.0f} kB, prepared {prepared_kb:.0f} kB")
    for way, median in medians.items():
        print(f"{way:8} {median:6.2f} ms CPU a sample")
    print(f"ratio    {medians['README'] / medians['dnaf']:6.1f} x, equal pixels")


if __name__ == "__main__":
    main()
