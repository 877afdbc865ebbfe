"""What programs read page by page: each page is found where the last one ended, by an index, however much there is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import FulfillmentStatus, Order, OrderStatus, Party, PaymentStatus, units_to_ship
from core.store.sql import run, run_set


class Line(msgspec.Struct, gc=False):
    """What a list needs of a line."""

    ordered: int
    cancelled: int = 0
    fulfilled: int = 0
    requires_shipping: bool = True
    party: Party = Party.MERCHANT

    @property
    def open(self) -> int:
        return max(0, self.ordered - self.cancelled - self.fulfilled)


class Slim(msgspec.Struct):
    """What a list needs of an order beside its columns: a whole one costs five times as much to read."""

    lines: list[Line]
    cancelled_at: str | None = None
    cancelled: bool = False
    test: bool = False
    party: Party = Party.MERCHANT

    @property
    def units_to_ship(self) -> int:
        gone = self.cancelled or self.cancelled_at is not None or self.party is not Party.MERCHANT
        return 0 if gone else units_to_ship(self.lines)


@dataclass(frozen=True, slots=True)
class Head:
    """An order as a list shows it: its row, and what its document says."""

    row: Any
    status: OrderStatus
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    units_to_ship: int
    test: bool


_order, _slim = msgspec.json.Decoder(Order), msgspec.json.Decoder(Slim)


def _head(row: Any) -> Head:
    if None in (row.status, row.payment, row.fulfillment):  # not written down yet
        return head_of(row, _order.decode(row.doc))
    slim, statuses = _slim.decode(row.doc), (OrderStatus(row.status), PaymentStatus(row.payment), FulfillmentStatus(row.fulfillment))
    return Head(row, *statuses, slim.units_to_ship, slim.test)


def head_of(row: Any, order: Order) -> Head:
    """The same of an order that was read whole. What is written down counts: we may hold what the channel does not."""
    status = OrderStatus(row.status) if row.status else order.order_status
    return Head(row, status, order.payment_status, order.fulfillment_status, order.units_to_ship, order.test)


HEAD = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.taken_at, o.saved_at, o.currency, o.total, o.problems, o.doc, c.channel,
       (select max(l.waits) from order_lines l where l.order_id = o.id) as waits, o.copy_of, o.merged_into, o.held_at, o.held_why,
       o.status, o.payment, o.fulfillment
from orders o join connections c on c.id = o.connection
"""
ONE_ORDER = f"{HEAD} where o.id = :id and o.merchant || '' = :merchant"
NEWEST_FIRST = "order by o.placed_at desc, o.id desc limit :most"
# Which condition stands for which wish. A connection has an index of its own, that must not be passed over for the merchant's.
OF_MERCHANT, OF_CONNECTION = "o.merchant = :merchant", "o.connection = :connection and o.merchant || '' = :merchant"
WISHES = {
    "status": "o.status = :status",
    "placed_from": "o.placed_at >= :placed_from",
    "placed_to": "o.placed_at < :placed_to",
    "behind": "(o.placed_at, o.id) < (:placed_at, :id)",
}


def orders(
    db: Connection, merchant: str, most: int, behind: tuple[int, str] | None = None, wishes: Mapping[str, Any] | None = None
) -> list[Head]:
    """The newest orders behind the one that was placed then and has that id; `wishes` are `connection`, `status`,
    `placed_from`, `placed_to` (microseconds)."""
    values = {"merchant": merchant, "most": most, **(wishes or {})}
    if behind:
        values |= {"placed_at": behind[0], "id": behind[1], "behind": True}
    where = [OF_CONNECTION if "connection" in values else OF_MERCHANT, *(one for name, one in WISHES.items() if name in values)]
    values.pop("behind", None)
    found = run(db, f"{HEAD} where {' and '.join(where)} {NEWEST_FIRST}", **values)
    return [_head(row) for row in found]


def order(db: Connection, merchant: str, id: str) -> tuple[Any, Order] | None:
    """One of them, whole but for its person."""
    row = run(db, ONE_ORDER, merchant=merchant, id=id).first()
    return (row, _order.decode(row.doc)) if row else None


ORDER_ID = {"order_id": "text"}
TAGS = """
select t.order_id, t.tag from {rows} left join order_tags t on t.order_id = r.order_id and t.merchant || '' = :merchant order by 1, 2
"""


def tags(db: Connection, merchant: str, orders: Iterable[str]) -> dict[str, list[str]]:
    """The staff's tags of these orders."""
    found: dict[str, list[str]] = {}
    rows = [{"order_id": id} for id in orders]
    for row in run_set(db, TAGS, ORDER_ID, rows, merchant=merchant) if rows else ():
        if row.tag is not None:
            found.setdefault(row.order_id, []).append(row.tag)
    return found


SKU = {"sku": "text"}
SKUS = "select sku, title, quota from skus where merchant = :merchant and sku > :after order by sku limit :most"
ONE_SKU = "select sku, title, quota from skus where merchant = :merchant and sku = :sku"


def skus(db: Connection, merchant: str, after: str, most: int) -> list[Any]:
    """(SKU, title) of ours behind the given one."""
    return list(run(db, SKUS, merchant=merchant, after=after, most=most))


def sku(db: Connection, merchant: str, sku: str) -> list[Any]:
    """The same of this one; nothing where it is none of ours."""
    return list(run(db, ONE_SKU, merchant=merchant, sku=sku))


SHELVES = """
select v.sku, v.location, p.name, p.kind, v.on_hand, v.reserved, v.safety, v.damaged, v.counted_at
from {rows} left join levels v on v.merchant = r.merchant and v.sku = r.sku left join locations p on p.id = v.location
order by v.sku, p.rank, p.name
"""


def shelves(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, list[Any]]:
    """Where these SKUs lie: (location, its name and kind, on hand, reserved, safety, damaged, when it was counted)."""
    found: dict[str, list[Any]] = {}
    rows = [{"sku": sku} for sku in skus]
    for row in run_set(db, SHELVES, SKU, rows, merchant=merchant) if rows else ():
        if row.sku is not None:
            found.setdefault(row.sku, []).append(row)
    return found


KNOWN = "select k.sku from {rows} left join skus k on k.merchant = r.merchant and k.sku = r.sku"


def known(db: Connection, merchant: str, skus: Iterable[str]) -> set[str]:
    """Those of these that are SKUs of ours."""
    rows = [{"sku": sku} for sku in skus]
    return {row.sku for row in run_set(db, KNOWN, SKU, rows, merchant=merchant) if row.sku} if rows else set()


OPEN = "state in ('due', 'running', 'parked')"
FIELDS = "id, kind, subject, connection, state, due_at, tries, cause, detail, asked_at"
OPEN_TASKS = f"select {FIELDS} from tasks where merchant = :merchant and {OPEN} and (kind, subject) > (:kind, :subject)"
# Few are running or parked; all of them are found by an index of theirs. Most of what is open is due.
TASKS = {
    "": OPEN_TASKS,
    "due": f"{OPEN_TASKS} and state = 'due'",
    "running": f"select * from (select {FIELDS} from tasks where merchant || '' = :merchant and state = 'running' {{fence}}) t "
    "where (kind, subject) > (:kind, :subject)",
    "parked": f"select * from (select {FIELDS} from tasks where merchant = :merchant and state = 'parked' {{fence}}) t "
    "where (kind, subject) > (:kind, :subject)",
}


def tasks(db: Connection, merchant: str, most: int, state: str = "", behind: tuple[str, str] = ("", "")) -> list[Any]:
    """Open tasks by kind and subject, behind the given ones; `state` is due, running, parked, or any of them."""
    kind, subject = behind
    statement = f"{TASKS[state]} order by kind, subject limit :most"
    return list(run(db, statement, merchant=merchant, kind=kind, subject=subject, most=most))


def task(db: Connection, merchant: str, id: int) -> Any | None:
    return run(db, f"select {FIELDS} from tasks where id = :id and merchant || '' = :merchant", id=id, merchant=merchant).first()
