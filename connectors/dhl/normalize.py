"""Answers of the MyDHL API 3.1.1 -> our types. Pure; raises only BadPayload, whose text names the field and never a value."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connectors.http import as_datetime
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import Agreed, Bought, Checked, LabelFormat, Paper, Progress, Quote, Step, Tracked, Verdict
from core.errors import BadPayload

Doc = Mapping[str, Any]

# DHL's event codes (MyDHL reference data, trackingEventCode, 2026-06). What says nothing of where a parcel is (IA image available, DI duty
# invoice, PY payment, RW weighed, SC service changed, SI inspection, TI and TT tracing) stays out: UNKNOWN, kept and shown.
PROGRESS = {
    **dict.fromkeys(["DUMMY_PU"], Progress.LABELLED),  # shipment information received
    **dict.fromkeys(["PU", "SA"], Progress.PICKED_UP),
    **dict.fromkeys(["AF", "AR", "DF", "PL", "TR", "AD", "BL", "BN", "BR", "CI", "CR", "CU", "ES", "FD"], Progress.IN_TRANSIT),
    **dict.fromkeys(["HN", "HO", "IC", "LV", "RR", "SM", "TP", "UV"], Progress.IN_TRANSIT),
    "WC": Progress.OUT_FOR_DELIVERY,
    "CC": Progress.READY_FOR_PICKUP,
    **dict.fromkeys(["OK", "DD"], Progress.DELIVERED),  # DD: delivered damaged
    **dict.fromkeys(["BA", "CA", "CD", "CM", "CS", "DM", "DP", "DS", "HI", "HP", "IR", "MC", "MD", "MS"], Progress.EXCEPTION),
    **dict.fromkeys(["NA", "ND", "NH", "OH", "PD", "RD", "SS", "ST", "TD", "UD"], Progress.EXCEPTION),
    "RT": Progress.RETURNED,
}
KINDS = {"label": "label", "waybillDoc": "form", "invoice": "invoice", "shipmentReceipt": "receipt"}
BILLED = "BILLC"  # the price in the currency of the account's bill


# ---- prices


def quotes(said: Doc) -> list[Quote]:
    """What is offered, at the account's own prices. A product without a price is no offer."""
    words = _words(said)
    offers = [(product, _billed(_rows(product, "totalPrice"))) for product in _rows(said, "products")]
    return [_quote(product, price, words) for product, price in offers if price]


def _quote(product: Doc, price: Money, words: str) -> Quote:
    code, local = _text(product, "productCode"), product.get("localProductCode")
    service = code if local in (None, "", code) else f"{code}/{_text(product, 'localProductCode')}"
    arrives = _dict(product, "deliveryCapabilities").get("estimatedDeliveryDateAndTime")
    return Quote(service, _text(product, "productName", code), price, arrives_on=_day(arrives, "estimatedDeliveryDateAndTime"), words=words)


def _billed(prices: Sequence[Doc]) -> Money | None:
    """The price in the bill's currency; None where none is told, or nothing."""
    for one in prices:
        if one.get("currencyType") == BILLED:
            return _money(one, "price", _text(one, "priceCurrency")) or None
    return None


# ---- labels


def bought(said: Doc, boxes: int) -> Bought:
    """A purchase of so many boxes. The first goes under the waybill's number, the others under those of their pieces."""
    waybill, pieces = _text(said, "shipmentTrackingNumber"), _pieces(_rows(said, "packages"), "referenceNumber")
    if len(pieces) != boxes:
        raise BadPayload("dhl: packages are not as many as were sent")
    labels, forms = _papers(_rows(said, "documents"), boxes)
    return Bought(
        handle=handle(waybill, pieces),
        tracking=numbers(waybill, pieces),
        labels=labels,
        forms=forms,
        price=_billed(_rows(said, "shipmentCharges", ())),
        arrives_on=_day(_dict(said, "estimatedDeliveryDate").get("estimatedDeliveryDate"), "estimatedDeliveryDate"),
        words=_words(said),
    )


def handle(waybill: str, pieces: Sequence[str]) -> dict[str, Any]:
    return {"waybill": waybill, "pieces": list(pieces)}


def numbers(waybill: str, pieces: Sequence[str]) -> tuple[str, ...]:
    """A number for each box: buyers and channels know the shipment by its waybill, so that is the first box's."""
    return (waybill, *pieces[1:])


def _pieces(packages: Sequence[Doc], order: str) -> list[str]:
    """The pieces' own numbers, in the order of the boxes."""
    told = [(_whole(one, order, place), _text(one, "trackingNumber")) for place, one in enumerate(packages, 1)]
    return [number for _, number in sorted(told)]


def _papers(documents: Sequence[Doc], boxes: int) -> tuple[tuple[Paper, ...], tuple[Paper, ...]]:
    """(a label for each box, all other papers). Labels that are not one for each box stand among the others: nothing is lost, and nothing
    is taken for a box's own that may be another's."""
    told = [(_whole(one, "packageReferenceNumber", 0), _paper(one)) for one in documents]
    labels = tuple(paper for _, paper in sorted((one for one in told if one[1].kind == "label"), key=lambda one: one[0]))
    others = tuple(paper for _, paper in told if paper.kind != "label")
    return (labels, others) if len(labels) == boxes else ((), (*labels, *others))


def _paper(one: Doc) -> Paper:
    kind = KINDS.get(_text(one, "typeCode"), "form")
    try:
        return Paper(kind, LabelFormat(_text(one, "imageFormat").lower()), base64.b64decode(_text(one, "content"), validate=True))
    except binascii.Error:
        raise BadPayload("dhl: content is not base64") from None
    except ValueError:
        raise BadPayload("dhl: imageFormat is none that was asked for") from None


# ---- tracking


def shipments(said: Doc) -> list[Doc]:
    return list(_rows(said, "shipments", ()))


def waybill_of(shipment: Doc) -> str:
    return _text(shipment, "shipmentTrackingNumber")


def told_of(shipment: Doc) -> set[str]:
    """All numbers that this shipment answers to."""
    return {waybill_of(shipment), *(_text(piece, "trackingNumber") for piece in _rows(shipment, "pieces", ()))}


def carries(shipment: Doc, key: str) -> bool:
    """Whether it has this reference; where DHL tells no references, it does, since it was found by it."""
    told = [one.get("value") for one in _rows(shipment, "shipperReferences", ())]
    return not told or key in told


def found(shipment: Doc, boxes: int) -> Bought | None:
    """A purchase as its tracking tells it, without papers: DHL prints no label again. None where it does not tell a number for each box."""
    waybill, pieces = waybill_of(shipment), _pieces(_rows(shipment, "pieces", ()), "number")
    if len(pieces) not in ((0, 1) if boxes == 1 else (boxes,)):
        return None
    expected = _day(shipment.get("estimatedDeliveryDate"), "estimatedDeliveryDate")
    return Bought(handle(waybill, pieces), numbers(waybill, pieces), arrives_on=expected, words=LOST)


LOST = "DHL prints no label a second time: give this one back and buy another. What is never scanned is not charged."


def scans(said: Doc) -> list[str]:
    """What shows that DHL ever held any of it in its hands, and what it tells that we do not understand: its codes with its words."""
    events = [event for shipment in shipments(said) for event in _all_events(shipment)]
    coded = [
        (code, PROGRESS.get(code, Progress.UNKNOWN), _text(event, "description", ""))
        for event in events
        for code in [_text(event, "typeCode")]
    ]
    return [f"{code} {_said(words, progress)}".strip() for code, progress, words in coded if progress is not Progress.LABELLED]


def has_zones(shipment: Doc) -> bool:
    """Whether all its events tell the zone of their times."""
    return all(event.get("GMTOffset") for event in _all_events(shipment))


def _all_events(shipment: Doc) -> list[Doc]:
    parts = [shipment, *_rows(shipment, "pieces", ())]
    return [event for part in parts for event in _rows(part, "events", ())]


def tracked(known: Sequence[Doc], offset: str) -> dict[str, Tracked]:
    """What is told, by waybill and by piece. `offset` is the zone of an event that tells none."""
    told = {}
    for shipment in known:
        expected = _day(shipment.get("estimatedDeliveryDate"), "estimatedDeliveryDate")
        told[waybill_of(shipment)] = Tracked(_steps(shipment, offset), expected)
        told |= {_text(piece, "trackingNumber"): Tracked(_steps(piece, offset), expected) for piece in _rows(shipment, "pieces", ())}
    return told


def _steps(part: Doc, offset: str) -> tuple[Step, ...]:
    return tuple(sorted((_step(event, offset) for event in _rows(part, "events", ())), key=lambda step: step.at))


def _step(event: Doc, offset: str) -> Step:
    code = _text(event, "typeCode")
    town, country = _area(event)
    progress = PROGRESS.get(code, Progress.UNKNOWN)
    return Step(_at(event, offset), progress, code, _said(_text(event, "description", ""), progress), town, country)


def _said(words: str, progress: Progress) -> str:
    """DHL's words. What follows the colon of a delivery is who signed for it, and not for us to keep."""
    return words.partition(" : ")[0].strip() if progress is Progress.DELIVERED else words.strip()


def _at(event: Doc, offset: str) -> datetime:
    try:
        return as_datetime(f"{_text(event, 'date')}T{_text(event, 'time')}{_text(event, 'GMTOffset', offset)}")
    except ValueError:
        raise BadPayload("dhl: date, time or GMTOffset of an event cannot be read") from None


def _area(event: Doc) -> tuple[str, str]:
    """Town and country of "LEIPZIG-DE"; the country stays empty where it is not two letters ("PRAGUE-CZECH REPUBLIC, THE")."""
    areas = _rows(event, "serviceArea", ())
    said = _text(areas[0], "description", "") if areas else ""
    town, dash, country = said.rpartition("-")
    if not dash:
        return said.strip(), ""
    country = country.strip()
    return town.strip(), country if len(country) == 2 and country.isupper() else ""


# ---- addresses


def checked(said: Doc, asked: Address) -> Checked:
    """Whether DHL goes there: it knows postal codes and towns, no streets."""
    places = [(_ident(one, "postalCode"), _text(one, "cityName", "")) for one in _rows(said, "address", ())]
    words = _words(said)
    if not places:
        return Checked(Verdict.UNKNOWN, words=words)
    if any(_alike(place, asked) for place in places):
        return Checked(Verdict.GOOD, words=words)
    better = tuple(_moved(asked, *place) for place in dict.fromkeys(places))
    return Checked(Verdict.CORRECTED if len(better) == 1 else Verdict.AMBIGUOUS, better, words=words)


def _alike(place: tuple[str, str], asked: Address) -> bool:
    postcode, city = place
    return _bare(postcode) == _bare(asked.postcode) and _bare(city) in ("", _bare(asked.city))


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _moved(asked: Address, postcode: str, city: str) -> Address:
    lines = (asked.name, asked.company, asked.street1, asked.street2, asked.street3)
    return Address(*lines, city or asked.city, asked.region, postcode, asked.country, asked.phone, asked.email)


# ---- the driver


def agreed(said: Doc) -> Agreed:
    told = said.get("dispatchConfirmationNumbers")
    if not isinstance(told, list) or not told or not all(isinstance(one, str) and one for one in told):
        raise BadPayload("dhl: dispatchConfirmationNumbers is missing or no list of texts")
    return Agreed(told[0], {"numbers": told}, words=_words(said))


# ---- fields


def _text(of: Doc, name: str, otherwise: str | None = None) -> str:
    value = of.get(name)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, str) or (not value and otherwise is None):
        raise BadPayload(f"dhl: {name} is missing or no text")
    return value


def _ident(of: Doc, name: str) -> str:
    """A text, or a number that stands for one (postal codes come as both, seen 2026-06)."""
    value = of.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(of, name)


def _whole(of: Doc, name: str, otherwise: int) -> int:
    value = of.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadPayload(f"dhl: {name} is no whole number")
    return value


def _rows(of: Doc, name: str, otherwise: Sequence[Doc] | None = None) -> Sequence[Doc]:
    value = of.get(name)
    if value is None and otherwise is not None:
        return otherwise
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadPayload(f"dhl: {name} is missing or no list of objects")
    return value


def _dict(of: Doc, name: str) -> Doc:
    value = of.get(name)
    if value is not None and not isinstance(value, dict):
        raise BadPayload(f"dhl: {name} is no object")
    return value or {}


def _money(of: Doc, name: str, currency: str) -> Money:
    value = of.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadPayload(f"dhl: {name} is missing or no number")
    try:
        return Money.parse(value, currency)
    except ValueError:
        raise BadPayload(f"dhl: {name} is no amount of its currency") from None


def _day(value: object, name: str) -> date | None:
    """The day of a local moment ("2026-11-20T23:59:00"); None where there is none."""
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadPayload(f"dhl: {name} is no day") from None


def _words(said: Doc) -> str:
    """DHL's warnings."""
    told = said.get("warnings") or ()
    if not isinstance(told, list | tuple) or not all(isinstance(one, str) for one in told):
        raise BadPayload("dhl: warnings is no list of texts")
    return "; ".join(told)
