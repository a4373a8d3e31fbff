from pathlib import Path

import numpy as np
import pytest
import torch

from dnaf.core.errors import NumericalError
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import ImageStore
from dnaf.data.tensors import to_image_tensor, to_pixels
from dnaf.generate.reconstruct import reconstruct_targets
from dnaf.model.autoencoder import LosslessAutoencoder
from dnaf.model.build import build_autoencoder
from tests.helpers.base_folders import write_sd
from tests.helpers.training_project import TrainingProject


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    return TrainingProject(tmp_path)


def reconstruct(project: TrainingProject, base: str | None) -> tuple[ImageStore, int]:
    autoencoder, provenance = build_autoencoder(base, 2)
    pairs, images = project.root / "data/pairs/test.csv", project.root / "data/prepared.zip"
    output = project.root / "reconstructed.zip"
    number = reconstruct_targets(pairs, images, output, autoencoder, provenance, torch.device("cpu"))
    return ImageStore(output), number


def test_a_lossless_autoencoder_gives_every_target_back(project: TrainingProject) -> None:
    store, number = reconstruct(project, None)
    pairs = project.pairs("test")
    assert sorted(store.names) == sorted(f"{pair_id(*pair)}.png" for pair in pairs)
    assert number == len({target for _, target in pairs})
    prepared = ImageStore(project.root / "data/prepared.zip")
    for pair in pairs:
        found = store.image(f"{pair_id(*pair)}.png").astype(int)
        assert np.abs(found - prepared.image(f"{pair[1]}.png")).max() <= 1
    assert store.info["autoencoder"] == "LosslessAutoencoder"


def test_the_base_models_autoencoder_decides(project: TrainingProject) -> None:
    folder = str(write_sd(project.root / "base", "sd-1.5"))
    store, _ = reconstruct(project, folder)
    autoencoder, provenance = build_autoencoder(folder, 2)
    assert provenance is not None
    source, target = project.pairs("test")[0]
    image = to_image_tensor(ImageStore(project.root / "data/prepared.zip").image(f"{target}.png"))
    with torch.no_grad():
        [expected] = autoencoder.decode(autoencoder.encode(image[None]))
    found = store.image(f"{source}_2_{target}.png").astype(int)
    assert np.abs(found - to_pixels(expected / 2 + 0.5)).max() <= 1
    assert store.info["autoencoder"] == dict(provenance.sha256)


def test_an_image_that_is_not_finite_is_refused_and_nothing_written(
    project: TrainingProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = LosslessAutoencoder(2)
    broken.to_rgb.fill_(torch.nan)
    output = project.root / "reconstructed.zip"
    with pytest.raises(NumericalError, match="not finite"):
        reconstruct_targets(
            project.root / "data/pairs/test.csv",
            project.root / "data/prepared.zip",
            output,
            broken,
            None,
            torch.device("cpu"),
        )
    assert not output.exists()
