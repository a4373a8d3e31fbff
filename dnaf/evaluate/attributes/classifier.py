"""Small networks that name the pattern of a torso; a minute of one core trains each on drawn torsos."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dnaf.core.progress import track
from dnaf.evaluate.attributes.truth import PATTERNS

_PER_PATTERN, _PER_PLAIN = 7, 21  # torsos in a batch; a plain one is most easily taken for another
_PEAK_LR, _WEIGHT_DECAY = 0.01, 0.05
_NOISE = 0.02  # standard deviation, of channels in [0, 1]
_DARKEST = 0.6
_NUM_MEMBERS = 5
_CHUNK = 512  # torsos that are classified at once


class PatternClassifier(nn.Module):
    """Torsos (B, 3, 40, 44) in [0, 1] -> logits (B, 7) of `PATTERNS`.

    Mean and maximum over space, because a stripe is everywhere and a logo in one place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layer(3, 24, 5, 2), *_layer(24, 48, 3, 2), *_layer(48, 64, 3, 1))
        self.classes = nn.Linear(2 * 64, len(PATTERNS))

    def forward(self, torsos: Tensor) -> Tensor:
        maps = self.features(torsos - 0.5)
        return self.classes(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))


class Committee(nn.Module):
    """Torsos (B, 3, 40, 44) in [0, 1] -> probabilities (B, 7) of `PATTERNS`, the mean of its members'.

    On generated torsos, which are blurred, members disagree: of the same ones one named 51 % right, another
    32 %, though they know real ones alike (92 and 93 %).
    """

    def __init__(self, members: Sequence[PatternClassifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, torsos: Tensor) -> Tensor:
        return torch.stack([member(torsos).softmax(dim=1) for member in self.members]).mean(0)


def train_committee(
    torsos: NDArray[np.uint8], labels: NDArray[np.int64], num_steps: int, seed: int
) -> Committee:
    """Classifiers of the seeds `seed`, `seed` + 1, …; see `train_classifier`."""
    seeds = range(seed, seed + _NUM_MEMBERS)
    return Committee([train_classifier(torsos, labels, num_steps, each) for each in seeds]).eval()


def train_classifier(
    torsos: NDArray[np.uint8], labels: NDArray[np.int64], num_steps: int, seed: int
) -> PatternClassifier:
    """A classifier in evaluation mode, trained on batches of all patterns, however rare they are.

    Mirrored, recoloured and noisy: a pattern is no matter of its colours. The same arguments give the same
    weights on one machine.

    Args:
        torsos: uint8 (N, 40, 44, 3).
        labels: (N,), of each pattern at least one.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PatternClassifier()
    generator = torch.Generator().manual_seed(seed)
    images, truth = _to_tensor(torsos), torch.from_numpy(labels)
    members = [torch.nonzero(truth == label)[:, 0] for label in range(len(PATTERNS))]
    numbers = [_PER_PLAIN if pattern == "plain" else _PER_PATTERN for pattern in PATTERNS]
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_LR, total_steps=num_steps)
    for _ in track(range(num_steps), "Training the classifier (steps)", num_steps):
        chosen = torch.cat([_sample(*each, generator) for each in zip(members, numbers, strict=True)])
        loss = functional.cross_entropy(network(_augment(images[chosen], generator)), truth[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.inference_mode()
def classify(
    network: PatternClassifier | Committee, torsos: Sequence[NDArray[np.uint8]]
) -> NDArray[np.int64]:
    """The index in `PATTERNS` of each torso, uint8 (40, 44, 3)."""
    chunks = [np.stack(torsos[start : start + _CHUNK]) for start in range(0, len(torsos), _CHUNK)]
    return np.concatenate([network(_to_tensor(chunk)).argmax(dim=1).numpy() for chunk in chunks])


def _layer(channels_in: int, channels_out: int, side: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, side, stride, side // 2, bias=False)
    return [convolution, nn.BatchNorm2d(channels_out), nn.ReLU()]


def _sample(indices: Tensor, number: int, generator: torch.Generator) -> Tensor:
    return indices[torch.randint(len(indices), (number,), generator=generator)]


def _augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each of (B, 3, 40, 44) mirrored, inverted and darkened at random; channels in another order."""

    def coins() -> Tensor:
        return torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5

    images = images[:, torch.randperm(3, generator=generator)]
    images = torch.where(coins(), images.flip(3), images)
    images = torch.where(coins(), 1 - images, images)
    brightness = _DARKEST + (1 - _DARKEST) * torch.rand(len(images), 3, 1, 1, generator=generator)
    return images * brightness + _NOISE * torch.randn(images.shape, generator=generator)


def _to_tensor(torsos: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(torsos).permute(0, 3, 1, 2).float() / 255
