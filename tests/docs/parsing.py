"""Whether what a command names exists (module, stage, option, parameter, path), without running it."""

import fnmatch
import importlib
import importlib.util
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from stages import _command
from tests.docs.pages import ROOT, Command

# Bash itself expands variables, quotes and loops. Where PATH is nowhere it finds no program and calls this.
# Both ends of a pipe call it at once: a program is one line, which bash writes in one go (\x1e: a line end).
_RECORD = r"""
command_not_found_handle() {
    printf -v line '%s\x1f' "${@//$'\n'/$'\x1e'}"
    printf '%s\n' "$line" >> "$RECORD"
}
"""
_SUFFIXES = (".png", ".jpg", ".json", ".yaml", ".csv", ".txt", ".zip", ".onnx")
_WRITING = ("--out", "--preview", "--local-dir", "-o")
_UNCHECKED = ("codespell", "git", "mkdocs", "mypy", "pre-commit", "ruff", "tensorboard")


def programs(text: str, folder: Path) -> list[list[str]]:
    """The programs that a command would start, each with its arguments; `folder` takes what is redirected."""
    record = folder / "record"
    record.write_bytes(b"")
    environment = {"PATH": "/nonexistent", "HOME": "/home/reader", "RECORD": str(record)}
    finished = subprocess.run(
        [_bash(), "-e", "-u", "-c", _RECORD + text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return [
        [argument.replace("\x1e", "\n") for argument in line.split("\x1f")[:-1]]
        for line in record.read_text().split("\n")
        if line
    ]


@cache
def _bash() -> str:
    return subprocess.run(
        ["bash", "-c", "echo $BASH"], capture_output=True, text=True, check=True
    ).stdout.strip()


class Checker:
    """Finds what is wrong with the commands of a page. In order: one may read what another wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: set[str] = set()
        self._revisions = {"main", "HEAD", "workspace"}

    def problems(self, command: Command, *, mentioned: bool = False) -> list[str]:
        """Empty if nothing is wrong; `mentioned` in running text a command may lack arguments."""
        found: list[str] = []
        for argv in programs(command.text, self._folder):
            found += self._program(argv, mentioned=mentioned)
            found += self._paths(argv, own_files=command.reason is not None or mentioned)
        return [f"{command.place}: {command.text}: {problem}" for problem in found]

    def _program(self, argv: Sequence[str], *, mentioned: bool) -> Iterator[str]:
        name, arguments = argv[0], list(argv[1:])
        if name == "uv":
            yield from self._uv(arguments, mentioned=mentioned)
        elif name in ("python", "python3", "accelerate", "torchrun"):
            if "-m" in arguments:
                at = arguments.index("-m")
                yield from _module(arguments[at + 1], arguments[at + 2 :], mentioned=mentioned)
        elif name == "dnaf" and arguments:
            yield from _module(f"stages.{arguments[0].replace('-', '_')}", arguments[1:], mentioned=mentioned)
        elif name == "dvc":
            yield from self._dvc(arguments, mentioned=mentioned)
        elif name == "pytest":
            yield from _unknown_options(arguments, ["-m", "-n", "-s", "-k"])
        elif name in ("pip", "pipx") or name.endswith("/pip"):
            if arguments != ["install", "uv"]:
                yield f"{name} {arguments} (expected install uv)"
        elif name == "hf":
            yield from _unknown_options(arguments, ["--local-dir"])
        elif name not in (*_UNCHECKED, "cp"):
            yield f"unknown program {name!r}"

    def _uv(self, arguments: list[str], *, mentioned: bool) -> Iterator[str]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        known = {
            "--extra": project["project"]["optional-dependencies"],
            "--group": project["dependency-groups"],
        }
        rest = arguments[2:] if arguments[:1] == ["pip"] else arguments[1:]
        help_text = _help_of_uv(tuple(arguments[: len(arguments) - len(rest)]))
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            if not re.search(rf"{re.escape(option)}\b", help_text):
                yield f"uv {arguments[0]} has no option {option}"
            if option == "--with":
                rest.pop(0)
            elif option in known and rest.pop(0) not in known[option]:
                yield f"pyproject.toml has none of that name: {arguments}"
            elif option in ("-c", "-e") and not (ROOT / rest.pop(0)).exists():
                yield f"no such file: {arguments}"
        if arguments[0] == "run" and rest:
            yield from self._program(rest, mentioned=mentioned)

    def _dvc(self, arguments: list[str], *, mentioned: bool) -> Iterator[str]:
        from dvc.cli import DvcParserError, parse_args

        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("sys.argv", ["dvc"])  # it looks there too, for options of debugging
                parsed = parse_args(arguments)
        except DvcParserError:
            if not mentioned:
                yield "dvc does not parse it"
            return
        for setting in getattr(parsed, "set_param", None) or []:
            key = setting.partition("=")[0]
            if not _has_key(key):
                yield f"params.yaml has no {key}"
        if getattr(parsed, "name", None):
            self._revisions.add(parsed.name)
        for revision in (getattr(parsed, "a_rev", None), getattr(parsed, "b_rev", None)):
            if revision and revision not in self._revisions:
                yield f"no earlier experiment or branch is called {revision}"
        if arguments[0] == "repro" or arguments[:2] == ["exp", "run"]:
            for target in parsed.targets or []:
                if target.partition("@")[0] not in _pipeline()["stages"]:
                    yield f"dvc.yaml has no stage {target}"

    def _paths(self, argv: Sequence[str], own_files: bool) -> Iterator[str]:
        """Paths that are neither in the repository nor written by the pipeline or an earlier command."""
        if argv[0] == "git" or "hf" in argv[:3]:
            return  # addresses and names of repositories
        writing = False
        for index, word in enumerate(argv):
            to_write = writing or (argv[0] == "cp" and index == len(argv) - 1)
            writing = word in _WRITING
            if to_write:
                self._written.add(word.rstrip("/"))
            elif index and _is_path(word) and not self._is_there(word, own_files):
                yield f"no such file, nor one that is written before: {word}"

    def _is_there(self, word: str, own_files: bool) -> bool:
        path = os.path.normpath(word)
        if path in _tracked() or path in self._written or path.startswith(("/", "..", "/home/reader")):
            return True
        if any(fnmatch.fnmatch(path, out) or fnmatch.fnmatch(path, f"{out}/*") for out in _outs()):
            return True
        # A reader's own file, which an excepted command may name, belongs into a folder that is there.
        return own_files and (os.path.dirname(path) in _tracked() or not os.path.dirname(path))


def _is_path(word: str) -> bool:
    looks_so = word.endswith(_SUFFIXES) or re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", word) is not None
    return looks_so and not word.startswith("-") and "=" not in word and ":" not in word


@cache
def _tracked() -> frozenset[str]:
    """Files of the repository, also those not yet added, and their folders."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = {str(parent) for name in names for parent in Path(name).parents}
    return frozenset(names) | folders


@cache
def _pipeline() -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())


@cache
def _outs() -> list[str]:
    """Patterns of what the pipeline and the pretraining write."""
    pretraining = YAML(typ="safe", pure=True).load((ROOT / "pretraining/dvc.yaml").read_text())
    outs = []
    for stage in (*_pipeline()["stages"].values(), *pretraining["stages"].values()):
        for kind in ("outs", "plots", "metrics"):
            for out in stage.get(kind, []):
                path = out if isinstance(out, str) else next(iter(out))
                outs.append(re.sub(r"\$\{[^}]*\}", "*", path.removeprefix("../")))
    return outs


@cache
def _params() -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())


def _has_key(dotted: str) -> bool:
    section = _params()
    for key in dotted.split("."):
        if not isinstance(section, dict) or key not in section:
            return False
        section = section[key]
    return True


@cache
def _help_of_uv(subcommand: tuple[str, ...]) -> str:
    return subprocess.run(["uv", *subcommand, "--help"], capture_output=True, text=True, check=True).stdout


def _unknown_options(arguments: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    for word in arguments:
        if word.startswith("-") and word not in known:
            yield f"unknown option {word}"


def _module(name: str, arguments: list[str], *, mentioned: bool) -> Iterator[str]:
    path = ROOT / f"{name.replace('.', '/')}.py"
    if not name.startswith(("stages.", "benchmarks.")):
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            yield f"no module {name}"
    elif not path.is_file():
        yield f"no module {name}"
    elif name.startswith("benchmarks."):
        # Importing one loads torch: its source has to name the options.
        for option in (word for word in arguments if word.startswith("--")):
            if not re.search(rf"{option}\b|\b{option[2:].replace('-', '_')}:", path.read_text()):
                yield f"{name} has no option {option}"
    else:
        yield from _stage(name, arguments, mentioned=mentioned)


def _stage(name: str, arguments: list[str], *, mentioned: bool) -> Iterator[str]:
    """Lets the stage's own command line parse the arguments, and stops there."""
    command = _command_line(name)
    try:
        if hasattr(command, "resolve_command"):
            if not arguments and mentioned:
                return
            _, command, arguments = command.resolve_command(command.context_class(command), arguments)
        command.make_context(name, list(arguments))
    except Exception as error:
        if not (mentioned and type(error).__name__ == "MissingParameter"):
            yield f"{name} does not parse it: {error}"


@cache
def _command_line(name: str) -> Any:
    module = importlib.import_module(name)
    functions = getattr(module, "COMMANDS", None) or [module.main]
    return typer.main.get_command(_command.to_app(*functions))
