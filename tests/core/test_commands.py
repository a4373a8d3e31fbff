"""Messages tell commands in one form, which `dnaf/core/commands.py` makes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnaf.core import commands

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("dnaf/**/*.py"), *ROOT.glob("stages/*.py")])
ANOTHER_FORM = re.compile(
    r"(?<!uv run )\b(python3? -m |hf download |pytest\b|"
    r"dvc (add|checkout|diff|exp|metrics|params|plots|pull|push|queue|repro|status)\b)"
    r"|\bpip3? install\b|\bconda install\b"
)


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string that may be printed; of the stages docstrings too, their help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and (id(node) not in docstrings or path.parent.name == "stages"):
            yield node.lineno, node.value


def test_no_message_tells_a_command_in_another_form() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in SOURCES
        for line, text in messages(path)
        if ANOTHER_FORM.search(text)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("command", "other"),
    [
        (commands.stage("fetch_weights", "alexnet"), "python -m stages.fetch_weights alexnet"),
        (commands.dvc("repro train"), "dvc repro train"),
        (commands.install("ui"), "pip install dnaf[ui]"),
    ],
)
def test_the_form_is_told_from_others(command: str, other: str) -> None:
    assert not ANOTHER_FORM.search(f"Run `{command}`.")
    assert ANOTHER_FORM.search(f"Run `{other}`.")
