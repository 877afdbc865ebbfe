"""Which rule says what is bought and printed on release."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.print_rules import CONDITIONS, PrintRule, PrintRules, Told, changed, first, fits, undone, wrong

PRIME = Told(programs=("PRIME", "BUSINESS"), channels=("c1", "amazon"), service="Second US D2D Dom", country="US", tags=("fragile",))
PLAIN = Told(channels=("c2", "shopify"), country="DE")


@pytest.mark.parametrize(
    ("rule", "told", "fit"),
    [
        (PrintRule(), PLAIN, True),
        (PrintRule(program="prime"), PRIME, True),
        (PrintRule(program="PRIME"), PLAIN, False),
        (PrintRule(channel="amazon"), PRIME, True),
        (PrintRule(channel="c1"), PRIME, True),
        (PrintRule(channel="c2"), PRIME, False),
        (PrintRule(service="second us d2d dom"), PRIME, True),
        (PrintRule(country="DE"), PRIME, False),
        (PrintRule(tag="Fragile"), PRIME, True),
        (PrintRule(tag="fragile", country="DE"), PRIME, False),
    ],
)
def test_a_rule_fits_where_everything_it_asks_is_so(rule: PrintRule, told: Told, fit: bool) -> None:
    assert fits(rule, told) is fit


def test_the_first_rule_that_fits_counts() -> None:
    rules = [PrintRule(program="PRIME", buy="best"), PrintRule(country="US", slip="A"), PrintRule(slip="B")]

    assert [first(rules, PRIME), first(rules, PLAIN), first(rules[:2], PLAIN)] == [rules[0], rules[2], None]
    assert first(rules[::-1], PRIME) == rules[2]


some = st.sampled_from(["", "PRIME", "amazon", "US", "fragile", "c1"])
a_rule = st.builds(PrintRule, *[some] * 5, st.just("best"))


@given(rules=st.lists(a_rule, max_size=6))
def test_what_counts_fits_and_nothing_before_it_does(rules: list[PrintRule]) -> None:
    found = first(rules, PRIME)

    before = rules if found is None else rules[: rules.index(found)]
    assert not any(fits(one, PRIME) for one in before) and (found is None or fits(found, PRIME))


@given(rule=a_rule, name=st.sampled_from(list(CONDITIONS)))
def test_asking_less_never_fits_less(rule: PrintRule, name: str) -> None:
    assert fits(replace(rule, **{name: ""}), PRIME) or not fits(rule, PRIME)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (PrintRule(buy="best"), ""),
        (PrintRule(buy="ups/03", label="zebra", slip="office"), ""),
        (PrintRule(program="PRIME"), "a rule does nothing"),
        (PrintRule(country="us", buy="best"), "a country is two large letters: US"),
        (PrintRule(label="gone"), "there is no such station"),
        (PrintRule(slip="zebra"), "this printer does not take such papers"),
        (PrintRule(buy="ups/99"), "there is no such carrier"),
    ],
)
def test_what_cannot_be_meant_is_said(rule: PrintRule, why: str) -> None:
    assert wrong([PrintRule(buy="best"), rule], {"zebra", "office"}, {"office"}, {"ups/03"}) == why


def test_there_are_at_most_fifty() -> None:
    assert wrong([PrintRule(buy="best")] * 51, (), (), ()) == "these are more rules than there can be"


def test_a_change_can_be_taken_back_once() -> None:
    was = PrintRules((PrintRule(buy="best"),))
    now = changed(was, [PrintRule(slip="A")])

    assert undone(now) == was and undone(was) is None
    assert changed(now, now.rules) == now
