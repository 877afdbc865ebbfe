"""Orders in: once each, whatever the channel sends."""

from collections.abc import Callable
from datetime import timedelta

from core.store import listings, orders, stock, tasks
from tests.conftest import House


def held(house: House) -> int:
    with house.hub.database.read() as db:
        return stock.units(db, house.merchant.id)["reserved"]


def test_a_polled_order_is_taken_and_its_stock_reserved(house: House) -> None:
    house.shelve(A=10)

    house.bogus.sell({"A": 3})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    with house.hub.database.read() as db:
        assert [row.orders for row in orders.totals(db, house.merchant.id)] == [1]
    assert held(house) == 3


def test_a_sale_on_one_channel_lowers_the_other(make_house: Callable[..., House]) -> None:
    house = make_house("north", "south")
    house.shelve(A=10)
    house.clock.pass_(timedelta(minutes=1))

    house.systems["north"].sell({"A": 3})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert house.systems["south"].listings["L-A", "A"].shown == 7
    assert house.systems["north"].listings["L-A", "A"].writes == []
    with house.hub.database.read() as db:
        assert {shelf.shown for shelf in listings.all_of(db, house.merchant.id)} == {7}
        assert tasks.listed(db, house.merchant.id, state="parked") == []
