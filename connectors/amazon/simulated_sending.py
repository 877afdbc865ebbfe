"""The simulator's order feeds and confirmations: what Amazon has against them, and what they change. Pure but for the dicts it is given."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

Json = dict[str, Any]
NEEDED = ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate", "orderItems")


class Declined(Exception):
    """Amazon's sentence ‡."""


def confirmed(raw: Json, body: Mapping[str, Any], at: str) -> None:
    """A parcel left with these units. The same reference again takes the place of what it said before. Raises Declined."""
    detail = body["packageDetail"]
    _readable(raw, body, detail)
    number = detail["packageReferenceId"]
    before = next((one for one in raw.get("packages", ()) if one["packageReferenceId"] == number), None)
    units = _units(raw, detail["orderItems"], _known(before))
    _take(raw, units, _known(before))
    others = [one for one in raw.get("packages", ()) if one is not before]
    raw["packages"] = [*others, _package(detail, units, at)]
    left = any(item["fulfillment"]["quantityUnfulfilled"] for item in raw["orderItems"])
    raw["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"


def _readable(raw: Json, body: Mapping[str, Any], detail: Any) -> None:
    if missing := [key for key in NEEDED if not isinstance(detail, dict) or not detail.get(key)]:
        raise Declined(f"{missing[0]} is missing in the packageDetail.")
    if body["marketplaceId"] != raw["salesChannel"]["marketplaceId"]:
        raise Declined("The marketplace is not the order's.")
    if not str(detail["packageReferenceId"]).isdigit() or int(detail["packageReferenceId"]) < 1:
        raise Declined("PackageReferenceId must be a positive numeric value.")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise Declined("CarrierName is required when CarrierCode is Other.")
    if raw["fulfillment"]["fulfilledBy"] != "MERCHANT" or raw["fulfillment"]["fulfillmentStatus"] in ("PENDING", "CANCELLED"):
        raise Declined("The order cannot be confirmed in its current status.")
    if str(detail["shipDate"])[:10] < raw["createdTime"][:10]:
        raise Declined("The ship date lies before the order's date.")


def _known(package: Json | None) -> Counter[str]:
    return Counter({one["orderItemId"]: one["quantity"] for one in package["packageItems"]} if package else {})


def _units(raw: Json, asked: Sequence[Mapping[str, Any]], before: Counter[str]) -> Counter[str]:
    left = {item["orderItemId"]: item["fulfillment"]["quantityUnfulfilled"] for item in raw["orderItems"]}
    units: Counter[str] = Counter()
    for one in asked:
        units[str(one["orderItemId"])] += one["quantity"]
    for item, count in units.items():
        if item not in left:
            raise Declined(f"The order item {item} is not of this order.")
        if not 0 < count <= left[item] + before[item]:
            raise Declined(f"The quantity of order item {item} exceeds what is left to ship.")
    return units


def _take(raw: Json, units: Counter[str], before: Counter[str]) -> None:
    for item in raw["orderItems"]:
        more = units[item["orderItemId"]] - before[item["orderItemId"]]
        item["fulfillment"]["quantityFulfilled"] += more
        item["fulfillment"]["quantityUnfulfilled"] -= more


def _package(detail: Mapping[str, Any], units: Counter[str], at: str) -> Json:
    named = {"shippingService": detail["shippingMethod"]} if detail.get("shippingMethod") else {}
    return {
        "packageReferenceId": str(detail["packageReferenceId"]),
        "createdTime": at,
        "packageStatus": {"status": "SHIPPED"},
        "carrier": detail.get("carrierName") or detail["carrierCode"],
        "shipTime": detail["shipDate"],
        "trackingNumber": detail["trackingNumber"],
        "packageItems": [{"orderItemId": item, "quantity": count} for item, count in units.items()],
        **named,
    }


def declines(document: str) -> list[tuple[str, str, str]]:
    """The orders that an acknowledgement says no to, as (message, order, reason). Raises ValueError, KeyError."""
    try:
        tree = ElementTree.fromstring(document)  # noqa: S314 - what our own connector wrote
    except ElementTree.ParseError as error:
        raise ValueError("not XML") from error
    if tree.findtext("MessageType") != "OrderAcknowledgement" or not tree.findtext("Header/MerchantIdentifier"):
        raise ValueError("not an order acknowledgement")
    return [_decline(message) for message in tree.findall("Message")]


def _decline(message: ElementTree.Element) -> tuple[str, str, str]:
    number, said = message.findtext("MessageID"), message.find("OrderAcknowledgement")
    if said is None or not number or said.findtext("StatusCode") != "Failure" or not said.findtext("AmazonOrderID"):
        raise ValueError("a message is not complete")
    return number, str(said.findtext("AmazonOrderID")), str(said.findtext("Item/CancelReason") or "GeneralAdjustment")


def report(errors: Sequence[tuple[str, str]], messages: int) -> str:
    """Amazon's processing report: (message, words) of what it did not do."""
    summary = f"<MessagesProcessed>{messages}</MessagesProcessed><MessagesSuccessful>{messages - len(errors)}</MessagesSuccessful>"
    results = "".join(
        f"<Result><MessageID>{number}</MessageID><ResultCode>Error</ResultCode><ResultDescription>{words}</ResultDescription></Result>"
        for number, words in errors
    )
    said = (
        f"<ProcessingReport><StatusCode>Complete</StatusCode><ProcessingSummary>{summary}</ProcessingSummary>{results}</ProcessingReport>"
    )
    return f"<AmazonEnvelope><MessageType>ProcessingReport</MessageType><Message>{said}</Message></AmazonEnvelope>"


def told_of(raw: Json) -> list[Json]:
    """The oracle: each parcel once, since a reference that is told again takes the place of what it told before."""
    skus = {item["orderItemId"]: item["product"]["sellerSku"] for item in raw["orderItems"]}
    return [{"tracking": one["trackingNumber"], "carrier": one["carrier"], "units": _by_sku(one, skus)} for one in raw.get("packages", ())]


def _by_sku(package: Json, skus: Mapping[str, str]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for one in package["packageItems"]:
        units[skus[one["orderItemId"]]] += one["quantity"]
    return dict(units)
