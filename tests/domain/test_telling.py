"""What a letter to a buyer looks like."""

import pytest

from core.domain.telling import KINDS, LINES, TITLES, Kind, as_page, is_address, kept, telling


def test_every_kind_has_its_words() -> None:
    assert set(KINDS) == set(TITLES) == set(LINES) == set(Kind)


def test_a_choice_is_kept_as_it_was_and_strangers_are_left_out() -> None:
    said = {"kinds": {"c": ["delivered", "wondrous"], "d": []}, "reply_to": "a@b.example"}

    assert kept(telling(said)) == {"kinds": {"c": ["delivered"]}, "reply_to": "a@b.example"}
    assert kept(telling({})) == {"kinds": {}, "reply_to": ""}


@pytest.mark.parametrize("text", ["a@b.example", "a.b+c@mail.b.example", "o'neil@b.example"])
def test_an_address_is_taken(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a@b.example\n", "a b@c.example", "a@b.example,c@d.example", "<a@b.example>", "ä@b.example"]
)
def test_what_could_end_a_header_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_a_page_holds_no_markup_of_others_and_fetches_nothing() -> None:
    page = as_page(['A & <script>"x"</script>', "See: https://hub.example/track/t?a=1&b=2"], "https://hub.example/track/t?a=1&b=2", "en")

    assert "<script>" not in page
    assert '<a href="https://hub.example/track/t?a=1&amp;b=2">' in page
    assert "src=" not in page
