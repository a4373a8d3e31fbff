"""The help of every stage: one grammar, true to dvc.yaml, and there at once."""

import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGES = sorted(path.stem for path in ROOT.glob("stages/[!_]*.py"))
PIPELINE = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
HEAVY = ("torch", "pandas", "numpy", "cv2", "PIL", "diffusers", "matplotlib", "dvc", "gradio")
SHOW_ALL = f"""
import json, sys
from importlib import import_module
from typer.testing import CliRunner
from stages import _command
shown = {{}}
for name in {STAGES!r}:
    module = import_module(f"stages.{{name}}")
    functions = getattr(module, "COMMANDS", None) or [module.main]
    app = _command.to_app(*functions)
    shown[name] = CliRunner().invoke(app, ["--help"], env={{"COLUMNS": "400", "NO_COLOR": "1"}}).output
print(json.dumps([shown, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def stage(name: str) -> ModuleType:
    return import_module(f"stages.{name}")


def paragraphs(name: str) -> dict[str, str]:
    """The sentence under "", and what follows it by its heading."""
    sentence, *rest = (" ".join(each.split()) for each in (stage(name).__doc__ or "").split("\n\n"))
    return {"": sentence, **dict(each.split(": ", 1) for each in rest)}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str]]:
    """What `--help` prints by stage, far from a project, and which heavy packages that loaded."""
    finished = subprocess.run(
        [sys.executable, "-c", SHOW_ALL],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    helps, heavy = json.loads(finished.stdout)
    return helps, heavy


def test_help_loads_nothing_that_takes_seconds(shown: tuple[dict[str, str], list[str]]) -> None:
    assert shown[1] == []


@pytest.mark.parametrize("name", STAGES)
def test_help_says_what_the_stage_does_reads_writes_and_takes_from_params(
    name: str, shown: tuple[dict[str, str], list[str]]
) -> None:
    said = paragraphs(name)
    assert re.match(r"[A-Z][a-z]*[^s ] ", said[""]), "imperative: Draw, not Draws"
    assert said[""].endswith(".")
    headings = ["", "Reads", "Writes", "params.yaml", "Documentation"]
    assert list(said) in (headings, [*headings, "Example"])
    text = " ".join(shown[0][name].split())
    for heading, words in said.items():
        assert f"{heading}: {words}" in text if heading else words in text
    for page in re.findall(r"docs/\S+\.md", said["Documentation"]):
        assert (ROOT / page).is_file()
    assert "docs/" in said["Documentation"]


@pytest.mark.parametrize("name", STAGES)
def test_an_argument_that_params_has_a_value_for_may_be_left_out(name: str) -> None:
    if hasattr(stage(name), "main"):
        arguments = inspect.signature(stage(name).main).parameters
        for shared in {"dataset", "method", "protocol"} & arguments.keys():
            assert arguments[shared].default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", PIPELINE)
def test_help_names_the_sections_and_outputs_that_dvc_knows(name: str) -> None:
    said = paragraphs(name)
    sections = {key.split(".")[0] for key in PIPELINE[name]["params"]}
    told = set(said["params.yaml"].split(", "))
    arguments = {"dataset", "method", "protocol"}  # DVC gives them on the command line
    assert told - arguments == sections - arguments
    assert sections <= told
    for out in [out for kind in ("outs", "metrics", "plots") for out in PIPELINE[name].get(kind, [])]:
        path = out if isinstance(out, str) else next(iter(out))
        if path.endswith(".sha256"):  # the digest beside a file that is named
            continue
        path = re.sub(r"\$\{item\.(\w+)\}", lambda match: match[1].upper(), path)
        written = re.split(r"[ ,]+", said["Writes"])
        assert {path, str(Path(path).parent)} & set(written), path
