"""Channels out of sight: when they are, and what the others leave to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.domain.blind import DAY, FACTOR, SECOND, Care, Seller, Sight, blind_since, care, left_to, may_sell

MINUTE, NOW = 60 * SECOND, 100 * DAY


def sight(read_min: int, *, live: bool = True, taken: bool = True, poll_min: int = 0, untold_min: int | None = None) -> Sight:
    return Sight(live, NOW - read_min * MINUTE, taken, poll_min * MINUTE, None if untold_min is None else NOW - untold_min * MINUTE)


@pytest.mark.parametrize(
    ("one", "minutes"),
    [
        (sight(1), None),
        (sight(15), None),
        (sight(16), 16),
        (sight(20, poll_min=15), None),
        (sight(31, poll_min=15), 31),
        (sight(1, untold_min=14), None),
        (sight(1, untold_min=16), 16),
        (sight(40, untold_min=16), 40),
        (sight(2, taken=False), 2),
        (sight(90, live=False, untold_min=90), None),
    ],
)
def test_a_channel_is_out_of_sight_a_quarter_of_an_hour_after_it_should_have_been_seen(one: Sight, minutes: int | None) -> None:
    assert blind_since(one, NOW) == (None if minutes is None else NOW - minutes * MINUTE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, Care()),
        ({"blind": {"strict": True}}, Care(True, FACTOR)),
        ({"blind": {"factor": 5}}, Care(False, 5)),
        ({"blind": {"factor": 0.1}}, Care()),
        ({"blind": {"factor": "much"}}, Care()),
        ({"blind": "strict"}, Care()),
    ],
)
def test_what_a_merchant_never_said_is_as_usual(said: dict[str, object], meant: Care) -> None:
    assert care(said) == meant


def test_it_is_left_its_usual_sales_times_a_factor_and_never_more_than_it_shows() -> None:
    hour = 60 * MINUTE
    assert may_sell(Seller({"A": 1}, 50, rate=24.0), hour, Care(factor=3)) == 4  # an hour and five minutes at one an hour, three times
    assert may_sell(Seller({"A": 1}, 2, rate=24.0), hour, Care(factor=3)) == 2
    assert may_sell(Seller({"A": 1}, 50, rate=0.0), hour, Care()) == 1, "what never sold may sell once"
    assert may_sell(Seller({"A": 1}, 50, rate=0.0), hour, Care(strict=True)) == 50


def test_listings_that_share_a_part_are_left_both_theirs() -> None:
    sellers = [Seller({"A": 1}, 3, 0.0), Seller({"A": 2, "B": 1}, 4, 0.0), Seller({"C": 1}, 0, 9.0)]

    assert left_to(sellers, 0, Care(strict=True)) == {"A": 11, "B": 4}


@given(some.integers(0, 1000), some.floats(0, 1000), some.integers(0, 30 * DAY), some.integers(1, 100))
def test_the_longer_it_is_out_of_sight_the_more_is_left_to_it(shows: int, rate: float, away: int, factor: int) -> None:
    one, how = Seller({"A": 1}, shows, rate), Care(factor=factor)

    assert 0 <= may_sell(one, away, how) <= may_sell(one, away + DAY, how) <= may_sell(one, away, Care(strict=True)) == shows
