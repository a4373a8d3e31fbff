from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core.errors import DataError
from dnaf.core.images import Pixels, Size, resize
from dnaf.data.formats.names import Stem
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.inspection import Inspector, _signature, is_near
from dnaf.evaluate.submissions.open import Results
from tests.helpers.evaluation_project import SIZE, near, random_image

STEMS = [Stem(f"photo{number}") for number in range(4)]
PAIRS: list[Pair] = [(source, target) for source in STEMS for target in STEMS if source != target]


LARGE = (2 * SIZE[0], 2 * SIZE[1])


def smooth(name: str, size: Size = SIZE) -> Pixels:
    """A photograph in two sizes, the smaller one made of the larger; without the brightest level."""
    return resize(resize(random_image(name) // 2 + 64, LARGE), size)


def generated(pair: Pair, size: Size = SIZE) -> Pixels:
    return near(smooth(pair[1], size), pair_id(*pair))


def judge(
    root: Path,
    changes: dict[int, Pixels],
    photographs: Callable[[Stem], Pixels] = smooth,
    size: Size = SIZE,
) -> dict[str, int]:
    """Judges images that are noisy targets, but for some of them, of which a few are changed."""
    with write_store(root / "prepared.zip", {}) as store:
        for stem in STEMS:
            store.add_image(f"{stem}.png", photographs(stem))
    made = {pair: generated(pair, size) for pair in PAIRS}
    made |= {PAIRS[index]: image for index, image in changes.items()}
    results = Results(Path("results"), made.__getitem__, str, None, True, {})
    inspector = Inspector(results, ImageStore(root / "prepared.zip"), SIZE)
    return inspector.judge(PAIRS, [inspector.inspect(pair, made[pair]) for pair in PAIRS])


def last_bits_changed(image: Pixels) -> Pixels:
    return image ^ np.random.default_rng(0).integers(0, 2, image.shape, np.uint8)


def one_subpixel_changed(image: Pixels) -> Pixels:
    changed = image.copy()
    changed[3, 4, 1] ^= 1
    return changed


def one_level_brighter(image: Pixels) -> Pixels:
    return image + 1


@pytest.mark.parametrize("change", [one_subpixel_changed, last_bits_changed, one_level_brighter])
@pytest.mark.parametrize("size", [SIZE, LARGE])
@pytest.mark.parametrize(
    ("origin", "fault"),
    [
        (lambda size: smooth(PAIRS[5][1], size), "equals its ground truth"),
        (lambda size: smooth(PAIRS[5][0], size), "equals its source"),
        (lambda size: generated(PAIRS[2], size), "equals another pair's"),
        (lambda size: np.full((*size, 3), 128, np.uint8), "has one colour"),
    ],
)
def test_an_image_that_nearly_equals_what_it_must_not_is_refused(
    tmp_path: Path,
    change: Callable[[Pixels], Pixels],
    size: Size,
    origin: Callable[[Size], Pixels],
    fault: str,
) -> None:
    with pytest.raises(
        DataError, match=rf"^results: {pair_id(*PAIRS[5])}: .* {fault} \(1 of 12 such, by a PSNR over 45 dB\)"
    ):
        judge(tmp_path, {5: change(origin(size))}, size=size)


def test_one_image_for_all_pairs_is_counted(tmp_path: Path) -> None:
    one = near(smooth("nobody"), "x")
    rng = np.random.default_rng(1)
    changed = {index: one ^ rng.integers(0, 2, one.shape, np.uint8) for index in range(len(PAIRS))}
    with pytest.raises(DataError, match=r"equals another pair's \(11 of 12 such"):
        judge(tmp_path, changed)


def test_images_of_a_working_model_are_what_they_are(tmp_path: Path) -> None:
    assert judge(tmp_path, {}) == {"num_equal_to_truth": 0, "num_equal_to_others": 0}


def test_the_truth_as_somebody_else_resizes_it_is_the_truth_too(tmp_path: Path) -> None:
    with write_store(tmp_path / "prepared.zip", {}) as store:
        for stem in STEMS:
            store.add_image(f"{stem}.png", smooth(stem))
    results = Results(Path("results"), lambda pair: near(smooth(pair[1]), "x"), str, None, True, {})
    inspector = Inspector(results, ImageStore(tmp_path / "prepared.zip"), SIZE)
    image = results.generated(PAIRS[0])
    assert inspector.inspect(PAIRS[0], image).fault is None
    assert inspector.inspect(PAIRS[0], image, is_truth=True).fault == "truth"


def the_first_twice(stem: Stem) -> Pixels:
    """As in DeepFashion, where one photograph has two names."""
    return smooth(STEMS[0] if stem == STEMS[1] else stem)


def test_the_same_photograph_under_two_names_may_be_answered_by_itself(tmp_path: Path) -> None:
    asked = PAIRS.index((STEMS[0], STEMS[1]))
    counts = judge(tmp_path, {asked: the_first_twice(STEMS[0])}, the_first_twice)
    assert counts == {"num_equal_to_truth": 1, "num_equal_to_others": 0}


def test_pairs_of_the_same_photographs_may_have_the_same_image(tmp_path: Path) -> None:
    first, second = PAIRS.index((STEMS[0], STEMS[2])), PAIRS.index((STEMS[1], STEMS[2]))
    image = near(smooth(STEMS[2]), "x")
    counts = judge(tmp_path, {first: image, second: last_bits_changed(image)}, the_first_twice)
    assert counts == {"num_equal_to_truth": 0, "num_equal_to_others": 1}


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.sampled_from([SIZE, (31, 33), (256, 176)]))
def test_near_images_have_near_signatures(seed: int, strength: int, size: tuple[int, int]) -> None:
    """Whatever the size: the mean square of block means is at most that of pixels."""
    rng = np.random.default_rng(seed)
    image = resize(random_image(str(seed)), size)
    other = np.clip(image + rng.integers(-strength, strength + 1, (*size, 3)), 0, 255).astype(np.uint8)
    squared = np.square(image.astype(float) - other).mean()
    assert np.square(_signature(image) - _signature(other)).mean() <= squared * 1.001 + 1e-6
    assert is_near(image, other) == (squared < 255**2 / 10**4.5)


def test_what_is_kept_of_an_image_holds_no_memory_of_others() -> None:
    assert _signature(smooth("one")).base is None
