"""A channel's own warehouse is switched on, looked at and switched off on the page of locations."""

import pytest

from tests.conftest import House
from tests.flows import books
from tests.flows.lent import Lent, lent
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

pytestmark = on_sqlite


@pytest.fixture
def prime(house: House) -> Lent:
    return lent(house)


@pytest.fixture
def ana(prime: Lent) -> Person:
    return person(prime.house.hub, prime.merchant)


def is_on(prime: Lent) -> bool:
    return bool(books.one(prime.house.hub, "select ships from locations where kind = 'fba'"))


def test_who_looks_first_is_told_what_it_would_do_and_nothing_is_changed(prime: Lent, ana: Person) -> None:
    said = ana.post(f"/stock/locations/{prime.fba}/lend", by=prime.account.id, cushion="3", speed="standard", blank="1", do="look")

    assert "FBA sends for orders of bogus: 7 units of 1 SKUs are free, 0 promised. Nothing was changed." in said
    assert not is_on(prime)


def test_it_is_switched_on_and_undone(prime: Lent, ana: Person) -> None:
    services = "Next day = priority"
    said = ana.post(f"/stock/locations/{prime.fba}/lend", by=prime.account.id, cushion="3", speed="expedited", services=services, do="save")

    assert "Undo" in said
    assert is_on(prime)
    assert "Next day = priority" in ana.get("/stock/locations")
    assert "FBA" in ana.get("/settings/routing")

    ana.post(f"/stock/locations/{prime.fba}/lend")
    assert not is_on(prime)


def test_what_cannot_be_meant_is_said_in_the_readers_words(prime: Lent, ana: Person) -> None:
    at = f"/stock/locations/{prime.fba}/lend"

    assert "The speeds are" in ana.post(at, by=prime.account.id, speed="standard", services="Next day = teleported", do="save")
    assert "whose warehouse it is" in ana.post(at, by="nobody", speed="standard", do="save")
    assert "Write a whole number" in ana.post(at, by=prime.account.id, speed="standard", cushion="-4", do="save")
    assert not is_on(prime)
