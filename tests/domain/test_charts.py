"""The shapes of charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.charts import HEIGHT, WIDTH, ceiling, lags, stacked


@pytest.mark.parametrize(("value", "top"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 40), (41, 100), (101, 200), (1001, 2000)])
def test_a_scale_ends_with_a_round_number(value: int, top: int) -> None:
    assert ceiling(value) == top


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=24, max_size=24), max_size=4))
def test_bars_stay_in_their_frame_and_stand_on_one_another(series: list[list[int]]) -> None:
    chart = stacked(series, 24)

    for bar in chart.bars:
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT + 1
    assert len(chart.bars) == sum(1 for values in series for value in values if value)


def test_a_bar_is_as_high_as_its_share_of_the_scale() -> None:
    [lower, upper] = stacked([[5], [5]], 1).bars

    assert (lower.height, upper.height) == (HEIGHT // 2, HEIGHT // 2)
    assert (lower.y, upper.y) == (HEIGHT // 2, 0)


def test_a_line_is_broken_where_nothing_is_known_and_rises_with_each_tenfold() -> None:
    chart = lags([{0: 10, 1: 100, 3: 1_000}], 24)

    assert chart.marks == (1_000, 100, 10)
    assert [series for series, _ in chart.pieces] == [0]
    assert [y for _, _, y, _ in chart.dots] == [HEIGHT, HEIGHT // 2, 0]


@given(st.dictionaries(st.integers(0, 23), st.integers(0, 10**12)))
def test_lines_stay_in_their_frame(values: dict[int, int]) -> None:
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for _, x, y, _ in lags([values], 24).dots)
