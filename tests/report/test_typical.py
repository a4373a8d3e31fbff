import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnaf.evaluate.submissions.find import TestPairs
from dnaf.report.board import Board, compare
from dnaf.report.figure import spread
from dnaf.report.typical import choose_scores, order, typical_pairs
from tests.helpers.scored_methods import CARDS, OUTFITS, absent, array, present

PAIRS = [(f"{outfit}_{number}", f"{outfit}_target") for number, outfit in enumerate(OUTFITS)]
TEST = TestPairs(PAIRS, OUTFITS, "")
SSIM = array(0.1, 0.5, 0.6, 0.52, 0.9, 0.54)  # outfits a a b b c c, median 0.53


def board(**keys: str) -> Board:
    """Methods with the same scores of each pair in one metric."""
    rows = [present(method, {key: 0.5}) for method, key in keys.items()]
    return compare("cfld", rows, {method: {key: SSIM} for method, key in keys.items()}, OUTFITS)


def test_the_pairs_nearest_the_median_come_first_and_each_outfit_once_before_any_twice() -> None:
    assert order(SSIM, list("abcdef")) == [3, 5, 1, 2, 4, 0]
    assert order(SSIM, OUTFITS) == [3, 5, 1, 2, 4, 0]  # b c a, then b c a
    assert order(SSIM, ["x"] * 5 + ["y"]) == [3, 5, 1, 2, 4, 0]
    assert order(array(0.5, 0.5, 0.5, 0.9), ["a", "a", "b", "c"]) == [0, 2, 3, 1]


def test_equal_scores_keep_the_order_of_the_list() -> None:
    assert order(np.full(5, 0.5), list("abcde")) == [0, 1, 2, 3, 4]


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abc")), min_size=1))
def test_every_pair_comes_once_and_the_first_is_as_near_the_median_as_any(
    pairs: list[tuple[float, str]],
) -> None:
    scores = np.array([score for score, _ in pairs])
    found = order(scores, [outfit for _, outfit in pairs])
    assert sorted(found) == list(range(len(pairs)))
    distances = np.abs(scores - np.median(scores))
    assert distances[found[0]] == distances.min()


def test_the_rule_is_said_with_the_pairs() -> None:
    pairs, caption = typical_pairs(board(dnaf="ssim_gaussian"), TEST, CARDS, 2)
    assert pairs == [PAIRS[3], PAIRS[5]]
    assert caption == (
        "The 2 test pairs whose SSIM (gaussian) of DNAF is nearest the median, different outfits first."
    )


def test_neither_a_trivial_baseline_nor_a_random_network_chooses_where_there_is_another() -> None:
    chosen = choose_scores(board(copy_source="l1", dnaf="l1"))
    assert chosen is not None
    assert (chosen[0], chosen[1].key) == ("dnaf", "l1")
    assert choose_scores(board(dnaf="lpips_random")) is None
    trivial = choose_scores(board(dnaf="lpips_random", copy_source="l1"))
    assert trivial is not None
    assert trivial[0] == "copy_source"


def test_without_scores_pairs_are_spread_over_the_list() -> None:
    nothing = compare("cfld", [absent("pidm")], {}, OUTFITS)
    pairs, caption = typical_pairs(nothing, TEST, CARDS, 3)
    assert pairs == spread(TEST, 3)
    assert "spread over the test list" in caption
