"""The tree in the documentation is the real one, and every folder is small enough to take in at a glance."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_ENTRIES = 17
MAX_PIPELINE_LINES = 330
# Folders of tests that are of no room: several modules together, or what lies outside dnaf/.
KINDS = {"benchmarks", "browser", "cluster", "contract", "crash", "docs", "pipeline", "property", "stages"}


def packages() -> list[Path]:
    """`dnaf` and every package below it, as a tree lists them."""
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "dnaf").rglob("*.py")}
    return sorted(folders, key=lambda folder: folder.parts)


def tree_of_purposes() -> str:
    """What each package is for: the first line of its docstring."""
    lines = []
    for folder in packages():
        docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))
        assert docstring, f"{folder}/__init__.py: say in a line what is in this folder"
        lines.append(f"{_label(folder)}{docstring.splitlines()[0]}")
    return "\n".join(lines)


def tree_of_modules() -> str:
    """The modules of each package."""
    lines = []
    for folder in packages():
        modules = sorted(path.stem for path in (ROOT / folder).glob("[!_]*.py"))
        label = _label(folder)
        lines.append(textwrap.fill(label + " ".join(modules), 110, subsequent_indent=" " * len(label)))
    return "\n".join(lines)


def _label(folder: Path) -> str:
    return f"{'  ' * (len(folder.parts) - 1)}{folder.name}/".ljust(22)


@pytest.mark.parametrize(
    ("document", "tree"), [("CONTRIBUTING.md", tree_of_purposes), ("docs/architecture.md", tree_of_modules)]
)
def test_the_documentation_shows_the_real_tree(document: str, tree: object) -> None:
    assert callable(tree)
    expected = "\n".join(line.rstrip() for line in tree().splitlines())
    assert f"```text\n{expected}\n```" in (ROOT / document).read_text(encoding="utf-8"), (
        f"{document} should show:\n{expected}"
    )


def test_no_folder_of_dnaf_shows_too_many_entries() -> None:
    crowded = {}
    for folder in (ROOT / "dnaf", *(ROOT / "dnaf").rglob("[!_]*/")):
        entries = [path for path in folder.iterdir() if not path.name.startswith("__")]
        if len(entries) > MAX_ENTRIES:
            crowded[str(folder.relative_to(ROOT))] = len(entries)
    assert not crowded, "make a room inside, whose name says what is in it"


def test_tests_mirror_the_tree() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    strangers = {
        str(folder)
        for folder in folders
        if folder.parts and folder.parts[0] not in KINDS and not (ROOT / "dnaf" / folder).is_dir()
    }
    assert not strangers


def test_the_pipeline_can_be_read_at_one_sitting() -> None:
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= MAX_PIPELINE_LINES


def test_imports_go_one_way() -> None:
    command = (str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_test_forks_the_process_that_runs_all_tests() -> None:
    """tests/helpers/processes.py says why."""
    forked = 'get_context("' + 'fork")'
    assert [path for path in (ROOT / "tests").rglob("*.py") if forked in path.read_text()] == []
