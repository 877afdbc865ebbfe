"""Requests to others: what an answer is worth by how a request stands, and that each unit is sent, refused or open."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.requests import LIVE, WAYS, WORDS, Heard, RequestState, Share, Way, on_accepted, on_refused, on_sent, standing

ENDS = (RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.SENT)


def shares() -> st.SearchStrategy[list[Share]]:
    one = st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)).filter(lambda each: each[1] + each[2] <= each[0])
    return st.lists(one.map(lambda each: Share("1", "A", "", *each)), min_size=1, max_size=4)


@given(shares(), st.sampled_from(LIVE))
def test_a_request_is_over_when_nothing_of_it_is_open_and_no_sooner(some: list[Share], state: RequestState) -> None:
    assert all(one.units == one.sent + one.refused + one.open for one in some)

    after = standing(state, some)

    assert (after in ENDS) == (not any(one.open for one in some))
    assert (after is RequestState.SENT) == (after in ENDS and any(one.sent for one in some))


@pytest.mark.parametrize(
    ("on", "known", "late"),
    [
        (on_accepted, {"accepted", "withdrawing", "sent"}, {"rejected", "withdrawn"}),
        (on_refused, {"rejected", "withdrawn"}, {"sent"}),
        (on_sent, set(), {"rejected", "withdrawn", "sent"}),
    ],
)
def test_what_is_said_is_new_known_or_late(on: Callable[[RequestState], Heard], known: set[str], late: set[str]) -> None:
    assert {state.value for state in RequestState if on(state) is Heard.KNOWN} == known
    assert {state.value for state in RequestState if on(state) is Heard.LATE} == late


def test_each_state_and_each_way_has_a_name() -> None:
    assert set(WORDS) == set(RequestState)
    assert set(WAYS) == set(Way)
