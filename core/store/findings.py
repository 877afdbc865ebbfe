"""Findings: what holding the hub against a channel found, with its evidence, and how each ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set
from core.store.tables import when as at

FOUND = {
    "what": "text", "subject": "text", "theirs": "text", "ours": "text", "found_at": "bigint", "since": "bigint", "mended_at": "bigint",
    "how": "text",
}  # fmt: skip
KEEP = """
insert into findings (merchant, connection, what, subject, theirs, ours, found_at, since, mended_at, how)
select :merchant, :connection, r.what, r.subject, r.theirs, r.ours, r.found_at, r.since, r.mended_at, r.how from {rows} where true
on conflict (connection, what, subject) where mended_at is null do update set theirs = excluded.theirs, ours = excluded.ours
"""
CLOSE = """
update findings set mended_at = :now, how = :how from {rows}
where findings.connection = :connection and findings.what = :what and findings.subject = r.subject and findings.mended_at is null
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is order, listing, day, subscription or silence; `theirs` and `ours` are the evidence as text. `since` is since when it was
    so, where that is known; `how` it ended: repaired, gone by itself or accepted."""

    connection: str
    what: str
    subject: str
    theirs: str
    ours: str
    found_at: int
    since: int | None = None
    mended_at: int | None = None
    how: str | None = None


def keep(db: Connection, merchant: str, connection: str, found: Sequence[Finding]) -> None:
    """Write them down; one that is open already only gets the newer evidence."""
    if found:
        rows = [{name: getattr(one, name) for name in FOUND} for one in found]
        run_set(db, KEEP, FOUND, rows, merchant=merchant, connection=connection)


def close(db: Connection, connection: str, what: str, subjects: Iterable[str], how: str, now: int) -> None:
    """These are over, where they were open."""
    rows = [{"subject": subject} for subject in subjects]
    if rows:
        run_set(db, CLOSE, {"subject": "text"}, rows, connection=connection, what=what, how=how, now=now)


FIELDS = "connection, what, subject, theirs, ours, found_at, since, mended_at, how"
OPEN_OF = f"select {FIELDS} from findings where connection = :connection and what = :what and mended_at is null order by subject"
LISTED = f"""
select {FIELDS} from findings where merchant = :merchant and (:only_open = 0 or mended_at is null) order by id desc limit :most
"""


OPEN_SINCE = f"""
select {FIELDS} from findings where merchant = :merchant and mended_at is null and found_at > 0 order by found_at desc, id desc limit :most
"""


def all_open(db: Connection, merchant: str, most: int) -> list[Finding]:
    """Those of a merchant that are not over, the newest first."""
    return [Finding(**row._mapping) for row in run(db, OPEN_SINCE, merchant=merchant, most=most)]


def open_of(db: Connection, connection: str, what: str) -> list[Finding]:
    return [Finding(**row._mapping) for row in run(db, OPEN_OF, connection=connection, what=what)]


def listed(db: Connection, merchant: str, *, only_open: bool = False, most: int = 200) -> list[Finding]:
    """The newest first."""
    return [Finding(**row._mapping) for row in run(db, LISTED, merchant=merchant, only_open=int(only_open), most=most)]


MISSED = """
select found_at - since as lag from findings
where merchant = :merchant and what = 'order' and since is not null and found_at >= :after order by id desc limit :most
"""


def missed(db: Connection, merchant: str, after: int, most: int = 100_000) -> list[int]:
    """Of each order that nothing told us of and a poll found since then: the microseconds from its last change to our finding it."""
    return [int(row.lag) for row in run(db, MISSED, merchant=merchant, after=after, most=most)]


MISSED_BY = """
select max(since) from findings
where connection = :connection and what = 'order' and found_at >= :after and since >= :after and since <= :by
"""


def missed_by(db: Connection, connection: str, after: int, by: int) -> int | None:
    """When the last order of which nothing told us changed, between these moments; None where there was none."""
    found: int | None = run(db, MISSED_BY, connection=connection, after=after, by=by).scalar_one()
    return found


SINCE = "select count(*) from findings where connection = :connection and what = 'order' and since >= :since"
PRUNE = "delete from findings where mended_at < :before"


def orders_since(db: Connection, connection: str, since: int) -> int:
    """How many orders of a connection that changed since then no notice told of."""
    return int(run(db, SINCE, connection=connection, since=since).scalar_one())


def prune(db: Connection, before: int) -> int:
    """For the sweeper: forget what ended long ago."""
    return run(db, PRUNE, before=before).rowcount


# What is counted by the day

DAY_US = 86_400_000_000
COUNTED = f"""
select placed_at / {DAY_US} as day, count(*) as orders from orders
where merchant = :merchant and placed_at >= :since and placed_at < :until and connection || '' = :connection and merged_into is null
group by 1
"""
IN_FLIGHT = """
select 1 where exists (select 1 from tasks where queue = 'inside' and merchant = :merchant and connection = :connection
                       and kind = 'take_orders' and state = 'due' and asked_at <= :asked)
  or exists (select 1 from tasks where queue = 'outside' and merchant = :merchant and connection = :connection
             and kind = 'fetch_orders' and state = 'due' and asked_at <= :asked)
  or exists (select 1 from tasks where state = 'running' and lease_until > 0 and connection = :connection
             and kind in ('take_orders', 'fetch_orders') and asked_at <= :asked)
"""
STUCK = """
select r.ref from {rows} where exists (
  select 1 from tasks t where t.merchant = r.merchant and t.kind = 'take_orders' and t.subject = r.ref and t.state = 'parked')
"""
WHOLE = """
select coalesce(m.at, c.created_at - :begin) as polled, b.since, b.at, b.phase from connections c
left join marks m on m.connection = c.id and m.name = 'orders since' left join backfills b on b.connection = c.id
where c.id = :connection
"""


def counted(db: Connection, merchant: str, connection: str, since: int, until: int) -> dict[int, int]:
    """How many orders of a connection are here by the first moment (microseconds) of the day in UTC on which they were placed."""
    found = run(db, COUNTED, merchant=merchant, connection=connection, since=since, until=until)
    return {int(row.day) * DAY_US: int(row.orders) for row in found}


def in_flight(db: Connection, merchant: str, connection: str, asked: int) -> bool:
    """Whether notices that were kept up to then are still to be taken."""
    return run(db, IN_FLIGHT, merchant=merchant, connection=connection, asked=asked).first() is not None


def stuck(db: Connection, merchant: str, refs: Iterable[str]) -> set[str]:
    """Those of these orders that are kept and that nobody can read."""
    rows = [{"ref": ref} for ref in refs]
    return {row.ref for row in run_set(db, STUCK, {"ref": "text"}, rows, merchant=merchant)} if rows else set()


def whole_from(db: Connection, connection: str, begin: int) -> int:
    """From when on all orders of a connection should be here: what the first poll reached (`begin` microseconds before the connection was
    made, where that was not written down), or a finished backfill."""
    row = run(db, WHOLE, connection=connection, begin=begin).one()
    if row.phase != "done":
        return int(row.polled)
    return min(int(row.polled), max(int(row.since), int(row.at or 0)))


def as_row(one: Finding, now: int) -> Mapping[str, Any]:
    """For people and programs: times as text, and the seconds that nobody knew and that it took to end."""
    return {
        "connection": one.connection, "what": one.what, "subject": one.subject, "theirs": one.theirs, "ours": one.ours,
        "found_at": at(one.found_at).isoformat(), "unknown_s": None if one.since is None else (one.found_at - one.since) // 1_000_000,
        "ended_at": None if one.mended_at is None else at(one.mended_at).isoformat(), "how": one.how,
        "open_s": ((one.mended_at or now) - one.found_at) // 1_000_000,
    }  # fmt: skip


def day_name(day: int) -> str:
    """2026-11-21, of a day's first moment."""
    return at(day).date().isoformat()
