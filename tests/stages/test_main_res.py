from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.core.images import encode_png
from dnaf.core.parameters import sets as parameter_sets
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.submissions.find import read_test_pairs
from stages import main_res, render, split, unpack
from tests.helpers.evaluation_project import DNAF_CARD, ROOT, EvaluationProject, near
from tests.helpers.market_folder import write_market
from tests.helpers.published_results import write_folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """A tiny project with results of our method, in an empty folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    made = EvaluationProject(tmp_path)
    made.add_results()
    return made


def test_chosen_pairs_are_drawn_as_png_and_pdf(project: EvaluationProject) -> None:
    names = [pair_id(*project.pairs[4]), pair_id(*project.pairs[1])]
    result = main_res.main("demo", pair=names, out=Path("figures/a.b"))
    assert result == "2 pairs, 2 methods → figures/a.b.png, figures/a.b.pdf"
    assert Path("figures/a.b.pdf").read_bytes().startswith(b"%PDF")
    both = images.read(Path("figures/a.b.png"))
    main_res.main("demo", pair=names[1:], out=Path("figures/second"))
    second = images.read(Path("figures/second.png"))
    below = second[-6 - 64 * 3 :]
    assert np.array_equal(both[-6 - 64 * 3 :, -below.shape[1] :], below)


def test_without_chosen_pairs_some_are_drawn(project: EvaluationProject) -> None:
    main_res.main(rows=3)  # of params.yaml's data set
    main_res.main("demo", rows=1, out=Path("data/one"))
    three, one = (images.read(Path(f"data/{name}.png")).shape for name in ("main_res", "one"))
    assert three[0] > 1.5 * one[0]
    assert three[1] > 1.5 * one[1]


def test_an_unknown_pair_is_refused_and_nothing_is_written(project: EvaluationProject) -> None:
    with pytest.raises(DataError, match=r"nobody: not a test pair \(expected one of 6, like fashion"):
        main_res.main("demo", pair=["nobody"])
    assert not Path("data/main_res.png").exists()


def test_market_is_drawn_from_its_files_in_two_blocks_of_tall_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    params = parameter_sets.read("market1501", folder=ROOT / "params").model_dump()
    params["datasets"]["market"] = params["datasets"]["market1501"]
    params["methods"] = ["dnaf", "copy_source", "gfla"]
    YAML().dump(params, Path("params.yaml"))
    write_market(Path("data/raw/market"))
    for stage in (unpack, split, render):
        stage.main("market")
    test, prepared = read_test_pairs(Path("data/pairs")), ImageStore(Path("data/prepared.zip"))
    made = {pair: near(prepared.image(f"{pair[1]}.png"), pair_id(*pair)) for pair in test.pairs}
    for method in params["methods"]:
        folder = Path("data/results", method)
        card = DNAF_CARD if method == "dnaf" else ROOT / folder / "card.yaml"
        write_folder(folder, {card.name: card.read_bytes()})
    with write_store(Path("data/results/dnaf/generated.zip"), {"pairs_sha256": test.sha256}) as store:
        for pair, image in made.items():
            store.add_image(f"{pair_id(*pair)}.png", image)
    published = {f"{pair_id(*pair)}_vis.png": encode_png(image) for pair, image in made.items()}
    write_folder(Path("data/results/gfla/results"), published)

    names = [pair_id(*pair) for pair in test.pairs[:4]]
    main_res.main("market", pair=names)
    sheet = images.read(Path("data/main_res.png"))
    height, width, gap = 128 * 3, 64 * 3, 6
    assert sheet.shape[1] == gap + 10 * (width + gap) + 18
    top = sheet.shape[0] - 2 * (height + gap)
    for number, pair in enumerate(test.pairs[:4]):
        block, row = divmod(number, 2)
        for column, expected in ((1, prepared.image(f"{pair[0]}.png")), (3, made[pair]), (4, made[pair])):
            y, x = top + row * (height + gap), gap + (5 * block + column) * (width + gap) + 18 * block
            shown = sheet[y : y + height, x : x + width]
            assert np.array_equal(shown, expected.repeat(3, axis=0).repeat(3, axis=1))
