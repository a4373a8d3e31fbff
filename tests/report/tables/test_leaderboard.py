import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.evaluate.submissions.method_card import Card, read_card
from dnaf.report.board import Board, compare
from dnaf.report.methods import MethodMetrics
from dnaf.report.scores import Scores
from dnaf.report.tables.latex import to_latex
from dnaf.report.tables.leaderboard import to_markdown, to_table
from dnaf.report.words import AS_PUBLISHED
from tests.helpers.evaluation_project import ROOT
from tests.helpers.scored_methods import CARDS, OUTFITS, UNPUBLISHED, absent, array, present, with_interval

SSIM: dict[str, Scores] = {
    "dnaf": {"ssim_gaussian": array(0.4, 0.5, 0.6, 0.4, 0.5, 0.6)},
    "gfla": {"ssim_gaussian": array(0.5, 0.5, 0.4, 0.5, 0.5, 0.3)},
    "copy_source": {"ssim_gaussian": array(0.3, 0.4, 0.5, 0.3, 0.4, 0.5)},
    "ground_truth": {"ssim_gaussian": array(1, 1, 1, 1, 1, 1)},
    "reconstruction": {"ssim_gaussian": array(0.9, 0.9, 0.9, 0.9, 0.9, 0.9)},
}


def row(method: str, fid: float, name: str = "cfld", **changes: Any) -> MethodMetrics:
    values = {
        **with_interval("fd_efficientnet", fid, 0.25),
        **with_interval("fid_random", fid, 0.25),
        **with_interval("ssim_gaussian", float(np.mean(SSIM[method]["ssim_gaussian"])), 0.01),
    }
    return present(method, values, name, **changes)


def board(name: str = "cfld", **changes: Any) -> Board:
    """Two methods, a trivial baseline, and a method without results."""
    rows = [row("dnaf", 3, name, **changes), row("gfla", 5, name, **changes)]
    rows += [row("copy_source", 1, name, **changes), absent("pidm", name)]
    rows[0].numbers["wrong_source_increase"] = 0.25
    return compare(name, rows, SSIM, OUTFITS)


def table_of(text: str) -> dict[str, list[str]]:
    """By its first cell, each row of the table in sight, without the folded one behind it."""
    measured = text.split(f"## {AS_PUBLISHED}")[0].partition("<details>")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in measured.splitlines()
        if line[:1] == "|"
    ]
    return {row[0]: row[1:] for row in cells}


def test_best_values_are_bold_unless_a_trivial_baseline_is_better_and_noise_is_marked() -> None:
    rows = table_of(to_markdown([board()], CARDS))
    assert rows["Method"] == ["FD-EfficientNet ↓", "SSIM (gaussian) ↑", "L1 with the wrong source"]
    assert rows["DNAF (ICME 2024)"] == ["3.00 [2.75, 3.25]", "**0.5000** [0.4900, 0.5100]", "+25 %"]
    gfla = rows["[GFLA](https://github.com/RenYurui/Global-Flow-Local-Attention) (CVPR 2020)"]
    assert gfla == ["5.00 [4.75, 5.25]", "0.4500≈ [0.4400, 0.4600]", ""]
    assert rows["Copy source"] == ["1.00† [0.75, 1.25]", "0.4000 [0.3900, 0.4100]", ""]


def test_metrics_of_random_networks_are_folded_below_the_table() -> None:
    above, folded, notes = re.split("</?details>", to_markdown([board()], CARDS))
    assert "random network" not in above
    assert folded.startswith("\n<summary>Random networks</summary>\n\n| Method | FID (random network) ↓ |\n")
    assert "| Copy source | 1.00† [0.75, 1.25] |" in folded
    assert "not supplied" not in folded
    assert "**Random network**" in notes
    trained = present("dnaf", {"fid": 3.0})
    assert "<details>" not in to_markdown([compare("cfld", [trained], {"dnaf": {}}, ["a"])], CARDS)


def test_a_method_without_results_is_listed_as_not_supplied() -> None:
    text = to_markdown([board()], CARDS)
    assert table_of(text)["[PIDM](https://github.com/ankanbhunia/PIDM) (CVPR 2023)"] == [
        "not supplied",
        "",
        "",
    ]
    assert "**Not supplied**: `data/results/pidm`." in text


def test_every_protocol_has_its_section_and_notes_stand_once_at_the_end() -> None:
    text = to_markdown([board("cfld"), board("gfla", image_size="256x256")], CARDS)
    sections = text.split("\n## ")
    assert [section.splitlines()[0] for section in sections] == [
        "# Leaderboard",
        "Protocol `cfld`",
        "Protocol `gfla`",
        AS_PUBLISHED,
        "Notes",
    ]
    assert (
        "The test script of cfld. 6 test pairs, all scored, at 64x48 pixels (height x width)." in sections[1]
    )
    assert "The test script of gfla. 6 test pairs, all scored, at 256x256 pixels" in sections[2]
    for note in (
        "**Bold**",
        "**≈**",
        "**†**",
        "**Random network**",
        "**FD-EfficientNet**",
        "**Not supplied**",
    ):
        assert note in sections[4]
        assert text.count(note) == 1


def test_real_set_weights_and_resamplings_are_stated() -> None:
    text = to_markdown([board()], CARDS)
    assert "FID against 500 of 48,674 images: training images." in text
    assert "Weights: `inception` random, seed 0, `alexnet` sha256 7be5be79." in text
    assert "95 % bootstrap over outfits, 200 resamplings." in text
    whole = {"description": "training images", "count": 48674, "of": 48674, "sha256": "def"}
    assert "FID against 48,674 images: training images." in to_markdown([board(real_set=whole)], CARDS)


def test_a_data_set_of_persons_is_not_said_to_have_outfits() -> None:
    persons = {"unit": "person", "interval": "95 % bootstrap over persons"}
    text = to_markdown([board(**persons)], CARDS)
    assert "95 % bootstrap over persons" in text
    assert "paired bootstrap over persons" in text
    assert "outfit" not in text


def test_a_protocol_without_networks_states_none() -> None:
    rows = [present("dnaf", {"l1": 0.5}, real_set=None, weights={}, fid_rank_deficient=False)]
    text = to_markdown([compare("cfld", rows, {"dnaf": {"l1": array(0.5)}}, ["a"])], UNPUBLISHED)
    assert "FID" not in text
    assert "Weights" not in text
    assert "network" not in text


def test_images_that_a_protocols_scripts_drop_are_counted_in_its_section() -> None:
    cfld, gfla = board("cfld"), board("gfla", dropped={"fid": 58, "lpips": 1058})
    sections = to_markdown([cfld, gfla], CARDS).split("\n## ")
    sentence = "Number of images that this protocol's scripts drop: 58 of FID, 1,058 of LPIPS."
    assert sentence in sections[2]
    assert "6 test pairs, at 64x48" in sections[2]
    assert "drop" not in sections[1] + sections[3]


def test_results_that_came_as_jpeg_are_named() -> None:
    assert "JPEG" not in to_markdown([board()], CARDS)
    rows = [row("dnaf", 3), row("gfla", 5, results={"file_type": "jpg"})]
    boards = [compare("cfld", rows, SSIM, OUTFITS)] * 2
    assert "**JPEG**: results of GFLA are JPEG files." in to_markdown(boards, CARDS)


def test_a_ceiling_is_shown_as_such_and_never_bold() -> None:
    rows = [row("dnaf", 3), row("ground_truth", 1), row("reconstruction", 2)]
    shown = compare("cfld", rows, SSIM, OUTFITS)
    text = to_markdown([shown], CARDS)
    table = table_of(text)
    assert table["Ground truth (ceiling)"] == ["1.00 [0.75, 1.25]", "1.0000 [0.9900, 1.0100]"]
    assert table["DNAF (ICME 2024)"][0] == "**3.00** [2.75, 3.25]"
    assert "**Ceiling**: Ground truth and Reconstruction, no method" in text
    assert "**Ceiling**" not in to_markdown([board()], CARDS)
    latex = to_latex([shown], CARDS)
    assert (
        latex.index("DNAF (") < latex.index(r"\midrule", latex.index("DNAF (")) < latex.index("Ground truth")
    )


def test_images_that_may_equal_what_they_equal_are_counted() -> None:
    none = {"file_type": "png", "num_equal_to_truth": 0, "num_equal_to_others": 0}
    some = {"file_type": "png", "num_equal_to_truth": 2, "num_equal_to_others": 1}
    rows = [row("dnaf", 3, results=none), row("gfla", 5, results=some)]
    assert "Equal images" not in to_markdown([compare("cfld", rows[:1], SSIM, OUTFITS)], CARDS)
    text = to_markdown([compare("cfld", rows, SSIM, OUTFITS)] * 2, CARDS)
    assert "Number of images of either kind: GFLA 2 and 1. They" in text


def test_metrics_without_scores_of_pairs_are_named_beside_the_mark() -> None:
    assert "FID (random network), FD-EfficientNet: these have no scores of single pairs" in to_markdown(
        [board()], CARDS
    )
    rows = [present("dnaf", {"l1": 0.5})]
    text = to_markdown([compare("cfld", rows, {"dnaf": {"l1": array(0.5)}}, ["a"])], CARDS)
    assert "**≈**" in text
    assert "scores of single pairs" not in text


def test_without_resamplings_the_table_says_that_noise_is_not_known() -> None:
    none = {"num_resamplings": 0, "seed": 0}
    text = to_markdown([board(bootstrap=none)], CARDS)
    assert "No resamplings: which differences are noise is not known." in text
    assert "≈" not in text
    assert "In brackets" not in text


def test_few_images_for_fid_and_random_networks_are_stated_only_where_they_are() -> None:
    text = to_markdown([board("cfld"), board("pytorch_fid", fid_rank_deficient=False)], CARDS)
    assert "FID under `cfld` uses fewer images than its network has features" in text
    trained = present("dnaf", {"fid": 3.0}, fid_rank_deficient=False)
    text = to_markdown([compare("cfld", [trained], {"dnaf": {}}, ["a"])], CARDS)
    assert "Random network" not in text
    assert "fewer images" not in text


def test_columns_stand_in_their_order_and_only_where_a_method_has_a_value() -> None:
    keys = (
        "mae",
        "l1",
        "lpips_vgg_random",
        "kid",
        "lpips",
        "fid",
        "pckh",
        "fd_dinov2",
        "ssim",
        "fd_efficientnet",
    )
    rows = [present("dnaf", dict.fromkeys(keys, 0.5)), present("gfla", {"psnr": 20.0}), absent("pidm")]
    header = table_of(to_markdown([compare("cfld", rows, {"dnaf": {}, "gfla": {}}, OUTFITS)], CARDS))[
        "Method"
    ]
    assert header == [
        "FID ↓",
        "KID ↓",
        "FD-EfficientNet ↓",
        "FD-DINOv2 ↓",
        "LPIPS ↓",
        "SSIM (window 51) ↑",
        "PSNR, dB ↑",
        "L1 ↓",
        "MAE ↓",
        "PCKh ↑",
    ]


def test_a_table_of_absent_methods_alone_can_be_written() -> None:
    alone = compare("cfld", [absent("pidm")], {}, OUTFITS)
    text = to_markdown([alone], CARDS)
    assert "No method has results; 6 pairs are to be scored." in text
    assert list(table_of(text).values())[-1] == ["not supplied"]
    assert to_table([alone], CARDS).to_csv(index=False) == "protocol,method,name\n"


def test_csv_holds_a_row_for_every_protocol_and_present_method() -> None:
    table = to_table([board("cfld"), board("gfla")], CARDS)
    assert table.columns[:3].tolist() == ["protocol", "method", "name"]
    assert table["protocol"].tolist() == ["cfld"] * 3 + ["gfla"] * 3
    assert table["method"].tolist() == ["dnaf", "gfla", "copy_source"] * 2
    assert table["name"].tolist()[2:4] == ["copy_source (cfld)", "dnaf (gfla)"]
    assert to_table([board("cfld")], CARDS)["name"].tolist() == ["dnaf", "gfla", "copy_source"]
    assert table["fid_random"].tolist() == [3.0, 5.0, 1.0] * 2
    assert table["wrong_source_increase"].isna().tolist() == [False, True, True] * 2


@pytest.mark.parametrize("path", sorted(ROOT.glob("data/results/*/card.yaml")), ids=lambda p: p.parent.name)
def test_every_card_of_the_project_is_complete(path: Path) -> None:
    card: Card = read_card(path)
    assert card.title
    assert card.panels is None or max(card.panels.ground_truth, card.panels.generated) < card.panels.count


PUBLISHED = (
    "title: A\npaper: null\nrepository: null\nnaming: null\npanels: null\n"
    "published: [{dataset: deepfashion, size: 256x176, protocol: cfld, source: x, values: {fid: 6.8}}]"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title: A", "paper: Field required"),
        ("[", "not valid YAML"),
        ("title: 3\npaper: null\nrepository: null\nnaming: null\npanels: null", "title: .*found 3"),
        ("title: A\npaper: null\nrepository: null\nnaming: null\npanels: null\nurl: x", "url: Extra"),
        (PUBLISHED.replace("256x176", "256x"), r"published\.0\.size: String should match"),
        (
            PUBLISHED.replace("fid: 6.8", "fiid: 6.8"),
            r"published\.0\.values\.fiid.*: Value error, expected one of fid, lp",
        ),
        (PUBLISHED.replace("6.8", "none"), r"published\.0\.values\.fid: Input should be a valid number"),
        (PUBLISHED.replace("6.8", "-1"), r"published\.0\.values\.fid: Input should be greater"),
        (
            PUBLISHED.replace("source: x", "source: ''"),
            r"published\.0\.source: String should have at least 1",
        ),
        (PUBLISHED.replace("source: x, ", ""), r"published\.0\.source: Field required"),
        (PUBLISHED.replace("cfld", "cfdl"), r"published\.0\.protocol: Input should be 'gfla'"),
    ],
)
def test_a_malformed_card_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"card\.yaml: {message}"):
        read_card(path)
