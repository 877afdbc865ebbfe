"""What channels' own warehouses hold: where it stands here, and which of our SKUs it is."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.requests import RequestState
from core.domain.stored import Asked, Key
from core.store import connections
from core.store.sql import run, run_set

OURS = {"sku": "text"}
NOTHING: Mapping[str, str] = {}
READ_AT = "stored at"  # a mark: the location at which the levels of a connection were written
HELD = "stored held"  # a mark: what a channel's warehouses hold of each SKU of its own
_held = msgspec.json.Decoder(dict[str, int])
_parts = msgspec.json.Decoder(dict[str, int])

# Of those whose levels nobody wrote yet the first has the first location of that kind, the second the second: Amazon keeps a stock of its
# own by region. From then on it stays so, in whatever order stock is taken from them, and whichever of the connections goes.
LOCATIONS = "select id from locations where merchant = :merchant and kind = 'fba' order by rank, id"
CONNECTIONS = """
select c.id from connections c where c.merchant = :merchant and c.channel = (select o.channel from connections o where o.id = :connection)
  and c.state <> 'disconnected' order by c.created_at, c.id
"""
WRITTEN = """
select m.cursor as location, c.id as connection from connections c join marks m on m.connection = c.id and m.name = 'stored at'
join locations f on f.id = m.cursor and f.kind = 'fba' where c.merchant = :merchant and c.state <> 'disconnected' order by m.at, c.id
"""
FORGET = """
delete from marks where name = 'stored at' and cursor = :location
  and connection in (select c.id from connections c where c.merchant = :merchant)
"""


def location_of(db: Connection, merchant: str, connection: str, asked: Mapping[str, str] = NOTHING) -> str | None:
    """Our location at which the levels of a connection's own warehouses stand; None where there is none for it. `asked`: locations that
    are certainly of a connection, by it."""
    owners: dict[str, str] = {row.location: row.connection for row in run(db, WRITTEN, merchant=merchant)} | {
        at: one for one, at in asked.items()
    }
    certain = {one: at for at, one in owners.items() if asked.get(one, at) == at}
    if connection in certain:
        return certain[connection]
    places = [row.id for row in run(db, LOCATIONS, merchant=merchant) if row.id not in certain.values()]
    known = [row.id for row in run(db, CONNECTIONS, merchant=merchant, connection=connection) if row.id not in certain]
    number = known.index(connection) if connection in known else len(places)
    return places[number] if number < len(places) else None


def keep_location(db: Connection, merchant: str, connection: str, location: str, now: int) -> None:
    """That is where its levels are written from now on."""
    if connections.mark(db, connection, READ_AT)[1] != location:
        connections.set_mark(db, merchant, connection, READ_AT, now, location)


def forget_location(db: Connection, merchant: str, location: str) -> None:
    """It may be anybody's again."""
    run(db, FORGET, merchant=merchant, location=location)


def locations(db: Connection, merchant: str) -> list[str]:
    """Those that channels count themselves, in their order."""
    return [row.id for row in run(db, LOCATIONS, merchant=merchant)]


THEIRS = {"sku": "text"}
# A set that lies there as a set is not the sum of its parts.
PARTS = """
select distinct l.sku, p.sku as part, p.units
from {rows} left join listings l on l.connection = :connection and l.alike = lower(trim(r.sku)) and l.sku = r.sku
  and l.merchant || '' = :merchant
join listing_parts p on p.listing_id = l.id
where not exists (select 1 from listing_parts q where q.listing_id = l.id and q.sku <> p.sku) order by 1, 2
"""


def parts(db: Connection, merchant: str, connection: str, skus: Iterable[str]) -> list[tuple[str, str, int]]:
    """(the channel's SKU, our SKU, units) of those of these that stand for one SKU of ours."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, PARTS, THEIRS, rows, merchant=merchant, connection=connection) if rows else ()
    return [(row.sku, row.part, row.units) for row in found]


AT = "select sku from levels where merchant = :merchant and location = :location and (on_hand > 0 or damaged > 0) order by sku"
ON_THEIR_WAY = """
select i.id from inbounds i where i.merchant = :merchant and i.state = 'sent' and i.kind = 'transfer' and i.location = :location
order by i.sent_at, i.id
"""


def at(db: Connection, merchant: str, location: str) -> list[str]:
    """SKUs of which something lies at a location."""
    return [row.sku for row in run(db, AT, merchant=merchant, location=location)]


def on_their_way(db: Connection, merchant: str, location: str) -> list[str]:
    """Transfers to a location that were sent and not closed, the oldest first."""
    return [row.id for row in run(db, ON_THEIR_WAY, merchant=merchant, location=location)]


# ---- what of ours was promised from there, and asked for

STATES = ("wanted", "asked", "accepted", "withdrawing")
OF_LOCATION = """
select s.order_id, q.location, q.state, q.answered_at, n.line, n.units - n.sent - n.refused as open, t.parts
from {rows} left join requests q on q.merchant = r.merchant and q.state = r.state and q.location = :location
join shipments s on s.id = q.shipment join request_lines n on n.request = q.id
join shipment_lines t on t.shipment = q.shipment and t.line = n.line
"""
OF_ORDERS = """
select s.order_id, q.location, q.state, n.line, n.units - n.sent - n.refused as open, n.units - n.sent as units, t.parts
from {rows} left join shipments s on s.order_id = r.id and s.way = 'request' and s.merchant || '' = :merchant
left join requests q on q.shipment = s.id
left join request_lines n on n.request = q.id left join shipment_lines t on t.shipment = q.shipment and t.line = n.line
"""
LIE = "select v.order_id, v.line, v.sku, v.units from reservations v where v.merchant = :merchant and v.location = :location"


Units = dict[tuple[str, str], dict[Key, int]]


def asked_of(db: Connection, merchant: str, orders: Iterable[str]) -> tuple[Units, Units]:
    """By (order id, line): units of shelves that whoever sends from there was ever asked for and that did not leave, and those of them that
    are still to leave."""
    ever, live = Units(), Units()
    rows = [{"id": id} for id in sorted(set(orders))]
    for row in run_set(db, OF_ORDERS, {"id": "text"}, rows, merchant=merchant) if rows else ():
        _add(ever, row, row.units)
        _add(live, row, row.open if row.state in STATES else 0)
    return ever, live


SENT = """
select s.order_id, n.line, sum(n.sent) as units from {rows} left join shipments s on s.order_id = r.id and s.way = 'request'
  and s.merchant || '' = :merchant and s.again is null
join requests q on q.shipment = s.id join locations f on f.id = q.location and f.kind = 'fba'
join request_lines n on n.request = q.id and n.sent > 0 group by s.order_id, n.line
"""


def sent_of(db: Connection, merchant: str, orders: Iterable[str]) -> dict[tuple[str, str], int]:
    """By (order id, line) units that channels sent from warehouses of their own."""
    rows = [{"id": id} for id in sorted(set(orders))]
    found = run_set(db, SENT, {"id": "text"}, rows, merchant=merchant) if rows else ()
    return {(row.order_id, row.line): int(row.units) for row in found}


def _add(found: Units, row: Any, count: int | None) -> None:
    mine = found.setdefault((row.order_id, row.line), {}) if count else {}
    for key, units in _units(row, count).items():
        mine[key] = mine.get(key, 0) + units


def _units(row: Any, count: int | None) -> dict[Key, int]:
    parts = _parts.decode(row.parts) if row.parts and count else {}
    return {(sku, row.location): each * (count or 0) for sku, each in parts.items()}


def asked_at(db: Connection, merchant: str, location: str) -> dict[str, list[Asked]]:
    """By SKU what a location is to send, with what is still reserved for it."""
    lie = {(row.order_id, row.line, row.sku): row.units for row in run(db, LIE, merchant=merchant, location=location)}
    found: dict[str, list[Asked]] = {}
    rows = [{"state": state} for state in STATES]
    for row in run_set(db, OF_LOCATION, {"state": "text"}, rows, merchant=merchant, location=location):
        for (sku, _), units in _units(row, row.open).items():
            reserved = lie.get((row.order_id, row.line, sku), 0)
            found.setdefault(sku, []).append(Asked(units, reserved, RequestState(row.state), row.answered_at))
    return found


# A shelf that keeps another number was said so by somebody.
CUSHION = """
update levels set safety = :units from {rows}
where levels.merchant = r.merchant and levels.sku = r.sku and levels.location = :location and levels.safety = :was
"""
RECUSHION = """
update levels set safety = :units where merchant = :merchant and location = :location and safety = :was
"""


def cushion(db: Connection, merchant: str, location: str, skus: Iterable[str], units: int) -> None:
    """So many units of these stay for the channel's own buyers, where nobody said a number of its own; the shelves are locked."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    if rows and units:
        run_set(db, CUSHION, OURS, rows, merchant=merchant, location=location, units=units, was=0)


def recushion(db: Connection, merchant: str, location: str, units: int, was: int) -> None:
    """Another number at the whole location; the shelves are locked."""
    run(db, RECUSHION, merchant=merchant, location=location, units=units, was=was)


# ---- what the channel calls it

HOLDERS = """
select distinct l.sku, p.sku as part, p.units from {rows} join listing_parts p on p.merchant = r.merchant and p.sku = r.sku
join listings l on l.id = p.listing_id where l.connection = :connection
and not exists (select 1 from listing_parts q where q.listing_id = l.id and q.sku <> p.sku) order by 2, 3, 1
"""


def holders(db: Connection, merchant: str, connection: str, skus: Iterable[str]) -> dict[str, list[tuple[str, int, int]]]:
    """By SKU of ours the channel's own (its SKU, units of ours in one, how many could be sold at the last reading) that lie in its
    warehouses, the smallest packs first."""
    _, kept = connections.mark(db, connection, HELD)
    held = _held.decode(kept) if kept else {}
    rows, found = [{"sku": sku} for sku in sorted(set(skus))], dict[str, list[tuple[str, int, int]]]()
    for row in run_set(db, HOLDERS, OURS, rows, merchant=merchant, connection=connection) if rows else ():
        if row.sku in held:
            found.setdefault(row.part, []).append((row.sku, row.units, held[row.sku]))
    return found


def keep_held(db: Connection, merchant: str, connection: str, held: Mapping[str, int], now: int) -> None:
    connections.set_mark(db, merchant, connection, HELD, now, msgspec.json.encode(dict(held)).decode())


# ---- what it is like

SELLERS = """
select distinct c.label from place_locations m join connections c on c.id = m.connection
where m.merchant = :merchant and m.location = :location and c.state <> 'disconnected'
  and exists (select 1 from listings l where l.connection = c.id) order by c.label
"""
OFFERED = """
select sum(case when v.on_hand > v.reserved + v.safety then 1 else 0 end) as skus,
  sum(case when v.on_hand > v.reserved + v.safety then v.on_hand - v.reserved - v.safety else 0 end) as free,
  sum(v.safety) as kept, sum(v.reserved) as promised
from levels v where v.merchant = :merchant and v.location = :location
"""


def sellers(db: Connection, merchant: str, location: str) -> list[str]:
    """Labels of the connections that sell from a location."""
    return [row.label for row in run(db, SELLERS, merchant=merchant, location=location)]


def offered(db: Connection, merchant: str, location: str) -> tuple[int, int, int, int]:
    """(SKUs with something free, free units, units that are kept, promised units) of a location."""
    row = run(db, OFFERED, merchant=merchant, location=location).one()
    return int(row.skus or 0), int(row.free or 0), int(row.kept or 0), int(row.promised or 0)


PROMISED = """
select distinct o.connection, o.channel_id from reservations v join orders o on o.id = v.order_id
where v.merchant = :merchant and v.location = :location order by o.connection, o.channel_id
"""


def promised(db: Connection, merchant: str, location: str) -> list[str]:
    """Orders that hold something there, by their refs."""
    return [f"{row.connection}/{row.channel_id}" for row in run(db, PROMISED, merchant=merchant, location=location)]
