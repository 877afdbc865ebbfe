"""What UPS is asked, from our types. Pure. Grams and millimetres become its units here, once, and never fewer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from core.domain.money import Money, places, total
from core.domain.order import Address
from core.domain.shipping import Box, Collection, Consignment, Customs, Duties, Goods, LabelFormat
from core.errors import Refused

Settings = Mapping[str, Any]
IMPERIAL = frozenset(["US", "PR", "VI"])  # origins that weigh in pounds
TEN_DIGITS = frozenset(["US", "PR", "VI", "CA"])  # telephone numbers without the country's code
BY_PACKAGE = frozenset([("US", "US"), ("PR", "PR")])  # where UPS keeps references by parcel; elsewhere by shipment (Shipping.yaml, 2026-07)
SIGNED_BY_PACKAGE = frozenset([("US", "US"), ("US", "PR"), ("PR", "US"), ("PR", "PR"), ("CA", "CA")])  # elsewhere by shipment
LINE, LINES, REFERENCE = 35, 3, 35
REASONS = {"sale": "SALE", "gift": "GIFT", "sample": "SAMPLE", "return": "RETURN", "repair": "REPAIR"}
IMAGES = {LabelFormat.ZPL: "ZPL"}
OVERWEIGHT_G = 31_751  # 70 pounds
EXPORTER, EORI = "0001", "0002"  # IDNumberTypeCode
MADE_TRUE = "I hereby certify that the information on this invoice is true and correct."


def rating(wish: Consignment, account: str, settings: Settings) -> dict[str, Any]:
    """All services with the account's own rates, and the day on which each arrives."""
    shipment = {
        **_parties(wish, account),
        "PaymentDetails": {"ShipmentCharge": _charges(wish, account)},
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": ""},
        "DeliveryTimeInformation": {"PackageBillType": "03", "Pickup": {"Date": _day(wish.ship_on)}},
        "Package": [_package(wish, n, "PackagingType", settings) for n in range(len(wish.boxes))],
        **_options(wish),
        **_abroad(wish),
    }
    if wish.is_abroad:
        weight = _weight(sum(box.weight_g for box in wish.boxes), wish.sender.country)
        shipment["ShipmentTotalWeight"] = weight
    request = {"PickupType": {"Code": settings["pickup_type"]}, "Request": {"RequestOption": settings["rate_option"]}}
    return {"RateRequest": {**request, "Shipment": shipment}}


def shipment(wish: Consignment, service: str, key: str, account: str, settings: Settings, today: date) -> dict[str, Any]:
    """A purchase with our key as its first reference. Raises Refused for what UPS has no room for."""
    body = {
        **_parties(wish, account),
        "PaymentInformation": {"ShipmentCharge": _charges(wish, account)},
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": ""},
        "Service": {"Code": service},
        "Package": [_package(wish, n, "Packaging", settings) for n in range(len(wish.boxes))],
        **_options(wish),
        **_abroad(wish),
        **({"ShipmentDate": _day(wish.ship_on)} if wish.ship_on > today else {}),
    }
    _refer(body, wish, key)
    _declare(body, wish)
    how = {"RequestOption": settings["address_validation"], "TransactionReference": {"CustomerContext": key}}
    return {"ShipmentRequest": {"Request": how, "Shipment": body, "LabelSpecification": _label(image(wish.label, settings))}}


def image(label: LabelFormat, settings: Settings) -> str:
    """How UPS calls the format; it has no PDF for new labels, so that is asked for as an image."""
    return IMAGES.get(label, str(settings["image_format"]))


def recovery(label: LabelFormat, number: str) -> dict[str, Any]:
    """The label of one parcel once more."""
    return {"LabelRecoveryRequest": {"Request": {}, "LabelSpecification": _again(label), "TrackingNumber": number}}


def recovery_by_reference(label: LabelFormat, key: str, account: str) -> dict[str, Any]:
    """All labels of the shipment with our reference."""
    reference = {"ReferenceNumber": {"Value": key}, "ShipperNumber": account}
    return {"LabelRecoveryRequest": {"Request": {}, "LabelSpecification": _again(label), "ReferenceValues": reference}}


def check(address: Address) -> dict[str, Any]:
    code = _postcode(address)
    there = {
        "AddressLine": _lines(address),
        "PoliticalDivision2": address.city,
        "PoliticalDivision1": address.region,
        "PostcodePrimaryLow": code[:5],
        "PostcodeExtendedLow": code[5:],
        "CountryCode": address.country,
    }
    return {"XAVRequest": {"AddressKeyFormat": {name: said for name, said in there.items() if said}}}


def pickup(wish: Collection, key: str, account: str, settings: Settings) -> dict[str, Any]:
    place, each_g = wish.place, -(-wish.weight_g // max(1, wish.parcels))
    weight = _weight(wish.weight_g, place.country)
    times = {"CloseTime": f"{wish.until:%H%M}", "ReadyTime": f"{wish.ready:%H%M}", "PickupDate": _day(wish.ready.date())}
    piece = {"ServiceCode": settings["collected_service"], "Quantity": str(wish.parcels), "ContainerCode": "01"}
    return {
        "PickupCreationRequest": {
            "Request": {},
            "RatePickupIndicator": "Y",
            "Shipper": {"Account": {"AccountNumber": account, "AccountCountryCode": place.country}},
            "PickupDateInfo": times,
            "PickupAddress": _pickup_address(place),
            "AlternateAddressIndicator": "Y",
            "PickupPiece": [{**piece, "DestinationCountryCode": place.country}],
            "TotalWeight": {"Weight": weight["Weight"], "UnitOfMeasurement": weight["UnitOfMeasurement"]["Code"]},
            "OverweightIndicator": "Y" if each_g > OVERWEIGHT_G else "N",
            "PaymentMethod": settings["collected_payment"],
            "ReferenceNumber": key,
            **({"SpecialInstruction": wish.words[:57]} if wish.words else {}),
        }
    }


def subscription(numbers: Sequence[str], url: str, credential: str, settings: Settings) -> dict[str, Any]:
    """Tell `url` of these parcels. Version 2 names no address: there it is typed in at developer.ups.com."""
    told = {"locale": "en_US", "countryCode": "US", "trackingNumberList": list(numbers)}
    if settings["alert_version"] != "v1":
        return told
    return {**told, "destination": {"url": url, "credentialType": "Bearer", "credential": credential}}


# ---- who and where


def _parties(wish: Consignment, account: str) -> dict[str, Any]:
    sender, to = _party(wish.sender), _party(wish.to)
    if wish.residential:
        to["Address"]["ResidentialAddressIndicator"] = ""
    return {"Shipper": {**sender, "ShipperNumber": account}, "ShipTo": to, "ShipFrom": {**sender, **_vendor(wish.customs)}}


def _party(address: Address) -> dict[str, Any]:
    names = {"Name": (address.company or address.name)[:35], "AttentionName": (address.name or address.company)[:35]}
    number = phone(address)
    return {**names, **({"Phone": {"Number": number}} if number else {}), "Address": _address(address)}


def _address(address: Address) -> dict[str, Any]:
    there = {"AddressLine": _lines(address), "City": address.city[:30], "CountryCode": address.country}
    region, code = address.region, _postcode(address)
    return {**there, **({"StateProvinceCode": region} if 0 < len(region) <= 5 else {}), **({"PostalCode": code} if code else {})}


def _lines(address: Address) -> list[str]:
    """Three lines of 35 letters; what is longer is broken at words. Raises Refused where it does not fit: UPS would cut it off."""
    given = [line.strip() for line in (address.street1, address.street2, address.street3) if line.strip()]
    lines = given if all(len(line) <= LINE for line in given) else list(_broken(" ".join(given).split()))
    if len(lines) > LINES or any(len(line) > LINE for line in lines):
        raise Refused("the address is longer than UPS can write it", words="The street fits on no three lines of 35 letters.")
    return lines


def _broken(words: Iterable[str]) -> Iterable[str]:
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > LINE:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line


def _postcode(address: Address) -> str:
    code = address.postcode.strip()
    return re.sub(r"\D", "", code) if address.country in IMPERIAL else code


def phone(address: Address) -> str:
    """Digits only; in North America without the leading 1."""
    digits = re.sub(r"\D", "", address.phone)
    if address.country in TEN_DIGITS and len(digits) == 11:
        digits = digits.removeprefix("1")
    return digits[:15]


def _pickup_address(place: Address) -> dict[str, Any]:
    there = {
        "CompanyName": (place.company or place.name)[:27],
        "ContactName": (place.name or place.company)[:22],
        "AddressLine": [", ".join(_lines(place))[:73]],
        "City": place.city,
        "StateProvince": place.region,
        "PostalCode": _postcode(place),
        "CountryCode": place.country,
        "ResidentialIndicator": "N",
        "Phone": {"Number": phone(place)},
    }
    return {name: said for name, said in there.items() if said}


# ---- what


def _package(wish: Consignment, n: int, packaging: str, settings: Settings) -> dict[str, Any]:
    box, country = wish.boxes[n], wish.sender.country
    options = _package_options(wish, n)
    return {
        packaging: {"Code": settings["packaging"]},
        "PackageWeight": _weight(box.weight_g, country),
        **_size(box, country),
        **({"PackageServiceOptions": options} if options else {}),
    }


def _weight(grams: int, country: str) -> dict[str, Any]:
    """In tenths of a pound or of a kilogram."""
    tenths = -(-grams * 1_000_000 // 45_359_237) if country in IMPERIAL else -(-grams // 100)
    code, name = ("LBS", "Pounds") if country in IMPERIAL else ("KGS", "Kilograms")
    return {"UnitOfMeasurement": {"Code": code, "Description": name}, "Weight": f"{tenths // 10}.{tenths % 10}"}


def _size(box: Box, country: str) -> dict[str, Any]:
    """In whole inches or centimetres, the longest side first; nothing where a side is not known."""
    sides = sorted((box.length_mm, box.width_mm, box.height_mm), reverse=True)
    if not all(sides):
        return {}
    code, name = ("IN", "Inches") if country in IMPERIAL else ("CM", "Centimeters")
    length, width, height = (str(-(-side * 10 // 254) if code == "IN" else -(-side // 10)) for side in sides)
    unit = {"Code": code, "Description": name}
    return {"Dimensions": {"UnitOfMeasurement": unit, "Length": length, "Width": width, "Height": height}}


def _package_options(wish: Consignment, n: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if wish.signature and _pair(wish) in SIGNED_BY_PACKAGE:
        options["DeliveryConfirmation"] = {"DCISType": "2"}
    if wish.insured:
        share = wish.insured.split([box.value.minor if box.value else 0 for box in wish.boxes])[n]
        options["DeclaredValue"] = _money(share)
    return options


def _options(wish: Consignment) -> dict[str, Any]:
    """A signature where it is asked for by shipment."""
    if wish.signature and _pair(wish) not in SIGNED_BY_PACKAGE:
        return {"ShipmentServiceOptions": {"DeliveryConfirmation": {"DCISType": "1"}}}
    return {}


def _pair(wish: Consignment) -> tuple[str, str]:
    return wish.sender.country, wish.to.country


def _charges(wish: Consignment, account: str) -> list[dict[str, Any]]:
    """We pay for the way, and for duty and tax where the sender does; without the second the receiver does."""
    ours = {"BillShipper": {"AccountNumber": account}}
    duties = wish.customs is not None and wish.customs.duties is Duties.SENDER
    return [{"Type": "01", **ours}, *([{"Type": "02", **ours}] if duties else [])]


def _refer(body: dict[str, Any], wish: Consignment, key: str) -> None:
    said = [{"Value": key}, *({"Value": text[:REFERENCE]} for text in wish.references[:1] if text)]
    for one in body["Package"] if _pair(wish) in BY_PACKAGE else [body]:
        one["ReferenceNumber"] = said


def _label(code: str) -> dict[str, Any]:
    return {"LabelImageFormat": {"Code": code}, "LabelStockSize": {"Height": "6", "Width": "4"}}


def _again(label: LabelFormat) -> dict[str, Any]:
    """UPS prints again as ZPL or PDF: an image it knows as a page of HTML only."""
    return _label("ZPL" if label is LabelFormat.ZPL else "PDF")


# ---- customs


def _abroad(wish: Consignment) -> dict[str, Any]:
    if wish.customs is None:
        return {"Description": "Merchandise"} if wish.is_abroad else {}
    title = ", ".join(goods.title for goods in wish.customs.goods)
    return {"Description": title[:50], "InvoiceLineTotal": _whole(_worth(wish.customs))}


def _worth(customs: Customs) -> Money:
    """Of all goods together. Raises Refused where they are declared in several currencies, or nothing is."""
    try:
        return total((one.value * one.units for one in customs.goods), customs.goods[0].value.currency)
    except (ValueError, IndexError):
        raise Refused("the declaration cannot be written", words="Goods are declared in one currency, one line at least.") from None


def _declare(body: dict[str, Any], wish: Consignment) -> None:
    if wish.customs is None:
        return
    body.setdefault("ShipmentServiceOptions", {})["InternationalForms"] = _invoice(wish, wish.customs)
    if numbers := list(_tax_numbers(wish.customs, wish.sender.country)):
        body["GlobalTaxInformation"] = {"AgentTaxIdentificationNumber": [{"AgentRole": "20", "TaxIdentificationNumber": numbers}]}


def _invoice(wish: Consignment, customs: Customs) -> dict[str, Any]:
    sold_to = {name: said for name, said in _party(wish.to).items() if said}
    return {
        "FormType": ["01"],
        "Contacts": {"SoldTo": sold_to},
        "Product": [_product(one) for one in customs.goods],
        **({"InvoiceNumber": customs.invoice[:35]} if customs.invoice else {}),
        "InvoiceDate": _day(wish.ship_on),
        "TermsOfShipment": customs.duties.value.upper(),
        "ReasonForExport": REASONS.get(customs.reason, customs.reason[:20].upper()),
        "DeclarationStatement": MADE_TRUE,
        "CurrencyCode": _worth(customs).currency,
    }


def _product(goods: Goods) -> dict[str, Any]:
    unit = {"Number": str(goods.units), "UnitOfMeasurement": {"Code": "PCS"}, "Value": goods.value.text()}
    said = {"CommodityCode": goods.hs_code, "OriginCountryCode": goods.origin, "PartNumber": goods.sku[:35]}
    return {"Description": [goods.title[:35]], "Unit": unit, **{name: text for name, text in said.items() if text}}


def _vendor(customs: Customs | None) -> dict[str, Any]:
    if customs is None or not customs.ioss:
        return {}
    return {"VendorInfo": {"VendorCollectIDTypeCode": "0356", "VendorCollectIDNumber": customs.ioss, "ConsigneeType": "02"}}


def _tax_numbers(customs: Customs, country: str) -> Iterable[dict[str, str]]:
    if customs.eori:
        yield _tax_number(customs.eori, country, EORI, purpose="02")
    if customs.vat:
        yield _tax_number(customs.vat, country, EXPORTER, purpose="01")


def _tax_number(number: str, country: str, kind: str, *, purpose: str) -> dict[str, str]:
    """The sender's: numbers that begin with a country's letters are of that country."""
    issued = number[:2].upper() if number[:2].isalpha() else country
    return {
        "IdentificationNumber": number,
        "IDNumberCustomerRole": "06",
        "IDNumberEncryptionIndicator": "0",
        "IDNumberIssuingCntryCd": issued,
        "IDNumberPurposeCode": purpose,
        "IDNumberTypeCode": kind,
    }


def _money(amount: Money) -> dict[str, str]:
    return {"CurrencyCode": amount.currency, "MonetaryValue": amount.text()}


def _whole(amount: Money) -> dict[str, str]:
    """In whole units, at least one: the invoice's total has no room for cents."""
    return {"CurrencyCode": amount.currency, "MonetaryValue": str(max(1, -(-amount.minor // 10 ** places(amount.currency))))}


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
