"""What commands cost that are given again and again, from the shell: seconds of processors and of the clock.

Run: uv run --extra photos python -m benchmarks.commands

Needs a finished demo. All commands run once, then in turn, so that a machine's slow minute meets them alike.
`apply` makes an image of a photograph and of one that shows the pose, found by MediaPipe; `evaluate` is
asked for a method without results, as most of a fresh project's are.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rehearsal import cpu_of_children

_POSE = (
    *("stages.apply", "pose", "--style", "docs/examples/anna.png", "--pose", "docs/examples/ben.png"),
    *("--detector", "mediapipe", "--out"),
)
_OTHERS = {
    "apply --help": ("stages.apply", "--help"),
    "evaluate, no results": ("stages.evaluate", "demo", "adgan", "cfld"),
}


def cost(words: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of processors, user and system, and of the clock, of `python -m words …`."""
    before, start = cpu_of_children(), time.perf_counter()
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)
    return cpu_of_children() - before, time.perf_counter() - start


def row(name: str, costs: list[tuple[float, float]]) -> str:
    """A line of the table: median, and least and most."""
    shown = []
    for seconds in zip(*costs, strict=True):
        shown.append(f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})")
    return f"| {name} | {' | '.join(shown)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="What a command costs")
    parser.add_argument("--runs", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = {"apply pose": (*_POSE, str(Path(folder) / "out.png")), **_OTHERS}
        for words in commands.values():
            cost(words)
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(options.runs):
            for name, words in commands.items():
                costs[name].append(cost(words))
    print("| command | CPU seconds | seconds |\n|---|--:|--:|")
    for name, of_runs in costs.items():
        print(row(name, of_runs))


if __name__ == "__main__":
    main()
