"""Kits: what must be known of SKUs before a listing consumes them, and how a listing's parts leave."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.kits import SPLIT, Exploded, available
from core.store import stock
from core.store.listings import NAMES, Name
from core.store.sql import run, run_set


@dataclass(frozen=True, slots=True)
class Part:
    """A SKU as a part: whether it is ours, in quota, counted anywhere, sold by a listing of its own name as other SKUs (`explodes`), and
    consumed by a listing of another name (`inside`)."""

    known: bool
    quota: bool
    counted: bool
    explodes: bool
    inside: bool


PARTS = """
select r.sku, k.sku is not null as known, coalesce(k.quota, false) as quota,
  exists (select 1 from levels v where v.merchant = r.merchant and v.sku = r.sku {fence}) as counted,
  exists (select 1 from connections c join listings g on g.connection = c.id and g.alike = lower(r.sku)
          join listing_parts p on p.listing_id = g.id
          where c.merchant = r.merchant and trim(g.sku) = r.sku and p.sku <> r.sku) as explodes,
  exists (select 1 from listing_parts q join listings h on h.id = q.listing_id
          where q.merchant = r.merchant and q.sku = r.sku and trim(h.sku) <> r.sku) as inside
from {rows} left join skus k on k.merchant = r.merchant and k.sku = r.sku
"""


def parts(db: Connection, merchant: str, skus: Iterable[str]) -> dict[str, Part]:
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, PARTS, {"sku": "text"}, rows, merchant=merchant) if rows else ()
    return {row.sku: Part(*map(bool, (row.known, row.quota, row.counted, row.explodes, row.inside))) for row in found}


SET = """
update listings set alone = :alone, exploded_by = :exploded_by, changed = changed + 1,
  writable = case when :exploded_by <> 'hub' then coalesce(writable, :split) when writable = :split then null else writable end
where merchant || '' = :merchant and connection = :connection and listing = :listing and sku = :sku
"""


def set_how(db: Connection, merchant: str, name: Name, *, alone: bool, exploded_by: Exploded) -> None:
    """How the parts of a listing leave, at each of its places. Where its channel lists them its stock is written no more."""
    said = {**dict(zip(NAMES, name, strict=True)), "alone": alone, "exploded_by": exploded_by.value, "split": SPLIT}
    run(db, SET, merchant=merchant, **said)


OWING = """
select distinct o.connection, o.channel_id from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.sku = :sku and l.hold > l.held and o.connection = :connection and l.listing = :listing
"""


def owing(db: Connection, merchant: str, name: Name) -> list[str]:
    """Refs of the orders that sell a listing and hold less of it than they should."""
    rows = run(db, OWING, merchant=merchant, **dict(zip(NAMES, name, strict=True)))
    return [f"{row.connection}/{row.channel_id}" for row in rows]


KITS = """
select l.id, l.connection, l.listing, l.sku, l.title, l.place, l.alone, {listed}(p.units || ' ' || p.sku, '
') as parts
from listings l join listing_parts p on p.listing_id = l.id
where l.merchant = :merchant and l.exploded_by = 'hub' group by l.id, l.connection, l.listing, l.sku, l.title, l.place, l.alone
having count(*) > 1 or max(p.units) > 1 order by l.id
"""
LEVELS = f"""
select v.sku, {{listed}}(({stock.FREE}) || ' ' || v.location, '
') as there from levels v where v.merchant = :merchant group by v.sku
"""
PLACES = """
select m.connection, m.place, m.location from connections c join place_locations m on m.connection = c.id where c.merchant = :merchant
"""


@dataclass(frozen=True, slots=True)
class Kit:
    """A listing at one of its places that consumes more than one unit; `sellable` is exactly how many can be put together (None: a part
    was never counted)."""

    id: int
    connection: str
    listing: str
    sku: str
    title: str
    alone: bool
    parts: Mapping[str, int]
    sellable: int | None


def all_of(db: Connection, merchant: str) -> list[Kit]:
    """Every kit that is put together by its map, by three statements however many there are."""
    free = {row.sku: {at: int(units) for units, at in _pairs(row.there)} for row in run(db, LEVELS, merchant=merchant)}
    places: dict[tuple[str, str], list[str]] = {}
    for row in run(db, PLACES, merchant=merchant):
        places.setdefault((row.connection, row.place), []).append(row.location)
    return [_kit(row, free, places.get((row.connection, row.place), ())) for row in run(db, KITS, merchant=merchant)]


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """(number, name) of each line."""
    for line in text.split("\n"):
        number, _, name = line.partition(" ")
        yield number, name


def _kit(row: Any, free: Mapping[str, Mapping[str, int]], locations: Collection[str]) -> Kit:
    parts = {sku: int(units) for units, sku in _pairs(row.parts)}
    sellable = available(parts, free, locations, alone=bool(row.alone))
    return Kit(row.id, row.connection, row.listing, row.sku, row.title, bool(row.alone), parts, sellable)


ALONE = """
select distinct r.sku from {rows} join listing_parts p on p.merchant = r.merchant and p.sku = r.sku
join listings l on l.id = p.listing_id and l.alone
"""


def in_alone(db: Connection, merchant: str, skus: Iterable[str]) -> set[str]:
    """Those of these SKUs that a listing consumes whose parts must lie at one location."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return {row.sku for row in run_set(db, ALONE, {"sku": "text"}, rows, merchant=merchant)} if rows else set()
