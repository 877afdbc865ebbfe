"""Whose number counts, and what a change in a channel says of a shelf: every answer is reached, and has its words."""

from dataclasses import replace

import pytest

from core.domain.exposure import NO_RULE, Rule, exposure
from core.domain.leading import ASKED, LABELS, WORDS, Change, Leader, Unsure, Verdict, leader, speaks, verdict
from core.domain.promise import MENDABLE, PRESSES, STEPS, Standing, Uncovered, left_out
from core.domain.promise import WORDS as REASONS


def change(units: int | None = 2, **different: object) -> Change:
    plain = Change(units, {"A": 1}, ["main"], exposure({"A": 1}, {"A": 5}, NO_RULE, 0))
    return replace(plain, **different)  # type: ignore[arg-type]


CASES = [
    (change(2), 5, Verdict(None, "A", "main", 2)),
    (change(-5), 5, Verdict(None, "A", "main", -5)),
    (change(2, parts={"A": 3}), 5, Verdict(None, "A", "main", 6)),
    (change(-3), 1, Verdict(Unsure.PROMISED, "A", "main", -1, -2)),
    (change(-3, parts={"A": 2}), 5, Verdict(Unsure.PROMISED, "A", "main", -4, -1)),
    (change(None), 5, Verdict(Unsure.MOMENT)),
    (change(2, parts={"A": 1, "B": 1}), 5, Verdict(Unsure.PARTS)),
    (change(2, locations=["main", "shop"]), 5, Verdict(Unsure.PLACES)),
    (change(2, may=None), 5, Verdict(Unsure.UNCOUNTED)),
    (change(2, may=exposure({"A": 1}, {"A": 5}, Rule(cap=3), 0)), 5, Verdict(Unsure.BOUND)),
    (change(2, may=exposure({"A": 1}, {"A": 5}, Rule(stopped=True), 0)), 5, Verdict(Unsure.BOUND)),
    (change(2, may=exposure({"A": 1}, {"A": 1}, Rule(buffer=3), 0)), 5, Verdict(Unsure.BOUND)),
    (change(2, may=exposure({"A": 1}, {"A": 5}, Rule(buffer=3), 0)), 5, Verdict(None, "A", "main", 2)),
    (change(2, may=exposure({"A": 1}, {"A": 5}, Rule(cap=3), 0), meant=True), 5, Verdict(None, "A", "main", 2)),
]


@pytest.mark.parametrize(("seen", "free", "said"), CASES)
def test_a_change_says_something_of_one_shelf_or_somebody_is_asked(seen: Change, free: int, said: Verdict) -> None:
    assert verdict(seen, free) == said


def test_every_reason_has_its_words() -> None:
    assert {said.why for *_, said in CASES} | {Unsure.RULE} == {*Unsure, None}
    assert (ASKED.keys(), WORDS.keys(), LABELS.keys()) == (set(Unsure), set(Leader), set(Leader))
    assert (REASONS.keys(), STEPS.keys(), PRESSES.keys()) == (set(Uncovered), set(Uncovered), MENDABLE)


@pytest.mark.parametrize("said", [{}, {"leads": "hub"}, {"leads": "nobody"}, {"leads": 3}, {"leads": None}])
def test_whoever_said_nothing_that_can_be_meant_is_led_by_the_hub(said: dict[str, object]) -> None:
    assert leader(said) is Leader.HUB


def test_only_that_nothing_is_left_is_said_of_what_is_asked_about() -> None:
    assert speaks(wanted=0, ours=5)
    assert not speaks(wanted=1, ours=5)
    assert not speaks(wanted=0, ours=0)


def test_a_connection_is_covered_where_we_write_it_and_lead() -> None:
    assert left_out(Standing(live=True, state="active", leads="hub")) == ""
    assert left_out(Standing(live=True, state="active", leads="ask")) == ""
    for one in (Standing(False, "active", "hub"), Standing(True, "needs_login", "hub"), Standing(True, "active", "channel")):
        assert left_out(one)
