"""Our types -> eBay's payloads. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.shipping import CancelReason, Sent
from core.ports import Push

# eBay's own codes (Trading, ShippingCarrierCodeType, read 2026-11); others go as Other.
CARRIERS = {"ups": "UPS", "fedex": "FedEx", "usps": "USPS", "dhl": "DHL"}
OTHER = "Other"
CANNOT = "OUT_OF_STOCK_OR_CANNOT_FULFILL"
REASONS = {  # of the Post-Order API (2.8.0, read 2026-11)
    CancelReason.BUYER: "BUYER_ASKED_CANCEL",
    CancelReason.STOCK: CANNOT,
    CancelReason.FRAUD: CANNOT,
    CancelReason.ADDRESS: "ADDRESS_ISSUES",
    CancelReason.OTHER: CANNOT,
}


def timestamp(at: datetime) -> str:
    """2026-11-01T00:00:00.000Z, as eBay's filters want it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window(since: datetime, until: datetime | None) -> str:
    """The getOrders filter for orders changed between two times, both ends included; None: until now, as eBay's clock goes."""
    return f"lastmodifieddate:[{timestamp(since)}..{timestamp(until) if until else ''}]"


OPEN = "orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}"


def placed(since: datetime, until: datetime, *, open_only: bool = False) -> str:
    """The getOrders filter for orders made in [since, until): eBay counts both ends in, to the millisecond."""
    made = f"creationdate:[{timestamp(since)}..{timestamp(until - timedelta(milliseconds=1))}]"
    return f"{made},{OPEN}" if open_only else made


def quantity(push: Push) -> dict[str, Any]:
    """One entry of bulkUpdatePriceQuantity. A listing shows the lesser of the two figures, so both are written."""
    return {
        "sku": push.sku,
        "shipToLocationAvailability": {"quantity": push.quantity},
        "offers": [{"offerId": push.handle["offer"], "availableQuantity": push.quantity}],
    }


def status(push: Push) -> dict[str, Any]:
    """One InventoryStatus of ReviseInventoryStatus; a variation is named by its SKU within the item."""
    named = {"SKU": push.sku} if push.sku else {}
    return {"ItemID": push.handle["item"], **named, "Quantity": str(push.quantity)}


def chunks(pushes: Sequence[Push], size: int) -> list[Sequence[Push]]:
    return [pushes[start : start + size] for start in range(0, len(pushes), size)]


def with_shipments(order: Mapping[str, Any], shipments: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The order with its shipping fulfillments beside eBay's own fields, where they were read."""
    return dict(order) if shipments is None else {**order, "fulfillments": list(shipments)}


def bare(tracking: str) -> str:
    """A tracking number as eBay takes it: letters and digits only."""
    return re.sub(r"[^0-9A-Za-z]", "", tracking)


def parcel(sent: Sent) -> dict[str, Any]:
    """The body of createShippingFulfillment. Carrier and number go together, and each line comes once."""
    units: Counter[str] = Counter()
    for line in sent.lines:
        units[line.line] += line.units
    lines = [{"lineItemId": line, "quantity": count} for line, count in units.items()]
    number = bare(sent.tracking)
    named = {"shippingCarrierCode": CARRIERS.get(sent.carrier, OTHER), "trackingNumber": number} if number else {}
    return {"lineItems": lines, "shippedDate": timestamp(sent.sent_at), **named}


def cancellation(order: Mapping[str, Any], reason: CancelReason) -> dict[str, Any]:
    """The body of a seller's own cancellation. The Post-Order API names orders as Trading does."""
    paid = order.get("orderPaymentStatus") == "PAID"
    return {"legacyOrderId": order.get("legacyOrderId") or order["orderId"], "cancelReason": REASONS[reason], "buyerPaid": paid}


def rejection(sent: Sent | None) -> dict[str, Any]:
    """Where it left already, when and with which number."""
    if sent is None:
        return {}
    number = bare(sent.tracking)
    return {"shipmentDate": {"value": timestamp(sent.sent_at)}, **({"trackingNumber": number} if number else {})}


def stretch(name: str, since: datetime, until: datetime) -> str:
    """A filter of the Finances API for what is of these times, both ends included."""
    return f"{name}:[{timestamp(since)}..{timestamp(until)}]"


def within(name: str, value: str) -> str:
    """A filter of the Finances API for one value."""
    return f"{name}:{{{value}}}"
