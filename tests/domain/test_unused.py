"""A label that is paid and not used is seen before its money is lost, and never while it is being used."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.unused import SOON, YOUNG, Unused, given_back_by, needs

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
PORTLAND = ZoneInfo("America/New_York")  # noon there
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_carrier_that_takes_labels_back_on_their_day_does_so_until_midnight_where_they_were_bought() -> None:
    assert given_back_by(NOON, 1, PORTLAND) == datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert given_back_by(NOON, 1, ZoneInfo("UTC")) == datetime(2026, 11, 21, tzinfo=UTC)


@given(st.integers(1, 120), st.integers(0, 10**6), st.sampled_from(["UTC", "Asia/Tokyo", "Pacific/Honolulu", "Europe/Madrid"]))
def test_no_label_is_thought_good_longer_than_its_carrier_says(days: int, minutes: int, zone: str) -> None:
    bought = NOON + timedelta(minutes=minutes)

    assert bought < given_back_by(bought, days, ZoneInfo(zone)) <= bought + days * DAY + HOUR  # an hour: clocks are put back


@pytest.mark.parametrize(
    ("days", "after", "ship_by", "why"),
    [
        (28, HOUR, None, None),
        (28, 25 * DAY, None, None),
        (28, 26 * DAY, None, Unused.ENDS),
        (28, 28 * DAY, None, Unused.ENDED),
        (1, 6 * HOUR, None, None),
        (1, 10 * HOUR, None, Unused.ENDS),
        (1, 13 * HOUR, None, Unused.ENDED),
        (28, 3 * HOUR, 4 * HOUR, Unused.LEAVES),
        (28, HOUR, 4 * HOUR, None),  # it was bought just now
        (28, 3 * HOUR, 3 * DAY, None),
        (28, 3 * DAY, 2 * DAY, Unused.LEAVES),  # it is late already
        (28, 27 * DAY, 2 * DAY, Unused.ENDS),
    ],
)  # fmt: skip
def test_a_label_needs_somebody_near_its_parcels_day_and_near_the_end_of_its_window(days, after, ship_by, why) -> None:
    until = given_back_by(NOON, days, PORTLAND)

    assert needs(NOON, NOON + ship_by if ship_by is not None else None, until, NOON + after) is why


def test_hours_before_a_parcel_must_leave_are_as_many_as_an_orders() -> None:
    from core.store.attention import SOON_US

    assert timedelta(microseconds=SOON_US) == SOON > YOUNG
