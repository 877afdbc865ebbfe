"""Adjusting a shelf by hand: by a count or by a difference, with a reason. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.later import N_

MOST = 1_000_000_000
UNSEEN = -1  # on hand, of whom did not look before: a program that tells a difference


class Reason(StrEnum):
    """Why a shelf holds another number than before; a movement's cause."""

    COUNTED = "counted"
    FOUND = "found"
    LOST = "lost"
    DAMAGED = "damaged"  # put aside: it lies there still, and cannot be sold
    MENDED = "mended"  # put back
    WRITTEN_OFF = "written_off"  # thrown away, out of what is damaged
    RECEIVED = "received"
    GIVEN = "given"
    CORRECTED = "corrected"


WORDS: dict[Reason, str] = {
    Reason.COUNTED: N_("Counted"),
    Reason.RECEIVED: N_("Goods came in"),
    Reason.FOUND: N_("Found"),
    Reason.LOST: N_("Lost"),
    Reason.DAMAGED: N_("Damaged: put aside"),
    Reason.MENDED: N_("Good again: put back"),
    Reason.WRITTEN_OFF: N_("Damaged units thrown away"),
    Reason.GIVEN: N_("Given away or used"),
    Reason.CORRECTED: N_("Corrected"),
}


# The other causes of movements: what orders did, what imports took back, and kits put together in advance.
MOVED: dict[str, str] = {
    "shipped": N_("Sent"),
    "resent": N_("Sent once more"),
    "unfulfilled": N_("Sending it was undone"),
    "returned": N_("Came back"),
    "uncounted": N_("Not counted any more"),
    "assembled": N_("Kits were put together"),
    "taken apart": N_("Kits were taken apart"),
    "channel": N_("Changed in a channel"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a shelf: `units` on hand where `reason` is COUNTED, else so many more (or less). `seen` is what they saw on
    hand when they said so, `aside` what they saw damaged; None: nobody had counted it; UNSEEN: they did not look."""

    reason: Reason
    units: int
    seen: int | None
    note: str = ""
    aside: int | None = UNSEEN


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies there: `on_hand` None where nobody counted it; `reserved` of these are promised; `damaged` lie beside them."""

    on_hand: int | None
    reserved: int = 0
    damaged: int = 0


class Answer(StrEnum):
    DONE = "done"
    SAME = "same"
    CHANGED = "changed"  # it is not as they saw it
    PROMISED = "promised"  # orders hold more than would be left
    UNKNOWN = "unknown"  # nobody has counted it, so there is nothing to differ from
    NOTHING = "nothing"  # less than nothing would lie there, or more than fits


def moves(reason: Reason, units: int) -> tuple[int, int]:
    """What such a difference of units changes: (on hand, damaged). Only less is put aside, and only more put back:
    (0, 0) for what cannot be meant."""
    match reason:
        case Reason.DAMAGED:
            return (units, -units) if units < 0 else (0, 0)
        case Reason.MENDED:
            return (units, -units) if units > 0 else (0, 0)
        case Reason.WRITTEN_OFF:
            return 0, units
        case _:
            return units, 0


UNDOES = {Reason.DAMAGED: Reason.MENDED, Reason.MENDED: Reason.DAMAGED, Reason.WRITTEN_OFF: Reason.WRITTEN_OFF}


def back(wish: Wish, was: Shelf, now: Shelf) -> Wish | None:
    """What undoes it, of somebody who sees what it made; None where nobody had counted it before."""
    if wish.reason is not Reason.COUNTED:
        return Wish(UNDOES.get(wish.reason, Reason.CORRECTED), -wish.units, now.on_hand, aside=now.damaged)
    return None if was.on_hand is None else Wish(Reason.COUNTED, was.on_hand, now.on_hand, aside=now.damaged)


def will(wish: Wish, shelf: Shelf) -> tuple[Answer, Shelf]:
    """What would lie there, and whether it may; where it may not, what lies there."""
    if wish.seen == UNSEEN and shelf.on_hand is None:
        return Answer.UNKNOWN, shelf
    if wish.seen not in (shelf.on_hand, UNSEEN) or wish.aside not in (shelf.damaged, None, UNSEEN):
        return Answer.CHANGED, shelf
    after = _after(wish, shelf)
    if wish.units and after == shelf and wish.reason is not Reason.COUNTED:
        return Answer.NOTHING, shelf
    return _judged(shelf, after)


def _after(wish: Wish, shelf: Shelf) -> Shelf:
    if wish.reason is Reason.COUNTED:
        return replace(shelf, on_hand=wish.units)
    on_hand, damaged = moves(wish.reason, wish.units)
    return Shelf((shelf.on_hand or 0) + on_hand, shelf.reserved, shelf.damaged + damaged)


def _judged(shelf: Shelf, after: Shelf) -> tuple[Answer, Shelf]:
    units = after.on_hand or 0
    if not 0 <= units <= MOST or not 0 <= after.damaged <= MOST:
        return Answer.NOTHING, shelf
    if units < shelf.reserved:
        return Answer.PROMISED, shelf
    return (Answer.SAME if after == shelf else Answer.DONE), after
