"""Facts, and how two looks at one order become facts. Pure: `changes` is the only place that decides what happened."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.money import Money
from core.domain.order import Line, Order, Refund


@dataclass(frozen=True, slots=True)
class OrderTaken:
    """First sight of an order."""

    placed_at: datetime
    total: Money
    units: int


@dataclass(frozen=True, slots=True)
class LineAdded:
    line: str
    sku: str | None
    units: int


@dataclass(frozen=True, slots=True)
class LineChanged:
    """Quantities moved: what was and what is, as (ordered, cancelled, fulfilled, returned)."""

    line: str
    was: tuple[int, int, int, int]
    now: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class LineGone:
    """A line that the channel no longer lists."""

    line: str
    units: int


@dataclass(frozen=True, slots=True)
class Refunded:
    refund: str
    total: Money


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A derived status moved: "order", "payment" or "fulfillment"."""

    what: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class ListingRenamed:
    """A channel spells a listing's SKU another way than before; what it consumes stays."""

    was: str
    now: str


@dataclass(frozen=True, slots=True)
class TotalChanged:
    was: Money
    now: Money


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The ship-to address is another one; the address itself stays in the vault."""

    country: str


@dataclass(frozen=True, slots=True)
class StockReserved:
    line: str
    units: int


@dataclass(frozen=True, slots=True)
class StockReleased:
    line: str
    units: int


@dataclass(frozen=True, slots=True)
class StockCarried:
    """Reserved units went over to the order that stands for this line now; `order` is our id of it."""

    line: str
    units: int
    order: str


@dataclass(frozen=True, slots=True)
class CopyFound:
    """This order is another sight of `original`, a ref: it reserves nothing. None: it is an order of its own after all."""

    original: str | None


@dataclass(frozen=True, slots=True)
class HasCopy:
    """The order of this ref is a copy of this one."""

    copy: str


@dataclass(frozen=True, slots=True)
class Merged:
    """All lines of this order are in another one now. None: they are not any more."""

    into: str | None


@dataclass(frozen=True, slots=True)
class StockShort:
    """Units of a line that nothing on the shelf covers: they wait."""

    line: str
    units: int


@dataclass(frozen=True, slots=True)
class MappingNeeded:
    """No SKU is known for what this line sells."""

    line: str


@dataclass(frozen=True, slots=True)
class UnitsLeft:
    """Goods left the shelf. `missing` of them were not on it by our count: somebody should count again."""

    line: str
    units: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class UnitsBack:
    """Goods came back: `theirs` of them to a shelf that a channel counts itself, the others to one of ours."""

    line: str
    units: int
    theirs: int = 0


@dataclass(frozen=True, slots=True)
class StockAdjusted:
    """Somebody said by hand what lies on a shelf; `was` None: nobody had counted it."""

    location: str
    was: int | None
    now: int
    reason: str


@dataclass(frozen=True, slots=True)
class InboundSent:
    """A delivery is on its way to one of our locations."""

    units: int


@dataclass(frozen=True, slots=True)
class InboundReceived:
    """Units of it came in, and damaged ones; less than none: that was undone."""

    units: int
    damaged: int


@dataclass(frozen=True, slots=True)
class InboundClosed:
    """Nothing more of it comes; so many units did not arrive."""

    missing: int


@dataclass(frozen=True, slots=True)
class InboundCancelled:
    """It does not come; so many units are back where they had left."""

    back: int


@dataclass(frozen=True, slots=True)
class OrderHeld:
    """One of the staff holds it back: a word of core/domain/holds.py, and the name of who did."""

    why: str
    by: str


@dataclass(frozen=True, slots=True)
class ShortDecided:
    """Somebody said what shall become of units that are not there: a word of core/domain/oversold.py, which location's units it takes where
    it is from elsewhere, and the name of who said so."""

    what: str
    location: str
    by: str


@dataclass(frozen=True, slots=True)
class ShipmentMade:
    """`name` is what its papers say, `location` the name of where it leaves from."""

    name: str
    location: str
    units: int


@dataclass(frozen=True, slots=True)
class ShipmentCancelled:
    """`why`: a word of core/domain/shipments.py, or "person"."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class RequestMoved:
    """Somebody else was asked to send a shipment, or said something of it. `location` is the name of where it leaves from, `state` a word
    of core/domain/requests.py, or "anyway": they sent what nobody waits for any more."""

    name: str
    location: str
    state: str


@dataclass(frozen=True, slots=True)
class AddressCorrected:
    """`whose`: "ours", "theirs" (the channel's again). Where it is says nobody."""

    by: str
    whose: str


@dataclass(frozen=True, slots=True)
class Reshipped:
    """Units that left go once more, in this shipment; `why` is a word of core/domain/shipments.py, Again."""

    name: str
    units: int
    why: str
    by: str


@dataclass(frozen=True, slots=True)
class ReadyForPickup:
    """Its buyer can fetch a shipment."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class LabelBought:
    name: str
    carrier: str
    service: str
    tracking: str
    price: str = ""


@dataclass(frozen=True, slots=True)
class LabelVoided:
    """`what`: a word of core/domain/shipping.py, Voided."""

    name: str
    tracking: str
    what: str


@dataclass(frozen=True, slots=True)
class ShipmentSent:
    name: str
    units: int
    by: str


@dataclass(frozen=True, slots=True)
class AssignmentMoved:
    """The channel assigned what a shipment holds to the place that it leaves from."""

    name: str


@dataclass(frozen=True, slots=True)
class ParcelTold:
    """The channel knows of it."""

    name: str
    tracking: str


@dataclass(frozen=True, slots=True)
class ParcelMoved:
    """`progress`: a word of core/domain/shipping.py."""

    name: str
    tracking: str
    progress: str
    town: str = ""


@dataclass(frozen=True, slots=True)
class OrderCalledOff:
    """Somebody has it cancelled at its channel, and what came of that, while it stands: a word of core/domain/calling_off.py,
    why, as a word of core/domain/shipping.py; and the name of who wanted it, or took it back."""

    state: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class AppealAnswered:
    """Its buyer wished to cancel it: that is agreed, or it is sent anyway, as its channel knows now."""

    agreed: bool
    by: str


@dataclass(frozen=True, slots=True)
class PaymentCaptured:
    """So much of the order is taken in all, in the buyer's currency."""

    taken: Money


@dataclass(frozen=True, slots=True)
class CaptureFailed:
    """It was to be captured, and was not; what the channel said stays in the vault."""


@dataclass(frozen=True, slots=True)
class OrderReleased:
    by: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """What it says stays in the vault."""

    by: str


@dataclass(frozen=True, slots=True)
class TagAdded:
    tag: str
    by: str


@dataclass(frozen=True, slots=True)
class TagRemoved:
    tag: str
    by: str


@dataclass(frozen=True, slots=True)
class BuyerForgotten:
    """Whatever we held of the buyer is gone, because the channel or the law says so."""

    why: str


Event = (
    OrderTaken
    | ListingRenamed
    | LineAdded
    | LineChanged
    | LineGone
    | Refunded
    | StatusChanged
    | TotalChanged
    | AddressChanged
    | StockReserved
    | StockReleased
    | StockCarried
    | CopyFound
    | HasCopy
    | Merged
    | StockShort
    | MappingNeeded
    | UnitsLeft
    | UnitsBack
    | StockAdjusted
    | InboundSent
    | InboundReceived
    | InboundClosed
    | InboundCancelled
    | OrderHeld
    | AddressCorrected
    | ReadyForPickup
    | Reshipped
    | OrderCalledOff
    | PaymentCaptured
    | CaptureFailed
    | AppealAnswered
    | ShortDecided
    | OrderReleased
    | ShipmentMade
    | ShipmentCancelled
    | RequestMoved
    | ShipmentSent
    | LabelBought
    | LabelVoided
    | ParcelTold
    | ParcelMoved
    | AssignmentMoved
    | NoteAdded
    | TagAdded
    | TagRemoved
    | BuyerForgotten
)


def _quantities(line: Line) -> tuple[int, int, int, int]:
    return (line.ordered, line.cancelled, line.fulfilled, line.returned)


def changes(before: Order | None, after: Order) -> list[Event]:
    """What happened between two looks at an order; its first sight is `changes(None, order)`."""
    if before is None:
        units = sum(line.ordered for line in after.lines)
        return [OrderTaken(after.placed_at, after.total, units), *_refunds((), after.refunds)]
    return [*_line_changes(before, after), *_refunds(before.refunds, after.refunds), *_header_changes(before, after)]


def _line_changes(before: Order, after: Order) -> list[Event]:
    old, new = {line.id: line for line in before.lines}, {line.id: line for line in after.lines}
    found: list[Event] = [LineAdded(line.id, line.sku, line.ordered) for line in after.lines if line.id not in old]
    found += [LineGone(line.id, line.open) for line in before.lines if line.id not in new]
    found += [
        LineChanged(line.id, _quantities(old[line.id]), _quantities(line))
        for line in after.lines
        if line.id in old and _quantities(line) != _quantities(old[line.id])
    ]
    return found


def _refunds(before: tuple[Refund, ...], after: tuple[Refund, ...]) -> list[Event]:
    known = {refund.id for refund in before}
    return [Refunded(refund.id, refund.total) for refund in after if refund.id not in known]


def _header_changes(before: Order, after: Order) -> list[Event]:
    pairs = (
        ("order", before.order_status, after.order_status),
        ("payment", before.payment_status, after.payment_status),
        ("fulfillment", before.fulfillment_status, after.fulfillment_status),
    )
    found: list[Event] = [StatusChanged(what, was.value, now.value) for what, was, now in pairs if was != now]
    if before.total != after.total:
        found.append(TotalChanged(before.total, after.total))
    was, now = before.person and before.person.ship_to, after.person and after.person.ship_to
    if was and now and was != now:
        found.append(AddressChanged(now.country))
    return found
