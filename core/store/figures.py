"""The figures of the first page: of today, and of the newest only, so that they cost the same however much there is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run

HOUR_US = 3_600_000_000
TODAY = f"""
select o.connection, o.currency, (o.placed_at - :begin) / {HOUR_US} as hour, count(*) as orders, sum(o.total) as total
from orders o where o.merchant = :merchant and o.placed_at >= :begin and o.placed_at < :end
  and coalesce(o.copy_of, '') = '' and o.merged_into is null
group by 1, 2, 3
"""


def of_a_day(db: Connection, merchant: str, begin: int, end: int) -> list[Any]:
    """{connection, currency, hour, orders, total}: orders placed in [begin, end), by the hour since it began; copies and merged ones are
    other orders, and left out. `total` is in minor units."""
    return list(run(db, TODAY, merchant=merchant, begin=begin, end=end))


# A sale is told to every channel; it is over when the last of them was.
LAGS = """
select told.since, max(told.told_at) as told_at from (
  select u.since, u.told_at from pushes u
  where u.merchant = :merchant and u.asked_at >= :after and u.since is not null and u.told in ('shown', 'accepted')
  order by u.asked_at desc limit :most) told
group by told.since
"""


def lags(db: Connection, merchant: str, after: int, most: int = 2000) -> list[tuple[int, int]]:
    """(told, lag) in microseconds: when the last channel was told of a sale, and how long after it; of the newest pushes."""
    found: Sequence[Any] = run(db, LAGS, merchant=merchant, after=after, most=most).fetchall()
    return [(told_at, max(0, told_at - since)) for since, told_at in found]


MISSED = """
select f.found_at - f.since as lag from connections c
join findings f on f.connection = c.id and f.what = 'order' and f.found_at >= :after
where c.merchant = :merchant and f.since is not null limit :most
"""


def missed(db: Connection, merchant: str, after: int, most: int = 1000) -> list[int]:
    """Of each order that nothing told us of and a poll found since then: the microseconds from its last change to our finding it."""
    return [int(row.lag) for row in run(db, MISSED, merchant=merchant, after=after, most=most)]
