from pathlib import Path

import numpy as np
import pytest

from dnaf.data.pairs import Pair, pair_id
from dnaf.data.store import ImageStore
from dnaf.errors import StateError
from dnaf.evaluate.card import read_card
from dnaf.evaluate.inputs import TestPairs
from dnaf.images import encode_png
from dnaf.report.figure import open_columns, qualitative, spread
from tests.evaluation_project import EvaluationProject, picture
from tests.published_results import write_folder

RESULTS = Path("data/results")


def pairs_of(num_outfits: int, num_pairs: int) -> TestPairs:
    """Pairs of the same outfit stand together."""
    pairs = [
        (f"{outfit:08d}_1front", f"{outfit:08d}_{number}side")
        for outfit in range(num_outfits)
        for number in range(num_pairs)
    ]
    return TestPairs(pairs, outfits(pairs), "")


def outfits(pairs: list[Pair]) -> list[str]:
    return [target.partition("_")[0] for _, target in pairs]


def test_rows_are_of_different_outfits_spread_over_the_list() -> None:
    chosen = outfits(spread(pairs_of(40, 6), 8))
    assert len(set(chosen)) == 8
    numbers = [int(outfit) for outfit in chosen]
    assert (numbers[0], numbers[-1]) == (0, 39)
    assert max(np.diff(numbers)) <= 6


def test_outfits_repeat_only_when_there_are_fewer_than_rows() -> None:
    chosen = spread(pairs_of(3, 4), 8)
    assert len(set(chosen)) == 8
    counts = [outfits(chosen).count(outfit) for outfit in set(outfits(chosen))]
    assert max(counts) - min(counts) <= 1


def test_a_short_list_is_shown_whole() -> None:
    pairs = pairs_of(2, 2)
    assert sorted(spread(pairs, 8)) == sorted(pairs.pairs)


def test_each_row_shows_pose_source_target_and_methods_enlarged(
    evaluation_project: EvaluationProject,
) -> None:
    evaluation_project.add_results()
    cards = {"dnaf": read_card(RESULTS / "dnaf/card.yaml")}
    columns = open_columns(["dnaf", "copy_source", "mean_image"], cards, RESULTS, evaluation_project.data)
    assert [label for label, _ in columns] == ["DNAF"]
    prepared, pose = ImageStore(Path("data/prepared.zip")), ImageStore(Path("data/pose.zip"))
    test = evaluation_project.test
    sheet = qualitative(test, prepared, pose, columns, 2)

    source, target = spread(test, 2)[1]
    generated = evaluation_project.generated()[f"{pair_id(source, target)}.png"]
    expected = [picture(f"pose of {target}"), picture(source), picture(target), generated]
    height, width = 64 * 3, 48 * 3
    gap = (sheet.shape[1] - 4 * width) // 5
    top = sheet.shape[0] - gap - height
    for number, image in enumerate(expected):
        left = gap + number * (width + gap)
        cell = sheet[top : top + height, left : left + width]
        assert np.array_equal(cell, image.repeat(3, axis=0).repeat(3, axis=1))


def test_every_column_has_a_label(evaluation_project: EvaluationProject) -> None:
    prepared, pose = ImageStore(Path("data/prepared.zip")), ImageStore(Path("data/pose.zip"))
    label = "A method with a name wider than its column"
    test = evaluation_project.test
    sheet = qualitative(test, prepared, pose, [(label, lambda pair: picture(pair[0]))], 1)
    above = sheet[: sheet.shape[0] - 64 * 3 - 6]
    for left in range(6, sheet.shape[1] - 6, 48 * 3 + 6):
        assert above[:, left : left + 48 * 3].min() < 128
    assert above[:, -6:].min() == 255


def test_images_in_another_size_are_stretched_to_the_data_sets(evaluation_project: EvaluationProject) -> None:
    images = {
        name: encode_png(image.repeat(2, axis=0)) for name, image in evaluation_project.generated().items()
    }
    write_folder(RESULTS / "pidm/images", images)
    cards = {"pidm": read_card(RESULTS / "pidm/card.yaml")}
    [(label, image)] = open_columns(["pidm"], cards, RESULTS, evaluation_project.data)
    assert (label, image(evaluation_project.pairs[0]).shape) == ("PIDM", (64, 48, 3))


def test_stale_results_are_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results(info={"pairs_sha256": "other", "model": "m"})
    cards = {"dnaf": read_card(RESULTS / "dnaf/card.yaml")}
    with pytest.raises(StateError, match="generated for another list"):
        open_columns(["dnaf"], cards, RESULTS, evaluation_project.data)
