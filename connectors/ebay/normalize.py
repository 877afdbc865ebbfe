"""eBay's Fulfillment API orders -> our Order. Pure; raises only BadPayload, whose text names the field and never a value.

A document is what getOrder or getOrders answers with fieldGroups=TAX_BREAKDOWN. `fulfillments` beside the order's own
fields are the order's shipping fulfillments, put there by our client (see client.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

from connectors.http import read_json
from core.domain.money import Money
from core.domain.order import (
    Address,
    Charge,
    Discount,
    FulfillmentStatus,
    Liable,
    Line,
    Order,
    Party,
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

Doc = Mapping[str, Any]

PAYMENT = {
    "PENDING": PaymentStatus.UNPAID,
    "FAILED": PaymentStatus.UNPAID,
    "PAID": PaymentStatus.PAID,
    "PARTIALLY_REFUNDED": PaymentStatus.PARTIALLY_REFUNDED,
    "FULLY_REFUNDED": PaymentStatus.REFUNDED,
}
FULFILLMENT = {
    "NOT_STARTED": FulfillmentStatus.UNFULFILLED,
    "IN_PROGRESS": FulfillmentStatus.IN_PROGRESS,  # how many units left is said by the shipments, not by this word
    "FULFILLED": FulfillmentStatus.FULFILLED,
}
CANCEL = {"NONE_REQUESTED": (False, False), "IN_PROGRESS": (True, False), "CANCELED": (False, True)}  # (requested, cancelled)
REFUNDED = {"REFUNDED": True, "PENDING": False, "FAILED": False}  # did the money move?
SHIPS = {"SHIP_TO": True, "SELLER_DEFINED": True, "FULFILLED_BY_EBAY": True, "PREPARE_FOR_PICKUP": True, "DIGITAL": False}
HELD = frozenset(["HELD", "HELD_PENDING"])
# Kinds of `taxes` that are fees by law, not taxes (developer.ebay.com, TaxTypeEnum, read 2026-11).
FEES = frozenset(
    [
        "ELECTRONIC_RECYCLING_FEE",
        "MATTRESS_RECYCLING_FEE",
        "BATTERY_RECYCLING_FEE",
        "TIRE_RECYCLING_FEE",
        "WHITE_GOODS_DISPOSABLE_TAX",
        "ADDITIONAL_FEE",
    ]
)
# Where listing prices hold the seller's tax, and where tax comes on top (platform rules, 2026-11).
EXCLUSIVE = frozenset(["EBAY_US", "EBAY_MOTORS_US", "EBAY_MOTORS", "EBAY_CA"])
INCLUSIVE = frozenset(
    f"EBAY_{country}"
    for country in (
        "GB",
        "DE",
        "FR",
        "IT",
        "ES",
        "AT",
        "BE",
        "CH",
        "CZ",
        "DK",
        "FI",
        "GR",
        "HU",
        "IE",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SK",
        "AU",
        "NZ",
    )
)
PROGRAMS = {
    "authenticityVerification": "authenticity_guarantee",
    "ebayVault": "ebay_vault",
    "ebayInternationalShipping": "ebay_international_shipping",
    "ebayShipping": "ebay_shipping",
    "fulfillmentProgram": "fulfilled_by_ebay",
}
TRADING = ("OrderArray", "OrderID", "GetOrdersResponse", "GetItemTransactionsResponse", "TransactionArray")
NO_TRADING = "ebay order: this is the Trading API's form; only orders of the Sell Fulfillment API are read"
BLANK = b"\xef\xbb\xbf \r\n\t"  # a byte order mark and white space
WRAPS = ("payload", "body", "response")
SHOP, BUYER = ("value", "currency"), ("convertedFromValue", "convertedFromCurrency")
View = tuple[str, str]
Extras = tuple[int, int, int, int]
NO_EXTRAS: Extras = (0, 0, 0, 0)
UNITS = 2**31  # fewer than this: what a database's integer holds


class _Field(ValueError):
    """A field that cannot be read; its text is "field: why"."""


def order(body: bytes, connection: str) -> Order:
    """The Order in one JSON document. Amounts in the shop's currency, as whole lines. Raises BadPayload."""
    if body.lstrip(BLANK)[:1] == b"<":
        raise BadPayload(NO_TRADING, connection=connection)
    return _guarded(read_json(body), connection)


def orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    """Every order of a document: a bare one, {order}, {orders}, {data: {order}}, each also inside payload, body or response."""
    try:
        found = list(_unwrapped(document))
    except BadPayload as error:
        found = [error]
    for one in found:
        yield one if isinstance(one, BadPayload) else _caught(one, connection)


def _caught(document: Any, connection: str) -> Order | BadPayload:
    try:
        return _guarded(document, connection)
    except BadPayload as error:
        return error


def _unwrapped(document: Any, depth: int = 0) -> Iterator[Any]:
    if isinstance(document, str | bytes):
        text = document if isinstance(document, bytes) else document.encode()
        document = BadPayload(NO_TRADING) if text.lstrip(BLANK)[:1] == b"<" else read_json(text)
    inner = _inside(document) if isinstance(document, Mapping) and depth < 5 else document
    if inner is not document:
        yield from _unwrapped(inner, depth + 1)
    elif isinstance(document, Sequence) and not isinstance(document, str | bytes) and depth < 5:
        for one in document:
            yield from _unwrapped(one, depth + 1)
    else:
        yield document


def _inside(document: Doc) -> Any:
    if "orderId" in document:
        return document
    return next((document[key] for key in (*WRAPS, "data", "order", "orders") if key in document), document)


def _guarded(document: Any, connection: str) -> Order:
    if not isinstance(document, Mapping):
        raise BadPayload("ebay order: not a JSON object", connection=connection)
    if "orderId" not in document and any(key in document for key in TRADING):
        raise BadPayload(NO_TRADING, connection=connection)
    try:
        return _order(document, connection)
    except _Field as error:
        raise BadPayload(f"ebay order: {error}", connection=connection) from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadPayload(f"ebay order: {type(error).__name__} in a field of another shape", connection=connection) from None


# Reading one field; each names it when it cannot.


def _need(holder: Doc, key: str, inside: str = "") -> Any:
    try:
        return holder[key]
    except KeyError:
        raise _Field(f"{inside}{key}: missing") from None


def _text(holder: Doc, key: str, inside: str = "") -> str:
    value = _need(holder, key, inside)
    if not isinstance(value, str) or not value:
        raise _Field(f"{inside}{key}: not text")
    return value


def _maybe(holder: Doc, key: str) -> str:
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Field(f"{key}: not text")
    return value


def _part(holder: Doc, key: str, inside: str = "") -> Doc:
    value = _need(holder, key, inside)
    if not isinstance(value, dict):
        raise _Field(f"{inside}{key}: not an object")
    return value


def _maybe_part(holder: Doc, key: str) -> Doc:
    return {} if holder.get(key) is None else _part(holder, key)


def _rows(holder: Doc, key: str, inside: str = "") -> list[Doc]:
    value = _need(holder, key, inside)
    if not isinstance(value, list):
        raise _Field(f"{inside}{key}: not a list")
    for row in value:
        if not isinstance(row, dict):
            raise _Field(f"{inside}{key}: not a list of objects")
    return value


def _maybe_rows(holder: Doc, key: str) -> Sequence[Doc]:
    return _rows(holder, key) if holder.get(key) is not None else ()


def _count(holder: Doc, key: str) -> int:
    value = _need(holder, key)
    if type(value) is not int or not 0 <= value < UNITS:
        raise _Field(f"{key}: not a number of units")
    return value


def _time(holder: Doc, key: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(holder, key))
    except ValueError as error:
        raise error if isinstance(error, _Field) else _Field(f"{key}: not a time") from None
    if at.tzinfo is None:
        raise _Field(f"{key}: a time without a zone")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _maybe_time(holder: Doc, key: str) -> datetime | None:
    return None if holder.get(key) is None else _time(holder, key)


def _money(holder: Doc, key: str, view: View, currency: str | None) -> Money:
    """The amount at `key` as `view` has it; `currency` is what it must be in (None: whatever it says)."""
    amount = _part(holder, key)
    said, value = amount.get(view[1]), amount.get(view[0])
    if said is None or value is None:
        raise _Field(f"{key}.{view[1] if said is None else view[0]}: missing")
    if currency is not None and said != currency:
        raise _Field(f"{key}.{view[1]}: not the order's currency")
    if not isinstance(value, str):
        raise _Field(f"{key}.{view[0]}: not text")
    try:
        return Money.parse(value, said)
    except (TypeError, ValueError):
        raise _Field(f"{key}: not an amount of money") from None


def _maybe_money(holder: Doc, key: str, view: View, currency: str) -> Money | None:
    return None if holder.get(key) is None else _money(holder, key, view, currency)


# Money of one line, in one currency.


class _Bill:
    """What one line costs, in one currency: its charge, the fees in it, and what eBay collects for others."""

    __slots__ = ("charge", "duties", "fees", "intermediary", "less", "payable", "remitted", "remitted_fees")

    def __init__(self, line: Doc, view: View, currency: str, included: bool) -> None:
        gross = _money(line, "lineItemCost", view, currency)
        taxes, self.fees, self.remitted_fees = _taxes(line, view, currency, included)
        discounts, delivery = _discounts(line, gross, view, currency), _maybe_part(line, "deliveryCost")
        self.charge = Charge(gross, discounts, taxes)
        self.less = sum([part.amount.minor for part in discounts])
        self.payable = gross.minor - self.less + sum([tax.amount.minor for tax in taxes if not tax.included])
        self.remitted = sum([tax.amount.minor for tax in taxes if tax.liable is Liable.MARKETPLACE])
        self.duties = _minor(_maybe_money(delivery, "importCharges", view, currency))
        self.intermediary = _minor(_maybe_money(delivery, "shippingIntermediationFee", view, currency))

    def lower(self, share: Money) -> None:
        """Take a share of the order's discount off this line."""
        charge = self.charge
        self.charge = Charge(charge.gross, (*charge.discounts, Discount(share, "order")), charge.taxes)
        self.less += share.minor
        self.payable -= share.minor


def _minor(amount: Money | None) -> int:
    return amount.minor if amount else 0


def _taxes(line: Doc, view: View, currency: str, included: bool) -> tuple[tuple[Tax, ...], int, int]:
    """Taxes, fees, and those of the fees that eBay collects.

    A row that stands in both lists with the same kind and amount is one tax, which eBay collects and remits.
    """
    remitted = [
        (row, _text(row, "taxType", "ebayCollectAndRemitTaxes."), _money(row, "amount", view, currency))
        for row in _maybe_rows(line, "ebayCollectAndRemitTaxes")
    ]
    own = [(_maybe(row, "taxType"), _money(row, "amount", view, currency)) for row in _rows(line, "taxes") if "amount" in row]
    own = _unmatched([row for row in own if row[1]], [(kind, amount) for _, kind, amount in remitted])
    by_ebay = sum(amount.minor for _, kind, amount in remitted if kind in FEES)
    fees = by_ebay + sum(amount.minor for kind, amount in own if kind in FEES)
    taxes = [_remitted(row, kind, amount) for row, kind, amount in remitted if kind not in FEES and amount]
    taxes += [Tax(kind or "TAX", amount, included) for kind, amount in own if kind not in FEES]
    return tuple(taxes), fees, by_ebay


def _unmatched(own: list[tuple[str, Money]], remitted: list[tuple[str, Money]]) -> list[tuple[str, Money]]:
    """The rows of `taxes` that eBay does not collect; one without a kind is matched by its amount or the sum of all."""
    if not own or not remitted:
        return own
    left, rest = list(remitted), []
    for kind, amount in own:
        twin = next((one for one in left if one[1] == amount and kind in (one[0], "")), None)
        if twin:
            left.remove(twin)
        else:
            rest.append((kind, amount))
    whole = sum([amount.minor for _, amount in remitted])
    return [] if len(left) == len(remitted) and len(rest) == 1 and rest[0][0] == "" and rest[0][1].minor == whole else rest


def _remitted(row: Doc, kind: str, amount: Money) -> Tax:
    scheme = _maybe(_maybe_part(row, "ebayReference"), "name")
    return Tax(kind, amount, False, Liable.MARKETPLACE, scheme=scheme or None)


def _discounts(line: Doc, gross: Money, view: View, currency: str) -> tuple[Discount, ...]:
    """The promotions where they explain the whole discount, else one discount of cost less discounted cost."""
    rows = _maybe_rows(line, "appliedPromotions")
    after = _maybe_money(line, "discountedLineItemCost", view, currency)
    if not rows and after is None:
        return ()
    parts = [
        (abs(amount), _maybe(row, "promotionId"))
        for row in rows
        if row.get("discountAmount") is not None and (amount := _money(row, "discountAmount", view, currency))
    ]
    whole = sum(amount.minor for amount, _ in parts) if after is None else (gross - after).minor
    if whole < 0:
        raise _Field("discountedLineItemCost: more than lineItemCost")
    if whole != sum(amount.minor for amount, _ in parts):
        parts = [(Money(whole, currency), ",".join(filter(None, (title for _, title in parts))))]
    return tuple(Discount(amount, "promotion", title) for amount, title in parts if amount)


def _spread(bills: list[_Bill], rest: int, currency: str) -> None:
    """A discount of the order that no line explains falls on the lines by value."""
    shares = Money(rest, currency).split([max(0, bill.charge.gross.minor - bill.less) for bill in bills])
    for bill, share in zip(bills, shares, strict=True):
        if share:
            bill.lower(share)


# Money of the order, in one currency.


class _Account:
    """The order's money in one currency: bills of its lines, shipping, fees, duties and the buyer's total."""

    __slots__ = ("bills", "duties", "fees", "shipping", "total")

    def __init__(self, document: Doc, lines: Sequence[Doc], included: bool, view: View, currency: str) -> None:
        prices = _part(document, "pricingSummary")
        self.bills = [_Bill(line, view, currency, included) for line in lines]
        if not lines:
            raise _Field("lineItems: empty")
        rest = abs(_minor(_maybe_money(prices, "priceDiscount", view, currency))) - sum([bill.less for bill in self.bills])
        if rest > 0:
            _spread(self.bills, rest, currency)
        self.shipping = _delivery(prices, lines, view, currency)
        self._settle(prices, lines, view, currency)

    def _settle(self, prices: Doc, lines: Sequence[Doc], view: View, currency: str) -> None:
        """Find out what the total holds: collect-and-remit tax, import charges and eBay's own charges may be in it or not."""
        told, adjusted = (_maybe_money(prices, key, view, currency) for key in ("fee", "adjustment"))
        fees = (sum(bill.fees for bill in self.bills) if told is None else told.minor) + _minor(adjusted)
        total = _money(prices, "total", view, currency).minor
        remitted, levies = sum(bill.remitted for bill in self.bills), sum(bill.remitted_fees for bill in self.bills)
        duties = sum(bill.duties for bill in self.bills)
        by_ebay = sum(_collected(line, view, currency) for line in lines) + sum(bill.intermediary for bill in self.bills)
        base = sum([bill.payable for bill in self.bills]) + _minor(self.shipping.payable if self.shipping else None) + fees
        tax, levy, with_duties, with_charges = _held(total - base, (-remitted, -levies, duties, by_ebay), len(lines) + 1)
        self.total = Money(total - tax - levy, currency)  # settled: the buyer's total is the total and that tax
        self.fees = Money(fees + with_charges, currency)
        self.duties = Money(with_duties, currency)


def _held(gap: int, extras: Extras, small: int) -> Extras:
    """Which of the extras explain the gap between total and parts; none of them where nothing does.

    Extras: collect-and-remit tax and fees (negative: they are among the parts), import charges, and eBay's own charges.
    """
    if not gap or not any(extras):
        return NO_EXTRAS
    tax, levy, duties, charges = extras
    choices = product((0, tax), (0, levy), (0, duties), (0, charges))
    best = min(choices, key=lambda choice: abs(gap - sum(choice)))
    return best if abs(gap - sum(best)) <= small else NO_EXTRAS


def _collected(line: Doc, view: View, currency: str) -> int:
    """Shipping and buyer protection that eBay charges the buyer itself."""
    charges = _maybe_part(line, "ebayCollectedCharges")
    rows = sum(_money(row, "amount", view, currency).minor for row in _maybe_rows(charges, "charges"))
    return rows + _minor(_maybe_money(charges, "ebayShipping", view, currency))


def _delivery(prices: Doc, lines: Sequence[Doc], view: View, currency: str) -> Charge | None:
    """The order's delivery; where the summary is silent, that of its lines. None: nothing is delivered."""
    cost = _maybe_money(prices, "deliveryCost", view, currency)
    if cost is None:
        parts = [part for line in lines if (part := _maybe_part(line, "deliveryCost"))]
        if not parts:
            return None
        costs = [_maybe_money(part, key, view, currency) for part in parts for key in ("shippingCost", "handlingCost")]
        cost = Money(sum(map(_minor, costs)), currency)
    less = abs(_minor(_maybe_money(prices, "deliveryDiscount", view, currency)))
    return Charge(cost, (Discount(Money(less, currency), "shipping"),) if less else ())


# The order.


def _order(document: Doc, connection: str) -> Order:
    number, lines = _text(document, "orderId"), _rows(document, "lineItems")
    prices, starts = _part(document, "pricingSummary"), _rows(document, "fulfillmentStartInstructions")
    start = starts[0] if starts else {}  # eBay gives one set an order
    currency = _text(_part(prices, "total", "pricingSummary."), "currency", "total.")
    notes: list[str] = []
    account, presented, mode = _accounts(document, lines, prices, currency)
    payment = _status(document, "orderPaymentStatus", PAYMENT, PaymentStatus.UNKNOWN, notes)
    requested, cancelled = _status(_part(document, "cancelStatus"), "cancelState", CANCEL, (None, False), notes)
    said = _status(document, "orderFulfillmentStatus", FULFILLMENT, FulfillmentStatus.UNKNOWN, notes)
    party, ships, shipped = _party(document, start, notes), _ships(starts, notes), _shipments(document)
    refunds = _refunds(document, lines, currency, notes)
    step, revision, programs = _maybe_part(start, "shippingStep"), _time(document, "lastModifiedDate"), _programs(document, start)
    _payment_notes(document, notes)
    gone = cancelled or payment is PaymentStatus.REFUNDED
    goods = tuple(
        _line(line, bill, view, currency, party, ships, shipped, gone, notes)
        for line, bill, view in zip(lines, account.bills, presented.bills if presented else [None] * len(lines), strict=True)
    )
    if len({line.id for line in goods}) < len(goods):
        raise _Field("lineItems.lineItemId: two lines have the same")
    cancel = document["cancelStatus"]
    return Order(
        channel="ebay",
        connection=connection,
        id=number,
        name=number,
        revision=revision,
        placed_at=_time(document, "creationDate"),
        currency=currency,
        total=account.total,
        tax_mode=mode,
        lines=goods,
        payment_status=payment,
        presentment_currency=presented.total.currency if presented else _presentment(prices, currency),
        presented_total=presented.total if presented else None,
        shipping=_shipping(account, presented, step),
        fees=account.fees or None,
        duties=account.duties or None,
        party=party,
        fulfillment_said=FulfillmentStatus.UNKNOWN if requested is None else said,
        refunds=tuple(_with_lines(refund, goods) for refund in refunds),
        shipped=shipped or (),
        cancelled_at=_maybe_time(cancel, "cancelledDate") if cancelled else None,
        cancelled=cancelled,
        cancel_reason=_cancel_reason(cancel),
        cancel_requested=bool(requested),
        marketplace=_maybe(lines[0], "purchaseMarketplaceId"),
        source="ebay",
        source_id=_maybe(document, "legacyOrderId") or None,
        seller_ref=_maybe(document, "salesRecordReference") or None,
        service=_maybe(step, "shippingServiceCode"),
        ship_by=_ship_by(lines),
        deliver_by=_maybe_time(start, "maxEstimatedDeliveryDate"),
        customs_number=_customs(lines),
        hub_reference=_maybe(step, "shipToReferenceId") or None,
        programs=programs,
        said=_said(document, cancel),
        notes=tuple(notes),
        person=_person(document, lines, start, step),
        payments=_payments(document),
    )


def _accounts(document: Doc, lines: Sequence[Doc], prices: Doc, currency: str) -> tuple[_Account, _Account | None, TaxMode]:
    """The shop's account, and the buyer's where every amount tells what it was converted from."""
    site = _text(lines[0], "listingMarketplaceId", "lineItems.") if lines else ""
    account = _Account(document, lines, site in INCLUSIVE, SHOP, currency)
    presented = _presentment(prices, currency)
    if presented == currency:
        return account, None, _tax_mode(account, lines, site)
    try:
        other = _Account(document, lines, site in INCLUSIVE, BUYER, presented)
    except _Field as error:
        if not str(error).endswith(": missing"):
            raise
        other = None
    return account, other, _tax_mode(account, lines, site)


def _presentment(prices: Doc, currency: str) -> str:
    return _maybe(prices["total"], "convertedFromCurrency") or currency


def _tax_mode(account: _Account, lines: Sequence[Doc], site: str) -> TaxMode:
    """What comes on top decides; without such a tax, the site where it was listed."""
    if any(not tax.included for bill in account.bills for tax in bill.charge.taxes):
        return TaxMode.EXCLUSIVE
    if site in INCLUSIVE:
        return TaxMode.INCLUSIVE
    if site in EXCLUSIVE:
        return TaxMode.EXCLUSIVE if any(line.get("taxes") for line in lines) else TaxMode.NONE
    return TaxMode.UNKNOWN


def _status(holder: Doc, key: str, table: Mapping[str, Any], unknown: Any, notes: list[str]) -> Any:
    word = _text(holder, key, "cancelStatus." if key == "cancelState" else "")
    if word not in table:
        notes.append(f"status: {key} {word[:40]} is unknown")
    return table.get(word, unknown)


def _party(document: Doc, start: Doc, notes: list[str]) -> Party:
    """eBay's program is there only where somebody else sends the order: who we do not know is not us."""
    program = _maybe_part(document, "program")
    if program.get("fulfillmentProgram") is None:
        return Party.CHANNEL if start.get("fulfillmentInstructionsType") == "FULFILLED_BY_EBAY" else Party.MERCHANT
    by = _text(_part(program, "fulfillmentProgram"), "fulfilledBy", "fulfillmentProgram.")
    if by != "EBAY":
        notes.append(f"party: fulfilledBy {by[:40]} is unknown")
    return Party.CHANNEL if by == "EBAY" else Party.OTHER


def _ships(starts: Sequence[Doc], notes: list[str]) -> bool:
    """Whether it is goods; without instructions it is taken for goods and flagged, since nothing says that it is not."""
    if not starts:
        notes.append("fulfillment: the order came without instructions")
        return True
    kind = _text(starts[0], "fulfillmentInstructionsType", "fulfillmentStartInstructions.")
    if kind not in SHIPS:
        notes.append(f"status: fulfillmentInstructionsType {kind[:40]} is unknown")
    return SHIPS.get(kind, True)


def _shipments(document: Doc) -> tuple[Shipped, ...] | None:
    """None: they were not read."""
    if document.get("fulfillments") is None:
        return None
    return tuple(_shipment(row) for row in _rows(document, "fulfillments"))


def _shipment(row: Doc) -> Shipped:
    """A shipment's line without a quantity is of one unit: eBay documents 1 as its default."""
    tracking = _maybe(row, "shipmentTrackingNumber")
    lines = tuple(
        ShippedLine(_text(part, "lineItemId"), _count(part, "quantity") if "quantity" in part else 1) for part in _rows(row, "lineItems")
    )
    return Shipped(_text(row, "fulfillmentId"), _maybe_time(row, "shippedDate"), lines, tracking=(tracking,) if tracking else ())


def _listing(line: Doc) -> str:
    item, variation = _text(line, "legacyItemId"), _maybe(line, "legacyVariationId")
    return f"{item}/{variation}" if variation not in ("", "0") else item  # eBay writes 0 where a listing has no variations (seen 2026)


def _line(
    line: Doc,
    bill: _Bill,
    view: _Bill | None,
    currency: str,
    party: Party,
    ships: bool,
    shipped: Sequence[Shipped] | None,
    gone: bool,
    notes: list[str],
) -> Line:
    number, ordered = _text(line, "lineItemId"), _count(line, "quantity")
    fulfilled = _fulfilled(line, number, ordered, shipped, notes)
    gone = gone or (not fulfilled and _paid_back(line, bill, currency))
    return Line(
        id=number,
        listing=_listing(line),
        sku=_maybe(line, "sku") or None,
        title=_maybe(line, "title"),
        ordered=ordered,
        charge=bill.charge,
        cancelled=ordered - fulfilled if gone else 0,
        fulfilled=fulfilled,
        requires_shipping=ships,
        gift_card=not ships and line.get("giftDetails") is not None,
        party=party,
        presented=view.charge if view else None,
    )


def _fulfilled(line: Doc, number: str, ordered: int, shipped: Sequence[Shipped] | None, notes: list[str]) -> int:
    word = _text(line, "lineItemFulfillmentStatus")
    if word == "FULFILLED":
        return ordered
    if word not in FULFILLMENT:
        notes.append(f"status: lineItemFulfillmentStatus {word[:40]} is unknown")
    if shipped is not None:
        return min(ordered, sum(part.quantity for parcel in shipped for part in parcel.lines if part.line == number))
    if word == "IN_PROGRESS":
        notes.append(f"fulfillment: line {number} is partly sent and its shipments were not read")
    return 0


def _paid_back(line: Doc, bill: _Bill, currency: str) -> bool:
    """Was all of the line's price refunded? eBay counts money here, not units (refunds leave out the tax that it collects)."""
    rows = _maybe_rows(line, "refunds")
    if not rows:
        return False
    back = sum(_refund_money(row, currency).minor for row in rows)
    return 0 < bill.charge.gross.minor - bill.less <= back


def _refund_money(row: Doc, currency: str) -> Money:
    """In the order's currency, as told or as converted from it."""
    amount = _part(row, "amount")
    return _money(row, "amount", SHOP if amount.get("currency") == currency else BUYER, currency)


def _refunds(document: Doc, lines: Sequence[Doc], currency: str, notes: list[str]) -> list[Refund]:
    """Money that moved: the order's refunds, and those of lines that the order does not list itself."""
    told, changed = _rows(_part(document, "paymentSummary"), "refunds", "paymentSummary."), _time(document, "lastModifiedDate")
    by_line: dict[str, list[tuple[Doc, RefundLine]]] = {}
    for line in lines:
        for row in _maybe_rows(line, "refunds"):
            part = RefundLine(_text(line, "lineItemId"), 0, Restock.UNKNOWN, subtotal=_refund_money(row, currency))
            by_line.setdefault(_maybe(row, "refundId") or _maybe(row, "refundReferenceId"), []).append((row, part))
    found: list[Refund] = []
    for row in told:
        if not _moved(row, notes):
            continue
        total, name = _refund_money(row, currency), _maybe(row, "refundId") or _maybe(row, "refundReferenceId")
        parts = by_line.pop(name, None) or _same_money(by_line, total)
        at = _maybe_time(row, "refundDate") or changed  # a refund without its date is dated by the order's last change
        found.append(Refund(name or f"refund-{len(found) + 1}", at, total, tuple(part for _, part in parts), _converted(row, currency)))
    pending = {_maybe(row, "refundId") for row in told}
    return found + [_line_refund(name, parts, changed, currency) for name, parts in by_line.items() if name not in pending]


def _moved(row: Doc, notes: list[str]) -> bool:
    word = _text(row, "refundStatus")
    if word not in REFUNDED:
        notes.append(f"status: refundStatus {word[:40]} is unknown")
    return REFUNDED.get(word, False)


def _same_money(by_line: dict[str, list[tuple[Doc, RefundLine]]], total: Money) -> list[tuple[Doc, RefundLine]]:
    """Lines' refunds under another id whose sum is this refund: the same money, told twice."""
    name = next((name for name, parts in by_line.items() if sum(_minor(part.subtotal) for _, part in parts) == total.minor), None)
    return [] if name is None else by_line.pop(name)


def _line_refund(name: str, parts: list[tuple[Doc, RefundLine]], changed: datetime, currency: str) -> Refund:
    at = next((when for row, _ in parts if (when := _maybe_time(row, "refundDate"))), changed)
    whole = Money(sum(_minor(part.subtotal) for _, part in parts), currency)
    return Refund(name or f"refund-of-{parts[0][1].line}", at, whole, tuple(part for _, part in parts))


def _converted(row: Doc, currency: str) -> Money | None:
    amount = _part(row, "amount")
    if amount.get("currency") != currency or amount.get("convertedFromValue") is None:
        return None
    return _money(row, "amount", BUYER, None)


def _with_lines(refund: Refund, goods: Sequence[Line]) -> Refund:
    """A refund of a whole line that never left gives its units a number; else eBay does not tell one."""
    if not refund.lines:
        return refund
    units = {line.id: line.cancelled for line in goods}
    parts = tuple(RefundLine(part.line, units[part.line], part.restock, None, part.subtotal) for part in refund.lines)
    return Refund(refund.id, refund.at, refund.total, parts, refund.presented)


def _shipping(account: _Account, presented: _Account | None, step: Doc) -> tuple[Shipping, ...]:
    if account.shipping is None:
        return ()
    service = _maybe(step, "shippingServiceCode")
    return (Shipping("delivery", service, account.shipping, service or None, presented.shipping if presented else None),)


def _payment_notes(document: Doc, notes: list[str]) -> None:
    if document.get("orderPaymentStatus") == "FAILED":
        notes.append("payment: the buyer's payment failed")
    for payment in _maybe_rows(_maybe_part(document, "paymentSummary"), "payments"):
        if any(_maybe(hold, "holdState") in HELD for hold in _maybe_rows(payment, "paymentHolds")):
            notes.append("payment: funds held")


def _payments(document: Doc) -> tuple[Payment, ...] | None:
    """None: they were not told."""
    summary = _part(document, "paymentSummary")
    return None if summary.get("payments") is None else tuple([_paid(row) for row in _rows(summary, "payments")])


def _paid(row: Doc) -> Payment:
    name, kind, amount = _maybe(row, "paymentReferenceId"), _maybe(row, "paymentMethod"), _money(row, "amount", SHOP, None)
    return Payment(name, kind, _maybe(row, "paymentStatus"), amount, "ebay", _maybe_time(row, "paymentDate"))


def _cancel_reason(cancel: Doc) -> str:
    """Told by getOrder only."""
    rows = _maybe_rows(cancel, "cancelRequests")
    return _maybe(rows[-1], "cancelReason") if rows else ""


def _said(document: Doc, cancel: Doc) -> tuple[tuple[str, str], ...]:
    words = (("orderPaymentStatus", document), ("orderFulfillmentStatus", document), ("cancelState", cancel))
    return tuple((key, holder[key]) for key, holder in words)


def _instructions(lines: Sequence[Doc]) -> Iterable[Doc]:
    return (part for line in lines if (part := _maybe_part(line, "lineItemFulfillmentInstructions")))


def _ship_by(lines: Sequence[Doc]) -> datetime | None:
    return min((when for part in _instructions(lines) if (when := _maybe_time(part, "shipByDate"))), default=None)


def _customs(lines: Sequence[Doc]) -> str | None:
    """The number under which eBay remits the tax (IOSS, VOEC, ...): customs wants it on the parcel."""
    rows = (row for line in lines for row in _maybe_rows(line, "ebayCollectAndRemitTaxes") if row.get("ebayReference"))
    return next((value for row in rows if (value := _maybe(_part(row, "ebayReference"), "value"))), None)


def _programs(document: Doc, start: Doc) -> tuple[str, ...]:
    program = _maybe_part(document, "program")
    supported = ("ebay_supported_fulfillment",) if start.get("ebaySupportedFulfillment") is True else ()
    fetched = ("prepare_for_pickup",) if start.get("fulfillmentInstructionsType") == "PREPARE_FOR_PICKUP" else ()
    return supported + fetched + tuple(ours for theirs, ours in PROGRAMS.items() if program.get(theirs))


# The person.


def _contact(contact: Doc) -> Address | None:
    if not contact:
        return None
    home = _maybe_part(contact, "contactAddress")
    return _address(home, contact)


def _address(home: Doc, contact: Doc) -> Address:
    return Address(
        name=_maybe(contact, "fullName"),
        company=_maybe(contact, "companyName"),
        street1=_maybe(home, "addressLine1"),
        street2=_maybe(home, "addressLine2"),
        city=_maybe(home, "city"),
        region=_maybe(home, "stateOrProvince") or _maybe(home, "county"),
        postcode=_maybe(home, "postalCode"),
        country=_maybe(home, "countryCode"),
        phone=_maybe(_maybe_part(contact, "primaryPhone"), "phoneNumber"),
        email=_maybe(contact, "email"),
    )


def _person(document: Doc, lines: Sequence[Doc], start: Doc, step: Doc) -> Person:
    """Names and streets vanish 90 days after the sale, so all of it may be missing."""
    buyer, final = _maybe_part(document, "buyer"), _maybe_part(start, "finalDestinationAddress")
    ship_to, bill_to = _contact(_maybe_part(step, "shipTo")), _contact(_maybe_part(buyer, "buyerRegistrationAddress"))
    known = bill_to if final else ship_to or bill_to  # at a hub, shipTo names the hub
    gifts = (_maybe(_maybe_part(line, "giftDetails"), "message") for line in lines)
    return Person(
        name=known.name if known else "",
        email=known.email if known else "",
        phone=known.phone if known else "",
        channel_id=_maybe(buyer, "username"),
        ship_to=ship_to,
        bill_to=bill_to,
        final_ship_to=_address(final, {}) if final else None,
        note=_maybe(document, "buyerCheckoutNotes"),
        gift_message=next(filter(None, gifts), ""),
        tax_id=_maybe(_maybe_part(buyer, "taxIdentifier"), "taxpayerId"),
    )
