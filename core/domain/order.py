"""The canonical order: what three channels mean, in one vocabulary. Pure; statuses are derived, never stored.

Amounts are for the whole line and in the shop's currency; `presented` holds the same in the buyer's currency where
that differs. A tax is inside the price (`included`) or comes on top; nothing after `normalize.py` asks which.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from core.domain.money import Money, total


class OrderStatus(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    OPEN = "open"
    ON_HOLD = "on_hold"
    CANCEL_REQUESTED = "cancel_requested"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    SCHEDULED = "scheduled"
    ON_HOLD = "on_hold"
    IN_PROGRESS = "in_progress"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    NOT_REQUIRED = "not_required"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


PROMISED, CLOSING = ("authorization", "emv_authorization"), ("capture", "void")  # kinds of payments, as connectors spell them
DUE = (PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_PAID)
WAITING = {status.value: status for status in (FulfillmentStatus.SCHEDULED, FulfillmentStatus.ON_HOLD, FulfillmentStatus.IN_PROGRESS)}


class TaxMode(StrEnum):
    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"
    NONE = "none"
    UNKNOWN = "unknown"


class Liable(StrEnum):
    """Who pays a tax to the state."""

    SELLER = "seller"
    MARKETPLACE = "marketplace"
    UNKNOWN = "unknown"


class Party(StrEnum):
    """Who ships: we, the channel's own warehouse (FBA), or somebody else's fulfillment service."""

    MERCHANT = "merchant"
    CHANNEL = "channel"
    OTHER = "other"


class Restock(StrEnum):
    """What a refund did with the goods: they came back, they never left, or they are gone."""

    RETURN = "return"
    CANCEL = "cancel"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Tax:
    title: str
    amount: Money
    included: bool
    liable: Liable = Liable.SELLER
    rate: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """A share of a discount that fell on one line or shipping line; `amount` is never negative."""

    amount: Money
    kind: str = "unknown"
    title: str = ""
    funded_by: str = "seller"


@dataclass(frozen=True, slots=True)
class Charge:
    """What is asked for one thing. `gross` is before discounts, with included taxes inside and the others on top."""

    gross: Money
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()

    @property
    def discount(self) -> Money:
        return total((part.amount for part in self.discounts), self.gross.currency)

    @property
    def net(self) -> Money:
        """After discounts, in the order's tax mode."""
        return self.gross - self.discount if self.discounts else self.gross

    @property
    def tax(self) -> Money:
        return total((tax.amount for tax in self.taxes), self.gross.currency)

    @property
    def payable(self) -> Money:
        """What the buyer owes for it, every tax inside."""
        on_top = [tax.amount for tax in self.taxes if not tax.included]
        return self.net + total(on_top, self.gross.currency) if on_top else self.net

    def taxed_by(self, liable: Liable) -> Money:
        return total((tax.amount for tax in self.taxes if tax.liable is liable), self.gross.currency)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `listing` is the channel's own id of what was sold, `sku` its text as the channel spells it.

    `cancelled` counts units removed or refunded before shipping, `lost` those of them that were not put back on the
    shelf (refunded unshipped with no restock); `fulfilled` units that left, whoever shipped them.
    """

    id: str
    listing: str | None
    sku: str | None
    title: str
    ordered: int
    charge: Charge
    cancelled: int = 0
    lost: int = 0
    fulfilled: int = 0
    returned: int = 0
    requires_shipping: bool = True
    gift_card: bool = False
    party: Party = Party.MERCHANT
    presented: Charge | None = None

    @property
    def open(self) -> int:
        return max(0, self.ordered - self.cancelled - self.fulfilled)


class Sendable(Protocol):
    """Of a line, what says whether somebody of ours must still send it."""

    @property
    def open(self) -> int: ...
    @property
    def requires_shipping(self) -> bool: ...
    @property
    def party(self) -> Party: ...


def units_to_ship(lines: Iterable[Sendable]) -> int:
    """Units of these lines that somebody of ours still has to send, where the order itself is ours and stands."""
    return sum(line.open for line in lines if line.requires_shipping and line.party is Party.MERCHANT)


@dataclass(frozen=True, slots=True)
class Shipping:
    """A shipping line as charged; what was removed by an edit is left out."""

    id: str
    title: str
    charge: Charge
    code: str | None = None
    presented: Charge | None = None


@dataclass(frozen=True, slots=True)
class RefundLine:
    line: str
    quantity: int
    restock: Restock
    location: str | None = None
    subtotal: Money | None = None
    tax: Money | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """`total` is the money that moved back in the shop's currency: successful refund transactions only. `shipping` is what of the carriage
    was given back, with `shipping_tax` in it; None where the channel does not tell it apart."""

    id: str
    at: datetime
    total: Money
    lines: tuple[RefundLine, ...] = ()
    presented: Money | None = None
    shipping: Money | None = None
    shipping_tax: Money | None = None


@dataclass(frozen=True, slots=True)
class ShippedLine:
    line: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shipped:
    """A parcel that left, as the channel tells it."""

    id: str
    at: datetime | None
    lines: tuple[ShippedLine, ...]
    location: str | None = None
    tracking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that moved, or was promised: `until` is when an authorization ends (None: the channel does not say)."""

    id: str
    kind: str
    status: str
    amount: Money
    gateway: str = ""
    at: datetime | None = None
    parent: str | None = None
    presented: Money | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    id: str
    reason: str
    ours: bool = False


PICK_UP = "pick_up"
FETCHED = frozenset({"in_store_pick_up", "prepare_for_pickup"})  # Amazon's program, and eBay's instruction (read 2026-11)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A part of the order as the channel gave it to one place: Shopify's fulfillment order. `lines` are the units still to send."""

    id: str
    status: str
    location: str | None
    lines: tuple[ShippedLine, ...] = ()
    party: Party = Party.MERCHANT
    method: str = ""  # how it reaches the buyer, in small letters: "pick_up", "shipping"; "" where the channel does not say

    @property
    def open(self) -> bool:
        return self.status not in ("closed", "cancelled") and any(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where somebody lives. Only the country may show in a log."""

    name: str = ""
    company: str = ""
    street1: str = ""
    street2: str = ""
    street3: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""

    def __repr__(self) -> str:
        return f"Address(country={self.country!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Everything about the buyer: kept encrypted, apart from the order, with a date on which it goes."""

    name: str = ""
    email: str = ""
    phone: str = ""
    channel_id: str = ""
    ship_to: Address | None = None
    bill_to: Address | None = None
    final_ship_to: Address | None = None
    note: str = ""
    gift_message: str = ""
    tax_id: str = ""

    def __repr__(self) -> str:
        return f"Person(ship_to={self.ship_to!r})"


class Glance(NamedTuple):
    """What a channel's list tells of an order without reading it whole: its payment, whether it is cancelled, whether anything left."""

    payment: PaymentStatus
    cancelled: bool
    sent: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One order of one connection. `id` is the channel's own id, `name` what staff call it, `revision` its last change.

    `total` is what the buyer first owed, after edits and before returns. `payments`, `holds`, `routing`, `risk` and `due_at` (by when
    a buyer on payment terms must have paid all) are None until they were read: not read is not none. `notes` are what `normalize.py` saw
    and could not settle, as "code: words".
    """

    channel: str
    connection: str
    id: str
    name: str
    revision: datetime
    placed_at: datetime
    currency: str
    total: Money
    tax_mode: TaxMode
    lines: tuple[Line, ...]
    payment_status: PaymentStatus
    presentment_currency: str
    presented_total: Money | None = None
    shipping: tuple[Shipping, ...] = ()
    fees: Money | None = None
    duties: Money | None = None
    tips: Money | None = None
    party: Party = Party.MERCHANT
    fulfillment_said: FulfillmentStatus | None = None
    refunds: tuple[Refund, ...] = ()
    shipped: tuple[Shipped, ...] = ()
    cancelled_at: datetime | None = None
    cancelled: bool = False
    cancel_reason: str = ""
    cancel_requested: bool = False
    closed: bool = False
    on_hold: bool = False
    test: bool = False
    b2b: bool = False
    marketplace: str = ""
    source: str = ""
    source_id: str | None = None
    seller_ref: str | None = None
    replacement_of: str | None = None
    service: str = ""
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    customs_number: str | None = None
    hub_reference: str | None = None
    tags: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    on_delivery: bool = False  # its buyer pays whoever brings it
    bundles: tuple[tuple[str, ...], ...] = ()  # ids of the lines that the channel itself split a bundle into, one for each bundle
    said: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    person: Person | None = None
    payments: tuple[Payment, ...] | None = None
    holds: tuple[Hold, ...] | None = None
    routing: tuple[Assignment, ...] | None = None
    risk: str | None = None
    due_at: datetime | None = None

    @property
    def is_pickup(self) -> bool:
        """Its buyer fetches all of it. What was not read yet is none."""
        methods = {part.method for part in self.routing or () if part.method}
        return methods == {PICK_UP} or any(name.casefold() in FETCHED for name in self.programs)

    @property
    def ref(self) -> str:
        """The order's name among all: connection/channel id."""
        return f"{self.connection}/{self.id}"

    def _sum(self, amounts: Iterable[Money | None]) -> Money:
        return total((amount for amount in amounts if amount is not None), self.currency)

    @property
    def _charges(self) -> list[Charge]:
        return [line.charge for line in self.lines] + [line.charge for line in self.shipping]

    @property
    def subtotal(self) -> Money:
        """Lines after discounts, in the order's tax mode."""
        return self._sum(line.charge.net for line in self.lines)

    @property
    def shipping_total(self) -> Money:
        return self._sum(line.charge.net for line in self.shipping)

    @property
    def discount_total(self) -> Money:
        return self._sum(charge.discount for charge in self._charges)

    @property
    def tax_total(self) -> Money:
        return self._sum(charge.tax for charge in self._charges)

    def tax_by(self, liable: Liable) -> Money:
        return self._sum(charge.taxed_by(liable) for charge in self._charges)

    @property
    def refunded_total(self) -> Money:
        return self._sum(refund.total for refund in self.refunds)

    @property
    def payable(self) -> Money:
        """What its parts add up to: lines, shipping, fees, duties and tips, every tax inside."""
        return self._sum([*(charge.payable for charge in self._charges), self.fees, self.duties, self.tips])

    @property
    def rounding(self) -> Money:
        """Total less parts, where that is at most one minor unit a line; else nothing, and a problem."""
        gap = self.total - self.payable
        return gap if self._small(gap) else Money.zero(self.currency)

    def _small(self, gap: Money) -> bool:
        return abs(gap.minor) <= max(1, len(self.lines) + len(self.shipping))

    @property
    def units_to_ship(self) -> int:
        """Units that somebody of ours still has to send."""
        return 0 if self.is_cancelled or self.party is not Party.MERCHANT else units_to_ship(self.lines)

    @property
    def pay_until(self) -> datetime | None:
        """When the first of what is authorized and not captured ends; None where nothing is, or nobody knows."""
        over = {one.parent for one in self.payments or () if one.kind in CLOSING and one.status == "success"}
        open_ = [one for one in self.payments or () if one.kind in PROMISED and one.status == "success" and one.id not in over]
        return min((one.until for one in open_ if one.until), default=None) if self.payment_status in DUE else None

    @property
    def glance(self) -> Glance:
        return Glance(self.payment_status, self.is_cancelled, any(line.fulfilled for line in self.lines))

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled or self.cancelled_at is not None

    @property
    def order_status(self) -> OrderStatus:
        """Precedence: cancelled, closed, cancel requested, on hold, then what quantities and payment say."""
        return self.status_with(self.fulfillment_status)

    def status_with(self, fulfillment: FulfillmentStatus) -> OrderStatus:
        """The same for who has asked for its fulfillment status already."""
        if self.is_cancelled:
            return OrderStatus.CANCELLED
        if self.closed:
            return OrderStatus.CLOSED
        if self.cancel_requested:
            return OrderStatus.CANCEL_REQUESTED
        if self.on_hold or self._waits is FulfillmentStatus.ON_HOLD:
            return OrderStatus.ON_HOLD
        return self._status_by_quantity(fulfillment)

    def _status_by_quantity(self, fulfillment: FulfillmentStatus) -> OrderStatus:
        if self.fulfillment_said is FulfillmentStatus.UNKNOWN:
            return OrderStatus.UNKNOWN
        unpaid = self.payment_status is PaymentStatus.UNPAID
        match fulfillment:
            case FulfillmentStatus.FULFILLED:
                return OrderStatus.FULFILLED
            case FulfillmentStatus.PARTIALLY_FULFILLED:
                return OrderStatus.PARTIALLY_FULFILLED
            case FulfillmentStatus.NOT_REQUIRED if not unpaid:
                return OrderStatus.FULFILLED
            case _:
                return OrderStatus.PENDING_PAYMENT if unpaid else OrderStatus.OPEN

    @property
    def fulfillment_status(self) -> FulfillmentStatus:
        """From the quantities; what the channel says counts only where they cannot tell: scheduled, on hold, in progress."""
        if self.is_cancelled:
            return FulfillmentStatus.CANCELLED
        said = self.fulfillment_said
        if said is FulfillmentStatus.UNKNOWN:
            return said
        return self._by_quantity(said)

    def _by_quantity(self, said: FulfillmentStatus | None) -> FulfillmentStatus:
        goods = [line for line in self.lines if line.requires_shipping]
        gone, left = sum(line.fulfilled for line in goods), sum(line.open for line in goods)
        if gone and not left:
            return FulfillmentStatus.FULFILLED
        if gone:
            return FulfillmentStatus.PARTIALLY_FULFILLED
        if not goods or not left:
            return FulfillmentStatus.NOT_REQUIRED if said is not FulfillmentStatus.FULFILLED else FulfillmentStatus.FULFILLED
        return self._waits or FulfillmentStatus.UNFULFILLED

    @property
    def _waits(self) -> FulfillmentStatus | None:
        """Why open units do not leave yet: holds, the channel's word, or what each open assignment says."""
        if not any(line.open for line in self.lines):
            return None
        if self.holds:
            return FulfillmentStatus.ON_HOLD
        if (said := self.fulfillment_said) and said in WAITING:
            return said
        words = {part.status for part in self.routing or () if part.open}
        return WAITING.get(words.pop()) if len(words) == 1 else None

    def problems(self) -> list[str]:
        """Why this order must not be booked or needs a look, as "code: words"; empty when all is well."""
        return [*self.notes, *self._money_problems(), *self._quantity_problems()]

    def _money_problems(self) -> list[str]:
        gap = self.total - self.payable
        found = [] if self._small(gap) else [f"money: parts are {self.payable.text()}, total is {self.total.text()} {self.currency}"]
        if self.presented_total is not None and not self._small(presented_gap := self.presented_total - self._presented_payable()):
            found.append(f"money: parts in {self.presentment_currency} differ from the total by {presented_gap.text()}")
        return found

    def _presented_payable(self) -> Money:
        charges = [line.presented for line in self.lines] + [line.presented for line in self.shipping]
        known = total((charge.payable for charge in charges if charge), self.presentment_currency)
        unknown = any([self.fees, self.duties, self.tips]) or not all(charges)  # extras are kept in the shop's currency only
        return self.presented_total if unknown and self.presented_total else known

    def _quantity_problems(self) -> list[str]:
        found = [] if self.lines else ["lines: the order has none"]
        if len({line.id for line in self.lines}) < len(self.lines):
            found.append("lines: two have the same id")
        for line in self.lines:
            if line.cancelled + line.fulfilled > line.ordered or min(line.ordered, line.cancelled, line.fulfilled) < 0:
                found.append(f"quantity: line {line.id} has {line.ordered} ordered, {line.cancelled} cancelled, {line.fulfilled} fulfilled")
        return found
