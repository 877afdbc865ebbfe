"""Places in a list and days on a merchant's clock: what is not ours is refused, what is comes back."""

from datetime import UTC, datetime

import pytest

from core.domain.wanted import FIRST, LAST, Cursor, cursor, days


def at(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_place_survives_its_way_through_an_address():
    one = Cursor(1_795_000_000_000_000, "01a2037a-c66a-706a-b3f4-8e5a5b8233ad")

    assert cursor(str(one)) == one


@pytest.mark.parametrize(
    "text", ["", "x", "1", "1_", "_a", "1_a b", "1_'", "9999999999999999999_a", "1_" + "a" * 65, "1.5_a", "１_a", "1_a\n", "1_ä", "--1_a"]
)
def test_a_place_that_no_list_wrote_is_refused(text):
    with pytest.raises(ValueError, match="not a place"):
        cursor(text)


def test_a_day_is_a_day_on_the_merchants_clock():
    assert days("2026-11-22", "2026-11-22", "UTC") == (at(2026, 11, 22), at(2026, 11, 23))
    assert days("2026-11-22", "2026-11-22", "America/New_York") == (at(2026, 11, 22, 5), at(2026, 11, 23, 5))


def test_a_day_with_a_change_of_clocks_has_as_many_hours_as_it_has():
    since, until = days("2026-03-29", "2026-03-29", "Europe/Berlin")

    assert until - since == 23 * 3_600_000_000


def test_a_side_that_was_not_named_is_open():
    assert days("", "", "UTC") == (FIRST, LAST)


@pytest.mark.parametrize("day", ["x", "2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "12", "-1", "2026-11-22T10:00"])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(ValueError):
        days(day, "", "UTC")
    with pytest.raises(ValueError):
        days("", day, "UTC")
