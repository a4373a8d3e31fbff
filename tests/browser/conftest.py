"""A headless browser that shows a made-up report page from disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from dnaf.core.shards import alone
from dnaf.report.page.page import write_page
from tests.helpers.chromium import NAMES, find_chromium, open_browser
from tests.helpers.report_page import made_up


class Watched:
    """A browser's page and what it complained about or asked for.

    Attributes:
        ignored: pieces of complaints that are none.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.ignored: tuple[str, ...] = ()
        page.on("console", lambda message: self._complain(message.text))
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("requestfailed", lambda request: self._complain(request.url))
        page.on("request", lambda request: self.requests.append(request.url))

    def _complain(self, text: str) -> None:
        if not any(each in text for each in self.ignored):
            self.complaints.append(text)

    def open(self, folder: Path) -> Page:
        """The page in a folder written by `write_page`, ready to be used."""
        self.page.goto((folder / "index.html").as_uri())
        self.page.wait_for_selector(".pair, #pairs .tabulator-placeholder")
        return self.page


@pytest.fixture(scope="session")
def browser_context() -> Iterator[BrowserContext]:
    """The browser that is installed, with a profile of its own; without one, the test is skipped."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(f"no Chromium here (looked for {', '.join(NAMES)}): the report page is not tested")
    with open_browser(chromium) as context:
        yield context


@pytest.fixture
def watched(browser_context: BrowserContext) -> Iterator[Watched]:
    """A new tab; the test fails if anything is complained about in it."""
    watched = Watched(browser_context.new_page())
    yield watched
    watched.page.close()
    assert watched.complaints == []


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report page."""
    folder = tmp_path_factory.mktemp("made_up")
    write_page(folder / "report", made_up(folder), alone())
    return folder / "report"
