"""Days as a merchant has them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.domain.today import hours, today, zone_of


def test_a_day_begins_at_midnight_on_the_merchants_clock() -> None:
    begin, end = today(datetime(2026, 11, 22, 3, tzinfo=UTC), ZoneInfo("America/New_York"))

    assert (begin, end) == (datetime(2026, 11, 21, 5, tzinfo=UTC), datetime(2026, 11, 22, 5, tzinfo=UTC))


def test_a_day_on_which_clocks_change_has_its_own_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    spring, autumn = (
        hours(*today(at, berlin), berlin) for at in (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    )

    assert spring == [0, 1, *range(3, 24)]
    assert autumn == [0, 1, 2, 2, *range(3, 24)]


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert {str(zone_of(name)) for name in ("", "Nowhere/At_All", "../etc/passwd")} == {"UTC"}
