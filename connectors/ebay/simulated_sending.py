"""The simulator's parcels and cancellations: what eBay has against them. Pure but for the dicts it is given."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
DETAILS = {"lineItems": list, "shippedDate": str, "shippingCarrierCode": str, "trackingNumber": str}
REASONS = ("BUYER_ASKED_CANCEL", "OUT_OF_STOCK_OR_CANNOT_FULFILL", "ADDRESS_ISSUES")


class Declined(Exception):
    """eBay's number of the error, and its sentence."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message


def units(order: Mapping[str, Any], left: Mapping[str, int], body: Any) -> dict[str, int]:
    """Units by line of a new shipping fulfillment; `left` is what is open. Raises Declined."""
    if not isinstance(body, dict) or any(key not in DETAILS or not isinstance(value, DETAILS[key]) for key, value in body.items()):
        raise Declined(32600, "Invalid input data")
    if order["document"]["cancelStatus"]["cancelState"] == "CANCELED":
        raise Declined(32600, "Invalid input data: the order is cancelled")
    if ("trackingNumber" in body) != ("shippingCarrierCode" in body) or not re.fullmatch(r"[0-9A-Za-z]*", body.get("trackingNumber", "")):
        raise Declined(32300, "Invalid shipment tracking number or carrier")
    asked = Counter({str(one["lineItemId"]): int(one.get("quantity", 1)) for one in body.get("lineItems", ())})
    if len(asked) < len(body.get("lineItems", ())):
        raise Declined(32210, "Duplicate line item in the request")
    for line, count in asked.items():
        if line not in left:
            raise Declined(32200, f"Invalid line item id: {line}")
        if not 0 < count <= left[line]:
            raise Declined(32600, f"Invalid input data: quantity of line item {line}")
    return dict(asked) or {line: count for line, count in left.items() if count}


def cancellable(order: Mapping[str, Any] | None, body: Any, sent: bool) -> None:
    """Whether a seller may ask for it. Raises Declined."""
    if order is None:
        raise Declined(1000, "The order is not known.")
    if not isinstance(body, dict) or body.get("cancelReason") not in REASONS:
        raise Declined(1001, "The cancel reason is not valid.")
    if sent or order["document"]["cancelStatus"]["cancelState"] != "NONE_REQUESTED":
        raise Declined(1002, "The order is not eligible for cancellation.")


def told_of(order: Mapping[str, Any]) -> list[Json]:
    """The oracle: each parcel as often as it was told."""
    skus = {line.get("lineItemId"): line.get("sku", "") for line in order["document"]["lineItems"]}
    return [
        {"tracking": one.get("shipmentTrackingNumber"), "carrier": one.get("shippingCarrierCode"), "units": _by_sku(one, skus)}
        for one in order["fulfillments"]
    ]


def _by_sku(parcel: Mapping[str, Any], skus: Mapping[Any, str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in parcel["lineItems"]:
        found[skus[one["lineItemId"]]] += one["quantity"]
    return dict(found)
