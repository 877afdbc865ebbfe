"""What channels' own warehouses lost, found and disposed of: by day, and how far the days are read."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.money import Money
from core.domain.shelf_moves import Cause, Reading, ShelfMove, ToldDays, changed, subject_of
from core.store import connections
from core.store.sql import run, run_set

READ = "shelves"  # a mark: how far the days are read
_reading = msgspec.json.Decoder(Reading)
DAY = {"day": "text"}
MOVE = {"day": "text", "sku": "text", "cause": "text", "reason": "text", "units": "int", "times": "int"}
BETWEEN = """
select m.day, m.sku, m.cause, m.reason, m.units, m.times from shelf_moves m
where m.merchant = :merchant and m.connection = :connection and m.day >= :since and m.day < :until
order by m.day, m.sku, m.cause, m.reason
"""
CLEAR = "delete from shelf_moves where merchant = :merchant and connection = :connection and day >= :since and day < :until"
PUT = """
insert into shelf_moves (merchant, connection, day, sku, cause, reason, units, times)
select :merchant, :connection, r.day, r.sku, r.cause, r.reason, r.units, r.times from {rows}
"""
OF_DAYS = """
select m.day, m.sku, m.cause, m.reason, m.units, m.times from {rows}
left join shelf_moves m on m.merchant = r.merchant and m.connection = r.connection and m.day = r.day
where m.sku is not null order by m.day, m.sku, m.cause, m.reason
"""
DAYS = "select distinct m.day from shelf_moves m where m.merchant = :merchant and m.connection = :connection order by m.day"


def reading(db: Connection, connection: str) -> tuple[int, Reading]:
    """How far a connection's days are read, and when somebody last asked."""
    at, kept = connections.mark(db, connection, READ)
    return at, _reading.decode(kept) if kept else Reading()


def keep_reading(db: Connection, merchant: str, connection: str, now: int, one: Reading) -> None:
    connections.set_mark(db, merchant, connection, READ, now, msgspec.json.encode(one).decode())


def replace(db: Connection, merchant: str, connection: str, told: ToldDays) -> list[date]:
    """Of these days just this happened. Gives those of which something else was said before."""
    span = {"merchant": merchant, "connection": connection, "since": told.since.isoformat(), "until": told.until.isoformat()}
    before = [_move(row) for row in run(db, BETWEEN, **span)]
    if days := changed(before, told.moves):
        run(db, CLEAR, **span)
        if rows := [_row(one) for one in told.moves]:
            run_set(db, PUT, MOVE, rows, merchant=merchant, connection=connection)
    return days


def of_days(db: Connection, merchant: str, connection: str, days: Iterable[date]) -> list[ShelfMove]:
    """All that happened on these."""
    rows = [{"connection": connection, "day": one.isoformat()} for one in sorted(set(days))]
    return [_move(row) for row in run_set(db, OF_DAYS, {"connection": "text", **DAY}, rows, merchant=merchant)]


def days(db: Connection, merchant: str, connection: str) -> list[date]:
    """Those on which something happened."""
    return [date.fromisoformat(row.day) for row in run(db, DAYS, merchant=merchant, connection=connection)]


def _move(row: Any) -> ShelfMove:
    return ShelfMove(date.fromisoformat(row.day), row.sku, Cause(row.cause), row.reason, row.units, row.times)


def _row(one: ShelfMove) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(), "sku": one.sku, "cause": one.cause.value, "reason": one.reason, "units": one.units, "times": one.times,
    }  # fmt: skip


# ---- at a glance

KNOWN = """
select c.id, c.label, m.at, m.cursor from connections c join marks m on m.connection = c.id and m.name = 'shelves'
where c.merchant = :merchant order by c.label, c.id
"""
SUMS = """
select r.connection, m.cause, m.reason, sum(case when m.day >= :since then m.units else 0 end) as units, sum(m.times) as times from {rows}
left join shelf_moves m on m.merchant = r.merchant and m.connection = r.connection and m.day >= :back
where m.sku is not null group by r.connection, m.cause, m.reason order by r.connection, m.cause, m.reason
"""
COST = """
select r.connection, p.currency, sum(p.amount) as amount from {rows}
left join entries e on e.merchant = r.merchant and e.subject = r.subject
left join postings p on p.entry = e.id and p.account = 'goods_sold' and p.merchant || '' = :merchant
where p.amount is not null group by r.connection, p.currency order by r.connection, p.currency
"""


def known(db: Connection, merchant: str) -> list[tuple[str, str, int, Reading]]:
    """Whose days are read: (connection, its label, when last, how far)."""
    return [(row.id, row.label, row.at, _reading.decode(row.cursor or "{}")) for row in run(db, KNOWN, merchant=merchant)]


def sums(db: Connection, merchant: str, connections: Iterable[str], since: date, back: date) -> list[Any]:
    """{connection, cause, reason, units since then, times since `back`}."""
    rows = [{"connection": one} for one in connections]
    return list(run_set(db, SUMS, {"connection": "text"}, rows, merchant=merchant, since=since.isoformat(), back=back.isoformat()))


def cost(db: Connection, merchant: str, connections: Iterable[str], days: Sequence[date]) -> list[tuple[str, Money]]:
    """(connection, what was booked as the cost of what it lost on these days, less what it found), by currency."""
    rows = [{"connection": one, "subject": subject_of(one, day)} for one in connections for day in days]
    found = run_set(db, COST, {"connection": "text", "subject": "text"}, rows, merchant=merchant)
    return [(row.connection, Money(int(row.amount), row.currency)) for row in found]
