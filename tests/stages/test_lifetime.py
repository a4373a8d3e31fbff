"""A stage's process ends without freeing what it holds, and with all that was promised for its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, body: str, preamble: str = "") -> subprocess.CompletedProcess[str]:
    """A stage whose `main` has this body."""
    script = folder / "stage_of_a_test.py"
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    script.write_text(
        '"""Make images."""\nimport atexit, sys, threading, time, weakref\nfrom pathlib import Path\n'
        f"from stages import _command\n\n{preamble}\ndef main() -> str:\n{indented}\n_command.run(main)\n"
    )
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ('return "done"', 0),
        ("sys.exit()", 0),
        ("sys.exit(7)", 7),
        ('sys.exit("no way")', 1),
        ('from dnaf.core.errors import DataError; raise DataError("x.png: missing.")', 2),
        ('raise ValueError("unforeseen")', 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_the_exit_code_is_the_one_of_the_end(tmp_path: Path, end: str, code: int) -> None:
    ended = run(tmp_path, end)
    assert ended.returncode == code, ended.stderr
    assert ("Traceback" in ended.stderr) == ("unforeseen" in end)


def test_what_is_left_to_the_end_is_done_and_said(tmp_path: Path) -> None:
    body = """\
atexit.register(lambda: Path("registered").write_text("done"))
weakref.finalize(threading, lambda: Path("finalized").write_text("done"))
threading.Thread(target=lambda: (time.sleep(0.3), Path("thread").write_text("done"))).start()
sys.stdout.write("no line end")
sys.stderr.write("nor here")
return None"""
    ended = run(tmp_path, body)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "no line end"
    assert ended.stderr.endswith("nor here")
    assert {path.name for path in tmp_path.iterdir()} >= {"registered", "finalized", "thread"}


def test_no_object_is_freed_at_the_end(tmp_path: Path) -> None:
    preamble = 'class Held:\n    def __del__(self):\n        Path("freed").write_text("")\nheld = Held()\n'
    assert run(tmp_path, "return None", preamble).returncode == 0
    assert not (tmp_path / "freed").exists()


def test_a_command_that_is_called_in_a_process_of_others_leaves_it_alive(tmp_path: Path) -> None:
    script = "from stages import preview, _command\nimport sys\nsys.argv = ['preview', '--help']\n"
    script += "try:\n    _command.run(preview.main)\nexcept SystemExit:\n    pass\nsys.exit(3)\n"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 3
