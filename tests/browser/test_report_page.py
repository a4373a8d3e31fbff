"""The report page in a browser, opened from disk as a user opens it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dnaf.core.images import Pixels, decode, resize
from dnaf.core.shards import alone
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.report.page.page import write_page
from dnaf.report.typical import order, typical_pairs
from tests.browser.conftest import Watched
from tests.helpers.chromium import wait_until
from tests.helpers.evaluation_project import SIZE
from tests.helpers.report_page import board_of, demo_pairs, images_of, made_up
from tests.helpers.scored_methods import CARDS

PAIRS = demo_pairs()
SCORES = {name: board_of(name, len(PAIRS), seed).scores for seed, name in enumerate(("cfld", "gfla"))}


def shown_pairs(page: Page) -> list[int]:
    """Numbers of the pairs on the gallery's current page, from top to bottom."""
    return [
        int(number) for number in page.eval_on_selector_all(".open", "all => all.map(b => b.dataset.pair)")
    ]


def shown_methods(page: Page) -> list[str]:
    """The leaderboard's methods from top to bottom."""
    return [
        text.splitlines()[0]
        for text in page.locator(
            "#leaderboard-table [tabulator-field=title].tabulator-cell"
        ).all_inner_texts()
    ]


def in_list_order(page: Page) -> Page:
    page.select_option("#metric", "")
    return page


def screenshot(page: Page, selector: str) -> Pixels:
    return resize(decode(page.locator(selector).first.screenshot(), selector), SIZE, "box")


def test_it_opens_from_disk_and_asks_for_nothing_else(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    expect(page.locator("canvas")).to_have_count(3)
    wait_until(page, "[...document.images].slice(0, 5).every(image => image.naturalWidth > 0)")
    assert {url.partition(report.as_uri())[0] for url in watched.requests} == {""}


def test_the_leaderboard_shows_values_with_intervals_and_folds_who_is_absent(
    watched: Watched, report: Path
) -> None:
    page = watched.open(report)
    text = page.locator("#leaderboard-table").inner_text()
    mean = SCORES["cfld"]["pidm"]["ssim"].mean()
    assert f"[{mean - 0.05:.4f}, {mean + 0.05:.4f}]" in text
    assert "GFLA" not in text
    absent = page.locator("#absent")
    expect(absent.locator("li")).to_be_hidden()
    absent.get_by_text("1 method is not supplied: GFLA").click()
    expect(absent.locator("li")).to_have_text("GFLA (CVPR 2020): data/results/gfla/")
    assert "The test script of cfld" in page.locator("#protocol-text").inner_text()


def test_every_column_is_in_sight_at_1300_pixels_and_every_value_at_400(
    watched: Watched, tmp_path: Path
) -> None:
    made = made_up(tmp_path)
    for board in made.boards:
        board.columns[:] = [column for column in COLUMNS if not column.is_random][-14:]
        for row in board.present:
            row.numbers.update({column.key: 0.12345 for column in board.columns})
            row.numbers.update({f"{column.key}_low": -0.12345 for column in board.columns})
            row.numbers.update({f"{column.key}_high": 0.12345 for column in board.columns})
            for column in board.columns:
                board.marks.setdefault(column.key, {})
    write_page(tmp_path / "report", made, alone())
    watched.page.set_viewport_size({"width": 1300, "height": 900})
    page = watched.open(tmp_path / "report")
    headings = page.locator("#leaderboard-table .tabulator-col")
    expect(headings).to_have_count(15)
    for heading in headings.all():
        expect(heading).to_be_visible()
        box = heading.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1300
    watched.page.set_viewport_size({"width": 400, "height": 900})
    page = watched.open(tmp_path / "report")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    text = page.locator("#leaderboard-table .tabulator-row").first.inner_text()
    assert text.count("[-") == 14  # the interval of each value
    holder = page.locator("#leaderboard-table .tabulator-tableholder")
    assert holder.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_the_title_names_the_model_and_how_git_finds_its_date_and_commit(
    watched: Watched, report: Path
) -> None:
    page = watched.open(report)
    assert page.title() == "dnaf: demo, model 0123abcd"
    assert page.locator("h1").inner_text() == page.title()
    expect(page.locator("#when")).to_contain_text(
        'git log --reverse --format="%cs %h" -S 0123abcd -- metrics'
    )
    expect(page.locator("#written")).to_have_text(re.compile(r"20\d\d"))


def test_numbers_of_random_networks_are_charts_alone_with_a_warning_in_sight(
    watched: Watched, tmp_path: Path
) -> None:
    made = made_up(tmp_path)
    random = next(column for column in COLUMNS if column.key == "lpips_random")
    made.boards[0].columns.append(random)
    made.boards[0].marks[random.key] = {}
    for row in made.boards[0].present:
        row.numbers.update({random.key: 0.2, f"{random.key}_low": 0.1, f"{random.key}_high": 0.3})
    write_page(tmp_path / "report", made, alone())
    page = watched.open(tmp_path / "report")
    expect(page.locator("#warning")).to_contain_text("Compare LPIPS with no other table.")
    expect(page.get_by_role("img", name="LPIPS (random network)")).to_be_visible()
    expect(page.locator("#leaderboard-table")).not_to_contain_text("random network")
    page.select_option("#protocol", "gfla")
    expect(page.locator("#warning")).to_be_hidden()


def test_the_leaderboard_sorts_by_click_and_by_key(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    means = {method: scores["l1"].mean() for method, scores in SCORES["cfld"].items()}
    best_first = [CARDS[method].title for method in sorted(means, key=means.__getitem__)]
    header = page.get_by_role("button", name="L1")
    header.click()
    assert shown_methods(page) == best_first
    header.press("Enter")
    assert shown_methods(page) == best_first[::-1]


def test_another_protocol_changes_table_charts_and_scores(watched: Watched, report: Path) -> None:
    page = in_list_order(watched.open(report))
    page.select_option("#protocol", "gfla")
    expect(page.locator("#leaderboard h2")).to_contain_text("gfla")
    value = f"{SCORES['gfla']['dnaf']['l1'][0]:.4f}"
    expect(page.locator(".pair").first).to_contain_text(value)
    assert "The test script of gfla" in page.locator("#protocol-text").inner_text()
    assert f"{SCORES['gfla']['dnaf']['l1'].mean():.4f}" in page.locator("#leaderboard-table").inner_text()


def test_the_first_pairs_are_those_that_the_figure_shows(
    watched: Watched, report: Path, tmp_path: Path
) -> None:
    page = watched.open(report)
    made = made_up(tmp_path)
    expected, caption = typical_pairs(made.boards[0], made.data.test, made.cards, 10)
    assert [PAIRS[number] for number in shown_pairs(page)] == expected
    assert "SSIM (window 51) of DNAF" in caption
    expect(page.get_by_role("status")).to_contain_text("typical first: SSIM (window 51) of DNAF")


def test_typical_pairs_follow_the_chosen_score(watched: Watched, report: Path, tmp_path: Path) -> None:
    page = watched.open(report)
    page.select_option("#metric", "l1")
    page.select_option("#method", "pidm")
    outfits = made_up(tmp_path).data.test.outfits
    assert shown_pairs(page) == order(np.round(SCORES["cfld"]["pidm"]["l1"], 4), outfits)[:10]


def test_pairs_stand_in_the_lists_order_with_their_scores_below_the_images(
    watched: Watched, report: Path
) -> None:
    page = in_list_order(watched.open(report))
    assert shown_pairs(page) == list(range(10))
    row = page.locator(".pair").nth(3).locator("tr", has_text="L1").inner_text().split("\t")
    values = [f"{SCORES['cfld'][method]['l1'][3]:.4f}" for method in ("copy_source", "dnaf", "pidm")]
    assert [cell.strip() for cell in row] == ["L1 ↓", "", values[0], "", *values[1:]]
    bold = [locator.inner_text() for locator in page.locator("tr", has_text="L1").locator(".best").all()]
    assert bold == [
        f"{min(dnaf, pidm):.4f}"
        for copied, dnaf, pidm in zip(
            *(SCORES["cfld"][method]["l1"][:10] for method in ("copy_source", "dnaf", "pidm")), strict=True
        )
        if min(dnaf, pidm) < copied  # else nothing is: copies are never the best
    ]
    expect(page.locator(".pair .best").first).to_have_css("font-weight", "700")


def test_the_next_page_of_pairs_is_shown_from_its_top(watched: Watched, report: Path) -> None:
    page = in_list_order(watched.open(report))
    page.get_by_role("button", name="Next Page").click()
    assert shown_pairs(page) == list(range(10, 20))
    expect(page.locator(".open").first).to_be_in_viewport()


def test_pairs_sort_by_a_metric_of_a_method(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.select_option("#metric", "l1")
    page.select_option("#method", "pidm")
    page.select_option("#order", "worst")
    by_l1 = np.argsort(SCORES["cfld"]["pidm"]["l1"])
    assert shown_pairs(page) == by_l1[::-1][:10].tolist()
    page.select_option("#order", "best")
    assert shown_pairs(page) == by_l1[:10].tolist()


def test_pairs_sort_by_the_difference_of_two_methods(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.select_option("#metric", "ssim")
    page.select_option("#method", "dnaf")
    page.select_option("#minus", "pidm")
    page.select_option("#order", "worst")
    difference = SCORES["cfld"]["dnaf"]["ssim"] - SCORES["cfld"]["pidm"]["ssim"]
    assert shown_pairs(page) == np.argsort(difference)[:10].tolist()
    expect(page.locator(".pair").first).to_contain_text(f"DNAF − PIDM: {difference.min():.3f}")
    expect(page.get_by_role("status")).to_contain_text("worst first: SSIM (window 51) of DNAF − PIDM")


def test_pairs_are_filtered_by_view_and_by_garment(watched: Watched, report: Path) -> None:
    page = in_list_order(watched.open(report))
    page.get_by_label("View of target").select_option("side")
    page.get_by_label("Category").select_option("MEN Shirts_Polos")
    expected = [n for n, (_, target) in enumerate(PAIRS) if "MENShirts" in target and target.endswith("side")]
    assert shown_pairs(page) == expected
    expect(page.get_by_role("status")).to_contain_text(f"{len(expected)} of {len(PAIRS)} pairs")


def test_a_jump_by_name_leads_to_the_pair_on_whichever_page_it_is(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.keyboard.press("/")
    page.keyboard.type("_".join([PAIRS[20][0], "2", PAIRS[20][1]]).upper())
    page.keyboard.press("Enter")
    expect(page.locator('.open[data-pair="20"]')).to_be_focused()


def test_a_jump_undoes_filters_that_hide_the_pair(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.get_by_label("View of target").select_option("front")
    page.fill("#name", f"{PAIRS[0][0]}_2_{PAIRS[0][1]}")
    page.get_by_role("button", name="Go").click()
    expect(page.locator('.open[data-pair="0"]')).to_be_focused()
    expect(page.get_by_label("View of target")).to_have_value("")


def test_a_jump_to_nowhere_says_so(watched: Watched, report: Path) -> None:
    page = in_list_order(watched.open(report))
    page.fill("#name", "nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("No pair has “nobody” in its name.")
    assert shown_pairs(page) == list(range(10))


def test_a_pair_is_enlarged_by_key_and_shows_each_panels_own_image(watched: Watched, report: Path) -> None:
    page = in_list_order(watched.open(report))
    page.locator(".open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#zoom")).to_be_visible()
    figures = page.locator("#figures figure")
    expect(figures).to_have_count(5)
    assert [figure.locator("strong").inner_text() for figure in figures.all()] == [
        "Pose",
        "Source",
        "Target",
        "DNAF",
        "PIDM",
    ]
    for number, label in enumerate(("Pose", "Source", "Target", "DNAF", "PIDM")):
        wait_until(
            page, "[...document.querySelectorAll('#figures img')].every(image => image.naturalWidth > 0)"
        )
        found = screenshot(page, f"#figures figure:nth-child({number + 1}) .panel-image").astype(float)
        assert np.abs(found - images_of(label)(PAIRS[1])).mean() < 12
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()
    expect(page.locator('.open[data-pair="1"]')).to_be_focused()


def test_enlarged_images_go_to_other_pairs_grow_move_together_and_can_be_left_out(
    watched: Watched, report: Path
) -> None:
    page = watched.open(report)
    page.select_option("#metric", "l1")
    page.select_option("#order", "worst")
    by_l1 = np.argsort(SCORES["cfld"]["dnaf"]["l1"])[::-1].tolist()
    page.locator(".open").first.click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#zoom-name")).to_contain_text(PAIRS[by_l1[1]][1])
    page.get_by_role("checkbox", name="Pose").uncheck()
    expect(page.locator("#figures figure")).to_have_count(4)
    before = page.locator("#figures .panel-image").first.bounding_box()
    page.locator("#next").focus()
    for _ in range(6):
        page.keyboard.press("+")
    after = page.locator("#figures .panel-image").first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(4 * before["width"], rel=0.1)
    page.evaluate("document.querySelector('#figures .frame').scrollTo(40, 30)")
    wait_until(
        page, "[...document.querySelectorAll('.frame')].every(f => f.scrollLeft === 40 && f.scrollTop === 30)"
    )


def test_names_and_titles_are_shown_as_text(watched: Watched, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=document.title='taken'><b>$&\"'"
    cards = CARDS | {
        "dnaf": CARDS["dnaf"].model_copy(update={"title": evil, "repository": "javascript:alert(1)"})
    }
    pairs = [(f"{evil} {number}", f"{evil} {number} target") for number in range(3)]
    write_page(tmp_path / "report", made_up(tmp_path, pairs, "custom", f"{evil} data", cards), alone())
    page = watched.open(tmp_path / "report")
    page.select_option("#metric", "l1")
    page.locator(".open").first.click()
    expect(page.locator("#zoom-name")).to_contain_text(evil)
    assert evil in page.locator("h1").inner_text()
    assert evil in page.locator("#leaderboard-table").inner_text()
    assert evil in page.locator(".pair").first.inner_text()
    assert page.title() == f"dnaf: {evil} data, model 0123abcd"
    assert page.locator("b, a[href^='javascript'], img[src=x]").count() == 0


def test_without_its_scores_the_page_says_so_and_shows_the_images(
    watched: Watched, report: Path, tmp_path: Path
) -> None:
    shutil.copytree(report, tmp_path / "report")
    (tmp_path / "report/scores/cfld.js").unlink()
    page = watched.open(tmp_path / "report")
    expect(page.get_by_role("status")).to_contain_text("scores/cfld.js is missing beside this page")
    expect(page.locator(".pair")).to_have_count(10)
    watched.complaints.clear()  # the browser's own about the file


def test_on_a_phone_nothing_sticks_out_of_the_page(watched: Watched, report: Path) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    page = watched.open(report)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".open").first.click()
    box = page.locator("#zoom").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 390 - box["width"]


def test_it_is_dark_where_the_system_is(watched: Watched, report: Path) -> None:
    watched.page.emulate_media(color_scheme="dark")
    page = watched.open(report)
    image = decode(page.screenshot(), "screenshot")
    assert np.median(image) < 64
