"""What a listing may show: the merchant's rules over what can be sold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exposure import MOST, NO_RULE, WORDS, Bound, Rule, exposure, problem

ONE = {"P-7": 1}
CASES = [
    (5, NO_RULE, 0, 5, Bound.FREE),
    (0, NO_RULE, 0, 0, Bound.FREE),
    (-3, NO_RULE, 0, 0, Bound.FREE),
    (5, NO_RULE, 2, 3, Bound.BUFFER),
    (5, NO_RULE, 9, 0, Bound.BUFFER),
    (5, Rule(buffer=0), 2, 5, Bound.FREE),
    (5, Rule(buffer=4), 2, 1, Bound.BUFFER),
    (5, Rule(cap=3), 0, 3, Bound.CAP),
    (5, Rule(cap=3), 2, 3, Bound.BUFFER),
    (5, Rule(cap=2), 2, 2, Bound.CAP),
    (5, Rule(cap=0), 0, 0, Bound.CAP),
    (5, Rule(cap=9), 0, 5, Bound.FREE),
    (5, Rule(backorder=2), 2, 5, Bound.AHEAD),
    (-1, Rule(backorder=2), 0, 1, Bound.AHEAD),
    (5, Rule(stopped=True, cap=3, buffer=1), 2, 0, Bound.STOPPED),
]


@pytest.mark.parametrize(("free", "rule", "buffer", "units", "bound"), CASES)
def test_a_listing_shows_what_its_rule_lets_it_and_says_what_bounds_it(
    free: int, rule: Rule, buffer: int, units: int, bound: Bound
) -> None:
    found = exposure(ONE, {"P-7": free}, rule, buffer)

    assert (found.units, found.bound) == (units, bound)


def test_every_bound_is_reached_and_has_its_words() -> None:
    assert {bound for *_, bound in CASES} | {Bound.SHARE} == WORDS.keys() == set(Bound)


@pytest.mark.parametrize(
    ("share", "units", "bound"), [(2, 2, Bound.SHARE), (0, 0, Bound.SHARE), (3, 3, Bound.BUFFER), (9, 3, Bound.BUFFER)]
)
def test_in_quota_a_listing_shows_its_part_and_no_more_than_its_rule_lets_it(share: int, units: int, bound: Bound) -> None:
    found = exposure(ONE, {"P-7": 5}, NO_RULE, 2, share)

    assert (found.units, found.bound) == (units, bound)


def test_a_set_names_the_part_of_which_there_is_least() -> None:
    found = exposure({"MUG": 2, "TRAY": 1}, {"MUG": 7, "TRAY": 4}, NO_RULE, 0)

    assert (found.units, found.sellable, found.scarce) == (3, 3, "MUG")


units = st.none() | st.integers(0, 50)
rules = st.builds(Rule, units, units, st.booleans())


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 5), min_size=1), st.integers(-5, 60), rules, st.integers(0, 50))
def test_whatever_the_rule_no_more_is_shown_than_can_be_sold_and_a_harder_rule_never_shows_more(
    parts: dict[str, int], free: int, rule: Rule, buffer: int
) -> None:
    there = dict.fromkeys(parts, free)
    plain, ruled = exposure(parts, there, NO_RULE, 0), exposure(parts, there, rule, buffer)

    assert 0 <= ruled.units <= plain.units == plain.sellable
    assert exposure(parts, there, Rule(rule.buffer, rule.cap, stopped=True), buffer).units == 0
    assert exposure(parts, there, Rule(rule.buffer, 3, rule.stopped), buffer).units <= 3


@pytest.mark.parametrize("rule", [Rule(buffer=-1), Rule(cap=-1), Rule(buffer=MOST + 1), Rule(cap=MOST + 1)])
def test_what_cannot_be_meant_is_said(rule: Rule) -> None:
    assert problem(rule)
    assert problem(Rule(0, MOST)) == ""
