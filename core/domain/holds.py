"""Orders that one of the staff holds back: why, and what it does to a status. Pure.

A held order keeps what is reserved for it and is not released to be sent. What was cancelled, closed or sent has nothing to hold back.
"""

from enum import StrEnum

from core.domain.order import OrderStatus


class Why(StrEnum):
    """Words for lists. What else there is to say goes into a note, which is sealed: people write about people."""

    PAYMENT = "payment"
    ADDRESS = "address"
    FRAUD = "fraud"
    STOCK = "stock"
    OVERSOLD = "oversold"  # the hub's own: more was sold than there is
    BUYER = "buyer"
    OTHER = "other"


CAN_BE_HELD = frozenset({OrderStatus.PENDING_PAYMENT, OrderStatus.OPEN, OrderStatus.PARTIALLY_FULFILLED, OrderStatus.UNKNOWN})
CAN_BE_HELD |= {OrderStatus.ON_HOLD}  # the channel holds it, and so do we


def shown(status: OrderStatus, *, held: bool) -> OrderStatus:
    """An order's status as staff see it. Precedence as of a channel's own hold: cancelled, closed, cancel requested, on hold, then
    the rest."""
    return OrderStatus.ON_HOLD if held and status in CAN_BE_HELD else status
