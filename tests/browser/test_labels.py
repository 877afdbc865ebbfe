"""A page of waiting shipments in a real browser: what four carriers would take is asked, the best bought, and all labels printed as one."""

import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route
from pypdf import PdfReader
from werkzeug.serving import make_server

from config.bench.street import CARRIERS, Street
from core import jobs
from core.domain.roles import Role
from core.store.sql import run
from tests.browser.conftest import findings
from web.app import make_app
from web.visitor import Visitor

COUNT = 50
PATIENT_MS = 30_000


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Fifty released shipments within the United States, and the simulators of four carriers, which are called in this process."""
    made = Street(tmp_path_factory.mktemp("labels"), ["shopify"], carriers=CARRIERS, limits="relaxed")
    made.offer(["A", "B"])
    made.drain()
    for _ in range(COUNT):
        made.sell("shopify", {"A": 2, "B": 1})
    made.poll()
    with made.hub.unit() as work:
        run(work.db, "update parcels set length_mm = 300, width_mm = 200, height_mm = 150")
    yield made
    made.close()


@pytest.fixture
def address(street: Street) -> Iterator[str]:
    asks = Visitor(street.merchant, "u1", "Ana", Role.OWNER, "desk")
    server = make_server("127.0.0.1", 0, make_app(street.hub, ways=(lambda _: asks,)), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_fifty_shipments_are_rated_bought_and_printed_and_the_page_says_how_far_it_is(
    street: Street, address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(f"{address}/shipments")
    assert page.locator("tbody input[type=checkbox]").count() == COUNT
    page.get_by_label("All of this page").check()
    page.get_by_label("Carrier and service").select_option("best/")
    page.get_by_role("button", name="Buy labels for the chosen").click()
    page.wait_for_selector("text=All carriers are asked, and the best is bought for each.")

    work(street, until=lambda: 0 < labelled(street) < COUNT)
    page.goto(f"{address}/shipments")
    page.wait_for_selector("#buying progress")
    assert findings(page) == []
    work(street, until=lambda: labelled(street) == COUNT)
    page.wait_for_selector("text=The carriers answered.", timeout=PATIENT_MS)
    page.get_by_role("link", name="Labels that are printed").click()

    page.get_by_label("All of this page").check()
    printed = kept(page, "**/shipments/print")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Print their labels").click()
    opened.value.wait_for_load_state()
    assert len(PdfReader(io.BytesIO(printed[0])).pages) == COUNT == sum(len(street.carrier(name).parcels()) for name in CARRIERS)


def kept(page: Page, path: str) -> list[bytes]:
    """What the server answers there, from now on: a browser shows it and does not give it away."""
    bodies = list[bytes]()

    def keep(route: Route) -> None:
        answer = route.fetch()
        bodies.append(answer.body())
        route.fulfill(response=answer)

    page.context.route(path, keep)
    return bodies


def work(street: Street, until: Callable[[], bool]) -> None:
    """What is due is done, outside one by one, until that holds or nothing is due any more."""

    def enough() -> bool:
        street.clock.pass_(timedelta(seconds=1))
        return until()

    while not until() and any([jobs.drain(street.hub, "inside"), jobs.drain(street.hub, "outside", stop=enough)]):
        pass


def labelled(street: Street) -> int:
    with street.hub.database.read() as db:
        return int(run(db, "select count(*) from shipments where state = 'labelled'").scalar_one())
