"""Whole or in parts: the merchant's rules, unless an account or an order says otherwise; the rest follows."""

import pytest

from core.domain.routing import Rules, Strategy
from core.domain.shipments import Parts
from core.errors import Refused
from core.flows import parting
from core.store import routings, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite

WEST = "west"


@pytest.fixture
def dock(house: House) -> Depot:
    """A lies in Main, B in West; both send."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.shelve(A=10, B=10)
    dock = depot(house)
    count(dock, dock.house.place, A=10, B=0)
    count(dock, WEST, A=0, B=10)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
        routings.set_rules(work.db, dock.merchant, Rules((Strategy.FEWEST,)))
    return dock


def count(dock: Depot, at: str, **units: int) -> None:
    rows = [{"sku": sku, "title": sku, "location": at, "on_hand": count} for sku, count in units.items()]
    with dock.house.hub.unit() as work:
        stock.count(work.db, dock.merchant, rows, work.now)


def sell(dock: Depot, **units: int) -> str:
    dock.house.bogus.sell(units, ship_to=BUYER)
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    return str(books.one(dock.house.hub, "select max(id) from orders"))


def units(dock: Depot) -> list[int]:
    sql = "select sum(n.units) from shipments s join shipment_lines n on n.shipment = s.id group by s.name order by s.name"
    return [int(count) for (count,) in books.rows(dock.house.hub, sql)]


def test_an_order_is_sent_whole_though_the_rules_split_and_in_parts_once_that_is_said(dock: Depot) -> None:
    order = sell(dock, A=1, B=1)
    parting.of_order(dock.house.hub, dock.merchant, order, Parts.WHOLE, ANN)
    dock.release()
    assert units(dock) == []

    parting.of_order(dock.house.hub, dock.merchant, order, None, ANN)
    dock.release()
    assert units(dock) == [1, 1]


@on_sqlite
def test_an_accounts_word_goes_before_the_rules_and_an_orders_before_the_accounts(dock: Depot) -> None:
    parting.of_account(dock.house.hub, dock.house.connection, Parts.WHOLE, ANN)
    first, second = sell(dock, A=1, B=1), sell(dock, A=1, B=1)
    parting.of_order(dock.house.hub, dock.merchant, second, Parts.PARTS, ANN)

    dock.release()
    assert dict(books.rows(dock.house.hub, "select order_id, count(*) from shipments group by order_id")) == {second: 2}

    parting.of_account(dock.house.hub, dock.house.connection, None, ANN)
    dock.release()
    assert len(units(dock)) == 4
    assert first


def test_what_is_there_leaves_and_the_rest_follows_when_it_comes(dock: Depot) -> None:
    order = sell(dock, A=12)
    dock.release()
    assert units(dock) == []

    parting.of_order(dock.house.hub, dock.merchant, order, Parts.PARTS, ANN)
    dock.release()
    assert units(dock) == [10]

    count(dock, dock.house.place, A=15)
    dock.house.drain()
    dock.house.ask("reserve", f"{dock.house.connection.id}/{next(iter(dock.house.bogus.orders))}", dock.house.connection)
    dock.house.drain()
    dock.release()
    assert units(dock) == [10, 2]
    books.balance(dock.house.hub)


@on_sqlite
def test_said_whole_again_what_is_there_waits_for_the_rest(dock: Depot) -> None:
    order = sell(dock, A=12)
    parting.of_order(dock.house.hub, dock.merchant, order, Parts.PARTS, ANN)
    parting.of_order(dock.house.hub, dock.merchant, order, Parts.WHOLE, ANN)

    dock.release()

    assert units(dock) == []
    assert books.rows(dock.house.hub, "select distinct decided from order_lines") == [("backorder",)]


@on_sqlite
def test_somebody_elses_order_is_refused(dock: Depot) -> None:
    with pytest.raises(Refused):
        parting.of_order(dock.house.hub, dock.merchant, "nobody's", Parts.WHOLE, ANN)
