import json
from pathlib import Path
from typing import Any

import pytest

from dnaf.errors import DataError, StateError
from dnaf.evaluate.inputs import absent
from dnaf.evaluate.protocol import NATIVE
from dnaf.report.card import Card, read_card
from dnaf.report.leaderboard import to_markdown, to_table
from dnaf.report.methods import read_comparable, summary
from tests.evaluation_project import ROOT

PROTOCOL = {
    "name": "native",
    "image_size": "64x48",
    "pairs_sha256": "abc",
    "real_set": {"count": 5, "sha256": "def"},
    "fid_real": NATIVE.fid_real,
    "interval": NATIVE.interval,
    "bootstrap": {"num_resamplings": 1000, "seed": 0},
    "fid_rank_deficient": True,
    "weights": {"inception": "random, seed 0", "alexnet": "random, seed 0"},
}
METHODS = ["dnaf", "copy_source", "pidm"]
CARDS = {method: read_card(ROOT / "data/results" / method / "card.yaml") for method in METHODS}


def numbers(fid: float, ssim: float) -> dict[str, Any]:
    return {
        "fid_random": fid,
        "ssim_gaussian": ssim,
        "ssim_gaussian_low": ssim - 0.01,
        "ssim_gaussian_high": ssim + 0.01,
        "num_pairs": 6,
        "num_expected": 6,
        "protocol": [PROTOCOL],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Metrics of two present methods and an absent one."""
    contents = {
        "dnaf": numbers(3.0, 0.5) | {"wrong_source_increase": 0.25},
        "copy_source": numbers(2.0, 0.4),
        "pidm": absent(6, NATIVE),
    }
    for method, content in contents.items():
        (tmp_path / f"{method}.json").write_text(json.dumps(content))
    return tmp_path


def markdown_rows(folder: Path) -> dict[str, list[str]]:
    lines = to_markdown(read_comparable(METHODS, folder), CARDS).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row[1:] for row in cells}


def test_best_values_are_bold_and_intervals_stand_beside_them(folder: Path) -> None:
    rows = markdown_rows(folder)
    assert rows["Method"] == ["FID (random network) ↓", "SSIM (gaussian) ↑", "L1 with the wrong source"]
    assert rows["DNAF (ICME 2024)"] == ["3.00", "**0.5000** [0.4900, 0.5100]", "+25 %"]
    assert rows["Copy source"] == ["**2.00**", "0.4000 [0.3900, 0.4100]", ""]


def test_a_method_without_results_is_listed_as_not_supplied(folder: Path) -> None:
    row = markdown_rows(folder)["[PIDM](https://github.com/ankanbhunia/PIDM) (CVPR 2023)"]
    assert row == ["not supplied", "", ""]


def test_protocol_and_random_networks_are_stated(folder: Path) -> None:
    text = to_markdown(read_comparable(METHODS, folder), CARDS)
    assert "Protocol `native`: 6 test pairs, all scored, at 64x48 pixels" in text
    assert "they cannot be compared with any published FID or LPIPS" in text
    real = PROTOCOL | {"fid_rank_deficient": False}
    for method in METHODS[:2]:
        content = numbers(3.0, 0.5) | {"protocol": [real]}
        content["fid"] = content.pop("fid_random")
        (folder / f"{method}.json").write_text(json.dumps(content))
    assert "Random network" not in to_markdown(read_comparable(METHODS, folder), CARDS)


def test_a_table_of_absent_methods_alone_can_be_written(folder: Path) -> None:
    rows = read_comparable(["pidm"], folder)
    assert "**Not supplied**: `data/results/pidm`" in to_markdown(rows, CARDS)
    assert to_table(rows).to_csv(index=False) == "method\n"


def test_csv_holds_present_methods_only(folder: Path) -> None:
    table = to_table(read_comparable(METHODS, folder))
    assert table["method"].tolist() == ["dnaf", "copy_source"]
    assert table["fid_random"].tolist() == [3.0, 2.0]


@pytest.mark.parametrize("key", ["pairs_sha256", "real_set", "weights", "image_size", "name"])
def test_methods_scored_in_different_ways_are_refused(folder: Path, key: str) -> None:
    content = numbers(2.0, 0.4) | {"protocol": [PROTOCOL | {key: "other"}]}
    (folder / "copy_source.json").write_text(json.dumps(content))
    with pytest.raises(StateError, match=rf"copy_source\.json: not comparable with dnaf \({key}"):
        read_comparable(METHODS, folder)


def test_missing_metrics_are_refused(folder: Path) -> None:
    with pytest.raises(StateError, match=r"gfla\.json: missing"):
        read_comparable([*METHODS, "gfla"], folder)


def test_summary_holds_the_numbers_of_the_method(folder: Path) -> None:
    expected = {name: value for name, value in numbers(2.0, 0.4).items() if name != "protocol"}
    assert summary("copy_source", folder) == expected


def test_summary_of_an_absent_method_points_to_its_card(folder: Path) -> None:
    with pytest.raises(DataError, match=r"pidm has no results \(found 0 images, expected 6\).*card\.yaml"):
        summary("pidm", folder)


@pytest.mark.parametrize("path", sorted(ROOT.glob("data/results/*/card.yaml")), ids=lambda p: p.parent.name)
def test_every_card_of_the_project_is_complete(path: Path) -> None:
    card: Card = read_card(path)
    assert card.title
    assert card.panels is None or max(card.panels.ground_truth, card.panels.generated) < card.panels.count


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: A", "paper: Field required"),
        ("[", "not valid YAML"),
        ("title: 3\npaper: null\nrepository: null\nnaming: null\npanels: null", "title: .*found 3"),
        ("title: A\npaper: null\nrepository: null\nnaming: null\npanels: null\nurl: x", "url: Extra"),
    ],
)
def test_a_malformed_card_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"card\.yaml: {message}"):
        read_card(path)
