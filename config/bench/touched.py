"""How many pages of the database the list of orders touches, among a few orders and among very many: it must not depend on them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, event

from config.bench.bodies import Body
from config.bench.filled import fill
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop
from core.domain.order import FulfillmentStatus, OrderStatus
from core.domain.wanted import Cursor, Wanted
from core.flows.looking import look
from core.store.sql import run

LISTS: Mapping[str, Wanted] = {
    "all": Wanted(),
    "open": Wanted(status=OrderStatus.OPEN),
    "not sent yet": Wanted(fulfillment=FulfillmentStatus.UNFULFILLED),
}


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body], goods: Any) -> Iterator[Row]:
    """On PostgreSQL, which tells."""
    first = min(pace.small, pace.listed_few)
    few, many = (_touched(stores, patterns, goods, first, stored) for stored in (pace.listed_few, pace.listed))
    for name in few:
        note = f"{name}; {pace.listed:,} orders stored, reference: {pace.listed_few:,}"
        yield row("list_buffers", "postgresql", many[name], few[name], note=note)


def _touched(stores: Stores, patterns: Sequence[Body], goods: Any, first: int, stored: int) -> dict[str, int]:
    shop = open_shop(stores.new("postgresql"), stores.folder, goods)
    try:
        fill(shop, patterns, first, stored, whole=False)
        return touched(shop)
    finally:
        shop.close()


def touched(shop: Shop) -> dict[str, int]:
    """Pages that the statements of the first page touch, and of one halfway down, by what they show."""
    places: Mapping[str, Cursor | None] = {"first page": None, "a page halfway down": _halfway(shop)}
    return {
        f"{place} of {name} orders": sum(_buffers(shop, *one) for one in _said(shop, wanted, at))
        for name, wanted in LISTS.items()
        for place, at in places.items()
    }


HALFWAY = "select placed_at, id from orders where merchant = :merchant order by placed_at desc, id desc limit 1 offset :deep"


def _halfway(shop: Shop) -> Cursor:
    deep = shop.count("orders") // 2
    with shop.hub.database.read() as db:
        found = run(db, HALFWAY, merchant=shop.merchant, deep=deep).one()
    return Cursor(found.placed_at, found.id)


def _said(shop: Shop, wanted: Wanted, at: Cursor | None) -> list[tuple[str, Any]]:
    """The statements of one list with their values."""
    said: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    event.listen(shop.hub.database.engine, "before_cursor_execute", hear)
    try:
        with shop.hub.database.read() as db:
            look(shop.hub, db, shop.merchant, wanted, at=at)
    finally:
        event.remove(shop.hub.database.engine, "before_cursor_execute", hear)
    return said


def _buffers(shop: Shop, statement: str, parameters: Any) -> int:
    with shop.hub.database.read() as db:
        plan = _plan(db, statement, parameters)
    top = next((line for line in plan if "Buffers: shared" in line), "")
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", top))


def _plan(db: Connection, statement: str, parameters: Any) -> Sequence[str]:
    return db.exec_driver_sql(f"explain (analyze, buffers, costs off, timing off) {statement}", parameters).scalars().all()
