"""Taking what was authorized once its goods leave: where that stands, what comes next, and what stands in its way. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_
from core.domain.money import Money
from core.domain.order import Order, PaymentStatus


class CaptureState(StrEnum):
    WANTED = "wanted"  # it is to be taken, or may have been already
    ASKED = "asked"  # the channel was told to take it, and says soon what came of it
    DONE = "done"
    FAILED = "failed"
    OVER = "over"  # the order was cancelled before anything was taken


OPEN = (CaptureState.WANTED, CaptureState.ASKED)
WORDS: dict[CaptureState, str] = {
    CaptureState.WANTED: N_("The payment is being captured"),
    CaptureState.ASKED: N_("The channel works on it"),
    CaptureState.DONE: N_("Captured"),
    CaptureState.FAILED: N_("Not captured"),
    CaptureState.OVER: N_("The order was cancelled before"),
}
# What ended since it was released is asked for too: then its channel says so.
ON_SENDING = (PaymentStatus.AUTHORIZED, PaymentStatus.EXPIRED)
BY_HAND = (*ON_SENDING, PaymentStatus.PARTIALLY_PAID)


@dataclass(frozen=True, slots=True)
class Taking:
    """What a channel says of an order's payment, in the buyer's currency: what is `taken`, what of the order is `owed` still, and `ready`,
    what of that is authorized and can be taken at once. `pending`: it works on a capture."""

    taken: Money
    owed: Money
    ready: Money
    pending: bool = False


class Next(StrEnum):
    TAKE = "take"
    WAIT = "wait"
    DONE = "done"
    LACKS = "lacks"  # less is authorized than is owed


def following(now: Taking) -> Next:
    """What is to be done as it stands."""
    if now.pending:
        return Next.WAIT
    if now.owed.minor <= 0:
        return Next.DONE
    return Next.TAKE if now.ready.minor > 0 else Next.LACKS


class Bar(StrEnum):
    """Why a payment is not captured by hand."""

    CANCELLED = "cancelled"
    CANNOT = "cannot"
    NOTHING = "nothing"


BARS: dict[Bar, str] = {
    Bar.CANCELLED: N_("The order is cancelled."),
    Bar.CANNOT: N_("This channel has no way to be told: its payment is captured there."),
    Bar.NOTHING: N_("Nothing of it is authorized."),
}


def bar(order: Order, *, can: bool) -> Bar | None:
    """What forbids to capture the payment of this order by hand; `can`: its channel can be told."""
    reasons = (
        (Bar.CANCELLED, order.is_cancelled),
        (Bar.NOTHING, order.payment_status not in BY_HAND),
        (Bar.CANNOT, not can),
    )
    return next((reason for reason, is_so in reasons if is_so), None)
