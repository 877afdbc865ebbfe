"""The GraphQL read of an order in the webhook's shape, so that one reading serves both doors. Pure."""

from collections.abc import Sequence
from typing import Protocol

from connectors.shopify import shapes
from core.domain.money import Money
from core.domain.order import Assignment, Hold, Party, Payment, ShippedLine
from core.errors import BadPayload

APPLICATIONS = {
    "DiscountCodeApplication": "discount_code",
    "AutomaticDiscountApplication": "automatic",
    "ManualDiscountApplication": "manual",
    "ScriptDiscountApplication": "script",
}
SERVICE = {True: Party.OTHER, False: Party.MERCHANT}
# What all unfulfilled units wait for; GraphQL alone tells it (schema texts, 2026-10).
WAITING = {"ON_HOLD": "on_hold", "SCHEDULED": "scheduled", "IN_PROGRESS": "in_progress", "PENDING_FULFILLMENT": "in_progress"}


def digits(gid: str, field: str = "id") -> str:
    """The number at the end of a gid. Raises BadPayload that names the field."""
    number = gid.rpartition("/")[2].partition("?")[0]
    if not (number.isascii() and number.isdigit()):
        raise BadPayload(f"{field}: not a gid that ends in a number")
    return number


def number(gid: str | None) -> int | None:
    return None if gid is None else int(digits(gid))


class _Paged(Protocol):
    @property
    def page_info(self) -> shapes.PageInfo | None: ...


def _whole(field: str, *pages: _Paged) -> None:
    if any(page.page_info is not None and page.page_info.has_next_page for page in pages):
        raise BadPayload(f"{field}: only the first page is here")


def _bag(bag: shapes.GBag) -> shapes.Bag:
    shop, buyer = bag.shop_money, bag.presentment_money
    return shapes.Bag(shapes.Cash(shop.amount, shop.currency_code), shapes.Cash(buyer.amount, buyer.currency_code))


def _maybe(bag: shapes.GBag | None) -> shapes.Bag | None:
    return None if bag is None else _bag(bag)


def _taxes(taxes: Sequence[shapes.GTax]) -> list[shapes.TaxLine]:
    return [shapes.TaxLine(_bag(tax.price_set), tax.title, tax.rate, tax.channel_liable) for tax in taxes]


def _shares(allocations: Sequence[shapes.GAllocation], applications: list[shapes.Application]) -> list[shapes.Allocation]:
    """The allocations; what they came from joins `applications`, which they point into."""
    shares = []
    for part in allocations:
        source = part.discount_application or shapes.GApplication()
        applications.append(shapes.Application(APPLICATIONS.get(source.kind), source.code, source.title))
        shares.append(shapes.Allocation(_bag(part.allocated_amount_set), len(applications) - 1))
    return shares


def _name(line: shapes.GLine) -> str:
    variant = line.variant_title
    return line.name or (f"{line.title} - {variant}" if variant and variant != "Default Title" else line.title)


def _line(line: shapes.GLine, applications: list[shapes.Application]) -> shapes.LineItem:
    return shapes.LineItem(
        id=number(line.id),
        gid=line.id,
        quantity=line.quantity,
        current_quantity=line.current_quantity,
        price=line.original_unit_price_set.shop_money.amount,
        price_set=_bag(line.original_unit_price_set),
        title=line.title,
        sku=line.sku,
        variant_id=number(line.variant.id if line.variant else None),
        requires_shipping=line.requires_shipping,
        gift_card=line.is_gift_card,
        fulfillment_service=line.fulfillment_service.handle if line.fulfillment_service else "manual",
        discount_allocations=_shares(line.discount_allocations, applications),
        tax_lines=_taxes(line.tax_lines),
        name=_name(line),
        fulfillable_quantity=line.unfulfilled_quantity,
        sales_line_item_group_id=number(line.line_item_group.id if line.line_item_group else None),
    )


def _shipping(line: shapes.GShipping, applications: list[shapes.Application]) -> shapes.ShippingLine:
    return shapes.ShippingLine(
        id=number(line.id),
        title=line.title,
        code=line.code,
        price=line.original_price_set.shop_money.amount,
        price_set=_bag(line.original_price_set),
        discount_allocations=_shares(line.discount_allocations, applications),
        tax_lines=_taxes(line.tax_lines),
        is_removed=line.is_removed,
    )


def _moved(kind: str, status: str, bag: shapes.GBag) -> shapes.Moved:
    money = bag.shop_money
    return shapes.Moved(kind=kind.lower(), status=status.lower(), amount=money.amount, currency=money.currency_code, amount_set=_bag(bag))


def _transactions(refund: shapes.GRefund) -> list[shapes.Moved]:
    """Those of the refund; where the read did not ask for them, its own total as one."""
    if refund.transactions is None:
        return [_moved("refund", "success", refund.total_refunded_set)]
    _whole("refunds[].transactions", refund.transactions)
    return [_moved(item.kind, item.status, item.amount_set) for item in refund.transactions.nodes]


def _carriage(refund: shapes.GRefund) -> list[shapes.ShippingBack]:
    told = refund.refund_shipping_lines
    if told is None:
        return []
    _whole("refunds[].refundShippingLines", told)
    return [shapes.ShippingBack(_bag(one.subtotal_amount_set), _bag(one.tax_amount_set)) for one in told.nodes]


def _refund(refund: shapes.GRefund) -> shapes.Refund:
    _whole("refunds[].refundLineItems", refund.refund_line_items)
    return shapes.Refund(
        gid=refund.id,
        processed_at=refund.processed_at,
        transactions=_transactions(refund),
        carriage=_carriage(refund),
        refund_line_items=[
            shapes.RefundLineItem(
                line_item_id=int(digits(line.line_item.id)),
                quantity=line.quantity,
                restock_type=line.restock_type.lower(),
                subtotal_set=_bag(line.subtotal_set),
                total_tax_set=_bag(line.total_tax_set),
                location_id=number(line.location.id if line.location else None),
            )
            for line in refund.refund_line_items.nodes
        ],
    )


def _fulfillment(told: shapes.GFulfillment) -> shapes.Fulfillment:
    _whole("fulfillments[].fulfillmentLineItems", told.fulfillment_line_items)
    numbers = [info.number for info in told.tracking_info if info.number]
    return shapes.Fulfillment(
        gid=told.id,
        status=told.status.lower(),
        created_at=told.created_at,
        location_id=number(told.location.id if told.location else None),
        tracking_numbers=numbers,
        tracking_number=numbers[0] if numbers else None,
        line_items=[shapes.ShippedItem(gid=line.line_item.id, quantity=line.quantity) for line in told.fulfillment_line_items.nodes],
    )


def _address(told: shapes.GAddress | None) -> shapes.MailingAddress | None:
    if told is None:
        return None
    return shapes.MailingAddress(**{name: getattr(told, name) for name in shapes.MailingAddress.__struct_fields__})


def _word(told: shapes.GOrder) -> str | None:
    """The fulfillment status as a webhook has it. That an order waits is left to its holds and routing, where they tell it."""
    word, parts = WAITING.get(told.display_fulfillment_status), routing(told) or ()
    carried = {part.status for part in parts if part.open} == {word} or (word == "on_hold" and bool(holds(told)))
    if word is None or not carried:
        return told.display_fulfillment_status.lower()
    return "partial" if any(one.status == "SUCCESS" and one.fulfillment_line_items.nodes for one in told.fulfillments) else None


def as_webhook(told: shapes.GOrder) -> shapes.Order:
    """The same order as its webhook body tells it. Raises BadPayload where a page is missing."""
    _whole("lineItems", told.line_items)
    _whole("shippingLines", told.shipping_lines)
    applications: list[shapes.Application] = []
    business = told.purchasing_entity is not None and told.purchasing_entity.kind == "PurchasingCompany"
    return shapes.Order(
        gid=told.id,
        name=told.name,
        updated_at=told.updated_at,
        processed_at=told.processed_at,
        currency=told.currency_code,
        presentment_currency=told.presentment_currency_code,
        taxes_included=told.taxes_included,
        financial_status=told.display_financial_status and told.display_financial_status.lower(),
        fulfillment_status=_word(told),
        total_price=told.total_price_set.shop_money.amount,
        total_price_set=_bag(told.total_price_set),
        line_items=[_line(line, applications) for line in told.line_items.nodes],
        shipping_lines=[_shipping(line, applications) for line in told.shipping_lines.nodes],
        refunds=[_refund(refund) for refund in told.refunds],
        fulfillments=[_fulfillment(one) for one in told.fulfillments],
        cancelled_at=told.cancelled_at,
        closed_at=told.closed_at,
        test=told.test,
        tags=", ".join(told.tags),
        discount_applications=applications,
        total_tip_received=told.total_tip_received_set.shop_money.amount,
        current_total_duties_set=_maybe(told.current_total_duties_set),
        original_total_duties_set=_maybe(told.original_total_duties_set),
        current_total_additional_fees_set=_maybe(told.current_total_additional_fees_set),
        original_total_additional_fees_set=_maybe(told.original_total_additional_fees_set),
        duties_included=told.duties_included,
        cancel_reason=told.cancel_reason and told.cancel_reason.lower(),
        source_name=told.source_name,
        source_identifier=told.source_identifier,
        po_number=told.po_number,
        payment_gateway_names=told.payment_gateway_names,
        company=shapes.Company() if business else None,
        customer=shapes.Named(gid=told.customer.id) if told.customer else None,
        email=told.email,
        phone=told.phone,
        note=told.note,
        shipping_address=_address(told.shipping_address),
        billing_address=_address(told.billing_address),
    )


def _amount(money: shapes.GMoney) -> Money:
    try:
        return Money.parse(money.amount, money.currency_code)
    except ValueError as error:
        raise BadPayload(f"transactions[].amountSet, amount or currencyCode: {error}") from None


def _payment(told: shapes.GTransaction, buyer: str) -> Payment:
    shop, presented = told.amount_set.shop_money, told.amount_set.presentment_money
    return Payment(
        id=digits(told.id),
        kind=told.kind.lower(),
        status=told.status.lower(),
        amount=_amount(shop),
        gateway=told.gateway or "",
        at=told.processed_at,
        parent=digits(told.parent_transaction.id) if told.parent_transaction else None,
        presented=_amount(presented) if buyer != shop.currency_code else None,
        until=told.authorization_expires_at,
    )


def payments(told: shapes.GOrder) -> tuple[Payment, ...] | None:
    """The order's transactions, all kinds and statuses; None where the read did not ask."""
    if not isinstance(told.transactions, list):
        return None
    return tuple(_payment(one, told.presentment_currency_code) for one in told.transactions)


def holds(told: shapes.GOrder) -> tuple[Hold, ...] | None:
    """What stops the order at Shopify, ours and others'; None where the read did not ask."""
    if not isinstance(told.fulfillment_orders, shapes.GParts):
        return None
    found = (hold for part in told.fulfillment_orders.nodes for hold in part.fulfillment_holds)
    return tuple(Hold(digits(hold.id), hold.reason.lower(), hold.held_by_requesting_app) for hold in found)


def _assignment(part: shapes.GPart, waits: str | None) -> Assignment:
    """A part that is merely open waits for what the whole order waits for: a service that was asked has not answered yet."""
    place = part.assigned_location.location if part.assigned_location else None
    return Assignment(
        id=digits(part.id),
        status=waits if waits and part.status == "OPEN" else part.status.lower(),
        location=digits(place.id) if place else None,
        lines=tuple(ShippedLine(digits(item.line_item.id), item.remaining_quantity) for item in part.line_items.nodes),
        party=SERVICE[place.is_fulfillment_service if place else False],
        method=part.delivery_method.method_type.lower() if part.delivery_method else "",
    )


def routing(told: shapes.GOrder) -> tuple[Assignment, ...] | None:
    """Which place ships what, with the units still to ship; None where the read did not ask."""
    if not isinstance(told.fulfillment_orders, shapes.GParts):
        return None
    _whole("fulfillmentOrders", told.fulfillment_orders, *(part.line_items for part in told.fulfillment_orders.nodes))
    waits = WAITING.get(told.display_fulfillment_status)
    return tuple(_assignment(part, waits) for part in told.fulfillment_orders.nodes)


def risk(told: shapes.GOrder) -> str | None:
    """Shopify's recommendation: accept, investigate, cancel or none; None where the read did not ask."""
    return told.risk.recommendation.lower() if isinstance(told.risk, shapes.GRisk) else None
