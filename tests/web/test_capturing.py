"""What the order's page says of a payment that is authorized, and what is pressed there."""

from datetime import timedelta

import pytest

from core.domain.capturing import CaptureState
from core.domain.roles import Role
from core.flows import capturing
from core.store import captures
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, MINUTES, Depot, depot
from tests.web.rooms import Person, person


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    dock = depot(house)
    number = str(house.bogus.sell({"A": 2}, ship_to=BUYER)["id"])
    house.bogus.authorize(number, house.clock() + timedelta(days=1))
    dock.poll()
    return dock


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def address(dock: Depot) -> str:
    return f"/orders/{books.one(dock.house.hub, 'select id from orders')}/capture"


def test_what_is_authorized_is_shown_with_its_end_and_captured_by_a_button(dock: Depot, ana: Person) -> None:
    assert address(dock) in ana.get(address(dock).removesuffix("/capture"))
    text = ana.get(address(dock))
    assert "captured when something of it is sent" in text and "That holds until" in text
    assert len(ana.statements) <= 8

    assert "Capture it now" in text
    ana.post(address(dock))
    text = ana.get(address(dock))
    assert "The payment is being captured" in text and "every 2s" in text

    for _ in range(2):
        dock.house.clock.pass_(MINUTES)
        dock.house.drain()
    text = ana.get(address(dock))
    assert ">Captured<" in text and "$20.00" in text and "every 2s" not in text
    assert "The payment was captured: $20.00 in all" in ana.get(address(dock).removesuffix("/capture"))


def test_what_the_channel_refused_is_shown_in_its_words_with_a_button(dock: Depot, ana: Person) -> None:
    order = address(dock).split("/")[2]
    capturing.capture(dock.house.hub, dock.merchant, order, ANN)
    with dock.house.hub.unit() as work:
        box = dock.house.hub.box(dock.merchant)
        one = captures.newest(work.db, dock.merchant, order, box)
        assert one
        captures.end(work.db, one.id, CaptureState.FAILED, box, work.now, "The <b>card</b> was declined.")

    text = ana.get(address(dock))

    assert "The &lt;b&gt;card&lt;/b&gt; was declined." in text and "Try again" in text


def test_who_only_looks_captures_nothing_and_of_others_orders_there_is_no_page(dock: Depot) -> None:
    looks = person(dock.house.hub, dock.merchant, Role.VIEWER)
    assert "Capture it now" not in looks.get(address(dock))

    assert looks.send(address(dock)).status_code == 403
    assert looks.ask("/orders/nobodys/capture").status_code == 404


def test_a_payment_that_ends_soon_puts_its_shipment_before_all_others(dock: Depot, ana: Person) -> None:
    number = str(dock.house.bogus.sell({"A": 1}, ship_to=BUYER)["id"])
    dock.house.bogus.authorize(number, dock.house.clock() + timedelta(hours=20))
    dock.poll()
    text = ana.get("/shipments")

    assert text.index(">S2<") < text.index(">S1<")
    assert text.count("payment ends") == 2
    assert len(ana.statements) <= 8
