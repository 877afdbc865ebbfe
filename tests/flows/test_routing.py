"""From where orders leave: decided before they are released, reserved there, and kept with its reasons."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.bogus.channel import Bogus
from core.domain.oversold import Decision as Short
from core.domain.routing import Decision, Never, Rules, Strategy, Why, Zone
from core.flows import oversold, places
from core.ports import Place
from core.store import listings, routings, shipments, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite

WEST = "west"
FEWEST = Rules((Strategy.FEWEST, Strategy.RANKED))


@pytest.fixture
def dock(house: House) -> Depot:
    """Two locations that send: A and B lie in both, Main is first."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.shelve(A=10, B=10)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
    count(dock, A=10, B=10)
    return dock


def count(dock: Depot, at: str = WEST, **units: int) -> None:
    rows = [{"sku": sku, "title": sku, "location": at, "on_hand": count} for sku, count in units.items()]
    with dock.house.hub.unit() as work:
        stock.count(work.db, dock.merchant, rows, work.now)


def rule(dock: Depot, rules: Rules) -> None:
    with dock.house.hub.unit() as work:
        routings.set_rules(work.db, dock.merchant, rules)


def sell(dock: Depot, **units: int) -> str:
    """Taken and reserved, not released."""
    number = str(dock.house.bogus.sell(units, ship_to=BUYER)["id"])
    dock.house.clock.pass_(acts_wait)
    dock.house.poll()
    return number


acts_wait = __import__("datetime").timedelta(minutes=5)


def sent_from(dock: Depot) -> list[tuple[str, int]]:
    """(location, units) of each shipment, in the order in which they were made."""
    sql = """select coalesce(p.name, s.location), (select sum(n.units) from shipment_lines n where n.shipment = s.id)
             from shipments s join locations p on p.id = s.location order by cast(substr(s.name, 2) as integer)"""
    return [(name, int(units)) for name, units in books.rows(dock.house.hub, sql)]


def decided(dock: Depot) -> list[Decision]:
    docs = [doc for (doc,) in books.rows(dock.house.hub, "select doc from routings order by order_id")]
    return [one for doc in docs if (one := routings.read(doc))]


def test_without_rules_orders_leave_from_where_they_are_reserved_and_it_is_said_why(dock: Depot) -> None:
    dock.sell(A=2)

    assert sent_from(dock) == [("Main", 2)]
    (one,) = decided(dock)
    assert [(verdict.name, verdict.why) for verdict in one.verdicts] == [("Main", Why.SENDS), ("West", Why.RANKED)]
    assert books.rows(dock.house.hub, "select ours from order_lines") == [(None,)]
