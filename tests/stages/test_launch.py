"""One line of dvc.yaml starts a stage in any system's shell, in one process or through a launcher."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from stages import _launch

ROOT = Path(__file__).resolve().parents[2]
SHOW = "import sys; print(__name__, *sys.argv[1:]); sys.exit(3)\n"


def lines() -> list[str]:
    commands = [
        stage.get("do", stage)["cmd"]
        for folder in (ROOT, ROOT / "pretraining")
        for stage in YAML(typ="safe", pure=True).load(folder / "dvc.yaml")["stages"].values()
    ]
    return [line for each in commands for line in ([each] if isinstance(each, str) else each)]


def launch(folder: Path, launcher: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    environment.pop("DNAF_LAUNCH", None)
    if launcher is not None:
        environment["DNAF_LAUNCH"] = launcher
    return subprocess.run(
        [sys.executable, "-m", "stages._launch", *arguments], env=environment, capture_output=True, text=True
    )


@pytest.fixture
def module(tmp_path: Path) -> str:
    """A module that shows how it was called, and ends with 3."""
    (tmp_path / "shows.py").write_text(SHOW)
    return "shows"


def test_no_line_needs_more_of_a_shell_than_a_program_with_words_and_a_change_of_folder() -> None:
    word = r"[\w.@/-]+|\$\{(item\.)?\w+\}"  # DVC fills in ${dataset} before any shell sees it
    plain = re.compile(rf"(cd \.\. && )?python -m (stages|pretraining)\.\w+( ({word}))*")
    assert [line for line in lines() if not plain.fullmatch(line)] == []


def test_every_stage_that_shares_its_work_between_processes_is_started_through_it() -> None:
    launched = {found[1] for line in lines() if (found := re.search(r"_launch stages\.(\w+)", line))}
    sharing = {path.stem for path in ROOT.glob("stages/*.py") if "open_shards()" in path.read_text()}
    in_pipeline = {found[1] for line in lines() if (found := re.search(r"stages\.([a-z]\w+)", line))}
    assert launched == (sharing & in_pipeline) | {"train"}


@pytest.mark.parametrize("launcher", [None, "", "  "])
def test_without_a_launcher_the_module_is_the_main_one_of_this_process(
    tmp_path: Path, module: str, launcher: str | None
) -> None:
    result = launch(tmp_path, launcher, module, "demo", "a b")
    assert (result.stdout, result.returncode) == ("__main__ demo a b\n", 3), result.stderr


def test_a_launcher_gets_the_module_and_its_arguments_and_its_exit_code_is_ours(
    tmp_path: Path, module: str
) -> None:
    program = tmp_path / "my launcher.py"
    program.write_text("import sys; print(sys.argv[1:]); sys.exit(7)\n")
    result = launch(tmp_path, f'"{sys.executable}" "{program}" --nproc 2', module, "a b")
    assert (result.stdout, result.returncode) == (f"['--nproc', '2', '-m', '{module}', 'a b']\n", 7)


def test_on_windows_the_launcher_is_waited_for(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_exec = SimpleNamespace(
        name="nt", environ={"DNAF_LAUNCH": f'"{sys.executable}" -c "raise SystemExit(9)"'}
    )
    monkeypatch.setattr(_launch, "os", no_exec)
    with pytest.raises(SystemExit) as ended:
        _launch.main(module, [])
    assert ended.value.code == 9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torchrun --standalone --nproc_per_node 2", ["torchrun", "--standalone", "--nproc_per_node", "2"]),
        (r"C:\Python\python.exe -u", [r"C:\Python\python.exe", "-u"]),
        (r'"C:\Program Files\python.exe" -u', [r"C:\Program Files\python.exe", "-u"]),
        ("'/opt/my tools/run' #2", ["/opt/my tools/run", "#2"]),
        ("", []),
    ],
)
def test_words_are_split_alike_on_every_system(text: str, words: list[str]) -> None:
    assert _launch.split(text) == words


@pytest.mark.parametrize(
    ("launcher", "sentence"),
    [
        ("no-such-launcher --x", "DNAF_LAUNCH: 'no-such-launcher' cannot be started (No such file"),
        ('accelerate "launch', "DNAF_LAUNCH: a quote without an end"),
    ],
)
def test_a_launcher_that_cannot_start_is_one_sentence(
    tmp_path: Path, module: str, launcher: str, sentence: str
) -> None:
    result = launch(tmp_path, launcher, module)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {sentence}")
    assert result.stderr.count("\n") == 1
