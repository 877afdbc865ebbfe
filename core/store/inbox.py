"""The inbox: every notice is kept before it is answered, its body sealed, and taken out by the flow that reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.store.sql import run, run_set
from core.store.tables import inbox
from core.store.vault import Box

_KEYS = ["connection", "delivery"]
_INSERTS = {
    "postgresql": postgresql.insert(inbox).on_conflict_do_nothing(index_elements=_KEYS),
    "sqlite": sqlite.insert(inbox).on_conflict_do_nothing(index_elements=_KEYS),
}


def place(connection: str, delivery: str) -> str:
    """Where a body is bound to: it cannot be opened as another delivery's."""
    return f"inbox|body|{connection}|{delivery}"


def keep(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep notices {merchant, connection, delivery, topic, ref, revision, fetched, body, received_at}; a known delivery is dropped."""
    if rows:
        db.execute(_INSERTS[db.dialect.name], list(rows))


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice that waits: `body` is opened, or None where the order must be fetched."""

    id: int
    ref: str
    topic: str
    revision: int | None
    fetched: bool
    body: bytes | None


REFS = {"ref": "text"}
WAITING = """
select i.id, i.connection, i.ref, i.delivery, i.topic, i.revision, i.fetched, i.body from {rows} join inbox i on i.ref = r.ref
where i.merchant = :merchant and i.done_at is null order by i.id
"""


def waiting(db: Connection, merchant: str, refs: Iterable[str], box: Box) -> list[Kept]:
    """What waits for these orders, in the order of arrival."""
    rows = run_set(db, WAITING, REFS, [{"ref": ref} for ref in refs], merchant=merchant).fetchall()
    return [
        Kept(
            row.id, row.ref, row.topic, row.revision, bool(row.fetched),
            None if row.body is None else box.open(place(row.connection, row.delivery), bytes(row.body)),
        )
        for row in rows
    ]  # fmt: skip


DONE = {"id": "bigint", "outcome": "text"}
CLOSE = "update inbox set done_at = :now, outcome = r.outcome from {rows} where inbox.id = r.id"


def close(db: Connection, outcomes: Mapping[int, str], now: int) -> None:
    if outcomes:
        run_set(db, CLOSE, DONE, [{"id": id, "outcome": outcome} for id, outcome in outcomes.items()], now=now)


def waits(db: Connection, merchant: str) -> int:
    return int(run(db, "select count(*) from inbox where merchant = :merchant and done_at is null", merchant=merchant).scalar_one())


def prune(db: Connection, before: int) -> int:
    """For the sweeper: read notices older than this go, buyers' data with them."""
    return run(db, "delete from inbox where done_at is not null and received_at < :before", before=before).rowcount
