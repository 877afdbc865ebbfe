"""Orders that wait for units which are not there, and what was decided of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.store.sql import run, run_set

ORDER = {"order_id": "text"}
# What its merchant lets be sold ahead is no surprise; nor is anything on a channel that is only watched.
SURPRISES = """exists (select 1 from order_lines l where l.order_id = o.id and l.waits || '' = 'stock' and l.decided is null
    and not exists (select 1 from listings g where g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
                    and (g.ahead is not null or g.backorder > 0)))"""
SURPRISED = f"""
select o.id, c.live_at is not null and {SURPRISES} as short, o.held_why from orders o left join connections c on c.id = o.connection
where o.id in (select t.id from {{rows}} left join orders t on t.id = r.order_id and t.merchant || '' = :merchant {{fence}})
"""


def surprised(db: Connection, merchant: str, orders: Iterable[str]) -> list[Any]:
    """{id, short (nobody expected that units are missing), held_why} of these orders."""
    return list(run_set(db, SURPRISED, ORDER, [{"order_id": id} for id in sorted(orders)], merchant=merchant))


SHORT = """
select l.line, coalesce(l.sku, '') as sku, l.hold - l.held as missing, l.held, coalesce(l.decided, '') as decided,
  o.connection, o.channel_id,
  (select min(g.id) from listings g where g.connection = o.connection and g.listing = l.listing and g.sku = l.sku) as listing_id
from order_lines l join orders o on o.id = l.order_id
where l.order_id = :order and l.merchant || '' = :merchant and l.waits = 'stock' order by l.line
"""
PARTS = "select p.listing_id, p.sku, p.units from {rows} join listing_parts p on p.listing_id = r.id"
FREE = """
select v.sku, v.location, v.on_hand - v.reserved as free from {rows} join levels v on v.merchant = :merchant and v.sku = r.sku
join locations a on a.id = v.location and a.kind <> 'fba'
where v.on_hand > v.reserved and not exists (select 1 from place_locations m where m.connection = :connection and m.location = v.location)
"""


def short(db: Connection, merchant: str, order: str) -> list[Any]:
    """The lines of an order that lack units."""
    return list(run(db, SHORT, merchant=merchant, order=order))


def parts(db: Connection, listings: Iterable[int]) -> dict[int, dict[str, int]]:
    """What each of these listings consumes."""
    found: dict[int, dict[str, int]] = {}
    rows = [{"id": id} for id in sorted(set(listings))]
    for row in run_set(db, PARTS, {"id": "bigint"}, rows) if rows else ():
        found.setdefault(row.listing_id, {})[row.sku] = row.units
    return found


def elsewhere(db: Connection, merchant: str, connection: str, skus: Iterable[str]) -> dict[tuple[str, str], int]:
    """What of these SKUs is free at locations that the connection does not sell from."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, FREE, {"sku": "text"}, rows, merchant=merchant, connection=connection) if rows else ()
    return {(row.sku, row.location): int(row.free) for row in found}


DECIDE = """
update order_lines set decided = :what where order_id = :order and merchant || '' = :merchant and waits = 'stock'
  and (decided is null or decided <> :what)
"""
SAY = "update order_lines set ours = r.ours from {rows} where order_lines.order_id = :order and order_lines.line = r.line"


def decide(db: Connection, merchant: str, order: str, what: str | None) -> int:
    """What is said of every line of it that lacks units; None: nothing any more. Gives how many changed."""
    if what is None:
        statement = "update order_lines set decided = null where order_id = :order and merchant || '' = :merchant and decided is not null"
        return run(db, statement, order=order, merchant=merchant).rowcount
    return run(db, DECIDE, order=order, merchant=merchant, what=what).rowcount


def send_from(db: Connection, order: str, units: Mapping[str, Mapping[str, int]]) -> None:
    """By line: {location: units} that shall be sent from there, whatever the channel says."""
    rows = [{"line": line, "ours": msgspec.json.encode(said).decode()} for line, said in sorted(units.items())]
    if rows:
        run_set(db, SAY, {"line": "text", "ours": "text"}, rows, order=order)
