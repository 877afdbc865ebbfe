"""What a channel says that its own warehouses lost, found and disposed of, day by day; which days are read; and who counts a loss. Pure.

A day is told whole and may be told again: what is told last stands. Units are signed as the channel signs them: below zero they left.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)
PREFIX = "shelf "  # how the subjects of their entries begin


class Cause(StrEnum):
    """Why units came or left. Those that only lie there as something else, damaged for example, are told by nobody."""

    LOST = "lost"
    FOUND = "found"
    DISPOSED = "disposed"
    UNKNOWN = "unknown"  # a reason that is new to us: no money moves, and it is shown

    @property
    def moves(self) -> bool:
        return self is not Cause.UNKNOWN


@dataclass(frozen=True, slots=True)
class ShelfMove:
    """Units of a SKU as the channel calls it, on the channel's day; `reason` is the channel's own word, `times` how often it said so."""

    day: date
    sku: str
    cause: Cause
    reason: str
    units: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class ToldDays:
    """All that happened on the days from `since` to before `until`."""

    since: date
    until: date
    moves: tuple[ShelfMove, ...] = ()


def added_up(moves: Iterable[ShelfMove]) -> list[ShelfMove]:
    """One a day, SKU, cause and reason, by these."""
    found: dict[tuple[date, str, str, str], ShelfMove] = {}
    for one in moves:
        key = (one.day, one.sku, one.cause, one.reason)
        known = found.get(key)
        found[key] = replace(known, units=known.units + one.units, times=known.times + one.times) if known else one
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a channel's days are read. `first` and `until` (the day after the last) say which were told, `asked` from which day on all
    were once asked for; `since` is where the reading that is under way began, `cursor` its next page."""

    first: date | None = None
    until: date | None = None
    asked: date | None = None
    since: date | None = None
    cursor: str | None = None

    def begins(self, wanted: date, today: date, again: int) -> date:
        """From which day on is read: the last `again` days, all since the last reading where that is longer ago, and everything that is
        wanted where nobody ever asked so far back."""
        if self.asked is None or wanted < self.asked:
            return wanted
        return max(wanted, min(self.until or today, today - again * DAY))

    def after(self, told: Iterable[ToldDays], since: date, wanted: date, cursor: str | None) -> "Reading":
        """With another page read."""
        told = list(told)
        first = min([one.since for one in told] + ([self.first] if self.first else []), default=None)
        until = max([one.until for one in told] + ([self.until] if self.until else []), default=None)
        if cursor is not None:
            return Reading(first, until, self.asked, since, cursor)
        return Reading(first, until, min(wanted, self.asked or wanted))


def is_told_by_shelves(on: date, first: date | None, *, outside: bool) -> bool:
    """Whether units for which a channel paid on this day are counted where it tells of its shelves, so that its money moves none: from
    the first day on that was read (`first`; None: none ever was). Not those that it lost `outside` its shelves, on their way there or
    back: of these no shelf tells."""
    return first is not None and on >= first and not outside


def subject_of(connection: str, day: date) -> str:
    """Under which the entries of a day stand."""
    return f"{PREFIX}{connection}/{day}"


def place_of(subject: str) -> tuple[str, date]:
    """(connection, day) of such a subject."""
    connection, _, day = subject.removeprefix(PREFIX).rpartition("/")
    return connection, date.fromisoformat(day)


def changed(before: Collection[ShelfMove], now: Collection[ShelfMove]) -> list[date]:
    """The days that are told otherwise than before."""
    return sorted({one.day for one in {*before} ^ {*now}})


def in_ours(moves: Iterable[ShelfMove], parts: Mapping[str, Iterable[tuple[str, int]]]) -> dict[date, dict[str, int]]:
    """By day, units that came or left of our SKUs; "" where nobody mapped what the channel calls it."""
    found: dict[date, dict[str, int]] = {}
    for one in moves:
        for sku, each in parts.get(one.sku, [("", 1)]) if one.cause.moves else ():
            day = found.setdefault(one.day, {})
            day[sku] = day.get(sku, 0) + one.units * each
    return found
