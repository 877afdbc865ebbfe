"""What staff call things: statuses and reasons, and whether they are good news."""

from flask_babel import gettext

from core.domain.holds import Why
from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus
from core.domain.routing import STRATEGIES, WHYS

TONES = {
    "open": "info", "pending_payment": "warn", "on_hold": "warn", "cancel_requested": "bad", "partially_fulfilled": "info",
    "fulfilled": "good", "unknown": "warn", "unpaid": "warn", "authorized": "info", "partially_paid": "warn", "paid": "good",
    "expired": "bad", "scheduled": "info", "in_progress": "info",
}  # fmt: skip


def statuses() -> dict[str, str]:
    return {
        OrderStatus.PENDING_PAYMENT: gettext("Waits for payment"),
        OrderStatus.OPEN: gettext("Open"),
        OrderStatus.ON_HOLD: gettext("On hold"),
        OrderStatus.CANCEL_REQUESTED: gettext("Cancellation asked for"),
        OrderStatus.PARTIALLY_FULFILLED: gettext("Partly sent"),
        OrderStatus.FULFILLED: gettext("Sent"),
        OrderStatus.CANCELLED: gettext("Cancelled"),
        OrderStatus.CLOSED: gettext("Closed"),
        OrderStatus.UNKNOWN: gettext("Unknown"),
    }


def payments() -> dict[str, str]:
    return {
        PaymentStatus.UNPAID: gettext("Unpaid"),
        PaymentStatus.AUTHORIZED: gettext("Authorized"),
        PaymentStatus.PARTIALLY_PAID: gettext("Partly paid"),
        PaymentStatus.PAID: gettext("Paid"),
        PaymentStatus.PARTIALLY_REFUNDED: gettext("Partly refunded"),
        PaymentStatus.REFUNDED: gettext("Refunded"),
        PaymentStatus.VOIDED: gettext("Voided"),
        PaymentStatus.EXPIRED: gettext("Expired"),
        PaymentStatus.UNKNOWN: gettext("Unknown"),
    }


def fulfillments() -> dict[str, str]:
    return {
        FulfillmentStatus.UNFULFILLED: gettext("To be sent"),
        FulfillmentStatus.SCHEDULED: gettext("Scheduled"),
        FulfillmentStatus.ON_HOLD: gettext("On hold"),
        FulfillmentStatus.IN_PROGRESS: gettext("Being prepared"),
        FulfillmentStatus.PARTIALLY_FULFILLED: gettext("Partly sent"),
        FulfillmentStatus.FULFILLED: gettext("Sent"),
        FulfillmentStatus.NOT_REQUIRED: gettext("Nothing to send"),
        FulfillmentStatus.CANCELLED: gettext("Cancelled"),
        FulfillmentStatus.UNKNOWN: gettext("Unknown"),
    }


def reasons() -> dict[str, str]:
    """Why somebody holds an order."""
    return {
        Why.PAYMENT: gettext("Payment to be checked"),
        Why.ADDRESS: gettext("Address to be checked"),
        Why.FRAUD: gettext("May be a fraud"),
        Why.STOCK: gettext("Goods to be checked"),
        Why.OVERSOLD: gettext("More was sold than there is"),
        Why.BUYER: gettext("The buyer asked for it"),
        Why.OTHER: gettext("Another reason"),
    }


def waits() -> dict[str, str]:
    """What lines wait for."""
    return {"mapping": gettext("Needs a match"), "stock": gettext("Short of stock")}


def said() -> dict[str, dict[str, str]]:
    """All of them, by name; those of a decision are translated where they stand."""
    ours = {"statuses": statuses(), "payments": payments(), "fulfillments": fulfillments(), "reasons": reasons(), "waits": waits()}
    return ours | {"strategy_words": STRATEGIES, "why_words": WHYS}
