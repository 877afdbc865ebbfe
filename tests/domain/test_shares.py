"""Parts of a whole side by side."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.charts import WIDTH, shares


@given(st.lists(st.integers(0, 10**9), max_size=6))
def test_parts_stand_side_by_side_within_the_width_and_each_that_is_there_is_seen(parts):
    found = shares(parts)

    assert [x for x, _ in found] == [sum(width for _, width in found[:n]) for n in range(len(found))]
    assert sum(width for _, width in found) <= WIDTH
    assert all((width >= 8) if part else width == 0 for part, (_, width) in zip(parts, found, strict=True))
