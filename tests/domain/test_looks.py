"""What a page for buyers may look like: whatever color is chosen, what stands on it can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.looks import Look, contrast, is_color, is_link, kept, look


@given(st.integers(0, 0xFFFFFF))
def test_on_every_color_there_is_an_ink_that_can_be_read(number: int) -> None:
    one = Look(color=f"#{number:06x}")

    assert contrast(one.ink, one.color) >= 4.5


def test_a_look_is_kept_as_it_was() -> None:
    one = Look("#336699", "https://north.example", "help@north.example", "abc")

    assert look(kept(one)) == one
    assert look({}) == Look()


@pytest.mark.parametrize("text", ["", "red", "#fff", "#33669g", "#336699;", "#336699\n", "url(x)"])
def test_what_is_no_color_is_refused(text: str) -> None:
    assert not is_color(text)


@pytest.mark.parametrize(
    "text", ["http://north.example", "javascript:alert(1)", "https://", "https://a b", "//north.example", "https://[x"]
)
def test_what_is_no_way_to_a_shop_is_refused(text: str) -> None:
    assert not is_link(text)
