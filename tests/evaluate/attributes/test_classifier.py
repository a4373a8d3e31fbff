"""On torsos made of rules, of which each pattern is certain."""

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.evaluate.attributes.classifier import classify, train_classifier, train_committee
from dnaf.evaluate.attributes.torso import SIZE
from dnaf.evaluate.attributes.truth import PATTERNS


def made_up(seed: int, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Torsos uint8 (7 N, 40, 44, 3) of two random colours, and their patterns."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    torsos, labels = [], []
    for _ in range(number):
        period, phase = rng.uniform(8, 14), rng.uniform(0, 14)
        across, down = ((axis + phase) % period < period / 2 for axis in (x, y))
        dots = np.hypot(*((axis + phase) % period - period / 2 for axis in (x, y))) < 0.3 * period
        logo = np.hypot(x - 22, y - 15) < 6
        shares = (np.zeros(SIZE, bool), down, across, down ^ across, dots, y > rng.uniform(12, 24), logo)
        for label, share in enumerate(shares):
            first, second = rng.integers(0, 100), rng.integers(130, 256)
            colours = rng.permuted(np.array([[first, second]] * 3), axis=1)
            torsos.append(np.where(share[..., None], colours[:, 0], colours[:, 1]).astype(np.uint8))
            labels.append(label)
    return np.stack(torsos), np.array(labels)


def test_it_learns_patterns_whatever_their_colours() -> None:
    network = train_classifier(*made_up(0, 60), 100, 0)
    torsos, labels = made_up(1, 20)
    found = classify(network, list(torsos))
    right = [(found == labels)[labels == label].mean() for label in range(len(PATTERNS))]
    assert min(right) > 0.8, dict(zip(PATTERNS, right, strict=True))


def test_a_committee_says_the_mean_of_what_its_members_say() -> None:
    torsos, labels = made_up(0, 2)
    committee = train_committee(torsos, labels, 2, 3)
    assert not committee.training
    shown = torch.from_numpy(torsos).permute(0, 3, 1, 2).float() / 255
    members = [train_classifier(torsos, labels, 2, 3 + index) for index in range(len(committee.members))]
    assert len(members) > 1
    with torch.inference_mode():
        mean = sum(member(shown).softmax(dim=1) for member in members) / len(members)
        torch.testing.assert_close(committee(shown), mean)
    assert (classify(committee, list(torsos)) == mean.argmax(dim=1).numpy()).all()


def test_the_same_arguments_give_the_same_weights_and_leave_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (train_classifier(*made_up(0, 2), 2, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert not first.training
    for one, two in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(first.classes.weight, other.classes.weight)
