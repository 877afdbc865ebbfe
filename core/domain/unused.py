"""A label that is paid and stays here: when somebody must give it back or hand it over. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.domain.later import N_


class Unused(StrEnum):
    """Why an unused label needs somebody."""

    LEAVES = "leaves"  # the parcel must leave soon, or should have left
    ENDS = "ends"  # soon the carrier does not take the label back any more
    ENDED = "ended"


WORDS: Mapping[str, str] = {
    Unused.LEAVES: N_("Its label is bought, and it must leave by %(time)s."),
    Unused.ENDS: N_("Its label can be given back until %(time)s."),
    Unused.ENDED: N_("Its label could be given back until %(time)s."),
}
YOUNG = timedelta(hours=2)  # a label that was bought just now is being used
SOON = timedelta(hours=6)
NEAR = timedelta(days=2)
PART = 4  # of a window that is shorter, its last quarter is near its end


def given_back_by(bought_at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Until when a label can be given back: the end of the last of so many days at the place that it was bought for, the first being the
    day of its purchase. Never later than the carrier's own end, whatever hour it counts from."""
    last = bought_at.astimezone(zone).date() + timedelta(days=max(days, 1))
    return datetime.combine(last, time(), zone)


def needs(bought_at: datetime, ship_by: datetime | None, until: datetime, now: datetime) -> Unused | None:
    """Why somebody must look at a label that is bought and not used (None: nobody need). The money goes before the parcel's day, since what
    is late is said of its order, too."""
    if now >= until:
        return Unused.ENDED
    if now >= until - min(NEAR, (until - bought_at) / PART):
        return Unused.ENDS
    is_young = now < bought_at + YOUNG
    return Unused.LEAVES if ship_by and not is_young and now >= ship_by - SOON else None
