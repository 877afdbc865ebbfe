"""What FedEx answers, in our words. Pure. What cannot be read is a BadPayload that names the field."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.fedex import units
from connectors.http import as_datetime
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
    Collection,
    Consignment,
    LabelFormat,
    Paper,
    Progress,
    Quote,
    Sought,
    Step,
    Tracked,
    Verdict,
    Voided,
    Voiding,
)
from core.errors import BadPayload, Unavailable

Said = Mapping[str, Any]

# Codes of scans (its guide to scan codes; the groups are ours). Whatever is not here is kept and shown as it is.
PROGRESS = {
    **dict.fromkeys(["OC", "EP", "MD"], Progress.LABELLED),
    **dict.fromkeys(["PU", "PX", "AP"], Progress.PICKED_UP),
    **dict.fromkeys(["IT", "IX", "AR", "DP", "AF", "FD", "LO", "OF", "SF", "AA", "PF", "PL", "TR", "CC", "CP"], Progress.IN_TRANSIT),
    **dict.fromkeys(["OD", "ED", "AD"], Progress.OUT_FOR_DELIVERY),
    **dict.fromkeys(["HL", "HP"], Progress.READY_FOR_PICKUP),
    "DL": Progress.DELIVERED,
    **dict.fromkeys(["SE", "DE", "DY", "DD", "CD", "PD"], Progress.EXCEPTION),
    **dict.fromkeys(["RS", "RT"], Progress.RETURNED),
    "CA": Progress.VOIDED,
}
UNKNOWN_NUMBER = frozenset(["TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.DATA.NOTFOUND"])
UNKNOWN_REFERENCE = "TRACKING.REFERENCENUMBER.NOTFOUND"
NOT_THERE = frozenset(["FEDEXSERVICE.NOT.AVAILABLE", "SERVICE.LOCATION.UNAVAILABLE", "RATE.LOCATION.NOSERVICE"])  # no service goes there
GIVEN_BACK = frozenset(
    [
        "CANCELSHIPMENT.TRACKINGNUMBER.DELETED",
        "MASTERTRACKINGID.TRACKINGNUMBER.CANCELLED",
        "SHIPMENT.CANCELEDWITHOUTPICKUP.SUCCESS",  # this too comes as an error (2026-09, reports of others)
    ]
)
TOO_LATE = frozenset(["TRACKINGIDS.TRACKINGNUMBER.CLOSED", "SHIPMENT.CANCELEDWITHOUTPICKUP.FAILURE"])
NO_SUCH_PICKUP = frozenset(["NOT.FOUND.ERROR"])
FORMATS = {"PDF": LabelFormat.PDF, "PNG": LabelFormat.PNG, "ZPLII": LabelFormat.ZPL}
PAPERS = {"COMMERCIAL_INVOICE": "invoice", "PROFORMA_INVOICE": "invoice"}  # all others are forms
EXPECTED = ("ESTIMATED_DELIVERY", "APPOINTMENT_DELIVERY", "COMMITMENT")


# Fields


def _bad(name: str) -> BadPayload:
    return BadPayload(f"fedex: {name} is missing or cannot be read")


def _object(said: Said, name: str) -> Said:
    """An object that may be left out."""
    value = said.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise _bad(name)
    return value or {}


def _rows(said: Said, name: str) -> list[Said]:
    """A list of objects that may be left out."""
    value = said.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise _bad(name)
    return value


def _needed(said: Said, name: str) -> list[Said]:
    if not (rows := _rows(said, name)):
        raise _bad(name)
    return rows


def _text(said: Said, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise _bad(name)
    return value


def _maybe(said: Said, name: str) -> str:
    """A text that may be left out."""
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise _bad(name)
    return value or ""


def _texts(said: Said, name: str) -> list[str]:
    value = said.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _bad(name)
    return value


def _price(said: Said, name: str, code: str, settings: Said) -> Money:
    value = said.get(name)
    if not isinstance(value, int | Decimal | str) or isinstance(value, bool):
        raise _bad(name)
    try:
        return Money.parse(value, units.currency(code, settings))
    except ValueError:
        raise _bad(name) from None


def _day(text: str, name: str) -> date | None:
    """The day of a time or a day; None where nothing is said."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _bad(name) from None


def _alerts(output: Said) -> list[str]:
    return [_maybe(alert, "message") for alert in _rows(output, "alerts")]


def _join(words: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(word for word in words if word))[:500]


# Prices


def quotes(said: Said, settings: Said) -> list[Quote]:
    """The offers, each with what this account pays and the list's price where it is told."""
    return [_quote(one, settings) for one in _rows(_object(said, "output"), "rateReplyDetails")]


def _quote(one: Said, settings: Said) -> Quote:
    rated = {_text(row, "rateType"): row for row in _needed(one, "ratedShipmentDetails")}
    prices = {kind: _rated(rated[kind], settings) for kind in ("ACCOUNT", "LIST") if kind in rated}
    price, listed = prices.get("ACCOUNT"), prices.get("LIST")
    if price is None and listed is None:
        raise _bad("rateType")
    service, remarks = _text(one, "serviceType"), _rows(one, "customerMessages")
    return Quote(
        service=service,
        name=_maybe(one, "serviceName") or service,
        price=price or listed,  # type: ignore[arg-type]
        listed=listed,
        arrives_on=_arrival(one),
        words=_join([_maybe(remark, "message") for remark in remarks if remark.get("message") != remark.get("code")]),
    )


def _rated(rated: Said, settings: Said) -> Money:
    """With surcharges and taxes on the transport, without duties."""
    code = _maybe(_object(rated, "shipmentRateDetail"), "currency") or _text(rated, "currency")
    return _price(rated, "totalNetCharge", code, settings)


def _arrival(one: Said) -> date | None:
    """The day it promises. It tells the hour too, but not in which zone."""
    told = _maybe(_object(_object(one, "commit"), "dateDetail"), "dayFormat")
    plan = _object(one, "operationalDetail")
    return _day(told or _maybe(plan, "commitDate") or _maybe(plan, "deliveryDate"), "dayFormat")


# Purchases


def job(said: Said) -> str:
    """The number of the job that makes the labels; "" where they are here."""
    return _maybe(_object(said, "output"), "jobId")


def bought(said: Said, wish: Consignment, settings: Said) -> Bought:
    """A purchase. Without any labels where one of them is missing: then all are given back and bought anew."""
    output = _object(said, "output")
    shipment = _needed(output, "transactionShipments")[0]
    pieces = sorted(_needed(shipment, "pieceResponses"), key=lambda piece: _number(piece, "packageSequenceNumber"))
    tracking = tuple(_text(piece, "trackingNumber") for piece in pieces)
    labels = [_label(piece, wish.label) for piece in pieces]
    detail = _object(shipment, "completedShipmentDetail")
    return Bought(
        handle=_handle(_maybe(shipment, "masterTrackingNumber") or tracking[0], wish),
        tracking=tracking,
        labels=tuple(label for label in labels if label) if all(labels) else (),
        forms=tuple(_forms(shipment, pieces)),
        price=_paid(_object(detail, "shipmentRating"), settings),
        arrives_on=_day(_maybe(_object(detail, "operationalDetail"), "deliveryDate"), "deliveryDate"),
        words=_join([*_alerts(output), *_alerts(shipment)]),
    )


def _number(said: Said, name: str) -> int:
    """A small number that stands as a number or as text; 0 where nothing is said."""
    value = said.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value or 0
    if isinstance(value, str) and len(value) < 10 and value.isascii() and value.isdecimal():
        return int(value)
    raise _bad(name)


def _handle(master: str, wish: Consignment) -> dict[str, str]:
    return {"tracking": master, "country": wish.sender.country}


def _label(piece: Said, how: LabelFormat) -> Paper | None:
    for document in _rows(piece, "packageDocuments"):
        if document.get("contentType") == "LABEL" and document.get("encodedLabel"):
            return _paper("label", document, how)
    return None


def _forms(shipment: Said, pieces: Sequence[Said]) -> list[Paper]:
    """Every other paper: invoices, and what comes with a parcel."""
    documents = [
        document for one in (*pieces, shipment) for name in ("packageDocuments", "shipmentDocuments") for document in _rows(one, name)
    ]
    others = [one for one in documents if one.get("contentType") != "LABEL" and one.get("encodedLabel")]
    return [_paper(PAPERS.get(_text(one, "contentType"), "form"), one, LabelFormat.PDF) for one in others]


def _paper(kind: str, document: Said, how: LabelFormat) -> Paper:
    try:
        content = base64.b64decode(_text(document, "encodedLabel"), validate=True)
    except ValueError:
        raise _bad("encodedLabel") from None
    return Paper(kind, FORMATS.get(_maybe(document, "docType"), how), content)


def _paid(rating: Said, settings: Said) -> Money | None:
    """What this account pays; None where it does not tell."""
    details, actual = _rows(rating, "shipmentRateDetails"), rating.get("actualRateType")
    chosen = next((one for one in details if one.get("rateType") == actual), None)
    return _price(chosen, "totalNetCharge", _text(chosen, "currency"), settings) if chosen else None


def found(said: Said, wish: Consignment, key: str) -> Bought | Sought:
    """What carries our key, unless it is more than was bought with it. Raises Unavailable where a part of the boxes is not known yet."""
    results = [result for one in _rows(_object(said, "output"), "completeTrackResults") for result in _rows(one, "trackResults")]
    errors = [_maybe(_object(result, "error"), "code") for result in results]
    if not results or any(error not in ("", UNKNOWN_REFERENCE) for error in errors):
        return Sought.CANNOT_TELL
    ours = [result for result in results if not result.get("error") and _carries(result, units.reference(key))]
    live = [result for result in ours if _latest(result) is not Progress.VOIDED]
    if not live:
        return Sought.ABSENT
    ordered = sorted(live, key=lambda result: _number(_object(result, "packageDetails"), "sequenceNumber"))
    tracking = tuple(dict.fromkeys(_text(_object(result, "trackingNumberInfo"), "trackingNumber") for result in ordered))
    return Sought.CANNOT_TELL if len(tracking) > len(wish.boxes) else _adopted(tracking, wish)


def _adopted(tracking: tuple[str, ...], wish: Consignment) -> Bought:
    if len(tracking) < len(wish.boxes):
        raise Unavailable("FedEx does not show all boxes of the purchase", seen=len(tracking), wanted=len(wish.boxes))
    return Bought(_handle(tracking[0], wish), tracking)


def _carries(result: Said, reference: str) -> bool:
    """Nothing else is named as the customer's reference of this parcel."""
    identifiers = _rows(_object(result, "additionalTrackingInfo"), "packageIdentifiers")
    named = [one.get("value") for one in identifiers if one.get("type") in ("CUSTOMER_REFERENCE", "SHIPPER_REFERENCE")]
    return not named or any(reference == value or (isinstance(value, list) and reference in value) for value in named)


def _latest(result: Said) -> Progress:
    return PROGRESS.get(_maybe(_object(result, "latestStatusDetail"), "code"), Progress.UNKNOWN)


def voided(said: Said) -> Voiding:
    output = _object(said, "output")
    is_done = output.get("cancelledShipment") is True
    return Voiding(Voided.VOIDED) if is_done else Voiding(Voided.REFUSED, str(output.get("message") or ""))


def cancelled(codes: frozenset[str]) -> Voided | None:
    """What declining a cancellation means; None: a person must read the words."""
    return Voided.VOIDED if codes & GIVEN_BACK else Voided.REFUSED if codes & TOO_LATE else None


# Parcels


def tracked(said: Said) -> dict[str, Tracked]:
    """What it tells of each number. Where several parcels had the same number, the first it names is the newest."""
    told: dict[str, Tracked] = {}
    for one in _rows(_object(said, "output"), "completeTrackResults"):
        told.setdefault(_text(one, "trackingNumber"), _tracked(_needed(one, "trackResults")[0]))
    return told


def _tracked(result: Said) -> Tracked:
    if error := _object(result, "error"):
        return Tracked(words="" if _maybe(error, "code") in UNKNOWN_NUMBER else _maybe(error, "message"))
    told = [_step(scan) for scan in reversed(_rows(result, "scanEvents"))]  # newest first; what is of one second stays in its order
    steps = sorted(told, key=lambda step: step.at)
    return Tracked(tuple(steps), _expected(result), _maybe(_object(result, "latestStatusDetail"), "description"))


def _step(scan: Said) -> Step:
    """`code` is that of the scan; where we have no word for it, FedEx's own summary (the derived code) may say what it means."""
    code, derived, place = _text(scan, "eventType"), _maybe(scan, "derivedStatusCode"), _object(scan, "scanLocation")
    words = [_maybe(scan, "eventDescription"), _maybe(scan, "exceptionDescription")]
    try:
        at = as_datetime(scan.get("date"))
    except (TypeError, ValueError):
        raise _bad("date") from None
    progress = PROGRESS.get(code) or PROGRESS.get(derived, Progress.UNKNOWN)
    return Step(at, progress, code, _join(words), _maybe(place, "city"), _maybe(place, "countryCode"))


def _expected(result: Said) -> date | None:
    told = {_maybe(one, "type"): _maybe(one, "dateTime") for one in _rows(result, "dateAndTimes")}
    window = _object(_object(result, "estimatedDeliveryTimeWindow"), "window")
    return _day(_maybe(window, "ends") or next((told[kind] for kind in EXPECTED if told.get(kind)), ""), "dateTime")


# Addresses and pickups


def checked(said: Said, asked: Address) -> Checked:
    output = _object(said, "output")
    answers = _needed(output, "resolvedAddresses")
    facts = {name: str(value).lower() == "true" for name, value in _object(answers[0], "attributes").items()}
    better = tuple(_better(one, asked) for one in answers)
    verdict = _verdict(facts, better[0], asked)
    remarks = [_maybe(one, "message") for one in _rows(answers[0], "customerMessages")]
    known = verdict in (Verdict.GOOD, Verdict.CORRECTED, Verdict.AMBIGUOUS)
    return Checked(
        verdict,
        better if known and verdict is not Verdict.GOOD else (),
        {"RESIDENTIAL": True, "BUSINESS": False}.get(_maybe(answers[0], "classification")),
        _join([*_alerts(output), *remarks]),
    )


def _verdict(facts: Mapping[str, bool], better: Address, asked: Address) -> Verdict:
    if not facts.get("CountrySupported", True):
        return Verdict.UNCHECKED
    if facts.get("MultipleMatches"):
        return Verdict.AMBIGUOUS
    if not (facts.get("Resolved") or facts.get("DPV")):
        return Verdict.UNKNOWN
    return Verdict.GOOD if _folded(better) == _folded(asked) else Verdict.CORRECTED


def _folded(address: Address) -> tuple[str, ...]:
    """An address without what writing does to it: capitals, line breaks, and the four digits after a ZIP code."""
    street = " ".join(f"{address.street1} {address.street2} {address.street3}".split())
    postcode = address.postcode.partition("-")[0] if address.country == "US" else address.postcode
    return tuple(text.casefold() for text in (street, address.city, address.region, postcode, address.country))


def _better(one: Said, asked: Address) -> Address:
    """The address as FedEx writes it; who lives there stays as asked."""
    street1, street2, street3 = [*_texts(one, "streetLinesToken"), "", "", ""][:3]
    return replace(
        asked,
        street1=street1,
        street2=street2,
        street3=street3,
        city=_maybe(one, "city"),
        region=_maybe(one, "stateOrProvinceCode"),
        postcode=_postcode(one),
        country=_maybe(one, "countryCode") or asked.country,
    )


def _postcode(one: Said) -> str:
    parsed = _object(one, "parsedPostalCode")
    told = "-".join(part for part in (_maybe(parsed, "base"), _maybe(parsed, "addOn")) if part)
    return _maybe(one, "postalCode") or told


def agreed(said: Said, wish: Collection, settings: Said) -> Agreed:
    output = _object(said, "output")
    code, company = _text(output, "pickupConfirmationCode"), settings["pickup_company"]
    handle = {"code": code, "company": company, "day": f"{wish.ready:%Y-%m-%d}", "location": _maybe(output, "location")}
    return Agreed(code, handle, words=_join([_maybe(output, "message"), *_alerts(output)]))
