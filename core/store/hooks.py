"""Outgoing webhooks: whom we tell of events, how far each was told, and what came of each call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.hooks import Secret
from core.store.sql import run, run_set
from core.store.vault import Box


@dataclass(frozen=True, slots=True, repr=False)
class Hook:
    """`types` are those that it wants, none: all; `sent_to` the last event that it was told of; `failed` counts tries in a row that came
    to nothing since `failing_since`; it is left alone until `rests_until`."""

    id: str
    merchant: str
    url: str
    secret: str
    types: frozenset[str]
    state: str
    reason: str | None
    sent_to: int
    failed: int
    failing_since: int | None
    rests_until: int
    created_at: int

    def secrets(self, box: Box) -> list[Secret]:
        return msgspec.json.decode(box.open_text(_place(self.id), self.secret), type=list[Secret])


def _place(id: str) -> str:
    return f"hooks|secret|{id}"


def sealed(box: Box, id: str, secrets: Sequence[Secret]) -> str:
    return box.seal_text(_place(id), msgspec.json.encode(secrets))


FIELDS = "id, merchant, url, secret, kinds, state, reason, sent_to, failed, failing_since, rests_until, created_at"


def _read(row: Any) -> Hook:
    values = dict(row._mapping)
    return Hook(**{name: value for name, value in values.items() if name != "kinds"}, types=frozenset(msgspec.json.decode(values["kinds"])))


ADD = """
insert into hooks (id, merchant, url, secret, kinds, sent_to, created_at) values (:id, :merchant, :url, :secret, :kinds, :sent_to, :now)
"""


def add(db: Connection, merchant: str, id: str, url: str, secret: str, types: Iterable[str], sent_to: int, now: int) -> None:
    kinds = msgspec.json.encode(sorted(types)).decode()
    run(db, ADD, id=id, merchant=merchant, url=url, secret=secret, kinds=kinds, sent_to=sent_to, now=now)


def all_of(db: Connection, merchant: str) -> list[Hook]:
    return [
        _read(row) for row in run(db, f"select {FIELDS} from hooks where merchant = :merchant order by created_at, id", merchant=merchant)
    ]


def get(db: Connection, merchant: str, id: str) -> Hook | None:
    row = run(db, f"select {FIELDS} from hooks where id = :id and merchant || '' = :merchant", merchant=merchant, id=id).first()
    return _read(row) if row else None


def set_secret(db: Connection, id: str, secret: str) -> None:
    run(db, "update hooks set secret = :secret where id = :id", id=id, secret=secret)


STATE = "update hooks set state = :state, reason = :reason, failed = 0, failing_since = null, rests_until = 0 where id = :id"


def set_state(db: Connection, id: str, state: str, reason: str | None) -> None:
    """active or paused; what failed before is forgotten."""
    run(db, STATE, id=id, state=state, reason=reason)


def stop(db: Connection, id: str, reason: str) -> None:
    """It failed for too long; what failed is kept."""
    run(db, "update hooks set state = 'stopped', reason = :reason, rests_until = 0 where id = :id", id=id, reason=reason)


def remove(db: Connection, id: str) -> None:
    run(db, "delete from hook_calls where hook = :id", id=id)
    run(db, "delete from hooks where id = :id", id=id)


PROGRESS = """
update hooks set sent_to = case when :sent_to > sent_to then cast(:sent_to as bigint) else sent_to end, failed = :failed,
  failing_since = :failing_since, rests_until = :rests_until where id = :id
"""


def progress(db: Connection, id: str, sent_to: int, failed: int, failing_since: int | None, rests_until: int) -> None:
    """How far it was told, and how it stands with it."""
    run(
        db, PROGRESS, id=id, sent_to=sent_to, failed=failed, failing_since=failing_since, rests_until=rests_until
    )  # fmt: skip


AWAKE = "select id from hooks where merchant = :merchant and state = 'active' and rests_until <= :now"


def awake(db: Connection, merchant: str, now: int) -> tuple[str, ...]:
    """Those that are to be told when something happens."""
    return tuple(row.id for row in run(db, AWAKE, merchant=merchant, now=now))


BEHIND = """
select h.id, h.merchant from hooks h where h.state = 'active' and h.rests_until <= :now
  and exists (select 1 from events e where e.merchant = h.merchant and e.id > h.sent_to)
"""


def behind(db: Connection, now: int) -> list[Any]:
    """For the sweeper: (id, merchant) of those that something has happened for."""
    return list(run(db, BEHIND, now=now))


CALL = {"event_id": "bigint", "message": "text", "at": "bigint", "status": "int", "ms": "int", "words": "text"}
LOG = """
insert into hook_calls (merchant, hook, event_id, message, at, status, ms, words)
select :merchant, :hook, r.event_id, r.message, r.at, r.status, r.ms, r.words from {rows} where true
"""


def log(db: Connection, merchant: str, hook: str, calls: Sequence[Mapping[str, Any]]) -> None:
    """What came of calls {event_id, message, at, status, ms, words}; in the order in which they were made."""
    if calls:
        run_set(db, LOG, CALL, calls, merchant=merchant, hook=hook)


CALLS = """
select id, event_id, message, at, status, ms, words from hook_calls
where hook = :hook and merchant || '' = :merchant and id < :before order by id desc limit :most
"""


def calls(db: Connection, merchant: str, hook: str, most: int = 50, before: int = 2**63 - 1) -> list[Any]:
    """The newest first."""
    return list(run(db, CALLS, merchant=merchant, hook=hook, most=most, before=before))


def prune(db: Connection, before: int) -> int:
    """For the sweeper: forget old calls."""
    return run(db, "delete from hook_calls where at < :before", before=before).rowcount
