"""Printers and what waits for each. Bodies are sealed: labels and slips carry addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.printing import MOST_STATIONS, JobState, Station, Way
from core.domain.shipping import Paper
from core.store.sql import run
from core.store.vault import Box

KEPT_US = 30 * 86_400_000_000  # as long as labels can be printed again
OF_STATION = "select id, name, way, address, kinds, location from stations where merchant = :merchant and state = 'active'"
ADD = """
insert into stations (id, merchant, name, way, address, kinds, location, state, created_at)
values (:id, :merchant, :name, :way, :address, :kinds, :location, 'active', :now)
"""
KEEP = """
insert into print_jobs (id, merchant, station, kind, format, shipment, body, state, asked_at, who)
values (:id, :merchant, :station, :kind, :format, :shipment, :body, 'waiting', :now, :who)
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A paper that waits for a printer, or did. `tried_at`: from then on the printer may have it."""

    id: str
    station: str
    kind: str
    format: str
    state: JobState
    tried_at: int | None


def stations(db: Connection, merchant: str) -> list[Station]:
    """All that are in use, by name."""
    rows = run(db, OF_STATION + " order by name, id limit :most", merchant=merchant, most=MOST_STATIONS)
    return [_station(row) for row in rows]


def station(db: Connection, merchant: str, id: str) -> Station | None:
    row = run(db, OF_STATION + " and id = :id", merchant=merchant, id=id).first()
    return _station(row) if row else None


def _station(row: Any) -> Station:
    kinds = tuple(msgspec.json.decode(row.kinds, type=list[str]))
    return Station(row.id, row.name, Way(row.way), row.address, kinds, row.location or "")


def add(db: Connection, merchant: str, one: Station, now: int) -> None:
    kinds = msgspec.json.encode(one.kinds).decode()
    run(
        db, ADD, id=one.id, merchant=merchant, name=one.name, way=one.way.value, address=one.address, kinds=kinds,
        location=one.location or None, now=now,
    )  # fmt: skip


def remove(db: Connection, merchant: str, id: str, now: int) -> None:
    """It is used no more; what waited for it is dropped."""
    run(db, "update stations set state = 'removed' where merchant = :merchant and id = :id", merchant=merchant, id=id)
    words = "update print_jobs set state = 'dropped', ended_at = :now where station = :id and merchant = :merchant and state = 'waiting'"
    run(db, words, merchant=merchant, id=id, now=now)


def keep(
    db: Connection, merchant: str, id: str, station: str, kind: str, paper: Paper, box: Box, who: str, now: int, shipment: str | None = None
) -> None:  # fmt: skip
    """It waits for its printer."""
    sealed = box.seal(f"print_jobs|body|{id}", paper.content)
    what = {"kind": kind, "format": paper.format.value, "shipment": shipment, "body": sealed}
    run(db, KEEP, id=id, merchant=merchant, station=station, now=now, who=who, **what)


ONE = "select o.id, o.station, o.kind, o.format, o.state, o.tried_at from print_jobs o where o.merchant = :merchant and o.id = :id {lock}"
NEXT = """
select id, station, kind, format, state, tried_at from print_jobs where station = :station and state = 'waiting'
  and merchant || '' = :merchant
order by asked_at, id limit 1
"""


def one(db: Connection, merchant: str, id: str) -> Job | None:
    """Locked, as it is now."""
    return _job(run(db, ONE, merchant=merchant, id=id).first())


def is_there(db: Connection, merchant: str, id: str) -> bool:
    """Whether a paper is this merchant's; not locked."""
    return run(db, "select 1 from print_jobs where id = :id and merchant || '' = :merchant", id=id, merchant=merchant).first() is not None


def next_of(db: Connection, merchant: str, station: str) -> Job | None:
    """What has waited longest for this printer."""
    return _job(run(db, NEXT, merchant=merchant, station=station).first())


def _job(row: Any) -> Job | None:
    return Job(row.id, row.station, row.kind, row.format, JobState(row.state), row.tried_at) if row else None


def body(db: Connection, merchant: str, id: str, box: Box) -> bytes:
    row = run(db, "select body from print_jobs where merchant = :merchant and id = :id", merchant=merchant, id=id).one()
    return box.open(f"print_jobs|body|{id}", row.body)


def tried(db: Connection, id: str, at: int | None) -> None:
    run(db, "update print_jobs set tried_at = :at where id = :id", id=id, at=at)


def become(db: Connection, id: str, state: JobState, now: int, words: str | None = None) -> None:
    over = None if state is JobState.WAITING else now
    tried = ", tried_at = null" if state is JobState.WAITING else ""
    statement = f"update print_jobs set state = :state, words = :words, ended_at = :over{tried} where id = :id"
    run(db, statement, id=id, state=state.value, words=words, over=over)


QUEUE = """
select j.id, j.station, j.kind, j.state, j.words, j.asked_at, j.tried_at, s.name as shipment
from (select id, station, kind, state, words, asked_at, tried_at, shipment from print_jobs
      where station = :station and merchant || '' = :merchant order by asked_at desc, id desc limit :most) as j
left join shipments s on s.id = j.shipment order by j.asked_at desc, j.id desc
"""


def queue(db: Connection, merchant: str, station: str, most: int = 50) -> Sequence[Any]:
    """What went to this printer, the newest first."""
    return run(db, QUEUE, merchant=merchant, station=station, most=most).all()


def prune(db: Connection, now: int) -> int:
    """Forget what was printed or not long ago."""
    return run(db, "delete from print_jobs where asked_at <= :before", before=now - KEPT_US).rowcount
