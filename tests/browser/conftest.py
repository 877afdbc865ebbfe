"""A real browser. Where there is none on this machine its tests are skipped, and say how to get it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OPTIONS += ["--disable-component-update", "--disable-sync"]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
SERIOUS = ("serious", "critical")


def program() -> str | None:
    """Where it is on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = program()
    if found is None:
        pytest.skip("Chromium is not on this machine: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """open_page(width) is an empty page of a browser that knows nobody yet. What its console calls an error fails the test."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def make(size: dict[str, int] = WIDE, **more: object) -> Page:
        contexts.append(chromium.new_context(viewport=size, reduced_motion="reduce", **more))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []


def findings(page: Page | Frame) -> list[str]:
    """What axe finds serious on this page: rule, and where."""
    page.evaluate(Path(AXE_FILE_PATH).read_text("utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found if one["impact"] in SERIOUS]
