"""Group commit: whoever comes while another commits joins the next transaction, so many small writes share one fsync."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.store import inbox
from core.store.engine import Database
from core.store.unit import Unit


@dataclass
class _Entry:
    rows: Sequence[Mapping[str, Any]]
    asks: Sequence[tuple[str, str, str, str]]  # merchant, kind, subject, connection
    done: bool = False
    error: BaseException | None = None


class GroupWriter:
    """`keep` returns when its rows are durable, or raises what went wrong with the whole group."""

    def __init__(self, database: Database, now: Callable[[], int], ring: Callable[[str], None]) -> None:
        self._database, self._now, self._ring = database, now, ring
        self._waiting: list[_Entry] = []
        self._guard, self._turn = threading.Lock(), threading.Lock()

    def keep(self, rows: Sequence[Mapping[str, Any]], asks: Sequence[tuple[str, str, str, str]]) -> None:
        """Inbox rows and the work they ask for."""
        entry = _Entry(rows, asks)
        with self._guard:
            self._waiting.append(entry)
        with self._turn:
            if not entry.done:
                self._commit()
        if entry.error is not None:
            raise entry.error

    def _commit(self) -> None:
        with self._guard:
            group, self._waiting = self._waiting, []
        error: BaseException | None = None
        try:
            self._write(group)
        except Exception as caught:
            error = caught
        for entry in group:
            entry.done, entry.error = True, error

    def _write(self, group: Iterable[_Entry]) -> None:
        group = list(group)
        with self._database.write() as db:
            work = Unit(db, self._now(), caused_by="webhook")
            inbox.keep(db, [row for entry in group for row in entry.rows])
            for entry in group:
                for merchant, kind, subject, connection in entry.asks:
                    work.ask(merchant, kind, subject, connection)
            queues = work.close()
        for queue in queues:
            self._ring(queue)
