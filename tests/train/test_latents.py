from contextlib import suppress
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from dnaf.core import files
from dnaf.core.errors import ConfigError, ResourceError, StateError
from dnaf.core.shards import Shards, open_shards
from dnaf.data.latent_store import Latents
from dnaf.data.loader import PairImages, TrainingPairs
from dnaf.data.store import ImageStore, write_store
from dnaf.model.autoencoder import Autoencoder, FrozenVae, LosslessAutoencoder
from dnaf.model.pretrained.provenance import Provenance
from dnaf.train import latents
from dnaf.train.latents import origin, write_latents
from tests.helpers import processes
from tests.helpers.faults import Faults, disk_full
from tests.helpers.training_project import TrainingProject, random_image

BASE = Provenance("base", {"vae/config.json": "a", "vae/weights.safetensors": "b", "unet/config.json": "c"})
OTHER = Provenance("base", {**BASE.sha256, "vae/weights.safetensors": "d"})
SAME_AUTOENCODER = Provenance("elsewhere", {**BASE.sha256, "unet/config.json": "e"})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingProject:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    return TrainingProject(tmp_path)


@pytest.fixture(scope="module")
def autoencoder() -> FrozenVae:
    return make_autoencoder()


def make_autoencoder() -> FrozenVae:
    """An autoencoder of 4x4 pixels a cell; always the same."""
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3}
    return FrozenVae(AutoencoderKL(block_out_channels=(8, 8, 8), norm_num_groups=4, **blocks))


CPU = Shards(0, 1, torch.device("cpu"))


def write(
    project: TrainingProject,
    autoencoder: Autoencoder,
    base: Provenance | None = BASE,
    shards: Shards = CPU,
) -> Path:
    sources, output = project.sources("train"), project.root / "data/latents.zip"
    write_latents(sources.pairs, sources.images, output, autoencoder, base, shards)
    return output


def read(project: TrainingProject, autoencoder: Autoencoder, base: Provenance | None = BASE) -> Latents:
    sources = project.sources("train")
    return Latents(
        project.root / "data/latents.zip", origin(autoencoder, base, sources.pairs, sources.images)
    )


def test_a_base_for_another_size_is_told_before_anything_is_encoded(
    project: TrainingProject, autoencoder: FrozenVae
) -> None:
    base, output = project.root / "base", project.root / "data/latents.zip"
    before = output.read_bytes()
    base.mkdir()
    files.write_manifest(base, {"size": [64, 48]})
    with pytest.raises(ConfigError, match=r"base was trained with images of another size \(found 32x24"):
        write(project, autoencoder, Provenance(str(base), BASE.sha256))
    assert output.read_bytes() == before


def test_every_training_image_and_its_mirror_image_is_encoded(
    project: TrainingProject, autoencoder: FrozenVae
) -> None:
    names = ImageStore(write(project, autoencoder)).names
    stems = project.splits["train"]
    assert sorted(names) == sorted(
        [f"{stem}.npy" for stem in stems] + [f"mirrored/{stem}.npy" for stem in stems]
    )
    images, cached = PairImages(project.sources("train")), read(project, autoencoder)
    for stem in stems:
        for mirror in (False, True):
            expected = autoencoder.encode(images.image(stem, mirror)[None])[0]
            found = cached.latent(stem, mirror)
            assert found.dtype == torch.float32
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)  # float16


def test_training_reads_the_latents_of_what_it_shows(
    project: TrainingProject, autoencoder: FrozenVae
) -> None:
    write(project, autoencoder)
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5)
    pairs.latents = read(project, autoencoder)
    for position in range(6):
        example = pairs[position]
        for name in ("source", "target"):
            expected = autoencoder.encode(example[name][None])[0]
            torch.testing.assert_close(example[f"{name}_latent"], expected, rtol=1e-3, atol=1e-4)


def test_pixels_that_are_only_rearranged_are_not_stored(project: TrainingProject) -> None:
    autoencoder = LosslessAutoencoder(2)
    assert ImageStore(write(project, autoencoder, None)).names == []
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5)
    pairs.latents = read(project, autoencoder, None)
    assert not pairs.latents.cached
    assert "target_latent" not in pairs[0]


def test_latents_of_another_autoencoder_are_refused(project: TrainingProject, autoencoder: FrozenVae) -> None:
    write(project, autoencoder)
    read(project, autoencoder, SAME_AUTOENCODER)  # another UNet has the same latents
    for other_autoencoder, base in ((autoencoder, OTHER), (LosslessAutoencoder(2), None)):
        with pytest.raises(
            StateError, match=r"latents\.zip: latents of another autoencoder .found .* expected"
        ) as caught:
            read(project, other_autoencoder, base)
        assert "\n" not in str(caught.value)


def test_latents_of_other_pixels_a_cell_are_refused(project: TrainingProject) -> None:
    write(project, LosslessAutoencoder(2), None)
    with pytest.raises(StateError, match="latents of another autoencoder"):
        read(project, LosslessAutoencoder(4), None)


def test_latents_of_other_images_or_pairs_are_refused(
    project: TrainingProject, autoencoder: FrozenVae
) -> None:
    write(project, autoencoder)
    sources = project.sources("train")
    pairs = sources.pairs.read_text()
    sources.pairs.write_text(pairs.rsplit("\n", 2)[0] + "\n")
    with pytest.raises(StateError, match="latents of another pairs"):
        read(project, autoencoder)
    sources.pairs.write_text(pairs)
    with write_store(sources.images, {}) as store:
        for stem in project.splits["train"]:
            store.add_image(f"{stem}.png", random_image(f"another {stem}"))
    with pytest.raises(StateError, match="latents of another images"):
        read(project, autoencoder)


def num_calls(project: TrainingProject, autoencoder: FrozenVae) -> int:
    """How often writing latents changes the disk."""
    with (faults := Faults(0, disk_full)).installed():
        write(project, autoencoder)
    return faults.calls


def test_a_full_disk_leaves_no_half_file_and_the_next_run_ends_with_the_same_bytes(
    project: TrainingProject, autoencoder: FrozenVae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnaf.train.latents._CHUNK", 2)  # three chunks of six images
    output = project.root / "data/latents.zip"
    calls = num_calls(project, autoencoder)
    expected = files.digest(output)
    for at in range(1, calls, calls // 10):
        output.unlink()
        with suppress(ResourceError), Faults(at, disk_full).installed():
            write(project, autoencoder)
        assert not output.exists() or files.digest(output) == expected
        assert files.digest(write(project, autoencoder)) == expected


def test_finished_chunks_are_not_encoded_again(
    project: TrainingProject,
    autoencoder: FrozenVae,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("dnaf.train.latents._CHUNK", 2)
    calls = num_calls(project, autoencoder)
    expected = files.digest(project.root / "data/latents.zip")
    faults = Faults(calls // 2, disk_full)
    with pytest.raises(ResourceError), faults.installed():
        write(project, autoencoder)
    finished = len(list(project.scratch.glob("latents/*/chunk-*.zip")))
    assert 0 < finished < 3
    capsys.readouterr()
    assert files.digest(write(project, autoencoder)) == expected
    assert f"Resuming: {finished} of 3 chunks are done" in capsys.readouterr().err
    assert not list(project.scratch.glob("latents/*"))


def write_with_another(project: TrainingProject) -> None:
    latents._CHUNK = 2
    with open_shards() as shards:
        assert shards.count == 2
        write(project, make_autoencoder(), shards=shards)


def test_two_processes_give_the_bytes_of_one(
    project: TrainingProject, autoencoder: FrozenVae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnaf.train.latents._CHUNK", 2)
    alone = files.digest(write(project, autoencoder))
    (project.root / "data/latents.zip").unlink()
    assert processes.run_two(project.scratch, write_with_another, project) == [0, 0]
    assert files.digest(project.root / "data/latents.zip") == alone
    assert not list(project.scratch.glob("latents/*"))
