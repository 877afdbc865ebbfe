"""Orders are released in their turn, and a pass over all of them ends whatever comes in: none starves."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.shipments import turn
from core.flows import releasing
from core.store import shipments
from core.store.sql import run
from core.store.tables import us
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite

HOUR = 3_600_000_000


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=50)
    return depot(house)


def sell(dock: Depot, orders: int = 1) -> None:
    """Taken and reserved, not released."""
    for _ in range(orders):
        dock.house.bogus.sell({"A": 1}, ship_to=BUYER)
        dock.house.clock.pass_(MINUTES)
        dock.house.poll()


def due(dock: Depot, *hours: int | None) -> list[str]:
    """Say when each order must leave, in hours after it was placed; gives their names."""
    rows = books.rows(dock.house.hub, "select id, name from orders order by id")
    with dock.house.hub.unit() as work:
        for (id, _), after in zip(rows, hours, strict=True):
            sql = (
                "update orders set ship_by = placed_at + :after where id = :id"
                if after is not None
                else "update orders set ship_by = null where id = :id"
            )
            run(work.db, sql, id=id, **({} if after is None else {"after": after * HOUR}))
    return [name for _, name in rows]


def released(dock: Depot) -> list[str]:
    sql = "select o.name from shipments s join orders o on o.id = s.order_id order by cast(substr(s.name, 2) as integer)"
    return [name for (name,) in books.rows(dock.house.hub, sql)]


def test_what_must_leave_first_is_released_first_and_what_nobody_named_a_day_for_after_two_days(dock: Depot) -> None:
    sell(dock, 4)
    a, b, c, d = due(dock, None, 30, 2, 300)

    dock.release()

    assert released(dock) == [c, b, a, d]


def test_the_database_reckons_an_orders_turn_as_the_domain_does(dock: Depot) -> None:
    sell(dock, 4)
    due(dock, None, -20, 20, 300)
    with dock.house.hub.database.read() as db:
        found = dict(shipments.to_release(db, dock.merchant, (-1, ""), 9, began=dock.house.hub.now))

    def moment(at: int | None) -> datetime | None:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at) if at is not None else None

    rows = books.rows(dock.house.hub, "select id, placed_at, ship_by from orders")
    assert found == {id: us(turn(placed, moment(by))) for id, at, by in rows if (placed := moment(at))}


@on_sqlite
def test_a_pass_looks_once_at_each_order_that_was_there_and_ends_whatever_comes_in(dock: Depot) -> None:
    sell(dock, 3)
    began, (a, b, c) = dock.house.hub.now, (id for (id,) in books.rows(dock.house.hub, "select id from orders order by id"))

    seen, after = [], (-1, "")
    while page := _page(dock, after, began):
        sell(dock, 2)
        seen += [id for id, _ in page]
        after = (page[-1][1], page[-1][0])

    assert seen == [a, b, c]
    assert len(_page(dock, (-1, ""), dock.house.hub.now, most=99)) == 9


def _page(dock: Depot, after: shipments.Place, began: int, most: int = 1) -> list[tuple[str, int]]:
    with dock.house.hub.database.read() as db:
        return shipments.to_release(db, dock.merchant, after, most, began=began)


@on_sqlite
def test_the_next_pass_begins_where_the_last_one_ended_anew(dock: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releasing, "AT_ONCE", 2)
    with dock.house.hub.unit() as work:
        run(work.db, "update locations set ships = false")
    sell(dock, 5)
    dock.release()
    assert released(dock) == []

    with dock.house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
    dock.release()
    assert len(released(dock)) == 5
