import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.data.formats.names import stem
from dnaf.data.pairs.pairs import pair_id, read_pair_list
from dnaf.evaluate.submissions.result_names import ResultNames
from tests.helpers.raw_folder import SHARED_DATA

SOURCE = "fashionWOMENTees_Tanksid0000508545_1front"
TARGET = "fashionWOMENTees_Tanksid0000508545_2side"
PAIR = (SOURCE, TARGET)
MARKET = ("0265_c2s1_056351_01", "0265_c3s1_062642_05")

# Every form in which a repository names its results.
FORMS = (
    "{}_2_{}.png",
    "{}_2_{}_vis.jpg",
    "{}_2_{}_vis.png",
    "{}.jpg___{}.jpg_vis.jpg",
    "{}_to_{}.png",
    "{}_to_{}.jpg",
    "{}_{}_vis.jpg",
    "{}.jpg_2_{}.jpg_vis.jpg",
    "{}_2_{}_vis.JPG",
    "{}_2_{}.jpeg",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prefix", ["", "deep"])
def test_every_form_gives_its_pair(form: str, prefix: str) -> None:
    names = ResultNames("deepfashion", [PAIR, PAIR[::-1]])
    assert names.pair_of(form.format(prefix + SOURCE, prefix + TARGET)) == PAIR
    assert names.pair_of(form.format(TARGET, SOURCE)) == PAIR[::-1]


def test_names_of_fpdm_without_prefix_and_with_id_apart_give_their_pair() -> None:
    names = ResultNames("deepfashion", [PAIR, PAIR[::-1]])
    source, target = "WOMENTees_Tanksid_0000508545_1_front", "WOMENTees_Tanksid_0000508545_2_side"
    assert names.pair_of(f"{source}.jpg_2_{target}.jpg.png") == PAIR
    assert names.pair_of(f"{target}.jpg_2_{source}.jpg_vis.png") == PAIR[::-1]


def test_paths_with_underscores_for_slashes_give_their_pair() -> None:
    names = ResultNames("deepfashion", [PAIR, PAIR[::-1]])
    source, target = "WOMEN_Tees_Tanks_id_00005085_45_1_front", "WOMEN_Tees_Tanks_id_00005085_45_2_side"
    assert names.pair_of(f"{source}_to_{target}.png") == PAIR
    assert names.pair_of(f"{target}_2_{source}.png") == PAIR[::-1]


@pytest.mark.parametrize("score", ["0.71234", "-0.0512", "1.0", "9.5e-05"])
@pytest.mark.parametrize(("form", "pair"), [("deepfashion", PAIR), ("market1501", MARKET)])
def test_a_score_in_front_is_no_part_of_the_name(score: str, form: str, pair: tuple[str, str]) -> None:
    assert ResultNames(form, [pair]).pair_of(f"{score}_{pair[0]}_to_{pair[1]}.png") == pair


def test_numbered_files_are_the_pairs_in_their_order() -> None:
    """As DiOr's, whose save_batch adds one to the count before it names an image."""
    names = ResultNames("deepfashion", [PAIR, PAIR[::-1]], "generated_<position>.jpg")
    assert [names.pair_of(f"generated_{number}.jpg") for number in (1, 2)] == [PAIR, PAIR[::-1]]
    assert names.pair_of("generated_2.png") == PAIR[::-1]
    for other in (
        "generated_0.jpg",
        "generated_3.jpg",
        "generated_.jpg",
        "xgenerated_1.jpg",
        "generated_1.gif",
    ):
        assert names.pair_of(other) is None
    assert names.pair_of(f"{SOURCE}_2_{TARGET}.png") is None


def test_names_of_pose_gan_without_underscores_in_categories_give_their_pair() -> None:
    names = ResultNames("deepfashion", [PAIR])
    old = [text.replace("fashion", "fasion").replace("Tees_Tanks", "TeesTanks") for text in PAIR]
    assert names.pair_of(f"{old[0]}.jpg___{old[1]}.jpg_vis.jpg") == PAIR


def test_a_literal_name_of_market_gives_its_pair() -> None:
    # XingGAN issue 5
    pair = ("1322_c3s3_035678_02", "1322_c4s5_061435_01")
    names = ResultNames("market1501", [pair])
    assert names.pair_of("1322_c3s3_035678_02.jpg___1322_c4s5_061435_01.jpg_vis.jpg") == pair


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_its_pair_of_market(form: str) -> None:
    names = ResultNames("market1501", [MARKET, MARKET[::-1]])
    assert names.pair_of(form.format(*MARKET)) == MARKET


@pytest.mark.parametrize(
    "name",
    [
        f"{SOURCE}_2_{SOURCE}_vis.jpg",  # no pair of the list
        f"{SOURCE}.jpg",  # a ground truth
        f"{SOURCE}_2_{TARGET}.txt",
        f"x{SOURCE}_2_{TARGET}.png",
        f"{SOURCE}_2_{TARGET}.png.png.png",
        "WOMEN-Tees_Tanks-id_00005085-45_1_front_2_x.jpg",
        "",
    ],
)
def test_other_names_give_none(name: str) -> None:
    assert ResultNames("deepfashion", [PAIR]).pair_of(name) is None


@given(st.text(max_size=200))
def test_any_text_gives_a_pair_of_the_list_or_none(name: str) -> None:
    assert ResultNames("deepfashion", [PAIR]).pair_of(name) in (None, PAIR)


stems = st.text("ab_2-/", min_size=1, max_size=6).map(lambda text: f"p/{text}x")


def joined(pair: tuple[str, str]) -> str:
    return pair_id(*pair)


@given(st.lists(st.tuples(stems, stems), min_size=1, max_size=8, unique_by=joined))
def test_a_custom_data_set_gives_its_pairs_whatever_its_names(pairs: list[tuple[str, str]]) -> None:
    names = ResultNames("custom", pairs)
    for pair in pairs:
        assert names.pair_of(f"{pair_id(*pair)}.png") == pair


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the published lists are not here (../shared/data)")
@pytest.mark.parametrize("form", FORMS)
def test_all_8570_published_pairs_are_found_in_every_form(form: str) -> None:
    listed = read_pair_list(SHARED_DATA / "fasion-resize-pairs-test.csv", lambda name: name)
    pairs = [(stem(source), stem(target)) for source, target in listed]
    names = ResultNames("deepfashion", pairs)
    assert [names.pair_of(form.format(*pair)) for pair in pairs] == pairs
    assert len(pairs) == 8570


@pytest.mark.parametrize("form", FORMS)
def test_12000_pairs_of_market_are_found_in_every_form(form: str) -> None:
    stems = [
        f"{person:04d}_c{1 + shot % 6}s{1 + shot % 3}_{person * 31 + shot:06d}_{shot % 10:02d}"
        for person in range(1, 751)
        for shot in range(5)
    ]
    pairs = [
        (a, b)
        for start in range(0, len(stems), 5)
        for a in stems[start : start + 5]
        for b in stems[start : start + 5]
        if a != b
    ][:12_000]
    names = ResultNames("market1501", pairs)
    assert [names.pair_of(form.format(*pair)) for pair in pairs] == pairs
    assert len(set(pairs)) == 12_000
