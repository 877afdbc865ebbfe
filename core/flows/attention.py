"""What needs somebody, by cause: what the database finds, and what is the matter with connections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection as Db

from core.domain import causes, health
from core.domain.causes import Cause
from core.domain.tasks import bell_of
from core.domain.who import Who
from core.errors import Refused
from core.flows.health import Health
from core.hub import Hub
from core.store import attention, audit, connections
from core.store.attention import Item
from core.store.vault import Unreadable

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

    @property
    def at_least(self) -> int:
        return min(self.count, attention.MOST - 1)


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
    found += [("blind", facts.blind_since)] if facts.blind_since is not None else []
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


def of_cause(hub: Hub, db: Db, merchant: str, cause: Cause, known: Sequence[Health], **where: Any) -> list[Item]:
    """What there is of one cause, a page of it; `where` as `store.attention.page` has it."""
    mine = [item for item in of_connections(known, hub.now) if item.cause == cause.name]
    return mine or attention.page(db, merchant, cause.name, hub.now, **where)


def words_of(hub: Hub, db: Db, merchant: str, items: Sequence[Item]) -> dict[str, str]:
    """What channels said of parked tasks, and carriers of labels, by the item's subject: sealed, since it may name somebody."""
    ids = {int(item.id): item.subject for item in items if item.kind in causes.DOES and item.id.isdecimal()}
    labels = {item.id: item.subject for item in items if item.cause == NOT_VOIDED}
    of_tasks = attention.sealed_words(db, merchant, list(ids))
    of_labels = attention.label_words(db, merchant, list(labels))
    found = {ids[id]: _opened(hub, merchant, f"tasks|words|{id}", text) for id, text in of_tasks.items()}
    return found | {labels[id]: _opened(hub, merchant, f"purchases|words|{id}", text) for id, text in of_labels.items()}


NOT_VOIDED = "not-voided"


def _opened(hub: Hub, merchant: str, name: str, text: str) -> str:
    """ "" where its key is gone."""
    try:
        return hub.box(merchant).open_text(name, text).decode("utf-8", "replace")
    except Unreadable:
        return ""


def retry(hub: Hub, merchant: str, cause: str, who: Who, tasks: Sequence[int] = ()) -> int:
    """Have parked work tried again: these tasks, or without them all that stopped for this cause. Gives how many."""
    with hub.unit() as work:
        found = attention.retry_these(work.db, merchant, tasks, work.now) if tasks else attention.retry(work.db, merchant, cause, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "attention.retry", cause, tasks=len(found))
    for queue in {bell_of(row.queue) for row in found}:
        hub.bell.ring(queue)
    return len(found)


def leave(hub: Hub, merchant: str, cause: str, marks: Mapping[str, str], note: str, who: Who) -> int:
    """Somebody saw these so (`marks` by subject) and leaves them as they are, until they change. Gives how many; what changed meanwhile is
    not left. Raises Refused without a note, and for what must not be left."""
    if not note.strip() or not causes.ALL[cause].ignorable:
        raise Refused("say why")
    with hub.unit() as work:
        now = attention.these(work.db, merchant, cause, marks, work.now)
        some = [(item.subject, item.seen) for item in now if item.mark == marks[item.subject]]
        attention.ignore(work.db, merchant, cause, some, who.id, who.name, note.strip(), work.now)
        subjects = [subject for subject, _ in some]
        audit.write(work.db, merchant, work.now, who.id, who.name, "attention.ignore", cause, subjects=subjects, note=note.strip())
    return len(some)


def show_again(hub: Hub, merchant: str, cause: str, subject: str, who: Who) -> None:
    """It needs somebody after all."""
    with hub.unit() as work:
        attention.show_again(work.db, merchant, cause, subject)
        audit.write(work.db, merchant, work.now, who.id, who.name, "attention.show", cause, subjects=[subject])


def read_now(hub: Hub, merchant: str, connection: str, who: Who) -> None:
    """Read a channel's orders and listings now, whatever the clock says. Raises Refused where there is none."""
    with hub.unit() as work:
        if connection not in {one.id for one in connections.all_of(work.db, merchant)}:
            raise Refused("there is no such connection")
        for kind in ("poll_orders", "read_listings"):
            work.ask(merchant, kind, connection, connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "connection.read", connection)
