"""The way to going live, step by step, each with its state from what is known. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    CONNECT = "connect"
    MATCH = "match"
    COUNT = "count"
    HISTORY = "history"
    DIFFERENCE = "difference"
    LIVE = "live"


class State(StrEnum):
    DONE = "done"
    NOW = "now"
    LATER = "later"
    OPTIONAL = "optional"


ORDER = (Step.CONNECT, Step.COUNT, Step.MATCH, Step.DIFFERENCE, Step.LIVE)


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of one connection: whether its listings are read, how many of them nobody matched, whether old orders were asked for
    (`history`), when its difference was worked out (0: never), whether it is live."""

    listed: bool
    unmatched: int
    history: bool
    reckoned_at: int
    live: bool


def steps(connections: Sequence[Ground], counted: int) -> dict[Step, State]:
    """Every step with its state. Now is the first that is not done: a count matches what is spelled alike, so it comes before matching."""
    done = {
        Step.CONNECT: bool(connections),
        Step.MATCH: bool(connections) and all(one.listed and not one.unmatched for one in connections),
        Step.COUNT: counted > 0,
        Step.HISTORY: bool(connections) and all(one.history for one in connections),
        Step.DIFFERENCE: bool(connections) and all(one.reckoned_at or one.live for one in connections),
        Step.LIVE: bool(connections) and all(one.live for one in connections),
    }
    first = next((step for step in ORDER if not done[step]), None)
    return {step: _state(step, first, done=done[step]) for step in Step}


def _state(step: Step, first: Step | None, *, done: bool) -> State:
    if done:
        return State.DONE
    if step is Step.HISTORY:
        return State.OPTIONAL
    return State.NOW if step is first else State.LATER
