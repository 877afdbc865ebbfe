"""What leaves: stock goes with it, the order's channel is told once, and its carrier is asked where it is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.events import ParcelMoved, ParcelTold, ShipmentSent
from core.domain.order import Order
from core.domain.places import PlaceMap
from core.domain.shipments import PICKUP, Load, State
from core.domain.shipping import Progress, Sent, SentLine, Tracked
from core.domain.tasks import Claim, Outcome
from core.domain.who import Who
from core.errors import AccessLost, Refused, Unsupported
from core.flows import joined, set_aside, settling
from core.flows.labelling import FETCHED, NotThen, ready
from core.hub import Hub
from core.ports import Confirms
from core.store import audit, connections, parcels, places, shipments
from core.store.connections import Connection
from core.store.parcels import Parcel
from core.store.shipments import Facts, Shipment
from core.store.tables import us, when
from core.store.unit import Unit

Row = dict[str, Any]
HOUR = 3_600_000_000
FIRST_LOOK_US, NEXT_LOOK_US = HOUR, 4 * HOUR
LOST_US = 60 * 24 * HOUR  # so long after it was sent nobody asks for a parcel any more


@dataclass(frozen=True, slots=True)
class Typed:
    """A parcel that goes by a carrier that is not connected: what somebody typed."""

    carrier_name: str
    tracking: str = ""
    service: str = ""
    url: str = ""


def send(hub: Hub, merchant: str, ids: Collection[str], who: Who, typed: Typed | None = None) -> dict[str, str]:
    """These shipments leave now, each with all that go in its parcel. Each has a label, or goes as `typed`. Gives, by id, why one of them
    stays; the others left."""
    stays: dict[str, str] = {}
    with hub.database.read() as db:
        leads = {one.id: one.goes_with or one.id for one in shipments.found(db, merchant, ids).values()}
    for lead in sorted({leads.get(id, id) for id in ids}):
        try:
            _send(hub, merchant, lead, who, typed)
        except Refused as error:
            stays |= {id: str(error) for id in ids if leads.get(id, id) == lead}
    return stays


def _send(hub: Hub, merchant: str, id: str, who: Who, typed: Typed | None) -> None:
    with hub.unit() as work:
        _, one, boxes = ready(hub, work, merchant, id)
        if typed and any(box.purchase for box in boxes):
            raise NotThen("it has a label, or one is being bought: give it back first")
        if one.way == PICKUP:
            raise NotThen(FETCHED)
        others = joined.members(work, merchant, id)
        if typed:
            mine = [box for some in parcels.of_shipments(work.db, merchant, [one.id for one in others]).values() for box in some]
            parcels.set_labels(work.db, [{"id": box.id, "carrier": None, **_typed(typed)} for box in (*boxes, *mine)])
        elif one.state is not State.LABELLED or not all(box.tracking for box in boxes):
            raise NotThen("it has no label yet")
        for each in (one, *others):
            go(hub, work, merchant, each, who)


def go(hub: Hub, work: Unit, merchant: str, one: Shipment, who: Who) -> None:
    """It leaves now; it is locked, and nothing stops it."""
    facts = shipments.facts(work.db, merchant, [one.order_id], hub.box(merchant))[one.order_id]
    loads = shipments.loads(work.db, merchant, [one.id]).get(one.id, [])
    boxes = parcels.of_shipments(work.db, merchant, [one.id]).get(one.id, [])
    shipments.set_state(work.db, {one.id: (State.SENT, None)}, work.now)
    work.happened(merchant, [(facts.ref, ShipmentSent(one.name, sum(load.units for load in loads), who.name))])
    first = work.now + FIRST_LOOK_US
    parcels.set_where(work.db, [_where(box.id, look_at=first if box.purchase else None) for box in boxes])
    _leave(hub, work, merchant, facts, one, loads, boxes)
    audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.send", one.id, shipment=one.name)


def _leave(
    hub: Hub, work: Unit, merchant: str, facts: Facts, one: Shipment, loads: Sequence[Load], boxes: Sequence[Parcel]
) -> None:  # fmt: skip
    """Stock goes with it, and its channel is told; what goes once more was told before."""
    if one.again:
        set_aside.leave(work, merchant, one, loads)
        return
    shipments.move(work.db, [(one.order_id, load.line, -load.units, load.units) for load in loads])
    account = connections.get(work.db, facts.connection)
    if account is None:
        raise Unsupported("no such connection", connection=facts.connection)
    settling.link(hub, work, account, [facts.ref], {})
    for box in boxes:
        work.ask(merchant, "confirm_parcels", box.id, facts.connection)


def _typed(typed: Typed) -> dict[str, str | None]:
    return {
        "tracking": typed.tracking or None, "carrier_name": typed.carrier_name, "service": typed.service or None, "url": typed.url or None,
    }  # fmt: skip


def _where(
    id: str, *, progress: str | None = None, at: int | None = None, expected: str | None = None, look_at: int | None
) -> dict[str, Any]:
    return {"id": id, "progress": progress, "progress_at": at, "expected_on": expected, "look_at": look_at}


# ---- telling the channel


@dataclass(frozen=True, slots=True)
class Telling:
    parcel: Parcel
    shipment: Shipment
    facts: Facts
    sent: Sent
    before: bool  # it may have been told already


def confirm_parcels(hub: Hub, claim: Claim) -> None:
    """Tell the channel of a parcel that left. Where an answer was lost it is asked first whether it knows it."""
    merchant, id = claim.merchant, claim.subjects[0]
    account = hub.connection(claim.connection)
    with hub.unit(claim, finish=False) as work:
        one = _begin(hub, work, merchant, account, id)
    if one is None:
        with hub.unit(claim):
            return
    channel = hub.channel(account)
    if not isinstance(channel, Confirms):
        _told(hub, claim, one, None, "unsupported")
        return
    try:
        known = channel.confirmed(one.sent) if one.before else None
        told = known or channel.confirm(one.sent)
    except AccessLost:
        raise
    except Refused as error:
        claim.say(id, Outcome("parked", cause=type(error).__name__, detail=str(error), words=error.words))
        _told(hub, claim, one, None, "refused")
        return
    _told(hub, claim, one, told, None)


def _begin(hub: Hub, work: Unit, merchant: str, account: Connection, id: str) -> Telling | None:
    """What is to be said of a parcel; from now on it may have been said."""
    shipment = parcels.shipment_of(work.db, merchant, id)
    order = shipments.orders_of(work.db, merchant, [shipment]).get(shipment) if shipment else None
    if shipment is None or order is None:
        return None
    facts = shipments.facts(work.db, merchant, [order], hub.box(merchant))[order]
    one = shipments.find(work.db, merchant, [shipment])[shipment]
    parcel = parcels.find(work.db, merchant, [id])[id]
    if one.state is not State.SENT or parcel.told_at is not None:
        return None
    parcels.telling(work.db, [id], work.now)
    map_ = places.map_of(work.db, account.id, account.location)
    loads = shipments.loads(work.db, merchant, [shipment]).get(shipment, [])
    page = f"{hub.public_url}/track/{parcel.token}" if hub.public_url and one.way != PICKUP else ""
    return Telling(parcel, one, facts, said(facts, one, parcel, loads, map_, page), parcel.telling_at is not None)


def said(facts: Facts, one: Shipment, parcel: Parcel, loads: Sequence[Load], map_: PlaceMap, page: str) -> Sent:
    """A parcel in the channel's words. Its number among those of its order stays the same, whatever happens to others. Where nobody knows
    its carrier's page, `page` is ours: without one channels guess."""
    contents = parcel.contents or {load.line: load.units for load in loads}
    place = next((place for place, some in map_.ours.items() if one.location in some), "")
    return Sent(
        order=facts.channel_id, number=one.number * 100 + parcel.number,
        lines=tuple(SentLine(line, units, *_assigned(facts.order, line, place)) for line, units in contents.items()),
        carrier=parcel.carrier or "", carrier_name=parcel.carrier_name or "", service=parcel.service or "", tracking=parcel.tracking or "",
        url=parcel.url or page, sent_at=when(one.sent_at or 0), place=place, marketplace=facts.order.marketplace,
        notify=one.way != PICKUP,
    )  # fmt: skip


def _assigned(order: Order, line: str, place: str) -> tuple[str]:
    """The channel's own part of the order that this line is sent in: the one at that place before any other."""
    parts = [part for part in order.routing or () if part.open and any(one.line == line for one in part.lines)]
    here = [part for part in parts if part.location == place] or parts
    return (here[0].id if here else "",)


def _told(hub: Hub, claim: Claim, one: Telling, told: str | None, problem: str | None) -> None:
    with hub.unit(claim) as work:
        parcels.told(work.db, [{"id": one.parcel.id, "told_as": told, "problem": problem, "done": told is not None}], work.now)
        if told is not None:
            work.happened(claim.merchant, [(one.facts.ref, ParcelTold(one.shipment.name, one.sent.tracking))])
            work.ask(claim.merchant, "fetch_orders", one.facts.ref, claim.connection)


def correct(hub: Hub, merchant: str, id: str, typed: Typed, who: Who) -> None:
    """What was typed of a parcel that left is corrected, and its channel is told again: for what it declined. Raises NotThen where the
    channel knows the parcel, or it has a carrier's label; Refused for one that is not there."""
    with hub.unit() as work:
        shipment = parcels.shipment_of(work.db, merchant, id) or ""
        order = shipments.orders_of(work.db, merchant, [shipment]).get(shipment)
        if order is None:
            raise Refused("there is no such parcel")
        facts = shipments.facts(work.db, merchant, [order], hub.box(merchant))[order]
        one, parcel = shipments.find(work.db, merchant, [shipment])[shipment], parcels.find(work.db, merchant, [id])[id]
        if one.state is not State.SENT or one.again or parcel.told_at is not None or parcel.purchase is not None:
            raise NotThen("nothing of it can be corrected")
        parcels.set_labels(work.db, [{"id": id, "carrier": None, **_typed(typed)}])
        parcels.told(work.db, [{"id": id, "told_as": None, "problem": None, "done": False}], work.now)
        work.ask(merchant, "confirm_parcels", id, facts.connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.correct", id, shipment=one.name)


# ---- where it is


def track_parcels(hub: Hub, claim: Claim) -> None:
    """Ask a carrier where parcels are, as many as it answers at once; asks for itself again while more are due."""
    merchant, account = claim.merchant, hub.connection(claim.connection)
    most = hub.connector(account).carries.numbers
    with hub.database.read() as db:
        due = parcels.to_look_at(db, merchant, account.id, hub.now, most)
    numbers = {row.tracking: row.id for row in due if row.tracking}
    found = hub.carrier(account).track(list(numbers)) if numbers else {}
    with hub.unit(claim) as work:
        learn(hub, work, merchant, {numbers[number]: tracked for number, tracked in found.items() if number in numbers})
        if len(due) == most and found:
            work.ask(merchant, "track_parcels", account.id, account.id)


def learn(hub: Hub, work: Unit, merchant: str, told: Mapping[str, Tracked]) -> None:
    """Write down what carriers tell of parcels, and of whose parcel it is too, and say what is new."""
    told = {**told, **{id: told[first] for id, first in parcels.that_go_in(work.db, merchant, told).items()}}
    known = parcels.find(work.db, merchant, told)
    owners = shipments.found(work.db, merchant, {one.shipment for one in known.values()})
    refs = shipments.refs_of(work.db, merchant, {one.order_id for one in owners.values()})
    parcels.add_steps(work.db, merchant, [(id, step) for id, tracked in told.items() if id in known for step in tracked.steps])
    parcels.set_where(
        work.db, [_learned(known[id], owners[known[id].shipment], tracked, work.now) for id, tracked in told.items() if id in known]
    )
    for id, tracked in told.items():
        one = known.get(id)
        if one and tracked.steps and tracked.steps[-1].progress != one.progress:
            last, owner = tracked.steps[-1], owners[one.shipment]
            fact = ParcelMoved(owner.name, one.tracking or "", last.progress.value, last.town)
            work.happened(merchant, [(refs[owner.order_id], fact)])


OVER = (Progress.DELIVERED, Progress.RETURNED, Progress.VOIDED)


def _learned(one: Parcel, owner: Shipment, tracked: Tracked, now: int) -> dict[str, Any]:
    last = tracked.steps[-1] if tracked.steps else None
    over = (last is not None and last.progress in OVER) or now > (owner.sent_at or now) + LOST_US
    expected = tracked.expected_on.isoformat() if tracked.expected_on else None
    return _where(
        one.id, progress=last.progress.value if last else None, at=us(last.at) if last else None, expected=expected,
        look_at=None if over else now + NEXT_LOOK_US,
    )  # fmt: skip
