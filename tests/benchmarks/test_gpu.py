import json
from pathlib import Path

import pytest

from benchmarks import gpu

PRINTED = """\
a device, bf16, matmul peak 700 TFLOP/s

| size | samples/s |
|---|---:|
| 512x352 | 10.0 |
| 256x176 | 40.0 |
"""


def test_a_printed_table_comes_back_as_it_was() -> None:
    rows = gpu.read_table(PRINTED)
    assert rows == [{"size": "512x352", "samples/s": "10.0"}, {"size": "256x176", "samples/s": "40.0"}]
    about = PRINTED.partition("\n")[0]
    shown = gpu.to_markdown({"training": {"about": about, "rows": rows, "error": None}})
    assert gpu.read_table(shown) == rows
    assert shown.startswith(f"`training`: {about}")
    assert gpu.read_table("nothing was printed") == []


def test_one_that_is_out_of_time_leaves_what_it_had_and_says_so() -> None:
    command = ["python", "-c", "import time; print('| a |\\n|---|\\n| 1 |', flush=True); time.sleep(60)"]
    printed, error = gpu._run(command, Path.cwd(), 2)
    assert gpu.read_table(printed) == [{"a": "1"}]
    assert error == "out of time after 2 s"


def test_one_that_fails_says_its_last_line() -> None:
    printed, error = gpu._run(["python", "-c", "raise SystemExit('no GPU')"], Path.cwd(), 60)
    assert (printed, error) == ("", "exit code 1: no GPU")


@pytest.mark.slow  # it compiles, and runs the demo's stages
def test_everything_is_measured_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main(minutes=30, small=True, out=tmp_path / "gpu.json")
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert [found[name]["error"] for name in (*gpu.TABLES, "demo")] == [None, None, None]
    assert list(found["demo"]["seconds"]) == list(gpu.STAGES)
    assert "| ssim_gaussian |" in capsys.readouterr().out
