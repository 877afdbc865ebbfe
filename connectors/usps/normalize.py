"""USPS's answers to our types. Pure. What we rely on and cannot read is a BadPayload that names the field."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from email.message import Message
from email.parser import BytesParser
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from connectors.http import read_json
from connectors.usps import SERVICES
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
    Closed,
    Consignment,
    LabelFormat,
    Paper,
    Progress,
    Quote,
    Step,
    Tracked,
    Verdict,
    Voided,
)
from core.errors import BadPayload

T = TypeVar("T")
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, IndexError)
MOST_BYTES, MOST_PARTS = 16_000_000, 20  # of an answer in several parts

# Rate indicators of the labels API beside a parcel's own (domestic-labels 3.9.13).
PACKED = {
    "CP": "cubic",
    "E4": "flat rate envelope",
    "E6": "legal flat rate envelope",
    "FA": "legal flat rate envelope",
    "FB": "medium flat rate box",
    "FE": "flat rate envelope",
    "FP": "padded flat rate envelope",
    "FS": "small flat rate box",
    "PL": "large flat rate box",
    "SP": "single piece",
    "DR": "by its size",
    "OS": "oversized",
}

# What becomes of a label that is given back.
CANCELLED = {"CANCELED": Voided.VOIDED, "DISPUTED": Voided.PENDING}
# A 400 says in words only what stands in the way (its code is 00000XX in USPS's own samples, 2026-06). The last two are as we suppose.
NOT_CANCELLED = {
    "a refund request for this order has already been submitted today": Voided.PENDING,
    "a refund request for this order cannot be submitted": Voided.REFUSED,
    "a refund request for this order has already been submitted": Voided.PENDING,
    "the label has already been canceled": Voided.VOIDED,
}

# Scan event codes (USPS Publication 199, appendix G-4). Others are told as UNKNOWN with their code.
STEPS = {
    "GX": Progress.LABELLED,
    "MA": Progress.LABELLED,
    "GC": Progress.LABELLED,
    "03": Progress.PICKED_UP,
    "OA": Progress.PICKED_UP,
    "PA": Progress.PICKED_UP,
    "TM": Progress.PICKED_UP,
    "80": Progress.PICKED_UP,
    "06": Progress.IN_TRANSIT,
    "07": Progress.IN_TRANSIT,
    "10": Progress.IN_TRANSIT,
    "15": Progress.IN_TRANSIT,
    "19": Progress.IN_TRANSIT,
    "81": Progress.IN_TRANSIT,
    "82": Progress.IN_TRANSIT,
    "A1": Progress.IN_TRANSIT,
    "EF": Progress.IN_TRANSIT,
    "L1": Progress.IN_TRANSIT,
    "PC": Progress.IN_TRANSIT,
    "SF": Progress.IN_TRANSIT,
    "T1": Progress.IN_TRANSIT,
    "TL": Progress.IN_TRANSIT,
    "U1": Progress.IN_TRANSIT,
    "OF": Progress.OUT_FOR_DELIVERY,
    "14": Progress.READY_FOR_PICKUP,
    "16": Progress.READY_FOR_PICKUP,
    "01": Progress.DELIVERED,
    "17": Progress.DELIVERED,
    "43": Progress.DELIVERED,
    "02": Progress.EXCEPTION,
    "04": Progress.EXCEPTION,
    "05": Progress.EXCEPTION,
    "08": Progress.EXCEPTION,
    "11": Progress.EXCEPTION,
    "21": Progress.EXCEPTION,
    "22": Progress.EXCEPTION,
    "23": Progress.EXCEPTION,
    "24": Progress.EXCEPTION,
    "25": Progress.EXCEPTION,
    "26": Progress.EXCEPTION,
    "27": Progress.EXCEPTION,
    "28": Progress.EXCEPTION,
    "30": Progress.EXCEPTION,
    "31": Progress.EXCEPTION,
    "44": Progress.EXCEPTION,
    "51": Progress.EXCEPTION,
    "52": Progress.EXCEPTION,
    "53": Progress.EXCEPTION,
    "54": Progress.EXCEPTION,
    "55": Progress.EXCEPTION,
    "56": Progress.EXCEPTION,
    "71": Progress.EXCEPTION,
    "DX": Progress.EXCEPTION,
    "09": Progress.RETURNED,
}

SEVERAL = "more than one address was found matching the requested address"
# How USPS shortens streets (Publication 28, appendix C): a street that is only shortened is no correction.
SHORT = {
    "STREET": "ST",
    "AVENUE": "AVE",
    "ROAD": "RD",
    "DRIVE": "DR",
    "LANE": "LN",
    "COURT": "CT",
    "PLACE": "PL",
    "BOULEVARD": "BLVD",
    "CIRCLE": "CIR",
    "HIGHWAY": "HWY",
    "PARKWAY": "PKWY",
    "SQUARE": "SQ",
    "TERRACE": "TER",
    "TRAIL": "TRL",
    "NORTH": "N",
    "SOUTH": "S",
    "EAST": "E",
    "WEST": "W",
    "APARTMENT": "APT",
    "SUITE": "STE",
    "BUILDING": "BLDG",
    "FLOOR": "FL",
}


def _read(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except UNREADABLE as error:
        raise BadPayload(f"usps {what}: {error!r}") from None


def _text(said: Mapping[str, Any], name: str) -> str:
    """A text that is there. Raises KeyError, or TypeError with the field's name."""
    if not isinstance(said[name], str) or not said[name]:
        raise TypeError(f"{name} is a text")
    return str(said[name])


def _optional(said: Mapping[str, Any], name: str) -> str:
    return "" if said.get(name) is None else _text(said, name) if said[name] != "" else ""


def _money(said: Mapping[str, Any], name: str) -> Money:
    try:
        return Money.parse(said[name], "USD")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def _objects(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects; [] where it is left out. Raises TypeError."""
    listed = said.get(name)
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise TypeError(f"{name} is a list of objects")
    return listed


def _rows(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects that is there. Raises KeyError or TypeError."""
    if said[name] is None:
        raise TypeError(f"{name} is a list of objects")
    return _objects(said, name)


def _object(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(said[name], dict):
        raise TypeError(f"{name} is an object")
    found: Mapping[str, Any] = said[name]
    return found


def _maybe(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, {} where it is left out. Raises TypeError."""
    return {} if said.get(name) is None else _object(said, name)


def _sum(rows: Sequence[Mapping[str, Any]], *names: str) -> Money:
    zero = Money.zero("USD")
    return sum((_money(row, name) for row in rows for name in names if name in row), zero)


def _day(said: Mapping[str, Any], *names: str) -> date | None:
    """The first of these fields that is filled, as a day. Raises ValueError with its name."""
    for name in names:
        if text := _optional(said, name):
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                raise ValueError(f"{name} is no day") from None
    return None


# ---- answers in several parts


def parts(raw: bytes, content_type: str) -> dict[str, Any]:
    """A multipart answer as the one object that USPS's JSON would be. Raises BadPayload; too large or too many parts included."""
    if len(raw) > MOST_BYTES:
        raise BadPayload("usps: the answer is too large")
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + raw)
    inside = message.get_payload() if message.is_multipart() else []
    if not isinstance(inside, list) or not 0 < len(inside) <= MOST_PARTS:
        raise BadPayload("usps: not an answer in parts")
    whole: dict[str, Any] = {}
    for part in inside:
        whole.update(_part(part))
    return whole


def _part(part: Any) -> dict[str, Any]:
    """Its metadata, flat; a document under its name, in base64 as it stands: headers about encodings are to be ignored (USPS)."""
    text = part.get_payload() if isinstance(part, Message) else None
    if not isinstance(part, Message) or not isinstance(text, str):
        raise BadPayload("usps: a part of a part")
    if part.get_content_type() == "application/json":
        said = read_json(text)
        if not isinstance(said, dict):
            raise BadPayload("usps: metadata is no object")
        return said
    return {_name(part): "".join(text.split())}


def _name(part: Message) -> str:
    """labelImage, SCANFormImage: by the part's name, or by its file's."""
    said = part.get_param("name", header="content-disposition") or part.get_filename() or ""
    return {"label-image": "labelImage", "SCANForm": "SCANFormImage"}.get(str(said).partition(".")[0], str(said))


# ---- who pays


def payment_token(said: Mapping[str, Any]) -> str:
    return _read("payment authorization", lambda: _text(said, "paymentAuthorizationToken"))


def account(said: Mapping[str, Any]) -> str:
    """What the payment account is called: its type and its last digits."""
    return _read("payment authorization", lambda: _account(said))


def _account(said: Mapping[str, Any]) -> str:
    payers = [role for role in _rows(said, "roles") if role.get("roleName") == "PAYER"]
    if not payers:
        raise ValueError("roles name no PAYER")
    number = _text(payers[0], "accountNumber" if "accountNumber" in payers[0] else "permitNumber")
    return f"{_text(payers[0], 'accountType')} …{number[-4:]}"


# ---- prices


def quotes(said: Mapping[str, Any], kind: str, own: Callable[[str], str], offered: frozenset[str], packed: frozenset[str]) -> list[Quote]:
    """Offers of price type `kind`, cheapest of each service. `own` is the rate indicator of the parcel by mail class: the service is the
    mail class alone then. `offered` are the mail classes, `packed` the other rate indicators that are wanted."""
    return _read("options", lambda: list(_quotes(said, kind, own, offered, packed)))


def _quotes(
    said: Mapping[str, Any], kind: str, own: Callable[[str], str], offered: frozenset[str], packed: frozenset[str]
) -> Iterator[Quote]:
    by_kind: dict[str, dict[str, Quote]] = {}
    for option in _rows(said, "pricingOptions"):
        found = by_kind.setdefault(_text(option, "priceType"), {})
        for one in _offers(option, own, offered, packed):
            if one.service not in found or one.price.minor < found[one.service].price.minor:
                found[one.service] = one
    for code, one in by_kind.get(kind, {}).items():
        listed = by_kind.get("RETAIL", {}).get(code)
        yield replace(one, listed=listed.price if listed else None)


def _offers(option: Mapping[str, Any], own: Callable[[str], str], offered: frozenset[str], packed: frozenset[str]) -> Iterator[Quote]:
    for shipping in _objects(option, "shippingOptions"):
        mail_class = _text(shipping, "mailClass")
        for rate in _objects(shipping, "rateOptions") if mail_class in offered else []:
            if (code := _code(rate, mail_class, own(mail_class), packed)) is not None:
                yield _quote(rate, code)


def _code(rate: Mapping[str, Any], mail_class: str, own: str, packed: frozenset[str]) -> str | None:
    """The service of a rate; None for one that we cannot send: brought to a facility, or in packaging that is not here."""
    rates = _rows(rate, "rates")
    if not rates:
        raise ValueError("rates is empty")
    first = rates[0]
    if first.get("destinationEntryFacilityType", "NONE") not in ("NONE", "INTERNATIONAL_SERVICE_CENTER"):
        return None
    said = _text(first, "rateIndicator")
    return mail_class if said == own else f"{mail_class}:{said}" if said in packed else None


def _quote(rate: Mapping[str, Any], code: str) -> Quote:
    commitment = _maybe(rate, "commitment")
    price = _money(rate, "totalPrice" if "totalPrice" in rate else "totalBasePrice") + _duties(
        _maybe(rate, "dutiesTaxesFeesQuote"), "itemQuotes"
    )
    arrives = _day(commitment, "expectedDeliveryDate", "scheduleDeliveryDate")
    return Quote(code, service_name(code), price, arrives_on=arrives, words=_optional(commitment, "name"))


def _duties(said: Mapping[str, Any], items: str) -> Money:
    """Duties and taxes that the sender pays; nothing where none were asked for or there are none."""
    return _sum([said], "packageFee") + _sum(_objects(said, items), "dutyPrice", "taxPrice")


def service_name(code: str) -> str:
    mail_class, _, rate = code.partition(":")
    name = SERVICES.get(mail_class, mail_class)
    return f"{name}, {PACKED.get(rate, rate)}" if rate else name


# ---- labels


def bought(said: Mapping[str, Any], wish: Consignment, key: str, how: LabelFormat, *, abroad: bool) -> Bought:
    """A purchase. Its price is postage, extra services, fees and duties that were prepaid."""
    return _read("label", lambda: _bought(said, wish, key, how, abroad=abroad))


def _bought(said: Mapping[str, Any], wish: Consignment, key: str, how: LabelFormat, *, abroad: bool) -> Bought:
    number = _text(said, "internationalTrackingNumber" if abroad else "trackingNumber")
    price = _money(said, "postage") + _sum(_objects(said, "extraServices"), "price") + _sum(_objects(said, "fees"), "price")
    price = price + _duties(_maybe(said, "prepaidDutiesTaxesFees"), "itemCosts")
    handle = {"tracking": number, "abroad": abroad, "key": key, "mailing_date": wish.ship_on.isoformat()}
    arrives = _day(_maybe(said, "commitment"), "expectedDeliveryDate", "scheduleDeliveryDate")
    label = Paper("label", how, _content(said, "labelImage"))
    return Bought(handle, (number,), (label,), price=price, arrives_on=arrives)


def _content(said: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(said, name), validate=True)
    except binascii.Error:
        raise ValueError(f"{name} is not base64") from None


def reprinted(said: Mapping[str, Any], how: LabelFormat) -> list[Paper]:
    return _read("reprint", lambda: [Paper("label", how, _content(said, "labelImage"))])


def cancelled(said: Mapping[str, Any]) -> Voided:
    def read() -> Voided:
        status = _text(said, "status")
        if status not in CANCELLED:
            raise ValueError(f"status is {status}")
        return CANCELLED[status]

    return _read("cancellation", read)


def not_cancelled(words: str) -> Voided | None:
    """What a 400 to a cancellation means; None where its words are not known."""
    return NOT_CANCELLED.get(words.strip().rstrip(".").casefold())


# ---- tracking


def tracked(said: Mapping[str, Any], zone: str) -> Tracked:
    """Oldest first. `zone` is that of a scan's time which comes without one."""
    return _read("tracking", lambda: _tracked(said, ZoneInfo(zone)))


def _tracked(said: Mapping[str, Any], zone: ZoneInfo) -> Tracked:
    steps = [_step(event, zone) for event in reversed(_objects(said, "trackingEvents"))]
    expected = _day(said, "predictedDeliveryDate", "expectedDeliveryDate", "expectedDeliveryTimeStamp", "guaranteedDeliveryTimeStamp")
    return Tracked(tuple(sorted(steps, key=lambda step: step.at)), expected, _optional(said, "statusSummary"))


def _step(event: Mapping[str, Any], zone: ZoneInfo) -> Step:
    code = _text(event, "eventCode")
    words, town = _text(event, "eventType"), _optional(event, "eventCity")
    country = _optional(event, "eventCountry") or ("US" if town else "")
    return Step(_scanned(event, zone), STEPS.get(code, Progress.UNKNOWN), code, words, town, country)


def _scanned(event: Mapping[str, Any], zone: ZoneInfo) -> datetime:
    """GMTTimestamp where it is told, else the local time with its offset (hours:minutes, or minutes)."""
    if text := _optional(event, "GMTTimestamp"):
        return _at(text, UTC, "GMTTimestamp")
    offset = _optional(event, "GMTOffset")
    return _at(_text(event, "eventTimestamp"), timezone(_offset(offset)) if offset else zone, "eventTimestamp")


def _at(text: str, zone: tzinfo, name: str) -> datetime:
    """A time in UTC; one without a zone is in `zone`."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is no time") from None


def _offset(text: str) -> timedelta:
    """Hours and minutes, or minutes. Raises ValueError."""
    if not (found := re.fullmatch(r"([+-]?)(?:(\d{1,2}):)?(\d{1,3})", text, re.A)):
        raise ValueError("GMTOffset is no time")
    size = timedelta(hours=int(found[2] or 0), minutes=int(found[3]))
    return -size if found[1] == "-" else size


# ---- addresses


def checked(said: Mapping[str, Any], asked: Address) -> Checked:
    """What USPS thinks of an address that it found."""
    return _read("address", lambda: _checked(said, asked))


def _checked(said: Mapping[str, Any], asked: Address) -> Checked:
    found, more = _better(_object(said, "address"), asked), _maybe(said, "additionalInfo")
    corrections = {str(one.get("code")) for one in _objects(said, "corrections")}
    words = " ".join(_optional(one, "text") for one in _objects(said, "corrections"))
    home = {"Y": False, "N": True}.get(_optional(more, "business"))
    return Checked(_verdict(_optional(more, "DPVConfirmation"), corrections, _same(found, asked)), (found,), home, words)


def _verdict(confirmed: str, corrections: set[str], same: bool) -> Verdict:
    """N: no such number there. D, S and 32: the house is, its apartment is missing or is not. 22: several."""
    if confirmed == "N":
        return Verdict.UNKNOWN
    if confirmed in ("D", "S") or corrections & {"22", "32"}:
        return Verdict.AMBIGUOUS
    return Verdict.GOOD if same else Verdict.CORRECTED


def _better(said: Mapping[str, Any], asked: Address) -> Address:
    five, four = _text(said, "ZIPCode"), _optional(said, "ZIPPlus4")
    return replace(
        asked,
        street1=_text(said, "streetAddress"),
        street2=_optional(said, "secondaryAddress"),
        street3="",
        city=_text(said, "city"),
        region=_text(said, "state"),
        postcode=f"{five}-{four}" if four else five,
    )


def _same(one: Address, other: Address) -> bool:
    return _folded(one) == _folded(other)


def _folded(address: Address) -> tuple[list[str], str, str, str]:
    street = re.findall(r"\w+", f"{address.street1} {address.street2} {address.street3}".upper())
    city = " ".join(re.findall(r"\w+", address.city.upper()))
    return [SHORT.get(word, word) for word in street], city, address.region.upper(), address.postcode[:5]


def not_found(words: str) -> Checked:
    """USPS's 404: nothing, or too much."""
    several = words.strip().rstrip(".").casefold() == SEVERAL
    return Checked(Verdict.AMBIGUOUS if several else Verdict.UNKNOWN, words=words)


# ---- end of day, pickup


def closed(said: Mapping[str, Any]) -> Closed:
    def read() -> Closed:
        return Closed(_text(said, "manifestNumber"), (Paper("manifest", LabelFormat.PDF, _content(said, "SCANFormImage")),))

    return _read("SCAN form", read)


def agreed(said: Mapping[str, Any]) -> Agreed:
    """USPS takes nothing for it. `words` is the day that it will come on."""
    return _read("pickup", lambda: Agreed(_text(said, "confirmationNumber"), words=_optional(said, "pickupDate")))
