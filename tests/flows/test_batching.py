"""Orders that compete for short stock are decided together where the merchant wants it: at the least cost for all."""

import pytest

from core.domain.routing import Rules, Strategy, Why, Zone
from core.flows import routing_trial
from core.store import routings, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_routing import decided
from tests.web.rooms import person

WEST = "west"
AUSTIN, BOSTON = "78701", "02108"


@pytest.fixture
def dock(house: House) -> Depot:
    """One A in Main, one in West; to Boston everything costs nearly the same, to Austin Main is dear."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.shelve(A=1)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
        stock.count(work.db, dock.merchant, [{"sku": "A", "title": "A", "location": WEST, "on_hand": 1}], work.now)
    return dock


def rule(dock: Depot, *, batch: bool = True, split: bool = True) -> None:
    zones = {
        dock.house.place: (Zone("US", "787", 1, 900), Zone("US", "021", 1, 500)),
        WEST: (Zone("US", "787", 1, 400), Zone("US", "021", 1, 450)),
    }
    rules = Rules((Strategy.CHEAPEST,), split, zones, currency="USD", batch=batch)
    with dock.house.hub.unit() as work:
        routings.set_rules(work.db, dock.merchant, rules)


def sell(dock: Depot, postcode: str, units: int = 1) -> str:
    dock.house.bogus.sell({"A": units}, ship_to=BUYER | {"postcode": postcode})
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    return str(books.one(dock.house.hub, "select max(id) from orders"))


def two_in_main(dock: Depot) -> None:
    """Both orders are reserved there, and one unit more lies in West."""
    with dock.house.hub.unit() as work:
        stock.count(work.db, dock.merchant, [{"sku": "A", "title": "A", "location": dock.house.place, "on_hand": 2}], work.now)


def sent(dock: Depot) -> dict[str, str]:
    return dict(books.rows(dock.house.hub, "select order_id, location from shipments"))


def test_the_shelf_is_left_to_who_would_pay_more_elsewhere_and_that_is_said(dock: Depot) -> None:
    rule(dock)
    two_in_main(dock)
    boston, austin = sell(dock, BOSTON), sell(dock, AUSTIN)
    names = dict(books.rows(dock.house.hub, "select id, name from orders"))

    dock.release()

    assert sent(dock) == {boston: dock.house.place, austin: WEST}
    first, second = decided(dock)
    assert (first.left and (first.left.order, first.left.more)) == (names[austin], 500)
    assert second.left is None
    assert {one.name: one.why for one in first.verdicts} == {"Main": Why.SENDS, "West": Why.LEFT}
    books.balance(dock.house.hub)


@on_sqlite
def test_without_the_rule_who_is_first_takes_first(dock: Depot) -> None:
    rule(dock, batch=False)
    two_in_main(dock)
    boston, austin = sell(dock, BOSTON), sell(dock, AUSTIN)

    dock.release()

    assert sent(dock) == {boston: WEST, austin: dock.house.place}


def test_orders_that_hold_each_others_shelf_change_places(dock: Depot) -> None:
    rule(dock)
    austin, boston = sell(dock, AUSTIN), sell(dock, BOSTON)
    assert dict(books.rows(dock.house.hub, "select order_id, location from reservations")) == {austin: dock.house.place, boston: WEST}

    dock.release()

    assert sent(dock) == {austin: WEST, boston: dock.house.place}
    assert sorted(books.rows(dock.house.hub, "select location, reserved from levels where sku = 'A'")) == sorted(
        [(dock.house.place, 1), (WEST, 1)]
    )
    books.balance(dock.house.hub)


@on_sqlite
def test_an_order_that_no_location_has_all_of_is_made_room_for(dock: Depot) -> None:
    rule(dock, split=False)
    apart = sell(dock, AUSTIN, 2)
    with dock.house.hub.unit() as work:
        stock.count(work.db, dock.merchant, [{"sku": "A", "title": "A", "location": WEST, "on_hand": 2}], work.now)
    other = sell(dock, BOSTON)
    assert len(books.rows(dock.house.hub, "select 1 from reservations")) == 3

    dock.release()

    assert sent(dock) == {apart: WEST, other: dock.house.place}
    books.balance(dock.house.hub)


@on_sqlite
def test_it_can_be_asked_and_tried_without_moving_anything(dock: Depot) -> None:
    rule(dock)
    two_in_main(dock)
    boston, austin = sell(dock, BOSTON), sell(dock, AUSTIN)
    before = books.rows(dock.house.hub, "select order_id, location from reservations")

    with dock.house.hub.database.read() as db:
        rules = routings.rules(db, dock.merchant)
    tried = {one.id: dict(one.then) for one in routing_trial.try_out(dock.house.hub, dock.merchant, rules)}

    assert tried == {boston: {"Main": 1}, austin: {"West": 1}}
    assert books.rows(dock.house.hub, "select order_id, location from reservations") == before


@on_sqlite
def test_the_orders_page_says_to_whom_it_was_left(dock: Depot) -> None:
    rule(dock)
    two_in_main(dock)
    boston, _ = sell(dock, BOSTON), sell(dock, AUSTIN)
    dock.release()

    text = person(dock.house.hub, dock.merchant).get(f"/orders/{boston}")

    assert "Left to #1002, which costs $5.00 more from elsewhere." in text
    assert "It is left to another order" in text
