"""Which orders somebody wants to see, and where in their list a page begins. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus

FIRST, LAST = -(2**62), 2**62  # before and after every moment, in microseconds
CURSOR = re.compile(r"(-?\d{1,18})_([0-9a-zA-Z-]{1,64})", re.A)
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is empty is not asked for. `since` and `until` bound when they were placed, in microseconds, the second left out; `said` is what
    somebody typed to search for; without `buyers` nothing is found by whom it is for."""

    connection: str = ""
    channel: str = ""
    status: OrderStatus | None = None
    payment: PaymentStatus | None = None
    fulfillment: FulfillmentStatus | None = None
    since: int = FIRST
    until: int = LAST
    location: str = ""
    tag: str = ""
    attention: bool = False
    held: bool = False
    said: str = ""
    buyers: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: beside the order that was placed `at` and has this id."""

    at: int
    id: str

    def __str__(self) -> str:
        return f"{self.at}_{self.id}"


NEWEST, OLDEST = Cursor(LAST, ""), Cursor(FIRST, "")


def cursor(text: str) -> Cursor:
    """Raises ValueError for what no list of ours wrote."""
    found = CURSOR.fullmatch(text)
    if found is None:
        raise ValueError("not a place in a list")
    return Cursor(int(found[1]), found[2])


def days(first: str, last: str, zone: str) -> tuple[int, int]:
    """From the begin of a day to the end of another on the merchant's clock, in microseconds; '' for as far as there is. Raises
    ValueError for what is no day."""
    since = _begin(_day(first), zone) if first else FIRST
    until = _begin(_day(last) + timedelta(days=1), zone) if last else LAST
    return since, until


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not 1900 <= day.year < 3000:
        raise ValueError("nobody placed an order on that day")
    return day


def _begin(day: date, zone: str) -> int:
    return (datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) - EPOCH) // MICROSECOND
