"""The simulator's Buy Shipping: what it offers for an order of its own, what it sells, and what becomes of that. Pure but for the dicts
it is given."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors import simulated_papers
from connectors.amazon.simulated import stamp
from core.domain.money import Money

Json = dict[str, Any]
OFFER_S = 600
MOST_G = 30_000
# (service, its name, carrier id, carrier, price of a parcel and of each kilogram in minor units, days)
SERVICES = (
    ("AMZN_US_STD", "Ground", "AMZN_US", "Amazon Shipping", 610, 95, 3),
    ("USPS_PTP_GND_ADV", "Ground Advantage", "USPS", "USPS", 585, 130, 4),
    ("UPS_PTP_NEXT_DAY_AIR", "Next Day Air", "UPS", "UPS", 2890, 310, 1),
)
NUMBERS = {"AMZN_US": "TBA", "USPS": "94055", "UPS": "1ZSIM"}
MOVES = {
    "pick_up": "PickupDone",
    "travel": "Departed",
    "bring": "OutForDelivery",
    "deliver": "Delivered",
    "fail": "Undeliverable",
    "return": "ReturnInitiated",
}
STATUS = {
    "ReadyForReceive": "PreTransit", "PickupDone": "InTransit", "Departed": "InTransit", "OutForDelivery": "OutForDelivery",
    "Delivered": "Delivered", "Undeliverable": "Undeliverable", "ReturnInitiated": "Rejected",
}  # fmt: skip


class Declined(Exception):
    """(status, code, Amazon's sentence ‡)"""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(message)


# ---- offers


def offered(raw: Json, body: Mapping[str, Any], now: datetime) -> list[Json]:
    """What each service asks for the packages of an order that waits to be sent. Raises Declined."""
    _may(raw)
    packages = body["packages"]
    _packages(raw, packages)
    grams = sum(_grams(one) for one in packages)
    return [] if grams > MOST_G else [_rate(service, grams, now) for service in SERVICES]


def _may(raw: Json) -> None:
    if raw["fulfillment"]["fulfilledBy"] != "MERCHANT" or raw["fulfillment"]["fulfillmentStatus"] in ("PENDING", "CANCELLED", "SHIPPED"):
        raise Declined(400, "InvalidInput", "The order is not eligible for a shipping label in its current status.")


def _packages(raw: Json, packages: Any) -> None:
    left = {item["orderItemId"]: item["fulfillment"]["quantityUnfulfilled"] for item in raw["orderItems"]}
    if not isinstance(packages, list) or len(packages) != 1:
        raise Declined(400, "InvalidInput", "Exactly one package is supported.")
    for one in packages:
        if missing := [key for key in ("dimensions", "insuredValue", "items", "packageClientReferenceId", "weight") if key not in one]:
            raise Declined(400, "InvalidInput", f"{missing[0]} is missing.")
        for item in one["items"]:
            if item.get("itemIdentifier") not in left or not 0 < item["quantity"] <= left[item["itemIdentifier"]]:
                raise Declined(400, "InvalidInput", "The items do not match those of the order that are left to ship.")
        if not one["items"]:
            raise Declined(400, "InvalidInput", "A package has items.")


def _grams(one: Mapping[str, Any]) -> int:
    value, unit = Decimal(str(one["weight"]["value"])), one["weight"]["unit"]
    return int(value * {"GRAM": 1, "KILOGRAM": 1000}[unit])


def _rate(service: tuple[str, str, str, str, int, int, int], grams: int, now: datetime) -> Json:
    id_, name, carrier, label, base, each, days = service
    until = now + timedelta(days=days)
    return {
        "rateId": f"rate-{id_}", "carrierId": carrier, "carrierName": label, "serviceId": id_, "serviceName": name,
        "totalCharge": {"value": (base + each * grams // 1000) / 100, "unit": "USD"},
        "promise": {"deliveryWindow": {"start": stamp(until), "end": stamp(until + timedelta(hours=10))}},
        "supportedDocumentSpecifications": [_printed(how) for how in ("PNG", "PDF", "ZPL")],
        "requiresAdditionalInputs": False,
    }  # fmt: skip


def _printed(how: str) -> Json:
    option = {
        "supportedDPIs": [203, 300], "supportedPageLayouts": ["DEFAULT"], "supportedFileJoiningOptions": [False],
        "supportedDocumentDetails": [{"name": "LABEL", "isMandatory": True}],
    }  # fmt: skip
    return {"format": how, "size": {"width": 4.0, "length": 6.0, "unit": "INCH"}, "printOptions": [option]}


# ---- sales


def sold(sold_: Json, raw: Json, offer: Json, rate: Json, body: Mapping[str, Any], key: str, now: datetime) -> Json:
    """A purchase; the order is confirmed with it. Raises Declined."""
    _may(raw)
    _packages(raw, offer["packages"])
    wanted = body["requestedDocumentSpecification"]
    if missing := [name for name in ("format", "size", "needFileJoining", "requestedDocumentTypes") if name not in wanted]:
        raise Declined(400, "InvalidInput", f"{missing[0]} is missing.")
    number = _number(rate["carrierId"], len(sold_) + 1)
    package = offer["packages"][0]
    made: Json = {
        "shipment": f"amzn-ship-{len(sold_) + 1}", "order": raw["orderId"], "key": key, "tracking": number, "carrier": rate["carrierId"],
        "carrier_name": rate["carrierName"], "service": rate["serviceId"], "voided": False, "price": rate["totalCharge"]["value"],
        "weight_g": _grams(package), "format": wanted["format"], "package": package["packageClientReferenceId"],
        "units": {one["itemIdentifier"]: one["quantity"] for one in package["items"]}, "promise": rate["promise"],
        "steps": [["ReadyForReceive", stamp(now), {}]],
        "country": raw.get("recipient", {}).get("deliveryAddress", {}).get("countryCode", ""),
    }  # fmt: skip
    _confirm(raw, made, stamp(now))
    return made


def _number(carrier: str, n: int) -> str:
    tail = hashlib.sha256(f"{carrier}{n}".encode()).hexdigest()
    return NUMBERS[carrier] + "".join(str(int(letter, 16) % 10) for letter in tail)[:17]


def _confirm(raw: Json, made: Json, at: str) -> None:
    """Amazon tells the buyer of what it sold by itself ‡: the order counts as shipped with the purchase."""
    _take(raw, made["units"], 1)
    package = {
        "packageReferenceId": str(len(raw.get("packages", [])) + 1), "createdTime": at, "packageStatus": {"status": "SHIPPED"},
        "carrier": made["carrier_name"], "shipTime": at, "trackingNumber": made["tracking"],
        "packageItems": [{"orderItemId": item, "quantity": units} for item, units in made["units"].items()],
    }  # fmt: skip
    raw["packages"] = [*raw.get("packages", []), package]
    _settle(raw)


def _take(raw: Json, units: Mapping[str, int], sign: int) -> None:
    for item in raw["orderItems"]:
        more = sign * units.get(item["orderItemId"], 0)
        item["fulfillment"]["quantityFulfilled"] += more
        item["fulfillment"]["quantityUnfulfilled"] -= more


def _settle(raw: Json) -> None:
    left = any(item["fulfillment"]["quantityUnfulfilled"] for item in raw["orderItems"])
    raw["fulfillment"]["fulfillmentStatus"] = ("PARTIALLY_SHIPPED" if left else "SHIPPED") if raw["packages"] else "UNSHIPPED"


def cancelled(raw: Json, made: Json) -> None:
    """Its label is worth nothing, and the order waits again. Said twice it has one effect. Raises Declined."""
    if made["voided"]:
        return
    if any(code != "ReadyForReceive" for code, _, _ in made["steps"]):
        raise Declined(400, "InvalidInput", "The shipment is in transit and cannot be cancelled.")
    made["voided"] = True
    _take(raw, made["units"], -1)
    raw["packages"] = [one for one in raw["packages"] if one["trackingNumber"] != made["tracking"]]
    _settle(raw)


# ---- what is told of it


def purchase(made: Json) -> Json:
    documents = [_document(made, made["format"])]
    detail = {"packageClientReferenceId": made["package"], "packageDocuments": documents, "trackingId": made["tracking"]}
    return {"shipmentId": made["shipment"], "packageDocumentDetails": [detail], "promise": made["promise"]}


def documents(made: Json, package: str, how: str) -> Json:
    if package != made["package"]:
        raise Declined(400, "InvalidInput", "There is no such package.")
    detail = {"packageClientReferenceId": package, "packageDocuments": [_document(made, how)], "trackingId": made["tracking"]}
    return {"shipmentId": made["shipment"], "packageDocumentDetail": detail}


def _document(made: Json, how: str) -> Json:
    content = simulated_papers.label(how, made["tracking"], made["carrier_name"])
    return {"type": "LABEL", "format": how, "contents": base64.b64encode(content).decode()}


def tracking(made: Json) -> Json:
    history = [{"eventCode": code, "eventTime": at, "location": place} for code, at, place in made["steps"]]
    return {
        "trackingId": made["tracking"], "alternateLegTrackingId": "", "eventHistory": history,
        "promisedDeliveryDate": made["promise"]["deliveryWindow"]["end"], "summary": {"status": STATUS[made["steps"][-1][0]]},
    }  # fmt: skip


def moved(made: Json, what: str, wish: Mapping[str, Any], now: datetime) -> None:
    """Raises KeyError for what does not happen to parcels."""
    place = {key: value for key, value in (("city", wish.get("town")), ("countryCode", wish.get("country"))) if value}
    made["steps"].append([MOVES[what], stamp(now), place])


def parcel(made: Json) -> Json:
    """The oracle's view of it."""
    return {
        "key": made["key"], "tracking": made["tracking"], "service": made["service"], "voided": made["voided"],
        "price": Money.parse(str(made["price"]), "USD").text(), "currency": "USD", "weight_g": made["weight_g"], "country": made["country"],
        "steps": [code for code, _, _ in made["steps"]],
    }  # fmt: skip


def found(sold_: Mapping[str, Json], number: str) -> Json | None:
    return next((one for one in sold_.values() if one["tracking"] == number), None)


def known(sold_: Mapping[str, Json]) -> Sequence[Json]:
    return [parcel(one) for one in sold_.values()]
