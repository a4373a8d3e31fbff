import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.data.pairs.pairs import pair_id
from stages.check_results import main
from tests.helpers.evaluation_project import EvaluationProject, near, random_image
from tests.helpers.messages import error_of
from tests.helpers.published_results import write_folder, write_zip

HAND_IN = Path("hand-in")


def complete(project: EvaluationProject) -> dict[str, bytes]:
    made = {pair: near(random_image(pair[1]), pair_id(*pair)) for pair in project.pairs}
    return {"{}_2_{}.png".format(*pair): images.encode_png(image) for pair, image in made.items()}


def test_a_complete_set_ends_with_one_line_wherever_it_is(evaluation_project: EvaluationProject) -> None:
    files = complete(evaluation_project)
    write_zip(HAND_IN / "results.zip", files)
    write_folder(Path("data/results/pidm/images"), files)
    for folder in (HAND_IN, Path("data/results/pidm")):
        assert main(folder) == f"{folder}: complete, 6 of 6 pairs, png, 64x48 (height x width)"
    evaluation_project.add_results()
    assert main(Path("data/results/dnaf")).startswith("data/results/dnaf: complete, 6 of 6 pairs")


def one_missing(files: dict[str, bytes]) -> None:
    del files[next(iter(files))]


def one_unknown(files: dict[str, bytes]) -> None:
    files["nobody.png"] = next(iter(files.values()))


def all_smaller(files: dict[str, bytes]) -> None:
    for name in files:
        files[name] = images.encode_png(images.resize(images.decode(files[name], name), (32, 24)))


def one_twice(files: dict[str, bytes]) -> None:
    first, second = list(files)[:2]
    files[second] = files[first]


def one_grey(files: dict[str, bytes]) -> None:
    files[next(iter(files))] = images.encode_png(np.full((64, 48, 3), 90, np.uint8))


def last_without_end(files: dict[str, bytes]) -> None:
    name = list(files)[-1]
    files[name] = files[name][:-12]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (one_missing, r"is missing \(1 such; found 5 of 6 pairs\)"),
        (one_unknown, r"nobody\.png: shows no test pair by its name"),
        (all_smaller, "smaller than the data set's images"),
        (one_twice, r"equals another pair's \(1 of 6 such"),
        (one_grey, r"has one colour \(1 of 6 such"),
        (last_without_end, "found a PNG without an end"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    evaluation_project: EvaluationProject, damage: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    files = complete(evaluation_project)
    damage(files)
    write_zip(HAND_IN / "results.zip", files)
    with pytest.raises(DataError, match=sentence):
        main(HAND_IN)


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("nowhere", "nowhere: no such folder"),
        ("data/results/pidm", "data/results/pidm: no images"),
        ("data/results/copy_source", "nothing to check"),
    ],
)
def test_nothing_to_check_is_said(evaluation_project: EvaluationProject, folder: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        main(Path(folder))


def test_it_is_a_command_that_needs_no_network_of_ours(evaluation_project: EvaluationProject) -> None:
    code = "import sys; from stages.check_results import main; main('data/results/pidm')\n"
    write_zip(Path("data/results/pidm/results.zip"), complete(evaluation_project))
    ended = subprocess.run(
        [sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    command = [sys.executable, "-m", "stages.check_results", "nowhere"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert error_of(ended.stderr).startswith("error: nowhere: no such folder")
