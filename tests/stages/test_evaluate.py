import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnaf.core.errors import DnafError
from stages import evaluate
from tests.helpers import processes
from tests.helpers.evaluation_project import ROOT, EvaluationProject, random_image
from tests.helpers.messages import error_of

SCORES = Path("data/scores/cfld")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.evaluate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_method_with_images_gets_metrics_and_one_score_a_pair(
    evaluation_project: EvaluationProject,
) -> None:
    evaluation_project.add_results()
    wrong = {name: random_image(name) for name in evaluation_project.generated()}
    evaluation_project.add_results(name="wrong_source.zip", members=wrong)
    evaluate.main("demo", "dnaf", "cfld")
    metrics = json.loads((SCORES / "dnaf.json").read_text())
    table = pd.read_csv(SCORES / "dnaf.csv")
    assert (metrics["num_pairs"], metrics["num_expected"]) == (6, 6)
    assert list(table[["source", "target"]].itertuples(index=False, name=None)) == evaluation_project.pairs
    assert metrics["l1"] == pytest.approx(table["l1"].mean())
    assert metrics["wrong_source_increase"] > 1


def test_an_absent_method_gets_the_same_row_each_time_without_loading_torch(
    evaluation_project: EvaluationProject,
) -> None:
    code = (
        "import sys; from stages import evaluate; evaluate.main('demo', 'pidm', 'cfld'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'lpips', 'pandas')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    first = (SCORES / "pidm.json").read_bytes(), (SCORES / "pidm.csv").read_bytes()
    expected = {"num_pairs": 0, "num_expected": 6, "protocol": {"name": "cfld"}}
    assert json.loads(first[0]) == expected
    assert first[1] == b"source,target\n"
    assert evaluate.main(method="pidm").startswith("PIDM (cfld): no images in data/results/pidm, ")
    assert ((SCORES / "pidm.json").read_bytes(), (SCORES / "pidm.csv").read_bytes()) == first


def test_an_error_is_one_sentence_and_exit_code_2(evaluation_project: EvaluationProject) -> None:
    (Path("data/results/pidm") / "pidm.rar").touch()
    result = run("demo", "pidm", "cfld")
    assert result.returncode == 2
    assert error_of(result.stderr).startswith(
        "error: data/results/pidm/pidm.rar: an archive that cannot be read in place"
    )


@pytest.mark.parametrize("fault", ["missing", "extra", "stale", "constant", "wrong source"])
def test_a_corrupt_set_is_refused_and_nothing_is_written(
    evaluation_project: EvaluationProject, fault: str
) -> None:
    images = evaluation_project.generated()
    name = list(images)[1]
    evaluation_project.add_results()
    if fault == "missing":
        del images[name]
    elif fault == "extra":
        images["extra.png"] = random_image("extra")
    elif fault == "constant":
        images[name] = np.zeros_like(images[name])
    if fault == "wrong source":
        evaluation_project.add_results(name="wrong_source.zip", members={name: images[name]})
    elif fault == "stale":
        evaluation_project.add_results(info={"pairs_sha256": "of another list", "model": "m"})
    else:
        evaluation_project.add_results(members=images)
    with pytest.raises(DnafError):
        evaluate.main("demo", "dnaf", "cfld")
    assert list(SCORES.glob("*")) == []


@pytest.mark.parametrize("stage", ["reference", "evaluate"])
def test_two_processes_give_the_numbers_of_one(evaluation_project: EvaluationProject, stage: str) -> None:
    evaluation_project.add_results()
    evaluation_project.set_params(evaluate={"batch_size": 2}, reference={"batch_size": 2})
    arguments = ("demo", "cfld") if stage == "reference" else ("demo", "dnaf", "cfld")
    outcomes, ends = [], []
    for launch in ((), processes.TWO_PROCESSES):
        result = subprocess.run(
            [sys.executable, "-m", *launch, f"stages.{stage}", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        )
        assert result.returncode == 0, result.stderr
        if stage == "reference":
            outcomes.append(Path("data/reference/cfld/inception.npy").read_bytes())
        else:
            outcomes.append((SCORES / "dnaf.json").read_bytes())
        ends.append(result.stdout)
    assert outcomes[0] == outcomes[1]
    assert ends[0] == ends[1]  # said once
    if stage == "reference":
        networks = "inception, efficientnet_lite0"
        assert ends[0] == f"cfld: features of 4 of 4 training images by {networks} → data/reference/cfld\n"
    else:
        assert ends[0].startswith("DNAF (cfld): fid_random ")
        assert ends[0].endswith("; 6 of 6 pairs → data/scores/cfld/dnaf.json\n")
