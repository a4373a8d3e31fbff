"""The Chromium that is installed, without a window and with an empty profile."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The program's path; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser(chromium: str) -> Iterator[BrowserContext]:
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=_FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 900},
        )
        yield context
        context.close()


def wait_until(page: Page, expression: str) -> None:
    """Waits for an expression to be true. Playwright's own way needs `eval`, which the page forbids.

    Raises:
        playwright.sync_api.Error: it is not within ten seconds.
    """
    page.evaluate(
        f"""new Promise((done, fail) => {{
            const look = () => ({expression}) ? done() : setTimeout(look, 10);
            setTimeout(() => fail("still not true after ten seconds"), 10_000);
            look();
        }})"""
    )
