"""Published numbers: beside the measured ones, never among them."""

from typing import Any

import numpy as np
import pytest

from dnaf.evaluate.submissions.method_card import Card, Published
from dnaf.report.board import Board, compare
from dnaf.report.methods import MethodMetrics
from dnaf.report.published import differences, to_rows, values_of
from dnaf.report.tables.latex import to_latex
from dnaf.report.tables.leaderboard import to_markdown, to_record, to_table
from tests.helpers.scored_methods import CARDS, absent, block, with_interval

NUM_PAIRS = 8570  # DeepFashion's


def entry(**changes: Any) -> Published:
    made = {
        "dataset": "deepfashion",
        "size": "256x176",
        "source": "A paper, Table 1",
        "values": {"fid": 7.25, "lpips": 0.15},
    }
    return Published.model_validate(made | changes)


def card(*published: Published) -> Card:
    return CARDS["gfla"].model_copy(
        update={"title": "A", "paper": None, "repository": None, "published": list(published)}
    )


def board(name: str = "cfld", size: str = "256x176", num_pairs: int = NUM_PAIRS) -> Board:
    """Two methods with an FID and LPIPS, and one that is not supplied."""
    rows = []
    for method, fid in (("dnaf", 8.0), ("cfld", 7.0)):
        values = with_interval("fid", fid, 0.1) | {"lpips": 0.2}
        counts = {"num_pairs": num_pairs, "num_expected": num_pairs}
        rows.append(MethodMetrics(method, values | counts, block(name, image_size=size)))
    rows.append(absent("pidm", name))
    scores = {row.method: {"lpips": np.full(6, 0.2)} for row in rows[:2]}
    return compare(name, rows, scores, ["a"] * 6)


def cards(*published: Published) -> dict[str, Card]:
    return {method: card(*published) for method in ("cfld", "pidm")} | {"dnaf": card()}


def table_rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line[:3] == "| A"
    ]


def test_published_stands_beside_measured_and_instead_of_an_empty_row() -> None:
    ours, measured, missing = table_rows(to_markdown([board()], cards(entry())))[:3]
    assert ours[1:] == ["8.00 [7.90, 8.10]", "**0.2000**"]
    assert measured[1:] == ["**7.00** [6.90, 7.10] *7.25*", "**0.2000** *0.1500*"]
    assert missing[1:] == ["*7.25*", "*0.1500*"]


@pytest.mark.parametrize(
    ("size", "num_pairs"), [("512x352", NUM_PAIRS), ("256x176", 240)], ids=["size", "pairs"]
)
def test_numbers_of_another_size_or_data_set_are_not_put_beside_measured_ones(
    size: str, num_pairs: int
) -> None:
    other = board(size=size, num_pairs=num_pairs)
    assert values_of(card(entry()), other) == {}
    text = to_markdown([other], cards(entry()))
    assert "*7.25*" not in text
    assert table_rows(text)[2][1:] == ["not supplied", ""]
    assert text.count("A paper, Table 1") == 2  # in the table of published numbers


def test_a_published_number_that_beats_all_takes_no_bold_and_no_mark() -> None:
    best = entry(values={"fid": 0.001, "lpips": 0.0})
    with_it, without = (to_markdown([board()], cards(*some)) for some in ([best], []))
    for line, plain in zip(table_rows(with_it)[:3], table_rows(without)[:3], strict=True):
        for cell, expected in zip(line, plain, strict=True):
            assert cell.split(" *")[0] == expected or expected in ("not supplied", "")


def test_the_difference_is_measured_minus_published_under_the_papers_own_protocol() -> None:
    own, unknown = entry(protocol="cfld"), entry()
    boards = [board("gfla"), board("cfld")]
    assert differences(card(own), "cfld", boards, own) == pytest.approx({"fid": -0.25, "lpips": 0.05})
    assert differences(card(unknown), "cfld", boards, unknown) == {}
    assert differences(card(own), "pidm", boards, own) == {}
    assert differences(card(own), "cfld", [board("gfla")], own) == {}
    found = {row["Measured minus published"] for row in to_rows(boards, cards(own))}
    assert found == {"", "FID -0.25, LPIPS +0.05"}


def test_the_boards_own_protocol_comes_before_the_order_of_the_card() -> None:
    others, own = entry(values={"fid": 9.36, "psnr": 18.0}), entry(protocol="cfld", values={"fid": 7.149})
    assert values_of(card(others, own), board("cfld")) == {"fid": 7.149, "psnr": 18.0}
    assert values_of(card(others, own), board("gfla")) == {"fid": 9.36, "psnr": 18.0}


def test_every_form_of_the_table_has_the_published_numbers_apart() -> None:
    table = to_table([board()], cards(entry()))
    assert table["published_fid"].tolist()[1:] == [7.25]
    assert table["fid"].tolist() == [8.0, 7.0]
    record = to_record([board()], cards(entry()))["cfld"]["pidm"]
    assert record["published"] == [
        {
            "dataset": "deepfashion",
            "size": "256x176",
            "source": "A paper, Table 1",
            "values": {"fid": 7.25, "lpips": 0.15},
        }
    ]
    text = to_latex([board()], cards(entry()))
    assert text.count(r"\begin{table*}") == 2
    assert r"A & deepfashion & 256x176 & 7.25 & 0.15 & A paper, Table 1 \\" in text


def test_the_same_images_of_cfld_have_another_fid_in_each_paper() -> None:
    values = [entry.values["fid"] for entry in CARDS["cfld"].published if entry.size == "512x352"]
    assert values == [7.149, 7.11, 9.36, 7.14]


def test_every_published_number_of_the_project_names_its_source() -> None:
    entries = [entry for card in CARDS.values() for entry in card.published]
    assert len(entries) > 30
    assert all(len(entry.source) > 5 for entry in entries)
