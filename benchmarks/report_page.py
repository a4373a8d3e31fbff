"""The report page at DeepFashion's size: how large it is, and how long people wait for it.

Run: python -m benchmarks.report_page [--pairs 8570] [--methods 10]

Writes a page of made-up scores and of images cut from the photographs that scikit-image brings along, and
opens it in the Chromium that is installed. Then shows why a pair has a file of its own: the ten pairs of one
page of the gallery, drawn at random as any order by scores draws them, from files of one pair and from sprite
sheets of sixteen.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
from playwright.sync_api import Page
from skimage import data as photographs

from dnaf.core import images
from dnaf.core.shards import alone
from dnaf.data.pairs.pairs import Pair
from dnaf.data.store import ImageStore, write_store
from dnaf.evaluate.submissions.find import TestPairs
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.open import DataSet
from dnaf.report.board import Board, compare
from dnaf.report.loss_curve import LossCurve
from dnaf.report.methods import MethodMetrics
from dnaf.report.page.page import PAGE, Content, write_page
from dnaf.report.panels import Panel
from dnaf.report.tables.strata import Partition
from tests.helpers.chromium import find_chromium, open_browser, wait_until

SIZE = (256, 176)
METRICS = ("lpips", "ssim", "ssim_gaussian", "psnr", "l1", "mae")
_NUM_IMAGES = 50
_PAIRS_A_SHEET = 16
_PAIRS_SHOWN = 10


def content(folder: Path, num_pairs: int, num_methods: int) -> Content:
    """What a run over DeepFashion would show, scores and images made up."""
    pairs = [
        (
            f"fashionWOMENTees_Tanksid{pair // 4:08d}01_{pair % 4}front",
            f"fashionWOMENTees_Tanksid{pair // 4:08d}01_{pair % 4 + 4}back",
        )
        for pair in range(num_pairs)
    ]
    methods = [f"method_{number}" for number in range(num_methods)]
    generator = np.random.default_rng(0)
    cut_outs = [_cut(generator) for _ in range(_NUM_IMAGES)]
    with write_store(folder / "prepared.zip", {}):
        pass
    return Content(
        "deepfashion",
        DataSet(
            "deepfashion",
            SIZE,
            TestPairs(pairs, [source for source, _ in pairs], ""),
            folder / "train_images.csv",
            ImageStore(folder / "prepared.zip"),
        ),
        [_board(methods, num_pairs, generator)],
        {
            method: Card(title=method, paper=None, repository=None, naming=None, panels=None)
            for method in methods
        },
        [Partition("Item", ["never in training", "in training too"], np.arange(num_pairs) % 2)],
        [
            Panel(label, label if label in methods else None, _drawn(cut_outs, column))
            for column, label in enumerate(("Pose", "Source", "Target", *methods))
        ],
        LossCurve(list(range(500)), generator.random(500).round(6).tolist(), 200),
    )


def _cut(generator: np.random.Generator) -> images.Pixels:
    photograph = generator.choice([photographs.astronaut, photographs.chelsea, photographs.coffee])()
    top, left = (
        generator.integers(0, whole - shown) for whole, shown in zip(photograph.shape, SIZE, strict=False)
    )
    return np.ascontiguousarray(photograph[top : top + SIZE[0], left : left + SIZE[1]])


def _drawn(cut_outs: list[images.Pixels], column: int) -> Callable[[Pair], images.Pixels]:
    return lambda pair: cut_outs[(crc32(pair[1].encode()) + 7 * column) % len(cut_outs)]


def _board(methods: list[str], num_pairs: int, generator: np.random.Generator) -> Board:
    scores = {method: {key: generator.random(num_pairs) for key in METRICS} for method in methods}
    block = {
        "name": "cfld",
        "title": "Made up",
        "image_size": "256x176",
        "dropped": {},
        "real_set": None,
        "weights": {},
        "bootstrap": {"num_resamplings": 0, "seed": 0},
        "unit": "outfit",
        "fid_rank_deficient": False,
        "results": {},
    }
    rows = []
    for method in methods:
        numbers = {key: float(values.mean()) for key, values in scores[method].items()}
        rows.append(
            MethodMetrics(method, numbers | {"num_pairs": num_pairs, "num_expected": num_pairs}, block)
        )
    return compare("cfld", rows, scores, [str(pair // 4) for pair in range(num_pairs)])


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def use(page: Page, report: Path) -> list[tuple[str, str]]:
    """Opens the page and uses its gallery; what each step took, as a user waits for it."""
    loaded = (
        "[...document.querySelectorAll('#pairs img')].slice(0, 5).every(i => i.complete && i.naturalWidth)"
    )

    def scores_are_shown() -> None:
        page.goto((report / PAGE).as_uri())
        page.wait_for_selector(".pair .best")

    def sort() -> None:
        page.select_option("#metric", "ssim")
        page.select_option("#minus", "method_1")
        page.wait_for_selector(".pair .chosen")

    def turn() -> None:
        page.get_by_role("button", name="Next Page").click()
        wait_until(page, loaded)

    def jump() -> None:
        page.fill("#name", "01_1front")
        page.keyboard.press("Enter")
        page.wait_for_selector(".open:focus")

    ready = timed(scores_are_shown)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return [
        ("first paint", f"{paint:,.0f} ms"),
        ("gallery with scores", f"{ready:,.0f} ms"),
        ("sort by a difference", f"{timed(sort):,.0f} ms"),
        ("next ten pairs, images shown", f"{timed(turn):,.0f} ms"),
        ("jump to a pair", f"{timed(jump):,.0f} ms"),
        ("memory of scripts", f"{page.evaluate('performance.memory.usedJSHeapSize') / 1e6:,.0f} MB"),
    ]


def compare_layouts(page: Page, folder: Path, num_pairs: int) -> tuple[float, float, float, float]:
    """Milliseconds and MB to load and decode ten random pairs: from their own files, from sprite sheets."""
    shown = np.random.default_rng(1).choice(num_pairs, _PAIRS_SHOWN, replace=False)
    files = [folder / f"report/pairs/{pair}.jpg" for pair in shown]
    sheets = []
    for number in sorted({int(pair) // _PAIRS_A_SHEET for pair in shown}):
        first = number * _PAIRS_A_SHEET
        rows = [
            images.read(folder / f"report/pairs/{pair}.jpg")
            for pair in range(first, min(first + _PAIRS_A_SHEET, num_pairs))
        ]
        sheets.append(folder / f"sheet_{number}.jpg")
        sheets[-1].write_bytes(images.encode_jpeg(np.concatenate(rows), 90))
    load = """all => Promise.all(all.map(url => {
        const image = new Image();
        image.src = url;
        return image.decode();
    }))"""
    (folder / "empty.html").write_text("<!doctype html>")
    page.goto((folder / "empty.html").as_uri())
    urls = [[path.as_uri() for path in paths] for paths in (files, sheets)]
    of_files, of_sheets = (timed(lambda some=some: page.evaluate(load, some)) for some in urls)
    sizes = [sum(path.stat().st_size for path in paths) / 1e6 for paths in (files, sheets)]
    return of_files, sizes[0], of_sheets, sizes[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="The report page at DeepFashion's size")
    parser.add_argument("--pairs", type=int, default=8570)
    parser.add_argument("--methods", type=int, default=10)
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium here: install one")
    with tempfile.TemporaryDirectory() as name, open_browser(chromium) as browser:
        folder = Path(name)
        made = content(folder, options.pairs, options.methods)
        seconds = timed(lambda: write_page(folder / "report", made, alone())) / 1000
        report, page = folder / "report", browser.new_page()
        num_bytes = sum(path.stat().st_size for path in (report / "pairs").iterdir())
        rows = [
            ("write it", f"{seconds:,.0f} s"),
            (PAGE, f"{(report / PAGE).stat().st_size / 1e6:.1f} MB"),
            ("scores of a protocol", f"{(report / 'scores/cfld.js').stat().st_size / 1e6:.1f} MB"),
            ("images", f"{num_bytes / 1e6:,.0f} MB"),
            *use(page, report),
        ]
        own, own_size, sheets, sheets_size = compare_layouts(page, folder, options.pairs)
    rows += [
        (f"{_PAIRS_SHOWN} random pairs from their own files", f"{own:,.0f} ms, {own_size:.1f} MB"),
        (
            f"the same from sprite sheets of {_PAIRS_A_SHEET}",
            f"{sheets:,.0f} ms, {sheets_size:.1f} MB ({sheets / own:.1f}x)",
        ),
    ]
    numbers = f"{options.pairs:,} pairs, {options.methods} methods, {len(METRICS)} metrics"
    print(f"{numbers}, images of {SIZE[0]}x{SIZE[1]} pixels\n")
    print("| | |\n|---|--:|")
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
