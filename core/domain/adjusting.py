"""Adjusting a shelf by hand: by a count or by a difference, with a reason. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_

MOST = 1_000_000_000


class Reason(StrEnum):
    """Why a shelf holds another number than before; a movement's cause."""

    COUNTED = "counted"
    FOUND = "found"
    LOST = "lost"
    DAMAGED = "damaged"
    RECEIVED = "received"
    GIVEN = "given"
    CORRECTED = "corrected"


WORDS: dict[Reason, str] = {
    Reason.COUNTED: N_("Counted"),
    Reason.RECEIVED: N_("Goods came in"),
    Reason.FOUND: N_("Found"),
    Reason.LOST: N_("Lost"),
    Reason.DAMAGED: N_("Damaged"),
    Reason.GIVEN: N_("Given away or used"),
    Reason.CORRECTED: N_("Corrected"),
}


# The other causes of movements: what orders did, and what imports took back.
MOVED: dict[str, str] = {
    "shipped": N_("Sent"),
    "unfulfilled": N_("Sending it was undone"),
    "returned": N_("Came back"),
    "uncounted": N_("Not counted any more"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a shelf: `units` on hand where `reason` is COUNTED, else so many more (or less). `seen` is what they saw on
    hand when they said so; None: nobody had counted it."""

    reason: Reason
    units: int
    seen: int | None
    note: str = ""


class Answer(StrEnum):
    DONE = "done"
    SAME = "same"
    CHANGED = "changed"  # it is not as they saw it
    PROMISED = "promised"  # orders hold more than would be left
    NOTHING = "nothing"  # less than nothing would lie there, or more than fits


def will(wish: Wish, on_hand: int | None, reserved: int) -> tuple[Answer, int]:
    """What would lie there, and whether it may."""
    if on_hand != wish.seen:
        return Answer.CHANGED, on_hand or 0
    units = wish.units if wish.reason is Reason.COUNTED else (on_hand or 0) + wish.units
    if not 0 <= units <= MOST:
        return Answer.NOTHING, on_hand or 0
    if units < reserved:
        return Answer.PROMISED, on_hand or 0
    return (Answer.SAME if units == on_hand else Answer.DONE), units
