"""Shopify's order in our vocabulary, from the webhook body and from the GraphQL read alike. Pure; raises only BadPayload."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

import msgspec

from connectors.http import read_json
from connectors.shopify import doors, shapes
from core.domain.money import Money, total
from core.domain.order import (
    Address,
    Charge,
    Discount,
    FulfillmentStatus,
    Liable,
    Line,
    Order,
    Party,
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

PAYMENT = {
    "pending": PaymentStatus.UNPAID,
    "authorized": PaymentStatus.AUTHORIZED,
    "partially_paid": PaymentStatus.PARTIALLY_PAID,
    "paid": PaymentStatus.PAID,
    "partially_refunded": PaymentStatus.PARTIALLY_REFUNDED,
    "refunded": PaymentStatus.REFUNDED,
    "voided": PaymentStatus.VOIDED,
    "expired": PaymentStatus.EXPIRED,
}

# Both doors' words. A webhook knows only null, partial, fulfilled and restocked; that an order waits is told by GraphQL alone.
FULFILLMENT = {
    None: FulfillmentStatus.UNFULFILLED,
    "unfulfilled": FulfillmentStatus.UNFULFILLED,
    "open": FulfillmentStatus.UNFULFILLED,
    "restocked": FulfillmentStatus.UNFULFILLED,
    "request_declined": FulfillmentStatus.UNFULFILLED,
    "fulfillment_not_required": FulfillmentStatus.UNFULFILLED,  # new in 2026-10; the quantities say the same in both doors
    "partial": FulfillmentStatus.PARTIALLY_FULFILLED,
    "partially_fulfilled": FulfillmentStatus.PARTIALLY_FULFILLED,
    "fulfilled": FulfillmentStatus.FULFILLED,
    "scheduled": FulfillmentStatus.SCHEDULED,
    "on_hold": FulfillmentStatus.ON_HOLD,
    "in_progress": FulfillmentStatus.IN_PROGRESS,
    "pending_fulfillment": FulfillmentStatus.IN_PROGRESS,
}

ON_DELIVERY = ("cash on delivery (cod)", "cash on delivery", "cash_on_delivery")  # how the gateway is called (schema texts, 2026-10) ‡
RESTOCK = {"return": Restock.RETURN, "cancel": Restock.CANCEL, "no_restock": Restock.NONE}  # legacy_restock does not tell
DISCOUNT = {"discount_code": "code", "automatic": "automatic", "manual": "manual", "script": "script"}
PARCEL = frozenset(["success", "open", "pending", "cancelled", "error", "failure"])  # only a success has left
LIABLE = {True: Liable.MARKETPLACE, False: Liable.SELLER, None: Liable.SELLER}
MODE = {True: TaxMode.INCLUSIVE, False: TaxMode.EXCLUSIVE}
GRAPHQL = ("currencyCode", "lineItems", "totalPriceSet", "updatedAt")
GRAPHQL_NAMES = {"admin_graphql_api_id": "id", "currency": "currencyCode", "presentment_currency": "presentmentCurrencyCode"}
ENVELOPES = ("payload", "body", "response")

_webhook = msgspec.json.Decoder(shapes.Order)
_fetched = msgspec.json.Decoder(shapes.GDocument)
_broken = (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError, ArithmeticError)


@lru_cache(8192, typed=True)
def _parse(amount: str, currency: str) -> Money:
    return Money.parse(amount, currency)


@lru_cache(512, typed=True)
def _rate(rate: Decimal | None) -> str | None:
    return None if rate is None else format(rate.normalize(), "f")


def _amount(text: str, currency: str, field: str) -> Money:
    try:
        return _parse(text, currency)
    except ValueError as error:
        raise BadPayload(f"{field}: {error}") from None


@dataclass(slots=True)
class _View:
    """One of the order's two currencies, and how it reads amounts."""

    currency: str
    shop: bool
    included: bool
    sources: Sequence[tuple[str, str]]

    def money(self, bag: shapes.Bag, field: str) -> Money:
        cash = bag.shop_money if self.shop else bag.presentment_money
        if cash.currency_code != self.currency:
            raise BadPayload(f"{field}.currency_code: not {self.currency}, the order's own")
        return _amount(cash.amount, self.currency, field)

    def maybe(self, bag: shapes.Bag | None, field: str) -> Money | None:
        return None if bag is None else self.money(bag, field)

    def _discount(self, part: shapes.Allocation) -> Discount:
        at = part.discount_application_index
        kind, title = self.sources[at] if 0 <= at < len(self.sources) else ("unknown", "")
        return Discount(self.money(part.amount_set, "discount_allocations[].amount_set"), kind, title)

    def _tax(self, tax: shapes.TaxLine) -> Tax:
        amount = self.money(tax.price_set, "tax_lines[].price_set")
        return Tax(tax.title or "", amount, self.included, LIABLE[tax.channel_liable], _rate(tax.rate))

    def charge(self, line: shapes.LineItem | shapes.ShippingLine, quantity: int, field: str) -> Charge:
        return Charge(
            self.money(line.price_set, field) * quantity,
            tuple([self._discount(part) for part in line.discount_allocations]),
            tuple([self._tax(tax) for tax in line.tax_lines]),
        )


@dataclass(slots=True)
class _Units:
    """What became of a line's units; `silent` are those that a refund without any transaction took off before shipping."""

    cancelled: int = 0
    lost: int = 0
    fulfilled: int = 0
    returned: int = 0
    removed: int = 0
    silent: int = 0


def _part(charge: Charge, kept: int, whole: int) -> Charge:
    """The charge for `kept` of `whole` units: allocations and taxes are shared by units, as Shopify tells them for all."""
    if kept == whole:
        return charge
    weights = [kept, whole - kept]
    return Charge(
        charge.gross.split(weights)[0],
        tuple(replace(one, amount=one.amount.split(weights)[0]) for one in charge.discounts),
        tuple(replace(one, amount=one.amount.split(weights)[0]) for one in charge.taxes),
    )


def _same(text: str, amount: Money, field: str) -> None:
    """Shopify tells the shop's amount twice; both must be readable and the same."""
    if _amount(text, amount.currency, field) != amount:
        raise BadPayload(f"{field}: differs from {field}_set")


def _number(named: shapes.Named, field: str) -> str:
    if named.gid is not None:
        return doors.digits(named.gid, "admin_graphql_api_id")
    if named.id is None:
        raise BadPayload(f"{field}: missing")
    return str(named.id)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


class _Reading:
    """One order being read: its views, what became of its units, and what could not be settled."""

    def __init__(self, told: shapes.Order) -> None:
        self.told = told
        self.notes: list[str] = []
        _amount("0", told.currency, "currency")
        _amount("0", told.presentment_currency, "presentment_currency")
        sources = [(DISCOUNT.get(one.type or "", "unknown"), one.code or one.title or "") for one in told.discount_applications]
        self.shop = _View(told.currency, True, told.taxes_included, sources)
        both = told.presentment_currency != told.currency
        self.buyer = _View(told.presentment_currency, False, told.taxes_included, sources) if both else None
        self.ids = [_number(line, "line_items[].id") for line in told.line_items]
        if len(set(self.ids)) < len(self.ids):
            raise BadPayload("line_items[].id: two lines have the same")
        self.by_number = {line.id: ident for line, ident in zip(told.line_items, self.ids, strict=True)}
        self.units = self._all_units()
        self._check_units()
        self.charges = self._whole(self.shop)

    # what left, what came back, what never left

    def line_of(self, item: shapes.RefundLineItem) -> str:
        """The id of the refunded line: by gid where it is told, else by the number, which may be rounded alike in both places."""
        if item.line_item is not None and item.line_item.gid is not None:
            return doors.digits(item.line_item.gid, "refund_line_items[].line_item.admin_graphql_api_id")
        return self.by_number.get(item.line_item_id, str(item.line_item_id))

    def _left(self) -> dict[str, int]:
        left = dict.fromkeys(self.ids, 0)
        for fulfillment in self.told.fulfillments:
            if fulfillment.status == "success":
                for item in fulfillment.line_items:
                    ident = _number(item, "fulfillments[].line_items[].id")
                    left[ident] = left.get(ident, 0) + item.quantity
        return left

    def _all_units(self) -> dict[str, _Units]:
        refunded: dict[str, list[tuple[shapes.RefundLineItem, bool]]] = {}
        for refund in self.told.refunds:
            for item in refund.refund_line_items:
                refunded.setdefault(self.line_of(item), []).append((item, not refund.transactions))
        left = self._left()
        return {
            ident: _count(line, left[ident], refunded.get(ident, ())) for ident, line in zip(self.ids, self.told.line_items, strict=True)
        }

    def _check_units(self) -> None:
        """Each number of them fits; the sum of many parcels or refunds may not."""
        if any(max(one.cancelled, one.fulfilled, one.returned) >= shapes.UNITS for one in self.units.values()):
            raise BadPayload("fulfillments or refunds: quantity: more units than can be")

    # money

    def _whole(self, view: _View) -> list[Charge]:
        return [view.charge(line, line.quantity, "line_items[].price_set") for line in self.told.line_items]

    def _kept(self) -> Iterator[list[int]]:
        """How many units of each line the total may hold, the likeliest first: without what an edit removed (Shopify's `total_price`
        is "before returns" and after edits); with it; without what a refund of no money took off, as edits show on some orders."""
        lines, units = self.told.line_items, [self.units[ident] for ident in self.ids]
        removed, silent = any(one.removed for one in units), any(one.silent for one in units)
        yield [line.quantity - one.removed for line, one in zip(lines, units, strict=True)]
        if silent:
            yield [max(0, line.quantity - one.removed - one.silent) for line, one in zip(lines, units, strict=True)]
        if removed:
            yield [line.quantity for line in lines]

    def _extras(self) -> Iterator[tuple[Money | None, Money | None, Money | None]]:
        """Duties, fees and tips that the total may hold: as they are now or were at first (a return lowers the first); a checkout's tip
        is a line already, a till's is not."""
        told, money = self.told, self.shop.maybe
        tips = _amount(told.total_tip_received, told.currency, "total_tip_received")
        duties = _choices(
            money(told.current_total_duties_set, "current_total_duties_set"),
            money(told.original_total_duties_set, "original_total_duties_set"),
        )
        fees = _choices(
            money(told.current_total_additional_fees_set, "current_total_additional_fees_set"),
            money(told.original_total_additional_fees_set, "original_total_additional_fees_set"),
        )
        return product([None] if told.duties_included else duties, fees, [tips, None] if tips else [None])

    def settle(self, total: Money, shipping: Sequence[Shipping]) -> tuple[list[int], tuple[Money | None, Money | None, Money | None]]:
        """The reading of the payload under which its parts add up to its total; the plain one where none does."""
        charges = self.charges
        carriage = sum(line.charge.payable.minor for line in shipping)
        allowed = max(1, len(charges) + len(shipping))
        readings = [(kept, extras) for kept in self._kept() for extras in self._extras()]
        for kept, extras in readings:
            goods = sum(
                _part(one, n, line.quantity).payable.minor for one, n, line in zip(charges, kept, self.told.line_items, strict=True)
            )
            if abs(total.minor - carriage - goods - sum(one.minor for one in extras if one)) <= allowed:
                return kept, extras
        return readings[0]

    def lines(self, kept: Sequence[int]) -> tuple[Line, ...]:
        theirs: Sequence[Charge | None] = self._whole(self.buyer) if self.buyer else [None] * len(self.ids)
        return tuple(map(self._line, self.told.line_items, self.ids, kept, self.charges, theirs))

    def _line(self, line: shapes.LineItem, ident: str, kept: int, charge: Charge, presented: Charge | None) -> Line:
        units = self.units[ident]
        _same(line.price, self.shop.money(line.price_set, "line_items[].price_set"), "line_items[].price")
        return Line(
            id=ident,
            listing=_text(line.variant_id),
            sku=line.sku or None,
            title=line.name or line.title,
            ordered=line.quantity,
            charge=_part(charge, kept, line.quantity),
            cancelled=units.cancelled,
            lost=units.lost,
            fulfilled=units.fulfilled,
            returned=units.returned,
            requires_shipping=line.requires_shipping,
            gift_card=line.gift_card,
            party=Party.MERCHANT if line.fulfillment_service in (None, "manual") else Party.OTHER,
            presented=presented and _part(presented, kept, line.quantity),
        )

    def shipping(self) -> tuple[Shipping, ...]:
        return tuple([self._shipping(line) for line in self.told.shipping_lines if not line.is_removed])

    def _shipping(self, line: shapes.ShippingLine) -> Shipping:
        charge = self.shop.charge(line, 1, "shipping_lines[].price_set")
        _same(line.price, charge.gross, "shipping_lines[].price")
        return Shipping(
            id=_text(line.id) or "",
            title=line.title or "",
            charge=charge,
            code=line.code or None,
            presented=self.buyer.charge(line, 1, "shipping_lines[].price_set") if self.buyer else None,
        )

    def bundles(self) -> tuple[tuple[str, ...], ...]:
        """Lines of one group are the parts of a bundle; which number the group has says nothing."""
        groups: dict[int, list[str]] = {}
        for ident, line in zip(self.ids, self.told.line_items, strict=True):
            if line.sales_line_item_group_id is not None:
                groups.setdefault(line.sales_line_item_group_id, []).append(ident)
        return tuple(tuple(some) for some in groups.values())

    # refunds and parcels

    def refunds(self) -> tuple[Refund, ...]:
        return tuple([self._refund(refund) for refund in self.told.refunds])

    def _refund(self, refund: shapes.Refund) -> Refund:
        at = refund.processed_at or refund.created_at
        if at is None:
            raise BadPayload("refunds[].processed_at: missing")
        total, presented = self._moved(refund)
        lines = tuple([self._refund_line(item) for item in refund.refund_line_items])
        shipping, tax = self._shipping_back(refund)
        return Refund(_number(refund, "refunds[].id"), _utc(at), total, lines, presented, shipping, tax)

    def _shipping_back(self, refund: shapes.Refund) -> tuple[Money | None, Money | None]:
        """What of the carriage was given back, with its tax, and this tax. An adjustment tells it without tax and below zero (REST, "kind":
        "shipping_refund"); a refund's shipping line as its other lines: with tax where prices hold it."""
        back = [one for one in refund.order_adjustments if one.kind == "shipping_refund"]
        price = total((self.shop.money(one.subtotal_amount_set, "refund_shipping_lines[]") for one in refund.carriage), self.shop.currency)
        tax = total((self.shop.money(one.tax_amount_set, "refund_shipping_lines[]") for one in refund.carriage), self.shop.currency)
        price -= total((self.shop.money(one.amount_set, "order_adjustments[].amount_set") for one in back), self.shop.currency)
        tax -= total((self.shop.money(one.tax_amount_set, "order_adjustments[].tax_amount_set") for one in back), self.shop.currency)
        whole = price if refund.carriage and self.shop.included else price + tax
        return (whole, tax) if whole else (None, None)

    def _refund_line(self, item: shapes.RefundLineItem) -> RefundLine:
        if item.restock_type not in RESTOCK and item.restock_type != "legacy_restock":
            self.notes.append(f"status: restock type {item.restock_type}")
        return RefundLine(
            line=self.line_of(item),
            quantity=item.quantity,
            restock=RESTOCK.get(item.restock_type, Restock.UNKNOWN),
            location=_text(item.location_id),
            subtotal=self.shop.money(item.subtotal_set, "refund_line_items[].subtotal_set"),
            tax=self.shop.money(item.total_tax_set, "refund_line_items[].total_tax_set"),
        )

    def _moved(self, refund: shapes.Refund) -> tuple[Money, Money | None]:
        """What the refund paid back, in the shop's currency and, where that differs, in the buyer's."""
        paid = [item for item in refund.transactions if item.kind == "refund" and item.status == "success"]
        if self.buyer is None:
            return self._sum(paid, self.shop), None
        if all(item.amount_set is not None for item in paid):
            return self._sum(paid, self.shop), self._sum(paid, self.buyer)
        presented = self._sum(paid, self.buyer)
        return self._in_shop_money(refund, presented, self.buyer), presented

    def _sum(self, paid: Sequence[shapes.Moved], view: _View) -> Money:
        result = Money.zero(view.currency)
        for item in paid:
            result += self._one(item, view)
        return result

    def _one(self, item: shapes.Moved, view: _View) -> Money:
        if item.amount_set is not None:
            return view.money(item.amount_set, "refunds[].transactions[].amount_set")
        if item.currency != view.currency:
            raise BadPayload(f"refunds[].transactions[].currency: not {view.currency}")
        return _amount(item.amount, view.currency, "refunds[].transactions[].amount")

    def _in_shop_money(self, refund: shapes.Refund, presented: Money, buyer: _View) -> Money:
        """A webhook tells a refund's transactions in the buyer's currency only: its parts, told in both, say what that is at home.
        Where they do not make up the transactions, the order's own rate does, and a note says so."""
        for adjusted in (True, False):
            if _parts(refund, buyer, adjusted) == presented:
                return _parts(refund, self.shop, adjusted)
        self.notes.append("money: a refund was converted at the order's rate")
        return _at_rate(presented, self.told, self.shop, buyer)

    def shipped(self) -> tuple[Shipped, ...]:
        for one in self.told.fulfillments:
            if one.status not in PARCEL:
                self.notes.append(f"status: a parcel is {one.status}")
            if one.tracking_number not in one.tracking_numbers and (one.tracking_number or one.tracking_numbers):
                self.notes.append("tracking: a parcel's number is not among its numbers")
        return tuple([_shipped(one) for one in self.told.fulfillments if one.status == "success"])

    # words

    def payment(self) -> PaymentStatus:
        word = self.told.financial_status
        if word not in PAYMENT:
            self.notes.append(f"status: financial status {word or 'is not told'}")
        return PAYMENT.get(word or "", PaymentStatus.UNKNOWN)

    def fulfillment(self) -> FulfillmentStatus:
        word = self.told.fulfillment_status
        if word not in FULFILLMENT or word == "request_declined":
            self.notes.append(f"status: fulfillment status {word}")
        return FULFILLMENT.get(word, FulfillmentStatus.UNKNOWN)


def _choices(now: Money | None, first: Money | None) -> list[Money | None]:
    return [now] if first is None or first == now else [now, first]


def _count(line: shapes.LineItem, fulfilled: int, refunded: Sequence[tuple[shapes.RefundLineItem, bool]]) -> _Units:
    """What became of the line's units. A refund says cancel (never left) and return (came back) itself; of those that it did not restock,
    and of what went back in the old way, as many never left as the units that did leave do not explain."""
    quantity, gone = line.quantity, line.quantity - line.current_quantity
    if not gone and not refunded:
        return _Units(fulfilled=fulfilled)
    by = {kind: sum(item.quantity for item, _ in refunded if item.restock_type == kind) for kind in ("cancel", "return", "no_restock")}
    told = sum(item.quantity for item, _ in refunded)
    removed = max(0, gone - told)
    returned = min(by["return"], fulfilled)  # more cannot come back than left; the rest was refunded before it left
    never_left = by["cancel"] + by["return"] - returned
    unclear = told - by["cancel"] - by["return"]
    unshipped = min(unclear, _unshipped(line, fulfilled, returned, removed + never_left, unclear))
    silent = sum(item.quantity for item, without_money in refunded if without_money and item.restock_type != "return")
    return _Units(
        cancelled=removed + never_left + unshipped,
        lost=min(by["no_restock"], unshipped),
        fulfilled=fulfilled,
        returned=returned,
        removed=removed,
        silent=min(silent, max(0, quantity - fulfilled - removed)),
    )


def _unshipped(line: shapes.LineItem, fulfilled: int, returned: int, known: int, unclear: int) -> int:
    """How many of `unclear` refunded units never left: what is neither shipped nor known to be gone nor still to ship."""
    room = max(0, line.quantity - fulfilled - known)
    least, most = max(0, unclear - (fulfilled - returned)), min(unclear, room)
    if line.fulfillable_quantity is None or fulfilled == 0:
        return max(least, most)
    return max(least, min(most, room - line.fulfillable_quantity))


def _parts(refund: shapes.Refund, view: _View, adjusted: bool) -> Money:
    result = Money.zero(view.currency)
    for item in refund.refund_line_items:
        result += view.money(item.subtotal_set, "refund_line_items[].subtotal_set")
        if not view.included:
            result += view.money(item.total_tax_set, "refund_line_items[].total_tax_set")
    for one in refund.order_adjustments if adjusted else ():  # amounts that go to the buyer are negative here
        result -= view.money(one.amount_set, "order_adjustments[].amount_set")
        result -= view.money(one.tax_amount_set, "order_adjustments[].tax_amount_set")
    return result


def _at_rate(presented: Money, told: shapes.Order, shop: _View, buyer: _View) -> Money:
    ours, theirs = shop.money(told.total_price_set, "total_price_set"), buyer.money(told.total_price_set, "total_price_set")
    return Money((2 * presented.minor * ours.minor + theirs.minor) // (2 * theirs.minor) if theirs else 0, shop.currency)


def _shipped(told: shapes.Fulfillment) -> Shipped:
    return Shipped(
        id=_number(told, "fulfillments[].id"),
        at=_utc(told.created_at),
        lines=tuple([ShippedLine(_number(item, "fulfillments[].line_items[].id"), item.quantity) for item in told.line_items]),
        location=_text(told.location_id),
        tracking=tuple(told.tracking_numbers),
    )


def _address(told: shapes.MailingAddress | None) -> Address | None:
    if told is None:
        return None
    return Address(
        name=told.name or " ".join(filter(None, (told.first_name, told.last_name))),
        company=told.company or "",
        street1=told.address1 or "",
        street2=told.address2 or "",
        city=told.city or "",
        region=told.province_code or told.province or "",
        postcode=told.zip or "",
        country=told.country_code or "",
        phone=told.phone or "",
    )


def _person(told: shapes.Order) -> Person:
    ship_to, bill_to = _address(told.shipping_address), _address(told.billing_address)
    named = bill_to or ship_to
    return Person(
        name=named.name if named else "",
        email=told.email or "",
        phone=told.phone or "",
        channel_id=_number(told.customer, "customer.id") if told.customer else "",
        ship_to=ship_to,
        bill_to=bill_to,
        note=told.note or "",
    )


def _service(shipping: Sequence[Shipping]) -> str:
    return (shipping[0].code or shipping[0].title) if shipping else ""


def _due(told: shapes.Order) -> datetime | None:
    """When the last of it is due, where every part says when."""
    times = [one.due_at for one in told.payment_terms.payment_schedules] if told.payment_terms else []
    known = [_utc(at) for at in times if at is not None]
    return max(known) if known and len(known) == len(times) else None


def _order(told: shapes.Order, connection: str, **parts: Any) -> Order:
    reading = _Reading(told)
    total, shipping = reading.shop.money(told.total_price_set, "total_price_set"), reading.shipping()
    _same(told.total_price, total, "total_price")
    kept, (duties, fees, tips) = reading.settle(total, shipping)
    return Order(
        channel="shopify",
        connection=connection,
        id=_number(told, "id"),
        name=told.name,
        revision=_utc(told.updated_at),
        placed_at=_utc(told.processed_at),
        currency=told.currency,
        total=total,
        tax_mode=MODE[told.taxes_included],
        lines=reading.lines(kept),
        payment_status=reading.payment(),
        presentment_currency=told.presentment_currency,
        presented_total=reading.buyer.money(told.total_price_set, "total_price_set") if reading.buyer else None,
        shipping=shipping,
        fees=fees,
        duties=duties,
        tips=tips,
        fulfillment_said=reading.fulfillment(),
        refunds=reading.refunds(),
        shipped=reading.shipped(),
        cancelled_at=told.cancelled_at and _utc(told.cancelled_at),
        cancel_reason=told.cancel_reason or "",
        closed=told.closed_at is not None,
        test=told.test,
        b2b=told.company is not None,
        marketplace=told.source_name or "",
        source=told.source_name or "",
        source_id=told.source_identifier or None,
        seller_ref=told.po_number or None,
        service=_service(shipping),
        tags=tuple(sorted(filter(None, told.tags.split(", ")))),
        on_delivery=any(name.casefold() in ON_DELIVERY for name in told.payment_gateway_names),
        bundles=reading.bundles(),
        said=(("financial_status", told.financial_status or ""),),
        person=_person(told),
        due_at=_due(told),
        **parts,
        notes=tuple(reading.notes),
    )


def _from_graphql(told: shapes.GOrder, connection: str) -> Order:
    parts = {"payments": doors.payments(told), "holds": doors.holds(told), "routing": doors.routing(told), "risk": doors.risk(told)}
    try:
        return _order(doors.as_webhook(told), connection, **parts)
    except BadPayload as error:
        raise BadPayload(_camel(error.args[0])) from None


def _camel(text: str) -> str:
    """The message with its field as GraphQL spells it."""
    field, colon, rest = text.partition(":")
    head, *tail = field.split("_")
    return GRAPHQL_NAMES.get(field, head + "".join(part[:1].upper() + part[1:] for part in tail)) + colon + rest


def _bad(error: Exception, connection: str) -> BadPayload:
    said = error.args[0] if error.args and isinstance(error, BadPayload | msgspec.MsgspecError) else type(error).__name__
    return BadPayload(f"shopify order: {said}", connection=connection)


def order(body: bytes, connection: str) -> Order:
    """One order: the body of an `orders/*` webhook, or what `fetch` gave. Amounts are read in the shop's currency, the buyer's beside it.

    Raises BadPayload that names the field which is missing or unreadable.
    """
    try:
        if body.startswith(b'{"data":'):
            return _from_graphql(_fetched.decode(body).data.order, connection)
        return _order(_webhook.decode(body), connection)
    except (BadPayload, *_broken):
        return _only(orders(read_json(body), connection))


def _only(found: Iterator[Order | BadPayload]) -> Order:
    first = next(found)
    if isinstance(first, BadPayload):
        raise first
    if next(found, None) is not None:
        raise BadPayload("shopify order: more than one in one body")
    return first


def orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    """Every order of a document: bare, or as {order}, {orders}, {data: {order}}, and one of payload, body, response around these.
    At least one item is given."""
    found = _unwrapped(document)
    if not found:
        yield BadPayload("shopify order: orders: there is none in this document", connection=connection)
    for one in found:
        try:
            yield _any(one, connection)
        except (BadPayload, *_broken) as error:
            yield _bad(error, connection)


def _any(one: Any, connection: str) -> Order:
    if isinstance(one, Mapping) and any(name in one for name in GRAPHQL):
        return _from_graphql(msgspec.convert(one, shapes.GOrder), connection)
    return _order(msgspec.convert(one, shapes.Order), connection)


def _unwrapped(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        return [document]
    around = next((name for name in ENVELOPES if isinstance(document.get(name), Mapping | list)), None)
    inner = document[around] if around and "line_items" not in document else document
    return _bare(inner)


def _bare(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document.get("data"), Mapping):
        return _bare(document["data"])
    if isinstance(document.get("orders"), list):
        return list(document["orders"])
    return [document["order"]] if isinstance(document.get("order"), Mapping) else [document]
