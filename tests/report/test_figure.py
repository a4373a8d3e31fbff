import numpy as np
import pytest
from matplotlib.figure import Figure

from dnaf.core.images import Pixels, decode
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.report.figure import draw, of_paper, spread, to_pdf, to_png
from dnaf.report.panels import Panel
from tests.helpers.evaluation_project import random_image


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


def panel(label: str, method: str | None = None) -> Panel:
    """A panel that shows coarse images of its own."""
    return Panel(label, method, lambda pair: random_image(f"{label} of {pair}"))


def pixels(figure: Figure) -> Pixels:
    return decode(to_png(figure), "figure")


def test_each_row_shows_the_panels_pixels_enlarged() -> None:
    panels, pairs = [panel(f"A {number}") for number in range(12)], [("a", "b"), ("c", "d")]
    panels[0] = panel("Unpronounceable")
    sheet = pixels(draw(panels, pairs))
    height, width, gap = 64 * 3, 48 * 3, 6
    assert sheet.shape[1] == gap + 12 * (width + gap)
    top = sheet.shape[0] - 2 * (height + gap)
    for row, pair in enumerate(pairs):
        for column, shown in enumerate(panels):
            y, x = top + row * (height + gap), gap + column * (width + gap)
            expected = shown.image(pair).repeat(3, axis=0).repeat(3, axis=1)
            assert np.array_equal(sheet[y : y + height, x : x + width], expected)


def test_short_words_leave_room_for_two_blocks_of_which_the_left_one_is_filled_first() -> None:
    panels, pairs = (
        [panel("Pose"), panel("DNAF without sharing", "dnaf")],
        [("a", "b"), ("c", "d"), ("e", "f")],
    )
    sheet = pixels(draw(panels, pairs))
    height, width, gap = 64 * 3, 48 * 3, 6
    assert sheet.shape[1] == gap + 4 * (width + gap) + 18
    top = sheet.shape[0] - 2 * (height + gap)
    for number, pair in enumerate(pairs):
        block, row = divmod(number, 2)
        y, x = top + row * (height + gap), gap + 2 * block * (width + gap) + 18 * block
        expected = panels[0].image(pair).repeat(3, axis=0).repeat(3, axis=1)
        assert np.array_equal(sheet[y : y + height, x : x + width], expected)
    assert sheet[top + height :, gap + 2 * (width + gap) + 18 :].min() == 255


def test_the_papers_eleven_columns_stand_in_two_blocks_as_there() -> None:
    labels = ("Pose", "Source", "Target", "ADGAN", "PISE", "GFLA", "DPTN", "CASD", "NTED", "PIDM", "DNAF")
    figure = draw([panel(label) for label in labels], [("a", "b"), ("c", "d")])
    assert [text.get_text() for text in figure.texts] == [*labels, *labels]
    assert figure.get_size_inches()[0] == pytest.approx(7.16, abs=0.01)
    assert {text.get_fontsize() >= 6 for text in figure.texts} == {True}


@pytest.mark.parametrize(
    "label", ["A method with a name wider than its $column$", "unpronounceable_and_long"]
)
def test_every_column_has_a_readable_label_no_wider_than_itself(label: str) -> None:
    figure = draw([panel("Pose"), panel(label), panel(label)], [("a", "b")])
    assert {text.get_fontsize() for text in figure.texts} == {6}
    assert "".join(figure.texts[1].get_text().split()) == label.replace(" ", "")
    sheet = pixels(figure)
    above = sheet[: sheet.shape[0] - 64 * 3 - 6]
    assert above[[0, -1]].min() == 255
    for left in range(6, sheet.shape[1] - 6, 48 * 3 + 6):
        assert above[:, left : left + 48 * 3].min() < 128
        assert above[:, left - 6 : left].min() == 255


def test_ours_stands_at_the_right_end_and_the_mean_image_nowhere() -> None:
    panels = [panel("Source", "copy_source"), *(panel(name, name) for name in ("dnaf", "mean_image", "pidm"))]
    assert [shown.label for shown in of_paper(panels)] == ["Source", "pidm", "dnaf"]


@pytest.mark.parametrize(("num_panels", "width"), [(2, 2 * 7.16 / 11), (11, 7.16), (14, 7.16)])
def test_in_print_the_figure_fits_a_page_and_its_text_has_eight_points(num_panels: int, width: float) -> None:
    figure = draw([panel("GFLA")] * num_panels, [("a", "b")])
    assert figure.get_size_inches()[0] == pytest.approx(width, abs=0.05)
    assert {text.get_fontsize() for text in figure.texts} == {8}
    assert figure.dpi >= 200


def test_the_pdf_has_text_and_the_images_own_pixels_and_is_the_same_each_time() -> None:
    first, second = (to_pdf(draw([panel("Pose"), panel("Source")], [("a", "b")])) for _ in range(2))
    assert first == second
    assert b"/Subtype /Type3" not in first
    assert first.count(b"/Width 48") == 2


def test_a_caption_stands_below_the_rows_and_changes_nothing_above() -> None:
    panels, pairs = [panel("Pose"), panel("Source")], [("a", "b")]
    plain, captioned = (
        pixels(draw(panels, pairs, text)) for text in ("", "A caption that needs more than one line here.")
    )
    height = plain.shape[0]
    assert np.array_equal(captioned[: height - 6], plain[: height - 6])
    assert captioned.shape[1] == plain.shape[1]
    assert captioned[height:].min() < 128
    assert captioned[[-1]].min() == 255
    assert captioned[:, [0, -1]].min() == 255
