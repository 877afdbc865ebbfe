"""No statement that decides from where orders leave reads a table whole."""

from dataclasses import replace

import pytest
from sqlalchemy import event

from core.domain.routing import Rules, Strategy, Zone
from core.domain.workdays import Hours
from core.flows import releasing
from core.store import order_page, routings, shipments, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import depot
from tests.store.test_plans import statements, wholes

pytestmark = pytest.mark.usefixtures("young")


def test_orders_are_routed_without_reading_a_table_whole(house: House) -> None:
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "west", "West", rank=1)
    house.shelve(A=50, B=50)
    dock = depot(house)
    near = Rules((Strategy.NEAREST,), zones={"west": (Zone("US", "", 1),)})
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
        rows = [{"sku": sku, "title": sku, "location": "west", "on_hand": 9} for sku in "AB"]
        stock.count(work.db, dock.merchant, rows, work.now)
        routings.set_rules(work.db, dock.merchant, near)
    with statements(house.hub.database) as seen:
        for _ in range(3):
            dock.sell(A=1, B=1)
        with house.hub.unit() as work:
            every = tuple(Strategy)
            routings.set_rules(work.db, dock.merchant, replace(near, strategies=every, split=False, currency="USD", batch=True))
            shipments.set_hours(work.db, dock.merchant, "west", Hours(capacity=5))
        id = str(books.one(house.hub, "select min(id) from orders"))
        releasing.would_leave(house.hub, dock.merchant, id, write=True)
        with house.hub.database.read() as db:
            routings.last(db, dock.merchant, id)
            order_page.one(db, dock.merchant, id, house.hub.box(dock.merchant), buyers=False)

    assert books.rows(house.hub, "select distinct location from shipments") == [("west",)]
    ours = {statement: values for statement, values in seen.items() if "min(id)" not in statement and "name, state" not in statement}
    assert any("routings" in statement for statement in ours)
    assert wholes(house.hub.database, ours) == []


def test_a_page_of_orders_is_routed_by_no_more_statements_than_one(house: House) -> None:
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "west", "West", rank=1)
    house.shelve(A=50)
    dock = depot(house)
    with house.hub.unit() as work:
        stock.count(work.db, dock.merchant, [{"sku": "A", "title": "A", "location": "west", "on_hand": 50}], work.now)
        routings.set_rules(work.db, dock.merchant, Rules((Strategy.NEAREST,), zones={"west": (Zone("US", "", 1),)}))
    counts = []
    for orders in (1, 8):
        with house.hub.unit() as work:
            run(work.db, "update locations set ships = false")
        for _ in range(orders):
            dock.sell(A=1)
        with house.hub.unit() as work:
            run(work.db, "update locations set ships = true")
        counts.append(_said(house))

    assert counts[1] <= counts[0]
    assert books.one(house.hub, "select count(*) from shipments where location = 'west'") == 9


def _said(house: House) -> int:
    """Statements that release what waits, all in one page."""
    seen: list[str] = []

    def see(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    merchant = house.merchant.id
    event.listen(house.hub.database.engine, "before_cursor_execute", see)
    with house.hub.unit() as work:
        ids = [id for (id,) in books.rows(house.hub, "select id from orders")]
        releasing.release(house.hub, work, merchant, ids)
    event.remove(house.hub.database.engine, "before_cursor_execute", see)
    return len(seen)
