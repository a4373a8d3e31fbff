from pathlib import Path

import pytest

from dnaf import images
from dnaf.data.pairs import pair_id
from dnaf.errors import DataError
from stages import main_res
from tests.evaluation_project import EvaluationProject


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """A tiny project with results of our method, in an empty folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    made = EvaluationProject(tmp_path)
    made.add_results()
    return made


def test_chosen_pairs_are_drawn_as_png_and_pdf(
    project: EvaluationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [pair_id(*project.pairs[4]), pair_id(*project.pairs[1])]
    main_res.main("demo", pair=names, out=Path("figures/a.b"))
    assert capsys.readouterr().out == "figures/a.b.png\nfigures/a.b.pdf\n"
    assert Path("figures/a.b.pdf").read_bytes().startswith(b"%PDF")
    both = images.read(Path("figures/a.b.png"))
    main_res.main("demo", pair=names[1:], out=Path("figures/second"))
    second = images.read(Path("figures/second.png"))
    assert (both[-150:] == second[-150:]).all()
    assert both.shape[1] == second.shape[1]


def test_without_chosen_pairs_some_are_drawn(project: EvaluationProject) -> None:
    main_res.main("demo", rows=3)
    main_res.main("demo", rows=1, out=Path("data/one"))
    three, one = (images.read(Path(f"data/{name}.png")).shape for name in ("main_res", "one"))
    assert three[1] == one[1]
    assert three[0] > 2 * one[0]


def test_an_unknown_pair_is_refused_and_nothing_is_written(project: EvaluationProject) -> None:
    with pytest.raises(DataError, match=r"nobody: not a test pair \(expected one of 6, like fashion"):
        main_res.main("demo", pair=["nobody"])
    assert not Path("data/main_res.png").exists()
