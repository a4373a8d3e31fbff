"""What users do with DVC, by running it."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from dnaf.core.parameters import sets as parameter_sets
from tests.helpers.baseline_results import Baselines
from tests.helpers.evaluation_project import DNAF_CARD
from tests.pipeline.conftest import ROOT, Project

README = (ROOT / "README.md").read_text()
BACK = "git checkout params.yaml && uv run dvc repro"
# It writes tables that git shows, beside which there is no run cache.
WITHOUT_RUN_CACHE = {"leaderboard"}


def ran(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Names of the stages that a dvc command ran."""
    return [line.split("'")[1] for line in result.stdout.splitlines() if line.startswith("Running stage")]


def test_whole_pipeline_gives_leaderboard_figure_and_summary(project: Project) -> None:
    leaderboard = (project.root / "metrics/leaderboard.md").read_text()
    assert "DNAF" in leaderboard
    assert "not supplied" in leaderboard
    assert (project.root / "metrics/qualitative.png").stat().st_size > 1000
    summary = json.loads((project.root / "metrics/summary.json").read_text())
    assert {"fd_efficientnet", "ssim_gaussian", "l1"} < summary.keys()
    with (project.root / "metrics/train/loss.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]


def test_second_repro_runs_nothing_and_leaves_git_clean(project: Project) -> None:
    assert ran(project.run("dvc", "repro")) == []
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_dvc_restores_what_the_stages_wrote(project: Project) -> None:
    # That every stage runs on it: test_hermetic.py.
    assert project.digests() == project.written
    assert "data/model/README.md" in project.written


def test_a_clone_pulls_a_model_that_loads_and_has_nothing_to_run(project: Project, tmp_path: Path) -> None:
    remote = ("dvc", "remote", "add", "--local", "-q", "-d", "store", str(tmp_path / "store"))
    try:
        project.run(*remote)
        project.run("dvc", "push", "-q")
    finally:
        (project.root / ".dvc/config.local").unlink()
    project.run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", tmp_path / "scratch")
    for method in (*Baselines.METHODS, "shared"):  # whose images are in neither git nor DVC
        supplied = Path("data/results") / method
        shutil.copytree(project.root / supplied, clone.root / supplied, dirs_exist_ok=True)
    clone.run(*remote)
    # Without tables and page: they read all of data/results, of which git has a part.
    assert ran(clone.run("dvc", "repro", "--pull", "--allow-missing", "summary")) == []
    assert clone.run("git", "status", "--porcelain").stdout == ""
    assert not (clone.root / "data/images.zip").exists()
    clone.run("dvc", "pull", "-q")
    assert ran(clone.run("dvc", "repro")) == []
    assert clone.digests() == project.written
    clone.run(
        "python",
        "-c",
        "from pathlib import Path; from dnaf.pipeline import load_pipeline as load; load(Path('data/model'))",
    )


def test_compiled_python_files_do_not_make_a_stage_run_again(project: Project) -> None:
    project.run("python", "-m", "compileall", "-q", "dnaf", "stages")
    assert ran(project.run("dvc", "repro", "--dry")) == []


def test_dvc_sends_no_usage_data() -> None:
    assert "analytics = false" in (ROOT / ".dvc/config").read_text()


def test_changing_evaluation_runs_no_training(project: Project) -> None:
    try:
        project.set_params({"evaluate.num_bootstrap": 10})
        stages = ran(project.run("dvc", "repro", "--dry"))
        assert "evaluate@dnaf-cfld" in stages
        assert not {
            *("make_demo", "unpack", "split", "render", "latents", "train", "generate", "reference@cfld")
        } & set(stages)
    finally:
        project.run("git", "checkout", "-q", ".")


def test_changing_the_learning_rate_runs_train_and_what_follows_only(project: Project) -> None:
    result = project.run("dvc", "exp", "run", "-n", "faster", "-S", "train.lr=5e-5")
    assert {"train", "generate", "evaluate@dnaf-cfld"} <= set(ran(result))
    assert not {"make_demo", "unpack", "split", "render", "latents", "evaluate@copy_source-cfld"} & set(
        ran(result)
    )
    params = YAML(typ="safe", pure=True).load(project.root / "params.yaml")
    assert params["train"]["lr"] == 5e-5
    table = project.run("dvc", "metrics", "diff", "main", "faster").stdout
    assert "metrics/summary.json" in table
    assert project.digests() != project.written
    assert set(ran(go_back(project))) <= WITHOUT_RUN_CACHE


def test_outputs_that_a_failed_stage_lost_come_back_without_a_run(project: Project) -> None:
    project.set_params({"generate.scheduler": "unheard_of"})
    assert "generate.scheduler: not allowed" in project.run("dvc", "repro", check=False).stderr
    assert not (project.root / "data/results/dnaf/generated.zip").exists()
    assert set(ran(go_back(project))) <= WITHOUT_RUN_CACHE


def go_back(project: Project) -> subprocess.CompletedProcess[str]:
    """As the README says; afterwards the results are the committed ones."""
    assert BACK in README
    result = project.run("sh", "-c", BACK)
    assert project.digests() == project.written
    assert project.run("git", "status", "--porcelain").stdout == ""
    return result


@pytest.mark.slow  # three trainings
def test_the_experiments_of_the_readme_change_one_parameter_each_and_leave_the_folder_alone(
    project: Project,
) -> None:
    block = README.partition("## Experiments")[2].partition("```bash\n")[2].partition("```")[0]
    result = project.run("sh", "-ec", f"export COLUMNS=1000\n{block}")
    assert "no-sharing differs from full in: model.noise_aware is false, not true." in result.stdout
    assert "no-blocks differs from full in: model.appearance_blocks is false, not true." in result.stdout
    assert "warning" not in result.stderr
    shown = [line for line in result.stdout.splitlines() if re.search(r"\[(half-lr|no-sharing|copy)\]", line)]
    assert len(shown) == 3
    assert max(map(len, shown)) <= 165
    assert (project.root / "data/ablation.pdf").is_file()
    assert project.digests() == project.written
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_another_method_as_experiment_runs_only_the_summary(project: Project) -> None:
    result = project.run("dvc", "exp", "run", "-n", "copy", "-S", "method=copy_source")
    assert ran(result) == ["summary"]
    table = project.run("dvc", "metrics", "diff", "main", "copy").stdout
    assert "ssim_gaussian" in table
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def test_seven_baselines_in_their_published_layouts_are_scored_and_ordered(project: Project) -> None:
    scores = {
        method: json.loads((project.root / f"data/scores/cfld/{method}.json").read_text())
        for method in (*Baselines.METHODS, "pocold")
    }
    # Each next one was given more noise, of which JPEG and resizing take some.
    for alike in (("pidm", "gfla"), ("nted", "casd"), ("dptn", "pise", "adgan")):
        distances = [scores[method]["l1"] for method in alike]
        assert distances == sorted(distances)
    assert all(scores[method]["num_pairs"] == 6 for method in Baselines.METHODS)
    assert scores["pocold"]["num_pairs"] == 0
    types = {method: scores[method]["protocol"]["results"]["file_type"] for method in Baselines.METHODS}
    assert types == dict.fromkeys(("pidm", "nted", "casd"), "png") | dict.fromkeys(
        ("dptn", "gfla", "pise", "adgan"), "jpg"
    )
    board = (project.root / "metrics/leaderboard.md").read_text()
    assert "not supplied" in board
    assert "CASD" in board


def test_two_baselines_are_compared_natively_and_no_network_runs(project: Project) -> None:
    for method in ("pidm", "gfla"):
        assert ran(project.run("dvc", "exp", "run", "-n", method, "-S", f"method={method}")) == ["summary"]
    table = project.run("dvc", "metrics", "diff", "gfla", "pidm").stdout
    rows = {line.split()[1]: line.split()[2:] for line in table.splitlines()[1:]}
    for name in ("fd_efficientnet", "ssim_gaussian", "l1"):
        before, after, change = map(float, rows[name])
        assert change == pytest.approx(after - before, abs=2e-5)
    assert rows["l1"][2].startswith("-")
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def test_dvc_shows_one_metrics_file_and_every_plot(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    assert list(shown[""]["data"]) == ["metrics/summary.json"]
    plots = project.run("dvc", "plots", "show")
    assert plots.stderr == ""
    page = Path(plots.stdout.strip().removeprefix("file://")).read_text()
    for name in ("Training loss", "Methods", "metrics_applications_mix.png"):
        assert name in page
    assert project.run("git", "status", "--porcelain").stdout == ""
    shutil.rmtree(project.root / "dvc_plots")


def test_another_protocol_scores_again_and_computes_nothing_else(project: Project) -> None:
    project.set_params({"methods": ["dnaf", "gfla", "pocold"], "protocols": ["cfld", "patn"]})
    try:
        stages = ran(project.run("dvc", "repro"))
        assert {"reference@patn", "evaluate@dnaf-patn", "evaluate@gfla-patn", "report"} <= set(stages)
        assert all(stage.endswith("patn") or stage in ("leaderboard", "report") for stage in stages)
        board = (project.root / "metrics/leaderboard.md").read_text()
        assert "`cfld`" in board
        assert "`patn`" in board
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("git", "clean", "-fdq", "metrics")
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
        # The exception: cheap tables that git shows.
        names = ("leaderboard.json", "leaderboard.md", "leaderboard.tex", "strata.csv")
        tables = [f"{{'metrics/{table}': {{'cache': False}}}}" for table in names]
        assert uncached == (tables if name in WITHOUT_RUN_CACHE else [])


def test_output_paths_are_the_same_for_every_data_set() -> None:
    for stage in pipeline().values():
        for kind in ("outs", "metrics", "plots"):
            assert "${dataset}" not in str(stage.get(kind))


def test_every_data_set_that_must_be_got_has_its_raw_folder_with_instructions() -> None:
    for set_name in parameter_sets.names(ROOT / "params"):
        for name in parameter_sets.read(set_name, folder=ROOT / "params").datasets:
            assert name == "demo" or (ROOT / "data/raw" / name / "README.md").is_file()


def test_every_method_has_its_card() -> None:
    for set_name in parameter_sets.names(ROOT / "params"):
        for method in parameter_sets.read(set_name, folder=ROOT / "params").methods:
            assert (DNAF_CARD if method == "dnaf" else ROOT / "data/results" / method / "card.yaml").is_file()


def test_gitignore_hides_no_dvc_file_from_dvc(project: Project) -> None:
    result = Path("data/results/pocold/published.zip")
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
        project.run("git", "clean", "-fdxq", "data/results/pocold")
