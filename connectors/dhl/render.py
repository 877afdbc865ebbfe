"""Our types -> the bodies and queries of the MyDHL API 3.1.1. Pure; raises Refused for what DHL has no place for.

DHL takes kilograms and centimeters with three decimals, so whole grams and millimeters arrive as they are and nothing is rounded.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.domain.money import Money, total
from core.domain.order import Address
from core.domain.shipping import Box, Collection, Consignment, Customs, Duties, Goods, LabelFormat
from core.errors import Refused

Body = dict[str, Any]
Query = list[tuple[str, str]]

LINE, LINES = 45, 3  # an address has three lines of 45 characters
ENCODING = {LabelFormat.PDF: "pdf", LabelFormat.ZPL: "zpl"}
REASONS = {  # why it leaves: exportReasonType, and what kind of invoice goes with it
    "sale": ("commercial_purpose_or_sale", "commercial"),
    "gift": ("gift", "proforma"),
    "sample": ("sample", "proforma"),
    "return": ("return", "commercial"),
    "repair": ("temporary", "proforma"),
}
# The member states by the three digits of ISO 3166 that an IOSS number holds after "IM" (Regulation (EU) 2020/194).
# fmt: off
IOSS_STATES = {
    "040": "AT", "056": "BE", "100": "BG", "191": "HR", "196": "CY", "203": "CZ", "208": "DK", "233": "EE", "246": "FI",
    "250": "FR", "276": "DE", "300": "GR", "348": "HU", "372": "IE", "380": "IT", "428": "LV", "440": "LT", "442": "LU",
    "470": "MT", "528": "NL", "616": "PL", "620": "PT", "642": "RO", "703": "SK", "705": "SI", "724": "ES", "752": "SE",
}
# fmt: on
DWELLERS: dict[bool | None, str] = {True: "private", False: "business", None: ""}
COUNTRIES = {"EL": "GR", "XI": "GB"}  # how VAT and EORI numbers name what ISO names otherwise


@dataclass(frozen=True, slots=True, repr=False)
class Terms:
    """What a request needs beside the wish: the account, when the parcels are handed over (in the place's own zone), and the settings."""

    account: str
    at: datetime
    settings: Mapping[str, Any]

    @property
    def accounts(self) -> list[Body]:
        return [{"typeCode": "shipper", "number": self.account}]


def moment(ship_on: date, now: datetime, settings: Mapping[str, Any]) -> datetime:
    """When parcels of that day are handed over, in the place's own zone; never a moment that is past."""
    zone = zone_of(settings)
    planned = datetime.combine(ship_on, time.fromisoformat(settings["ship_at"]), zone)
    return max(planned, now.astimezone(zone) + timedelta(minutes=settings["lead_minutes"]))


def zone_of(settings: Mapping[str, Any]) -> ZoneInfo:
    """The zone of the place where parcels are handed over. Raises Refused where the setting names none."""
    try:
        return ZoneInfo(settings["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused("the setting zone of DHL Express is no IANA name of a zone", zone=settings["zone"]) from None


def stamp(at: datetime) -> str:
    """2026-11-18T18:00:00 GMT+01:00, as DHL writes local times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S GMT") + at.isoformat(timespec="seconds")[-6:]


# ---- prices


def rates(wish: Consignment, terms: Terms) -> Body:
    """POST /rates: what all services would cost, with the services around them that this wish needs."""
    return {
        "customerDetails": {"shipperDetails": _place(wish.sender), "receiverDetails": _place(wish.to)},
        "accounts": _accounts(wish, terms),
        **_some("valueAddedServices", _services(wish, terms)),
        "plannedShippingDateAndTime": stamp(terms.at),
        "unitOfMeasurement": "metric",
        "isCustomsDeclarable": wish.customs is not None,
        **_some("monetaryAmount", [{"typeCode": "declaredValue", **_amount(worth(wish.customs))}] if wish.customs else []),
        "estimatedDeliveryDate": {"isRequested": True, "typeCode": terms.settings["estimate"]},
        "returnStandardProductsOnly": terms.settings["standard_products_only"],
        "nextBusinessDay": True,
        "packages": [_measures(box) for box in wish.boxes],
    }


# ---- labels


def shipment(wish: Consignment, service: str, key: str, terms: Terms) -> Body:
    """POST /shipments: all boxes as one shipment. Our key is its first reference, by which it is looked up."""
    product, _, local = service.partition("/")
    return {
        "plannedShippingDateAndTime": stamp(terms.at),
        "pickup": {"isRequested": False},
        "productCode": product,
        **_some("localProductCode", local),
        "getRateEstimates": True,
        "accounts": _accounts(wish, terms),
        **_some("valueAddedServices", _services(wish, terms) + _paperless(wish, terms)),
        "outputImageProperties": _images(wish, terms.settings),
        "customerReferences": [{"value": key, "typeCode": "CU"}],
        "customerDetails": {"shipperDetails": _sender(wish, terms), "receiverDetails": _receiver(wish, terms)},
        "content": _content(wish, key, terms),
        "estimatedDeliveryDate": {"isRequested": True, "typeCode": terms.settings["estimate"]},
        "getAdditionalInformation": [{"typeCode": "linkLabelsByPieces", "isRequested": True}],
    }


def shipment_query(wish: Consignment, settings: Mapping[str, Any]) -> Query:
    """Beside the body: whether a way without paperless customs may be taken with paper."""
    lenient = wish.customs is not None and settings["paperless"] and settings["bypass_paperless_error"]
    return [("bypassPLTError", "true")] if lenient else []


def _accounts(wish: Consignment, terms: Terms) -> list[Body]:
    if not _sender_pays_duties(wish):
        return terms.accounts
    return [*terms.accounts, {"typeCode": "duties-taxes", "number": terms.settings["duties_account"] or terms.account}]


def _sender_pays_duties(wish: Consignment) -> bool:
    return wish.customs is not None and wish.customs.duties is Duties.SENDER


def _services(wish: Consignment, terms: Terms) -> list[Body]:
    """The services around the transport that cost something, each by its code."""
    known = terms.settings
    insured = [{"serviceCode": known["insurance_service"], **_amount(wish.insured)}] if wish.insured else []
    wanted = ((known["duties_service"], _sender_pays_duties(wish)), (known["signature_service"], wish.signature))
    return insured + [{"serviceCode": code} for code, is_wanted in wanted if is_wanted]


def _paperless(wish: Consignment, terms: Terms) -> list[Body]:
    wanted = wish.customs is not None and terms.settings["paperless"]
    return [{"serviceCode": terms.settings["paperless_service"]}] if wanted else []


def _images(wish: Consignment, settings: Mapping[str, Any]) -> Body:
    if wish.label not in ENCODING:
        raise Refused("DHL Express prints labels as PDF or ZPL", format=wish.label)
    options: list[Body] = [{"typeCode": "label", "templateName": settings["label_template"]}]
    options += (
        [{"typeCode": "waybillDoc", "templateName": settings["waybill_template"], "isRequested": True}] if settings["waybill"] else []
    )
    options += [_invoice_image(wish.customs, settings)] if wish.customs else []
    return {
        "printerDPI": settings["label_dpi"],
        "encodingFormat": ENCODING[wish.label],
        "imageOptions": options,
        "splitTransportAndWaybillDocLabels": True,
        "splitDocumentsByPages": True,
        "splitInvoiceAndReceipt": True,
    }


def _invoice_image(customs: Customs, settings: Mapping[str, Any]) -> Body:
    kind = _reason(customs)[1]
    return {
        "typeCode": "invoice",
        "templateName": settings["invoice_template"],
        "isRequested": True,
        "invoiceType": kind,
        "languageCode": "eng",
    }


def _content(wish: Consignment, key: str, terms: Terms) -> Body:
    customs = wish.customs
    return {
        "packages": [{**_measures(box), **_package_references(wish)} for box in wish.boxes],
        "isCustomsDeclarable": customs is not None,
        **(_declared(wish, customs, key, terms) if customs else {}),
        "description": (_titles(customs.goods) if customs else "") or terms.settings["contents"],
        **_some("USFilingTypeValue", terms.settings["us_filing"] if customs and wish.sender.country == "US" else ""),
        "incoterm": "DDP" if _sender_pays_duties(wish) else "DAP",
        "unitOfMeasurement": "metric",
    }


def _package_references(wish: Consignment) -> Body:
    return _some("customerReferences", [{"value": said[:35], "typeCode": "CU"} for said in wish.references if said])


def _titles(goods: Iterable[Goods]) -> str:
    return ", ".join(one.title.strip() for one in goods)[:70].strip()


def worth(customs: Customs) -> Money:
    """What all the declared goods are worth. Raises Refused where they are not of one currency."""
    currencies = {one.value.currency for one in customs.goods}
    if len(currencies) != 1:
        raise Refused("DHL Express wants all declared goods in one currency", currencies=",".join(sorted(currencies)))
    return total([one.value * one.units for one in customs.goods], currencies.pop())


def _declared(wish: Consignment, customs: Customs, key: str, terms: Terms) -> Body:
    value = worth(customs)
    return {
        "declaredValue": Decimal(value.text()),
        "declaredValueCurrency": value.currency,
        "exportDeclaration": _declaration(wish, customs, key, terms),
    }


def _declaration(wish: Consignment, customs: Customs, key: str, terms: Terms) -> Body:
    reason, _ = _reason(customs)
    return {
        "lineItems": [_item(number, one, reason) for number, one in enumerate(customs.goods, 1)],
        "invoice": _invoice(wish, customs, key, terms),
        "placeOfIncoterm": wish.to.city,
        "exportReason": customs.reason,
        "exportReasonType": reason,
        "shipmentType": "personal" if customs.reason == "gift" else "commercial",
    }


def _reason(customs: Customs) -> tuple[str, str]:
    if customs.reason not in REASONS:
        raise Refused("DHL Express has no such reason for export", reason=customs.reason)
    return REASONS[customs.reason]


def _invoice(wish: Consignment, customs: Customs, key: str, terms: Terms) -> Body:
    return {
        "number": (customs.invoice or next(iter(wish.references), "") or key)[:35],
        "date": terms.at.date().isoformat(),
        "totalNetWeight": _kilos(sum(one.weight_g * one.units for one in customs.goods)),
        "totalGrossWeight": _kilos(sum(box.weight_g for box in wish.boxes)),
    }


def _item(number: int, one: Goods, reason: str) -> Body:
    if not one.origin:
        raise Refused("DHL Express wants the country of origin of all that is declared", line=number)
    weight = _kilos(one.weight_g * one.units)
    return {
        "number": number,
        "description": one.title[:512],
        "price": Decimal(one.value.text()),
        "quantity": {"value": one.units, "unitOfMeasurement": "PCS"},
        **_some("commodityCodes", [{"typeCode": kind, "value": one.hs_code} for kind in ("outbound", "inbound") if one.hs_code]),
        "exportReasonType": reason,
        "manufacturerCountry": one.origin,
        "weight": {"netValue": weight, "grossValue": weight},
        **_some("customerReferences", [{"typeCode": "PAN", "value": one.sku[:35]}] if one.sku else []),
    }


def _sender(wish: Consignment, terms: Terms) -> Body:
    numbers = registrations(wish.customs, wish.sender.country) if wish.customs else []
    return {**_party(wish.sender, terms), **_some("registrationNumbers", numbers), "typeCode": "business"}


def _receiver(wish: Consignment, terms: Terms) -> Body:
    return {**_party(wish.to, terms), **_some("typeCode", DWELLERS[wish.residential])}


def registrations(customs: Customs, country: str) -> list[Body]:
    """The sender's numbers, each with the country that gave it: the letters it starts with, or the state within an IOSS number."""
    said = (("SDT", customs.ioss), ("EOR", customs.eori), ("VAT", customs.vat))
    return [{"typeCode": kind, "number": number[:35], "issuerCountryCode": _issuer(number, country)} for kind, number in said if number]


def _issuer(number: str, country: str) -> str:
    start = number[:2].upper()
    if start == "IM" and number[2:5] in IOSS_STATES:
        return IOSS_STATES[number[2:5]]
    return COUNTRIES.get(start, start) if start.isalpha() and start.isascii() else country


# ---- who and where


def _party(one: Address, terms: Terms) -> Body:
    return {"postalAddress": _place(one), "contactInformation": _contact(one, terms.settings["phone_if_none"])}


def _place(one: Address) -> Body:
    """Lines that are empty are left out, and a region that DHL's field cannot hold."""
    region = one.region.strip()
    lines = {f"addressLine{n}": line for n, line in enumerate(street(one), 1)}
    return {
        "postalCode": one.postcode.strip(),
        "cityName": one.city.strip(),
        "countryCode": one.country,
        **_some("provinceCode", region if 2 <= len(region) <= 35 else ""),
        **lines,
    }


def street(one: Address) -> list[str]:
    """An address in three lines of 45 characters, broken between words, nothing cut off. Raises Refused where it does not fit."""
    given = [line.strip() for line in (one.street1, one.street2, one.street3) if line.strip()]
    lines = [part for line in given for part in textwrap.wrap(line, LINE)]
    lines = lines if len(lines) <= LINES else textwrap.wrap(", ".join(given), LINE)
    if len(lines) > LINES:
        raise Refused("the street does not fit into the three lines of 45 characters that DHL Express has", country=one.country)
    return lines


def _contact(one: Address, untold: str) -> Body:
    phone, name = one.phone.strip() or untold, one.name.strip() or one.company.strip()
    if not phone:
        raise Refused("DHL Express wants a telephone number of sender and receiver", country=one.country)
    return {
        **_some("email", one.email.strip()[:70]),
        "phone": phone[:70],
        "companyName": (one.company.strip() or name)[:100],
        "fullName": name[:255],
    }


# ---- looking


def by_numbers(kind: str, numbers: Sequence[str]) -> Query:
    """GET /tracking of several waybills or pieces."""
    return [*((kind, number) for number in numbers), *everything("all-checkpoints")]


def by_reference(key: str, ship_on: date, today: date, view: str, terms: Terms) -> Query:
    """GET /tracking of the shipments that carry this key, within days around the one on which it was to leave."""
    around = timedelta(days=terms.settings["lookup_days"])
    return [
        ("shipmentReference", key),
        ("shipmentReferenceType", "CU"),
        ("shipperAccountNumber", terms.account),
        ("dateRangeFrom", (min(ship_on, today) - around).isoformat()),
        ("dateRangeTo", (max(ship_on, today) + around).isoformat()),
        *everything(view),
    ]


def everything(view: str) -> Query:
    """Shipments with their pieces."""
    return [("trackingView", view), ("levelOfDetail", "all")]


def with_zones(settings: Mapping[str, Any]) -> Query:
    """GET /shipments/{waybill}/tracking: only this one tells the zone of each event (MyDHL API 3.1.1)."""
    return [*everything("all-checkpoints"), ("requestGMTOffsetPerEvent", settings["zones_wanted"])]


def address(one: Address, settings: Mapping[str, Any]) -> Query:
    """GET /address-validate: does DHL bring anything there?"""
    return served(one.country, one.postcode, one.city, settings)


def served(country: str, postcode: str, city: str, settings: Mapping[str, Any]) -> Query:
    return [
        ("type", "delivery"),
        ("countryCode", country),
        *((name, value.strip()) for name, value in (("postalCode", postcode), ("cityName", city)) if value.strip()),
        ("strictValidation", "true" if settings["strict_addresses"] else "false"),
    ]


# ---- the driver


def pickup(wish: Collection, key: str, terms: Terms) -> Body:
    """POST /pickups. What is collected has one product in its name; the driver takes all."""
    return {
        "plannedPickupDateAndTime": stamp(terms.at),
        "closeTime": wish.until.strftime("%H:%M"),
        "accounts": terms.accounts,
        **_some("specialInstructions", [{"value": wish.words.strip()[:80]}] if wish.words.strip() else []),
        "remark": key,
        "customerDetails": {"shipperDetails": _party(wish.place, terms)},
        "shipmentDetails": [_collected(wish, terms)],
    }


def _collected(wish: Collection, terms: Terms) -> Body:
    each = -(-wish.weight_g // wish.parcels)
    return {
        "productCode": terms.settings["pickup_product"],
        "isCustomsDeclarable": False,
        "unitOfMeasurement": "metric",
        "packages": [{"weight": _kilos(max(each, 1))}] * wish.parcels,
    }


def cancelling(settings: Mapping[str, Any]) -> Query:
    """DELETE /pickups/{number}: DHL wants to know who and why."""
    return [("requestorName", settings["requestor"]), ("reason", settings["pickup_reason"])]


# ---- units


def _measures(box: Box) -> Body:
    sizes = (box.length_mm, box.width_mm, box.height_mm)
    known = dict(zip(("length", "width", "height"), map(_centimeters, sizes), strict=True)) if all(sizes) else {}
    return {"weight": _kilos(box.weight_g), **_some("dimensions", known)}


def _kilos(grams: int) -> Decimal:
    return Decimal(grams).scaleb(-3)


def _centimeters(millimeters: int) -> Decimal:
    return Decimal(millimeters).scaleb(-1)


def _amount(money: Money) -> Body:
    return {"value": Decimal(money.text()), "currency": money.currency}


def _some(name: str, value: Any) -> Body:
    """A field that is left out where there is nothing to say."""
    return {name: value} if value else {}
