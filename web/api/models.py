"""What the API says and takes. The same models make its OpenAPI document.

Money is whole minor units with its currency, and the same as decimal text; there is no floating point anywhere. Times are RFC 3339 in UTC.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints

from core.domain.acts import LONGEST_NOTE, LONGEST_TAG
from core.domain.adjusting import Reason
from core.domain.calling_off import CallingState
from core.domain.holds import Why
from core.domain.inbound import Kind as InboundKind
from core.domain.inbound import State
from core.domain.money import Money
from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus, TaxMode
from core.domain.oversold import Decision
from core.domain.places import LocationKind
from core.domain.requests import RequestState
from core.domain.shipping import CancelReason
from core.store.tables import us, when

MOST = 250
PLAIN = r"^[^\x00-\x1f\x7f]*$"


class Said(BaseModel):
    """What we answer with."""

    model_config = ConfigDict(extra="forbid")


class Asked(BaseModel):
    """What is sent to us: a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


def moment(at: int | None) -> datetime | None:
    return None if at is None else when(at)


TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _rfc3339(value: Any) -> datetime:
    """Leap seconds count as the second before; what lies before the first year or after the last is their beginning or end."""
    told = TIME.fullmatch(value.upper()) if isinstance(value, str) else None
    if told is None:
        raise ValueError("must be a time as RFC 3339 has it, with its zone, like 2026-11-22T12:00:00Z")
    at = datetime.fromisoformat(f"{told[1]}{'59' if told[2] == '60' else told[2]}{told[3] or ''}{told[4]}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if at.year == 1 else datetime.max.replace(tzinfo=UTC)


Moment = Annotated[datetime, BeforeValidator(_rfc3339)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=PLAIN)]
Short = Annotated[str, StringConstraints(max_length=100, pattern=PLAIN)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


Units = Annotated[int, Strict(), Field(ge=0, le=10_000_000)]
Change = Annotated[int, Strict(), Field(ge=-10_000_000, le=10_000_000)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[A-Za-z0-9_-]+$")]


class Amount(Said):
    """Money. `text` is the same as `minor`, written with the currency's own number of decimals."""

    minor: int = Field(description="Whole minor units: cents, yen, fils.")
    currency: str = Field(description="ISO 4217.")
    text: str


def amount(money: Money) -> Amount:
    return Amount.model_construct(minor=money.minor, currency=money.currency, text=money.text())


def amount_or_none(money: Money | None) -> Amount | None:
    return amount(money) if money is not None else None


class Nothing(Asked):
    """An empty object: `{}`."""


class Paged(Asked):
    """Which page."""

    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    after: Cursor | None = Field(None, description="`next` of the page before.")


class OrdersAsked(Paged):
    connection: Id | None = None
    status: OrderStatus | None = None
    placed_from: Moment | None = Field(None, description="Placed at this moment or later.")
    placed_to: Moment | None = Field(None, description="Placed before this moment.")

    def wishes(self) -> dict[str, Any]:
        found = {
            "connection": self.connection,
            "status": self.status and self.status.value,
            "placed_from": self.placed_from and us(self.placed_from),
            "placed_to": self.placed_to and us(self.placed_to),
        }
        return {name: value for name, value in found.items() if value is not None}


class OrderHead(Said):
    """An order as a list shows it."""

    id: str
    ref: str = Field(description="connection/channel id: what events call it.")
    connection: str
    channel: str
    channel_id: str
    name: str = Field(description="What the channel's staff call it.")
    placed_at: datetime
    taken_at: datetime = Field(description="When it was here first.")
    saved_at: datetime = Field(description="When what we hold of it last changed.")
    total: Amount = Field(description="What the buyer first owed, after edits and before returns.")
    status: OrderStatus
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    units_to_ship: int
    waits: str | None = Field(description="What its lines wait for: stock, mapping.")
    held_at: datetime | None = Field(description="When one of the staff stopped it.")
    problems: list[str] = Field(description="`code: words`; one with problems is reserved and not booked.")
    tags: list[str] = Field(description="The staff's own.")
    test: bool
    copy_of: str | None = Field(description="The ref of the order that it is another sight of: it reserves nothing.")
    merged_into: str | None = Field(description="The ref of the order that holds its lines now.")


class Page(Said):
    next: str | None = Field(description="Ask for the next page with `after`; none: this was the last.")


class OrderPage(Page):
    items: list[OrderHead]


class TaxSaid(Said):
    title: str
    amount: Amount
    included: bool
    liable: Literal["seller", "marketplace", "unknown"]


class ChargeSaid(Said):
    """What is asked for one thing: `gross` less `discount` is `net`, with the taxes on top `payable`."""

    gross: Amount
    discount: Amount
    net: Amount
    tax: Amount
    payable: Amount
    taxes: list[TaxSaid]


class LineSaid(Said):
    id: str
    listing: str | None
    sku: str | None
    title: str
    ordered: int
    cancelled: int
    fulfilled: int
    returned: int
    open: int
    reserved: int = Field(description="Units promised to it from our shelves.")
    waits: str | None
    requires_shipping: bool
    ships: Literal["merchant", "channel", "other"] = Field(description="Who sends it.")
    charge: ChargeSaid


class ShippingSaid(Said):
    id: str
    title: str
    code: str | None
    charge: ChargeSaid


class Totals(Said):
    """The order's money in the shop's currency. `subtotal` and `shipping` are in its tax mode; lines, shipping, fees, duties and tips, with
    every tax, and `rounding` come to `total`."""

    subtotal: Amount
    shipping: Amount
    discount: Amount
    tax: Amount
    tax_seller: Amount
    tax_marketplace: Amount
    fees: Amount
    duties: Amount
    tips: Amount
    rounding: Amount
    total: Amount
    refunded: Amount
    presented: Amount | None = Field(description="The total in the buyer's currency, where that is another one.")


class RefundLineSaid(Said):
    line: str
    quantity: int
    restock: Literal["return", "cancel", "none", "unknown"]


class RefundSaid(Said):
    id: str
    at: datetime
    total: Amount
    shipping: Amount | None
    lines: list[RefundLineSaid]


class ShippedLineSaid(Said):
    line: str
    quantity: int


class ShipmentSaid(Said):
    """A parcel that left, as the channel tells it."""

    id: str
    at: datetime | None
    tracking: list[str]
    lines: list[ShippedLineSaid]


class PaymentSaid(Said):
    id: str
    kind: str
    status: str
    amount: Amount
    gateway: str
    at: datetime | None


class AddressSaid(Said):
    name: str
    company: str
    street1: str
    street2: str
    street3: str
    city: str
    region: str
    postcode: str
    country: str
    phone: str
    email: str


class Buyer(Said):
    """Who bought it, while we hold their data."""

    name: str
    email: str
    phone: str
    note: str
    gift_message: str
    ship_to: AddressSaid | None
    bill_to: AddressSaid | None


class CallingOff(Said):
    """The last time that an order was called off at its channel."""

    state: CallingState = Field(description="wanted and asked go on; waived: the buyer is answered that it is sent.")
    reason: CancelReason
    agreed: bool | None = Field(description="What its buyer is answered; None: no buyer's wish is answered by it.")
    by: str
    asked_at: datetime
    ended_at: datetime | None


class OrderSaid(OrderHead):
    """One order, whole."""

    tax_mode: TaxMode
    ship_by: datetime | None
    deliver_by: datetime | None
    service: str
    held_why: str | None
    calling_off: CallingOff | None
    totals: Totals
    lines: list[LineSaid]
    shipping: list[ShippingSaid]
    refunds: list[RefundSaid]
    shipments: list[ShipmentSaid]
    payments: list[PaymentSaid] | None = Field(description="None: they were not read.")
    buyer: Buyer | None = Field(description="Only for keys with the scope orders.buyers, and while we hold it.")


class StockAsked(Paged):
    after: Text | None = Field(None, description="`next` of the page before.")
    sku: Text | None = Field(None, description="This one alone.")


class SkusAsked(Paged):
    after: Text | None = Field(None, description="`next` of the page before.")
    sku: Text | None = Field(None, description="This one alone.")
    lacking: bool = Field(False, description="Those of which a label will lack something.")


Grams = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]
Millimetres = Annotated[int, Strict(), Field(ge=1, le=100_000)]
Barcode = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Bin = Annotated[str, StringConstraints(max_length=60, pattern=PLAIN)]


class CardAsked(Asked):
    """What is not said stays; null takes away what was there. A cost is told with its currency."""

    sku: Text
    weight_g: Grams | None = None
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None
    hs_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,10}$")] | None = None
    origin: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(None, description="ISO 3166: DE, US.")
    customs: Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)] | None = Field(None, description="What customs read of it.")
    cost: Annotated[int, Strict(), Field(ge=0, le=10**12)] | None = Field(None, description="Whole minor units of `cost_currency`.")
    cost_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(None, description="ISO 4217.")
    picture: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^/ ]")] | None = None
    barcodes: Annotated[list[Barcode], Field(max_length=100)] | None = None
    bins: dict[str, Bin] | None = Field(None, description="By the id or name of a location; an empty text: nobody says where.")


class SkuSaid(Said):
    """A SKU with its card: what carriers and customs ask of it."""

    sku: str
    title: str
    weight_g: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    hs_code: str | None
    origin: str | None = Field(description="ISO 3166, two letters.")
    customs: str | None = Field(description="What customs read of it.")
    cost: int | None = Field(description="Whole minor units of `cost_currency`.")
    cost_currency: str | None
    picture: str | None
    barcodes: list[str]
    bins: dict[str, str] = Field(description="Where it lies, by the id of the location.")
    lacks: list[str] = Field(description="What a label will ask for and the card does not say; customs ask only abroad.")


class SkuPage(Page):
    items: list[SkuSaid]


class ComingSaid(Said):
    """Units that are on their way to a location."""

    inbound: str
    location: str
    units: int
    expected_at: datetime | None
    sender: str = Field(description="Who sends them, or the location that they left.")


class ShelfSaid(Said):
    location: str
    name: str
    kind: LocationKind
    on_hand: int
    reserved: int
    available: int = Field(description="On hand and not reserved: what orders may take.")
    safety: int = Field(description="Of these no channel is shown so many.")
    free: int = Field(description="What channels are shown.")
    damaged: int = Field(description="Lie there beside those on hand, and cannot be sold.")
    counted_at: datetime | None


class SafetyAsked(Asked):
    """So many units there are shown to no channel; orders may still take them."""

    sku: Text
    location: Text = Field(description="The id or the name of one of your locations.")
    units: Units


class Level(Said):
    """A SKU with what lies of it where; the sums are of your own locations, without a channel's warehouses."""

    sku: str
    title: str
    on_hand: int | None = Field(description="None: nobody counted it.")
    reserved: int
    available: int | None
    quota: bool = Field(description="Each listing owns a part of it; else every listing may show all that is free.")
    shelves: list[ShelfSaid]
    coming_units: int = Field(description="All that are on their way to your locations.")
    coming: list[ComingSaid] = Field(description="The next deliveries: five at most, or a hundred where `sku` asks for this one alone.")


class MovementsAsked(Asked):
    sku: Text | None = Field(None, description="This one alone.")
    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    after: int | None = Field(None, ge=0, le=2**63 - 1, description="`next` of the page before.")


class MovementSaid(Said):
    """A change of a shelf; the sum of all of them is what lies there."""

    id: int
    sku: str
    location: str
    units: int = Field(description="Change of what is on hand.")
    damaged: int = Field(description="Change of what is damaged.")
    cause: str
    subject: str = Field(description="Our id of the order, or inbound/..., adjust/..., count.")
    at: datetime


class MovementPage(Said):
    items: list[MovementSaid]
    next: int | None = Field(description="Ask for the next page with `after`; none: this was the last.")


class LevelPage(Page):
    items: list[Level]


class LocationSaid(Said):
    """One of your own places where stock lies."""

    id: str
    name: str
    kind: LocationKind = Field(
        description="fba: Amazon's own. Its levels are read, never written, and nothing of it is reserved unless switched on."
    )


class LocationAsked(Asked):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
    kind: LocationKind = LocationKind.OWN


class LocationList(Said):
    items: list[LocationSaid]


class InboundsAsked(Paged):
    state: State | None = Field(None, description="None: in any.")


class InboundHead(Said):
    """A delivery as a list shows it."""

    id: str
    kind: InboundKind
    state: State
    reference: str
    sender: str = Field(description="The location that it leaves, or who sends it.")
    location: str = Field(description="The name of the location that it goes to.")
    expected_at: datetime | None
    units: int = Field(description="Announced; of a transfer that was sent, what left.")
    came: int = Field(description="Good ones and damaged ones.")


class InboundPage(Page):
    items: list[InboundHead]


class InboundLineSaid(Said):
    sku: str
    units: int = Field(description="Announced.")
    sent: int = Field(description="Left the location that a transfer comes from.")
    received: int = Field(description="Came, and can be sold.")
    damaged: int = Field(description="Came, and cannot.")
    missing: int
    more: int = Field(description="Came beyond what was announced.")


class InboundSaid(Said):
    """A delivery. open: being written; sent: on its way."""

    id: str
    kind: InboundKind
    state: State
    location: str
    source: str | None
    sender: str
    reference: str
    note: str
    expected_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    lines: list[InboundLineSaid]


class InboundLine(Asked):
    sku: Text
    units: Annotated[int, Strict(), Field(ge=1, le=10_000_000)]


class InboundAsked(Asked):
    kind: InboundKind
    location: Text = Field(description="The id or the name of the location that it goes to.")
    source: Text | None = Field(None, description="The same of the location that a transfer leaves; none for all else.")
    sender: Short = Field("", description="The supplier, or the channel's warehouse.")
    reference: Short = Field("", description="What its papers say.")
    note: Annotated[str, StringConstraints(max_length=500, pattern=PLAIN)] = ""
    expected_at: Moment | None = None
    lines: Annotated[list[InboundLine], Field(max_length=2000)] = []


class CameAsked(Asked):
    sku: Text
    received: Units = Field(0, description="Good ones.")
    damaged: Units = 0
    seen: Units | None = Field(
        None, description="What you knew to have come before, good and damaged: if it was another number, nothing is done."
    )


class ReceiptAsked(Asked):
    lines: Annotated[list[CameAsked], Field(max_length=2000)]


class CountAsked(Asked):
    """So many lie there, sold and not yet sent ones included."""

    sku: Text
    location: Text = Field(description="The id or the name of one of your locations.")
    on_hand: Units
    title: Annotated[str, StringConstraints(max_length=255, pattern=PLAIN)] = Field("", description="Empty: as it was.")
    counted_at: Moment | None = Field(None, description="When; what orders moved since then is reckoned in. None: now.")


class AdjustmentAsked(Asked):
    """So many came, or went where it is less than none."""

    sku: Text
    location: Text = Field(description="The id or the name of one of your locations.")
    units: Change
    reason: Literal[
        Reason.CORRECTED, Reason.FOUND, Reason.LOST, Reason.DAMAGED, Reason.MENDED, Reason.WRITTEN_OFF, Reason.RECEIVED, Reason.GIVEN
    ] = Field(
        Reason.CORRECTED,
        description="The movement's cause; counts have a route of their own. damaged puts units aside (less), mended puts them back "
        "(more), written_off throws units that are put aside away (less): what is on hand stays.",
    )
    why: Text = Field(description="For whoever looks at the movements later.")


class QuotaAsked(Asked):
    sku: Text
    quota: Annotated[bool, Strict()] = Field(description="True: deal it to its listings. False: show all that is free to each of them.")


class HoldAsked(Asked):
    why: Why


class ShortAsked(Asked):
    what: Decision | None
    location: Annotated[str, StringConstraints(max_length=100)] = Field("", description="The location's id, for elsewhere.")


class CancelAsked(Asked):
    reason: CancelReason
    restock: bool = Field(True, description="The channel shows its units again by itself.")


class AnswerAsked(Asked):
    agree: bool = Field(description="False: it is sent anyway.")


class TagAsked(Asked):
    tag: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TAG)] = Field(description="Kept in small letters.")


class NoteAsked(Asked):
    note: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NOTE)]


class ListingsAsked(Asked):
    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    after: int = Field(0, ge=0, le=2**63 - 1, description="`next` of the page before.")
    connection: Id | None = None
    unmatched: bool = Field(False, description="Only those that nobody mapped to SKUs.")


class Part(Said):
    """One unit of the listing consumes so many of this SKU."""

    sku: Text
    units: Annotated[int, Strict(), Field(ge=1, le=9999)]


class AssemblyAsked(Asked):
    """So many kits are put together from these parts at a location; less than none: they are taken apart."""

    sku: Text
    location: Text = Field(description="Its id or name.")
    units: Annotated[int, Strict(), Field(ge=-1_000_000, le=1_000_000)]
    parts: Annotated[list[Part], Field(min_length=1, max_length=50)] = Field(description="What one of them takes.")


class RuleSaid(Said):
    """What a listing may show at most, in its units."""

    buffer: int | None = Field(description="Kept back of it; none: as many as its connection keeps.")
    cap: int | None = Field(description="It never shows more; none: no bound.")
    stopped: bool = Field(description="It shows none, whatever there is.")
    ahead: int | None = Field(description="It may sell goods that are expected within so many days; none: only what lies there.")
    backorder: int = Field(description="Units that it may sell beyond that.")


class RuleAsked(Asked):
    """The whole rule: what is left out is taken back."""

    buffer: Units | None = None
    cap: Units | None = None
    stopped: Annotated[bool, Strict()] = False
    ahead: Annotated[int, Strict(), Field(ge=0, le=365)] | None = None
    backorder: Annotated[int, Strict(), Field(ge=0, le=1_000_000)] = 0


class ListingSaid(Said):
    """What a channel sells. `shown` is what we believe it shows, `wanted` what it should; none: nobody knows."""

    id: int
    connection: str
    channel: str
    listing: str
    sku: str = Field(description="As the channel spells it.")
    title: str
    place: str = Field(description="The channel's own stock location, where it has some.")
    parts: list[Part]
    shown: int | None
    wanted: int | None
    rule: RuleSaid
    waits: bool = Field(description="The channel is still to be told.")
    writable: bool
    why_not: str | None
    problem: str | None
    alone: bool = Field(description="All parts of a unit must lie at one location.")
    exploded_by: Literal["hub", "channel", "splits"] = Field(
        description="Who says which parts leave: we, by its map; the channel, by lines of their own; it splits the bundle by itself."
    )
    uncovered: str | None = Field(
        description="Why it goes on selling whatever it shows: oversells, untracked, draft, auction, nameless. None: it stops at that."
    )


class KitAsked(Asked):
    """How the parts of a listing leave; what is left out is taken back."""

    alone: Annotated[bool, Strict()] = False
    exploded_by: Literal["hub", "channel"] = "hub"


class PartsAsked(Asked):
    """Which SKUs one unit of the listing consumes; none: it is mapped to nothing."""

    parts: Annotated[list[Part], Field(max_length=50)]


class ListingPage(Said):
    items: list[ListingSaid]
    next: int | None = Field(description="Ask for the next page with `after`; none: this was the last.")


class ChangeSaid(Said):
    """A listing that showed something else than it was told. `why` only you can say what is right; none: its orders are read first."""

    listing: int
    connection: str
    name: str = Field(description="The channel's listing, SKU and place.")
    ours: int = Field(description="What we had told it.")
    theirs: int | None = Field(description="What it showed; none: not read yet.")
    units: int | None = Field(description="How many more that is than orders explain; none: nobody knows.")
    seen_at: datetime
    why: Literal["rule", "moment", "parts", "places", "bound", "uncounted", "promised"] | None
    mark: str = Field(description="Names how it is now: send it with your choice.")


class ChangePage(Said):
    items: list[ChangeSaid]
    next: str | None


class ChoiceAsked(Asked):
    """Whose number is right. `location` is yours, where the listing sells from several."""

    choose: Literal["ours", "theirs"]
    mark: Annotated[str, Field(max_length=100)]
    location: Annotated[str, Field(max_length=100)] = ""


class LeaderAsked(Asked):
    leads: Literal["hub", "channel", "ask"]


class ConnectionSaid(Said):
    """A merchant's login at a channel."""

    id: str
    channel: str
    account: str
    label: str
    state: Literal["active", "paused", "needs_login"]
    reason: str | None
    live: bool = Field(description="Its stock is written, or will be once orders are read; else it is only watched.")
    buffer: int
    leads: Literal["hub", "channel", "ask"] = Field(description="Whose number counts where stock is changed in the channel itself.")
    blocked_until: datetime | None = Field(description="It is left alone until then: it limits us, or does not answer.")
    orders_read_to: datetime | None


class ConnectionList(Said):
    items: list[ConnectionSaid]


class TasksAsked(Paged):
    state: Literal["due", "running", "parked"] | None = Field(None, description="None: all that are not done.")


class TaskSaid(Said):
    """Work that must happen. Parked: it stopped until a person looks."""

    id: int
    kind: str
    subject: str
    connection: str | None
    state: Literal["due", "running", "parked", "done"]
    due_at: datetime
    asked_at: datetime
    tries: int
    cause: str | None
    detail: str | None


class TaskPage(Page):
    items: list[TaskSaid]


class EventsAsked(Asked):
    limit: int = Field(100, ge=1, le=MOST, description="How many at most.")
    after: int = Field(0, ge=0, le=2**63 - 1, description="The id of the last event that you have.")


class EventSaid(Said):
    """A fact. `order` is our id of the order that it is about; `subject` its ref."""

    id: int
    type: str
    at: datetime
    subject: str
    order: str | None
    facts: dict[str, Any]


class EventPage(Said):
    items: list[EventSaid]
    next: int = Field(description="The id to ask behind next. It stays while nothing happens.")
    more: bool = Field(description="There is more already.")


# ---- what others are asked to send


class RequestsAsked(Paged):
    state: RequestState | None = Field(None, description="None: what is not over.")


class RequestLineSaid(Said):
    line: str = Field(description="What answers call it by.")
    sku: str
    title: str
    units: int = Field(description="Asked for: each of them is sent, refused or open.")
    sent: int
    refused: int
    open: int


class AddressToSend(Said):
    name: str
    company: str
    street1: str
    street2: str
    city: str
    region: str
    postcode: str
    country: str
    phone: str


class RequestSaid(Said):
    id: str
    state: RequestState
    shipment: str = Field(description="What its papers say.")
    order: str = Field(description="What the buyer calls theirs.")
    note: str
    to: AddressToSend | None = Field(description="Only while it is not over.")
    lines: list[RequestLineSaid]
    asked_at: datetime
    due_at: datetime | None = Field(description="Say something by then.")
    number: str = Field(description="Your own of it.")


class RequestPage(Page):
    items: list[RequestSaid]


class AcceptAsked(Asked):
    number: Short = Field("", description="Your own of it.")


class LineUnits(Asked):
    line: Text
    units: Annotated[int, Strict(), Field(ge=1, le=1_000_000)]


class RefuseAsked(Asked):
    reason: Annotated[str, StringConstraints(max_length=300, pattern=PLAIN)] = ""
    lines: Annotated[list[LineUnits], Field(max_length=500)] = []


class TheirParcelAsked(Asked):
    carrier: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=PLAIN)]
    tracking: Short = ""
    url: Annotated[str, StringConstraints(max_length=300, pattern=r"^(https?://[!-~]+)?$")] = ""
    number: Short = Field("", description="Your own of the parcel.")
    lines: Annotated[list[LineUnits], Field(min_length=1, max_length=500)]


class SentAsked(Asked):
    parcels: Annotated[list[TheirParcelAsked], Field(min_length=1, max_length=100)]


class SkuUnits(Asked):
    sku: Text
    units: Units


class TheirStockAsked(Asked):
    location: Text | None = Field(None, description="Its name; a key that is bound to a location needs none.")
    at: Moment | None = Field(None, description="When so many lay there; none: now.")
    lines: Annotated[list[SkuUnits], Field(min_length=1, max_length=1000)]


class TheirLevelSaid(Said):
    sku: str
    was: int | None = Field(description="None: nobody had counted it.")
    units: int = Field(description="By our books now, with what moved since.")


class TheirStockSaid(Said):
    changed: list[TheirLevelSaid]
    same: int = Field(description="Lines that say what is so.")
