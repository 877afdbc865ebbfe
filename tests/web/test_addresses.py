"""Where an order goes: who sees it, who says it, and what is said where the channel says another."""

import pytest

from core.domain.roles import Role
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import BUYER, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

CEDAR = {"to_name": "Nadia Osei", "to_street1": "9 Cedar Street", "to_city": "Austin", "to_postcode": "78702", "to_country": "us"}


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def order_of(dock: Depot) -> str:
    return str(books.one(dock.house.hub, "select id from orders"))


def test_an_address_is_corrected_a_later_one_of_the_channel_shown_beside_it_and_one_chosen(dock: Depot, ana: Person) -> None:
    number = dock.sell(A=1)
    address = f"/orders/{order_of(dock)}/address"
    text = ana.get(address)
    assert "the channel may not protect you" in text and "77 Juniper Street" in text
    assert len(ana.statements) <= 8

    assert "It goes there from now on." in ana.post(address, **CEDAR)
    dock.house.drain()
    dock.release()
    assert "9 Cedar Street" in ana.get("/shipments/S2")
    dock.house.bogus.change(number, ship_to={**BUYER, "street1": "1 Maple Street"})
    dock.poll()
    text = ana.get(address)
    assert all(words in text for words in ("until somebody chooses", "9 Cedar Street", "1 Maple Street", "Keep yours"))
    assert "choose one" in ana.get("/shipments/S2")

    assert "It goes where you said." in ana.post(f"{address}/keep")
    assert "until somebody chooses" not in ana.get(address)
    assert "It goes where its channel says." in ana.post(f"{address}/theirs")
    assert "Nobody corrected its address." in ana.post(f"{address}/theirs")
    story = ana.get(f"/orders/{order_of(dock)}")
    assert "corrected its address" in story and "let it go to where its channel says" in story


@on_sqlite
def test_what_is_no_address_is_said(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)

    assert "Write at least the street" in ana.post(f"/orders/{order_of(dock)}/address", **{**CEDAR, "to_city": " "})
    assert "two letters" in ana.post(f"/orders/{order_of(dock)}/address", **{**CEDAR, "to_country": "USA"})


@on_sqlite
def test_who_may_not_see_buyers_sees_and_says_no_address(dock: Depot) -> None:
    dock.sell(A=1)
    address = f"/orders/{order_of(dock)}/address"
    viewer, clerk = (person(dock.house.hub, dock.merchant, role) for role in (Role.VIEWER, Role.ACCOUNTANT))
    stranger = person(dock.house.hub, "x")

    assert viewer.ask(address).status_code == 403
    assert (clerk.ask(address).status_code, clerk.send(address, **CEDAR).status_code) == (200, 403)
    assert [stranger.ask(address).status_code, stranger.send(address, **CEDAR).status_code] == [404, 404]
