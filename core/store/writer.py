"""Group commit: whoever comes while another commits joins the next transaction, so many small writes share one fsync."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.store import inbox
from core.store.engine import Database
from core.store.unit import Unit

PATIENCE_S = 0.9  # a channel waits seconds for an answer; one that hears nothing sends again, and so does one that hears 503
IDLE_S = 30.0  # after so long without work the thread ends; the next one who comes begins another


Ask = tuple[str, str, str, str] | tuple[str, str, str, str, float]  # merchant, kind, subject, connection; after so many seconds


class TooSlow(Exception):
    """The database did not take it in time. It may have been kept all the same."""


@dataclass
class _Entry:
    rows: Sequence[Mapping[str, Any]]
    asks: Sequence[Ask]
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class GroupWriter:
    """One thread writes for all. `keep` returns when its rows are durable; raises TooSlow, or what went wrong with the whole group."""

    def __init__(self, database: Database, now: Callable[[], int], ring: Callable[[str], None], patience_s: float = PATIENCE_S) -> None:
        self._database, self._now, self._ring, self._patience_s = database, now, ring, patience_s
        self._waiting: list[_Entry] = []
        self._come = threading.Condition()
        self._thread: threading.Thread | None = None

    def keep(self, rows: Sequence[Mapping[str, Any]], asks: Sequence[Ask]) -> None:
        """Inbox rows and the work they ask for."""
        entry = _Entry(rows, asks)
        with self._come:
            self._begin()
            self._waiting.append(entry)
            self._come.notify()
        if not entry.done.wait(self._patience_s):
            self._give_up(entry)
        if entry.error is not None:
            raise entry.error

    def _begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
            self._thread.start()

    def _give_up(self, entry: _Entry) -> None:
        with self._come:
            self._waiting = [one for one in self._waiting if one is not entry]
        raise TooSlow

    def _loop(self) -> None:
        while group := self._next():
            self._commit(group)

    def _next(self) -> list[_Entry]:
        with self._come:
            self._come.wait_for(lambda: self._waiting, IDLE_S)
            group, self._waiting = self._waiting, []
            if not group:
                self._thread = None
            return group

    def _commit(self, group: Sequence[_Entry]) -> None:
        error: BaseException | None = None
        queues: set[str] = set()
        try:
            queues = self._write(group)
        except Exception as caught:
            error = caught
        for entry in group:
            entry.error = error
            entry.done.set()
        for queue in queues:
            self._ring(queue)

    def _write(self, group: Sequence[_Entry]) -> set[str]:
        with self._database.write() as db:
            work = Unit(db, self._now(), caused_by="webhook")
            inbox.keep(db, [row for entry in group for row in entry.rows])
            for entry in group:
                for asked in entry.asks:
                    work.ask(*asked)
            return work.close()
