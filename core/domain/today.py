"""Days as a merchant has them: from midnight to midnight on their clock. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)


def zone_of(name: str) -> ZoneInfo:
    """UTC for a name that no zone has."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def today(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments at which the day of `now` begins and ends there, in UTC."""
    day = now.astimezone(zone).date()
    begin, end = (datetime.combine(day + timedelta(days=more), time(), zone) for more in (0, 1))
    return begin.astimezone(UTC), end.astimezone(UTC)


def hours(begin: datetime, end: datetime, zone: ZoneInfo) -> list[int]:
    """What the clock says at the beginning of each hour of a day: twice the same or one left out where clocks change."""
    return [(begin + HOUR * n).astimezone(zone).hour for n in range((end - begin) // HOUR)]
