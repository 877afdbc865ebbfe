"""On which day a parcel leaves a location: its cut-off, its working days and its holidays, by its own clock. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
HORIZON = 366  # days that are looked ahead


@dataclass(frozen=True, slots=True)
class Hours:
    """When a location sends: on these days of the week (0 is Monday), on no holiday, and the same day what is released before the cut-off
    (None: until midnight). `capacity`: parcels a day; None: as many as there are."""

    week: tuple[int, ...] = EVERY_DAY
    holidays: tuple[date, ...] = ()
    cutoff: time | None = None
    capacity: int | None = None


ALWAYS = Hours()


def leaves(here: datetime, hours: Hours, load: int = 0) -> date | None:
    """The day on which leaves what is released now; `here` is the moment by the location's clock, `load` the parcels before it, of which
    each day takes its capacity. None: on no day of a year."""
    full_days = load // hours.capacity if hours.capacity else 0
    return next(islice(_working(here, hours), full_days, None), None)


def is_full(hours: Hours, load: int) -> bool:
    """So many parcels are all that it sends in a day."""
    return hours.capacity is not None and load >= hours.capacity


def _working(here: datetime, hours: Hours) -> Iterator[date]:
    """The days on which it sends, from today on, or from tomorrow where the cut-off is past."""
    late = hours.cutoff is not None and here.time() >= hours.cutoff
    days = (here.date() + timedelta(days=n) for n in range(late, HORIZON))
    return (day for day in days if day.weekday() in hours.week and day not in hours.holidays)
