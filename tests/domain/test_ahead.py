"""What may be promised of goods that are not there yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.ahead import Promise, promise
from core.domain.exposure import Bound, Rule, exposure

ONE = {"P-7": 1}


@pytest.mark.parametrize(
    ("free", "coming", "backorder", "made"),
    [
        (5, 0, 0, Promise(5, 0, 0)),
        (5, 3, 0, Promise(5, 3, 0)),
        (0, 3, 2, Promise(0, 3, 2)),
        (-2, 3, 2, Promise(0, 1, 2)),  # two wait: they get theirs first
        (-4, 3, 2, Promise(0, 0, 1)),  # one more is owed than comes
        (-9, 3, 2, Promise(0, 0, 0)),
    ],
)
def test_those_who_wait_are_served_first_and_then_from_what_may_be_owed(free: int, coming: int, backorder: int, made: Promise) -> None:
    assert promise(ONE, {"P-7": free}, {"P-7": coming}, backorder) == made


def test_a_set_waits_for_its_scarcest_part() -> None:
    made = promise({"MUG": 2, "TRAY": 1}, {"MUG": 4, "TRAY": 0}, {"MUG": 10, "TRAY": 3}, 0)

    assert made == Promise(0, 3, 0)


@pytest.mark.parametrize(
    ("rule", "buffer", "units", "bound"),
    [
        (Rule(ahead=7), 0, 8, Bound.AHEAD),
        (Rule(ahead=7, backorder=2), 0, 10, Bound.AHEAD),
        (Rule(ahead=7, backorder=2), 1, 9, Bound.AHEAD),
        (Rule(ahead=7, cap=4), 0, 4, Bound.CAP),
        (Rule(ahead=7, stopped=True), 0, 0, Bound.STOPPED),
    ],
)
def test_a_listing_that_looks_ahead_is_bound_by_its_rule_as_any_other(rule: Rule, buffer: int, units: int, bound: Bound) -> None:
    found = exposure(ONE, {"P-7": 5}, rule, buffer, coming={"P-7": 3})

    assert (found.units, found.bound) == (units, bound)


def test_of_what_is_dealt_nothing_is_owed() -> None:
    assert exposure(ONE, {"P-7": 5}, Rule(backorder=9), 0, 3).units == 3


@given(free=st.integers(-20, 20), coming=st.integers(0, 20), backorder=st.integers(0, 20), sold=st.integers(0, 20))
def test_each_unit_sold_is_one_less_to_promise(free: int, coming: int, backorder: int, sold: int) -> None:
    def left(units: int) -> int:
        return promise(ONE, {"P-7": units}, {"P-7": coming}, backorder).units

    assert left(free - sold) == max(0, free + coming + backorder - sold)
