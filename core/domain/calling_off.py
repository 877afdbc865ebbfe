"""Calling an order off at its channel, and answering a buyer who wishes it: where that stands, and what stands in its way. Pure."""

from enum import StrEnum

from core.domain.later import N_
from core.domain.order import Order, Party
from core.domain.shipping import CancelReason


class CallingState(StrEnum):
    WANTED = "wanted"  # somebody said so: the channel is told, or may have been
    ASKED = "asked"  # the channel took it: it is done when the order shows it
    DONE = "done"
    STANDS = "stands"  # the channel took it, and the order still stands
    REFUSED = "refused"
    WAIVED = "waived"  # the buyer is answered that it is sent anyway: this wish stops nothing
    WITHDRAWN = "withdrawn"  # one of us took it back


OPEN = (CallingState.WANTED, CallingState.ASKED)
FAILED = (CallingState.STANDS, CallingState.REFUSED)
WORDS: dict[CallingState, str] = {
    CallingState.WANTED: N_("The channel is being told"),
    CallingState.ASKED: N_("The channel works on it"),
    CallingState.DONE: N_("Cancelled"),
    CallingState.STANDS: N_("The order still stands at the channel"),
    CallingState.REFUSED: N_("The channel refused"),
    CallingState.WAIVED: N_("The buyer was answered that it is sent"),
    CallingState.WITHDRAWN: N_("Taken back"),
}
REASONS: dict[CancelReason, str] = {
    CancelReason.BUYER: N_("The buyer asked for it"),
    CancelReason.STOCK: N_("It cannot be delivered"),
    CancelReason.FRAUD: N_("May be a fraud"),
    CancelReason.ADDRESS: N_("Something is wrong with the address"),
    CancelReason.OTHER: N_("Another reason"),
}


class Bar(StrEnum):
    """Why nothing of the kind can be done with an order."""

    CANCELLED = "cancelled"
    SENT = "sent"
    CHANNEL = "channel"
    CANNOT = "cannot"
    NO_WISH = "no_wish"
    ANSWERED = "answered"


BARS: dict[Bar, str] = {
    Bar.CANCELLED: N_("It is cancelled."),
    Bar.SENT: N_("Something of it is sent: after that an order is not cancelled, it is returned."),
    Bar.CHANNEL: N_("The channel sends it itself: it is cancelled there."),
    Bar.CANNOT: N_("This channel has no way to be told: it is cancelled there."),
    Bar.NO_WISH: N_("Its buyer does not wish to cancel it."),
    Bar.ANSWERED: N_("Something else is being said to its channel."),
}


def bar(order: Order, *, left: bool, can: bool) -> Bar | None:
    """What forbids to call this order off; None: nothing does. `left`: we sent something of it; `can`: its channel can be told."""
    reasons = (
        (Bar.CANCELLED, order.is_cancelled),
        (Bar.SENT, left or any(line.fulfilled for line in order.lines)),
        (Bar.CHANNEL, order.party is Party.CHANNEL),
        (Bar.CANNOT, not can),
    )
    return next((reason for reason, is_so in reasons if is_so), None)
