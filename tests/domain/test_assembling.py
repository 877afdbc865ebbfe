"""Kits put together in advance: nothing is gained or lost, and what orders hold stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.assembling import ITSELF, NO_PARTS, TOO_MANY, UNITS, Assembly, plan, short, wrong

SET = {"MUG": 2, "TRAY": 1}


@given(st.integers(1, 50), st.dictionaries(st.sampled_from(("MUG", "TRAY", "LID")), st.integers(1, 9), min_size=1))
def test_putting_together_and_taking_apart_leaves_everything_as_it_was(units, parts):
    there = Assembly("SET", "a", units, parts)
    made, undone = plan(there, "x"), plan(there.back, "y")

    assert {key: change[0] + undone.shelves[key][0] for key, change in made.shelves.items()} == dict.fromkeys(made.shelves, 0)
    assert {sku: count for sku, _, count, _, _ in made.movements} == {"SET": units, **{sku: -each * units for sku, each in parts.items()}}
    assert {cause for *_, cause, _ in made.movements} == {"assembled"}
    assert {cause for *_, cause, _ in undone.movements} == {"taken apart"}


def test_what_orders_hold_is_not_taken():
    levels = {("MUG", "a"): (6, 3), ("TRAY", "a"): (9, 0), ("SET", "a"): (4, 3)}

    assert short(Assembly("SET", "a", 1, SET), levels) is None
    assert short(Assembly("SET", "a", 2, SET), levels) == ("MUG", 3, 4)
    assert short(Assembly("SET", "a", -1, SET), levels) is None
    assert short(Assembly("SET", "a", -2, SET), levels) == ("SET", 1, 2)
    assert short(Assembly("SET", "b", 1, SET), levels) == ("MUG", 0, 2)


@pytest.mark.parametrize(
    ("units", "parts", "why"),
    [
        (0, SET, UNITS), (1_000_001, SET, UNITS), (1, {}, NO_PARTS), (1, {"SET": 1}, ITSELF), (1, {"MUG": 0}, TOO_MANY),
        (1, {"MUG": 10_000}, TOO_MANY), (-1, SET, ""), (5, SET, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(units, parts, why):
    assert wrong(Assembly("SET", "a", units, parts))[0] == why
