"""Old orders come in behind live work, once each, whatever happens on the way; what is over moves nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.flows import backfill
from core.store import backfills
from tests.conftest import House
from tests.flows import books

MakeHouse = Callable[..., House]


def long_ago(house: House, days: float, wanted: dict[str, int] | None = None, *, over: bool = True) -> str:
    """An order placed so many days ago, and by default sent the day after; the channel's figures are today's."""
    at = house.clock.now - timedelta(days=days)
    shown = {key: shelf.shown for key, shelf in house.bogus.listings.items()}
    made = house.bogus.sell(wanted or {"A": 1}, placed_at=at.isoformat(), updated_at=at.isoformat())
    for key, shelf in house.bogus.listings.items():
        shelf.shown = shown[key]
    if over:
        lines = [{**line, "fulfilled": line["quantity"]} for line in made["lines"]]
        house.bogus.orders[made["id"]] = {**made, "lines": lines, "updated_at": (at + timedelta(days=1)).isoformat()}
    return str(made["id"])


def ask(house: House, days: float = 1000) -> None:
    backfill.ask(house.hub, house.connection, house.clock.now - timedelta(days=days))


def run_of(house: House):
    with house.hub.database.read() as db:
        return backfills.get(db, house.connection.id)


def through(house: House) -> None:
    house.drain(through=timedelta(seconds=3))


@pytest.mark.parametrize("whole", [True, False])
def test_old_orders_come_in_and_those_that_are_over_move_nothing(make_house: MakeHouse, whole: bool) -> None:
    house = make_house()
    house.shelve(A=10)
    house.bogus.whole = whole
    for days in (400, 90, 89, 31, 30):
        long_ago(house, days)
    waiting = long_ago(house, 45, {"A": 2}, over=False)

    ask(house)
    through(house)

    run = run_of(house)
    assert (run.phase, run.orders, run.passed, run.back_to) == ("done", 6, 1, run.since)
    assert books.level(house.hub, "A") == (10, 2)
    assert books.rows(house.hub, "select channel_id from orders where not history") == [(waiting,)]
    assert books.rows(house.hub, "select kind, count(*) from events where kind <> 'StockReserved' group by kind") == [("OrderTaken", 6)]
    books.balance(house.hub)
