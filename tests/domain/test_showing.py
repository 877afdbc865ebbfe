"""Why a listing does not show what it should: every reason is reached, and has its words."""

import pytest

from core.domain.showing import TONES, WORDS, Display, Why, why

LATER = 1_800_000_000_000_000
CASES = [
    (Display(5, 5), Why.RIGHT),
    (Display(5, 3, waits=True), Why.NEXT),
    (Display(5, 3), Why.NEXT),
    (Display(5, 5, waits=True), Why.RIGHT),
    (Display(5, 3, waits=True, asked=True), Why.ASKED),
    (Display(None, 3, waits=True), Why.READ_FIRST),
    (Display(None, 3, waits=True, asked=True), Why.ASKED),
    (Display(5, 5, accepted_at=1), Why.ACCEPTED),
    (Display(3, 5, raise_from=LATER), Why.RAISED_LATER),
    (Display(3, 5, raise_from=LATER, dealt=True), Why.RAISED_LATER),
    (Display(0, 0, raise_from=LATER, dealt=True), Why.DEALT_LATER),
    (Display(5, 5, raise_from=LATER), Why.RIGHT),
    (Display(5, 3, rests_until=LATER), Why.RESTS),
    (Display(9, 3, doubted=True), Why.DOUBTED),
    (Display(3, 3, doubted=True), Why.RIGHT),
    (Display(1, 3, doubted=True, raise_from=LATER), Why.RAISED_LATER),
    (Display(9, 3, doubted=True, choice=True), Why.CHOICE),
    (Display(9, 3, doubted=True, choice=True, problem="no such product type"), Why.REFUSED),
    (Display(5, 3, sought=True), Why.ORDERS_FIRST),
    (Display(5, 3, problem="no such product type"), Why.REFUSED),
    (Display(5, 3, state="needs_login", problem="x"), Why.LOCKED_OUT),
    (Display(5, 3, state="paused"), Why.PAUSED),
    (Display(5, 3, live=False, state="paused"), Why.WATCHED),
    (Display(3, 3, live=False), Why.RIGHT),
    (Display(5, None), Why.UNCOUNTED),
    (Display(5, None, ours=False), Why.NOWHERE),
    (Display(5, None, ours=False, decided=True), Why.NOT_OURS),
    (Display(5, None, mapped=False), Why.UNMAPPED),
    (Display(5, None, mapped=False, writable="bundle"), Why.LEFT_ALONE),
]


@pytest.mark.parametrize(("display", "expected"), CASES, ids=lambda value: value.value if isinstance(value, Why) else "")
def test_a_listing_says_why_it_shows_what_it_shows(display: Display, expected: Why) -> None:
    assert why(display) is expected


def test_every_reason_is_reached_and_has_its_words_and_its_tone() -> None:
    assert {expected for _, expected in CASES} == set(Why)
    assert WORDS.keys() == TONES.keys() == set(Why)
