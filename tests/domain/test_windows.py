"""Windows of risk: how long they are, and how many units kept back cover them."""

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.domain.windows import DAY, SURE, Spread, Window, buffer, faded, sales_covered, spread

SECOND, MINUTE = 1_000, 60_000


def test_of_some_durations_the_middle_one_and_the_one_that_hardly_any_exceeds_are_told() -> None:
    assert spread([at * 1000 for at in range(200)]) == Spread(100, 198, 200)
    assert spread([-5_000]) == Spread(0, 0, 1), "a channel's clock may go ahead of ours"
    assert spread([]) is None


def test_a_window_is_what_it_takes_to_tell_and_to_show() -> None:
    assert Window("c", None, Spread(800, 2_500, 9), shows_ms=30_000).whole_ms == 32_500
    assert Window("c", Spread(1, 2, 3), None, 0).whole_ms is None


@pytest.mark.parametrize(
    ("a_day", "window_ms", "units"),
    [(0.0, MINUTE, 0), (40.0, MINUTE, 1), (1000.0, 3 * SECOND, 1), (1000.0, 15 * MINUTE, 19), (10.0, 500, 0)],
)
def test_what_is_kept_back_covers_the_sales_of_a_window(a_day: float, window_ms: int, units: int) -> None:
    assert buffer(a_day, window_ms) == units


@given(some.floats(0, 20_000), some.integers(1, 15 * MINUTE))
def test_so_many_and_not_one_fewer_do_in_99_of_100_windows(a_day: float, window_ms: int) -> None:
    mean = a_day * window_ms * 1000 / DAY
    if mean > 40:
        return
    units = buffer(a_day, window_ms)
    chance = [exp(-mean) * mean**k / factorial(k) for k in range(units + 1)]

    assert sum(chance) >= SURE - 1e-9
    assert not units or sum(chance[:-1]) < SURE + 1e-9


def test_beyond_what_can_be_reckoned_twice_the_mean_is_kept_back() -> None:
    assert buffer(1_000_000.0, DAY // 1000) == 2_000_000


@given(some.integers(0, 20), some.integers(100, 15 * MINUTE))
def test_how_many_sales_a_buffer_covers_is_the_other_way_round(units: int, window_ms: int) -> None:
    a_day = sales_covered(units, window_ms)

    assert buffer(a_day * 0.999, window_ms) <= units
    assert buffer(a_day * 1.01 + 0.001, window_ms) >= units


def test_what_was_slow_once_is_forgotten_little_by_little() -> None:
    assert [faded(10_000, 2_000), faded(1_000, 2_000), faded(0, 7)] == [9_000, 2_000, 7]
