"""The pictures of docs/pictures: the rehearsal as a newcomer starts it, page by page in a real browser (`make pictures`)."""

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.text import Text

from tests.browser.conftest import NARROW, OPTIONS, program
from tests.browser.rehearsal import PATIENT_MS, SKU, Rehearsal, rehearse, sign_in

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 150_000  # bytes of a picture
COLUMNS = 100  # of a terminal
WIDE, TALL = {"width": 1440, "height": 840}, {"width": 1440, "height": 1440}
ROOMS = {
    "overview": "/",
    "start": "/start",
    "orders": "/orders",
    "stock": "/stock",
    "sku": f"/stock/sku?sku={SKU}",
    "unmatched": "/stock/unmatched",
    "import": "/stock/import",
    "locations": "/stock/locations",
    "shipments": "/shipments",
    "books": "/books",
    "payouts": "/books/payouts",
    "ledgers": "/books/ledgers",
    "profit": "/books/profit",
    "certificate": "/books/certificate",
    "attention": "/attention",
    "connections": "/connections",
    "settings": "/settings",
    "people": "/settings/people",
    "keys": "/settings/keys",
    "hooks": "/settings/hooks",
    "alerts": "/settings/alerts",
    "activity": "/activity",
    "account": "/account",
}
ON_A_TELEPHONE = ("overview", "orders", "attention")


@contextmanager
def browser() -> Iterator[Browser]:
    found = program()
    if found is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=found, args=OPTIONS)


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    raw = page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(f"{name}.png: {len(raw):,} bytes{' TOO LARGE' if len(raw) > LARGEST else ''}")


def owner(there: Rehearsal, chromium: Browser, size: dict[str, int], **more: Any) -> Page:
    page = chromium.new_context(viewport=size, reduced_motion="reduce", **more).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(PATIENT_MS)
    sign_in(page, there)
    return page


def alone(there: Rehearsal, chromium: Browser) -> None:
    page = owner(there, chromium, WIDE)
    for name, path in ROOMS.items():
        page.goto(there.hub + path)
        shoot(page, name)
    page.goto(f"{there.hub}/orders")
    page.set_viewport_size(TALL)  # type: ignore[arg-type]
    page.locator("tbody th a").nth(3).click()
    page.get_by_role("heading", level=1).wait_for()
    shoot(page, "order")
    narrow = owner(there, chromium, NARROW)
    for name in ON_A_TELEPHONE:
        narrow.goto(there.hub + ROOMS[name])
        shoot(narrow, f"{name}-narrow")
    dark = owner(there, chromium, WIDE, color_scheme="dark")
    dark.goto(there.hub)
    shoot(dark, "overview-dark")


def inside(there: Rehearsal, chromium: Browser) -> None:
    page = chromium.new_context(viewport=WIDE, reduced_motion="reduce").new_page()  # type: ignore[arg-type]
    page.goto(there.admin)
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for(timeout=PATIENT_MS)
    shoot(page, "inside-shopify")


def russian(there: Rehearsal, chromium: Browser) -> None:
    page = owner(there, chromium, WIDE)
    page.goto(f"{there.hub}/account")
    page.locator("select[name=locale]").select_option("ru")
    page.locator("form:has(select[name=locale]) button").click()
    page.goto(f"{there.hub}/orders")
    shoot(page, "orders-russian")


def terminal(there: Rehearsal) -> None:
    """What the rehearsal printed, without its password, as a picture that asks nobody for letters."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ make run\n{there.said.replace(there.password, 'its-own-password')}"))
    drawn = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="Crossdock", unique_id="rehearsal"), flags=re.S)
    letters = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
    (FOLDER.parent / "demo.svg").write_text(drawn.replace("Fira Code, monospace", letters), "utf-8")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, rehearse(Path(home), orders=200) as there, browser() as chromium:
        terminal(there)
        for show in (alone, inside, russian):
            show(there, chromium)


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main()
