"""Shipments that go in the parcel of another: they follow it, and leave it when they stop. The one whose parcel it is leads."""

from collections.abc import Iterable, Mapping, Sequence

from core.domain.money import Money, total
from core.domain.shipments import OPEN, State
from core.errors import Refused
from core.hub import Hub
from core.store import parcels, shipments
from core.store.shipments import Shipment
from core.store.unit import Unit

GIVING_BACK, TAKING_APART = "giving_back", "taking_apart"
UNLABELLED = {"tracking": None, "carrier": None, "carrier_name": None, "service": None, "url": None}
WITH_ANOTHER = "it goes in the parcel of another order"


def lock(hub: Hub, work: Unit, merchant: str, id: str) -> Shipment:
    """A shipment, locked with all that go in its parcel and their orders. Raises Refused for one that is not there."""
    ids = shipments.one_parcel(work.db, merchant, [id])
    owners = shipments.orders_of(work.db, merchant, ids)
    shipments.facts(work.db, merchant, owners.values(), hub.box(merchant))
    found = shipments.find(work.db, merchant, ids)
    if id not in found:
        raise Refused("there is no such shipment")
    return found[id]


def members(work: Unit, merchant: str, lead: str) -> list[Shipment]:
    """Those that go in the parcel of this one, locked."""
    ids = [id for id in shipments.one_parcel(work.db, merchant, [lead]) if id != lead]
    return [one for one in shipments.find(work.db, merchant, ids).values() if one.goes_with == lead]


def weigh(work: Unit, merchant: str, lead: str, grams: int) -> None:
    """What the whole parcel weighs from now on; 0: somebody must say."""
    for box in parcels.of_shipments(work.db, merchant, [lead]).get(lead, [])[:1]:
        parcels.set_size(work.db, box.id, grams, (box.length_mm, box.width_mm, box.height_mm), box.boxed)


def leave(work: Unit, merchant: str, some: Iterable[Shipment]) -> None:
    """These go alone again, and are to be packed. What was bought for the parcel is given back, and those that stay wait for it."""
    gone = [one for one in some if one.goes_with]
    for lead in sorted({one.goes_with or "" for one in gone}):
        mine = [one for one in gone if one.goes_with == lead]
        boxes = parcels.of_shipments(work.db, merchant, [one.id for one in mine])
        weight = sum(box.weight_g for own in boxes.values() for box in own)
        shipments.set_goes_with(work.db, [one.id for one in mine], None)
        _unlabel(work, merchant, mine, State.RELEASED)
        _give_back(work, merchant, lead, weight)


def _give_back(work: Unit, merchant: str, lead: str, less_g: int) -> None:
    """The one that leads weighs less; its label was for all."""
    one = shipments.find(work.db, merchant, [lead]).get(lead)
    boxes = parcels.of_shipments(work.db, merchant, [lead]).get(lead, [])
    if one is None or one.state not in OPEN or not boxes:
        return
    weigh(work, merchant, lead, max(0, boxes[0].weight_g - less_g))
    if boxes[0].purchase and one.problem != TAKING_APART:
        work.ask(merchant, "void_labels", boxes[0].purchase, parcels.give_back(work.db, boxes[0].purchase))
        shipments.set_problem(work.db, lead, GIVING_BACK)


def follow(work: Unit, merchant: str, lead: Shipment, state: State) -> None:
    """Those in its parcel are where it is now: `state` is packed, labelled or released. Its parcel's numbers are theirs."""
    mine = [one for one in members(work, merchant, lead.id) if one.state in OPEN]
    if state is not State.LABELLED:
        _unlabel(work, merchant, mine, state)
        return
    first = parcels.of_shipments(work.db, merchant, [lead.id])[lead.id][0]
    said = {"tracking": first.tracking, "carrier": first.carrier, "carrier_name": first.carrier_name, "service": first.service}
    _label(work, merchant, mine, {**said, "url": first.url})
    shipments.set_state(work.db, {one.id: (state, None) for one in mine}, work.now)


def _unlabel(work: Unit, merchant: str, some: Sequence[Shipment], state: State) -> None:
    _label(work, merchant, some, UNLABELLED)
    shipments.set_state(work.db, {one.id: (state, None) for one in some}, work.now)


def _label(work: Unit, merchant: str, some: Sequence[Shipment], said: Mapping[str, str | None]) -> None:
    boxes = parcels.of_shipments(work.db, merchant, [one.id for one in some])
    parcels.set_labels(work.db, [{"id": box.id, **said} for own in boxes.values() for box in own])


def worth(hub: Hub, work: Unit, merchant: str, lead: Shipment, own: Money) -> Money:
    """What the whole parcel is worth: what is priced in another currency does not count."""
    mine = members(work, merchant, lead.id)
    facts = shipments.facts(work.db, merchant, {one.order_id for one in mine}, hub.box(merchant)) if mine else {}
    return total((own, *(one.order.subtotal for one in facts.values() if one.order.currency == own.currency)), own.currency)
