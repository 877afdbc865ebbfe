"""The promise in numbers: what it covers, and which listings are left out."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.promise import Uncovered
from core.store import displays
from core.store.displays import Listed
from core.store.sql import run

MANY = 100_001  # counted no further
# Of all that we may write those are taken off that are in small indexes of their own: each listing is looked at for one thing alone.
# A draft sells nothing: it is left out of the figure, and takes no SKU out of the promise.
COVERED = f"""
select c.id, c.channel, c.label, c.account, c.state, c.live_at, c.settings,
  (select count(*) from (select 1 from listings l where l.connection = c.id and l.writable is null limit {2 * MANY}) kept)
    - (select count(*) from (select 1 from listings l where l.connection = c.id and not l.mapped and l.writable is null limit {MANY}) bare)
    - (select count(*) from (select 1 from listings l where l.merchant = c.merchant and l.id > 0 and l.uncovered is not null
                             and l.connection || '' = c.id and l.mapped and l.writable is null limit {MANY}) loose) as covered,
  (select count(*) from (select 1 from listings l where l.connection = c.id and not l.mapped and l.writable is null and l.listing <> ''
                         limit {MANY}) strange) as unmatched
from connections c where c.merchant = :merchant and c.state <> 'disconnected' order by c.created_at, c.id
"""
LOOSE = f"""
select count(distinct p.sku) from listings l join listing_parts p on p.listing_id = l.id
where l.merchant = :merchant and l.uncovered is not null and l.uncovered <> '{Uncovered.DRAFT.value}' and l.id > 0
"""
OUT = """
select g.id from listings g where g.merchant = :merchant and g.uncovered is not null and g.id > :after order by g.id limit :most
"""
SKUS = f"""
select count(case when kept.quota then 1 end) as dealt, count(case when kept.quota then null else 1 end) as pool from (
  select k.quota from skus k where k.merchant = :merchant and k.sku > '' limit {2 * MANY}) kept
"""
OPEN = """
select t.id, t.subject, t.state, t.detail from tasks t
where t.merchant = :merchant and t.kind = 'mend_listing' and t.state in ('due', 'running', 'parked') order by t.subject limit 500
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """SKUs in quota, SKUs that are shared, and SKUs that a listing sells which does not stop at what it shows."""

    dealt: int
    shared: int
    loose: int


def connections(db: Connection, merchant: str) -> list[Any]:
    """{id, channel, label, account, state, live_at, settings, covered, unmatched} of each, counted no further than MANY."""
    return list(run(db, COVERED, merchant=merchant))


def counts(db: Connection, merchant: str) -> Counts:
    row = run(db, SKUS, merchant=merchant).one()
    return Counts(int(row.dealt), int(row.pool), int(run(db, LOOSE, merchant=merchant).scalar_one()))


def left_out(db: Connection, merchant: str, after: int = 0, most: int = 50) -> list[Listed]:
    """Listings that are not covered, behind the row `after`."""
    return displays.chosen(db, merchant, OUT, after=after, most=most)


def mending(db: Connection, merchant: str) -> list[Any]:
    """Work that is under way or stopped: {id, subject, state, detail}."""
    return list(run(db, OPEN, merchant=merchant))
