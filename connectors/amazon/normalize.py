"""An Amazon order (Orders API 2026-01-01) as ours. Pure; raises BadPayload, which names the field and holds no value of a person."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.amazon import money
from connectors.amazon.money import Amounts, Reading
from connectors.amazon.read import (
    NOTHING,
    Unreadable,
    currency_of,
    items,
    maybe_items,
    maybe_part,
    maybe_text,
    maybe_time,
    maybe_units,
    minor,
    part,
    text,
    time,
    units,
    words,
)
from connectors.amazon.tables import MARKETPLACES
from connectors.http import read_json
from core.domain.money import Money
from core.domain.order import (
    Address,
    Charge,
    Discount,
    FulfillmentStatus,
    Line,
    Order,
    Party,
    Payment,
    PaymentStatus,
    Person,
    Shipped,
    ShippedLine,
    Shipping,
    Tax,
    TaxMode,
)
from core.errors import BadPayload

NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved
WRAPPERS = ("payload", "body", "response")
NOBODY = Person()
STRANGERS = dict.fromkeys(("AmazonOrderId", "Orders", "OrderItems"), "is of Orders API v0: read the order with 2026-01-01")
STRANGERS |= {"NotificationType": "is of a notice: fetch the order that it names"}

PAYMENTS: dict[str, PaymentStatus] = {
    "PENDING_AVAILABILITY": PaymentStatus.UNPAID,
    "PENDING": PaymentStatus.UNPAID,
    "UNSHIPPED": PaymentStatus.PAID,
    "PARTIALLY_SHIPPED": PaymentStatus.PAID,
    "SHIPPED": PaymentStatus.PAID,
    "CANCELLED": PaymentStatus.VOIDED,
    "UNFULFILLABLE": PaymentStatus.UNKNOWN,
}
FULFILLMENTS: dict[str, FulfillmentStatus] = {
    "PENDING_AVAILABILITY": FulfillmentStatus.SCHEDULED,
    "PENDING": FulfillmentStatus.UNFULFILLED,
    "UNSHIPPED": FulfillmentStatus.UNFULFILLED,
    "PARTIALLY_SHIPPED": FulfillmentStatus.PARTIALLY_FULFILLED,
    "SHIPPED": FulfillmentStatus.FULFILLED,
    "CANCELLED": FulfillmentStatus.CANCELLED,
    "UNFULFILLABLE": FulfillmentStatus.ON_HOLD,
}
PARTIES = {"MERCHANT": Party.MERCHANT, "AMAZON": Party.CHANNEL}
LEFT = {"PENDING": False, "CANCELLED": False, "IN_TRANSIT": True, "SHIPPED": True, "DELIVERED": True, "UNDELIVERABLE": True}
PENDING = frozenset(["PENDING_AVAILABILITY", "PENDING"])
UNPRICED = PENDING | {"CANCELLED", "UNFULFILLABLE"}  # amounts are absent there, not zero
ON_THE_WAY = frozenset(["PARTIALLY_SHIPPED", "SHIPPED"])


def order(body: bytes, connection: str) -> Order:
    """The one order in `body`: bare, or in the envelope of getOrder. Raises BadPayload."""
    found = _inside(read_json(body))
    if len(found) != 1:
        raise BadPayload(f"amazon order: the document holds {len(found)} orders", connection=connection)
    return _read(found[0], connection)


def orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    """Each order of the document, or why it cannot be read."""
    for found in _inside(document):
        try:
            yield _read(found, connection)
        except BadPayload as error:
            yield error


def _inside(document: Any) -> Sequence[Any]:
    """What {orders} or {order} hold, with wrappers and {data} around them or not; anything else is taken for a bare order."""
    for names in (WRAPPERS, WRAPPERS, ("data",), ()):  # v0 brings a wrapper of its own, and is to be refused by name
        if not isinstance(document, dict) or "orderId" in document:
            break
        if "orders" in document:
            return document["orders"] if isinstance(document["orders"], list) else [document["orders"]]
        if "order" in document:
            return [document["order"]]
        document = next((document[name] for name in names if isinstance(document.get(name), dict)), document)
    return [document]


def _read(document: Any, connection: str) -> Order:
    try:
        return _order(_checked(document), connection)
    except KeyError as error:
        raise BadPayload(f"amazon order: {error.args[0]} is missing", connection=connection) from None
    except Unreadable as error:
        raise BadPayload(f"amazon order: {error}", connection=connection) from None
    except (TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadPayload(f"amazon order: not understood ({type(error).__name__})", connection=connection) from None


def _checked(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise Unreadable("an order is an object")
    if "orderId" not in document and (stranger := next((name for name in STRANGERS if name in document), None)):
        raise Unreadable(f"{stranger} {STRANGERS[stranger]}")
    return document


@dataclass(slots=True)
class _Item:
    """One order item as first read: its counts and amounts, before anybody knows how taxes are meant."""

    id: str
    raw: Mapping[str, Any]
    ordered: int
    fulfilled: int
    cancelled: int
    asked: bool  # the buyer wants it cancelled and nobody has decided
    amounts: Amounts
    notes: tuple[str, ...]


def _order(document: Mapping[str, Any], connection: str) -> Order:
    id_, sales, fulfillment = text(document, "orderId"), part(document, "salesChannel"), part(document, "fulfillment")
    status, programs = text(fulfillment, "fulfillmentStatus"), words(document, "programs")
    party, party_notes = _party(fulfillment)
    proceeds, replaced = maybe_part(document, "proceeds"), _replaced(document)
    free = status in UNPRICED or replaced is not None or text(sales, "channelName") != "AMAZON"
    currency, currency_notes = _currency(document, proceeds, sales, free=free)
    found = [_item(item, status, currency, free=free) for item in items(document, "orderItems")]
    if len({item.id for item in found}) < len(found):
        raise Unreadable("orderItemId of orderItems is the same twice")
    read = _reading(proceeds, [item.amounts for item in found], currency)
    service, window = maybe_text(fulfillment, "fulfillmentServiceLevel"), maybe_part(fulfillment, "shipByWindow")
    return Order(
        channel="amazon",
        connection=connection,
        id=id_,
        name=id_,
        revision=time(document, "lastUpdatedTime"),
        placed_at=time(document, "createdTime"),
        currency=currency,
        total=Money(read.total, currency),
        tax_mode=read.mode,
        lines=tuple([_line(item, read, currency, party) for item in found]),
        payment_status=PAYMENTS.get(status, PaymentStatus.UNKNOWN),
        presentment_currency=currency,
        shipping=tuple([_shipping(item, read, currency, service) for item in found if _has_shipping(item.amounts)]),
        fees=_some(sum([item.amounts.fees for item in found]), currency),
        tips=_some(read.tips, currency),
        party=party,
        fulfillment_said=FULFILLMENTS.get(status, FulfillmentStatus.UNKNOWN),
        shipped=_packages(document),
        cancelled=status == "CANCELLED",
        cancel_reason=_cancel_reason(found),
        cancel_requested=any(item.asked for item in found),
        on_hold=status == "UNFULFILLABLE",
        b2b="AMAZON_BUSINESS" in programs,
        marketplace=maybe_text(sales, "marketplaceId"),
        source=text(sales, "channelName"),
        seller_ref=_alias(document),
        replacement_of=replaced,
        service=service,
        ship_by=maybe_time(window, "latestDateTime"),
        deliver_by=maybe_time(maybe_part(fulfillment, "deliverByWindow"), "latestDateTime"),
        customs_number=_customs_number(found),
        programs=programs,
        said=(("fulfillmentStatus", status), ("fulfilledBy", text(fulfillment, "fulfilledBy"))),
        notes=_status_notes(status) + party_notes + currency_notes + read.notes + tuple([note for item in found for note in item.notes]),
        person=_person(document, found),
        payments=_payments(document),
    )


def _some(amount: int, currency: str) -> Money | None:
    return Money(amount, currency) if amount else None


def _status_notes(status: str) -> tuple[str, ...]:
    return () if status in PAYMENTS else (f"status: {status[:40]} is not known",)


def _party(fulfillment: Mapping[str, Any]) -> tuple[Party, tuple[str, ...]]:
    """Who ships. Somebody we do not know is not us."""
    said = text(fulfillment, "fulfilledBy")
    party = PARTIES.get(said)
    return (party, ()) if party else (Party.OTHER, (f"party: fulfilledBy {said[:40]} is not known",))


def _currency(
    document: Mapping[str, Any], proceeds: Mapping[str, Any], sales: Mapping[str, Any], *, free: bool
) -> tuple[str, tuple[str, ...]]:
    """The total's currency; where an order has no amounts yet, that of a unit price or of its marketplace."""
    if proceeds.get("grandTotal") is not None:
        return currency_of(proceeds, "grandTotal"), ()
    if not free:
        raise Unreadable("proceeds.grandTotal is missing, and neither fulfillmentStatus, channelName nor associatedOrders explain it")
    marketplace = MARKETPLACES.get(maybe_text(sales, "marketplaceId"))
    if known := money.currency_by_price(document) or (marketplace and marketplace.currency):
        return known, ()
    return NO_CURRENCY, ("currency: no amounts, and the marketplace is not known",)


def _reading(proceeds: Mapping[str, Any], parts: Sequence[Amounts], currency: str) -> Reading:
    if proceeds.get("grandTotal") is None:
        return Reading(0, TaxMode.UNKNOWN, included=False)
    return money.reading(proceeds, parts, currency)


def _replaced(document: Mapping[str, Any]) -> str | None:
    found = [text(other, "orderId") for other in maybe_items(document, "associatedOrders")]
    return found[0] if found else None


def _alias(document: Mapping[str, Any]) -> str | None:
    aliases = maybe_items(document, "orderAliases")
    return next((text(alias, "aliasId") for alias in aliases if alias.get("aliasType") == "SELLER_ORDER_ID"), None)


def _item(item: Mapping[str, Any], status: str, currency: str, *, free: bool) -> _Item:
    id_, ordered = text(item, "orderItemId"), units(item, "quantityOrdered")
    cancellation = maybe_part(item, "cancellation")
    executed = bool(maybe_part(cancellation, "cancellationExecution"))
    fulfilled, cancelled, notes = _counts(maybe_part(item, "fulfillment"), status, ordered, executed=executed)
    free = free or cancelled >= ordered
    if not free and not item.get("proceeds"):
        raise Unreadable("proceeds is missing on an item of a priced order")
    return _Item(
        id=id_,
        raw=item,
        ordered=ordered,
        fulfilled=fulfilled,
        cancelled=cancelled,
        asked=bool(maybe_part(cancellation, "cancellationRequest")) and not executed and cancelled + fulfilled < ordered,
        amounts=money.amounts(item, currency),
        notes=tuple([f"quantity: item {id_[:40]} {note}" for note in notes]),
    )


def _counts(told: Mapping[str, Any], status: str, ordered: int, *, executed: bool) -> tuple[int, int, list[str]]:
    """Units fulfilled and cancelled, and what is odd about them."""
    said, left = maybe_units(told, "quantityFulfilled"), maybe_units(told, "quantityUnfulfilled")
    fulfilled = said if said is not None else ordered if status == "SHIPPED" and not executed else 0
    notes = ["does not say how many were shipped"] if said is None and status not in UNPRICED | {"SHIPPED", "UNSHIPPED"} else []
    rest = max(0, ordered - fulfilled)
    if status == "CANCELLED":
        return fulfilled, rest, notes
    gap = 0 if left is None or status in PENDING else max(0, rest - left)
    if executed:
        return fulfilled, gap or rest, notes
    if gap:
        notes.append(f"has {gap} units neither shipped nor left to ship")
    return fulfilled, gap if status in ON_THE_WAY else 0, notes


def _line(item: _Item, read: Reading, currency: str, party: Party) -> Line:
    product = part(item.raw, "product")
    listing, sku = maybe_text(product, "asin") or None, maybe_text(product, "sellerSku") or None
    if not listing and not sku:
        raise Unreadable("product has neither asin nor sellerSku")
    return Line(
        id=item.id,
        listing=listing,
        sku=sku,
        title=maybe_text(product, "title"),
        ordered=item.ordered,
        charge=_charge(item, read, currency),
        cancelled=item.cancelled,
        fulfilled=item.fulfilled,
        party=party,
    )


TITLES = {"goods": "tax", "wrap": "gift wrap tax", "cod": "cash on delivery tax", "shipping": "shipping tax"}


def _charge(item: _Item, read: Reading, currency: str) -> Charge:
    """The goods; tax on gift wrap and cash on delivery stands here too, since fees carry none."""
    found = item.amounts
    names = [name for name, amount in found.taxes.items() if amount and name != "shipping"]
    discounts = _discounts(found.goods_off, currency, _promotions(item.raw))
    return Charge(Money(found.goods, currency), discounts, tuple([_tax(found, name, read, currency) for name in names]))


def _tax(found: Amounts, name: str, read: Reading, currency: str) -> Tax:
    return Tax(TITLES[name], Money(found.taxes[name], currency), read.included, found.liable, scheme=found.scheme)


def _promotions(item: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (maybe_text(entry, "promotionId") for entry in maybe_items(maybe_part(item, "promotion"), "breakdowns"))))


def _discounts(amount: int, currency: str, title: str) -> tuple[Discount, ...]:
    return (Discount(Money(amount, currency), "promotion", title),) if amount else ()


def _has_shipping(found: Amounts) -> bool:
    return bool(found.shipping or found.shipping_off or found.taxes.get("shipping"))


def _shipping(item: _Item, read: Reading, currency: str, service: str) -> Shipping:
    found = item.amounts
    taxes = (_tax(found, "shipping", read, currency),) if found.taxes.get("shipping") else ()
    charge = Charge(Money(found.shipping, currency), _discounts(found.shipping_off, currency, ""), taxes)
    return Shipping(id=item.id, title=service or "Shipping", charge=charge, code=service or None)


def _packages(document: Mapping[str, Any]) -> tuple[Shipped, ...]:
    return tuple([_package(entry) for entry in maybe_items(document, "packages") if _left(entry)])


def _left(package: Mapping[str, Any]) -> bool:
    """Whether the parcel is on its way; where its status does not tell, its ship time does."""
    status = maybe_text(maybe_part(package, "packageStatus"), "status")
    return LEFT.get(status, bool(package.get("shipTime")))


def _package(package: Mapping[str, Any]) -> Shipped:
    tracking = maybe_text(package, "trackingNumber")
    lines = [ShippedLine(text(entry, "orderItemId"), units(entry, "quantity")) for entry in maybe_items(package, "packageItems")]
    return Shipped(
        id=text(package, "packageReferenceId"),
        at=maybe_time(package, "shipTime"),
        lines=tuple(lines),
        tracking=(tracking,) if tracking else (),
    )


def wish(document: Mapping[str, Any]) -> str:
    """Why the buyer wants it cancelled, in their words; of an order that can be read."""
    asked = (maybe_part(maybe_part(item, "cancellation"), "cancellationRequest") for item in items(document, "orderItems"))
    return next((said for one in asked if (said := maybe_text(one, "cancelReason"))), "")


def _cancel_reason(found: Sequence[_Item]) -> str:
    executions = (maybe_part(maybe_part(item.raw, "cancellation"), "cancellationExecution") for item in found)
    reasons = (maybe_text(execution, "cancelReason") or maybe_text(execution, "cancelledBy") for execution in executions)
    return next(filter(None, reasons), "")


def _customs_number(found: Sequence[_Item]) -> str | None:
    shippings = (maybe_part(maybe_part(item.raw, "fulfillment"), "shipping") for item in found)
    numbers = (maybe_text(maybe_part(shipping, "internationalShipping"), "iossNumber") for shipping in shippings)
    return next(filter(None, numbers), None)


def _payments(document: Mapping[str, Any]) -> tuple[Payment, ...] | None:
    """What Amazon charged, where it tells; None where payment was not read."""
    if document.get("payment") is None:
        return None
    executions = maybe_items(part(document, "payment"), "paymentExecutions")
    return tuple([_payment(str(index), entry) for index, entry in enumerate(executions) if entry.get("paymentAmount")])


def _payment(id_: str, entry: Mapping[str, Any]) -> Payment:
    currency = currency_of(entry, "paymentAmount")
    amount = Money(minor(entry, "paymentAmount", currency), currency)
    return Payment(id_, "payment", "executed", amount, gateway=maybe_text(entry, "paymentMethod"))


def _person(document: Mapping[str, Any], found: Sequence[_Item]) -> Person | None:
    """Everything about the buyer that our roles may see; None where there is nothing."""
    buyer, recipient, tax = maybe_part(document, "buyer"), maybe_part(document, "recipient"), _registration(document)
    email, ship_to = maybe_text(buyer, "buyerEmail"), maybe_part(recipient, "deliveryAddress")
    bill_to = maybe_part(tax, "taxRegistrationAddress")
    person = Person(
        name=maybe_text(buyer, "buyerName"),
        email=email,
        phone=maybe_text(ship_to, "phone"),
        channel_id=hashlib.sha256(email.lower().encode()).hexdigest()[:32] if email else "",
        ship_to=_address(ship_to, email) if ship_to else None,
        bill_to=_address(bill_to, email) if bill_to else None,
        note=_delivery_note(maybe_part(recipient, "deliveryPreference")),
        gift_message="\n".join(filter(None, [_gift_message(item.raw) for item in found])),
        tax_id=maybe_text(tax, "taxRegistrationNumber"),
    )
    return person if person != NOBODY else None


def _registration(document: Mapping[str, Any]) -> Mapping[str, Any]:
    entries = maybe_items(maybe_part(document, "tax"), "taxRegistrations")
    return next((entry for entry in entries if entry.get("entityType") == "BUYER"), NOTHING)


def _address(address: Mapping[str, Any], email: str) -> Address:
    return Address(
        name=maybe_text(address, "name"),
        company=maybe_text(address, "companyName"),
        street1=maybe_text(address, "addressLine1"),
        street2=maybe_text(address, "addressLine2"),
        street3=maybe_text(address, "addressLine3"),
        city=maybe_text(address, "city") or maybe_text(address, "municipality"),
        region=maybe_text(address, "stateOrRegion") or maybe_text(address, "districtOrCounty"),
        postcode=maybe_text(address, "postalCode"),
        country=maybe_text(address, "countryCode"),
        phone=maybe_text(address, "phone"),
        email=email,
    )


def _delivery_note(preference: Mapping[str, Any]) -> str:
    return "\n".join(filter(None, (maybe_text(preference, "dropOffLocation"), maybe_text(preference, "addressInstruction"))))


def _gift_message(item: Mapping[str, Any]) -> str:
    packing = maybe_part(maybe_part(item, "fulfillment"), "packing")
    return maybe_text(maybe_part(packing, "giftOption"), "giftMessage")
