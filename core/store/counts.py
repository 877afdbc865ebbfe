"""What a count needs to know: when shelves were counted last, what moved since, and the lines that wait for a map."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Order
from core.domain.stock import Key
from core.store import goods
from core.store.sql import run, run_set

_order = msgspec.json.Decoder(Order)
SKU = {"sku": "text"}
LAST = """
select v.sku, v.location, v.on_hand, v.reserved, v.counted_at, v.safety, v.damaged from {rows}
left join levels v on v.merchant = r.merchant and v.sku = r.sku order by r.sku, v.location
"""


@dataclass(frozen=True, slots=True)
class Level:
    on_hand: int
    reserved: int
    counted_at: int
    safety: int = 0
    damaged: int = 0


def levels(db: Connection, merchant: str, skus: Iterable[str]) -> dict[Key, Level]:
    """Every shelf of these SKUs with the moment of its last count (0: before anybody wrote that down)."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, LAST, SKU, rows, merchant=merchant) if rows else ()
    return {(row.sku, row.location): _level(row) for row in found if row.sku is not None}


def _level(row: Any) -> Level:
    return Level(row.on_hand, row.reserved, row.counted_at, row.safety, row.damaged)


SHELVES = {"sku": "text", "location": "text", "at": "bigint"}
MOVED = """
select m.sku, m.location, m.subject, sum(case when m.at > r.at then m.units else 0 end) as since,
       sum(case when m.at <= r.at then m.units else 0 end) as before
from {rows} left join movements m on m.merchant = r.merchant and m.sku = r.sku and m.location = r.location
  and m.cause not in ('counted', 'uncounted')
group by m.sku, m.location, m.subject having max(case when m.at > r.at then 1 else 0 end) = 1 order by 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """Units that an order (by our id) moved on hand of one shelf since its count, and before."""

    sku: str
    location: str
    order: str
    since: int
    before: int


def moved(db: Connection, merchant: str, shelves: Mapping[Key, int]) -> list[Moved]:
    """What orders moved of these shelves after the moment of each."""
    rows = [{"sku": sku, "location": place, "at": at} for (sku, place), at in sorted(shelves.items())]
    found = run_set(db, MOVED, SHELVES, rows, merchant=merchant) if rows else ()
    return [Moved(row.sku, row.location, row.subject, int(row.since), int(row.before)) for row in found if row.sku is not None]


ORDERS = {"order_id": "text"}
DOCS = """
select o.id, o.doc, o.saved_at from {rows} left join orders o on o.id = r.order_id and o.merchant || '' = :merchant
"""
PARTS = """
select distinct l.order_id, l.line, p.sku, p.units from {rows}
left join orders o on o.id = r.order_id and o.merchant || '' = :merchant
left join order_lines l on l.order_id = o.id
left join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
left join listing_parts p on p.listing_id = g.id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An order as it is here, when it was written, and the SKUs that each of its lines consumes: (line, SKU, units)."""

    order: Order
    saved_at: int
    parts: tuple[tuple[str, str, int], ...]


def orders(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, Known]:
    """These orders by our id, without their persons."""
    rows = [{"order_id": one} for one in sorted(set(ids))]
    if not rows:
        return {}
    parts: dict[str, list[tuple[str, str, int]]] = {}
    for row in run_set(db, PARTS, ORDERS, rows, merchant=merchant):
        if row.sku is not None:
            parts.setdefault(row.order_id, []).append((row.line, row.sku, row.units))
    found = run_set(db, DOCS, ORDERS, rows, merchant=merchant)
    return {row.id: Known(_order.decode(row.doc), row.saved_at, tuple(parts.get(row.id, ()))) for row in found if row.id is not None}


UNMAPPED = """
select l.order_id, l.line, o.connection, coalesce(l.listing, '') as listing, coalesce(l.sku, '') as sku, l.gone, l.back, l.booked_gone,
       l.booked_back
from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.waits = 'mapping' and (l.gone > l.booked_gone or l.back > l.booked_back) order by 1, 2
"""
BOOKED = {"order_id": "text", "line": "text", "gone": "int", "back": "int"}
BOOK = """
update order_lines set booked_gone = r.gone, booked_back = r.back from {rows}
where order_lines.order_id = r.order_id and order_lines.line = r.line and order_lines.merchant || '' = :merchant
"""


def unmapped(db: Connection, merchant: str) -> list[Any]:
    """Lines that wait for a map and of which units left or came back that are not booked."""
    return list(run(db, UNMAPPED, merchant=merchant))


def book(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """{order_id, line, gone, back}: so much of these lines is in a count already."""
    if rows:
        run_set(db, BOOK, BOOKED, rows, merchant=merchant)


NAMES = {"connection": "text", "listing": "text", "sku": "text"}
COUNTED = """
select r.connection, r.listing, r.sku, min(v.counted_at) as at from {rows}
left join listings l on l.connection = r.connection and l.listing = r.listing and l.sku = r.sku and l.merchant || '' = :merchant
left join listing_parts p on p.listing_id = l.id
left join levels v on v.merchant = p.merchant and v.sku = p.sku
group by r.connection, r.listing, r.sku
"""


def counted(db: Connection, merchant: str, names: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    """When the goods of these listings (connection, listing, SKU) were counted, the longest ago of each; those that were."""
    rows = [dict(zip(NAMES, name, strict=True)) for name in sorted(set(names))]
    found = run_set(db, COUNTED, NAMES, rows, merchant=merchant) if rows else ()
    return {(row.connection, row.listing, row.sku): row.at for row in found if row.at}


def skus(db: Connection, merchant: str) -> dict[str, str]:
    """Every SKU of ours with its title."""
    return {row.sku: row.title for row in run(db, "select sku, title from skus where merchant = :merchant order by sku", merchant=merchant)}


UNCOUNT = """
delete from levels where merchant = :merchant and reserved = 0 and (sku, location) in (select r.sku, r.location from {rows})
"""
MOVE = """
insert into movements (merchant, sku, location, units, damaged, cause, subject, at)
select v.merchant, v.sku, v.location, -v.on_hand, -v.damaged, 'uncounted', 'count', :now
from {rows} left join levels v on v.merchant = r.merchant and v.sku = r.sku and v.location = r.location
where v.on_hand <> 0 or v.damaged <> 0
"""
SHELF = {"sku": "text", "location": "text", "on_hand": "int"}


def uncount(db: Connection, merchant: str, shelves: Mapping[Key, int], now: int) -> None:
    """What lies on these shelves (units on hand, none of them promised) is not known any more."""
    rows = [{"sku": sku, "location": place, "on_hand": units} for (sku, place), units in sorted(shelves.items())]
    if rows:
        run_set(db, MOVE, SHELF, rows, merchant=merchant, now=now)
        run_set(db, UNCOUNT, SHELF, rows, merchant=merchant)


def name(db: Connection, merchant: str, titles: Mapping[str, str], now: int) -> None:
    """These SKUs are ours, by these titles; an empty one says nothing."""
    goods.name(db, merchant, sorted(titles.items()), now)


LISTINGS = """
select l.id, l.connection, l.listing, l.sku, l.title, l.writable, l.alone, p.sku as part, p.units from listings l
left join listing_parts p on p.listing_id = l.id where l.merchant = :merchant and l.listing <> ''
order by l.connection, l.listing, l.sku, l.id
"""


@dataclass
class Listed:
    """A listing of a connection, whatever places it stands at, and what it consumes."""

    connection: str
    listing: str
    sku: str
    title: str
    writable: str | None
    parts: dict[str, int]
    alone: bool = False

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.connection, self.listing, self.sku)


def listings(db: Connection, merchant: str) -> list[Listed]:
    """All of a merchant's, each once."""
    found: dict[tuple[str, str, str], Listed] = {}
    for row in run(db, LISTINGS, merchant=merchant):
        one = found.setdefault(
            (row.connection, row.listing, row.sku),
            Listed(row.connection, row.listing, row.sku, row.title, row.writable, {}, bool(row.alone)),
        )
        if row.part is not None:
            one.parts[row.part] = row.units
    return list(found.values())


LOCATIONS = "select id, name from locations where merchant = :merchant order by rank, id"


def locations(db: Connection, merchant: str) -> dict[str, str]:
    """Our locations' names by their ids, in the order that stock is taken from them."""
    return {row.id: row.name for row in run(db, LOCATIONS, merchant=merchant)}
