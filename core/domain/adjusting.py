"""Adjusting a shelf by hand: by a count or by a difference, with a reason. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_

MOST = 1_000_000_000
UNSEEN = -1  # on hand, of whom did not look before: a program that tells a difference


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


# The other causes of movements: what orders did, what imports took back, and kits put together in advance.
MOVED: dict[str, str] = {
    "shipped": N_("Sent"),
    "unfulfilled": N_("Sending it was undone"),
    "returned": N_("Came back"),
    "uncounted": N_("Not counted any more"),
    "assembled": N_("Kits were put together"),
    "taken apart": N_("Kits were taken apart"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a shelf: `units` on hand where `reason` is COUNTED, else so many more (or less). `seen` is what they saw on
    hand when they said so; None: nobody had counted it; UNSEEN: they did not look."""

    reason: Reason
    units: int
    seen: int | None
    note: str = ""


class Answer(StrEnum):
    DONE = "done"
    SAME = "same"
    CHANGED = "changed"  # it is not as they saw it
    PROMISED = "promised"  # orders hold more than would be left
    UNKNOWN = "unknown"  # nobody has counted it, so there is nothing to differ from
    NOTHING = "nothing"  # less than nothing would lie there, or more than fits


def will(wish: Wish, on_hand: int | None, reserved: int) -> tuple[Answer, int]:
    """What would lie there, and whether it may."""
    if wish.seen == UNSEEN and on_hand is None:
        return Answer.UNKNOWN, 0
    if wish.seen not in (on_hand, UNSEEN):
        return Answer.CHANGED, on_hand or 0
    units = wish.units if wish.reason is Reason.COUNTED else (on_hand or 0) + wish.units
    if not 0 <= units <= MOST:
        return Answer.NOTHING, on_hand or 0
    if units < reserved:
        return Answer.PROMISED, on_hand or 0
    return (Answer.SAME if units == on_hand else Answer.DONE), units
