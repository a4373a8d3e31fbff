from itertools import product

import numpy as np

from dnaf.core import seeds


def test_a_seed_is_the_same_on_every_machine_and_day() -> None:
    assert [seeds.seed(0, "train"), seeds.seed(1, "train", 2, "noise")] == [
        8448861566626220853,
        4554656953735591710,
    ]


def test_every_argument_changes_the_seed() -> None:
    found = [
        seeds.seed(root, purpose, *index)
        for root, purpose, index in product((0, 1, 11), ("a", "b"), ((), (0,), (1,), (1, 0), (10,), ("x",)))
    ]
    assert len(set(found)) == len(found)


def test_seeds_fit_a_signed_64_bit_integer() -> None:
    found = [seeds.seed(0, "range", index) for index in range(1000)]
    assert min(found) >= 0
    assert max(found) < 2**63
    assert max(found) > 2**62


def test_generators_of_different_positions_are_independent() -> None:
    first, again, other = (seeds.generator(0, "noise", index).random(1000) for index in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.15
