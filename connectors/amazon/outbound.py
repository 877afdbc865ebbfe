"""Goods of ours in Amazon's warehouses, sent for orders of other channels (Fulfillment Outbound 2020-07-01). Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from connectors.amazon.read import Unreadable, items, maybe_items, maybe_text, maybe_time, part, text, units
from core.domain.order import Address
from core.domain.requests import Request, RequestState, Standing, TheirParcel
from core.errors import BadPayload

Doc = Mapping[str, Any]
SPEEDS = {"standard": "Standard", "expedited": "Expedited", "priority": "Priority"}
STATES = {
    "New": RequestState.ASKED, "Received": RequestState.ACCEPTED, "Planning": RequestState.ACCEPTED, "Processing": RequestState.ACCEPTED,
    "Complete": RequestState.SENT, "CompletePartialled": RequestState.SENT, "Cancelled": RequestState.WITHDRAWN,
    "Unfulfillable": RequestState.REJECTED, "Invalid": RequestState.REJECTED,
}  # fmt: skip
LINE = 40  # letters of an address line that Amazon takes ‡


def order(wish: Request, key: str, marketplace: str, features: Sequence[str]) -> dict[str, Any]:
    """The body of createFulfillmentOrder: our key is its number. `features` are those without which it is not to be sent: other
    marketplaces object to parcels in Amazon's own box."""
    return {
        "marketplaceId": marketplace,
        "sellerFulfillmentOrderId": key,
        "displayableOrderId": wish.name,
        "displayableOrderDate": wish.placed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "displayableOrderComment": wish.note or "Thank you for your order.",
        "shippingSpeedCategory": SPEEDS.get(wish.speed, "Standard"),
        "fulfillmentAction": "Ship",
        "fulfillmentPolicy": "FillOrKill" if wish.whole else "FillAllAvailable",
        "destinationAddress": _address(wish.to),
        "featureConstraints": [{"featureName": name, "featureFulfillmentPolicy": "Required"} for name in features],
        "items": [{"sellerSku": one.sku, "sellerFulfillmentOrderItemId": one.line, "quantity": one.units} for one in wish.lines],
    }


def _address(one: Address) -> dict[str, str]:
    lines = [line for line in (one.company, one.street1, one.street2, one.street3) if line]
    said = {
        "name": one.name or one.company, **{f"addressLine{n}": line for n, line in enumerate(lines[:3], 1)}, "city": one.city,
        "stateOrRegion": one.region, "postalCode": one.postcode, "countryCode": one.country, "phone": one.phone,
    }  # fmt: skip
    return {key: value for key, value in said.items() if value or key in ("name", "addressLine1", "postalCode", "countryCode")}


def standing(answer: Any) -> Standing:
    """How getFulfillmentOrder tells that it stands. Raises BadPayload."""
    try:
        head = part(answer, "fulfillmentOrder")
        said = text(head, "fulfillmentOrderStatus")
        refused = {text(one, "sellerFulfillmentOrderItemId"): _left(one) for one in items(answer, "fulfillmentOrderItems")}
        parcels = [
            parcel
            for one in maybe_items(answer, "fulfillmentShipments")
            if text(one, "fulfillmentShipmentStatus") == "SHIPPED"
            for parcel in _parcels(one)
        ]
        return Standing(
            STATES.get(said, RequestState.ACCEPTED),
            text(head, "sellerFulfillmentOrderId"),
            tuple(parcels),
            {line: n for line, n in refused.items() if n},
            said,
        )
    except (KeyError, TypeError, ValueError) as error:
        words = (
            str(error)
            if isinstance(error, Unreadable)
            else f"{error} is missing"
            if isinstance(error, KeyError)
            else "a field is not as it should be"
        )
        raise BadPayload(f"amazon fulfillment order: {words}") from None


def _left(one: Doc) -> int:
    return units(one, "cancelledQuantity") + units(one, "unfulfillableQuantity")


def _parcels(shipment: Doc) -> list[TheirParcel]:
    """One for each package: what lies in it is told by its number, and by nothing where there is only one."""
    packages, inside = maybe_items(shipment, "fulfillmentShipmentPackage"), items(shipment, "fulfillmentShipmentItem")
    at = maybe_time(shipment, "shippingDate")
    if at is None:
        raise Unreadable("shippingDate is missing")
    found = []
    for package in packages:
        number = package["packageNumber"]
        mine = [one for one in inside if len(packages) == 1 or one.get("packageNumber") == number]
        held: dict[str, int] = {}
        for one in mine:
            line = text(one, "sellerFulfillmentOrderItemId")
            held[line] = held.get(line, 0) + units(one, "quantity")
        found.append(
            TheirParcel(
                maybe_text(package, "trackingNumber"),
                text(package, "carrierCode"),
                held,
                at,
                number=f"{text(shipment, 'amazonShipmentId')}/{number}",
            )
        )
    return found
