"""What people feel at the pages, in a real Chromium against a running `crossdock serve` with all orders stored: how soon the largest thing
is painted (LCP), how far things jump (CLS), how soon a click or a key is answered on the screen (INP).

Each visit is a browser's first: nothing is in its cache. Left out where there is no Chromium or no playwright.
"""

import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.bench import bodies, child, measure
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.pages import busy_shop, token_of
from config.bench.rows import Row, left_out, row
from config.bench.stage import Shop, Stores
from core.store.sql import run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
SIZES = ({"width": 1440, "height": 900}, {"width": 360, "height": 740})
PATHS = ("/", "/orders", "/orders/{order}", "/stock", "/stock/sku?sku=SKU-0007")
WATCH = """
window.felt = {lcp: 0, cls: 0, inp: 0};
const watch = (type, take, more) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({type, buffered: true, ...more});
watch("largest-contentful-paint", (one) => { felt.lcp = one.startTime; });
watch("layout-shift", (one) => { if (!one.hadRecentInput) felt.cls += one.value; });
watch("event", (one) => { if (one.interactionId) felt.inp = Math.max(felt.inp, one.duration); }, {durationThreshold: 16});
"""
# After the frame in which it is painted, what was seen is told.
TOLD = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(felt), 120)))"
TOUCHED = "summary, main input[type=checkbox], main input[type=search], main input[name=units], main input[name=tag], main select"


@dataclass
class Felt:
    """Of each visit: milliseconds, the sum of shifts, milliseconds of the slowest of what was done there."""

    lcp: list[float] = field(default_factory=list)
    cls: list[float] = field(default_factory=list)
    inp: list[float] = field(default_factory=list)
    done: int = 0

    def add(self, seen: Mapping[str, float]) -> None:
        self.lcp.append(seen["lcp"])
        self.cls.append(seen["cls"])
        self.inp.append(seen["inp"])


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None or importlib.util.find_spec("playwright") is None:
        yield left_out("vitals", stores.best, "vitals needs Chromium (apt-get install chromium) and playwright (requirements-dev.txt)")
        return
    goods = bodies.goods(body.raw for body in patterns) | {(f"L-{n}", f"GOODS-{n:05}") for n in range(pace.page_skus)}
    with busy_shop(stores, stores.best, pace, patterns, goods) as (shop, _):
        _rest(shop)
        with ThreadPoolExecutor(1) as apart:  # playwright wants a thread of its own, in which no other browser is driven
            felt = apart.submit(_felt, shop, stores, pace, program).result()
        for path, one in felt.items():
            yield from _rows(path, one, stores.best)


def _rest(shop: Shop) -> None:
    """Nobody outside is asked or told anything meanwhile."""
    with shop.hub.database.write() as db:
        run(db, "update connections set state = 'paused'")
        run(db, "update hooks set state = 'paused'")


def _rows(path: str, felt: Felt, store: str) -> Iterator[Row]:
    note = f"{path}: three of four of {len(felt.lcp)} first visits, wide and narrow"
    yield row("lcp_ms", store, measure.percentile(felt.lcp, 0.75), note=note)
    yield row("cls", store, max(felt.cls), note=f"{path}: the most of all visits, some seconds long")
    inp = f"{path}: the slowest of {felt.done // len(felt.inp)} clicks and keys, of three of four visits"
    yield row("inp_ms", store, measure.percentile(felt.inp, 0.75), note=inp)


def _felt(shop: Shop, stores: Stores, pace: Pace, program: str) -> dict[str, Felt]:
    from playwright.sync_api import sync_playwright

    with shop.hub.database.read() as db:
        order = run(
            db, "select id from orders where merchant = :merchant order by placed_at desc limit 1", merchant=shop.merchant
        ).scalar_one()
    cookie, found = shop.hub.vault.sign("crossdock", token_of(shop)), {path: Felt() for path in PATHS}
    with child.web(shop.settings.database, stores.folder) as port, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=list(OPTIONS))
        for number in range(-1, pace.visits):  # the first warms the server
            for path, felt in found.items():
                address = f"http://127.0.0.1:{port}{path.format(order=order)}"
                _visit(
                    browser, address, cookie, felt if number >= 0 else Felt(), number, pace if number >= 0 else replace(pace, visit_ms=0)
                )
        browser.close()
    return found


def _visit(browser: "Browser", address: str, cookie: str, felt: Felt, number: int, pace: Pace) -> None:
    context = browser.new_context(viewport=SIZES[number % 2])  # type: ignore[arg-type]
    context.add_cookies([{"name": "crossdock", "value": cookie, "url": address}])
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load")
    page.evaluate(TOLD)
    felt.done += _use(page, pace.touched)
    page.wait_for_timeout(pace.visit_ms)
    felt.add(page.evaluate(TOLD))
    context.close()


def _use(page: "Page", most: int) -> int:
    """Open, tick and type what can be, as somebody would; gives how much was done."""
    done = 0
    for thing in page.locator(TOUCHED).all()[:most]:
        if not thing.is_visible() or not thing.is_enabled():
            continue
        thing.click()
        done += 1
        if thing.evaluate("(one) => one.matches('input:not([type=checkbox])')"):
            thing.press("7")
            done += 1
        if thing.evaluate("(one) => one.matches('select')"):
            thing.press("Escape")
    return done
