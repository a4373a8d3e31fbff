"""Every stage of the pipeline locks what it writes, before it reads anything that takes time."""

import shutil
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dnaf.core import locks
from dnaf.core.errors import StateError

ROOT = Path(__file__).parents[2]
PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
ITEMS = {"${item.method}": PARAMS["method"], "${item.protocol}": PARAMS["protocol"]}
DEMO = Path("data/raw/demo")


def outputs(name: str) -> list[Path]:
    """What dvc.yaml says that a stage writes; the demo's files as the folder that holds them alone."""
    found = []
    for kind in ("outs", "plots", "metrics"):
        for entry in STAGES[name].get(kind, []):
            path = entry if isinstance(entry, str) else next(iter(entry))
            for key, value in ITEMS.items():
                path = path.replace(key, value)
            if not path.endswith(".sha256"):  # the digest beside a file that is locked
                found.append(DEMO if Path(path).parent == DEMO else Path(path))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("name", "output"), [(name, path) for name in STAGES for path in outputs(name)])
def test_a_stage_refuses_to_write_where_another_run_writes(
    name: str, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    Path("data/artwork").mkdir(parents=True)
    Path("data/artwork/any.png").write_bytes(b"")
    main = import_module(f"stages.{name}").main
    with locks.locked(output), pytest.raises(StateError, match=rf"^{output}: another run is writing here"):
        main()


def test_of_several_processes_the_first_one_has_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages import _command

    monkeypatch.setenv("RANK", "0")
    with _command.writing(tmp_path / "out"):
        monkeypatch.setenv("RANK", "1")
        with _command.writing(tmp_path / "out"):
            pass
