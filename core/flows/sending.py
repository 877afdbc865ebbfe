"""What leaves: stock goes with it, the order's channel is told once, and its carrier is asked where it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from core.domain.events import ParcelMoved, ParcelTold, ShipmentSent
from core.domain.handing_over import is_taken
from core.domain.order import Order
from core.domain.places import PlaceMap
from core.domain.shipments import PICKUP, Load, State
from core.domain.shipping import Progress, Sent, SentLine, Tracked
from core.domain.tasks import Claim, Outcome
from core.domain.telling import Kind, worth_telling
from core.domain.who import HUB, Who
from core.errors import AccessLost, OutcomeUnknown, Refused, Unsupported
from core.flows import capturing, joined, releasing, set_aside, settling, telling
from core.flows.labelling import FETCHED, NotThen, Stopped, ready
from core.flows.telling import News
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
FIRST_LOOK_US, NEXT_LOOK_US, FOLLOWED_LOOK_US = HOUR, 4 * HOUR, 24 * HOUR  # the last for what its carrier pushes
TOGETHER_S = 60.0  # so long a carrier that is to push waits for more that leaves
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


def send_labelled(hub: Hub, claim: Claim) -> None:
    """A labelled shipment leaves by itself: its carrier scanned it, its channel's parcels count as sent with their labels, or the channel
    shows it as sent already; then what that knows is looked up before it is told anything."""
    merchant, id = claim.merchant, claim.subjects[0]
    with hub.unit(claim) as work:
        mates = shipments.one_parcel(work.db, merchant, [id])
        orders = set(shipments.orders_of(work.db, merchant, mates).values())
        shown = releasing.shown_of(hub, work, merchant, orders) & set(mates)
        leads = {one.goes_with or one.id for one in shipments.found(work.db, merchant, [id]).values()}
        with suppress(NotThen, Stopped):
            for lead in leads:
                send_in(hub, work, merchant, lead, HUB, None)
            boxes = parcels.of_shipments(work.db, merchant, shown)
            parcels.telling(work.db, [box.id for own in boxes.values() for box in own], work.now)


def _send(hub: Hub, merchant: str, id: str, who: Who, typed: Typed | None) -> None:
    with hub.unit() as work:
        send_in(hub, work, merchant, id, who, typed)


def send_in(hub: Hub, work: Unit, merchant: str, id: str, who: Who, typed: Typed | None) -> None:
    """One, with all that go in its parcel, in the caller's transaction. Raises Stopped, NotThen, Refused."""
    facts, one, boxes = ready(hub, work, merchant, id)
    if one.goes_with:
        raise NotThen(joined.WITH_ANOTHER)
    if typed and any(box.purchase for box in boxes):
        raise NotThen("it has a label, or one is being bought: give it back first")
    if one.way == PICKUP:
        raise NotThen(FETCHED)
    mates = joined.members(work, merchant, id)
    if typed:
        _type(work, merchant, [one, *mates], typed)
    elif one.state is not State.LABELLED or not all(box.tracking for box in boxes):
        raise NotThen("it has no label yet")
    leave(hub, work, merchant, facts, one, parcels.of_shipments(work.db, merchant, [id])[id], who)
    for mate in mates:
        go(hub, work, merchant, mate, who)


def _type(work: Unit, merchant: str, some: Sequence[Shipment], typed: Typed) -> None:
    boxes = parcels.of_shipments(work.db, merchant, [one.id for one in some])
    parcels.set_labels(work.db, [{"id": box.id, **typed_of(typed)} for own in boxes.values() for box in own])


def go(hub: Hub, work: Unit, merchant: str, one: Shipment, who: Who) -> None:
    """It leaves now in the parcels that it has; it is locked with its order, and nothing stops it."""
    facts = shipments.facts(work.db, merchant, [one.order_id], hub.box(merchant))[one.order_id]
    leave(hub, work, merchant, facts, one, parcels.of_shipments(work.db, merchant, [one.id]).get(one.id, []), who)


def leave(hub: Hub, work: Unit, merchant: str, facts: Facts, one: Shipment, boxes: Sequence[Parcel], who: Who) -> None:
    """A shipment leaves in these parcels, whose numbers are written down; all are locked. Stock goes, and the channel is told; of what goes
    once more it was told before."""
    loads = shipments.loads(work.db, merchant, [one.id]).get(one.id, [])
    shipments.set_state(work.db, {one.id: (State.SENT, None)}, work.now)
    work.happened(merchant, [(facts.ref, ShipmentSent(one.name, sum(load.units for load in loads), who.name))])
    first = work.now + FIRST_LOOK_US
    parcels.set_where(work.db, [_where(box.id, look_at=first if box.purchase else None, heard_at=work.now) for box in boxes])
    if one.connection and any(box.purchase for box in boxes):
        work.ask(merchant, "follow_parcels", one.connection, one.connection, wait_s=TOGETHER_S)
    if one.again:
        set_aside.leave(work, merchant, one, loads)
    else:
        _sell(hub, work, merchant, facts, one, loads, boxes)
    audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.send", one.id, shipment=one.name)


def _sell(
    hub: Hub, work: Unit, merchant: str, facts: Facts, one: Shipment, loads: Sequence[Load], boxes: Sequence[Parcel]
) -> None:  # fmt: skip
    """Stock goes with it, what is authorized is captured, its channel is told, and its buyer of what does not wait at a counter."""
    shipments.move(work.db, [(one.order_id, load.line, -load.units, load.units) for load in loads])
    account = connections.get(work.db, facts.connection)
    if account is None:
        raise Unsupported("no such connection", connection=facts.connection)
    settling.link(hub, work, account, [facts.ref], {})
    capturing.want_in(hub, work, merchant, facts, account)
    for box in boxes:
        work.ask(merchant, "confirm_parcels", box.id, facts.connection)
    if one.way != PICKUP:
        telling.tell(hub, work, merchant, [News(box.id, facts.connection, Kind.SHIPPED, work.now) for box in boxes])


def typed_of(typed: Typed) -> dict[str, str | None]:
    """What was typed, as a parcel's columns."""
    return {"carrier": None, **_typed(typed)}


def _typed(typed: Typed) -> dict[str, str | None]:
    return {
        "tracking": typed.tracking or None, "carrier_name": typed.carrier_name, "service": typed.service or None, "url": typed.url or None,
    }  # fmt: skip


def _where(
    id: str,
    *,
    progress: str | None = None,
    at: int | None = None,
    expected: str | None = None,
    look_at: int | None,
    heard_at: int | None = None,
) -> dict[str, Any]:
    return {"id": id, "progress": progress, "progress_at": at, "expected_on": expected, "look_at": look_at, "heard_at": heard_at}


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
        known = channel.confirmed(one.sent) if one.before or one.sent.own else None
        if known is None and one.sent.own:
            raise OutcomeUnknown("the channel sold its label and tells its buyer by itself: it does not show it yet")
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
    own = parcel.purchase is not None and parcels.seller_of(work.db, merchant, parcel.purchase) == account.id
    others = parcels.told_of(work.db, merchant, facts.id)
    sent = replace(said(facts, one, parcel, loads, map_, page), own=own, others=others)
    return Telling(parcel, one, facts, sent, parcel.telling_at is not None)


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
    channel knows the parcel, or is being told of it, or it has a carrier's label; Refused for one that is not there."""
    with hub.unit() as work:
        shipment = parcels.shipment_of(work.db, merchant, id) or ""
        order = shipments.orders_of(work.db, merchant, [shipment]).get(shipment)
        if order is None:
            raise Refused("there is no such parcel")
        facts = shipments.facts(work.db, merchant, [order], hub.box(merchant))[order]
        one, parcel = shipments.find(work.db, merchant, [shipment])[shipment], parcels.find(work.db, merchant, [id])[id]
        if one.state is not State.SENT or one.again or parcel.told_at is not None or parcel.purchase is not None:
            raise NotThen("nothing of it can be corrected")
        if parcel.told_problem is None:
            raise NotThen("its channel is being told, and may know it as it was typed before")
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
    """Write down what carriers tell of parcels, and of whose parcel it is too, and say what is new. What is told late, or again, sets
    nothing back."""
    told = {**told, **{id: told[first] for id, first in parcels.that_go_in(work.db, merchant, told).items()}}
    known = parcels.find(work.db, merchant, told)
    owners = shipments.found(work.db, merchant, {one.shipment for one in known.values()})
    refs = shipments.refs_of(work.db, merchant, {one.order_id for one in owners.values()})
    parcels.add_steps(work.db, merchant, [(id, step) for id, tracked in told.items() if id in known for step in tracked.steps])
    parcels.set_where(work.db, [_learned(one, owners[one.shipment], told[id], work.now) for id, one in known.items()])
    for id in {one.shipment for key, one in known.items() if is_taken(step.progress for step in told[key].steps)}:
        if owners[id].state is State.LABELLED:
            work.ask(merchant, "send_labelled", id)
    fresh = {id: told[id] for id, one in known.items() if not _is_late(one, told[id])}
    for id, tracked in fresh.items():
        one, owner = known[id], owners[known[id].shipment]
        if tracked.steps and tracked.steps[-1].progress != one.progress:
            last = tracked.steps[-1]
            fact = ParcelMoved(owner.name, one.tracking or "", last.progress.value, last.town)
            work.happened(merchant, [(refs[owner.order_id], fact)])
    first = {id: refs[owners[known[id].shipment].order_id] for id in fresh if not owners[known[id].shipment].again}
    telling.tell(hub, work, merchant, _news(work, {id: fresh[id] for id in first}, first))


def _is_late(one: Parcel, tracked: Tracked) -> bool:
    """It is older than what is known of this parcel."""
    return bool(tracked.steps) and one.progress_at is not None and us(tracked.steps[-1].at) < one.progress_at


def _news(work: Unit, told: Mapping[str, Tracked], refs: Mapping[str, str]) -> Iterator[News]:
    """What of it buyers may want to know."""
    for id, tracked in told.items():
        if worth := worth_telling(tracked.steps, when(work.now)):
            yield News(id, refs[id].split("/")[0], worth[0], us(worth[1]))


OVER = (Progress.DELIVERED, Progress.RETURNED, Progress.VOIDED)


def _learned(one: Parcel, owner: Shipment, tracked: Tracked, now: int) -> dict[str, Any]:
    last = tracked.steps[-1] if tracked.steps and not _is_late(one, tracked) else None
    where = last.progress.value if last else one.progress
    over = where in OVER or now > (owner.sent_at or now) + LOST_US
    expected = tracked.expected_on.isoformat() if tracked.expected_on else None
    return _where(
        one.id, progress=last.progress.value if last else None, at=us(last.at) if last else None, expected=expected,
        look_at=None if over else now + (FOLLOWED_LOOK_US if (one.followed_until or 0) > now else NEXT_LOOK_US),
        heard_at=us(last.at) if last else None,
    )  # fmt: skip
