import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.core.errors import DataError, StateError
from dnaf.data.pairs.pairs import pair_id
from stages import ablation_figure
from tests.helpers.evaluation_project import EvaluationProject, near
from tests.helpers.messages import error_of
from tests.helpers.revisions import Revisions
from tests.helpers.training_project import ROOT

GENERATED = "data/results/dnaf/generated.zip"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EvaluationProject:
    """A tiny project with four revisions: `others` is of other pairs, `tall` of another size."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        project = EvaluationProject(root)
        with Revisions(root) as revisions:
            for tag in ("first", "second"):
                project.set_params(model={"noise_aware": tag == "second"})
                project.add_results(members=generated(project, tag))
                revisions.commit(tag, [GENERATED])
            project.add_results(info={"pairs_sha256": "other", "model": "m"})
            revisions.commit("others", [GENERATED])
            tall = {name: image.repeat(2, axis=0) for name, image in project.generated().items()}
            project.add_results(members=tall)
            revisions.commit("tall", [GENERATED])
        Path(GENERATED).unlink()
    return project


@pytest.fixture
def project(made: EvaluationProject, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """The project, whose folder becomes the current one."""
    monkeypatch.chdir(made.root)
    return made


def generated(project: EvaluationProject, tag: str) -> dict[str, images.Pixels]:
    return {name: near(image, tag) for name, image in project.generated().items()}


def test_each_revision_has_a_column_with_the_images_it_generated(
    project: EvaluationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    name = pair_id(*project.pairs[4])
    result = ablation_figure.main(["B1=first", "Ours=second"], pair=[name], out=Path("figures/ablation"))
    assert result == "1 pairs, 2 variants → figures/ablation.png, figures/ablation.pdf"
    assert capsys.readouterr().out.splitlines() == [
        "B1 differs from Ours in: model.noise_aware is false, not true.",
    ]
    assert Path("figures/ablation.pdf").read_bytes().startswith(b"%PDF")
    sheet = images.read(Path("figures/ablation.png"))
    for column, tag in ((3, "first"), (4, "second")):
        left = 6 + column * (48 * 3 + 6)
        shown = sheet[-6 - 64 * 3 : -6, left : left + 48 * 3]
        expected = generated(project, tag)[f"{name}.png"]
        assert np.array_equal(shown, expected.repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("others", r"^others: images of other pairs than data/pairs/test\.csv \(found 6 of another list"),
        ("tall", r"^tall: images of another size .*\(found 128x48, expected 64x48"),
        ("unheard-of", r"^unheard-of: no such commit, branch or experiment \("),
    ],
)
def test_a_revision_that_does_not_belong_to_the_data_is_refused_and_nothing_is_written(
    project: EvaluationProject, revision: str, message: str
) -> None:
    with pytest.raises(StateError, match=message) as error:
        ablation_figure.main(["B1=first", f"Ours={revision}"], out=Path("refused"))
    assert "\n" not in str(error.value)
    assert not list(Path().glob("refused*"))


def test_an_unknown_pair_is_refused(project: EvaluationProject) -> None:
    with pytest.raises(DataError, match=r"nobody: not a test pair"):
        ablation_figure.main(["Ours=first"], pair=["nobody"])


def test_what_is_no_variant_is_told_in_one_sentence() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "stages.ablation_figure", "B1=main", "Ours"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert error_of(ran.stderr).startswith("error: Ours: not a variant")
