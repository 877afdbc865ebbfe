"""The simulator's multi-channel fulfillment: orders of other channels that are sent from Amazon's shelves. Pure but for the dicts."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
NEEDED = (
    "destinationAddress", "displayableOrderComment", "displayableOrderDate", "displayableOrderId", "items", "sellerFulfillmentOrderId",
    "shippingSpeedCategory",
)  # fmt: skip
ADDRESS = ("addressLine1", "countryCode", "name", "postalCode")
SPEEDS = ("Standard", "Expedited", "Priority", "ScheduledDelivery")


class Declined(Exception):
    """Amazon's sentence ‡."""


def created(body: Mapping[str, Any], stock: Mapping[str, int], at: str) -> Json:
    """A new order, received; what is not on the shelf is unfulfillable, with FillOrKill all of it then. Raises Declined."""
    if missing := [key for key in NEEDED if not body.get(key)]:
        raise Declined(f"{missing[0]} is missing.")
    if missing := [key for key in ADDRESS if not body["destinationAddress"].get(key)]:
        raise Declined(f"destinationAddress.{missing[0]} is missing.")
    if body["shippingSpeedCategory"] not in SPEEDS or len(body["sellerFulfillmentOrderId"]) > 40:
        raise Declined("The request has an invalid value.")
    if strangers := [one["sellerSku"] for one in body["items"] if one["sellerSku"] not in stock]:
        raise Declined(f"The seller SKU {strangers[0]} is not in Amazon's fulfillment network.")
    items = [_item(one, stock[one["sellerSku"]]) for one in body["items"]]
    if body.get("fulfillmentPolicy") == "FillOrKill" and any(one["unfulfillableQuantity"] for one in items):
        items = [{**one, "unfulfillableQuantity": one["quantity"]} for one in items]
    status = "Unfulfillable" if all(one["unfulfillableQuantity"] == one["quantity"] for one in items) else "Received"
    return {"body": dict(body), "status": status, "items": items, "shipments": [], "at": at, "changed": at}


def _item(one: Mapping[str, Any], there: int) -> Json:
    return {
        "sellerSku": one["sellerSku"], "sellerFulfillmentOrderItemId": one["sellerFulfillmentOrderItemId"], "quantity": one["quantity"],
        "cancelledQuantity": 0, "unfulfillableQuantity": max(0, one["quantity"] - there),
    }  # fmt: skip


def kept(made: Json) -> dict[str, int]:
    """Units by SKU that are taken off what can be sold for it."""
    found: dict[str, int] = {}
    for one in made["items"]:
        found[one["sellerSku"]] = found.get(one["sellerSku"], 0) + one["quantity"] - one["unfulfillableQuantity"]
    return found


def cancelled(made: Json, at: str) -> dict[str, int]:
    """Not possible once it left. Said twice it has one effect. Gives the units by SKU that can be sold again. Raises Declined."""
    if made["status"] == "Cancelled":
        return {}
    if made["status"] in ("Complete", "CompletePartialled") or made["shipments"]:
        raise Declined("The fulfillment order cannot be cancelled in its current status.")
    back = kept(made)
    for one in made["items"]:
        one["cancelledQuantity"], one["unfulfillableQuantity"] = (
            one["quantity"] - one["unfulfillableQuantity"],
            one["unfulfillableQuantity"],
        )
    made["status"], made["changed"] = "Cancelled", at
    return back


def shipped(made: Json, number: str, at: str) -> dict[str, int]:
    """It leaves in one parcel. Gives units by SKU. Raises Declined."""
    if made["status"] in ("Cancelled", "Complete", "CompletePartialled", "Unfulfillable"):
        raise Declined("It does not leave.")
    inside = [
        {"sellerSku": one["sellerSku"], "sellerFulfillmentOrderItemId": one["sellerFulfillmentOrderItemId"],
         "quantity": one["quantity"] - one["unfulfillableQuantity"], "packageNumber": 1}
        for one in made["items"] if one["quantity"] > one["unfulfillableQuantity"]
    ]  # fmt: skip
    made["shipments"] = [{
        "amazonShipmentId": f"D{number}", "fulfillmentCenterId": "PHX3", "fulfillmentShipmentStatus": "SHIPPED", "shippingDate": at,
        "fulfillmentShipmentItem": inside,
        "fulfillmentShipmentPackage": [{"packageNumber": 1, "carrierCode": "Amazon", "trackingNumber": f"TBA{number}"}],
    }]  # fmt: skip
    some = any(one["unfulfillableQuantity"] for one in made["items"])
    made["status"], made["changed"] = "CompletePartialled" if some else "Complete", at
    return {one["sellerSku"]: one["quantity"] for one in inside}


def view(made: Json) -> Json:
    """What getFulfillmentOrder tells."""
    body = made["body"]
    head = {key: body[key] for key in NEEDED if key != "items"} | {"marketplaceId": body.get("marketplaceId", "")}
    head |= {"fulfillmentOrderStatus": made["status"], "receivedDate": made["at"], "statusUpdatedDate": made["changed"]}
    return {
        "fulfillmentOrder": head, "fulfillmentOrderItems": made["items"], "fulfillmentShipments": made["shipments"], "returnItems": [],
        "returnAuthorizations": [],
    }  # fmt: skip
