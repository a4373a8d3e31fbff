"""`benchmarks.attributes` and `benchmarks.pattern_levels` on a demo of a few people, drawn or exchanged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import attributes, pattern_levels
from dnaf.core import config, files, images
from dnaf.core.errors import DataError, StateError
from dnaf.core.images import Pixels
from dnaf.core.seals import write_sealed
from dnaf.core.shards import alone
from dnaf.data.demo.figure import SIZE as FRAME
from dnaf.data.demo.figure import draw_figure
from dnaf.data.demo.outfit import sample_outfit
from dnaf.data.formats import deepfashion
from dnaf.data.keypoints.keypoints import write_keypoints
from dnaf.data.loader import PairImages, Sources
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.store import write_store
from dnaf.evaluate.attributes.classifier import classify
from dnaf.evaluate.attributes.truth import PATTERNS
from dnaf.model.schedulers import make_scheduler
from tests.helpers.evaluation_project import ROOT
from tests.helpers.training_project import tiny_pipeline

SEED, SIZE = 0, (128, 96)  # of params.yaml
OUTFITS = (0, 1, 2)
VIEWS = {"01_1_front": "front", "01_3_back": "back"}


class Demo:
    """Three outfits in two views, each pair of which is tested in both directions."""

    def __init__(self, root: Path) -> None:
        shutil.copy(ROOT / "params.yaml", root)
        self.real: dict[str, Pixels] = {}
        keypoints, self.pairs, outfits = [], [], []
        for index in OUTFITS:
            stems = []
            for name, view in VIEWS.items():
                path = f"{sample_outfit(SEED, index).folder}/{name}.jpg"
                stems.append(deepfashion.flat_name(path).removesuffix(".jpg"))
                image, points = draw_figure(SEED, index, view)
                self.real[stems[-1]] = images.resize(image, SIZE)
                keypoints.append(points)
            self.pairs += [(stems[0], stems[1]), (stems[1], stems[0])]
            outfits += [f"outfit {index}"] * 2
        rows = [f"{','.join(pair)},{outfit}\n" for pair, outfit in zip(self.pairs, outfits, strict=True)]
        write_sealed(root / "data/pairs/test.csv", "".join(["source,target,outfit\n", *rows]))
        write_keypoints(root / "data/pairs/keypoints.csv", list(self.real), keypoints)
        files.write_manifest(root / "data/pairs", {"frame": list(FRAME)})
        with write_store(root / "data/prepared.zip", {}) as store:
            for stem, image in self.real.items():
                store.add_image(f"{stem}.png", image)
        self.root = root

    def add_results(self, name: str, image: Callable[[Pair], Pixels]) -> None:
        info = {"pairs_sha256": files.digest(self.root / "data/pairs/test.csv"), "model": "m"}
        with write_store(self.root / "data/results/dnaf" / name, info) as store:
            for pair in self.pairs:
                store.add_image(f"{pair_id(*pair)}.png", image(pair))


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.chdir(tmp_path)
    return Demo(tmp_path)


def test_perfect_results_score_as_the_real_ones_and_a_wrong_colour_is_measured(demo: Demo) -> None:
    demo.add_results("generated.zip", lambda pair: demo.real[pair[1]])
    demo.add_results("wrong_source.zip", lambda pair: 255 - demo.real[pair[1]])
    attributes.main(num_outfits=1, num_steps=2)
    table = pd.read_csv("metrics/attributes.csv").set_index(["images", "pattern"])
    real, generated, wrong = (
        table.loc[name] for name in (attributes.TRUTH, attributes.GENERATED, attributes.WRONG_SOURCE)
    )
    assert generated.equals(real)
    held_out = table.loc[attributes.HELD_OUT]
    assert set(held_out.index) == {attributes.ALL, *PATTERNS}
    assert held_out["num_torsos"]["all"] > 24  # eight outfits in six views, of which some hide the pattern
    assert (generated[["colour_error", "colour_error_low", "colour_error_high"]] == 0).all(axis=None)
    assert real["num_torsos"]["all"] == real["num_torsos"].drop("all").sum() <= len(demo.pairs)
    assert (wrong["colour_error_low"] > 10).all()
    for key in ("right", "colour_error"):
        assert (wrong[f"{key}_low"] <= wrong[key]).all()
        assert (wrong[key] <= wrong[f"{key}_high"]).all()
    assert images.read(Path("metrics/attributes.png")).std() > 10


def test_people_of_another_seed_are_an_error(demo: Demo) -> None:
    for name in ("generated.zip", "wrong_source.zip"):
        demo.add_results(name, lambda pair: demo.real[pair[1]])
    with pytest.raises(DataError, match="is no person of the demo drawn with seed 1 "):
        attributes.read_torsos(Path("data"), SIZE, 1)


def test_results_that_are_missing_are_an_error(demo: Demo) -> None:
    demo.add_results("generated.zip", lambda pair: demo.real[pair[1]])
    with pytest.raises(StateError, match=r"wrong_source\.zip"):
        attributes.read_torsos(Path("data"), SIZE, SEED)


def test_levels_leave_out_call_after_call_until_the_target_itself_is_left(demo: Demo) -> None:
    data = demo.root / "data"
    write_pose_maps(data / "pairs", data / "pose_maps.zip", "openpose", FRAME, SIZE, alone())
    pairs = attributes.counted_pairs(data, SIZE, SEED)
    shown = PairImages(Sources(data / "pairs/test.csv", data / "prepared.zip", data / "pose_maps.zip"))
    pipeline, params = tiny_pipeline(), config.Generate(num_inference_steps=3, batch_size=2)
    pipeline.scheduler = make_scheduler("ddpm", pipeline.scheduler)
    of_targets = pattern_levels.sample_rest(pipeline, shown, pairs, params, skipped=3)
    for image, pair in zip(of_targets, pairs, strict=True):
        assert np.array_equal(image, demo.real[pair.target])  # its autoencoder loses nothing
    classifier = attributes.learn_patterns(SIZE, num_outfits=1, num_steps=2, seed=SEED)
    table = pattern_levels.pattern_levels(pipeline, shown, pairs, params, classifier)
    assert table["num_calls"].tolist() == [3, 2, 1, 0]
    assert table["timestep"].tolist() == [999, 666, 332, 0]  # trailing
    assert ((table["right_low"] <= table["right"]) & (table["right"] <= table["right_high"])).all()
    real = classify(classifier, [pair.torso for pair in pairs])
    assert table["right"].iloc[-1] == (real == [pair.pattern for pair in pairs]).mean()
    assert len(pipeline.scheduler.timesteps) == 3  # the pipeline at hand is as it was
