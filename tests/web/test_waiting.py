"""Why orders are not released, as people see it: each with its reason and what to do about it."""

import re

import pytest

from core.domain.roles import Role
from core.domain.shipments import ADVICE, WAITS
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

MOST = 8


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def rows(text: str) -> list[tuple[str, str]]:
    """(order, why) of each row."""
    return re.findall(
        r'<th scope="row"><a href="/orders/[^"]+">([^<]+)</a></th>.*?<td class="words">([^<]+?) *(?:<small|</td>)', text, re.S
    )


def order(dock: Depot) -> str:
    return str(books.one(dock.house.hub, "select max(id) from orders"))


def test_an_order_that_waits_says_why_and_what_to_do(dock: Depot, ana: Person) -> None:
    number = str(dock.house.bogus.sell({"A": 1}, ship_to=BUYER, payment="unpaid")["id"])
    dock.poll()

    text = ana.get("/shipments/waiting")
    assert len(ana.statements) <= MOST
    assert [why for _, why in rows(text)] == ["It is not paid."]
    text = ana.get(f"/orders/{order(dock)}/waiting")
    assert "It is not paid." in text and "Collect the money" in text
    assert f"/orders/{order(dock)}/waiting" in ana.get(f"/orders/{order(dock)}")
    assert number


@on_sqlite
def test_what_lies_where_nothing_is_sent_from_does_not_wait_in_silence(dock: Depot, ana: Person) -> None:
    with dock.house.hub.unit() as work:
        run(work.db, "update locations set ships = false")
    dock.sell(A=1)

    assert [why for _, why in rows(ana.get("/shipments/waiting"))] == [WAITS["place"]]
    assert ADVICE["place"] in ana.get("/shipments/waiting", why="place")
    assert rows(ana.get("/shipments/waiting", why="payment")) == []


@on_sqlite
def test_what_is_not_there_is_named_before_the_hold_that_it_makes(dock: Depot, ana: Person) -> None:
    dock.sell(A=11)

    assert [why for _, why in rows(ana.get("/shipments/waiting"))] == [WAITS["stock"]]


@on_sqlite
def test_what_nothing_stops_is_released_with_the_next_pass(dock: Depot, ana: Person) -> None:
    dock.house.bogus.sell({"A": 1}, ship_to=BUYER)
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    assert "It is released now." in ana.get("/shipments/waiting")
    assert "it is released now" in ana.get(f"/orders/{order(dock)}/waiting")

    dock.release()
    assert rows(ana.get("/shipments/waiting")) == []
    assert 'class="card"' not in ana.get(f"/orders/{order(dock)}/waiting").partition('id="waits"')[2]


@on_sqlite
def test_whose_turn_is_first_stands_first(dock: Depot, ana: Person) -> None:
    with dock.house.hub.unit() as work:
        run(work.db, "update locations set ships = false")
    for _ in range(3):
        dock.sell(A=1)
    first, second, third = (name for (name,) in books.rows(dock.house.hub, "select name from orders order by id"))
    with dock.house.hub.unit() as work:
        run(work.db, "update orders set ship_by = placed_at + 1 where name = :name", name=third)

    assert [name for name, _ in rows(ana.get("/shipments/waiting"))] == [third, first, second]


def test_somebody_elses_order_is_not_there(dock: Depot, ana: Person) -> None:
    assert ana.ask("/orders/nobody/waiting").status_code == 404


def test_an_order_that_waits_can_be_sent_in_parts_by_a_button(dock: Depot, ana: Person) -> None:
    dock.sell(A=12)
    assert "Leaves in parts, the rest follows" in ana.get(f"/orders/{order(dock)}/waiting")

    assert "It is so from now on." in ana.post(f"/orders/{order(dock)}/parts", parts="parts")
    dock.release()
    assert dock.shipments() == [("S1", "released", None)]
    assert books.one(dock.house.hub, "select act from audit where act like 'order.p%'") == "order.parts"
    assert ana.send(f"/orders/{order(dock)}/parts", parts="some").status_code == 400
    assert ana.send("/orders/nobody/parts", parts="whole").status_code == 404
    assert person(dock.house.hub, dock.merchant, Role.VIEWER).send(f"/orders/{order(dock)}/parts", parts="whole").status_code == 403
