import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.core.errors import DataError, StateError
from dnaf.core.seals import write_sealed
from stages import leaderboard, report, summary
from tests.helpers.evaluation_project import EvaluationProject
from tests.helpers.scored_methods import absent, present, with_interval, write

TABLES = [Path(f"metrics/leaderboard.{kind}") for kind in ("md", "csv", "tex", "json")]
OUTPUTS = [*TABLES, Path("metrics/qualitative.png"), Path("report/index.html")]
PROTOCOLS = ["cfld", "gfla"]
L1 = {"cfld": 0.25, "gfla": 0.5}


def set_params(**values: object) -> None:
    yaml = YAML()
    params = yaml.load(Path("params.yaml"))
    params.update(values)
    yaml.dump(params, Path("params.yaml"))


@pytest.fixture
def scored_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """All methods of params.yaml under two protocols: two methods present, the others absent."""
    monkeypatch.chdir(tmp_path)
    project = EvaluationProject(tmp_path)
    project.add_keypoints()
    set_params(protocols=PROTOCOLS, protocol="gfla", method="dnaf")
    num_pairs = len(project.pairs)
    for protocol in PROTOCOLS:
        for method in YAML(typ="safe").load(Path("params.yaml"))["methods"]:
            row, scores = absent(method, protocol), {}
            if method in ("dnaf", "copy_source"):
                row = present(method, with_interval("l1", L1[protocol], 0.1), protocol)
                scores = {"l1": np.full(num_pairs, L1[protocol])}
            write(Path(), row, scores, project.pairs)
    project.add_results()
    return project


def test_leaderboard_compares_all_methods_under_every_protocol(scored_project: EvaluationProject) -> None:
    result = leaderboard.main()
    assert result == (
        "2 of 11 methods have results → metrics/leaderboard.md; the same as .tex, .csv and .json\n"
        "Scores by kinds of pairs → metrics/strata.csv"
    )
    markdown = TABLES[0].read_text()
    assert "| DNAF (ICME 2024) | **0.2500** [0.1500, 0.3500] |" in markdown.split("## Protocol `gfla`")[0]
    assert "| DNAF (ICME 2024) | **0.5000** [0.4000, 0.6000] |" in markdown.split("## Protocol `gfla`")[1]
    assert "| Copy source | 0.5000≈ [0.4000, 0.6000] |" in markdown
    assert markdown.count("| not supplied |") == 2 * 9
    strata = pd.read_csv("metrics/strata.csv")
    kinds = ["Visible joints"] + ["Item"] * 2 + ["View change"] * 2
    assert list(strata["partition"]) == [kind for kind in kinds for _ in range(2)] * 2
    assert set(strata["l1"]) == {0.25, 0.5}
    table = pd.read_csv(TABLES[1])
    assert list(zip(table["protocol"], table["method"], table["l1"], strict=True)) == [
        ("cfld", "dnaf", 0.25),
        ("cfld", "copy_source", 0.25),
        ("gfla", "dnaf", 0.5),
        ("gfla", "copy_source", 0.5),
    ]
    assert TABLES[2].read_text().count(r"\begin{tabular}{lr}") == 2
    record = json.loads(TABLES[3].read_text())
    assert list(record) == PROTOCOLS
    assert record["gfla"]["dnaf"]["numbers"] == {
        **with_interval("l1", 0.5, 0.1),
        "num_pairs": 6,
        "num_expected": 6,
    }
    assert record["cfld"]["dnaf"]["provenance"]["image_size"] == "64x48"
    assert record["cfld"]["pidm"] == {
        "numbers": {"num_pairs": 0, "num_expected": 6},
        "provenance": {"name": "cfld"},
        "published": record["cfld"]["pidm"]["published"],
    }
    sizes = [entry["size"] for entry in record["cfld"]["pidm"]["published"]]
    assert sizes == ["256x176", "512x352", "128x64"]
    # Methods that only have published numbers are listed with them, though no `methods` has them.
    assert "| IMAGPose | deepfashion | 256x176 | 5.8738 |" in markdown


def test_report_shows_all_methods_under_every_protocol(scored_project: EvaluationProject) -> None:
    result = report.main()
    made, next_step = result.splitlines()
    assert made == "2 of 11 methods have results → report/index.html, metrics/qualitative.png"
    assert "Open report/index.html" in next_step
    assert "`uv run dvc exp run " in next_step
    assert images.read(Path("metrics/qualitative.png")).shape[1] > 4 * 3 * 48
    html = Path("report/index.html").read_text()
    assert "ICME 2024" in html
    assert len(list(Path("report/pairs").iterdir())) == len(scored_project.pairs)
    assert {path.name for path in Path("report/scores").iterdir()} == {"cfld.js", "gfla.js"}


def test_the_same_input_gives_the_same_files(scored_project: EvaluationProject) -> None:
    leaderboard.main()
    report.main("demo")
    first = [path.read_bytes() for path in OUTPUTS]
    leaderboard.main()
    report.main("demo")
    assert [path.read_bytes() for path in OUTPUTS] == first


def test_without_a_card_nothing_is_written(scored_project: EvaluationProject) -> None:
    Path("data/results/gfla/card.yaml").unlink()
    with pytest.raises(DataError, match=r"data/results/gfla/card\.yaml: missing"):
        report.main("demo")
    assert not any(path.exists() for path in OUTPUTS)


def test_scores_of_other_pairs_are_refused_and_nothing_is_written(scored_project: EvaluationProject) -> None:
    scores_csv = Path("data/scores/gfla/dnaf.csv")
    write_sealed(scores_csv, "\n".join(scores_csv.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(StateError, match=r"data/scores/gfla/dnaf\.csv: scores of other pairs"):
        report.main("demo")
    assert not any(path.exists() for path in OUTPUTS)


def test_summary_copies_the_numbers_of_the_chosen_method_and_protocol(
    scored_project: EvaluationProject,
) -> None:
    result = summary.main()
    assert result.startswith("1 numbers of dnaf (gfla) → metrics/summary.json; `uv run dvc metrics diff`")
    written = json.loads(Path("metrics/summary.json").read_text())
    assert written == {"l1": 0.5}
    set_params(protocol="cfld")
    summary.main()
    assert json.loads(Path("metrics/summary.json").read_text())["l1"] == 0.25


def test_summary_of_an_absent_method_is_refused(scored_project: EvaluationProject) -> None:
    set_params(method="pidm")
    with pytest.raises(DataError, match="pidm has no results"):
        summary.main()
    assert not Path("metrics/summary.json").exists()


def test_summary_under_a_protocol_that_was_not_scored_is_refused(scored_project: EvaluationProject) -> None:
    set_params(protocol="pidm")
    with pytest.raises(StateError, match=r"data/scores/pidm/dnaf\.json: missing"):
        summary.main()
