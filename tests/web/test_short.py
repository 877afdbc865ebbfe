"""The page of an order that lacks units: what can be done, and doing it."""

import pytest

from core.domain.roles import Role
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("KET", units=2)
    shop.deliver(shop.sold(KET=3))
    shop.drain()
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def order(shop: Shop) -> str:
    return str(shop.one("select id from orders"))


def test_the_orders_page_leads_to_what_can_be_done(shop: Shop, ana: Person) -> None:
    assert f"/orders/{order(shop)}/short" in ana.get(f"/orders/{order(shop)}")
    text = ana.get(f"/orders/{order(shop)}/short")

    assert "1 unit is missing, 2 are there" in text
    assert "Let it wait until there is more" in text
    assert "Send what is there" in text
    assert len(ana.statements) <= 8


def test_somebody_lets_it_wait_and_takes_that_back(shop: Shop, ana: Person) -> None:
    address = f"/orders/{order(shop)}/short"

    assert "lets it wait for what is missing" in ana.post(address, what="backorder")
    assert "It waits until there is more" in ana.get(address)
    assert shop.one("select held_why from orders") is None

    ana.post(address, what="")
    assert shop.one("select held_why from orders") == "oversold"
    assert shop.rows("select act from audit order by id") == [("order.short",), ("order.short",)]


@pytest.mark.parametrize("said", [{"what": "burn"}, {"what": "elsewhere", "location": "nowhere"}])
def test_what_cannot_be_done_changes_nothing(shop: Shop, ana: Person, said: dict[str, str]) -> None:
    assert "That cannot be done any more" in ana.post(f"/orders/{order(shop)}/short", **said)
    assert shop.one("select held_why from orders") == "oversold"


def test_only_the_merchants_own_staff_with_leave_decide(shop: Shop, ana: Person) -> None:
    address = f"/orders/{order(shop)}/short"

    assert person(shop.hub, shop.merchant, Role.VIEWER).send(address, what="backorder").status_code == 403
    assert person(shop.hub, "another").send(address, what="backorder").status_code == 404
    assert person(shop.hub, "another").ask(address).status_code == 404
