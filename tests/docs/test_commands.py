"""Every command of the documentation names what exists. test_fresh_clone.py runs them."""

import ast
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import PAGES, ROOT, PageError, commands, mentioned
from tests.docs.parsing import Checker, programs


@pytest.mark.parametrize("page", PAGES)
def test_every_command_names_what_exists(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text()
    checker = Checker(tmp_path)
    problems = [problem for command in commands(page, text) for problem in checker.problems(command)]
    problems += [
        problem for command in mentioned(page, text) for problem in checker.problems(command, mentioned=True)
    ]
    assert problems == []


@pytest.mark.parametrize("page", PAGES)
def test_python_examples_compile_and_import_what_exists(page: str) -> None:
    for token in MarkdownIt().parse((ROOT / page).read_text()):
        if token.type != "fence" or token.info != "python":
            continue
        for node in ast.walk(ast.parse(token.content)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dnaf"):
                path = ROOT / node.module.replace(".", "/")
                source = (
                    path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
                )
                defined = source.read_text()
                assert all(alias.name in defined for alias in node.names), token.content


def test_readme_has_commands_that_are_run() -> None:
    assert (
        sum(command.reason is None for command in commands("README.md", (ROOT / "README.md").read_text()))
        > 10
    )


def test_continued_lines_and_loops_are_one_command() -> None:
    text = "```bash\n# why\nuv run a \\\n  --b\n\nfor x in 1 2; do\n  dvc $x\ndone\ncp c d  # e\n```\n"
    assert [(command.line, command.text) for command in commands("p", text)] == [
        (3, "uv run a \\\n  --b"),
        (6, "for x in 1 2; do\n  dvc $x\ndone"),
        (9, "cp c d  # e"),
    ]


def test_a_marker_excepts_its_block_or_the_commands_that_it_names() -> None:
    text = "<!-- not run, `b`: x: y -->\n```bash\na\nb 1\n```\n\n<!-- not run: z -->\n```bash\nc\n```\n"
    assert [command.reason for command in commands("p", text)] == [None, "x: y", "z"]
    text = "<!-- serves http://x -->\n```bash\na\n```\n```bash\nb\n```\n"
    assert [command.url for command in commands("p", text)] == ["http://x", None]


@pytest.mark.parametrize(
    "text",
    [
        "```bash\nfor x in 1; do\n```\n",
        "<!-- not run: -->\n```bash\na\n```\n",
        "<!-- not run: \n```bash\na\n```\n-->\n",
        "<!-- not run, `c`: d -->\n```bash\na\n```\n",
        "<!-- not run: a -->\n\ntext\n",
        "<!-- serves http://x -->\n```bash\na\nb\n```\n",
        "```\nuv run dvc repro\n```\n",
    ],
)
def test_a_block_or_marker_out_of_the_grammar_is_an_error(text: str) -> None:
    with pytest.raises(PageError):
        commands("p", text)


def test_programs_are_found_as_bash_finds_them_and_none_is_run(tmp_path: Path) -> None:
    text = 'A="x y" b "c  d" \'\n\' "" && for e in 1 2; do f $e > g || h; done; export I=j; k $I | l'
    assert sorted(programs(text, tmp_path)) == sorted(
        [["b", "c  d", "\n", ""], ["f", "1"], ["f", "2"], ["k", "j"], ["l"]]
    )


@pytest.mark.parametrize(
    "text",
    [
        "uv run python -m stages.nothing",
        "uv run python -m stages.doctor --no-such-option",
        "uv run python -m stages.apply pose --style a --pose b",
        "uv run python -m stages.apply polka",
        "uv run --extra none python -m stages.ui",
        "uv run --no-such-option dvc repro",
        "uv run dvc exp run -S train.rate=1",
        "uv run dvc exp run --no-such-option",
        "uv run dvc repro no_such_stage",
        "uv run dvc metrics diff main never-run",
        "uv run python -m benchmarks.flops --no-such-option",
        "cp params/none.yaml params.yaml",
        "pip install dnaf",
        "nosuchprogram",
    ],
)
def test_a_command_that_names_what_does_not_exist_is_found(text: str, tmp_path: Path) -> None:
    (command,) = commands("p", f"```bash\n{text}\n```\n")
    assert Checker(tmp_path).problems(command) != []


def test_a_file_or_experiment_of_an_earlier_command_is_known(tmp_path: Path) -> None:
    text = (
        "```bash\nuv run dvc exp run -n mine -S train.lr=1\nuv run dvc metrics diff main mine\n"
        "uv run python -m stages.apply pose --style a --pose b --out c.png\n"
        "uv run python -m stages.apply artwork --style c.png --pose b --out d.png\n```\n"
    )
    checker = Checker(tmp_path)
    assert [problem for command in commands("p", text) for problem in checker.problems(command)] == []
