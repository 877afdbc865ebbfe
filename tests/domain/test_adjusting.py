"""Adjusting a shelf by hand."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.adjusting import MOST, MOVED, WORDS, Answer, Reason, Shelf, Wish, back, will
from core.domain.assembling import APART, ASSEMBLED
from core.flows import set_aside
from core.flows.leading import CAUSE

HOUSE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("wish", "on_hand", "reserved", "answer", "units"),
    [
        (Wish(Reason.COUNTED, 7, 9), 9, 2, Answer.DONE, 7),
        (Wish(Reason.COUNTED, 7, None), None, 0, Answer.DONE, 7),
        (Wish(Reason.COUNTED, 0, None), None, 0, Answer.DONE, 0),
        (Wish(Reason.COUNTED, 9, 9), 9, 2, Answer.SAME, 9),
        (Wish(Reason.DAMAGED, -2, 9), 9, 2, Answer.DONE, 7),
        (Wish(Reason.FOUND, 2, None), None, 0, Answer.DONE, 2),
        (Wish(Reason.DAMAGED, -2, 9), 8, 2, Answer.CHANGED, 8),
        (Wish(Reason.COUNTED, 7, None), 3, 0, Answer.CHANGED, 3),
        (Wish(Reason.DAMAGED, -8, 9), 9, 2, Answer.PROMISED, 9),
        (Wish(Reason.COUNTED, 1, 9), 9, 2, Answer.PROMISED, 9),
        (Wish(Reason.LOST, -10, 9), 9, 0, Answer.NOTHING, 9),
        (Wish(Reason.FOUND, MOST, 9), 9, 0, Answer.NOTHING, 9),
    ],
)
def test_a_shelf_is_adjusted_as_it_was_seen_and_never_below_what_is_promised(
    wish: Wish, on_hand: int | None, reserved: int, answer: Answer, units: int
) -> None:
    told, after = will(wish, Shelf(on_hand, reserved))

    assert (told, after.on_hand) == (answer, units)


@pytest.mark.parametrize(
    ("reason", "units", "answer", "after"),
    [
        (Reason.DAMAGED, -2, Answer.DONE, (7, 3)),
        (Reason.DAMAGED, 2, Answer.NOTHING, (9, 1)),
        (Reason.DAMAGED, -8, Answer.PROMISED, (9, 1)),
        (Reason.MENDED, 1, Answer.DONE, (10, 0)),
        (Reason.MENDED, 2, Answer.NOTHING, (9, 1)),
        (Reason.MENDED, -1, Answer.NOTHING, (9, 1)),
        (Reason.WRITTEN_OFF, -1, Answer.DONE, (9, 0)),
        (Reason.WRITTEN_OFF, -2, Answer.NOTHING, (9, 1)),
        (Reason.LOST, -1, Answer.DONE, (8, 1)),
        (Reason.COUNTED, 4, Answer.DONE, (4, 1)),
    ],
)
def test_damaged_units_are_put_aside_put_back_and_thrown_away(reason: Reason, units: int, answer: Answer, after: tuple[int, int]) -> None:
    told, shelf = will(Wish(reason, units, 9, aside=1), Shelf(9, 2, 1))

    assert (told, (shelf.on_hand, shelf.damaged)) == (answer, after)


def test_who_did_not_see_what_is_damaged_now_is_told() -> None:
    assert will(Wish(Reason.WRITTEN_OFF, -1, 9, aside=2), Shelf(9, 0, 1))[0] is Answer.CHANGED


@given(shelf=st.builds(Shelf, st.integers(0, 9), st.just(0), st.integers(0, 9)), reason=st.sampled_from(Reason), units=st.integers(-9, 9))
def test_every_act_has_its_way_back(shelf: Shelf, reason: Reason, units: int) -> None:
    wish = Wish(reason, units, shelf.on_hand, aside=shelf.damaged)
    answer, after = will(wish, shelf)
    undo = back(wish, shelf, after)

    assert undo is not None
    assert answer is not Answer.DONE or will(undo, after) == (Answer.DONE, shelf)


def test_every_reason_has_its_word() -> None:
    assert WORDS.keys() == set(Reason)


def test_every_cause_by_which_orders_and_imports_move_a_shelf_has_its_word() -> None:
    text = (HOUSE / "core/domain/stock.py").read_text("utf-8") + (HOUSE / "core/store/counts.py").read_text("utf-8")
    moved = re.findall(r"""self\._(?:move|return_to_shelf)\(.*?"(\w+)"|-v\.damaged, '(\w+)'""", text)
    said = {word for pair in moved for word in pair if word}

    assert said | {ASSEMBLED, APART, CAUSE, set_aside.CAUSE} == MOVED.keys()
