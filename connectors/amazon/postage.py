"""Labels that Amazon sells for its own orders, in the words of its Shipping API v2 (model of 2026-08). Pure."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from connectors.amazon.read import Unreadable, items, maybe_items, maybe_part, maybe_text, maybe_time, part, text, time
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import Bought, Box, Consignment, LabelFormat, Paper, Progress, Quote, Step, Tracked
from core.errors import BadPayload

Doc = Mapping[str, Any]
FORMATS = {LabelFormat.PDF: "PDF", LabelFormat.PNG: "PNG", LabelFormat.ZPL: "ZPL"}
KINDS = {"LABEL": "label", "RECEIPT": "receipt", "CUSTOM_FORM": "form"}
# The shipping business of a country (the header's own list); others are asked without one.
BUSINESSES = {
    "US": "AmazonShipping_US", "IN": "AmazonShipping_IN", "GB": "AmazonShipping_UK", "AE": "AmazonShipping_UAE", "SA": "AmazonShipping_SA",
    "EG": "AmazonShipping_EG", "IT": "AmazonShipping_IT", "ES": "AmazonShipping_ES", "FR": "AmazonShipping_FR", "JP": "AmazonShipping_JP",
}  # fmt: skip
# Whose a number is, since tracking asks for the carrier beside it ‡.
CARRIERS = (("TBA", "AMZN_US"), ("1Z", "UPS"), ("9", "USPS"), ("", "FEDEX"))
PROGRESS = {
    "ReadyForReceive": Progress.LABELLED, "PickupDone": Progress.PICKED_UP, "Departed": Progress.IN_TRANSIT,
    "ArrivedAtCarrierFacility": Progress.IN_TRANSIT, "OutForDelivery": Progress.OUT_FOR_DELIVERY, "Delivered": Progress.DELIVERED,
    "AvailableForPickup": Progress.READY_FOR_PICKUP, "DeliveryAttempted": Progress.EXCEPTION, "Lost": Progress.EXCEPTION,
    "Rejected": Progress.EXCEPTION, "Undeliverable": Progress.EXCEPTION, "PickupCancelled": Progress.VOIDED,
    "ReturnInitiated": Progress.RETURNED, "RecipientRequestedAlternateDeliveryTiming": Progress.IN_TRANSIT,
}  # fmt: skip
GRAM, CENTIMETER = "GRAM", "CENTIMETER"
LEAST_MM = 10  # a side that nobody measured; Amazon wants all three


# ---- what is asked


def rates(wish: Consignment) -> dict[str, Any]:
    """The body of getRates: the receiver is not told, since Amazon knows whose order it is."""
    return {
        "shipFrom": _address(wish.sender),
        "shipDate": datetime(wish.ship_on.year, wish.ship_on.month, wish.ship_on.day, 23, 59, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "packages": [_package(number, box, wish.currency) for number, box in enumerate(wish.boxes, 1)],
        "channelDetails": {"channelType": "AMAZON", "amazonOrderDetails": {"orderId": wish.order}},
    }


def _address(one: Address) -> dict[str, str]:
    said = {
        "name": one.name or one.company, "companyName": one.company, "addressLine1": one.street1, "addressLine2": one.street2,
        "addressLine3": one.street3, "city": one.city, "stateOrRegion": one.region, "postalCode": one.postcode, "countryCode": one.country,
        "email": one.email, "phoneNumber": one.phone,
    }  # fmt: skip
    needed = ("name", "addressLine1", "stateOrRegion", "city", "countryCode", "postalCode")
    return {key: value for key, value in said.items() if value or key in needed}


def _package(number: int, box: Box, currency: str) -> dict[str, Any]:
    length, width, height = (Decimal(max(side, LEAST_MM)) / 10 for side in (box.length_mm, box.width_mm, box.height_mm))
    value = box.value or Money.zero(currency)
    return {
        "packageClientReferenceId": str(number),
        "dimensions": {"length": length, "width": width, "height": height, "unit": CENTIMETER},
        "weight": {"unit": GRAM, "value": box.weight_g},
        "insuredValue": {"value": Decimal(value.text()), "unit": value.currency},
        "items": [{"itemIdentifier": line, "quantity": units} for line, units in box.units.items()],
    }


def offer(answer: Any, service: str, label: LabelFormat) -> str | None:
    """What a purchase of this service needs; None where it is not offered. Raises BadPayload."""
    try:
        found = next((rate for rate in items(answer, "rates") if text(rate, "serviceId") == service), None)
        if found is None:
            return None
        price = _money(found, "totalCharge")
        purchase = {
            "requestToken": text(answer, "requestToken"),
            "rateId": text(found, "rateId"),
            "requestedDocumentSpecification": _how(found, label),
        }
        said = {"purchase": purchase, "price": [price.minor, price.currency], "by": text(found, "carrierName")}
        return msgspec.json.encode(said, enc_hook=str).decode()
    except (KeyError, TypeError, Unreadable, ValueError, StopIteration) as error:
        raise _unreadable("rates", error) from None


def _how(rate: Doc, label: LabelFormat) -> dict[str, Any]:
    """The label in the format that is wanted, else as this service prints it; nothing joined, no packing slip."""
    known = items(rate, "supportedDocumentSpecifications")
    found = next((one for one in known if text(one, "format") == FORMATS[label]), known[0])
    way = items(found, "printOptions")[0]
    papers = [text(one, "name") for one in items(way, "supportedDocumentDetails") if text(one, "name") == "LABEL" or one.get("isMandatory")]
    size = part(found, "size")
    said = {
        "format": text(found, "format"), "size": {"unit": size["unit"], **{key: str(size[key]) for key in ("width", "length")}},
        "needFileJoining": False, "requestedDocumentTypes": papers or ["LABEL"],
    }  # fmt: skip
    if dpis := way.get("supportedDPIs"):
        said["dpi"] = max(dpis)
    if layouts := way.get("supportedPageLayouts"):
        said["pageLayout"] = layouts[0]
    return said


def purchase(offered: str) -> dict[str, Any]:
    """The body of purchaseShipment, the same each time."""
    said: dict[str, Any] = msgspec.json.decode(offered)["purchase"]
    size = said["requestedDocumentSpecification"]["size"]
    size |= {key: Decimal(size[key]) for key in ("width", "length")}
    return said


# ---- what is answered


def quotes(answer: Any) -> list[Quote]:
    """Offers that need nothing more from us. Raises BadPayload."""
    try:
        return [_quote(rate) for rate in items(answer, "rates") if not rate.get("requiresAdditionalInputs")]
    except (KeyError, TypeError, Unreadable, ValueError) as error:
        raise _unreadable("rates", error) from None


def _quote(rate: Doc) -> Quote:
    window = maybe_part(part(rate, "promise"), "deliveryWindow")
    until = maybe_time(window, "end")
    name = f"{text(rate, 'carrierName')} {text(rate, 'serviceName')}"
    return Quote(text(rate, "serviceId"), name, _money(rate, "totalCharge"), arrives_on=until.date() if until else None, arrives_at=until)


def why_none(answer: Any) -> str:
    """Amazon's own reasons for offering nothing, each once."""
    known = answer.get("ineligibleRates") if isinstance(answer, dict) else None
    said = [str(why.get("message") or why.get("code")) for one in known or () for why in one.get("ineligibilityReasons") or ()]
    return " ".join(dict.fromkeys(said))[:500]


def bought(answer: Any, wish: Consignment) -> Bought:
    """Raises BadPayload."""
    try:
        said = msgspec.json.decode(wish.offer)
        packages = sorted(items(answer, "packageDocumentDetails"), key=lambda one: int(text(one, "packageClientReferenceId")))
        until = maybe_time(maybe_part(maybe_part(answer, "promise"), "deliveryWindow"), "end")
        papers = [paper for one in packages for paper in _papers(one)]
        return Bought(
            {"shipment": text(answer, "shipmentId"), "boxes": len(packages)}, tuple(_number(one) for one in packages),
            tuple(paper for paper in papers if paper.kind == "label"), tuple(paper for paper in papers if paper.kind != "label"),
            Money(*said["price"]), until.date() if until else None, by=said["by"],
        )  # fmt: skip
    except (KeyError, TypeError, Unreadable, ValueError) as error:
        raise _unreadable("purchase", error) from None


def _number(package: Doc) -> str:
    """Amazon's own sample has a number where its model says text (2026-08)."""
    value = package["trackingId"]
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Unreadable("trackingId is not a text")
    return str(value)


def papers(answer: Any) -> list[Paper]:
    """Papers of one package, printed again. Raises BadPayload."""
    try:
        return _papers(part(answer, "packageDocumentDetail"))
    except (KeyError, TypeError, Unreadable, ValueError) as error:
        raise _unreadable("documents", error) from None


def _papers(package: Doc) -> list[Paper]:
    return [_paper(one) for one in items(package, "packageDocuments") if text(one, "type") in KINDS]


def _paper(one: Doc) -> Paper:
    how = {value: key for key, value in FORMATS.items()}[text(one, "format")]
    try:
        return Paper(KINDS[text(one, "type")], how, base64.b64decode(text(one, "contents"), validate=True))
    except binascii.Error:
        raise Unreadable("contents is not base64") from None


def carrier_of(number: str) -> str:
    """Who carries a parcel with this number."""
    return next(carrier for start, carrier in CARRIERS if number.startswith(start))


def tracked(answer: Any) -> Tracked:
    """Raises BadPayload."""
    try:
        steps = sorted((_step(one) for one in maybe_items(answer, "eventHistory")), key=lambda step: step.at)
        expected = maybe_time(answer, "promisedDeliveryDate")
        return Tracked(tuple(steps), expected.date() if expected else None, maybe_text(maybe_part(answer, "summary"), "status"))
    except (KeyError, TypeError, Unreadable, ValueError) as error:
        raise _unreadable("tracking", error) from None


def _step(one: Doc) -> Step:
    code, place = text(one, "eventCode"), maybe_part(one, "location")
    return Step(
        time(one, "eventTime"), PROGRESS.get(code, Progress.UNKNOWN), code, "", maybe_text(place, "city"), maybe_text(place, "countryCode")
    )


def _money(of: Doc, key: str) -> Money:
    said = part(of, key)
    value = said["value"]
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unreadable(f"{key}.value is not a number")
    return Money.parse(str(value), text(said, "unit"))


def _unreadable(what: str, error: Exception) -> BadPayload:
    said = (
        str(error)
        if isinstance(error, Unreadable)
        else f"{error} is missing"
        if isinstance(error, KeyError)
        else "a field is not as it should be"
    )
    return BadPayload(f"amazon {what}: {said}")


def is_expired(words: str) -> bool:
    """An offer is good for ten minutes (purchaseShipment's own description)."""
    return "TOKEN_EXPIRED" in words
