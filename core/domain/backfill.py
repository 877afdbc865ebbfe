"""A run through a channel's old orders: open ones first, then all of them, a stretch of time after the other, from now back. Pure.

Moments are microseconds since 1970 in UTC. A stretch begins with its first moment and ends before its last, so that stretches lie side
by side whatever the merchant's day or the clocks there do.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from core.domain.order import Order
from core.domain.stock import dues, history

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
SPAN = 30 * 86_400 * SECOND  # one stretch; Amazon's order reports hold no more
EASTMOST = timedelta(hours=14)  # where a day begins first (Pacific/Kiritimati)
OPEN, HISTORY, DONE = "open", "history", "done"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a connection. `orders` were kept to be taken, `passed` were here already; `at` is how far back the history came,
    `paged_at` when a page was last read (0: none yet, and nobody asked the channel how far back it lets us read)."""

    merchant: str
    connection: str
    since: int
    until: int
    phase: str = OPEN
    at: int | None = None
    cursor: str | None = None
    orders: int = 0
    passed: int = 0
    begun_at: int = 0
    paged_at: int = 0
    ended_at: int | None = None
    note: str | None = None

    @property
    def is_over(self) -> bool:
        return self.phase == DONE

    @property
    def back_to(self) -> int:
        """All that was placed from here up to `until` was asked for."""
        return self.until if self.at is None else self.at

    @property
    def share(self) -> float:
        """How much of the time asked for lies behind it, from 0 to 1."""
        whole = self.until - self.since
        return 1.0 if (self.is_over and self.back_to <= self.since) or whole <= 0 else (self.until - self.back_to) / whole


def stretch(run: Run) -> tuple[int, int]:
    """What the next page is of: everything while the open orders are read, then the month before what was read last."""
    return (run.since, run.until) if run.phase == OPEN else (max(run.since, run.back_to - SPAN), run.back_to)


def reached(run: Run, earliest: int | None, note: str, now: int) -> Run:
    """The channel said how far back it lets us read."""
    short = earliest is not None and earliest > run.since
    since = min(earliest, run.until) if short and earliest is not None else run.since
    return replace(run, since=since, note=note if short else None, paged_at=now)


def paged(run: Run, cursor: str | None, kept: int, passed: int, now: int) -> Run:
    """A page was read; with its last page a stretch is over, and the run with its last stretch."""
    run = replace(run, cursor=cursor, orders=run.orders + kept, passed=run.passed + passed, paged_at=now)
    if cursor is not None:
        return run
    if run.phase == OPEN:
        return replace(run, phase=HISTORY, at=run.back_to)
    at, _ = stretch(run)
    return replace(run, at=at) if at > run.since else replace(run, at=at, phase=DONE, ended_at=now)


def widened(run: Run, since: int) -> Run:
    """Asked for again while it runs: only an earlier beginning changes anything. Its open orders come first, then what is left."""
    return run if since >= run.since else replace(run, since=since, phase=OPEN, cursor=None, paged_at=0)


def stopped(run: Run, now: int) -> Run:
    return replace(run, phase=DONE, cursor=None, ended_at=now, note="stopped by hand")


def first_moment(day: date) -> datetime:
    """When that day begins anywhere on earth: no merchant's zone loses an hour of it."""
    return datetime.combine(day, time(), UTC) - EASTMOST


def is_past(order: Order, counted: datetime) -> bool:
    """Nothing of it is open, and nothing left or came back since our shelves were counted (EPOCH: nobody said when that was)."""
    demands = [(line, dues(order, line)) for line in order.lines]
    if any(due.hold for _, due in demands):
        return False
    return counted <= EPOCH or all(history(order, line, counted) == (due.gone, due.back) for line, due in demands)
