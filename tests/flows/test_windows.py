"""Windows of risk are measured with each sale: how long it takes until it is known, told and shown."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.flows import windows
from tests.conftest import House
from tests.flows.acts import deliver, notice


@pytest.fixture
def pair(make_house: Callable[..., House]) -> House:
    house = make_house("east", "west")
    house.shelve(A=10)
    return house


def sell(house: House, name: str, late: timedelta) -> None:
    system = house.systems[name]
    document = system.sell({"A": 1})
    house.clock.pass_(late)
    deliver(house, [notice(document, f"d{document['id']}", whole=True)], house.connections[name])
    house.drain()


def look(house: House) -> dict[str, windows.Risk]:
    with house.hub.database.read() as db:
        return {one.one.account: one for one in windows.look(db, house.merchant.id, house.hub.now)}


def test_a_sale_shows_how_long_it_took_to_be_known_and_to_be_told_elsewhere(pair: House) -> None:
    sell(pair, "east", timedelta(seconds=4))

    east, west = look(pair)["east"].window, look(pair)["west"].window

    assert east.heard and east.heard.most == 4_000
    assert west.heard is None
    assert west.told and west.told.most == 4_000
    assert west.whole_ms == 4_000


def test_what_a_channel_takes_to_show_what_it_accepted_is_a_part_of_its_window(pair: House) -> None:
    west = pair.systems["west"]
    west.queues = True
    sell(pair, "east", timedelta(seconds=1))
    pair.work(timedelta(seconds=31))
    west.settle()
    pair.work(timedelta(seconds=61))

    shows_ms = look(pair)["west"].window.shows_ms
    assert 30_000 <= shows_ms <= 95_000


def test_what_a_sku_calls_for_is_reckoned_by_its_sales_on_the_other_channels(pair: House) -> None:
    sell(pair, "east", timedelta(minutes=10))
    with pair.hub.database.read() as db:
        found = {one.risk.one.account: one for one in windows.advice(db, pair.merchant.id, "A", pair.hub.now)}

    assert (found["west"].a_day, found["west"].units) == (1 / 28, 0)
    assert found["east"].a_day == 0.0
    assert found["east"].units is None, "it was told nothing yet"


def test_older_sales_are_not_looked_at(pair: House) -> None:
    sell(pair, "east", timedelta(seconds=4))
    pair.clock.pass_(timedelta(days=8))

    assert [one.window.heard for one in look(pair).values()] == [None, None]
