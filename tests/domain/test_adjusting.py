"""Adjusting a shelf by hand."""

import re
from pathlib import Path

import pytest

from core.domain.adjusting import MOST, MOVED, WORDS, Answer, Reason, Wish, will

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
    assert will(wish, on_hand, reserved) == (answer, units)


def test_every_reason_has_its_word() -> None:
    assert WORDS.keys() == set(Reason)


def test_every_cause_by_which_orders_and_imports_move_a_shelf_has_its_word() -> None:
    text = (HOUSE / "core/domain/stock.py").read_text("utf-8") + (HOUSE / "core/store/counts.py").read_text("utf-8")
    text += (HOUSE / "core/flows/leading.py").read_text("utf-8")
    moved = re.findall(r"""self\._(?:move|return_to_shelf)\(.*?"(\w+)"|-r\.on_hand, '(\w+)'|CAUSE = "(\w+)\"""", text)
    said = {word for pair in moved for word in pair if word}

    assert said == MOVED.keys()
