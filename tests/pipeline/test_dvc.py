"""What users do with DVC, by running it."""

import csv
import json
import subprocess
from pathlib import Path

from dvc.repo import Repo
from ruamel.yaml import YAML

from tests.pipeline.conftest import ROOT, Project


def ran(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Names of the stages that a dvc command ran."""
    return [line.split("'")[1] for line in result.stdout.splitlines() if line.startswith("Running stage")]


def test_whole_pipeline_gives_leaderboard_figure_and_summary(project: Project) -> None:
    leaderboard = (project.root / "metrics/leaderboard.md").read_text()
    assert "DNAF" in leaderboard
    assert "not supplied" in leaderboard
    assert (project.root / "metrics/qualitative.png").stat().st_size > 1000
    summary = json.loads((project.root / "metrics/summary.json").read_text())
    assert summary["num_pairs"] == summary["num_expected"] > 0
    with (project.root / "metrics/train/loss.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]


def test_second_repro_runs_nothing_and_leaves_git_clean(project: Project) -> None:
    assert ran(project.run("dvc", "repro")) == []
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_compiled_python_files_do_not_make_a_stage_run_again(project: Project) -> None:
    project.run("python", "-m", "compileall", "-q", "dnaf", "stages")
    assert ran(project.run("dvc", "repro", "--dry")) == []


def test_dvc_sends_no_usage_data() -> None:
    assert "analytics = false" in (ROOT / ".dvc/config").read_text()


def test_changing_evaluation_runs_no_training(project: Project) -> None:
    try:
        project.set_params({"evaluate.num_bootstrap": 10})
        stages = ran(project.run("dvc", "repro"))
        assert "evaluate@dnaf" in stages
        assert not {"make_demo", "unpack", "split", "render", "train", "generate"} & set(stages)
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("dvc", "checkout", "-q")


def test_changing_the_learning_rate_runs_train_and_what_follows_only(project: Project) -> None:
    result = project.run("dvc", "exp", "run", "-n", "faster", "-S", "train.lr=5e-5")
    assert {"train", "generate", "evaluate@dnaf"} <= set(ran(result))
    assert not {"make_demo", "unpack", "split", "render", "evaluate@copy_source"} & set(ran(result))
    params = YAML(typ="safe", pure=True).load(project.root / "params.yaml")
    assert params["train"]["lr"] == 5e-5
    table = project.run("dvc", "metrics", "diff", "main", "faster").stdout
    assert "metrics/summary.json" in table
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def test_another_method_as_experiment_runs_only_the_summary(project: Project) -> None:
    result = project.run("dvc", "exp", "run", "-n", "copy", "-S", "method=copy_source")
    assert ran(result) == ["summary"]
    table = project.run("dvc", "metrics", "diff", "main", "copy").stdout
    assert "ssim_gaussian" in table
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def test_missing_raw_data_says_what_and_where_and_destroys_nothing(project: Project) -> None:
    result = project.run("dvc", "exp", "run", "-S", "dataset=deepfashion", check=False)
    assert result.returncode != 0
    assert "img_highres.zip" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")
    assert (project.root / "data/prepared.zip").exists()
    assert ran(project.run("dvc", "repro")) == []


def pipeline() -> dict[str, dict[str, object]]:
    stages: dict[str, dict[str, object]] = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    return stages


def test_outputs_are_neither_persisted_nor_uncached_where_that_disables_the_run_cache() -> None:
    for name, stage in pipeline().items():
        assert "persist: true" not in str(stage)
        uncached = [str(out) for out in stage.get("outs", []) if isinstance(out, dict)]  # type: ignore[attr-defined]
        # The one exception: a cheap table that git shows.
        assert uncached == (["{'metrics/leaderboard.md': {'cache': False}}"] if name == "report" else [])


def test_output_paths_are_the_same_for_every_data_set() -> None:
    for stage in pipeline().values():
        for kind in ("outs", "metrics", "plots"):
            assert "${dataset}" not in str(stage.get(kind))


def test_every_data_set_has_its_raw_folder_with_instructions() -> None:
    for file in (ROOT / "params").glob("*.yaml"):
        params = YAML(typ="safe", pure=True).load(file)
        for name in params["datasets"]:
            assert (ROOT / "data/raw" / name / "README.md").is_file()


def test_every_method_has_its_card() -> None:
    for file in (ROOT / "params").glob("*.yaml"):
        for method in YAML(typ="safe", pure=True).load(file)["methods"]:
            assert (ROOT / "data/results" / method / "card.yaml").is_file()


def test_gitignore_hides_no_dvc_file_from_dvc(project: Project) -> None:
    result = Path("data/results/pidm/published.zip")
    try:
        (project.root / result).write_bytes(b"published images")
        project.run("dvc", "add", "-q", str(result))
        project.run("git", "add", "-A")
        assert f"{result}.dvc" in project.run("git", "ls-files").stdout
        with Repo(str(project.root)) as repo:
            assert f"{result}.dvc" in {stage.relpath for stage in repo.index.stages} | {
                str(Path(stage.path).relative_to(project.root)) for stage in repo.index.stages
            }
    finally:
        project.run("git", "reset", "-q", "--hard")
        project.run("git", "clean", "-fdxq", "data/results/pidm")


def test_lists_in_params_are_blocks_so_that_set_param_leaves_them_alone() -> None:
    for file in (ROOT / "params").glob("*.yaml"):
        assert "[" not in "".join(line.split("#")[0] for line in file.read_text().splitlines())
