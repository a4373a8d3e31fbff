"""Scores on their way: packed where the images are, merged where they are not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dnaf.core import files, images
from dnaf.core.errors import ConfigError, DataError, DnafError, StateError
from dnaf.evaluate.submissions.method_card import read_card
from stages import evaluate, leaderboard, merge, pack, report
from tests.helpers.evaluation_project import EvaluationProject
from tests.helpers.messages import error_of
from tests.helpers.published_results import write_zip

SENT = Path("mail/pidm.json")
SCORES = Path("data/scores/cfld")
TABLES = [SCORES / f"pidm.{suffix}" for suffix in ("csv", "csv.sha256")]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, reference_folder: Path) -> EvaluationProject:
    """PIDM's scores in a file that was sent, the copied source scored here, and no images of PIDM."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("scored"))
        project = EvaluationProject(Path.cwd())
        shutil.copytree(reference_folder, "data/reference/cfld")
        project.set_params(evaluate={"num_bootstrap": 50})
        project.add_keypoints()
        methods(project, "copy_source", "pidm")
        encoded = {name: images.encode_png(image) for name, image in project.generated().items()}
        write_zip(Path("data/results/pidm/results.zip"), encoded)
        for method in ("pidm", "copy_source"):
            evaluate.main(method=method)
        pack.main("pidm", out=SENT)
        Path("data/results/pidm/results.zip").unlink()
        return project


@pytest.fixture
def project(scored: EvaluationProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """A copy of it, which becomes the current folder."""
    shutil.copytree(scored.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    project = copy(scored)
    project.root = tmp_path
    project.pairs_csv = tmp_path / "data/pairs/test.csv"
    return project


def methods(project: EvaluationProject, *names: str) -> None:
    text = (project.root / "params.yaml").read_text()
    before, _, rest = text.partition("methods:")
    after = rest[rest.index("protocols:") :]
    listed = "".join(f"\n- {name}" for name in names)
    (project.root / "params.yaml").write_text(
        f"{before}methods:{listed}\n{after}".replace("method: dnaf", f"method: {names[0]}")
    )


def change(name: str, **changes: Any) -> Path:
    """A copy of the file that was sent, with another content and its digest."""
    content = json.loads(SENT.read_text())
    del content["sha256"]
    for key, value in changes.items():
        place, *inner = key.split("__")
        if inner:
            content[place][inner[0]] = value
        else:
            content[place] = value
    path = SENT.with_name(name)
    files.write_json(path, {**content, "sha256": files.fingerprint(content)})
    return path


def everything() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path("data/results").rglob("*") if path.is_file()}


def test_merged_scores_are_those_that_were_sent_to_the_bit(project: EvaluationProject) -> None:
    scored = [path.read_bytes() for path in TABLES]
    numbers = json.loads((SCORES / "pidm.json").read_text())
    said = merge.main([SENT])
    assert said.splitlines()[0] == "pidm (cfld) → data/results/pidm/merged/cfld.json"
    assert said.endswith("run `uv run dvc repro`")
    assert "computed elsewhere" in evaluate.main(method="pidm")
    assert [path.read_bytes() for path in TABLES] == scored
    merged = json.loads((SCORES / "pidm.json").read_text())
    origin = merged["protocol"].pop("elsewhere")
    assert merged == numbers
    assert origin["sha256"] == files.digest(SENT)


def test_tables_and_page_show_that_they_were_computed_elsewhere(project: EvaluationProject) -> None:
    merge.main([SENT])
    evaluate.main(method="pidm")
    leaderboard.main()
    table = Path("metrics/leaderboard.md").read_text()
    row, *_ = [line for line in table.splitlines() if line.startswith("| [PIDM]")]
    assert "(CVPR 2023; computed elsewhere)" in row
    assert "**" in row, "it is ranked as every other method"
    assert "**Computed elsewhere**: PIDM under `cfld` (dnaf " in table
    assert "PIDM (CVPR 2023; computed elsewhere)" in Path("metrics/leaderboard.tex").read_text()
    rows = pd.read_csv("metrics/leaderboard.csv").set_index("method")
    assert rows["computed"].fillna("").to_dict() == {"copy_source": "", "pidm": "elsewhere"}
    record = json.loads(Path("metrics/leaderboard.json").read_text())["cfld"]
    assert record["pidm"]["provenance"]["elsewhere"]["commit"] is None
    assert "elsewhere" not in record["copy_source"]["provenance"]

    report.main()
    page = Path("report/index.html").read_text()
    assert '"venue":"CVPR 2023; computed elsewhere"' in page
    assert '"label":"PIDM"' not in page, "no images of it are here"


def test_a_method_that_is_not_known_here_comes_with_its_card(project: EvaluationProject) -> None:
    sent = change("with_command.json", card__command=["sh", "<kit>", "<results>"])
    said = merge.main([sent], method="other")
    assert "put other into `methods` of params.yaml, then run" in said
    card = read_card(Path("data/results/other/card.yaml"))
    assert card == read_card(Path("data/results/pidm/card.yaml")), "and without a command of the sender's"
    methods(project, "copy_source", "other")
    evaluate.main(method="other")
    leaderboard.main()
    assert "CVPR 2023; computed elsewhere" in Path("metrics/leaderboard.md").read_text()


def test_merging_the_same_file_again_changes_nothing(project: EvaluationProject) -> None:
    merge.main([SENT])
    before = everything()
    merge.main([SENT, SENT])
    assert everything() == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"protocol__pairs_sha256": "0" * 64},
            r"not comparable with copy_source.*\(pairs_sha256: found '0000",
        ),
        ({"protocol__weights": {"inception": "random"}}, r"\(weights\.inception: found 'random', expected"),
        ({"protocol__real_set": None}, r"\(real_set: found None, expected"),
        (
            {"protocol__bootstrap": {"num_resamplings": 9, "seed": 0}},
            r"\(bootstrap.num_resamplings: found 9, e",
        ),
        ({"protocol__ssim_sigma": 1.2}, r"\(ssim_sigma: found 1.2, expected 1.5\)"),
        ({"protocol__image_size": "256x176"}, r"\(image_size: found '256x176', expected '64x48'\)"),
        (
            {"protocol__name": "pidm"},
            r"scored under pidm \(expected one of params.yaml's `protocols`: cfld\)",
        ),
        ({"scores": {}}, "has scores of single pairs in one of the two"),
        ({"scores__l1": [0.5]}, r"l1: found 1 scores, expected 6"),
        ({"method": "../../etc"}, "method: Value error, letters, digits"),
        ({"method": "copy_source"}, r"copy_source is computed here\. Give it another name by --method"),
        ({"method": "nted"}, r"nted is another method here \(found PIDM, .*card\.yaml has NTED\)"),
        ({"numbers__l1": "0.5"}, "numbers.l1"),
        ({"origin__commit": "`rm`"}, "origin.commit"),
        ({"format": "dnaf result 2"}, "format: Input should be 'dnaf result 1'"),
        (
            {"protocol__results": {"file_type": "png", "num_equal_to_truth": "x"}},
            "results.num_equal_to_truth",
        ),
    ],
)
def test_what_is_not_comparable_or_no_such_file_is_refused(
    project: EvaluationProject, changes: dict[str, Any], sentence: str
) -> None:
    before = everything()
    with pytest.raises(DataError, match=sentence):
        merge.main([SENT, change("changed.json", **changes)])
    assert everything() == before, "the good file of the two is not taken either"


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def altered(path: Path) -> None:
    path.write_text(path.read_text().replace('"l1": 0.', '"l1": 0.0', 1))


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def no_object(path: Path) -> None:
    path.write_text("[1, 2]")


def not_finite(path: Path) -> None:
    path.write_text('{"sha256": "", "numbers": NaN}')


def scores_of_evaluate(path: Path) -> None:
    shutil.copy(SCORES / "pidm.json", path)


def missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncated, "not a file that"),
        (altered, "damaged or altered"),
        (deep, "not a file that"),
        (no_object, "not a file that"),
        (not_finite, "not a file that"),
        (scores_of_evaluate, "not a file that"),
        (missing, "could not be read"),
    ],
)
def test_a_damaged_file_is_one_sentence(
    project: EvaluationProject, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(SENT)
    with pytest.raises(DataError, match=rf"^mail/pidm\.json: {sentence}"):
        merge.main([SENT])


def test_a_method_that_is_known_here_with_other_content_is_refused(project: EvaluationProject) -> None:
    merge.main([SENT])
    other = change("other.json", origin__date="2026-01-01")
    with pytest.raises(DataError, match=r"other\.json: pidm was merged with other content\. Remove data/r"):
        merge.main([other])
    shutil.rmtree("data/results/pidm/merged")
    with pytest.raises(DataError, match=r"other\.json: pidm under cfld is in mail/pidm\.json too"):
        merge.main([SENT, other])
    project.add_results("pidm")
    with pytest.raises(DataError, match=r"pidm has images here, which stage evaluate scores"):
        merge.main([SENT])


def test_images_beside_merged_scores_are_two_sources_of_one_row(project: EvaluationProject) -> None:
    merge.main([SENT])
    project.add_results("pidm")
    with pytest.raises(DataError, match=r"pidm/generated\.zip: is next to merged"):
        evaluate.main(method="pidm")


def test_evaluate_looks_at_what_stands_there_again(project: EvaluationProject) -> None:
    place = Path("data/results/pidm/merged/cfld.json")
    merge.main([SENT])
    project.keep_pairs(4)
    with pytest.raises(DataError, match=r"merged/cfld\.json: not comparable \(pairs_sha256: found"):
        evaluate.main(method="pidm")
    truncated(place)
    with pytest.raises(DataError, match=r"merged/cfld\.json: not a file that"):
        evaluate.main(method="pidm")


def test_a_name_that_is_no_folders_is_refused(project: EvaluationProject) -> None:
    with pytest.raises(ConfigError, match=r"^--method: methods: not allowed"):
        merge.main([SENT], method="../pidm")


def test_without_anything_computed_here_nothing_is_merged(project: EvaluationProject) -> None:
    methods(project, "pidm")
    merge.main([SENT], method="other")
    evaluate.main(method="pidm")
    shutil.rmtree("data/results/other")
    with pytest.raises(StateError, match="nothing was computed here to compare with"):
        merge.main([SENT])


@pytest.mark.parametrize("name", ["nted", "pidm"])
def test_only_scores_that_were_computed_here_are_packed(project: EvaluationProject, name: str) -> None:
    merge.main([SENT])
    evaluate.main(method=name)
    with pytest.raises(DnafError, match="no images, so" if name == "nted" else "Pass on this file"):
        pack.main(name)
    assert not list(Path("data").glob("packed/*.json"))


def test_a_packed_file_names_the_commit(project: EvaluationProject) -> None:
    def git(*arguments: str) -> str:
        config = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(["git", *config, *arguments], capture_output=True, text=True, check=True).stdout

    git("init", "--quiet")
    git("add", "params.yaml")
    git("commit", "--quiet", "--date=2026-01-02T03:04:05", "--message=Run")
    commit, date = git("log", "-1", "--format=%H %cs").split()
    assert pack.main("copy_source").startswith("copy_source (cfld) → data/packed/copy_source-cfld.json;")
    packed = Path("data/packed/copy_source-cfld.json")
    origin = json.loads(packed.read_text())["origin"]
    assert (origin["commit"], origin["date"]) == (commit, date)
    methods(project, "copy_source")
    pack.main("copy_source")
    assert json.loads(packed.read_text())["origin"]["commit"] == f"{commit}-dirty"


def test_an_error_is_one_sentence_and_exit_code_2(project: EvaluationProject) -> None:
    truncated(SENT)
    command = [sys.executable, "-m", "stages.merge", str(SENT)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert error_of(ended.stderr).startswith("error: mail/pidm.json: not a file that `uv run python -m")
