"""The bench in a real browser, by its keyboard alone."""

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from core.domain.roles import Role
from core.flows import packing
from tests.browser.conftest import NARROW, findings
from tests.conftest import House
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from web.app import make_app
from web.visitor import Visitor

SEEN = "document.activeElement.name"


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(MUG=9, TRAY=9, LAMP=9)
    made = depot(house)
    packing.choose(house.hub, made.merchant, made.carrier.id, "slow", ANN)
    made.sell(MUG=2, TRAY=1)
    return made


@pytest.fixture
def address(dock: Depot) -> Iterator[str]:
    asks = Visitor(dock.merchant, "u1", "Ana", Role.OWNER, "desk")
    server = make_server("127.0.0.1", 0, make_app(dock.house.hub, ways=(lambda _: asks,)), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def scan(page: Page, code: str, leads: str) -> None:
    """They scan it: as keys and Enter. It is seen in the address, or in what is said."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{leads}")


@on_sqlite
def test_from_the_slip_to_the_open_label_by_the_keyboard_alone(dock: Depot, address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(NARROW)
    page.goto(f"{address}/bench")

    scan(page, "s1", "/bench?at=S1")
    scan(page, "mug", "done=0x1&latest=MUG")
    scan(page, "LAMP", "scan=LAMP")
    assert page.inner_text(".refused") == "LAMP does not belong into this parcel."
    scan(page, "MUG", "done=0x2&latest=MUG")
    page.reload()
    scan(page, "TRAY", "done=0x2.1x1&latest=TRAY")
    page.wait_for_function(f"{SEEN} === 'grams'")
    assert findings(page) == [] and page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    scan(page, "TRAY", "/bench/S1/label")
    assert "is no weight in grams" in page.inner_text(".refused")
    page.keyboard.press("Control+A")
    scan(page, "1500", "/bench?at=S1")
    assert "The label is being bought." in page.inner_text("#bench")

    with page.context.expect_page() as opened:
        dock.house.drain()
    assert "/shipments/S1/papers/" in opened.value.url
    page.bring_to_front()
    page.wait_for_function(f"{SEEN} === 'scan'")
    assert page.url.endswith("/bench?at=S1") and dock.state() == "labelled"


@on_sqlite
def test_the_rooms_of_sending_fit_a_phone_and_can_be_used_by_all(dock: Depot, address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(NARROW)
    for path in ("/shipments", "/shipments/S1", "/bench?at=S1&scan=77", "/stock/locations", "/connections/carriers"):
        page.goto(f"{address}{path}")
        assert (path, findings(page), page.evaluate("document.documentElement.scrollWidth")) == (path, [], NARROW["width"])


@on_sqlite
def test_a_tote_is_bound_by_two_scans_and_opens_its_shipment_at_the_bench(
    dock: Depot, address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(NARROW)
    page.goto(f"{address}/totes")

    scan(page, "t-7", "/totes?tote=T-7")
    page.wait_for_function(f"{SEEN} === 'scan'")
    page.keyboard.type("s1")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=S1 lies in T-7.")
    assert findings(page) == [] and page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]

    page.goto(f"{address}/bench")
    scan(page, "T-7", "/bench?at=S1")
    assert "MUG" in page.inner_text("#bench")

    page.goto(f"{address}/print/rules")
    assert findings(page) == [] and page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
