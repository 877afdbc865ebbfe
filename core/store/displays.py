"""Listings as people look at them: what each shows, what it should show, and what stands between the two; a page at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.exposure import Exposure, Rule
from core.domain.showing import Display
from core.store.listings import EXPECTED, POOLS, WITHHELD, Pools, rule_of
from core.store.sql import run, run_set

ROWS = f"""
select l.id, l.connection, c.channel, c.label, c.account, c.live_at, c.state, c.buffer, l.listing, l.sku, l.alike, l.place,
  k.name as place_name, l.title, l.shown, l.writable, l.uncovered, l.handle, l.problem, l.mapped, l.changed > l.told as waits,
  l.rests_until, l.raise_from, l.accepted_at, l.sought, l.shown_at, l.exploded_by, {WITHHELD} as withheld, {POOLS},
  case when l.ahead is not null then (select max(i.expected_at) {EXPECTED}) end as coming_by,
  k.service or k.decided as decided,
  exists (select 1 from place_locations m where m.connection = l.connection and m.place = l.place) as ours,
  exists (select 1 from pushes u where u.listing_id = l.id and u.told_at is null) as asked,
  d.at as doubted_at, d.why as doubted_why
from ({{these}}) wanted join listings l on l.id = wanted.id join connections c on c.id = l.connection
left join listing_parts p on p.listing_id = l.id left join places k on k.connection = l.connection and k.place = l.place
left join doubts d on d.listing_id = l.id
"""
OF_SKU = "select q.listing_id as id from listing_parts q where q.merchant = :merchant and q.sku = :sku limit :most"
OF_CONNECTION = """
select g.id from connections o join listings g on g.connection = o.id and (g.alike, g.id) > (:alike, :id)
where o.merchant = :merchant and o.id = :connection order by g.alike, g.id limit :most
"""
UNMATCHED = """
select g.id from connections o join listings g on g.connection = o.id and not g.mapped and g.id > :after
where o.merchant = :merchant and o.id = :connection and g.writable is null and g.listing <> '' order by g.id limit :most
"""
ONE = "select g.id from listings g where g.id = :id and g.merchant || '' = :merchant"


Parts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing at one place of its channel: who it is, what one unit of it consumes, and its `display`."""

    id: int
    connection: str
    channel: str
    label: str
    listing: str
    sku: str
    alike: str
    title: str
    place: str
    place_name: str
    parts: Mapping[str, int]
    shown_at: int
    display: Display
    rule: Rule
    may: Exposure | None  # what it may show; none: nobody knows
    withheld: Mapping[str, int]  # units of its parts that are left to channels that cannot be reached
    uncovered: str | None = None  # why it goes on selling whatever it shows: a word of core/domain/promise.py
    handle: str = "{}"
    account: str = ""
    alone: bool = False  # all parts of a unit must lie at one location
    exploded_by: str = "hub"
    coming_by: int | None = None  # when the last of what it sells ahead is expected

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.connection, self.listing, self.sku)

    @property
    def said_handle(self) -> dict[str, Any]:
        """What its connector needs to find it."""
        found: dict[str, Any] = msgspec.json.decode(self.handle)
        return found


def _read(rows: Iterable[Any]) -> list[Listed]:
    """One for each listing, with all its parts; in the order of the rows."""
    found, left = list(rows), dict[int, dict[str, int]]()
    for row in found:
        left.setdefault(row.id, {}).update({row.part: int(row.withheld)} if row.part is not None and row.withheld else {})
    pools = Pools(found)
    return [_listed(row, pools.parts[id], pools.may(id, row.buffer), left[id]) for id, row in pools.rows.items()]


def _listed(row: Any, parts: Mapping[str, int], may: Exposure | None, left: Mapping[str, int]) -> Listed:
    rule = rule_of(row)
    display = Display(
        row.shown, may.units if may else None, mapped=bool(parts), live=row.live_at is not None, state=row.state,
        writable=row.writable, ours=bool(row.ours), decided=bool(row.decided), waits=bool(row.waits), asked=bool(row.asked),
        sought=row.sought is not None, problem=row.problem, rests_until=row.rests_until, raise_from=row.raise_from,
        accepted_at=row.accepted_at, dealt=row.share is not None, doubted=row.doubted_at is not None, choice=row.doubted_why is not None,
    )  # fmt: skip
    return Listed(
        row.id, row.connection, row.channel, row.label, row.listing, row.sku, row.alike, row.title, row.place, row.place_name or "", parts,
        row.shown_at, display, rule, may, left, row.uncovered, row.handle, row.account, bool(row.alone), row.exploded_by,
        row.coming_by,
    )  # fmt: skip


def of_sku(db: Connection, merchant: str, sku: str, most: int = 100) -> list[Listed]:
    """Listings that consume a SKU, by channel."""
    rows = run(db, ROWS.replace("{these}", OF_SKU) + " order by c.created_at, l.id", merchant=merchant, sku=sku, most=most)
    return _read(rows)


def of_connection(db: Connection, merchant: str, connection: str, after: tuple[str, int] = ("", 0), most: int = 50) -> list[Listed]:
    """A connection's listings by SKU as their channel spells it, behind (`alike`, `id`)."""
    statement = ROWS.replace("{these}", OF_CONNECTION) + " order by l.alike, l.id"
    return _read(run(db, statement, merchant=merchant, connection=connection, alike=after[0], id=after[1], most=most))


def unmatched(db: Connection, merchant: str, connection: str, after: int = 0, most: int = 50) -> list[Listed]:
    """Those that nobody mapped and that we may write, behind the row `after`."""
    statement = ROWS.replace("{these}", UNMATCHED) + " order by l.id"
    return _read(run(db, statement, merchant=merchant, connection=connection, after=after, most=most))


def one(db: Connection, merchant: str, id: int) -> Listed | None:
    return next(iter(_read(run(db, ROWS.replace("{these}", ONE), merchant=merchant, id=id))), None)


OF_NAME = """
select g.id from connections o join listings g on g.connection = o.id and g.listing = :listing and g.sku = :sku
where o.merchant = :merchant and o.id = :connection
"""


def of_name(db: Connection, merchant: str, name: tuple[str, str, str]) -> list[Listed]:
    """A listing (connection, listing, SKU as its channel spells it) at each of its places."""
    connection, listing, sku = name
    values = {"connection": connection, "listing": listing, "sku": sku}
    return _read(run(db, ROWS.replace("{these}", OF_NAME) + " order by l.place, l.id", merchant=merchant, **values))


def chosen(db: Connection, merchant: str, ids: str, **values: Any) -> list[Listed]:
    """Those of the merchant's whose ids a statement gives, by their ids."""
    return _read(run(db, ROWS.replace("{these}", ids) + " order by l.id", merchant=merchant, **values))


WANTED = "select g.id from {rows} left join listings g on g.id = r.id and g.merchant || '' = :merchant {fence}"


def these(db: Connection, merchant: str, ids: Iterable[int]) -> list[Listed]:
    """Those of these rows that are the merchant's."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return _read(run_set(db, ROWS.replace("{these}", WANTED), {"id": "bigint"}, rows, merchant=merchant)) if rows else []


MANY = 1001  # counted no further
HOW_MANY = f"""
select c.id, c.channel, c.label, (select count(*) from (select 1 from listings l where l.connection = c.id and not l.mapped
  and l.writable is null and l.listing <> '' limit {MANY}) few) as n
from connections c where c.merchant = :merchant and c.role = 'channel' order by c.created_at, c.id
"""


def unmatched_counts(db: Connection, merchant: str) -> list[Any]:
    """{id, channel, label, n} of every connection; `n` is counted no further than MANY."""
    return list(run(db, HOW_MANY, merchant=merchant))
