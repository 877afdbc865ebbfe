"""Bogus' order documents in our words. Pure. A document is one flat JSON object; `channel.document` writes one.

Amounts are text for the whole line, in the order's currency; `taxes_included` says whether `tax` is inside `gross`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from connectors.http import as_datetime, ident, read_json
from core.domain.money import Money
from core.domain.order import (
    Address,
    Assignment,
    Charge,
    Discount,
    FulfillmentStatus,
    Liable,
    Line,
    Order,
    Payment,
    PaymentStatus,
    Person,
    Refund,
    RefundLine,
    Restock,
    Shipped,
    ShippedLine,
    Shipping,
    Tax,
    TaxMode,
)
from core.errors import BadPayload

T = TypeVar("T")
PAYMENT = {status.value: status for status in PaymentStatus}
FULFILLMENT = {status.value: status for status in FulfillmentStatus}
RESTOCK = {kind.value: kind for kind in Restock}
ADDRESS = ("name", "street1", "city", "postcode", "country")
WRAPPERS = ("payload", "body", "response", "data", "order")


def order(body: bytes, connection: str, channel: str = "bogus") -> Order:
    """The order in this JSON document. Raises BadPayload, which names the field."""
    return _refusing(read_json(body), connection, channel)


def orders(document: Any, connection: str, channel: str = "bogus") -> Iterator[Order | BadPayload]:
    """Every order of a parsed document: a bare one, {order}, {orders}, with or without a wrapper."""
    for item in _bare(document):
        try:
            yield _refusing(item, connection, channel)
        except BadPayload as error:
            yield error


def _bare(document: Any) -> list[Any]:
    while isinstance(document, dict) and (key := next((key for key in WRAPPERS if isinstance(document.get(key), dict)), None)):
        document = document[key]
    found = document.get("orders", [document]) if isinstance(document, dict) else [document]
    return found if isinstance(found, list) else [found]


def _refusing(document: Any, connection: str, channel: str) -> Order:
    if not isinstance(document, dict):
        raise BadPayload("bogus order: not an object", connection=connection)
    try:
        return _order(document, connection, channel)
    except KeyError as error:
        raise BadPayload(f"bogus order: {error.args[0]} is missing", connection=connection) from None
    except (TypeError, ValueError) as error:
        raise BadPayload(f"bogus order: {error}", connection=connection) from None


def _order(document: Mapping[str, Any], connection: str, channel: str) -> Order:
    currency, included = _of(document, "currency", str), _of(document, "taxes_included", bool)
    taxed = TaxMode.INCLUSIVE if included else TaxMode.EXCLUSIVE
    lines = tuple(_line(line, currency, included) for line in _rows(document, "lines"))
    notes: list[str] = []
    return Order(
        channel=channel,
        connection=connection,
        id=_of(document, "id", str),
        name=_of(document, "name", str),
        revision=_time(document, "updated_at"),
        placed_at=_time(document, "placed_at"),
        currency=currency,
        presentment_currency=currency,
        total=_money(document, "total", currency),
        tax_mode=taxed if any(line.charge.taxes for line in lines) else TaxMode.NONE,
        lines=lines,
        shipping=tuple(_shipping(line, currency, included) for line in _rows(document, "shipping")),
        refunds=tuple(_refund(refund, currency) for refund in _rows(document, "refunds")),
        shipped=tuple(_parcel(parcel) for parcel in document.get("shipped") or ()),
        payment_status=_status(document, "payment", PAYMENT, PaymentStatus.UNKNOWN, notes),
        fulfillment_said=_status(document, "fulfillment", FULFILLMENT, FulfillmentStatus.UNKNOWN, notes),
        cancelled_at=None if document["cancelled_at"] is None else _time(document, "cancelled_at"),
        cancel_requested=_of(document, "cancel_requested", bool),
        test=_of(document, "test", bool),
        payments=_payments(document, currency),
        on_delivery=document.get("on_delivery") is True,
        source=document.get("source") or channel,
        source_id=document.get("source_id") or None,
        deliver_by=_time(document, "deliver_by") if "deliver_by" in document else None,
        due_at=_time(document, "due_at") if "due_at" in document else None,
        notes=tuple(notes),
        person=_person(document),
        programs=tuple(document.get("programs") or ()),
        routing=tuple(_assignment(one) for one in _rows(document, "routing")) if "routing" in document else None,
    )


def _payments(document: Mapping[str, Any], currency: str) -> tuple[Payment, ...] | None:
    """What each gateway took and gave back, or what the buyer authorized, and what was captured of it; None: nobody says."""
    if "paid_by" in document:
        return tuple(_paid_by(n, one, currency) for n, one in enumerate(_rows(document, "paid_by"), 1))
    if "authorized" not in document:
        return None
    promised = _of(document, "authorized", dict)
    until = _time(promised, "until") if promised.get("until") else None
    first = Payment("A1", "authorization", "success", _money(promised, "amount", currency), until=until)
    taken = [_money(one, "amount", currency) for one in document.get("captures") or ()]
    return (first, *(Payment(f"C{n}", "capture", "success", amount, parent="A1") for n, amount in enumerate(taken, 1)))


def _paid_by(n: int, one: Mapping[str, Any], currency: str) -> Payment:
    kind = _of(one, "kind", str) if "kind" in one else "sale"
    return Payment(f"G{n}", kind, "success", _money(one, "amount", currency), _of(one, "gateway", str), _time(one, "at"))


def _assignment(one: Mapping[str, Any]) -> Assignment:
    """Which place sends what, and who that is; until the channel says it, it is not known."""
    lines = tuple(ShippedLine(line, units) for line, units in _of(one, "lines", dict).items())
    return Assignment(_of(one, "place", str), "open", _of(one, "place", str), lines, method=one.get("method", ""))


def _line(line: Mapping[str, Any], currency: str, included: bool) -> Line:
    return Line(
        id=_of(line, "id", str),
        listing=_id(line, "listing"),
        sku=_id(line, "sku"),
        title=_of(line, "title", str),
        ordered=_of(line, "quantity", int),
        cancelled=_of(line, "cancelled", int),
        lost=_of(line, "lost", int),
        fulfilled=_of(line, "fulfilled", int),
        returned=_of(line, "returned", int),
        requires_shipping=_of(line, "requires_shipping", bool),
        gift_card=line.get("gift_card") is True,
        charge=_charge(line, currency, included),
    )


def _charge(part: Mapping[str, Any], currency: str, included: bool) -> Charge:
    discount, tax = _money(part, "discount", currency), _money(part, "tax", currency)
    return Charge(
        gross=_money(part, "gross", currency),
        discounts=(Discount(discount),) if discount else (),
        taxes=(Tax("tax", tax, included, Liable(part.get("liable", "seller"))),) if tax else (),
    )


def _shipping(line: Mapping[str, Any], currency: str, included: bool) -> Shipping:
    return Shipping(_of(line, "id", str), _of(line, "title", str), _charge(line, currency, included))


def _refund(refund: Mapping[str, Any], currency: str) -> Refund:
    lines = tuple(_refund_line(line, currency) for line in _rows(refund, "lines"))
    return Refund(_of(refund, "id", str), _time(refund, "at"), _money(refund, "total", currency), lines)


def _parcel(parcel: Mapping[str, Any]) -> Shipped:
    """Bogus tells of parcels only where somebody asked it to."""
    lines = tuple(ShippedLine(_of(line, "line", str), _of(line, "quantity", int)) for line in _rows(parcel, "lines"))
    place, tracking = _id(parcel, "place") if "place" in parcel else None, parcel.get("tracking") or ()
    return Shipped(_of(parcel, "id", str), _time(parcel, "at"), lines, place, tuple(tracking))


def _refund_line(line: Mapping[str, Any], currency: str) -> RefundLine:
    """What it was worth Bogus tells only where somebody asked it to."""
    restock, place = RESTOCK.get(_of(line, "restock", str), Restock.UNKNOWN), _id(line, "place") if "place" in line else None
    worth = [_money(line, name, currency) if name in line else None for name in ("subtotal", "tax")]
    return RefundLine(_of(line, "line", str), _of(line, "quantity", int), restock, place, *worth)


def _person(document: Mapping[str, Any]) -> Person | None:
    """The buyer is truly optional: cash sales have none."""
    if document.get("ship_to") is None:
        return None
    there = _of(document, "ship_to", dict)
    return Person(
        email=document.get("email") or "",
        ship_to=Address(**{key: _of(there, key, str) for key in ("name", "street1", "city", "postcode", "country") if key in there}),
    )


def _status(document: Mapping[str, Any], key: str, table: Mapping[str, T], unknown: T, notes: list[str]) -> T:
    word = _of(document, key, str)
    if word not in table:
        notes.append(f"status: {key} {word!r} is unknown")
    return table.get(word, unknown)


def _of(document: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """What stands under `key`, of exactly this type: True is no number here."""
    value = document[key]
    if type(value) is not kind:
        raise TypeError(f"{key} is not {kind.__name__}")
    return value


def _rows(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = _of(document, key, list)
    if not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{key} holds something that is no object")
    return rows


def _money(document: Mapping[str, Any], key: str, currency: str) -> Money:
    amount = document[key]
    try:
        return Money.parse(amount, currency)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key}: {error} (currency {currency})") from None


def _time(document: Mapping[str, Any], key: str) -> datetime:
    text = document[key]
    try:
        return as_datetime(text)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{key} is not a time with a zone") from None


def _id(document: Mapping[str, Any], key: str) -> str | None:
    value = document[key]
    try:
        return ident(value)
    except TypeError:
        raise TypeError(f"{key} is not an id") from None
