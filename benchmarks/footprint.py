"""What the first run costs before it starts: the packages, as downloaded and on the disk.

Run: uv run python -m benchmarks.footprint

Sizes of downloads are those in uv.lock, which `uv run` writes, of the packages that are installed here.
"""

import os
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.tags import sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
_CUDA = ("nvidia-", "cuda-", "triton")


def download_size(package: dict[str, Any]) -> int:
    """Bytes of the file of a locked package that fits this machine best: a wheel, else the source."""
    rank = {tag: place for place, tag in enumerate(sys_tags())}
    fitting = []
    for wheel in package.get("wheels", []):
        name = wheel["url"].rpartition("/")[2].replace("%2B", "+")
        places = [rank[tag] for tag in parse_wheel_filename(name)[3] if tag in rank]
        if places:
            fitting.append((min(places), wheel["size"]))
    return int(min(fitting)[1] if fitting else package["sdist"]["size"])


def size_on_disk(folder: Path) -> int:
    """Bytes of the blocks of all files below a folder; hard links count once."""
    stats = {(stat.st_dev, stat.st_ino): stat for path in folder.rglob("*") if (stat := path.lstat())}
    return sum(stat.st_blocks * 512 for stat in stats.values())


def main() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    sizes = {
        package["name"]: download_size(package)
        for package in lock["package"]
        if installed.get(package["name"]) == package.get("version") and "registry" in package["source"]
    }
    cuda = sum(size for name, size in sizes.items() if name.startswith(_CUDA))
    environment = Path(sys.prefix)
    print(f"packages: {len(sizes)}")
    print(f"download: {sum(sizes.values()) / 1e9:.1f} GB, of which {cuda / 1e9:.1f} GB for CUDA")
    print(f"{os.path.relpath(environment, ROOT)}: {size_on_disk(environment) / 1e9:.1f} GB")
    used = [ROOT / name for name in (".git", ".dvc", "data", "metrics", "report")]
    print(f"data and results: {sum(size_on_disk(folder) for folder in used) / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
