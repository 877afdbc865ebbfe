"""What may leave and what must stop: when an order is released, which shipments it makes, and what stops one at its next step. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.later import N_
from core.domain.order import Order, Party, PaymentStatus

Key = tuple[str, str]  # SKU, location


class State(StrEnum):
    RELEASED = "released"
    PACKED = "packed"
    LABELLED = "labelled"
    SENT = "sent"
    CANCELLED = "cancelled"


PARCEL, PICKUP, REQUEST = "parcel", "pickup", "request"  # how a shipment reaches its buyer; the last: somebody else is asked to send it
OPEN = (State.RELEASED, State.PACKED, State.LABELLED)
WORDS: dict[State, str] = {
    State.RELEASED: N_("To pack"),
    State.PACKED: N_("Packed"),
    State.LABELLED: N_("Label printed"),
    State.SENT: N_("Sent"),
    State.CANCELLED: N_("Cancelled"),
}


class Wait(StrEnum):
    """Why an order is not released yet."""

    HELD = "held"
    CANCELLING = "cancelling"
    CALLED_OFF = "called_off"
    EXPIRED = "expired"
    UNCAPTURED = "uncaptured"
    PAYMENT = "payment"
    GRACE = "grace"
    RISK = "risk"
    ADDRESS = "address"
    TORN = "torn"
    STOCK = "stock"
    MAPPING = "mapping"
    PLACE = "place"
    SPLIT = "split"
    REFUSED = "refused"
    TEST = "test"
    CHANNEL = "channel"


WAITS: dict[Wait, str] = {
    Wait.HELD: N_("It is held."),
    Wait.CANCELLING: N_("The buyer wants to cancel it."),
    Wait.CALLED_OFF: N_("It is being cancelled at its channel."),
    Wait.EXPIRED: N_("What the buyer authorized has ended: nothing can be captured."),
    Wait.UNCAPTURED: N_("Its payment could not be captured."),
    Wait.PAYMENT: N_("It is not paid."),
    Wait.GRACE: N_("Buyers may still change it for a while."),
    Wait.RISK: N_("The channel thinks that it may be fraud."),
    Wait.ADDRESS: N_("Nobody knows where it goes."),
    Wait.TORN: N_("The channel says another address than one of you wrote: choose one."),
    Wait.STOCK: N_("Not all of it is there, and it is sent whole."),
    Wait.MAPPING: N_("Nobody said which of your goods it sells."),
    Wait.PLACE: N_("What is reserved for it lies where nothing is sent from, or in parts that lie apart."),
    Wait.SPLIT: N_("No location has all of it, and it is not sent in parts."),
    Wait.REFUSED: N_("Whoever was asked to send it refused, and nobody else has it."),
    Wait.TEST: N_("It is a test order."),
    Wait.CHANNEL: N_("The channel sends it itself."),
}
ADVICE: dict[Wait, str] = {
    Wait.HELD: N_("Let it go on its page, or where the channel holds it, there."),
    Wait.CANCELLING: N_("Answer the buyer: agree, or say that it is sent anyway."),
    Wait.CALLED_OFF: N_("Nothing to do: the channel is asked. Its page says how that stands."),
    Wait.EXPIRED: N_("Ask the buyer to pay again in the channel, or cancel the order."),
    Wait.UNCAPTURED: N_("Have it tried again on the order's page, or settle the payment in the channel."),
    Wait.PAYMENT: N_("Collect the money in the channel, or say in the settings that such orders may leave."),
    Wait.GRACE: N_("Nothing to do: it is released when its time is over."),
    Wait.RISK: N_("Look at the payment in the channel. Cancel the order, or mark it as safe there."),
    Wait.ADDRESS: N_("Ask the buyer, and write the address into the order in the channel."),
    Wait.TORN: N_("Look at both addresses on the order's page, and choose one."),
    Wait.STOCK: N_("Count or receive what is missing, send what is there, or send it from another location."),
    Wait.MAPPING: N_("Say what its listing sells. Goods that are not matched are listed in the room of stock."),
    Wait.PLACE: N_("Say in the settings which locations send, or bring the goods together."),
    Wait.SPLIT: N_("Bring the goods together, or allow that orders leave in parts."),
    Wait.REFUSED: N_("Send it from another location, or ask them again."),
    Wait.TEST: N_("Nothing to do: test orders are never sent."),
    Wait.CHANNEL: N_("Nothing to do: the channel sends it."),
}


class Stop(StrEnum):
    """Why a shipment must not go on as it is."""

    CANCELLED = "cancelled"
    CANCELLING = "cancelling"
    CALLED_OFF = "called_off"
    HELD = "held"
    FEWER = "fewer"
    ADDRESS = "address"
    TORN = "torn"
    WAY = "way"


STOPS: dict[Stop, str] = {
    Stop.CANCELLED: N_("The order is cancelled."),
    Stop.CANCELLING: N_("The buyer wants to cancel the order."),
    Stop.CALLED_OFF: N_("The order is being cancelled at its channel."),
    Stop.HELD: N_("The order is held."),
    Stop.FEWER: N_("The order has fewer units of this now."),
    Stop.ADDRESS: N_("The order goes to another address now."),
    Stop.WAY: N_("Its buyer fetches it now, or does not any more."),
    Stop.TORN: N_("The channel says another address than one of you wrote: choose one."),
}


class Again(StrEnum):
    """Why goods that left are sent once more."""

    LOST = "lost"
    DAMAGED = "damaged"
    WRONG = "wrong"
    OTHER = "other"


AGAIN: dict[Again, str] = {
    Again.LOST: N_("It was lost on its way."),
    Again.DAMAGED: N_("It arrived damaged."),
    Again.WRONG: N_("Something else was in the parcel."),
    Again.OTHER: N_("For another reason."),
}
PROBLEMS: dict[str, str] = {
    "taking_apart": N_("It is being taken apart: what was paid for its label is asked back first."),
    "giving_back": N_("Its label is being given back."),
    "moving": N_("Its channel is being told that it leaves from here."),
    "not_moved": N_("Its channel wants it sent from another place."),
    "withdrawing": N_("Whoever was asked to send it is asked to stop."),
    "asked_of_others": N_("Somebody else sends it: they are asked to, and tell when it left."),
    "sent_anyway": N_("They sent it although it was wanted no more: settle it with them."),
    "not_stopped": N_("They do not stop it: it is on its way, although it is wanted no more."),
    "address": N_("A carrier doubts its address: take the carrier's spelling, or say that it is right."),
    "carrier": N_("The carrier declined."),
    "not_voided": N_("The carrier did not take the label back: it is still good."),
    "no_rates": N_("No carrier offers anything for it."),
    "lacks": N_("Something is missing before a label can be bought."),
    "no_papers": N_("Its label came without papers: it is given back, and another one is bought."),
    "not_collected": N_("Nobody fetched it in time: wait longer, or put it back and cancel."),
    "unknown": N_("Nobody knows whether the carrier sold the label: look in the carrier's own account."),
}
FINAL = (Stop.CANCELLED, Stop.FEWER, Stop.ADDRESS, Stop.WAY)  # what was made for the order as it was is taken apart, and made anew


@dataclass(frozen=True, slots=True)
class Rules:
    """How a merchant releases. `part`: what is there may leave before the rest; `authorized`: what is authorized may leave where its
    channel captures it on sending; `terms`: what is not paid may, `on_delivery`: where its buyer pays whoever brings it; `risks` are the
    channels' words that stop it. `on_label`: connections whose parcels count as sent with their labels, not when they are handed over."""

    grace: timedelta = timedelta(0)
    part: bool = False
    authorized: bool = True
    terms: bool = False
    on_delivery: bool = False
    risks: frozenset[str] = frozenset({"high"})
    on_label: frozenset[str] = frozenset()


class Parts(StrEnum):
    """What was said of one order, or of all of an account, whatever the merchant's rules are."""

    WHOLE = "whole"  # from one location, and when all of it is there
    PARTS = "parts"  # from several, and what is there before the rest


PARTS: dict[Parts, str] = {
    Parts.WHOLE: N_("Leaves whole, or waits"),
    Parts.PARTS: N_("Leaves in parts, the rest follows"),
}
RULES = Rules()
PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED)


def waits(
    order: Order, rules: Rules, now: datetime, *, held: bool, has_address: bool, short: bool, off: bool, waived: bool,
    captures: bool = False, uncaptured: bool = False, torn: bool = False,
) -> Wait | None:  # fmt: skip
    """The first reason why this order is not released; None: it is. `held`: one of us holds it; `short`: units of it are not reserved;
    `off`: one of us has it cancelled at its channel; `waived`: its buyer wishes to cancel it, and was answered that it is sent;
    `captures`: its channel captures what is authorized; `uncaptured`: that was tried, and refused; `torn`: its channel and one of us say
    different addresses."""
    reasons = (
        (Wait.TEST, order.test),
        (Wait.CHANNEL, order.party is not Party.MERCHANT),
        (Wait.CANCELLING, (order.cancel_requested and not waived) or order.is_cancelled),
        (Wait.CALLED_OFF, off),
        (Wait.HELD, held or order.on_hold or bool(order.holds)),
        (Wait.EXPIRED, has_expired(order, now)),
        (Wait.UNCAPTURED, uncaptured and order.payment_status not in PAID),
        (Wait.PAYMENT, not is_paid(order, rules, captures=captures)),
        (Wait.GRACE, now < order.placed_at + rules.grace),
        (Wait.RISK, order.risk in rules.risks),
        (Wait.ADDRESS, not has_address),
        (Wait.TORN, torn),
        (Wait.STOCK, short and not rules.part),
    )
    return next((reason for reason, is_so in reasons if is_so), None)


def is_paid(order: Order, rules: Rules, *, captures: bool = False) -> bool:
    """Paid, or authorized where it is captured on sending, or nothing is due. Partly paid waits."""
    if order.payment_status in PAID or order.total.minor <= 0:
        return True
    later = rules.terms or (rules.on_delivery and order.on_delivery)
    promised = order.payment_status is PaymentStatus.AUTHORIZED and rules.authorized and captures
    return promised or (order.payment_status is PaymentStatus.UNPAID and later)


def has_expired(order: Order, now: datetime) -> bool:
    """What was authorized can be captured no more: its channel says so, or the time that it told is over."""
    ended = order.pay_until is not None and order.pay_until <= now
    return order.total.minor > 0 and (order.payment_status is PaymentStatus.EXPIRED or ended)


PATIENCE = timedelta(days=2)
LAST_HOURS = timedelta(hours=48)  # an authorization that ends within this goes before all others


def turn(placed_at: datetime, ship_by: datetime | None) -> datetime:
    """When an order's turn is: the earlier is served first. It is due when the channel says, but never before it was placed and never
    more than PATIENCE after. So whoever goes before an order was placed at most PATIENCE after it, whatever comes in; but for those
    whose payment ends within LAST_HOURS, which have no turn to wait for."""
    return max(placed_at, min(ship_by or placed_at + PATIENCE, placed_at + PATIENCE))


@dataclass(frozen=True, slots=True)
class ToSend:
    """Units of an order line that are reserved and in no shipment yet: `parts` are what one unit consumes, `reserved` what of these lies
    where, less what other shipments have."""

    line: str
    title: str
    units: int
    parts: Mapping[str, int]
    reserved: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Load:
    """Units of a line in a shipment."""

    line: str
    title: str
    units: int
    parts: Mapping[str, int]


@dataclass(slots=True)
class Planned:
    """A shipment to be: what `location` sends."""

    location: str
    loads: list[Load] = field(default_factory=list)


def plan(lines: Iterable[ToSend], ships: Sequence[str]) -> list[Planned]:
    """One shipment for each location that has some of it whole, in the order of `ships`. A unit whose parts lie apart stays behind."""
    made = {location: Planned(location) for location in ships}
    for line in lines:
        left = line.units
        for location in ships:
            units = min(left, _whole(line, location))
            if units:
                made[location].loads.append(Load(line.line, line.title, units, dict(line.parts)))
                left -= units
    return [one for one in made.values() if one.loads]


def _whole(line: ToSend, location: str) -> int:
    """Units of a line of which every part lies there."""
    return min((line.reserved.get((sku, location), 0) // each for sku, each in line.parts.items()), default=0)


def stops(
    order: Order, *, held: bool, person: str, was: str, over: bool, off: bool, waived: bool, torn: bool = False,
    way: str = "",
) -> Stop | None:  # fmt: skip
    """Why a shipment of this order stops now, first what is FINAL: `person` is a hash of whom it goes to, `was` the one that it was made
    for ("": not known); `over`: it has more units of a line than are reserved; `off`, `waived` and `torn` as of `waits`; `way`: how it was
    to reach its buyer ("": that does not change)."""
    reasons = (
        (Stop.CANCELLED, order.is_cancelled),
        (Stop.ADDRESS, bool(was and person and person != was)),
        (Stop.WAY, way == (PARCEL if order.is_pickup else PICKUP)),
        (Stop.FEWER, over),
        (Stop.CANCELLING, order.cancel_requested and not waived),
        (Stop.CALLED_OFF, off),
        (Stop.TORN, torn),
        (Stop.HELD, held or order.on_hold or bool(order.holds)),
    )
    return next((reason for reason, is_so in reasons if is_so), None)


def parted(loads: Iterable[Load], contents: Sequence[Mapping[str, int]]) -> list[list[Load]]:
    """These units in parcels: `contents` are units by line, one for each. Raises ValueError unless each unit is in one of them."""
    known = {load.line: load for load in loads}
    if any(not part or min(part.values()) < 1 for part in contents):
        raise ValueError("a parcel holds something")
    if sum((Counter(part) for part in contents), Counter[str]()) != Counter({line: load.units for line, load in known.items()}):
        raise ValueError("each unit is in one parcel")
    return [[replace(known[line], units=units) for line, units in part.items()] for part in contents]


def pieces(loads: Iterable[Load]) -> Counter[str]:
    """What is picked for these, by SKU."""
    found: Counter[str] = Counter()
    for load in loads:
        found.update({sku: each * load.units for sku, each in load.parts.items()})
    return found


def scanned(wanted: Mapping[str, int], done: Mapping[str, int], sku: str) -> bool:
    """Whether one more of this SKU belongs into the parcel."""
    return done.get(sku, 0) < wanted.get(sku, 0)


def weigh(loads: Iterable[Load], weights: Mapping[str, int | None], box_g: int = 0) -> int | None:
    """Grams of all that is in it and of its box; None where the weight of a SKU is not known."""
    each = [(weights.get(sku), units) for sku, units in pieces(loads).items()]
    return None if any(grams is None for grams, _ in each) else box_g + sum((grams or 0) * units for grams, units in each)
