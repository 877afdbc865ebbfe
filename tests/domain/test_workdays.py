"""When a parcel leaves: after the cut-off the next working day, never on a holiday, and later where more wait than a day takes."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.workdays import Hours, is_full, leaves

FRIDAY = datetime(2026, 11, 20, 15)
WEEK = (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("hours", "load", "day"),
    [
        (Hours(), 0, 20),
        (Hours(cutoff=time(15, 30)), 0, 20),
        (Hours(cutoff=time(15)), 0, 21),
        (Hours(WEEK, cutoff=time(15)), 0, 23),
        (Hours(WEEK, (date(2026, 11, 23),), time(15)), 0, 24),
        (Hours(WEEK, capacity=10), 9, 20),
        (Hours(WEEK, capacity=10), 10, 23),
        (Hours(WEEK, capacity=10), 25, 24),
    ],
)
def test_it_leaves_on(hours: Hours, load: int, day: int) -> None:
    assert leaves(FRIDAY, hours, load) == date(2026, 11, day)


def test_who_never_works_sends_never() -> None:
    assert leaves(FRIDAY, Hours(())) is None


def test_it_is_full_when_as_many_wait_as_leave_in_a_day() -> None:
    assert [is_full(Hours(capacity=2), load) for load in (1, 2, 3)] == [False, True, True]
    assert not is_full(Hours(), 1_000_000)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), week=st.sets(st.integers(0, 6), min_size=1),
    cutoff=st.none() | st.times(), load=st.integers(0, 30), capacity=st.none() | st.integers(1, 9),
)  # fmt: skip
def test_it_leaves_on_a_working_day_and_never_earlier_by_more_that_waits(
    at: datetime, week: set[int], cutoff: time | None, load: int, capacity: int | None
) -> None:
    hours = Hours(tuple(week), (at.date() + timedelta(days=1),), cutoff, capacity)
    found, more = leaves(at, hours, load), leaves(at, hours, load + 1)

    assert found and more
    assert at.date() <= found <= more
    assert found.weekday() in week and found not in hours.holidays
