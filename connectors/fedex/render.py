"""What is asked of FedEx: our types as its bodies. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from textwrap import wrap
from typing import Any

from connectors.fedex import units
from core.domain.money import total
from core.domain.order import Address
from core.domain.shipping import Box, Collection, Consignment, Customs, Duties, Goods, LabelFormat
from core.errors import Refused

Body = dict[str, Any]
Settings = Mapping[str, Any]

IMAGES = {LabelFormat.PDF: "PDF", LabelFormat.PNG: "PNG", LabelFormat.ZPL: "ZPLII"}
PURPOSES = {"sale": "SOLD", "gift": "GIFT", "sample": "SAMPLE", "repair": "REPAIR_AND_RETURN", "return": "NOT_SOLD"}
OUR_REFERENCES = ("P_O_NUMBER", "DEPARTMENT_NUMBER")  # printed on the label, thirty characters each
HOME = "GROUND_HOME_DELIVERY"  # goes to homes only
STATES = frozenset(["US", "CA", "PR"])  # where FedEx wants a state; elsewhere it is told where it is a short code
AT_ONCE = 40  # boxes for which labels come in the answer
SHORT = 3  # letters
LINES, WIDTH = 3, 35  # of a street; FedEx leaves out what is beyond


def rates(wish: Consignment, account: str, settings: Settings) -> Body:
    """The prices of all services that go there, this account's and the list's."""
    shipment = _filled(
        shipper={"address": _area(wish.sender)},
        recipient={"address": _area(wish.to, wish.residential)},
        shipDateStamp=wish.ship_on.isoformat(),
        pickupType=settings["pickup_type"],
        packagingType=settings["packaging"],
        rateRequestType=["ACCOUNT", "LIST"],
        totalPackageCount=len(wish.boxes),
        requestedPackageLineItems=[_rated(wish, number, settings) for number in range(len(wish.boxes))],
        customsClearanceDetail=_valued(wish.customs, settings),
    )
    return {
        "accountNumber": {"value": account},
        "rateRequestControlParameters": {"returnTransitTimes": True},
        "requestedShipment": shipment,
    }


def shipment(wish: Consignment, service: str, key: str, account: str, settings: Settings) -> Body:
    """All boxes as one shipment, our key on each of them. Raises Refused for a street that does not fit on a label."""
    return _filled(
        labelResponseOptions="LABEL",
        accountNumber={"value": account},
        processingOptionType="ALLOW_ASYNCHRONOUS" if len(wish.boxes) > AT_ONCE else None,
        requestedShipment=_shipment(wish, service, key, account, settings),
    )


def _shipment(wish: Consignment, service: str, key: str, account: str, settings: Settings) -> Body:
    residential = True if wish.residential is None and service == HOME else wish.residential
    return _filled(
        shipDatestamp=wish.ship_on.isoformat(),
        totalDeclaredValue=units.money(wish.insured, settings) if wish.insured else None,
        shipper={**_party(wish.sender, wish.sender), **_tins(wish.customs, settings)},
        recipients=[_party(wish.to, wish.sender, residential)],
        pickupType=settings["pickup_type"],
        serviceType=service,
        packagingType=settings["packaging"],
        totalWeight=units.pounds(sum(box.weight_g for box in wish.boxes), 1),  # in pounds, whatever the boxes are in (its schema)
        shippingChargesPayment=_payment("SENDER", account),
        blockInsightVisibility=False,
        labelSpecification=_label(wish.label, settings),
        rateRequestType=["ACCOUNT", "LIST"],
        totalPackageCount=len(wish.boxes),
        requestedPackageLineItems=[_package(wish, number, key, settings) for number in range(len(wish.boxes))],
        **_abroad(wish, account, settings),
    )


def job(number: str, account: str) -> Body:
    return {"accountNumber": {"value": account}, "jobId": number}


def cancel(handle: Mapping[str, Any], account: str) -> Body:
    return {
        "accountNumber": {"value": account},
        "trackingNumber": handle["tracking"],
        "senderCountryCode": handle["country"],
        "deletionControl": "DELETE_ALL_PACKAGES",
    }


def search(wish: Consignment, key: str, today: date, account: str, settings: Settings) -> Body:
    """The parcels that carry our key, sent by this account in the days in which it may have been used."""
    since = min(wish.ship_on, today) - timedelta(days=int(settings["lookup_days"]))
    asked = _filled(
        type=settings["reference_type"],
        value=units.reference(key),
        accountNumber=account,
        shipDateBegin=since.isoformat(),
        shipDateEndDate=(max(wish.ship_on, today) + timedelta(days=1)).isoformat(),
    )
    return {"referencesInformation": asked, "includeDetailedScans": False}


def track(numbers: Sequence[str]) -> Body:
    asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in numbers]
    return {"includeDetailedScans": True, "trackingInfo": asked}


def check(address: Address) -> Body:
    return {"addressesToValidate": [{"address": _filled(streetLines=_streets(address), **_area(address))}]}


def pickup(wish: Collection, account: str, settings: Settings) -> Body:
    """Times are those of the place: FedEx takes them without a zone."""
    return _filled(
        associatedAccountNumber={"value": account},
        originDetail={
            "pickupAddressType": "OTHER",
            "pickupLocation": _collected(wish.place),
            "readyDateTimestamp": f"{wish.ready:%Y-%m-%dT%H:%M:%SZ}",
            "customerCloseTime": f"{wish.until:%H:%M:%S}",
            "packageLocation": settings["pickup_spot"],
        },
        carrierCode=settings["pickup_company"],
        packageCount=wish.parcels,
        totalWeight={"units": "LB", "value": units.pounds(wish.weight_g)},
        remarks=wish.words[:60],
    )


def leave(handle: Mapping[str, Any], account: str) -> Body:
    return _filled(
        associatedAccountNumber={"value": account},
        pickupConfirmationCode=handle["code"],
        carrierCode=handle["company"],
        scheduledDate=handle["day"],
        location=handle["location"],
    )


def _filled(**fields: Any) -> Body:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


# Who and where


def _area(address: Address, residential: bool | None = None) -> Body:
    """Where it is, without a street; a postal code is always said, since FedEx wants the field."""
    state = address.region if address.country in STATES or len(address.region) <= SHORT else ""
    said = _filled(city=address.city, stateOrProvinceCode=state, countryCode=address.country, residential=residential)
    return {**said, "postalCode": address.postcode}


def _party(address: Address, sender: Address, residential: bool | None = None) -> Body:
    """A party to the shipment. FedEx wants a telephone of everybody: who has none is reached through the sender."""
    contact = _filled(
        personName=address.name[:70],
        companyName=address.company[:WIDTH],
        phoneNumber=_digits(address.phone) or _digits(sender.phone),
    )
    return {"contact": contact, "address": {"streetLines": _streets(address), **_area(address, residential)}}


def _collected(place: Address) -> Body:
    """A place to collect from; its state is always said, since FedEx wants the field."""
    party = _party(place, place)
    return {**party, "address": {"stateOrProvinceCode": "", **party["address"]}}


def _streets(address: Address) -> list[str]:
    lines = [part for line in (address.street1, address.street2, address.street3) for part in wrap(line, WIDTH)]
    if len(lines) > LINES:
        raise Refused("the street is too long", words="FedEx takes a street of three lines with 35 characters each.")
    return lines


def _digits(phone: str) -> str:
    return "".join(digit for digit in phone if digit in "0123456789")[:15]


def _payment(who: str, account: str) -> Body:
    """Who pays; the account where it is ours."""
    ours = {"payor": {"responsibleParty": {"accountNumber": {"value": account}}}}
    return {"paymentType": who, **(ours if who == "SENDER" else {})}


# Boxes


def _rated(wish: Consignment, number: int, settings: Settings) -> Body:
    box = wish.boxes[number]
    return _filled(
        declaredValue=_declared(wish, number, settings),
        weight=_weight(wish, box),
        dimensions=_dimensions(wish, box),
        packageSpecialServices=_special(wish, settings),
    )


def _package(wish: Consignment, number: int, key: str, settings: Settings) -> Body:
    said = [("CUSTOMER_REFERENCE", units.reference(key)), *zip(OUR_REFERENCES, wish.references, strict=False)]
    references = [{"customerReferenceType": kind, "value": text[:30]} for kind, text in said if text]
    return {"sequenceNumber": number + 1, "customerReferences": references, **_rated(wish, number, settings)}


def _metric(wish: Consignment) -> bool:
    return wish.customs is not None or wish.is_abroad or wish.sender.country != "US"


def _weight(wish: Consignment, box: Box) -> Body:
    if _metric(wish):
        return {"units": "KG", "value": units.kilograms(box.weight_g)}
    return {"units": "LB", "value": units.pounds(box.weight_g)}


def _dimensions(wish: Consignment, box: Box) -> Body | None:
    """All three or none."""
    sides = (box.length_mm, box.width_mm, box.height_mm)
    if not all(sides):
        return None
    turned = [units.centimetres(side) if _metric(wish) else units.inches(side) for side in sides]
    return {**dict(zip(("length", "width", "height"), turned, strict=True)), "units": "CM" if _metric(wish) else "IN"}


def _declared(wish: Consignment, number: int, settings: Settings) -> Body | None:
    """This box's share of what the whole is insured for."""
    if not wish.insured:
        return None
    worth = [box.value.minor if box.value else 0 for box in wish.boxes]
    return units.money(wish.insured.split(worth)[number], settings)


def _special(wish: Consignment, settings: Settings) -> Body | None:
    if not wish.signature:
        return None
    return {"specialServiceTypes": ["SIGNATURE_OPTION"], "signatureOptionType": settings["signature"]}


def _label(how: LabelFormat, settings: Settings) -> Body:
    stock = settings["thermal_stock"] if how is LabelFormat.ZPL else settings["paper_stock"]
    return {"labelFormatType": "COMMON2D", "imageType": IMAGES[how], "labelStockType": stock}


# Customs


def _abroad(wish: Consignment, account: str, settings: Settings) -> Body:
    """What a shipment that is declared says more: its goods and an invoice, on paper or to the customs directly."""
    if wish.customs is None:
        return {}
    paper = {"stockType": "PAPER_LETTER", "docType": "PDF"}
    said: Body = {
        "customsClearanceDetail": _declaration(wish.customs, account, settings),
        "shippingDocumentSpecification": {
            "shippingDocumentTypes": ["COMMERCIAL_INVOICE"],
            "commercialInvoiceDetail": {"documentFormat": paper},
        },
    }
    if settings["paperless"]:
        etd = {"requestedDocumentTypes": ["COMMERCIAL_INVOICE"]}
        said["shipmentSpecialServices"] = {"specialServiceTypes": ["ELECTRONIC_TRADE_DOCUMENTS"], "etdDetail": etd}
    return said


def _declaration(customs: Customs, account: str, settings: Settings) -> Body:
    sender_pays = customs.duties is Duties.SENDER
    invoice = [{"customerReferenceType": "INVOICE_NUMBER", "value": customs.invoice[:30]}] if customs.invoice else None
    worth = total([one.value * one.units for one in customs.goods], customs.goods[0].value.currency) if customs.goods else None
    return {
        "dutiesPayment": _payment("SENDER" if sender_pays else "RECIPIENT", account),
        "isDocumentOnly": False,
        "commodities": [_commodity(one, settings) for one in customs.goods],
        "commercialInvoice": _filled(
            shipmentPurpose=PURPOSES.get(customs.reason, "NOT_SOLD"),
            termsOfSale="DDP" if sender_pays else "DAP",
            customerReferences=invoice,
        ),
        **_filled(totalCustomsValue=units.money(worth, settings) if worth else None),
    }


def _valued(customs: Customs | None, settings: Settings) -> Body | None:
    """What a price depends on of a declaration. Duties are not asked for: prices are those of the transport."""
    if customs is None:
        return None
    return {
        "commercialInvoice": {"shipmentPurpose": PURPOSES.get(customs.reason, "NOT_SOLD")},
        "commodities": [_commodity(one, settings) for one in customs.goods],
    }


def _commodity(one: Goods, settings: Settings) -> Body:
    """A line of the declaration: weight and customs value are of all its units, the price of one."""
    return _filled(
        description=one.title[:450],
        numberOfPieces=one.units,
        quantity=one.units,
        quantityUnits="PCS",
        weight={"units": "KG", "value": units.exactly(one.weight_g * one.units)},
        unitPrice=units.money(one.value, settings),
        customsValue=units.money(one.value * one.units, settings),
        harmonizedCode=one.hs_code,
        countryOfManufacture=one.origin,
        partNumber=one.sku,
    )


def _tins(customs: Customs | None, settings: Settings) -> Body:
    """The sender's numbers, as the kinds of the settings; what each is for stands beside it."""
    if customs is None:
        return {}
    numbers = [("IOSS", "ioss_tin", customs.ioss), ("EORI", "eori_tin", customs.eori), ("VAT", "vat_tin", customs.vat)]
    tins = [{"number": number, "tinType": settings[kind], "usage": usage} for usage, kind, number in numbers if number]
    return {"tins": tins} if tins else {}
