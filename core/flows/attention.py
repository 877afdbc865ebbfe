"""What needs somebody, by cause: what the database finds, and what is the matter with connections."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection as Db

from core.domain import causes, health
from core.domain.causes import Cause
from core.flows.health import Health
from core.hub import Hub
from core.store import attention
from core.store.attention import Item

SEVERITY = ("bad", "warn", "info")
ORDER = list(causes.ALL)


@dataclass(frozen=True, slots=True)
class Group:
    """A cause with how much there is of it and the newest of that."""

    cause: Cause
    count: int
    items: Sequence[Item] = field(default_factory=list)

    @property
    def is_more(self) -> bool:
        """It was counted no further."""
        return self.count >= attention.MOST


def of_connections(known: Sequence[Health], now: int) -> list[Item]:
    """What is the matter with connections themselves."""
    return [
        Item(name, one.one.id, "", one.one.label, one.one.reason, "", 0, one.one.id, at, one.one.id)
        for one in known
        for name, at in _ills(one, now)
    ]


def _ills(one: Health, now: int) -> list[tuple[str, int]]:
    """(cause, since when)."""
    facts = one.facts
    found = [("login", facts.read_at)] if facts.state == "needs_login" else []
    found += [("unread", max(facts.read_at, facts.created_at))] if health.is_unread(facts, now) else []
    return found + ([("login-ends", facts.login_until or 0)] if health.ends_soon(facts, now) else [])


def counts(hub: Hub, db: Db, merchant: str, known: Sequence[Health]) -> list[Group]:
    """How much there is of each cause, the worst first."""
    found = attention.counts(db, merchant, hub.now)
    for item in of_connections(known, hub.now):
        found[item.cause] = found.get(item.cause, 0) + 1
    return _sorted([Group(causes.ALL[name], count) for name, count in found.items()])


def groups(hub: Hub, db: Db, merchant: str, known: Sequence[Health], most: int = 5) -> list[Group]:
    """Each cause with the newest of it, the worst first."""
    found = attention.first(db, merchant, hub.now, most)
    for item in of_connections(known, hub.now):
        count, items = found.setdefault(item.cause, (0, []))
        found[item.cause] = (count + 1, [*items, item])
    return _sorted([Group(causes.ALL[name], count, items) for name, (count, items) in found.items()])


def _sorted(found: list[Group]) -> list[Group]:
    return sorted(found, key=lambda one: (SEVERITY.index(one.cause.tone), ORDER.index(one.cause.name)))


def retry(hub: Hub, merchant: str, cause: str, tasks: Sequence[int] = ()) -> int:
    """Have parked work tried again: these tasks, or without them all that stopped for this cause. Gives how many."""
    with hub.unit() as work:
        found = attention.retry_these(work.db, merchant, tasks, work.now) if tasks else attention.retry(work.db, merchant, cause, work.now)
    for queue in {row.queue for row in found}:
        hub.bell.ring(queue)
    return len(found)
