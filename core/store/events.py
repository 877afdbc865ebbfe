"""The diary: facts are inserted, never changed."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.events import Event
from core.store.sql import run, run_set

EVENT = {"subject": "text", "kind": "text", "body": "text", "caused_by": "text"}
APPEND = """
insert into events (merchant, subject, kind, body, at, caused_by)
select :merchant, r.subject, r.kind, r.body, :now, r.caused_by from {rows}
"""
_encode = msgspec.json.Encoder().encode


def append(db: Connection, merchant: str, facts: Sequence[tuple[str, Event]], caused_by: str, now: int) -> None:
    """(subject, fact): what happened, why, and when we learned of it."""
    rows = [
        {"subject": subject, "kind": type(fact).__name__, "body": _encode(fact).decode(), "caused_by": caused_by}
        for subject, fact in facts
    ]  # fmt: skip
    if rows:
        run_set(db, APPEND, EVENT, rows, merchant=merchant, now=now)


def story(db: Connection, merchant: str, subject: str) -> list[Any]:
    """Everything that happened to one subject, oldest first."""
    return list(
        run(db, "select kind, body, at, caused_by from events where merchant = :merchant and subject = :subject order by id",
            merchant=merchant, subject=subject)
    )  # fmt: skip
