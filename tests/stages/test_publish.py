import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard, ModelCard

from dnaf.core import files
from dnaf.core.errors import StateError
from dnaf.core.seals import seal
from dnaf.data.store import write_store
from dnaf.pipeline import load_pipeline
from dnaf.terms import terms_of
from stages import publish
from tests.helpers import scored_methods
from tests.helpers.training_project import ROOT, SIZE, TrainingProject, random_image

OUT = Path("public/model")
METRICS = Path("data/scores/cfld/dnaf.json")
VALUES = {
    **scored_methods.with_interval("fid_random", 0.03, 0.01),
    **scored_methods.with_interval("ssim_gaussian", 0.6321, 0.02),
    "wrong_source_increase": 0.92,
}
COUNTS = {"num_listed": 1234, "num_removed": 5, "num_outfits": 67, "num_pairs": 8901}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TrainingProject:
    """A project with an untrained model that has metrics."""
    project = TrainingProject(tmp_path_factory.mktemp("made"))
    project.write_model()
    name_data(project, "demo")
    block = {
        "results": {
            "model": files.digest(project.root / "data/model/manifest.json"),
            "params": {"scheduler": "ddim", "num_inference_steps": 4},
        },
        "pairs_sha256": files.digest(project.sources("test").pairs),
    }
    scored_methods.write(project.root, scored_methods.present("dnaf", VALUES, **block), {}, [])
    return project


@pytest.fixture
def project(made: TrainingProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingProject:
    """A copy of it, whose folder becomes the current one."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    project = copy.copy(made)
    project.root = tmp_path
    return project


def name_data(project: TrainingProject, dataset: str) -> None:
    """Lets the stores and the manifest of the pairs say what the stages write there."""
    data = project.root / "data"
    with write_store(data / "prepared.zip", {"source": dataset}) as store:
        for stem in (*project.splits["train"], *project.splits["test"]):
            store.add_image(f"{stem}.png", random_image(stem))
    with write_store(data / "pose_maps.zip", {"renderer": "openpose", "size": SIZE}):
        pass
    files.write_manifest(data / "pairs", {"train": COUNTS, "test": {**COUNTS, "num_pairs": 4}})


def test_the_published_folder_is_the_model_with_its_cards_and_loads(project: TrainingProject) -> None:
    publish.main(OUT)
    load_pipeline(OUT)
    names = {path.relative_to(OUT) for path in OUT.rglob("*.*")}
    model = project.root / "data/model"
    assert names == {path.relative_to(model) for path in model.rglob("*.*")} | {Path("DATASET.md")}
    files.require_complete(model)
    assert list(OUT.parent.iterdir()) == [OUT]


def test_the_card_is_that_of_the_training_with_metrics_protocol_and_intervals(
    project: TrainingProject,
) -> None:
    trained = ModelCard.load(Path("data/model/README.md"))
    publish.main(OUT)
    card = ModelCard.load(OUT / "README.md")
    assert card.text.startswith(trained.text.rstrip())
    front = card.data.to_dict()
    (index,) = front.pop("model-index")
    assert index["name"] == "dnaf"
    assert front == trained.data.to_dict()
    fid, ssim, control = card.data.eval_results
    assert (fid.metric_type, fid.metric_name) == ("fid_random", "FID (random network)")
    assert (ssim.metric_value, ssim.metric_config, ssim.dataset_type) == (0.6321, "cfld", "demo")
    assert ssim.metric_args == {"95 % bootstrap over outfits": pytest.approx([0.6121, 0.6521])}
    assert control.metric_args is None
    for words in (
        "### Protocol `cfld`",
        "The test script of cfld. 6 test pairs, all scored, at 64x48 pixels",
        "Generated with `scheduler` ddim, `num_inference_steps` 4.",
        "| SSIM (gaussian) | `ssim_gaussian` | higher | 0.6321 | [0.6121, 0.6521] |",
        "| L1 with the wrong source | `wrong_source_increase` |  | +92 % |  |",
        "it cannot be compared with any published number",
    ):
        assert words in card.text


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "The weights are those after the last of 1,500 steps."),
        (
            {"chosen_step": 1200, "validation_outfits": 64},
            "after step 1,200, which had the least error on 64 outfits",
        ),
    ],
)
def test_the_card_tells_how_the_weights_were_chosen(
    project: TrainingProject, chosen: dict[str, int], words: str
) -> None:
    model = project.root / "data/model"
    with files.atomic_folder(project.root / "again") as temporary:
        shutil.copytree(model, temporary, dirs_exist_ok=True)
        files.write_manifest(temporary, {"steps": 1500, "seed": 0, **chosen})
    shutil.rmtree(model)
    (project.root / "again").rename(model)
    metrics = json.loads(METRICS.read_text())
    metrics["protocol"]["results"]["model"] = files.digest(model / "manifest.json")
    METRICS.write_text(json.dumps(metrics))
    seal(METRICS)
    publish.main(OUT)
    assert words in (OUT / "README.md").read_text()


@pytest.mark.parametrize(
    ("dataset", "license", "words"),
    [
        ("demo", "apache-2.0", "nobody's likeness"),
        ("deepfashion", "other", "Multimedia Lab of CUHK"),
        ("market1501", "other", "not to be passed on"),
        ("mine", "unknown", "its terms are not known here"),
    ],
)
def test_the_card_of_the_data_tells_its_terms_numbers_and_split(
    project: TrainingProject, dataset: str, license: str, words: str
) -> None:
    name_data(project, dataset)
    publish.main(OUT)
    card = DatasetCard.load(OUT / "DATASET.md")
    assert card.data.license == license
    for text in (card.text, (OUT / "README.md").read_text()):
        assert words in text
    assert "| pairs | 8,901 | 4 |" in card.text
    assert "32x24 pixels" in card.text
    assert "`openpose`" in card.text
    for split in ("train", "test"):
        assert f"`{files.digest(project.sources(split).pairs)}`" in card.text


@pytest.mark.parametrize("dataset", ["deepfashion", "market1501"])
def test_terms_are_those_of_the_readme_of_the_data(dataset: str) -> None:
    readme, terms = (ROOT / "data/raw" / dataset / "README.md").read_text(), terms_of(dataset)
    assert readme.startswith(f"# {terms.title}\n")
    for words in (terms.license_name, terms.license_link):
        assert words is not None
        assert words in readme
        assert words in terms.text


def test_the_same_inputs_give_the_same_bytes(project: TrainingProject) -> None:
    publish.main(OUT)
    publish.main(Path("again"))
    one, two = (
        {path.relative_to(folder): files.digest(path) for path in folder.rglob("*.*")}
        for folder in (OUT, Path("again"))
    )
    assert one == two


def remove_card() -> None:
    Path("data/model/README.md").unlink()
    files.write_manifest(Path("data/model"))


def unpack_other_data() -> None:
    with write_store(Path("data/prepared.zip"), {"source": "deepfashion"}):
        pass


def remove_images() -> None:
    scored_methods.write(Path.cwd(), scored_methods.absent("dnaf"), {}, [])


def change_block(**changes: Any) -> None:
    content = json.loads(METRICS.read_text())
    content["protocol"] |= changes
    METRICS.write_text(json.dumps(content))
    seal(METRICS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda: files.remove_folder(Path("data/model")), "data/model: not complete"),
        (lambda: Path("data/model/unet/config.json").unlink(), "data/model/unet/config.json: is missing"),
        (remove_card, "data/model/README.md: missing. Run train again"),
        (lambda: Path("data/pairs/train.csv").unlink(), "data/pairs/train.csv: is missing"),
        (lambda: Path("data/prepared.zip").unlink(), "data/prepared.zip: not a complete image store"),
        (unpack_other_data, r"prepared.zip: fashion\w+.png is missing, which data/pairs/train.csv names"),
        (lambda: METRICS.unlink(), "dnaf.json: missing"),
        (remove_images, r"dnaf.json: the model was not tested \(found 0 pairs\)"),
        (lambda: change_block(results={"model": "m"}), r"metrics of another model \(found sha256 m, exp"),
        (lambda: change_block(pairs_sha256="p"), r"metrics of other pairs \(found sha256 p, expected"),
    ],
)
def test_what_is_missing_or_does_not_belong_together_is_refused_and_nothing_is_written(
    project: TrainingProject, damage: Callable[[], object], message: str
) -> None:
    damage()
    with pytest.raises(StateError, match=message):
        publish.main(OUT)
    assert not OUT.parent.exists()


@pytest.mark.parametrize("name", ["public/model/notes.txt", "public/model"])
def test_a_place_that_holds_something_is_left_as_it_is(project: TrainingProject, name: str) -> None:
    files.write_atomic(Path(name), "mine")
    with pytest.raises(StateError, match=r"public/model: not an empty folder"):
        publish.main(OUT)
    assert [path.read_text() for path in Path("public").rglob("*.*") if path.is_file()] == (
        ["mine"] if name.endswith(".txt") else []
    )
    assert Path(name).read_text() == "mine"
