"""The features of real images: kept as they are found, the same however often a run was broken off."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dnaf.core import config, files
from dnaf.core.shards import open_shards
from dnaf.data.formats.names import Stem
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.networks.efficientnet import EfficientNet
from dnaf.evaluate.protocols.protocol import Protocol
from dnaf.evaluate.protocols.registry import protocol_for
from dnaf.evaluate.real_images import RealImages
from dnaf.evaluate.reference import read_reference, write_reference
from tests.helpers import processes
from tests.helpers.evaluation_project import EFFICIENTNET, SIZE, EvaluationProject

PROTOCOL = protocol_for("cfld", "deepfashion", {})
ALIKE = replace(protocol_for("pocold", "deepfashion", {}), fid_batch=4)  # sees the images as `cfld` does
OTHERS = [protocol_for(name, "deepfashion", {}) for name in ("gfla", "pytorch_fid", "leffa")]
NAME = "efficientnet_lite0"


class BrokenOff(EfficientNet):
    """Ends the run after so many batches."""

    batches_left = 2

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        if not self.batches_left:
            raise KeyboardInterrupt
        self.batches_left -= 1
        return super().features(images)


class Unused(BrokenOff):
    """Ends the run at once."""

    batches_left = 0


def write(
    project: EvaluationProject,
    folder: str,
    network: type[EfficientNet] = EfficientNet,
    protocol: Protocol = PROTOCOL,
) -> None:
    """The reference set of all six images, in batches of two."""
    data = project.root / "data"
    real = RealImages(ImageStore(data / "images.zip"), ImageStore(data / "prepared.zip"), SIZE)
    with open_shards() as shards:
        networks: dict[str, Any] = {NAME: network(project.root / EFFICIENTNET).to(shards.device)}
        params = config.Reference(max_images=None, batch_size=2)
        write_reference(data / folder, protocol, real, stems(project), networks, params, shards)


def stems(project: EvaluationProject) -> Sequence[Stem]:
    return [Stem(stem) for stem in project.stems]


def written(project: EvaluationProject, folder: str) -> dict[str, str]:
    return {path.name: files.digest(path) for path in (project.root / "data" / folder).iterdir()}


@pytest.fixture(autouse=True)
def scratch(evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DNAF_SCRATCH", str(evaluation_project.root / "scratch"))
    return evaluation_project.root / "scratch"


def test_features_are_those_of_each_image_in_the_order_of_their_names(
    evaluation_project: EvaluationProject,
) -> None:
    write(evaluation_project, "reference")
    sets, info = read_reference(evaluation_project.root / "data/reference", PROTOCOL)
    network = EfficientNet(evaluation_project.root / EFFICIENTNET)
    prepared = ImageStore(evaluation_project.root / "data/prepared.zip")
    pixels = np.stack([prepared.image(f"{stem}.png") for stem in sorted(evaluation_project.stems)])
    assert np.allclose(sets[NAME].features, network.features(pixels), atol=1e-4)
    assert (info["count"], sets[NAME].statistics.count) == (6, 6)


def test_a_run_that_is_broken_off_goes_on_and_ends_with_the_same_bytes(
    evaluation_project: EvaluationProject, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(evaluation_project, "whole")
    files.remove_folder(scratch / "reference")
    with pytest.raises(KeyboardInterrupt):
        write(evaluation_project, "broken", BrokenOff)
    assert not (evaluation_project.root / "data/broken").exists()
    assert len(list(scratch.glob("reference/*/chunk-*.zip"))) == 2
    capsys.readouterr()
    write(evaluation_project, "broken")
    assert "Resuming: 2 of 3 chunks are done" in capsys.readouterr().err
    assert written(evaluation_project, "broken") == written(evaluation_project, "whole")


def test_protocols_that_show_images_alike_look_at_them_once(evaluation_project: EvaluationProject) -> None:
    write(evaluation_project, "first")
    write(evaluation_project, "second", Unused, ALIKE)
    first, second = (evaluation_project.root / "data" / name for name in ("first", "second"))
    features = read_reference(first, PROTOCOL)[0][NAME].features
    known, info = read_reference(second, ALIKE)
    assert np.array_equal(known[NAME].features, features[:4])
    assert info["count"] == known[NAME].statistics.count == 4
    for protocol in OTHERS:
        with pytest.raises(KeyboardInterrupt):
            write(evaluation_project, "third", Unused, protocol)


def test_features_of_other_images_are_not_taken(evaluation_project: EvaluationProject) -> None:
    write(evaluation_project, "reference")
    path = evaluation_project.root / "data/prepared.zip"
    store = ImageStore(path)
    changed = {name: store.image(name) for name in store.names}
    with write_store(path, {}) as new:
        for name, image in changed.items():
            new.add_image(name, image[::-1])
    with pytest.raises(KeyboardInterrupt):
        write(evaluation_project, "reference", Unused)


def test_two_processes_write_the_bytes_of_one(evaluation_project: EvaluationProject, scratch: Path) -> None:
    write(evaluation_project, "one")
    files.remove_folder(scratch / "reference")
    assert processes.run_two(scratch, write, evaluation_project, "two") == [0, 0]
    assert written(evaluation_project, "two") == written(evaluation_project, "one")
