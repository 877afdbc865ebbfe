"""One order with everything about it: what is reserved where, what happened, and what channels were told because of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.domain.who import Who
from core.flows.order_page import Whole, raw_of, whole
from core.hub import Hub
from tests.conftest import House
from tests.flows import acts
from tests.flows.acts import deliver, notice

ADA = {"name": "Ada Smith", "street1": "7 Row", "city": "Port", "postcode": "1", "country": "DE"}


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """Two channels that show the same goods, and an order on the first."""
    house = make_house("north", "south")
    house.shelve(A=5)
    document = house.systems["north"].sell({"A": 2}, ship_to=ADA)
    deliver(house, [notice(document, "d1")], house.connections["north"])
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    return house


def ids(house: House) -> list[str]:
    with house.hub.database.read() as db:
        return list(db.execute(text("select id from orders order by id")).scalars())


def seen(house: House, *, buyers: bool = True, hub: Hub | None = None) -> Whole:
    with house.hub.database.read() as db:
        found = whole(hub or house.hub, db, house.merchant.id, ids(house)[0], buyers=buyers)
    assert found is not None
    return found


def test_it_tells_what_is_reserved_where_what_happened_and_whom_we_told_what(house: House) -> None:
    one = seen(house)

    assert [(dict(kept.reserved), kept.waits) for kept in one.kept.values()] == [({"Main": 2}, None)]
    assert [event.kind for event in one.story] == ["OrderTaken", "StockReserved"]
    assert ("south", 3, "shown") in [(push.label, push.quantity, push.told) for push in one.told]
    assert one.bill.adds_up


def test_goods_that_are_short_wait_and_the_page_says_so(house: House) -> None:
    acts.edit(house.systems["north"], "1001", "1", 9)
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert [kept.waits for kept in seen(house).kept.values()] == ["stock"]


def test_a_buyer_is_read_only_for_those_who_may_see_them(house: House) -> None:
    with_buyer, without = seen(house), seen(house, buyers=False)

    assert with_buyer.order.person is not None
    assert with_buyer.order.person.ship_to is not None
    assert (without.order.person, bool(without.row.has_person)) == (None, True)


def test_work_on_it_that_is_parked_is_shown(house: House) -> None:
    house.systems["north"].change("1001", total="nonsense")
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert [(task.id, task.name) for task in seen(house).parked] == [("take_orders", "BadPayload")]


def test_what_came_is_shown_as_it_came_and_the_newest_first(house: House) -> None:
    who = Who("user-1", "Ann")
    first = raw_of(house.hub, house.merchant.id, ids(house)[0], who)
    acts.edit(house.systems["north"], "1001", "1", 3)
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    second = raw_of(house.hub, house.merchant.id, ids(house)[0], who)

    assert first is not None
    assert second is not None
    assert '"quantity": 2' in first.body
    assert '"quantity": 3' in second.body
    assert "Ada" not in repr(first)
    assert raw_of(house.hub, house.merchant.id, "nobody", who) is None
    with house.hub.database.read() as db:
        assert db.execute(text("select count(*) from audit where act = 'order.raw'")).scalar_one() == 2
