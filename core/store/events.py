"""The diary: facts are inserted, never changed."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.events import Event
from core.store.engine import Database
from core.store.sql import run, run_set

EVENT = {"subject": "text", "kind": "text", "body": "text", "caused_by": "text"}
APPEND = """
insert into events (merchant, subject, kind, body, at, caused_by)
select :merchant, r.subject, r.kind, r.body, :now, r.caused_by from {rows}
"""
# Ids are drawn before their transaction ends, so a later one may be seen first. Whoever writes holds this lock with all the others from
# before its ids are drawn until it ends; whoever must not miss one takes it alone, for a moment. SQLite has one writer.
LOCK = "hashtextextended('events ' || cast(:merchant as text), 0)"
APPEND_LOCKED = f"with held as materialized (select pg_advisory_xact_lock_shared({LOCK})) {APPEND}, held"
_encode = msgspec.json.Encoder().encode


def append(db: Connection, merchant: str, facts: Sequence[tuple[str, Event]], caused_by: str, now: int) -> None:
    """(subject, fact): what happened, why, and when we learned of it."""
    rows = [
        {"subject": subject, "kind": type(fact).__name__, "body": _encode(fact).decode(), "caused_by": caused_by}
        for subject, fact in facts
    ]  # fmt: skip
    if rows:
        run_set(db, APPEND_LOCKED if db.dialect.name == "postgresql" else APPEND, EVENT, rows, merchant=merchant, now=now)


STORY = "select kind, body, at, caused_by from events where subject = :subject and merchant || '' = :merchant order by id"


def story(db: Connection, merchant: str, subject: str) -> list[Any]:
    """Everything that happened to one subject, oldest first."""
    return list(run(db, STORY, merchant=merchant, subject=subject))


LAST = "select id from events where merchant = :merchant and id > :after order by id desc limit 1"


def settled(database: Database, merchant: str, after: int) -> int:
    """The last event behind `after` before which none can still appear; `after` itself where there is none."""
    with database.read() as db:
        last = run(db, LAST, merchant=merchant, after=after).scalar()
    if last is None or database.is_sqlite:
        return last or after
    with database.write() as db:
        run(db, f"select pg_advisory_xact_lock({LOCK})", merchant=merchant)
        return int(run(db, LAST, merchant=merchant, after=after).scalar_one())


FEED = """
select id, subject, kind, body, at from events where merchant = :merchant and id > :after and id <= :upto order by id limit :most
"""
THESE = "select e.id, e.subject, e.kind, e.body, e.at from {rows} left join events e on e.id = r.id and e.merchant || '' = :merchant"


def these(db: Connection, merchant: str, ids: Sequence[int]) -> list[Any]:
    """Those of these that are this merchant's."""
    rows = [{"id": id} for id in ids]
    return [row for row in run_set(db, THESE, {"id": "bigint"}, rows, merchant=merchant) if row.id is not None] if rows else []


STORY_FROM = """
select id, subject, kind, body, at from events where subject = :subject and merchant || '' = :merchant and id > :after
order by id limit :most
"""


def feed(db: Connection, merchant: str, after: int, upto: int, most: int) -> list[Any]:
    """Facts behind `after` up to `upto`, oldest first."""
    return list(run(db, FEED, merchant=merchant, after=after, upto=upto, most=most))


def story_from(db: Connection, merchant: str, subject: str, after: int, most: int) -> list[Any]:
    """The same of one subject."""
    return list(run(db, STORY_FROM, merchant=merchant, subject=subject, after=after, most=most))
