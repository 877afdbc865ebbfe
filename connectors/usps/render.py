"""Our types to USPS's bodies. Pure. Pounds and inches are made here, once, rounded up; amounts are dollars as decimal numbers."""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID

from babel import Locale

from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import Bought, Box, Collection, Consignment, Customs, Duties, Goods, LabelFormat
from core.errors import Refused, Unsupported

GRAMS_PER_POUND, MM_PER_INCH = Decimal("453.59237"), Decimal("25.4")
FORMATS = {LabelFormat.PDF: "PDF", LabelFormat.PNG: "PNG", LabelFormat.ZPL: "ZPL203DPI"}
INLAND = frozenset(["US", "PR", "VI", "GU", "AS", "MP", "FM", "MH", "PW"])  # domestic mail, customs forms here and there
REASONS = {"sale": "MERCHANDISE", "gift": "GIFT", "sample": "COMMERCIAL_SAMPLE", "return": "RETURNED_GOODS", "repair": "RETURNED_GOODS"}
EXPRESS = frozenset(["PRIORITY_MAIL_EXPRESS", "PRIORITY_MAIL_EXPRESS_INTERNATIONAL"])
DIMENSIONAL = frozenset(["PRIORITY_MAIL", "USPS_GROUND_ADVANTAGE", "PARCEL_SELECT"])
CUBIC_FOOT, OVERSIZED = Decimal(1728), Decimal(108)  # cubic inches; inches of length and girth (DMM 201, 2026-07)
MACHINABLE = ((Decimal(6), Decimal(22)), (Decimal(3), Decimal(18)), (Decimal("0.25"), Decimal(15)))  # inches, longest side first
MACHINABLE_G = 11_339  # 25 pounds
SIGNATURE, INSURED, INSURED_MORE, INSURED_LESS_UPTO = 921, 930, 931, 50_000  # cents
EXEMPT_UPTO = 250_000  # cents of goods under one exemption (FTR 30.37(a)); Canada has its own without a limit
PHONE = re.compile(r"\+?[1-9][0-9]{7,14}|[0-9]{6,15}", re.A)


# ---- who pays


def roles(login: Mapping[str, str]) -> dict[str, Any]:
    """A payment authorization: who pays for a label and whose number it has. The same business is both."""
    owner = {"roleName": "LABEL_OWNER", "CRID": login["crid"], "MID": login["mid"], "manifestMID": login["manifest_mid"]}
    return {"roles": [{"roleName": "PAYER", "CRID": login["crid"], **_account(login)}, owner]}


def _account(login: Mapping[str, str]) -> dict[str, str]:
    kind, number = login["account_type"], login["account_number"]
    if kind in ("PERMIT", "OMAS"):
        return {"accountType": kind, "permitNumber": number, "permitZIP": login.get("permit_zip", "")}
    return {"accountType": kind, "accountNumber": number}


def key(ours: str) -> str:
    """Our key of 32 hexadecimal digits as the UUID that USPS wants."""
    return str(UUID(ours))


# ---- weights and sizes


def pounds(grams: int) -> Decimal:
    """Rounded up to a ten-thousandth, as fine as USPS writes it: prices change at 15.999 ounces."""
    return (Decimal(grams) / GRAMS_PER_POUND).quantize(Decimal("0.0001"), ROUND_CEILING)


def inches(mm: int) -> Decimal:
    return (Decimal(mm) / MM_PER_INCH).quantize(Decimal("0.01"), ROUND_CEILING)


def _sides(box: Box) -> tuple[Decimal, Decimal, Decimal] | None:
    """Length, width and height, the longest first; None where one is not known."""
    sides = (box.length_mm, box.width_mm, box.height_mm)
    if not all(sides):
        return None
    longest, middle, shortest = sorted(map(inches, sides), reverse=True)
    return longest, middle, shortest


def _size(box: Box) -> dict[str, Decimal]:
    sides = _sides(box)
    return dict(zip(("length", "width", "height"), sides, strict=True)) if sides else {}


def indicator(box: Box, mail_class: str) -> str:
    """USPS's rate indicator of a parcel in packaging of one's own."""
    if mail_class in EXPRESS:
        return "PA"
    sides = _sides(box)
    if sides is None or mail_class not in DIMENSIONAL:
        return "SP"
    if mail_class == "USPS_GROUND_ADVANTAGE" and sides[0] + 2 * (sides[1] + sides[2]) > OVERSIZED:
        return "OS"
    return "DR" if sides[0] * sides[1] * sides[2] > CUBIC_FOOT else "SP"


def category(box: Box, settings: Mapping[str, Any]) -> str:
    """Whether machines can sort it: by size and weight; a parcel of unknown size is taken for one that they can."""
    if settings["processing_category"]:
        return str(settings["processing_category"])
    sides = _sides(box)
    fits = sides is None or all(least <= side <= most for side, (least, most) in zip(sides, MACHINABLE, strict=True))
    return "MACHINABLE" if fits and box.weight_g <= MACHINABLE_G else "NONSTANDARD"


# ---- prices


def is_abroad(wish: Consignment) -> bool:
    """By USPS's own border: territories and military posts are domestic mail."""
    return wish.to.country not in INLAND


def options(wish: Consignment, login: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What every service would cost, and without a contract. Raises Refused for a parcel without a size."""
    box, abroad = wish.boxes[0], is_abroad(wish)
    if _sides(box) is None:
        raise Refused("usps: no size", words="USPS names prices only for parcels whose length, width and height are known.")
    package = {"weight": pounds(box.weight_g), **_size(box), "mailClass": "ALL" if abroad else "ALL_OUTBOUND", **_extras(wish)}
    package["mailingDate"] = wish.ship_on.isoformat()
    prices = [_prices(str(settings["price_type"]), login), {"priceType": "RETAIL"}]
    body = {"pricingOptions": prices, "originZIPCode": _zip(wish.sender)[0], "packageDescription": package}
    return {**body, **(_landed(wish, settings) if abroad else {"destinationZIPCode": _zip(wish.to)[0]})}


def _prices(kind: str, login: Mapping[str, str]) -> dict[str, Any]:
    if kind != "CONTRACT":
        return {"priceType": kind}
    return {"priceType": kind, "paymentAccount": {"accountType": login["account_type"], "accountNumber": login["account_number"]}}


def _extras(wish: Consignment) -> dict[str, Any]:
    """The extra services and, for insurance, what the goods are worth."""
    asked = extra_services(wish)
    value = {"packageValue": dollars(wish.insured)} if wish.insured else {}
    return {"extraServices": asked, **value} if asked else {}


def extra_services(wish: Consignment) -> list[int]:
    """USPS's numbers of a signature and of insurance. Raises Unsupported for a signature abroad."""
    if wish.signature and is_abroad(wish):
        raise Unsupported("usps: no signature abroad", words="USPS takes no signature for parcels abroad.")
    insured = [INSURED if dollars(wish.insured) * 100 <= INSURED_LESS_UPTO else INSURED_MORE] if wish.insured else []
    return ([SIGNATURE] if wish.signature else []) + insured


def _landed(wish: Consignment, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Where it goes abroad, and what duties are asked for where the sender pays them."""
    postcode = {"foreignPostalCode": wish.to.postcode} if wish.to.postcode else {}
    place = {"destinationCountryCode": wish.to.country, **postcode}
    if not _prepays(wish, settings) or wish.customs is None:
        return place
    items = [_item(number, one) for number, one in enumerate(wish.customs.goods, 1)]
    return {**place, "requestDutiesTaxesFees": True, **_filled(destinationCity=wish.to.city), "items": items}


def _item(number: int, one: Goods) -> dict[str, Any]:
    known = _filled(countryOfOrigin=one.origin, HSTariffNumber=one.hs_code)
    return {"itemId": f"{number:03d}", "itemValue": dollars(one.value), "itemQuantity": one.units, **known}


def _prepays(wish: Consignment, settings: Mapping[str, Any]) -> bool:
    return bool(wish.customs and wish.customs.duties is Duties.SENDER and settings["prepay_duties"])


def dollars(amount: Money) -> Decimal:
    """Raises Unsupported for any other money: USPS reads every amount as US dollars."""
    if amount.currency != "USD":
        raise Unsupported(f"usps: {amount.currency}", words=f"USPS wants values in US dollars, not {amount.currency}.")
    return Decimal(amount.text())


# ---- labels


def service(code: str) -> tuple[str, str]:
    """Our service code as mail class and rate indicator ("": the parcel's own)."""
    mail_class, _, rate = code.partition(":")
    return mail_class, rate


def label(wish: Consignment, code: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A purchase inside USPS's own border. Raises Unsupported for what USPS cannot be told."""
    package = {**_package(wish, code, settings), **_domestic_extras(wish, settings)}
    package["customerReference"] = [{"referenceNumber": text, "printReferenceNumber": True} for text in _references(wish, 2)]
    image = {"imageType": image_type(wish), "labelType": settings["label_type"], "receiptOption": "NONE"}
    form = {"customsForm": customs_form(wish, wish.customs, settings)} if wish.customs else {}
    return {"imageInfo": image, "toAddress": _to(wish.to), "fromAddress": _to(wish.sender), "packageDescription": package, **form}


def international_label(wish: Consignment, code: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A purchase abroad. Without a declaration it goes without one, and USPS declines it."""
    package = {**_package(wish, code, settings), **_foreign_extras(wish, settings)}
    package["customerReference"] = [{"referenceNumber": text} for text in _references(wish, 2)]
    form = {"customsForm": customs_form(wish, wish.customs, settings)} if wish.customs else {}
    image = {"imageType": image_type(wish), "labelType": "4X6LABEL"}
    sender = {**_to(wish.sender), **_phone(wish.sender)}
    return {"imageInfo": image, "toAddress": _foreign(wish.to), "fromAddress": sender, "packageDescription": package, **form}


def image_format(wish: Consignment) -> LabelFormat:
    """What the label will come as: one with a customs form on it is never an image."""
    has_form = is_abroad(wish) or wish.customs is not None
    return LabelFormat.PDF if has_form and wish.label is LabelFormat.PNG else wish.label


def image_type(wish: Consignment) -> str:
    return FORMATS[image_format(wish)]


def _package(wish: Consignment, code: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    (mail_class, rate), box = service(code), wish.boxes[0]
    size = {"dimensionsUOM": "in", **_size(box)} if _sides(box) else {}
    shape = {"rateIndicator": rate or indicator(box, mail_class), "processingCategory": category(box, settings)}
    when = {"destinationEntryFacilityType": "NONE", "mailingDate": wish.ship_on.isoformat()}
    return {"mailClass": mail_class, "weightUOM": "lb", "weight": pounds(box.weight_g), **size, **shape, **when}


def _domestic_extras(wish: Consignment, settings: Mapping[str, Any]) -> dict[str, Any]:
    asked = extra_services(wish)
    signed = {"physicalSignatureRequired": bool(settings["physical_signature"]) and wish.signature} if asked else {}
    value = {"packageOptions": {"packageValue": dollars(wish.insured)}} if wish.insured else {}
    return {"extraServices": asked, **signed, **value}


def _foreign_extras(wish: Consignment, settings: Mapping[str, Any]) -> dict[str, Any]:
    value = {"packageValue": dollars(wish.insured)} if wish.insured else {}
    choice = {"packageOptions": {"nonDeliveryOption": settings["undeliverable"], **value}}
    return {"extraServices": extra_services(wish), **choice, "prepayDutiesTaxesFees": _prepays(wish, settings)}


def _references(wish: Consignment, most: int) -> list[str]:
    return [text[:30] for text in wish.references if text.strip()][:most]


def customs_form(wish: Consignment, customs: Customs, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Unsupported for goods whose export must be declared first."""
    numbers = _filled(invoiceNumber=customs.invoice[:15])
    kind = REASONS.get(customs.reason, "OTHER")
    why = {"contentComments": customs.reason[:25]} if kind == "OTHER" else {}
    form = {"AESITN": _exemption(wish, customs, settings), "customsContentType": kind, **why, **numbers}
    return {**form, **_exporter(wish, customs), "contents": [_content(one) for one in customs.goods]}


def _exporter(wish: Consignment, customs: Customs) -> dict[str, Any]:
    """The sender's tax number at the border: IOSS before VAT before EORI. On a domestic form it is plain text."""
    number = customs.ioss or customs.vat or customs.eori
    if not number:
        return {}
    kind = "VAT_NUMBER" if customs.vat and not customs.ioss else "TAX_CODE"
    return {"exportersReference": {"referenceType": kind, "reference": number[:28]} if is_abroad(wish) else number[:40]}


def _exemption(wish: Consignment, customs: Customs, settings: Mapping[str, Any]) -> str:
    if wish.to.country == "CA":
        return str(settings["exemption_canada"])
    if is_abroad(wish) and sum(dollars(one.value) * one.units for one in customs.goods) * 100 > EXEMPT_UPTO:
        words = "Goods of more than 2,500 US dollars need an export declaration (AES), which cannot be filed from here."
        raise Unsupported("usps: an export declaration is needed", words=words)
    return str(settings["exemption"])


def _content(one: Goods) -> dict[str, Any]:
    total = {"itemTotalValue": dollars(one.value * one.units), "itemTotalWeight": pounds(one.weight_g * one.units), "weightUOM": "lb"}
    known = _filled(HSTariffNumber=one.hs_code, countryofOrigin=one.origin)
    return {"itemDescription": one.title[:30], "itemQuantity": one.units, **total, **known}


def image(label_format: LabelFormat, settings: Mapping[str, Any], *, abroad: bool) -> dict[str, Any]:
    """What a label is printed as once more."""
    size = "4X6LABEL" if abroad else settings["label_type"]
    return {"imageInfo": {"imageType": FORMATS[label_format], "labelType": size}}


# ---- addresses


def _filled(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _zip(address: Address) -> tuple[str, str]:
    """The five digits and the four behind them, where there are any."""
    first, _, rest = address.postcode.strip().replace(" ", "-").partition("-")
    return first, rest


def _who(address: Address) -> dict[str, str]:
    """A first and a last name, a firm, or both: one of them USPS wants. A single word is a firm's."""
    first, _, last = address.name.strip().rpartition(" ")
    firm = address.company or ("" if first else address.name.strip())
    return _filled(firstName=first.strip(), lastName=last if first else "", firm=firm)


def _where(address: Address) -> dict[str, str]:
    five, four = _zip(address)
    second = ", ".join(filter(None, (address.street2, address.street3)))
    state = address.region or (address.country if address.country in INLAND - {"US"} else "")
    street = _filled(streetAddress=address.street1, secondaryAddress=second)
    return {**street, **_filled(city=address.city, state=state.upper(), ZIPCode=five, ZIPPlus4=four)}


def _to(address: Address) -> dict[str, str]:
    return {**_who(address), **_where(address)}


def _foreign(address: Address) -> dict[str, str]:
    second = ", ".join(filter(None, (address.street2, address.street3)))
    street = _filled(streetAddress=address.street1, secondaryAddress=second, city=address.city, postalCode=address.postcode)
    country = {"country": country_name(address.country), "countryISOAlpha2Code": address.country}
    return {**_who(address), **street, **_province(address), **country, **_phone(address)}


def country_name(code: str) -> str:
    """In English, as USPS wants it beside the code; an unknown code is its own name."""
    return str(Locale("en").territories.get(code, code))


def _province(address: Address) -> dict[str, str]:
    code = address.region.upper() if len(address.region) == 2 and address.region.isalpha() else ""
    return _filled(province=address.region, provinceISOAlpha2Code=code)


def _phone(address: Address) -> dict[str, str]:
    """The telephone without punctuation; left out where it is none that USPS takes."""
    said = re.sub(r"[^\d+]", "", address.phone, flags=re.A)
    return {"phone": said} if PHONE.fullmatch(said) else {}


def address_query(address: Address) -> dict[str, str] | None:
    """The question whether an address exists; None for one that USPS cannot be asked about: no street, or no state."""
    where = _where(address)
    asked = _filled(firm=address.company)
    return {**asked, **where} if where.get("streetAddress") and where.get("state") else None


# ---- end of day, pickup


def scan_form(bought: Sequence[Bought], sender: Address, settings: Mapping[str, Any]) -> dict[str, Any]:
    """One form for all these labels, dated the latest of their days."""
    days = {str(one.handle["mailing_date"]) for one in bought}
    image = {"imageType": "PDF", "labelType": settings["scan_form"]}
    how = {"mailingDate": max(days), "overwriteMailingDate": len(days) > 1, "destinationEntryFacilityType": "NONE"}
    place = {"entryFacilityZIPCode": _zip(sender)[0], "fromAddress": _to(sender)}
    return {"imageInfo": image, **how, **place, "shipment": {"trackingNumbers": [one.master for one in bought]}}


def pickup(wish: Collection, settings: Mapping[str, Any]) -> dict[str, Any]:
    """USPS's driver comes with the mail: a day is agreed on, no hour."""
    where = {"packageLocation": settings["pickup_place"], **_filled(specialInstructions=wish.words)}
    packages = [{"packageType": settings["pickup_packages"], "packageCount": wish.parcels}]
    day = {"pickupDate": wish.ready.date().isoformat(), "estimatedWeight": pounds(wish.weight_g)}
    return {**day, "pickupAddress": _contact(wish.place), "packages": packages, "pickupLocation": where}


def _contact(place: Address) -> dict[str, Any]:
    """A pickup wants a first and a last name, of a person or of the firm."""
    first, _, last = (place.name or place.company).strip().rpartition(" ")
    contact = {"contact": [{"email": place.email}]} if place.email else {}
    return {"firstName": first or last, "lastName": last, **_filled(firm=place.company), "address": _where(place), **contact}
