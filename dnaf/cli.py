"""The command `dnaf`: lists the stages of the checkout it is called in, and runs one of them.

`dnaf train` is `python -m stages.train`. The stages belong to a checkout, with its dvc.yaml, params.yaml and
data. So the wheel holds the library alone, and no package called `stages` that a user's own could clash with.
"""

import ast
import difflib
import re
import runpy
import sys
from pathlib import Path

from dnaf.core import commands
from dnaf.core.errors import ConfigError


def main() -> None:
    """Entry point: the name of a stage and its arguments, or none for the list."""
    name, arguments = (sys.argv[1:2] or ["--help"])[0], sys.argv[2:]
    try:
        stages = find_stages(Path.cwd())
        if name in ("--help", "-h"):
            print(listing(stages))
            return
        module = module_of(name, stages)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    sys.argv[:] = [f"dnaf {name}", *arguments]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module(module, run_name="__main__", alter_sys=False)


def find_stages(checkout: Path) -> dict[str, str]:
    """What each stage does in a sentence, by its name: the pipeline's in running order, then the others.

    Raises:
        ConfigError: the folder is no checkout of dnaf.
    """
    pipeline, folder = checkout / "dvc.yaml", checkout / "stages"
    if not pipeline.is_file() or not folder.is_dir():
        raise ConfigError(
            f"{checkout}: has no dvc.yaml and stages/ (expected a checkout of dnaf). Run the command in one."
        )
    files = {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}
    running = re.findall(r"\bstages\.(\w+)", pipeline.read_text(encoding="utf-8"))
    return {name: _sentence(files[name]) for name in dict.fromkeys([*running, *files]) if name in files}


def _sentence(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def listing(stages: dict[str, str]) -> str:
    """The stages, a line each."""
    width = max(map(len, stages))
    return "\n".join(
        [
            f"Usage: dnaf STAGE [ARGUMENTS]    (the same as: {commands.stage('STAGE')} [ARGUMENTS])",
            "",
            *(f"  {name:{width}}  {sentence}" for name, sentence in stages.items()),
            "",
            f"`dnaf STAGE --help` explains one; `{commands.dvc('repro')}` runs all that the results need.",
        ]
    )


def module_of(name: str, stages: dict[str, str]) -> str:
    """The module of a stage; hyphens may stand for underscores.

    Raises:
        ConfigError: there is no such stage.
    """
    stage = name.replace("-", "_")
    if stage not in stages:
        near = difflib.get_close_matches(stage, stages, n=1)
        raise ConfigError(
            f"{name}: is no stage (expected one of {', '.join(stages)}). "
            + (f"Did you mean {near[0]}?" if near else "`dnaf` lists them.")
        )
    return f"stages.{stage}"
