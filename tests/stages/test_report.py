import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from dnaf import files, images
from dnaf.errors import DataError
from dnaf.evaluate.inputs import absent
from dnaf.evaluate.protocol import NATIVE
from stages import report, summary
from tests.evaluation_project import EvaluationProject
from tests.unit.test_leaderboard import numbers

OUTPUTS = [Path("metrics") / name for name in ("leaderboard.md", "leaderboard.csv", "qualitative.png")]


@pytest.fixture
def scored_project(evaluation_project: EvaluationProject) -> EvaluationProject:
    """Metrics of all methods of params.yaml: two present, the others absent."""
    for method in YAML(typ="safe").load(Path("params.yaml"))["methods"]:
        present = method in ("dnaf", "copy_source")
        content = numbers(3.0, 0.5) if present else absent(6, NATIVE)
        files.write_json(Path("metrics/methods") / f"{method}.json", content)
    evaluation_project.add_results()
    return evaluation_project


def test_report_compares_all_methods(scored_project: EvaluationProject) -> None:
    report.main()
    markdown = OUTPUTS[0].read_text()
    assert "| DNAF (ICME 2024) | " in markdown
    assert markdown.count("| not supplied |") == 8
    assert pd.read_csv(OUTPUTS[1])["method"].tolist() == ["dnaf", "copy_source"]
    assert images.read(OUTPUTS[2]).shape[1] > 4 * 3 * 48


def test_the_same_input_gives_the_same_files(scored_project: EvaluationProject) -> None:
    report.main()
    first = [path.read_bytes() for path in OUTPUTS]
    report.main()
    assert [path.read_bytes() for path in OUTPUTS] == first


def test_without_a_card_nothing_is_written(scored_project: EvaluationProject) -> None:
    Path("data/results/gfla/card.yaml").unlink()
    with pytest.raises(DataError, match=r"data/results/gfla/card\.yaml: could not be read"):
        report.main()
    assert not any(path.exists() for path in OUTPUTS)


def test_summary_copies_the_numbers_of_the_chosen_method(scored_project: EvaluationProject) -> None:
    summary.main()
    written = json.loads(Path("metrics/summary.json").read_text())
    assert written == {name: value for name, value in numbers(3.0, 0.5).items() if name != "protocol"}


def test_summary_of_an_absent_method_is_refused(scored_project: EvaluationProject) -> None:
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("method: dnaf", "method: pidm"))
    with pytest.raises(DataError, match="pidm has no results"):
        summary.main()
    assert not Path("metrics/summary.json").exists()
