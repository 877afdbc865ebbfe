"""The way to going live: the first step that is not done is the one to do now."""

from dataclasses import replace

from core.domain.start import Ground, State, Step, steps

NEW = Ground(listed=False, unmatched=0, history=False, reckoned_at=0, live=False)
WHOLE = Ground(listed=True, unmatched=0, history=True, reckoned_at=1, live=True)


def now(*connections: Ground, counted: int = 0) -> list[Step]:
    return [step for step, state in steps(connections, counted).items() if state is State.NOW]


def test_the_first_step_that_is_not_done_is_now() -> None:
    read = replace(NEW, listed=True)

    assert now() == [Step.CONNECT]
    assert now(NEW) == now(read) == [Step.COUNT]
    assert now(NEW, counted=1) == [Step.MATCH]
    assert now(replace(read, unmatched=3), counted=1) == [Step.MATCH]
    assert now(read, counted=1) == [Step.DIFFERENCE]
    assert now(replace(read, reckoned_at=1), counted=1) == [Step.LIVE]
    assert now(WHOLE, counted=1) == []


def test_old_orders_hold_nobody_up() -> None:
    assert steps([replace(WHOLE, history=False)], 1)[Step.HISTORY] is State.OPTIONAL
    assert steps([WHOLE], 1)[Step.HISTORY] is State.DONE


def test_one_channel_that_is_not_live_is_still_to_do() -> None:
    assert steps([WHOLE, replace(WHOLE, live=False)], 1)[Step.LIVE] is State.NOW
