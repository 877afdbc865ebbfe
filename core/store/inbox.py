"""The inbox: every notice is kept before it is answered, its body sealed, and taken out by the flow that reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set
from core.store.vault import Box

KEPT = {
    "merchant": "text", "connection": "text", "delivery": "text", "topic": "text", "ref": "text", "revision": "bigint",
    "read_at": "bigint", "received_at": "bigint", "start": "int", "size": "int",
}  # fmt: skip
KEEP = """
insert into inbox (merchant, connection, delivery, topic, ref, revision, read_at, received_at, body)
select r.merchant, r.connection, r.delivery, r.topic, r.ref, r.revision, r.read_at, r.received_at, substr(:bodies, r.start, r.size)
from {rows} where true on conflict (connection, delivery) do nothing
"""


def place(connection: str, delivery: str) -> str:
    """Where a body is bound to: it cannot be opened as another delivery's."""
    return f"inbox|body|{connection}|{delivery}"


def keep(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep notices {merchant, connection, delivery, topic, ref, revision, read_at, body, received_at}; a known delivery is dropped.
    All bodies travel as one value, of which each row takes its part."""
    if rows:
        bodies = [row["body"] or b"" for row in rows]
        ends = [0, *accumulate(map(len, bodies))]
        placed = [
            {**row, "body": None, "start": start + 1, "size": None if row["body"] is None else end - start}
            for row, (start, end) in zip(rows, pairwise(ends), strict=True)
        ]
        run_set(db, KEEP, KEPT, placed, bodies=b"".join(bodies))


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice that waits: `body` is opened, or None where the order must be fetched. `read_at` is when we asked the channel for it;
    None: the channel pushed it."""

    id: int
    ref: str
    topic: str
    revision: int | None
    read_at: int | None
    body: bytes | None


REFS = {"ref": "text"}
WAITING = """
select i.id, i.connection, i.ref, i.delivery, i.topic, i.revision, i.read_at, i.body from {rows}
left join inbox i on i.ref = r.ref and i.done_at is null and i.merchant || '' = :merchant
order by i.id
"""


def waiting(db: Connection, merchant: str, refs: Iterable[str], box: Box) -> list[Kept]:
    """What waits for these orders, in the order of arrival."""
    rows = run_set(db, WAITING, REFS, [{"ref": ref} for ref in refs], merchant=merchant).fetchall()
    return [
        Kept(
            row.id, row.ref, row.topic, row.revision, row.read_at,
            None if row.body is None else box.open(place(row.connection, row.delivery), bytes(row.body)),
        )
        for row in rows if row.id is not None
    ]  # fmt: skip


HISTORY = "history"  # the topic of old orders; and what became of them, since nothing of them is kept here
DONE = {"id": "bigint", "outcome": "text"}
CLOSE = "update inbox set done_at = :now, outcome = r.outcome from {rows} where inbox.id = r.id"


THESE = "(select i.id from {rows} left join inbox i on i.id = r.id {fence})"
FORGET = f"delete from inbox where id in {THESE}"
STRIP = f"update inbox set body = null where id in {THESE}"


def close(db: Connection, outcomes: Mapping[int, str], now: int) -> None:
    """Say what became of notices. Old orders go at once: their buyers may be past their time."""
    read = [{"id": id, "outcome": outcome} for id, outcome in outcomes.items() if outcome != HISTORY]
    if read:
        run_set(db, CLOSE, DONE, read, now=now)
    _by_id(db, FORGET, [id for id, outcome in outcomes.items() if outcome == HISTORY])


def strip(db: Connection, ids: Sequence[int]) -> None:
    """Let the bodies of these go; they wait as notices that only name their order."""
    _by_id(db, STRIP, ids)


def _by_id(db: Connection, statement: str, ids: Sequence[int]) -> None:
    if ids:
        run_set(db, statement, {"id": "bigint"}, [{"id": id} for id in ids])


def waits(db: Connection, merchant: str) -> int:
    return int(run(db, "select count(*) from inbox where merchant = :merchant and done_at is null", merchant=merchant).scalar_one())


def prune(db: Connection, before: int) -> int:
    """For the sweeper: read notices older than this go, buyers' data with them."""
    return run(db, "delete from inbox where done_at is not null and received_at < :before", before=before).rowcount


UNTOLD = """
select r.ref from {rows}
where not exists (select 1 from inbox i where i.ref = r.ref and i.done_at is null)
  and not exists (select 1 from tasks t where t.merchant = r.merchant and t.kind = 'fetch_orders' and t.subject = r.ref
                  and t.state in ('due', 'running', 'parked'))
"""
HEARD = "select 1 from inbox where connection = :connection and received_at >= :since and read_at is null limit 1"


def untold(db: Connection, merchant: str, refs: Iterable[str]) -> set[str]:
    """Those of these orders of which no notice waits and that nobody is about to fetch: until now nothing told us of them."""
    return {row.ref for row in run_set(db, UNTOLD, REFS, [{"ref": ref} for ref in refs], merchant=merchant)}


def heard(db: Connection, connection: str, since: int) -> bool:
    """Whether the channel pushed anything since then."""
    return run(db, HEARD, connection=connection, since=since).first() is not None
