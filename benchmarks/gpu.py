"""All that is measured on a GPU, in one run that nobody watches.

    python -m benchmarks.gpu --minutes 9     # writes metrics/gpu.json, again after each of three
    python -m benchmarks.gpu --table         # prints it as docs/results.md has it

Training and sampling at Stable Diffusion's size, and the demo from its drawings to its scores, beside those
of `metrics/summary.json`. Each is a process of its own: one that runs out of time or memory leaves the
others, and the rows that it had.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from benchmarks.rehearsal import ROOT
from dnaf.core import files

OUT = Path("metrics/gpu.json")
TABLES = ("training", "sampling")
STAGES = (
    *("make_demo", "unpack", "split", "render", "latents", "train", "generate"),
    *("reference", "evaluate", "summary"),
)
_NEEDED = ("data/base", "data/adapter", "extensions")  # of the checkout, by the stages of the demo
_SMALL = {
    "make_demo": {"num_train_outfits": 6, "num_test_outfits": 3},
    "train": {"steps": 2, "batch_size": 2, "validation_outfits": 2, "sample_every": 2},
    "generate": {"num_inference_steps": 2},
    "reference": {"max_images": 8},
    "evaluate": {"num_bootstrap": 20},
}

Record = dict[str, Any]


def measure_table(benchmark: str, small: bool, seconds: float) -> Record:
    """What a benchmark prints with `--gpu`: the line that names the device, and the rows of its table."""
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", "--gpu", *(["--small"] if small else [])]
    printed, error = _run(command, ROOT, seconds)
    return {"about": printed.partition("\n")[0], "rows": read_table(printed), "error": error}


def measure_demo(small: bool, seconds: float) -> Record:
    """Seconds of each of the demo's stages, and its scores here and as they are committed."""
    end, taken, error = time.monotonic() + seconds, {}, None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, small)
        for stage in STAGES:
            start = time.monotonic()
            _, error = _run([sys.executable, "-m", f"stages.{stage}"], root, end - start)
            if error is not None:
                error = f"{stage}: {error}"
                break
            taken[stage] = round(time.monotonic() - start, 1)
        summary = root / "metrics/summary.json"
        here = json.loads(summary.read_text()) if summary.exists() else {}
    return {
        "seconds": taken,
        "scores": here,
        "committed": json.loads((ROOT / "metrics/summary.json").read_text()),
        "error": error,
    }


def write_project(root: Path, small: bool) -> None:
    """The demo's parameters, and what its stages need of the checkout."""
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    for section, changes in _SMALL.items() if small else ():
        params[section].update(changes)
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    (root / "data").mkdir()
    for name in _NEEDED:
        (root / name).symlink_to(ROOT / name)


def read_table(printed: str) -> list[dict[str, str]]:
    """The rows of the first Markdown table of a text, by the names of their columns."""
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def to_markdown(found: Record) -> str:
    """The tables of docs/results.md."""
    texts = []
    for name in TABLES:
        if name in found and found[name]["rows"]:
            columns = list(found[name]["rows"][0])
            rows = [columns, ["---"] * len(columns), *(list(row.values()) for row in found[name]["rows"])]
            table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
            texts.append(f"`{name}`: {found[name]['about']}\n\n{table}")
    if "demo" in found:
        demo = found["demo"]
        taken = ", ".join(f"{stage} {seconds}" for stage, seconds in demo["seconds"].items())
        scores = [
            f"| {key} | {value:.4f} | {demo['committed'][key]:.4f} |"
            for key, value in demo["scores"].items()
            if isinstance(value, float) and isinstance(demo["committed"].get(key), float)
        ]
        texts.append(
            f"The demo, seconds: {taken}\n\n| score | here | committed |\n|---|---|---|\n" + "\n".join(scores)
        )
    texts += [f"{name} ended early: {each['error']}" for name, each in found.items() if each["error"]]
    return "\n\n".join(texts)


def _run(command: list[str], folder: Path, seconds: float) -> tuple[str, str | None]:
    """What a process printed, and the last it said where it failed or was out of time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DNAF_SCRATCH": str(folder / ".dnaf-tmp-scratch")}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        printed, said = process.communicate(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        printed, said = process.communicate()
        return printed, f"out of time after {seconds:.0f} s"
    lines = said.strip().splitlines() or ["no message"]
    return printed, None if process.returncode == 0 else f"exit code {process.returncode}: {lines[-1]}"


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="after which nothing runs any more")] = 9,
    small: Annotated[bool, typer.Option(help="tiny models, on the CPU")] = False,
    table: Annotated[bool, typer.Option(help="measure nothing; print what was measured")] = False,
    out: Annotated[Path, typer.Option(help="where the measurements are written, and read from")] = OUT,
) -> None:
    """Measure, or print the tables of what was measured."""
    if not table:
        end, found = time.monotonic() + 60 * minutes, {}
        for name in (*TABLES, "demo"):
            left = end - time.monotonic()
            found[name] = measure_demo(small, left) if name == "demo" else measure_table(name, small, left)
            files.write_json(out, found)
    print(to_markdown(json.loads(out.read_text())))


if __name__ == "__main__":
    typer.run(main)
