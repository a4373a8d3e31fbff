import json
import re
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import StateError
from dnaf.core.images import decode
from dnaf.core.seals import write_sealed
from dnaf.core.shards import alone, open_shards
from dnaf.report.loss_curve import LossCurve, read_loss_curve
from dnaf.report.page import page
from dnaf.report.page.page import PAGE, to_html, write_page
from tests.helpers import processes
from tests.helpers.evaluation_project import SIZE
from tests.helpers.report_page import LABELS, demo_pairs, images_of, made_up


def data_of(html: str) -> dict[str, object]:
    """What the page's scripts are given."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert found
    content: dict[str, object] = json.loads(found[1])
    return content


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_content_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_page(tmp_path / name, made_up(tmp_path), alone())
    first = files_below(tmp_path / "first")
    assert first == files_below(tmp_path / "second")
    numbers = range(len(demo_pairs()))
    assert first.keys() == {
        PAGE,
        "manifest.json",
        "scores/cfld.js",
        "scores/gfla.js",
        *(f"pairs/{n}.jpg" for n in numbers),
    }


def write_shared(folder: Path) -> None:
    page._CHUNK = 1
    with open_shards() as shards:
        write_page(folder / "shared", made_up(folder), shards)


def test_processes_that_share_the_images_write_the_page_of_one(tmp_path: Path) -> None:
    write_page(tmp_path / "alone", made_up(tmp_path), alone())
    assert processes.run_two(tmp_path / "scratch", write_shared, tmp_path) == [0, 0]
    assert files_below(tmp_path / "shared") == files_below(tmp_path / "alone")
    assert not list((tmp_path / "scratch").rglob("chunk-*"))


def test_a_pairs_file_shows_its_panels_side_by_side(tmp_path: Path) -> None:
    write_page(tmp_path / "report", made_up(tmp_path), alone())
    height, width = SIZE
    strip = decode((tmp_path / "report/pairs/7.jpg").read_bytes(), "7.jpg").astype(float)
    assert strip.shape == (height, len(LABELS) * width, 3)
    for column, label in enumerate(LABELS):
        panel = strip[:, column * width : (column + 1) * width]
        assert np.abs(panel - images_of(label)(demo_pairs()[7])).mean() < 12


def test_a_new_page_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    write_page(tmp_path / "report", made_up(tmp_path), alone())
    write_page(tmp_path / "report", made_up(tmp_path, demo_pairs()[:3]), alone())
    assert sorted(path.name for path in (tmp_path / "report/pairs").iterdir()) == ["0.jpg", "1.jpg", "2.jpg"]


def test_pairs_are_named_by_their_stems(tmp_path: Path) -> None:
    data = data_of(to_html(made_up(tmp_path)))
    stems, sources, targets = data["stems"], data["sources"], data["targets"]
    assert isinstance(stems, list)
    assert isinstance(sources, list)
    assert isinstance(targets, list)
    assert [(stems[s], stems[t]) for s, t in zip(sources, targets, strict=True)] == demo_pairs()


@pytest.mark.parametrize(
    ("format_name", "pairs", "expected"),
    [
        ("deepfashion", demo_pairs(), ["Category", "View of source", "View of target", "Item"]),
        (
            "market1501",
            [("0001_c1s1_001051_00", "0001_c2s1_000301_00")],
            ["Camera of source", "Camera of target", "Item"],
        ),
        ("custom", [("anna/1", "anna/2")], ["Item"]),
    ],
)
def test_pairs_are_chosen_by_what_their_names_say(
    format_name: str, pairs: list[tuple[str, str]], expected: list[str], tmp_path: Path
) -> None:
    filters = data_of(to_html(made_up(tmp_path, pairs, format_name)))["filters"]
    assert isinstance(filters, list)
    assert [one["label"] for one in filters] == expected
    for one in filters:
        if one["label"] == "View of target":
            shown = [one["names"][value] for value in one["values"]]
            assert shown[:3] == ["side", "back", "front"]


def test_every_kind_of_pairs_has_the_means_of_every_method(tmp_path: Path) -> None:
    content = made_up(tmp_path)
    strata = data_of(to_html(content))["boards"][0]["strata"]  # type: ignore[index]
    scores = content.boards[0].scores["dnaf"]
    assert "fid" not in strata["metrics"]
    assert [row["name"] for row in strata["rows"]] == ["never in training", "in training too"]
    for number, row in enumerate(strata["rows"]):
        for key in strata["metrics"]:
            text, interval = row["cells"]["dnaf"][key]
            assert float(text.removesuffix(" %")) == pytest.approx(scores[key][number::2].mean(), abs=0.006)
            assert interval.startswith("[")


def test_scores_are_rounded_as_the_tables_show_them(tmp_path: Path) -> None:
    content = made_up(tmp_path)
    write_page(tmp_path / "report", content, alone())
    text = (tmp_path / "report/scores/gfla.js").read_text()
    name, values = json.loads(f"[{text.removeprefix('receiveScores(').removesuffix(');' + chr(10))}]")
    assert name == "gfla"
    scores = content.boards[1].scores
    assert values.keys() == scores.keys()
    assert values["pidm"]["l1"] == np.round(scores["pidm"]["l1"], 4).tolist()


def test_without_training_there_is_no_loss_curve(tmp_path: Path) -> None:
    assert read_loss_curve(tmp_path / "loss.csv") is None


def test_a_long_loss_curve_is_averaged(tmp_path: Path) -> None:
    rows = "".join(f"{step},{step % 2},0.1\n" for step in range(1, 1001))
    write_sealed(tmp_path / "loss.csv", "step,loss,lr\n" + rows)
    assert read_loss_curve(tmp_path / "loss.csv") == LossCurve(list(range(2, 1001, 2)), [0.5] * 500, 2)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step,loss\n1,much\n"])
def test_what_is_no_loss_curve_is_refused(text: str, tmp_path: Path) -> None:
    write_sealed(tmp_path / "loss.csv", text)
    with pytest.raises(StateError, match=r"loss\.csv: not a table of losses .* Run train again\."):
        read_loss_curve(tmp_path / "loss.csv")


def test_the_title_names_project_data_and_model_and_nothing_of_time_or_commit(tmp_path: Path) -> None:
    html = to_html(made_up(tmp_path))
    assert "<title>dnaf: demo, model 0123abcd</title>" in html
    assert "DNAF: ddim, 4 steps, seed 7." in html
    unknown = made_up(tmp_path)
    for board in unknown.boards:
        for row in board.rows:
            row.protocol.pop("results", None)
            row.protocol["results"] = {}
    assert "<title>dnaf: demo</title>" in to_html(unknown)


def test_the_gallery_knows_by_what_it_begins_and_which_pairs_share_an_outfit(tmp_path: Path) -> None:
    content = made_up(tmp_path)
    data = data_of(to_html(content))
    boards, outfits = data["boards"], data["outfits"]
    assert isinstance(boards, list)
    assert isinstance(outfits, list)
    assert [board["typical"] for board in boards] == [{"method": "dnaf", "metric": "ssim"}] * 2
    names = content.data.test.outfits
    assert [[a == b for b in outfits] for a in outfits] == [[a == b for b in names] for a in names]
    assert data["unit"] == "outfit"
