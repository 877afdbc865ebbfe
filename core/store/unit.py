"""A unit of work: one transaction that writes effects, the facts they make, and the tasks they ask for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from core.domain.events import Event
from core.domain.tasks import QUEUES, Claim, bell_of
from core.store import events, tasks


@dataclass
class Unit:
    """`now` is the moment of the whole unit, in microseconds. Asks are written last, so that their rows are held briefly."""

    db: Connection
    now: int
    caused_by: str = "hub"
    _facts: dict[str, list[tuple[str, Event]]] = field(default_factory=dict)
    _asked: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def happened(self, merchant: str, facts: Iterable[tuple[str, Event]]) -> None:
        """(subject, fact): for the diary."""
        self._facts.setdefault(merchant, []).extend(facts)

    def ask(self, merchant: str, kind: str, subject: str, connection: str = "", wait_s: float = 0.0) -> None:
        """This must be done, after `wait_s` seconds at the earliest. Asked again before it is done, it is done once."""
        due_at = self.now + int(wait_s * 1_000_000)
        known = self._asked.get((merchant, kind, subject))
        if known is None or due_at < known["due_at"]:
            self._asked[merchant, kind, subject] = {
                "merchant": merchant, "connection": connection, "kind": kind, "subject": subject, "queue": QUEUES[kind], "due_at": due_at,
            }  # fmt: skip

    @property
    def told(self) -> tuple[str, ...]:
        """The merchants of whose affairs something happened."""
        return tuple(self._facts)

    def close(self, held: Claim | None = None) -> set[str]:
        """Write what was said; gives the queues that have work now. `held` is recorded next."""
        for merchant, facts in self._facts.items():
            events.append(self.db, merchant, facts, self.caused_by, self.now)
        tasks.ask(self.db, self._asked.values(), self.now, held)
        return {bell_of(row["queue"]) for row in self._asked.values() if row["due_at"] <= self.now}
