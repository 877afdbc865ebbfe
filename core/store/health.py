"""How connections are, read at once."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.store.sql import run

# A run through old orders and an open silence are one row each at most.
SEEN = """
select c.id, c.channel, c.account, c.label, c.state, c.reason, c.live_at, c.blocked_until, c.created_at, c.login_until, c.settings,
  c.blind_since,
  coalesce(m.at, 0) as read_at, coalesce(g.at, 0) as paged_at, coalesce(l.at, 0) as listed_at, l.cursor is not null as listing,
  b.phase, b.since, b.until, b.at as back_to, b.orders, b.passed, b.note,
  exists (select 1 from findings f where f.merchant = :merchant and f.found_at > 0 and f.mended_at is null
          and f.connection = c.id and f.what = 'silence') as silent
from connections c
left join marks m on m.connection = c.id and m.name = 'orders' left join marks g on g.connection = c.id and g.name = 'orders paged'
left join marks l on l.connection = c.id and l.name = 'listings' left join backfills b on b.connection = c.id
where c.merchant = :merchant and c.role = 'channel' order by c.created_at, c.id
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection as people see it: its login is not here. `row` has the rest of what was read."""

    id: str
    channel: str
    account: str
    label: str
    state: str
    reason: str | None
    live_at: int | None
    settings: dict[str, Any]
    row: Any


def seen(db: Connection, merchant: str) -> list[Seen]:
    """In the order in which they were made."""
    return [
        Seen(row.id, row.channel, row.account, row.label, row.state, row.reason, row.live_at, msgspec.json.decode(row.settings), row)
        for row in run(db, SEEN, merchant=merchant)
    ]


OTHERS = """
select f.connection, count(*) as n, max(f.found_at) as last from connections c
join findings f on f.connection = c.id and f.what = 'listing' and f.found_at >= :after where c.merchant = :merchant group by f.connection
"""


def written_by_others(db: Connection, merchant: str, after: int) -> dict[str, tuple[int, int]]:
    """By connection: how many listings showed something since then that neither we nor an order explain, and when the last did."""
    return {row.connection: (int(row.n), int(row.last)) for row in run(db, OTHERS, merchant=merchant, after=after)}
