"""What channels' own warehouses hold: where it stands here, and which of our SKUs it is."""

from collections.abc import Iterable

from sqlalchemy import Connection

from core.store.sql import run, run_set

# The first such connection has the first location of that kind, the second the second: Amazon keeps a stock of its own by region.
LOCATIONS = "select id from locations where merchant = :merchant and kind = 'fba' order by rank, id"
CONNECTIONS = """
select c.id from connections c where c.merchant = :merchant and c.channel = (select o.channel from connections o where o.id = :connection)
  and c.state <> 'disconnected' order by c.created_at, c.id
"""


def location_of(db: Connection, merchant: str, connection: str) -> str | None:
    """Our location at which the levels of a connection's own warehouses stand; None where there is none for it."""
    places = [row.id for row in run(db, LOCATIONS, merchant=merchant)]
    known = [row.id for row in run(db, CONNECTIONS, merchant=merchant, connection=connection)]
    number = known.index(connection) if connection in known else len(places)
    return places[number] if number < len(places) else None


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
