"""What a listing shows against what it should show, and why the two differ: a table that a merchant can read. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_


class Why(StrEnum):
    """What stands between a listing and the number that it should show; the first that holds."""

    LEFT_ALONE = "left alone"
    UNMAPPED = "unmapped"
    NOWHERE = "nowhere"
    NOT_OURS = "not ours"
    UNCOUNTED = "uncounted"
    WATCHED = "watched"
    PAUSED = "paused"
    LOCKED_OUT = "locked out"
    REFUSED = "refused"
    CHOICE = "choice"
    RESTS = "rests"
    RAISED_LATER = "raised later"
    DEALT_LATER = "dealt later"
    ORDERS_FIRST = "orders first"
    ASKED = "asked"
    READ_FIRST = "read first"
    DOUBTED = "doubted"
    ACCEPTED = "accepted"
    NEXT = "next"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Display:
    """A listing's row as far as it says why it shows what it shows. `shown` and `wanted` are units (None: nobody knows); `live` says
    whether its channel's stock is written, `waits` that it changed since it was told, `asked` that an answer is due; `rests_until`,
    `raise_from` and `accepted_at` are microseconds, or None; `dealt`: what it should show is its part of SKUs in quota; `doubted`: it
    showed something else than it was told, and `choice`: somebody is asked whose number is right."""

    shown: int | None
    wanted: int | None
    mapped: bool = True
    live: bool = True
    state: str = "active"
    writable: str | None = None
    ours: bool = True
    decided: bool = False
    waits: bool = False
    asked: bool = False
    sought: bool = False
    problem: str | None = None
    rests_until: int | None = None
    raise_from: int | None = None
    accepted_at: int | None = None
    dealt: bool = False
    doubted: bool = False
    choice: bool = False


def why(one: Display) -> Why:
    """Why it does not show what it should, or that it does."""
    return _cannot(one) or _does_not(one) or _not_yet(one)


def _cannot(one: Display) -> Why | None:
    """Nobody knows what it should show, or it is none of our business."""
    if one.writable is not None:
        return Why.LEFT_ALONE
    if not one.mapped:
        return Why.UNMAPPED
    if not one.ours:
        return Why.NOT_OURS if one.decided else Why.NOWHERE
    return Why.UNCOUNTED if one.wanted is None else None


def _does_not(one: Display) -> Why | None:
    """It is known, and not written."""
    if not one.live:
        return Why.RIGHT if one.shown == one.wanted else Why.WATCHED
    if one.state != "active":
        return Why.LOCKED_OUT if one.state == "needs_login" else Why.PAUSED
    return Why.REFUSED if one.problem else None


def _not_yet(one: Display) -> Why:
    """It is written, sooner or later."""
    return _later(one) or _told(one)


def _later(one: Display) -> Why | None:
    """Not before something else happened; the first that holds."""
    differs = one.shown != one.wanted
    reasons = {
        Why.CHOICE: one.choice and differs,
        Why.RESTS: one.rests_until is not None and differs,
        Why.RAISED_LATER: one.raise_from is not None and differs,
        Why.DEALT_LATER: one.raise_from is not None and one.dealt,
        Why.ORDERS_FIRST: one.sought and differs and not one.waits,
        Why.ASKED: one.asked,
        Why.READ_FIRST: one.shown is None,
        Why.DOUBTED: one.doubted and differs,
        Why.ACCEPTED: one.accepted_at is not None,
    }
    return next((why for why, holds in reasons.items() if holds), None)


def _told(one: Display) -> Why:
    """Told, or nothing to tell."""
    return Why.RIGHT if one.shown == one.wanted else Why.NEXT


# What people read. %(until)s, %(reason)s and %(channel)s are put in by who shows it.
WORDS: dict[Why, str] = {
    Why.LEFT_ALONE: N_("Crossdock does not write it: %(reason)s."),
    Why.UNMAPPED: N_("Nobody has said which of your SKUs this listing sells."),
    Why.NOWHERE: N_("Nobody has said which of your locations this place of %(channel)s is."),
    Why.NOT_OURS: N_("Its place at %(channel)s is none of your locations."),
    Why.UNCOUNTED: N_("Nobody has counted its SKU where %(channel)s sells from. What is not known is not shown."),
    Why.WATCHED: N_("%(channel)s is only watched. Nothing is written there until you go live."),
    Why.PAUSED: N_("%(channel)s is paused."),
    Why.LOCKED_OUT: N_("%(channel)s does not let us in. Connect it again."),
    Why.REFUSED: N_("%(channel)s refused the last number: %(reason)s."),
    Why.RESTS: N_("It was changed as often as %(channel)s allows in one day. It goes on at %(until)s."),
    Why.RAISED_LATER: N_("More is shown as soon as the orders of %(channel)s are read up to %(until)s, so that nothing is sold twice."),
    Why.DEALT_LATER: N_(
        "Its part is dealt anew as soon as the orders of %(channel)s are read up to %(until)s. Until then it may sell more than it shows."
    ),
    Why.ORDERS_FIRST: N_("%(channel)s has sold other units than we know of. Its orders are fetched first."),
    Why.ASKED: N_("It was told, and %(channel)s has not answered yet."),
    Why.READ_FIRST: N_("Something happened that may have changed the number. It is read before it is written."),
    Why.CHOICE: N_("Somebody changed it in %(channel)s. One of you must say whose number is right."),
    Why.DOUBTED: N_("It shows something else than it was told. The orders of %(channel)s are read first, then it is said why."),
    Why.ACCEPTED: N_("%(channel)s accepted the number and has not shown it yet."),
    Why.NEXT: N_("It is told with the next message to %(channel)s."),
    Why.RIGHT: N_("It shows what it should."),
}
TONES: dict[Why, str] = {
    Why.RIGHT: "good", Why.NEXT: "info", Why.ASKED: "info", Why.ACCEPTED: "info", Why.READ_FIRST: "info", Why.RAISED_LATER: "info",
    Why.DEALT_LATER: "info", Why.DOUBTED: "info", Why.CHOICE: "warn",
    Why.ORDERS_FIRST: "info", Why.WATCHED: "", Why.PAUSED: "warn", Why.RESTS: "warn", Why.LEFT_ALONE: "", Why.NOT_OURS: "",
    Why.UNMAPPED: "warn", Why.NOWHERE: "warn", Why.UNCOUNTED: "warn", Why.LOCKED_OUT: "bad", Why.REFUSED: "bad",
}  # fmt: skip
