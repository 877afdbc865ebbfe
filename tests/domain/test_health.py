"""How a connection is, as a person would say it."""

from dataclasses import replace

import pytest

from core.domain.health import DAY, LABELS, SECOND, WORDS, Facts, State, limit_s, state

NOW = 1_800_000_000 * SECOND
WELL = Facts("active", 0, NOW - 60 * SECOND, NOW - 60 * SECOND, NOW - 90 * DAY, limit_s=900)
CASES = [
    (WELL, State.WELL),
    (replace(WELL, live_at=None), State.WATCHED),
    (replace(WELL, live_at=NOW), State.WAITS),
    (replace(WELL, read_at=0, paged_at=0, created_at=NOW - SECOND), State.NEW),
    (replace(WELL, login_until=NOW + 29 * DAY), State.ENDS),
    (replace(WELL, login_until=NOW + 31 * DAY), State.WELL),
    (replace(WELL, blocked_until=NOW + 60 * SECOND), State.BLOCKED),
    (replace(WELL, blocked_until=NOW + SECOND), State.WELL),
    (replace(WELL, silent=True), State.SILENT),
    (replace(WELL, read_at=NOW - 901 * SECOND, paged_at=0), State.UNREAD),
    (replace(WELL, read_at=NOW - 901 * SECOND), State.WELL),  # a long first read is on its way
    (replace(WELL, read_at=0, paged_at=0, created_at=NOW - 901 * SECOND), State.UNREAD),
    (replace(WELL, state="paused", read_at=1, paged_at=1), State.PAUSED),
    (replace(WELL, state="needs_login", read_at=1, paged_at=1), State.LOCKED_OUT),
]


@pytest.mark.parametrize(("facts", "expected"), CASES)
def test_the_worst_that_can_be_said_of_a_connection_is_said(facts: Facts, expected: State) -> None:
    assert state(facts, NOW) is expected


def test_every_state_is_reached_and_has_its_words() -> None:
    assert {expected for _, expected in CASES} == set(State) == set(WORDS) == set(LABELS)


def test_a_channel_may_lie_behind_by_three_polls_and_a_quarter_of_an_hour() -> None:
    assert (limit_s(1), limit_s(600)) == (900, 1800)
