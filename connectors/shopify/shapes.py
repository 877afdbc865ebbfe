"""What we rely on in Shopify's order, as types: the webhook's (REST) shape and the GraphQL one. Pure; nothing else is ever read.

msgspec checks these while it decodes: a missing field or a wrong type is refused by name, unknown fields cost nothing.
Fields without a default are needed. A default is a decision: the field is absent in bodies that are whole all the same.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

UNITS = 2**31  # fewer than this: what a database's integer holds
Count = Annotated[int, Meta(ge=0, lt=UNITS)]
Time = Annotated[datetime, Meta(tz=True)]
Amount = Annotated[str, Meta(pattern=r"^-?\d{1,20}(\.\d{1,10})?$")]
Text = str | None


class Shape(Struct, gc=False):
    """Shopify's REST spelling."""


class Cash(Shape):
    amount: str
    currency_code: str


class Bag(Shape):
    """One amount in the shop's currency and in the buyer's."""

    shop_money: Cash
    presentment_money: Cash


class Named(Shape):
    """Something with a number. Numbers beyond 2^53 were rounded by JavaScript in Shopify's own examples; the gid never is."""

    id: int | None = None
    gid: Text = field(default=None, name="admin_graphql_api_id")


class TaxLine(Shape):
    price_set: Bag
    title: Text = None
    rate: Decimal | None = None
    channel_liable: bool | None = None


class Allocation(Shape):
    amount_set: Bag
    discount_application_index: int = -1


class Application(Shape):
    type: Text = None
    code: Text = None
    title: Text = None
    description: Text = None


class LineItem(Named, kw_only=True):
    """`quantity` holds removed and refunded units, `current_quantity` does not; allocations and taxes are those of `quantity`."""

    quantity: Count
    current_quantity: Count
    price: str
    price_set: Bag
    title: str
    sku: Text
    variant_id: int | None
    requires_shipping: bool
    gift_card: bool
    fulfillment_service: str
    discount_allocations: list[Allocation]
    tax_lines: list[TaxLine]
    name: Text = None
    fulfillable_quantity: Count | None = None
    sales_line_item_group_id: int | None = None


class ShippingLine(Shape, kw_only=True):
    id: int | None = None
    title: Text
    price: str
    price_set: Bag
    discount_allocations: list[Allocation]
    tax_lines: list[TaxLine]
    code: Text = None
    is_removed: bool = False


class RefundLineItem(Shape, kw_only=True):
    line_item_id: int
    quantity: Count
    restock_type: str
    subtotal_set: Bag
    total_tax_set: Bag
    location_id: int | None
    line_item: Named | None = None


class Moved(Shape, kw_only=True):
    """A transaction of a refund. Its one amount is in the currency it was paid in; GraphQL tells both."""

    kind: str
    status: str
    amount: str
    currency: str
    amount_set: Bag | None = None


class Adjustment(Shape):
    amount_set: Bag
    tax_amount_set: Bag
    kind: str


class ShippingBack(Shape):
    subtotal_amount_set: Bag
    tax_amount_set: Bag


class Refund(Named, kw_only=True):
    refund_line_items: list[RefundLineItem]
    transactions: list[Moved]
    created_at: Time | None = None
    processed_at: Time | None = None
    order_adjustments: list[Adjustment] = []
    carriage: list[ShippingBack] = []  # as a read tells it; a webhook tells it by an adjustment


class ShippedItem(Named, kw_only=True):
    quantity: Count


class Fulfillment(Named, kw_only=True):
    status: str
    line_items: list[ShippedItem]
    created_at: Time
    location_id: int | None
    tracking_numbers: list[str]
    tracking_number: Text


class MailingAddress(Shape):
    name: Text = None
    first_name: Text = None
    last_name: Text = None
    company: Text = None
    address1: Text = None
    address2: Text = None
    city: Text = None
    province: Text = None
    province_code: Text = None
    zip: Text = None
    country_code: Text = None
    phone: Text = None


class Company(Shape):
    id: int | None = None


class Schedule(Shape):
    due_at: Time | None  # null until goods leave, where that is what makes it due


class Terms(Shape):
    payment_schedules: list[Schedule]


class Order(Named, kw_only=True):
    """The body of an `orders/*` webhook, and what the GraphQL read is turned into."""

    name: str
    updated_at: Time
    processed_at: Time
    currency: str
    presentment_currency: str
    taxes_included: bool
    financial_status: Text
    fulfillment_status: Text
    total_price: str
    total_price_set: Bag
    line_items: list[LineItem]
    shipping_lines: list[ShippingLine]
    refunds: list[Refund]
    fulfillments: list[Fulfillment]
    cancelled_at: Time | None
    closed_at: Time | None
    test: bool
    tags: str
    discount_applications: list[Application] = []
    total_tip_received: str = "0"
    current_total_duties_set: Bag | None = None
    original_total_duties_set: Bag | None = None
    current_total_additional_fees_set: Bag | None = None
    original_total_additional_fees_set: Bag | None = None
    duties_included: bool = False
    cancel_reason: Text = None
    source_name: Text = None
    source_identifier: Text = None
    po_number: Text = None
    payment_gateway_names: list[str] = []
    company: Company | None = None  # only business orders have it
    payment_terms: Terms | None = None  # GraphQL tells it to apps with a scope of its own only: it is read here alone
    customer: Named | None = None
    email: Text = None
    phone: Text = None
    note: Text = None
    shipping_address: MailingAddress | None = None  # null without delivery and where the app may not see addresses
    billing_address: MailingAddress | None = None


class Node(Struct, rename="camel", gc=False):
    """Shopify's GraphQL spelling; the fields of the documents in `documents.py`."""


class GMoney(Node):
    amount: Amount
    currency_code: str


class GBag(Node):
    shop_money: GMoney
    presentment_money: GMoney


class GId(Node):
    id: str


class PageInfo(Node):
    has_next_page: bool


class GTax(Node):
    price_set: GBag
    title: Text = None
    rate: Decimal | None = None
    channel_liable: bool | None = None


class GApplication(Node):
    kind: str = field(default="", name="__typename")
    code: Text = None
    title: Text = None


class GAllocation(Node):
    allocated_amount_set: GBag
    discount_application: GApplication | None = None


class GService(Node):
    handle: str


class GLine(Node, kw_only=True):
    id: str
    quantity: Count
    current_quantity: Count
    original_unit_price_set: GBag
    title: str
    sku: Text
    variant: GId | None
    requires_shipping: bool
    is_gift_card: bool
    discount_allocations: list[GAllocation]
    tax_lines: list[GTax]
    name: Text = None
    variant_title: Text = None
    unfulfilled_quantity: Count | None = None
    fulfillment_service: GService | None = None
    line_item_group: GId | None = None


class GShipping(Node, kw_only=True):
    id: Text = None
    title: Text
    original_price_set: GBag
    discount_allocations: list[GAllocation]
    tax_lines: list[GTax]
    code: Text = None
    is_removed: bool = False


class GRefundLine(Node, kw_only=True):
    line_item: GId
    quantity: Count
    restock_type: str
    subtotal_set: GBag
    total_tax_set: GBag
    location: GId | None


class GMoved(Node):
    kind: str
    status: str
    amount_set: GBag


class GLines(Node):
    nodes: list[GLine]
    page_info: PageInfo | None = None


class GShippings(Node):
    nodes: list[GShipping]
    page_info: PageInfo | None = None


class GRefundLines(Node):
    nodes: list[GRefundLine]
    page_info: PageInfo | None = None


class GMoveds(Node):
    nodes: list[GMoved]
    page_info: PageInfo | None = None


class GShippingBack(Node):
    subtotal_amount_set: GBag
    tax_amount_set: GBag


class GShippingBacks(Node):
    nodes: list[GShippingBack]
    page_info: PageInfo | None = None


class GRefund(Node, kw_only=True):
    id: str
    processed_at: Time
    total_refunded_set: GBag
    refund_line_items: GRefundLines
    refund_shipping_lines: GShippingBacks | None = None  # an older read did not ask
    transactions: GMoveds | None = None  # Appendix A of an older read did not ask; then the refund's own total counts


class GShippedItem(Node):
    quantity: Count
    line_item: GId


class GShippedItems(Node):
    nodes: list[GShippedItem]
    page_info: PageInfo | None = None


class GTracking(Node):
    number: Text = None


class GFulfillment(Node, kw_only=True):
    id: str
    status: str
    fulfillment_line_items: GShippedItems
    created_at: Time
    tracking_info: list[GTracking] = []
    location: GId | None = None


class GTransaction(Node, kw_only=True):
    id: str
    kind: str
    status: str
    amount_set: GBag
    gateway: Text = None
    processed_at: Time | None = None
    parent_transaction: GId | None = None
    authorization_expires_at: Time | None = None


class GHold(Node, kw_only=True):
    id: str
    reason: str
    held_by_requesting_app: bool = False


class GPlace(Node):
    id: str
    is_fulfillment_service: bool = False


class GAssigned(Node):
    location: GPlace | None = None


class GDelivery(Node):
    method_type: str


class GPartItem(Node):
    remaining_quantity: Count
    line_item: GId


class GPartItems(Node):
    nodes: list[GPartItem]
    page_info: PageInfo | None = None


class GPart(Node, kw_only=True):
    id: str
    status: str
    line_items: GPartItems
    assigned_location: GAssigned | None = None
    delivery_method: GDelivery | None = None
    fulfillment_holds: list[GHold] = []


class GParts(Node):
    nodes: list[GPart]
    page_info: PageInfo | None = None


class GRisk(Node):
    recommendation: str


class GAddress(Node, kw_only=True):
    name: Text = None
    first_name: Text = None
    last_name: Text = None
    company: Text = None
    address1: Text = None
    address2: Text = None
    city: Text = None
    province: Text = None
    province_code: Text = None
    zip: Text = None
    country_code: Text = field(default=None, name="countryCodeV2")
    phone: Text = None


class GEntity(Node):
    kind: str = field(default="", name="__typename")


class GOrder(Node, kw_only=True):
    """The documents of the order read, merged."""

    id: str
    name: str
    processed_at: Time
    updated_at: Time
    currency_code: str
    presentment_currency_code: str
    taxes_included: bool
    display_financial_status: Text
    display_fulfillment_status: str
    total_price_set: GBag
    total_tip_received_set: GBag
    line_items: GLines
    shipping_lines: GShippings
    refunds: list[GRefund]
    fulfillments: list[GFulfillment]
    cancelled_at: Time | None
    closed_at: Time | None
    test: bool
    tags: list[str]
    current_total_duties_set: GBag | None = None
    original_total_duties_set: GBag | None = None
    current_total_additional_fees_set: GBag | None = None
    original_total_additional_fees_set: GBag | None = None
    duties_included: bool = False
    cancel_reason: Text = None
    source_name: Text = None
    source_identifier: Text = None
    po_number: Text = None
    payment_gateway_names: list[str] = []
    purchasing_entity: GEntity | None = None
    customer: GId | None = None
    email: Text = None
    phone: Text = None
    note: Text = None
    shipping_address: GAddress | None = None
    billing_address: GAddress | None = None
    transactions: list[GTransaction] | UnsetType = UNSET
    fulfillment_orders: GParts | UnsetType = UNSET
    risk: GRisk | UnsetType = UNSET


class GAnswer(Node):
    order: GOrder


class GDocument(Node):
    """How `fetch` hands an order on."""

    data: GAnswer


class GHeldBy(Node):
    id: Text = None
    status: Text = None


class GAdjusted(Node):
    order_transaction_id: int | str


class GPayout(Node, kw_only=True):
    id: str
    issued_at: Time
    status: str
    transaction_type: str
    net: GMoney
    external_trace_id: Text = None


class GBalanceLine(Node, kw_only=True):
    id: str
    type: str
    transaction_date: Time
    amount: GMoney
    fee: GMoney
    net: GMoney
    associated_payout: GHeldBy
    test: bool = False
    source_type: Text = None
    source_order_transaction_id: int | str | None = None
    adjustment_reason: Text = None
    associated_order: GId | None = None
    adjustments_orders: list[GAdjusted] = []


class GFee(Node):
    amount: GMoney
    tax_amount: GMoney


class GCharge(Node):
    """What an order's transaction tells beside the line of the balance that it became."""

    id: str
    amount_set: GBag
    fees: list[GFee] = []


Anything = dict[str, Any]
