"""API keys: what is kept of them, when they were used, and how much each may still ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store import connections
from core.store.sql import run

MINUTE_US = 60_000_000  # a use is noted at most so often


@dataclass(frozen=True, slots=True)
class Key:
    """`tail` are its last letters; `until`, `used_at` and `revoked_at` are moments, or none."""

    id: str
    merchant: str
    name: str
    tail: str
    scopes: frozenset[str]
    created_by: str
    created_at: int
    until: int | None
    used_at: int | None
    revoked_at: int | None

    def holds(self, now: int) -> bool:
        return self.revoked_at is None and (self.until is None or now < self.until)


FIELDS = "id, merchant, name, tail, scopes, created_by, created_at, until, used_at, revoked_at"


def _read(row: Any) -> Key:
    values = dict(row._mapping)
    return Key(**{**values, "scopes": frozenset(values["scopes"].split())})


def by_secret(db: Connection, digest: str) -> Key | None:
    """For whoever shows a key: whose it is, is not known before."""
    row = run(db, f"select {FIELDS} from api_keys where secret = :secret", secret=digest).first()
    return _read(row) if row else None


ADD = """
insert into api_keys (id, merchant, name, secret, tail, scopes, created_by, created_at, until)
values (:id, :merchant, :name, :secret, :tail, :scopes, :created_by, :now, :until)
"""


def add(
    db: Connection, merchant: str, id: str, name: str, secret: str, tail: str, scopes: Sequence[str], created_by: str, now: int,
    until: int | None,
) -> None:  # fmt: skip
    run(
        db, ADD, id=id, merchant=merchant, name=name, secret=secret, tail=tail, scopes=" ".join(scopes), created_by=created_by, now=now,
        until=until,
    )  # fmt: skip


def all_of(db: Connection, merchant: str) -> list[Key]:
    """The newest first."""
    rows = run(db, f"select {FIELDS} from api_keys where merchant = :merchant order by created_at desc, id desc", merchant=merchant)
    return [_read(row) for row in rows]


REVOKE = "update api_keys set revoked_at = :now where merchant = :merchant and id = :id and revoked_at is null returning name"


def revoke(db: Connection, merchant: str, id: str, now: int) -> str | None:
    """It lets nobody in from now on. Gives its name; None where there is no such key that holds."""
    row = run(db, REVOKE, merchant=merchant, id=id, now=now).first()
    return row.name if row else None


def note_use(db: Connection, key: Key, now: int) -> None:
    """That it was used, at most once a minute."""
    if key.used_at is None or key.used_at + MINUTE_US <= now:
        run(db, "update api_keys set used_at = :now where id = :id", id=key.id, now=now)


def spend(db: Connection, key: str, per_s: float, burst: float, now: int) -> tuple[int, float]:
    """One request of a key's budget: how many are left, and 0; or 0, and in how many seconds there will be one again."""
    name = {"connection": f"key/{key}", "operation": f"api {per_s:g} {burst:g}"}  # another rate begins with a full bucket
    row = run(db, connections.TAKE, **name, per_s=per_s, burst=burst, units=1.0, needed=1.0, now=now).first()
    if row is not None:
        return int(row.remaining), 0.0
    bucket = run(db, connections.BUCKET, **name).one()
    left = min(bucket.burst, bucket.remaining + (now - bucket.at) * bucket.per_s / 1e6)
    return 0, max(0.05, (1.0 - left) / bucket.per_s)
