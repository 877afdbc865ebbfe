"""The page on which an order is cancelled at its channel: what it says, and doing it."""

from datetime import timedelta

import pytest

from core.domain.calling_off import CallingState
from core.domain.roles import Role
from core.store import callings
from tests.conftest import House
from tests.flows import books
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("KET", units=4)
    shop.deliver(shop.sold(KET=2))
    shop.drain()
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def address(shop: Shop, act: str = "cancel") -> str:
    return f"/orders/{shop.one('select id from orders')}/{act}"


def come_back(shop: Shop) -> None:
    """The channel does what it took, and tells of it."""
    shop.clock.pass_(timedelta(seconds=20))
    shop.drain()
    shop.drain()


def test_an_order_is_cancelled_from_its_page(shop: Shop, ana: Person) -> None:
    assert address(shop) in ana.get(address(shop).removesuffix("/cancel"))
    text = ana.get(address(shop))
    assert "The money is not touched" in text
    assert len(ana.statements) <= 8

    story = ana.post(address(shop), reason="stock")
    assert "has it cancelled at its channel: It cannot be delivered" in story
    assert ">The channel is being told<" in ana.get(address(shop))
    assert 'hx-trigger="every 2s"' in ana.get(address(shop))

    shop.drain()
    come_back(shop)
    assert shop.rows("select state from callings_off") == [("done",)]
    assert shop.one("select status from orders") == "cancelled"
    assert shop.rows("select act from audit order by id") == [("order.cancel",)]
    assert "every 2s" not in ana.get(address(shop))


def test_pressed_twice_it_is_cancelled_once(shop: Shop, ana: Person) -> None:
    ana.post(address(shop), reason="stock", restock="keep")
    ana.post(address(shop), reason="fraud")
    shop.drain()

    assert shop.rows("select reason, restock from callings_off") == [("stock", 0)]


def test_what_was_not_said_yet_is_taken_back(shop: Shop, ana: Person) -> None:
    ana.post(address(shop), reason="other")
    assert "Take it back" in ana.get(address(shop))

    assert "took back that it is cancelled" in ana.post(address(shop, "uncancel"))
    shop.drain()
    assert shop.one("select state from callings_off") == "withdrawn"
    assert shop.one("select status from orders") == "open"
    assert "Something else is being said" in ana.post(address(shop, "uncancel"))


def test_a_refusal_is_shown_in_the_channels_words(shop: Shop, ana: Person) -> None:
    ana.post(address(shop), reason="other")
    with shop.hub.unit() as work:
        box, [(id,)] = shop.hub.box(shop.merchant), shop.rows("select id from callings_off")
        callings.end(work.db, id, CallingState.REFUSED, box, work.now, "A <b>payment</b> is open.")

    text = ana.get(address(shop))
    assert "A &lt;b&gt;payment&lt;/b&gt; is open." in text
    assert "Send it after all" in text


def test_a_buyers_wish_is_answered_on_the_page_where_the_channel_waits_for_it(shop: Shop, ana: Person) -> None:
    assert "does not wish to cancel" in ana.post(address(shop, "answer"), agree="yes")
    assert "does not wish to cancel" in ana.post(address(shop, "answer"), agree="no")
    assert shop.rows("select 1 from callings_off") == []


def test_a_buyers_wish_waits_on_the_page_for_agree_or_send_anyway(house: House) -> None:
    house.shelve(A=4)
    number = str(house.bogus.sell({"A": 1})["id"])
    house.bogus.ask_to_cancel(number)
    house.poll()
    ana, [(order,)] = person(house.hub, house.merchant.id), books.rows(house.hub, "select id from orders")
    text = ana.get(f"/orders/{order}/cancel")
    assert "The buyer wants to cancel" in text
    assert ">Agree<" in text
    assert ">Send anyway<" in text

    ana.post(f"/orders/{order}/answer", agree="no")
    assert "is being answered that it is sent" in ana.get(f"/orders/{order}/cancel")
    house.drain()
    assert house.bogus.answers == [(number, False, "")]
    assert "answered that it is sent" in ana.get(f"/orders/{order}")


def test_a_reason_that_is_none_changes_nothing(shop: Shop, ana: Person) -> None:
    assert ana.send(address(shop), reason="boredom").status_code == 400
    assert shop.rows("select 1 from callings_off") == []


def test_only_the_merchants_own_staff_with_leave_cancel(shop: Shop, ana: Person) -> None:
    viewer, stranger = person(shop.hub, shop.merchant, Role.VIEWER), person(shop.hub, "another")

    for act, said in (("cancel", {"reason": "stock"}), ("answer", {"agree": "yes"}), ("uncancel", {})):
        assert viewer.send(address(shop, act), **said).status_code == 403
        assert stranger.send(address(shop, act), **said).status_code == 404
    assert stranger.ask(address(shop)).status_code == 404
    assert "<select" not in viewer.get(address(shop))
