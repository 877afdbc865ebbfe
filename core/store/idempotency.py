"""What was answered to a write that bore a name of its asker's: asked again under it, it is answered again and not done again.

The row is written in the transaction of what was done. A crash leaves both or neither.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from core.store.sql import run
from core.store.vault import Box

KEPT_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    digest: str
    status: int
    body: bytes


HOLD = "select pg_try_advisory_xact_lock(hashtextextended(:name, 0)) as held"
FIND = """
select digest, status, body from idempotency where api_key = :api_key and name = :name and at > :since and merchant || '' = :merchant
"""
KEEP = """
insert into idempotency (merchant, api_key, name, digest, status, body, at)
values (:merchant, :api_key, :name, :digest, :status, :body, :now)
on conflict (api_key, name) do update set digest = excluded.digest, status = excluded.status, body = excluded.body, at = excluded.at
"""


def hold(db: Connection, api_key: str, name: str) -> bool:
    """Until the transaction ends nobody else does what bears this name; False: somebody is at it. SQLite has one writer: whoever comes
    second waits, and finds the answer."""
    return db.dialect.name != "postgresql" or bool(run(db, HOLD, name=f"idempotency {api_key} {name}").scalar_one())


def find(db: Connection, merchant: str, api_key: str, name: str, box: Box, now: int) -> Answer | None:
    """What was answered within the last day."""
    row = run(db, FIND, merchant=merchant, api_key=api_key, name=name, since=now - KEPT_US).first()
    return Answer(row.digest, row.status, box.open_text(_place(api_key, name), row.body)) if row else None


def keep(db: Connection, merchant: str, api_key: str, name: str, answer: Answer, box: Box, now: int) -> None:
    body = box.seal_text(_place(api_key, name), answer.body)
    run(
        db, KEEP, merchant=merchant, api_key=api_key, name=name, digest=answer.digest, status=answer.status, body=body, now=now
    )  # fmt: skip


def _place(api_key: str, name: str) -> str:
    return f"idempotency|body|{api_key} {name}"


def prune(db: Connection, now: int) -> int:
    """For the sweeper: forget what is older than a day."""
    return run(db, "delete from idempotency where at < :before", before=now - KEPT_US).rowcount
