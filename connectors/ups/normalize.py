"""What UPS answers, in our types. Pure. Raises BadPayload with the field's name where something we rely on is missing or unreadable.

UPS writes a list of one as the thing itself, and every number as a text (seen in its samples, 2026-06).
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
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
from core.errors import BadPayload, Refused

Node = Mapping[str, Any]
DONE = "1"
FORMATS = {"PDF": LabelFormat.PDF, "PNG": LabelFormat.PNG, "ZPL": LabelFormat.ZPL}

# status.type of an activity (developer.ups.com, Tracking, 2026-07)
KINDS = {
    "M": Progress.LABELLED,
    "MV": Progress.VOIDED,
    "P": Progress.PICKED_UP,
    "I": Progress.IN_TRANSIT,
    "O": Progress.OUT_FOR_DELIVERY,
    "D": Progress.DELIVERED,
    "X": Progress.EXCEPTION,
    "RS": Progress.RETURNED,
}
# status.statusCode says it more closely than the type: "out for delivery" comes as I or as D (Track Alert's own text and example, 2026-07)
CLOSER = {
    "006": Progress.OUT_FOR_DELIVERY,
    "007": Progress.VOIDED,
    "011": Progress.DELIVERED,
    "017": Progress.READY_FOR_PICKUP,
    "021": Progress.OUT_FOR_DELIVERY,
    "034": Progress.RETURNED,
    "035": Progress.RETURNED,
    "036": Progress.RETURNED,
    "037": Progress.RETURNED,
    "038": Progress.PICKED_UP,
    "040": Progress.READY_FOR_PICKUP,
}
EXPECTED = ("RDD", "SDD")  # the new day counts before the first one
HOMES = {"1": False, "2": True}


# ---- the answers


def quotes(said: Node, currency: str, names: Mapping[str, str]) -> list[Quote]:
    """Offers in that currency; where UPS makes none in it, all."""
    offers = [_quote(one, names) for one in _parts(_answer(said, "RateResponse"), "RatedShipment")]
    return [one for one in offers if one.price.currency == currency] or offers


def bought(said: Node) -> Bought:
    """What a purchase gave."""
    answer = _answer(said, "ShipmentResponse")
    results = _part(answer, "ShipmentResults")
    parcels = _some(results, "PackageResults")
    tracking = tuple(_text(parcel, "TrackingNumber") for parcel in parcels)
    labels = tuple(_label(_part(parcel, "ShippingLabel"), "ImageFormat") for parcel in parcels)
    forms = tuple(_form(one) for owner in (results, *parcels) for one in _parts(owner, "Form"))
    return Bought(_handle(_text(results, "ShipmentIdentificationNumber")), tracking, labels, forms, _paid(results), words=_alerts(answer))


@dataclass(frozen=True, slots=True)
class Recovered:
    """What label recovery gave: the shipment's number, and its parcels with their labels. `candidates` are parcels among which UPS wants
    one chosen first."""

    shipment: str = ""
    parcels: tuple[tuple[str, Paper], ...] = ()
    forms: tuple[Paper, ...] = ()
    candidates: tuple[str, ...] = ()


def recovered(said: Node) -> Recovered:
    answer = _answer(said, "LabelRecoveryResponse")
    if candidates := _parts(answer, "TrackingCandidate"):
        return Recovered(candidates=tuple(_text(one, "TrackingNumber") for one in candidates))
    found = tuple(
        (_text(one, "TrackingNumber"), _label(_part(one, "LabelImage"), "LabelImageFormat")) for one in _parts(answer, "LabelResults")
    )
    forms = tuple(_form(one) for one in _parts(answer, "Form"))
    return Recovered(_maybe(answer, "ShipmentIdentificationNumber") or (found[0][0] if found else ""), found, forms)


@dataclass(frozen=True, slots=True)
class Known:
    """Parcels that tracking has under our reference: those that are live, and whether there are any at all."""

    live: tuple[str, ...] = ()
    any: bool = False


def known(said: Node | None) -> Known:
    packages = _packages(said) if said is not None else []
    live = {_text(one, "trackingNumber") for one in packages if not _is_voided(one)}
    return Known(tuple(sorted(live)), bool(packages))


def sought(tracked: Known, again: Recovered | None, boxes: int) -> Bought | Sought:
    """What became of a purchase: bought where as many parcels are found as were wished, all of one shipment; absent where neither
    tracking nor label recovery knows of any, or all are void; else nobody can tell."""
    if not tracked.live and (tracked.any or again is None):
        return Sought.ABSENT
    found = again or Recovered()
    numbers = tuple(number for number, _ in found.parcels) or tracked.live
    if len(numbers) != boxes or not {*tracked.live, *found.candidates} <= set(numbers):
        return Sought.CANNOT_TELL
    return Bought(_handle(found.shipment or numbers[0]), numbers, tuple(paper for _, paper in found.parcels), found.forms)


def voided(said: Node) -> Voiding:
    """Whether a void was agreed to, for the shipment and each of its parcels."""
    answer = _answer(said, "VoidShipmentResponse")
    each = [*_parts(answer, "PackageLevelResults"), *_parts(answer, "PackageLevelResult")]  # its samples leave the s out (2026-06)
    stands = [_part(one, "Status") for one in (_part(answer, "SummaryResult"), *each)]
    if left := [one for one in stands if _text(one, "Code") != DONE]:
        return Voiding(Voided.REFUSED, str(left[0].get("Description") or ""))
    return Voiding(Voided.VOIDED)


def is_voided(said: Node | None) -> bool:
    """Whether tracking says of a parcel that its label was given back."""
    packages = _packages(said) if said is not None else []
    return bool(packages) and all(_is_voided(one) for one in packages)


def tracked(said: Node, number: str) -> Tracked:
    """All steps of a parcel, oldest first."""
    packages = _packages(said)
    mine = [one for one in packages if len(packages) == 1 or one.get("trackingNumber") == number]
    steps = sorted((_step(one) for parcel in mine for one in reversed(_parts(parcel, "activity"))), key=lambda step: step.at)
    return Tracked(tuple(steps), _expected(mine), _warnings(said))


def checked(said: Node, address: Address) -> Checked:
    """What UPS thinks of an address; its own spelling keeps our names and numbers."""
    answer = _answer(said, "XAVResponse")
    better = tuple(_candidate(_part(one, "AddressKeyFormat"), address) for one in _parts(answer, "Candidate"))
    kind = _maybe(_inside(answer, "AddressClassification"), "Code")
    return Checked(_verdict(answer, better, address), better, HOMES.get(kind), _alerts(answer))


def agreed(said: Node) -> Agreed:
    """A pickup that UPS agreed to."""
    answer = _answer(said, "PickupCreationResponse")
    number = _text(answer, "PRN")
    result = _inside(answer, "RateResult")
    price = _amount(_text(result, "GrandTotalOfAllCharge"), _text(result, "CurrencyCode"), "RateResult") if result else None
    return Agreed(number, {"prn": number}, price, _alerts(answer))


def pending(said: Node | None) -> dict[str, str]:
    """Pickups that are still to come: our reference by UPS's number."""
    found = _parts(_answer(said, "PickupPendingStatusResponse"), "PendingStatus") if said is not None else []
    return {_text(one, "PRN"): _maybe(one, "ReferenceNumber") for one in found}


def followed(said: Node, asked: Iterable[str]) -> list[str]:
    """Those numbers that UPS will tell of; where it names none, those that it does not call invalid."""
    taken, wrong = (set(_texts(said, name)) for name in ("validTrackingNumbers", "invalidTrackingNumbers"))
    return [number for number in asked if number in taken or (not taken and number not in wrong)]


# ---- parts of them


def _quote(one: Node, names: Mapping[str, str]) -> Quote:
    service = _part(one, "Service")
    code, listed = _text(service, "Code"), _charge(one, "TotalCharges")
    ours = _inside(one, "NegotiatedRateCharges")
    price = _charge(ours, "TotalCharge") if ours else listed
    summary = _summary(one)
    name = names.get(code) or _maybe(service, "Description") or _maybe(_inside(summary, "Service"), "Description") or code
    same = listed if listed.currency == price.currency else None
    return Quote(code, name, price, same, _arrival(summary), words=_words(_parts(one, "RatedShipmentAlert")))


def _summary(one: Node) -> Node:
    return _inside(_inside(one, "TimeInTransit"), "ServiceSummary")


def _arrival(summary: Node) -> date | None:
    arrival = _inside(_inside(summary, "EstimatedArrival"), "Arrival")
    return _day(_text(arrival, "Date"), "Arrival.Date") if arrival else None


def _paid(results: Node) -> Money | None:
    """What this account pays; without its contract's rates the listed ones. None where UPS tells neither."""
    if _inside(_inside(results, "NegotiatedRateCharges"), "TotalCharge"):
        return _charge(_part(results, "NegotiatedRateCharges"), "TotalCharge")
    listed = _inside(results, "ShipmentCharges")
    return _charge(listed, "TotalCharges") if listed else None


def _handle(shipment: str) -> dict[str, str]:
    return {"shipment": shipment}


def _label(image: Node, how: str) -> Paper:
    return Paper("label", _format(_part(image, how)), _bytes(image, "GraphicImage"))


def _form(form: Node) -> Paper:
    image = _part(form, "Image")
    return Paper("invoice", _format(_part(image, "ImageFormat")), _bytes(image, "GraphicImage"))


def _format(node: Node) -> LabelFormat:
    try:
        return FORMATS[_text(node, "Code").upper()]
    except KeyError:
        raise BadPayload("ups: ImageFormat.Code is no format that we print") from None


def _bytes(node: Node, name: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(node, name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadPayload(f"ups: {name} is not base64") from None


def _packages(said: Node) -> list[Node]:
    return [one for shipment in _parts(_part(said, "trackResponse"), "shipment") for one in _parts(shipment, "package")]


def _is_voided(package: Node) -> bool:
    """By what it is now, or by its last activity where that is left out; UPS tells the newest first."""
    now = _inside(package, "currentStatus") or next((_inside(one, "status") for one in _parts(package, "activity")), {})
    return _progress(now) is Progress.VOIDED


def _progress(status: Node) -> Progress:
    return CLOSER.get(_maybe(status, "statusCode")) or KINDS.get(_maybe(status, "type"), Progress.UNKNOWN)


def _step(activity: Node) -> Step:
    status = _part(activity, "status")
    place = _inside(_inside(activity, "location"), "address")
    code = "/".join(filter(None, (_maybe(status, "type"), _maybe(status, "code")))) or _text(status, "statusCode")
    words = " ".join(_maybe(status, "description").split())
    return Step(
        _moment(activity), _progress(status), code, words, _maybe(place, "city"), _maybe(place, "countryCode") or _maybe(place, "country")
    )


def _moment(activity: Node) -> datetime:
    """In UTC: as UPS says it, or its local time with the offset that it gives."""
    if activity.get("gmtDate") and activity.get("gmtTime"):
        return _clock(activity, "gmtDate", "gmtTime").replace(tzinfo=UTC)
    local, offset = _clock(activity, "date", "time"), _text(activity, "gmtOffset")
    try:
        sign, (hours, minutes) = (-1 if offset[0] == "-" else 1), offset.lstrip("+-").replace(".", ":").split(":")
        return (local - sign * timedelta(hours=int(hours), minutes=int(minutes))).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadPayload("ups: gmtOffset is no offset") from None


def _clock(activity: Node, day: str, time: str) -> datetime:
    """Of two texts, with colons or without, and a leading zero left out (its own example: 74700)."""
    digits = _text(activity, time).replace(":", "").zfill(6)
    try:
        return datetime.strptime(_text(activity, day) + digits, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the caller knows the zone
    except ValueError:
        raise BadPayload(f"ups: {day} and {time} are no time") from None


def _expected(packages: Sequence[Node]) -> date | None:
    days = {_maybe(one, "type"): _maybe(one, "date") for package in packages for one in _parts(package, "deliveryDate")}
    return next((_day(days[kind], "deliveryDate") for kind in EXPECTED if days.get(kind)), None)


def _warnings(said: Node) -> str:
    shipments = _parts(_part(said, "trackResponse"), "shipment")
    return " ".join(_maybe(one, "message") for shipment in shipments for one in _parts(shipment, "warnings")).strip()


def _verdict(answer: Node, better: Sequence[Address], address: Address) -> Verdict:
    if "AmbiguousAddressIndicator" in answer:
        return Verdict.AMBIGUOUS
    if "ValidAddressIndicator" in answer:
        return Verdict.GOOD if not better or _folded(better[0]) == _folded(address) else Verdict.CORRECTED
    if "NoCandidatesIndicator" in answer:
        return Verdict.UNKNOWN
    raise BadPayload("ups: XAVResponse has none of its three indicators")


def _folded(address: Address) -> tuple[str, ...]:
    """What must be alike: the street on however many lines, town, state, and the first five digits."""
    street = f"{address.street1} {address.street2} {address.street3}"
    parts = (street, address.city, address.region, address.postcode[:5], address.country)
    return tuple(" ".join("".join(letter for letter in part.casefold() if letter.isalnum() or letter == " ").split()) for part in parts)


def _candidate(there: Node, address: Address) -> Address:
    lines = [*_texts(there, "AddressLine"), "", "", ""]
    code = "-".join(filter(None, (_maybe(there, "PostcodePrimaryLow"), _maybe(there, "PostcodeExtendedLow"))))
    return replace(
        address,
        street1=lines[0],
        street2=lines[1],
        street3=lines[2],
        city=_maybe(there, "PoliticalDivision2"),
        region=_maybe(there, "PoliticalDivision1"),
        postcode=code,
        country=_text(there, "CountryCode"),
    )


# ---- reading


def _answer(said: Node, name: str) -> Node:
    """The named answer. Raises Refused where its status says that it was not done."""
    answer = _part(said, name)
    status = _part(_part(answer, "Response"), "ResponseStatus")
    if _text(status, "Code") != DONE:
        raise Refused("UPS refused", words=f"{_maybe(status, 'Description')} {_alerts(answer)}".strip(), answer=name)
    return answer


def _alerts(answer: Node) -> str:
    """Warnings that come with what was done."""
    return _words(_parts(_part(answer, "Response"), "Alert"))


def _words(alerts: Iterable[Node]) -> str:
    return " ".join(f"{_maybe(one, 'Description')} ({_maybe(one, 'Code')})" for one in alerts)


def _charge(node: Node, name: str) -> Money:
    charge = _part(node, name)
    return _amount(_text(charge, "MonetaryValue"), _text(charge, "CurrencyCode"), name)


def _amount(value: str, currency: str, name: str) -> Money:
    try:
        return Money.parse(value, currency)
    except ValueError:
        raise BadPayload(f"ups: {name} is no amount of money") from None


def _day(text: str, name: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise BadPayload(f"ups: {name} is no day") from None


def _part(node: Node, name: str) -> Node:
    value = node.get(name)
    if not isinstance(value, Mapping):
        raise BadPayload(f"ups: {name} is missing")
    return value


def _inside(node: Node, name: str) -> Node:
    """What UPS leaves out where it has nothing to say."""
    return _part(node, name) if node.get(name) not in (None, "") else {}


def _parts(node: Node, name: str) -> list[Node]:
    """A list; one thing alone is a list of one, and nothing an empty one."""
    value = node.get(name)
    found = [] if value is None or value == "" else value if isinstance(value, list) else [value]
    if not all(isinstance(one, Mapping) for one in found):
        raise BadPayload(f"ups: {name} is no list of objects")
    return found


def _some(node: Node, name: str) -> list[Node]:
    if found := _parts(node, name):
        return found
    raise BadPayload(f"ups: {name} is missing")


def _text(node: Node, name: str) -> str:
    if value := _maybe(node, name):
        return value
    raise BadPayload(f"ups: {name} is missing")


def _maybe(node: Node, name: str) -> str:
    value = node.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadPayload(f"ups: {name} is no text")
    return value


def _texts(node: Node, name: str) -> list[str]:
    value = node.get(name) or []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in found):
        raise BadPayload(f"ups: {name} is no list of texts")
    return found
