"""All that the evaluation offers, by `dvc repro` on files in the layouts in which the field publishes them.

Methods with images, one with published numbers alone, one whose scores were sent; four protocols.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnaf.core.images import Pixels
from dnaf.data.store import ImageStore
from dnaf.evaluate.submissions.find import read_pairs_csv
from tests.helpers.evaluation_project import near
from tests.helpers.published_results import encode, strip, write_folder, write_zip
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.slow  # ten minutes

PROTOCOLS = ("cfld", "cfld256", "fpdm", "leffa")
SUPPLIED = ("dnaf_authors", "fpdm", "rip", "pcdms", "dior")
CEILINGS = ("ground_truth", "reconstruction")
METHODS = ("dnaf", "copy_source", "pidm", *SUPPLIED, *CEILINGS, "mine", "sent", "leffa")
GENERATOR = """
import csv, sys
from pathlib import Path
import cv2
kit, results = Path(sys.argv[1]), Path(sys.argv[2])
for number, pair in enumerate(csv.DictReader((kit / "pairs.csv").open())):
    image, pose = (cv2.imread(str(kit / pair[key])) for key in ("source_image", "openpose"))
    cv2.imwrite(str(results / pair["result"]), cv2.addWeighted(image, 0.6, pose, 0.4, 10.0 + number))
"""


@pytest.fixture(scope="module")
def evaluated(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project after one more `dvc repro`, with everything supplied."""
    root = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(project.root, root, symlinks=True, dirs_exist_ok=True)
    made = Project(root, tmp_path_factory.mktemp("scratch_of_it"))
    supply(root)
    made.set_params({"methods": [*METHODS], "protocols": [*PROTOCOLS]})
    made.run("python", "-m", "stages.reconstruct")
    made.run("python", "-m", "stages.external", "mine")
    for method in (*SUPPLIED, "mine"):
        made.run("python", "-m", "stages.check_results", f"data/results/{method}")
    for method in ("ground_truth", "fpdm"):
        made.run("python", "-m", "stages.detect", method)
    made.run("python", "-m", "stages.pack", "pidm", "--out", "mail/pidm.json")
    made.run("python", "-m", "stages.merge", "mail/pidm.json", "--method", "sent")
    made.run("dvc", "repro", "-q")
    return made


def supply(root: Path) -> None:
    """Each method's images as its authors published them, a generator, and scores that somebody sent."""
    store, results = ImageStore(root / "data/prepared.zip"), root / "data/results"
    pairs = read_pairs_csv(root / "data/pairs/test.csv").pairs
    image_of: Callable[[str], Pixels] = lambda stem: store.image(f"{stem}.png")  # noqa: E731

    def images(method: str, name: str, form: Callable[[str], str] = str) -> dict[str, bytes]:
        return {
            name.format(form(source), form(target)): encode(near(image_of(target), method + source), name)
            for source, target in pairs
        }

    write_folder(results / "dnaf_authors/DNAF_DeepFashion_results", images("dnaf_authors", "{0}_2_{1}.png"))
    write_zip(results / "fpdm/results.zip", images("fpdm", "{0}.jpg_2_{1}.jpg.png", apart))
    write_zip(results / "rip/rip.zip", images("rip", "out/{0}_to_{1}.png", with_underscores))
    strips = {}
    for number, (source, target) in enumerate(pairs, 1):
        real, grey = image_of(target), np.full_like(image_of(target), 128)
        panels = [grey, image_of(source), real, *(near(real, f"pcdms{source}{each}") for each in range(4))]
        strips[f"0.{number}1234_{source}_to_{target}.png"] = encode(strip(panels), ".png")
    write_zip(results / "shared/PCDMs_stage3.zip", strips)
    write_folder(
        results / "dior/eval",
        {
            f"generated_{number}.jpg": encode(
                strip([image_of(source), image_of(target), near(image_of(target), f"dior{source}")]), ".jpg"
            )
            for number, (source, target) in enumerate(pairs, 1)
        },
    )
    (root / "generator.py").write_text(GENERATOR)
    (results / "mine").mkdir()
    card = "title: Mine\npaper: null\nrepository: null\nnaming: <source>_2_<target>.png\npanels: null\n"
    (results / "mine/card.yaml").write_text(
        f"{card}command: [{sys.executable}, generator.py, <kit>, <results>]\n"
    )


def words_of(stem: str) -> tuple[str, ...]:
    match = re.fullmatch(r"fashion(WOMEN|MEN)(.+)id(\d{8})(\d\d)_(\d)(\w+)", stem)
    assert match is not None, stem
    return match.groups()


def apart(stem: str) -> str:
    gender, category, item, look, shot, view = words_of(stem)
    return f"{gender}{category}id_{item}{look}_{shot}_{view}"


def with_underscores(stem: str) -> str:
    gender, category, *numbers = words_of(stem)
    return "_".join([gender, category, "id", *numbers])


def numbers(evaluated: Project, protocol: str, method: str) -> dict[str, float]:
    board = json.loads((evaluated.root / "metrics/leaderboard.json").read_text())
    found: dict[str, float] = board[protocol][method]["numbers"]
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_method_with_images_is_scored_on_all_pairs(evaluated: Project, protocol: str) -> None:
    for method in METHODS[:-1]:
        if method != "sent" or protocol == "cfld":  # of the one under which they were sent
            assert numbers(evaluated, protocol, method)["num_pairs"] == 6, method


def test_the_truth_is_perfect_and_what_is_near_it_is_nearer_than_the_source(evaluated: Project) -> None:
    truth = numbers(evaluated, "cfld", "ground_truth")
    assert truth["ssim"] == pytest.approx(1)
    source = numbers(evaluated, "cfld", "copy_source")
    for method in SUPPLIED:
        found = numbers(evaluated, "cfld", method)
        assert source["l1"] > found["l1"] > truth["l1"] == 0, method


def test_scores_that_were_sent_are_those_of_the_sender(evaluated: Project) -> None:
    sent, pidm = (numbers(evaluated, "cfld", method) for method in ("sent", "pidm"))
    assert {key: sent[key] for key in ("ssim", "l1", "psnr")} == {
        key: pidm[key] for key in ("ssim", "l1", "psnr")
    }


def test_a_method_without_images_shows_what_was_published(evaluated: Project) -> None:
    table = (evaluated.root / "metrics/leaderboard.md").read_text()
    published = table[table.index("As published") :]
    row = next(line for line in published.splitlines() if "Leffa" in line and "256x176" in line)
    assert "5.71" in row
    assert "arXiv:2412.08486" in row


def test_every_stratum_has_every_method(evaluated: Project) -> None:
    strata = pd.read_csv(evaluated.root / "metrics/strata.csv")
    assert {*strata["protocol"]} == {*PROTOCOLS}
    methods = strata[strata["protocol"] == "cfld"].groupby(["partition", "stratum"])["method"].agg(set)
    assert len(methods) >= 4
    assert all({*SUPPLIED, "dnaf", "mine"} <= present for present in methods)


def test_what_detectors_see_is_in_the_table_of_the_methods_that_were_looked_at(evaluated: Project) -> None:
    assert numbers(evaluated, "cfld", "ground_truth")["torso_colour"] == pytest.approx(0, abs=1e-6)
    assert numbers(evaluated, "cfld", "fpdm")["torso_colour"] > 0
    assert "torso_colour" not in numbers(evaluated, "cfld", "rip")


def test_the_page_has_every_method(evaluated: Project) -> None:
    page = (evaluated.root / "report/index.html").read_text()
    for title in ("FPDM", "RIP", "PCDMs", "DiOr", "Leffa", "Mine"):
        assert title in page


def test_nothing_is_left_to_do(evaluated: Project) -> None:
    said = evaluated.run("dvc", "repro").stdout
    assert "Running stage" not in said
