from pathlib import Path

import numpy as np
import pytest

from dnaf.core import files
from dnaf.core.errors import StateError
from dnaf.core.seals import write_sealed
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import write_keypoints
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.report.board import Board, compare
from dnaf.report.scores import Scores
from dnaf.report.tables.strata import Partition, read_partitions, stratify, to_table
from tests.helpers.scored_methods import array, present

FRONT, SIDE, BACK = (Stem(f"fashionWOMENDressesid0000000101_{view}") for view in ("1front", "2side", "3back"))
OTHER = Stem("fashionWOMENDressesid0000000201_1front")
PAIRS: list[Pair] = [(FRONT, SIDE), (SIDE, FRONT), (FRONT, BACK), (BACK, FRONT), (BACK, OTHER), (FRONT, SIDE)]
OUTFITS = ["a", "a", "b", "b", "c", "c"]
TEST = TestPairs(PAIRS, OUTFITS, "")
NUM_VISIBLE = {FRONT: 18, SIDE: 9, BACK: 8, OTHER: 14}


def partitions(root: Path, format_name: str = "deepfashion", train: str = "id0000000102") -> list[Partition]:
    """As `split` leaves them, with one training image: of the first item in another colour."""
    points = np.full((4, 18, 2), np.nan)
    for row, number in enumerate(NUM_VISIBLE.values()):
        points[row, :number] = 10.0
    root.mkdir(exist_ok=True)
    write_keypoints(root / "keypoints.csv", list(NUM_VISIBLE), points)
    write_sealed(root / "train_images.csv", f"stem\nfashionWOMENDresses{train}_1front\n")
    files.write_manifest(root)
    return read_partitions(root, TEST, format_name)


def strata_of(partition: Partition) -> list[str]:
    return [partition.names[index] for index in partition.of_pair]


def board(values: Scores, **changes: object) -> Board:
    numbers = {key: float(np.mean(scores)) for key, scores in values.items()}
    rows = [present("dnaf", numbers | {"fid": 3.0}, **changes), present("gfla", numbers, **changes)]
    return compare("cfld", rows, {"dnaf": values, "gfla": values}, OUTFITS)


def test_pairs_are_sorted_by_views_joints_and_items(tmp_path: Path) -> None:
    joints, items, views = partitions(tmp_path)
    assert (joints.label, items.label, views.label) == ("Visible joints", "Item", "View change")
    assert strata_of(views) == [
        "front → side",
        "side → front",
        "front → back",
        "back → front",
        "back → front",
        "front → side",
    ]
    assert strata_of(joints) == [
        "50 to 75 %",
        "75 % and more",
        "under 50 %",
        "75 % and more",
        "75 % and more",
        "50 to 75 %",
    ]
    assert joints.names == ["under 50 %", "50 to 75 %", "75 % and more"]
    assert strata_of(items) == ["in training too"] * 4 + ["never in training", "in training too"]


def test_names_of_a_custom_data_set_say_nothing(tmp_path: Path) -> None:
    assert [partition.label for partition in partitions(tmp_path, "custom")] == ["Visible joints"]


def test_a_target_without_keypoints_is_named(tmp_path: Path) -> None:
    partitions(tmp_path)
    write_keypoints(tmp_path / "keypoints.csv", [FRONT], np.ones((1, 18, 2)))
    with pytest.raises(StateError, match=f"keypoints.csv: {SIDE} is missing. Run split again"):
        read_partitions(tmp_path, TEST, "deepfashion")


def test_each_stratum_has_the_mean_of_its_own_pairs(tmp_path: Path) -> None:
    values = {"l1": array(1, 2, 3, 4, 5, 6)}
    strata = {
        (stratum.label, stratum.name): stratum
        for stratum in stratify(board(values), partitions(tmp_path), OUTFITS)
    }
    means = {key: stratum.values["gfla"]["l1"].mean for key, stratum in strata.items()}
    assert means == {
        ("View change", "back → front"): 4.5,
        ("View change", "front → back"): 3,
        ("View change", "front → side"): 3.5,
        ("View change", "side → front"): 2,
        ("Visible joints", "under 50 %"): 3,
        ("Visible joints", "50 to 75 %"): 3.5,
        ("Visible joints", "75 % and more"): pytest.approx(11 / 3),
        ("Item", "never in training"): 5,
        ("Item", "in training too"): pytest.approx(16 / 5),
    }
    turned = strata["View change", "front → side"]
    assert (turned.num_pairs, turned.num_outfits) == (2, 2)
    value = turned.values["dnaf"]["l1"]
    assert (value.low, value.high) == (1, 6)  # of two outfits, each may be drawn twice
    single = strata["Item", "never in training"].values["dnaf"]["l1"]
    assert (single.low, single.high) == (5, 5)


def test_joints_are_counted_over_the_stratum_and_sets_have_no_strata(tmp_path: Path) -> None:
    values = {
        "l1": array(1, 1, 1, 1, 1, 1),
        "pckh_correct": array(1, 9, 2, 9, 9, 3),
        "pckh_valid": array(2, 18, 4, 18, 18, 8),
    }
    shown = board(values)
    shown.rows[0].numbers["pckh"] = 0.5
    shown = compare("cfld", shown.rows, shown.scores, OUTFITS)
    [first, *_] = stratify(shown, partitions(tmp_path), OUTFITS)
    assert first.name == "under 50 %"
    assert {key: value.mean for key, value in first.values["dnaf"].items()} == {"l1": 1, "pckh": 0.5}


def test_without_resamplings_there_are_no_intervals(tmp_path: Path) -> None:
    shown = board({"l1": array(1, 2, 3, 4, 5, 6)}, bootstrap={"num_resamplings": 0, "seed": 0})
    [stratum, *_] = stratify(shown, partitions(tmp_path), OUTFITS)
    assert stratum.values["dnaf"]["l1"].low is None
    table = to_table([shown], partitions(tmp_path), OUTFITS)
    assert list(table.columns) == [
        "protocol",
        "partition",
        "stratum",
        "num_pairs",
        "num_outfits",
        "method",
        "l1",
    ]
    assert len(table) == 9 * 2


def test_the_pairs_of_a_partition_are_all_pairs(tmp_path: Path) -> None:
    strata = stratify(board({"l1": array(1, 2, 3, 4, 5, 6)}), partitions(tmp_path), OUTFITS)
    for label in {stratum.label for stratum in strata}:
        chosen = [stratum for stratum in strata if stratum.label == label]
        assert sum(stratum.num_pairs for stratum in chosen) == len(PAIRS)
        total = sum(stratum.values["dnaf"]["l1"].mean * stratum.num_pairs for stratum in chosen)
        assert total == pytest.approx(21)
