"""Randomness as a function of position: seed = hash(root seed, purpose, index).

No generator is carried from step to step, so there is no random state to save, to lose or to depend on
the number of workers, the batch size or the order of the work.
"""

import hashlib

import numpy as np


def seed(root: int, purpose: str, *index: int | str) -> int:
    """A 63-bit seed that depends on all arguments and on nothing else."""
    text = "\x1f".join([str(root), purpose, *map(str, index)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(root: int, purpose: str, *index: int | str) -> np.random.Generator:
    """A numpy generator for one purpose and position."""
    return np.random.default_rng(seed(root, purpose, *index))
