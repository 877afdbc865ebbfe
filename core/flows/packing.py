"""Packing: what a parcel weighs and in which box it goes, labels for many at once, what is short, and taking a shipment apart."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from core.domain.adjusting import UNSEEN, Answer, Reason
from core.domain.adjusting import Wish as Adjusting
from core.domain.bench import Holder, losers
from core.domain.parcelling import another, in_lines
from core.domain.shipments import OPEN, PICKUP, Load, State, parted, pieces
from core.domain.shipments import weigh as weigh_of
from core.domain.stock import Plan
from core.domain.who import Who
from core.errors import Refused
from core.flows import adjusting, allocation, cards, joined, labelling, releasing
from core.flows.cards import Wish as CardWish
from core.flows.labelling import NotThen, ready
from core.hub import Hub
from core.ports import Connector
from core.store import audit, boxes, connections, counts, parcels, people, shipment_list, shipments, stock
from core.store import cards as cards_of
from core.store.connections import Connection
from core.store.unit import Unit

CHOSEN = "ship_with"  # of a merchant's settings: "connection/service", by which labels are bought where nobody chose
Offer = tuple[Connection, Connector]


# ---- weighing


def weigh(
    hub: Hub, merchant: str, id: str, grams: int, who: Who, *, box: str = "", size: tuple[int, int, int] = (0, 0, 0), number: int = 1
) -> None:  # fmt: skip
    """One of a shipment's parcels is packed: what it weighs in grams, in which of the merchant's boxes or of which outside (mm; 0: not
    known) it is. Once all have a weight the shipment is packed. Raises Stopped, NotThen, and Refused for a box that is not there or may
    not hold that."""
    with hub.unit() as work:
        _, one, inside = ready(hub, work, merchant, id)
        if one.goes_with or one.way == PICKUP:
            raise NotThen(joined.WITH_ANOTHER if one.goes_with else labelling.FETCHED)
        if one.state is State.LABELLED or any(parcel.purchase for parcel in inside):
            raise NotThen("it has a label for what it weighed before: give that back first")
        carton = _carton(work, merchant, box) if box else None
        if carton and carton.most_g is not None and grams - carton.weight_g > carton.most_g:
            raise Refused("that is more than this box may hold")
        mine = next((parcel for parcel in inside if parcel.number == number), None)
        if mine is None:
            raise Refused("there is no such parcel")
        parcels.set_size(work.db, mine.id, grams, carton.size if carton else size, carton.name if carton else None)
        if all(parcel.weight_g for parcel in inside if parcel is not mine):
            shipments.set_state(work.db, {id: (State.PACKED, None)}, work.now)
            joined.follow(work, merchant, one, State.PACKED)
        parcel = f"{number}/{len(inside)}" if len(inside) > 1 else ""
        said = {"shipment": one.name, "parcel": parcel, "grams": grams, "box": box}
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.weigh", id, **said)


def _carton(work: Unit, merchant: str, name: str) -> boxes.Carton:
    found = next((one for one in boxes.all_of(work.db, merchant) if one.name == name), None)
    if found is None:
        raise Refused("there is no such box")
    return found


# ---- several parcels


def split(hub: Hub, merchant: str, id: str, contents: Sequence[Mapping[str, int]], who: Who) -> None:
    """A shipment goes in so many parcels: `contents` are units by order line, one for each. What they weigh is reckoned anew, and they are
    to be packed. Raises Stopped, NotThen, and Refused unless each unit is in one of them."""
    _split(hub, merchant, id, lambda loads, _: contents, who)


def split_scanned(hub: Hub, merchant: str, id: str, parts: Sequence[Mapping[str, int]], who: Who) -> None:
    """The same by the SKUs that were scanned into each parcel."""
    _split(hub, merchant, id, lambda loads, _: in_lines(loads, parts), who)


def set_apart(hub: Hub, merchant: str, id: str, further: Sequence[Mapping[str, int]], who: Who) -> None:
    """The same by the SKUs of each parcel but the first, which holds the rest."""
    _split(hub, merchant, id, lambda loads, _: in_lines(loads, [_rest(loads, further), *further]), who)


def _rest(loads: list[Load], further: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    return pieces(loads) - sum((Counter(part) for part in further), Counter[str]())


def move_on(hub: Hub, merchant: str, id: str, units: Mapping[str, int], who: Who) -> None:
    """These units by order line go in one more parcel, whatever parcels there are. Raises as `split`."""
    _split(hub, merchant, id, lambda loads, now: another(loads, now, units), who)


def join(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """All of a shipment goes in one parcel again. Raises Stopped, NotThen."""
    _split(hub, merchant, id, lambda loads, _: [{load.line: load.units for load in loads}], who)


How = Callable[[list[Load], list[Mapping[str, int]]], Sequence[Mapping[str, int]]]


def _split(hub: Hub, merchant: str, id: str, how: How, who: Who) -> None:
    """`how` makes contents of what is in it and of what its parcels hold now (nothing where one holds all)."""
    with hub.unit() as work:
        _, one, inside = ready(hub, work, merchant, id)
        if one.way == PICKUP:
            raise NotThen(labelling.FETCHED)
        if one.goes_with or joined.members(work, merchant, id):
            raise NotThen("it goes together with others: take it out of their parcel first")
        if any(parcel.purchase for parcel in inside):
            raise NotThen("it has a label already: give that back first")
        loads = shipments.loads(work.db, merchant, [id]).get(id, [])
        parts = _parted(loads, how, [parcel.contents for parcel in inside if parcel.contents])
        weights = cards_of.weights(work.db, merchant, {sku for part in parts for load in part for sku in load.parts})
        parcels.split(work.db, merchant, id, [_parcel(hub, number, part, weights) for number, part in enumerate(parts, 1)])
        shipments.set_state(work.db, {id: (State.RELEASED, None)}, work.now)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.split", id, shipment=one.name, parcels=len(parts))


def _parted(loads: list[Load], how: How, now: list[Mapping[str, int]]) -> list[list[Load]]:
    try:
        return parted(loads, how(loads, now))
    except ValueError as error:
        raise Refused(str(error)) from None


def _parcel(hub: Hub, number: int, part: Sequence[Load], weights: Mapping[str, int | None]) -> dict[str, Any]:
    inside = {load.line: load.units for load in part}
    return {"id": hub.ids(), "number": number, "token": releasing.token(), "weight_g": weigh_of(part, weights) or 0, "contents": inside}


# ---- labels


def offered(hub: Hub, merchant: str, role: Iterable[Connection]) -> list[Offer]:
    """Of these connections the carriers that can be asked now."""
    return [(one, hub.connectors[one.channel]) for one in role if one.channel in hub.connectors and one.state == "active"]


def usual(offers: Sequence[Offer], chosen: str, account: str | None = None, service: str | None = None) -> tuple[str, str]:
    """By which service of which carrier a shipment goes: its own, else the one that the merchant `chose`, else the only one that there is.
    ("", "") where nobody said."""
    known = {f"{one.id}/{name}" for one, connector in offers for name in connector.services}
    wishes = (f"{account}/{service}", chosen, *(known if len(known) == 1 else ()))
    found = next((wish for wish in wishes if wish in known), "/")
    connection, _, name = found.partition("/")
    return connection, name


def chosen_in(settings: str) -> str:
    """By which service the merchant's labels are bought, as these settings say; "" where nobody said."""
    return str(msgspec.json.decode(settings).get(CHOSEN, "")) if settings else ""


def choose(hub: Hub, merchant: str, connection: str, service: str, who: Who) -> None:
    """Buy labels of this service where nobody chose another. Raises Refused where there is none such."""
    with hub.unit() as work:
        offers = offered(hub, merchant, connections.all_of(work.db, merchant, connections.CARRIER))
        if not any(one.id == connection and service in connector.services for one, connector in offers):
            raise Refused("there is no such service")
        name, _ = people.settings(work.db, merchant)
        people.set_settings(work.db, merchant, name, **{CHOSEN: f"{connection}/{service}"})
        audit.write(work.db, merchant, work.now, who.id, who.name, "settings.service", connection, service=service)


def want_all(hub: Hub, merchant: str, ids: Collection[str], connection: str, service: str, who: Who) -> dict[str, str]:
    """Have labels of one service bought for these. Gives, by id, why one of them gets none; the others are being bought."""
    none: dict[str, str] = {}
    for id in sorted(set(ids)):
        try:
            labelling.want(hub, merchant, id, connection, service, who)
        except Refused as error:
            none[id] = str(error)
    return none


# ---- taking apart


def take_apart(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """Cancel an open shipment, and have what is in it released anew. Raises NotThen, Refused."""
    with hub.unit() as work:
        one = joined.lock(hub, work, merchant, id)
        if one.state not in OPEN or one.problem == "taking_apart":
            raise NotThen(f"it is {one.state}")
        releasing.take_apart(hub, work, merchant, [one], "person")
        work.ask(merchant, "release_orders", merchant)
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.take_apart", id, shipment=one.name)


# ---- barcodes


def teach(hub: Hub, merchant: str, id: str, code: str, sku: str, who: Who) -> None:
    """A barcode that nobody knew is of this SKU of a shipment. Raises Refused where the SKU is not in it, WrongCard where the barcode
    cannot be its."""
    with hub.unit() as work:
        inside = pieces(shipments.loads(work.db, merchant, [id]).get(id, []))
        if sku not in inside:
            raise Refused("that SKU is not in this shipment")
        known = cards_of.barcodes(work.db, merchant, [sku]).get(sku, ())
        cards.write_in(work, merchant, {sku: CardWish(barcodes=(*known, code))}, who)


# ---- short


class Enough(Refused):
    """There is as much as the orders hold: nothing is short."""


def short(hub: Hub, merchant: str, id: str, sku: str, there: int, who: Who) -> list[str]:
    """Only so many units of a SKU lie where this shipment is sent from, beside those in parcels that are packed. The level is corrected;
    orders that held what is not there give it back and look elsewhere, the one at the bench first, then the youngest. Gives the names of
    the shipments that are taken apart for it. Raises Enough, Stopped, NotThen, Refused."""
    with hub.unit() as work:
        one = shipments.found(work.db, merchant, [id]).get(id)
        if one is None:
            raise Refused("there is no such shipment")
        held = shipment_list.holders(work.db, merchant, sku, one.location)
        lie, was, reserved = _shelf(work, merchant, sku, one.location, there)
        lose = losers([Holder(row.id, row.placed_at, int(row.units)) for row in held], one.order_id, reserved - lie)
        shipments.facts(work.db, merchant, {*lose, one.order_id}, hub.box(merchant))
        if ready(hub, work, merchant, id)[1].state is not State.RELEASED:
            raise NotThen("it is packed")
        gone = _give_up(hub, work, merchant, sku, one.location, lose)
        wish = Adjusting(Reason.LOST, lie - was, UNSEEN, "short at the bench")
        if adjusting.adjust_in(hub, work, merchant, sku, one.location, wish, who).answer is not Answer.DONE:
            raise NotThen("somebody changed that shelf meanwhile: look again")
        allocation.ask_reserve(work, merchant, [f"{row.connection}/{row.channel_id}" for row in held if row.id in lose])
        work.ask(merchant, "release_orders", merchant)
        said = {"shipment": one.name, "sku": sku, "there": there, "apart": gone}
        audit.write(work.db, merchant, work.now, who.id, who.name, "shipment.short", id, **said)
        return gone


def _shelf(work: Unit, merchant: str, sku: str, location: str, there: int) -> tuple[int, int, int]:
    """Units that lie there after all with those in packed parcels, units by our books, and units promised. Raises Enough."""
    packed = sum(msgspec.json.decode(row.parts).get(sku, 0) * row.units for row in shipment_list.in_boxes(work.db, merchant, location))
    level = counts.levels(work.db, merchant, [sku]).get((sku, location))
    if level is None or there + packed >= level.reserved:
        raise Enough("there is as much of it as the orders hold")
    return there + packed, level.on_hand, level.reserved


def _give_up(hub: Hub, work: Unit, merchant: str, sku: str, location: str, lose: Collection[str]) -> list[str]:
    """What these orders, which are locked, hold of a shelf is theirs no more. Gives the names of their shipments, which end."""
    opened = [one for one in shipments.open_of(work.db, merchant, lose) if one.location == location and one.state is State.RELEASED]
    inside = shipments.loads(work.db, merchant, [one.id for one in opened])
    gone = [one for one in opened if sku in pieces(inside.get(one.id, []))]
    releasing.take_apart(hub, work, merchant, gone, "short")
    levels = stock.lock_levels(work.db, merchant, [sku])
    mine = {
        (*line, sku, location): shelves[sku, location]
        for line, shelves in stock.reserved(work.db, merchant, lose).items()
        if (sku, location) in shelves
    }
    plan = Plan(shelves={(sku, location): [0, -sum(mine.values())]}, reservations=dict.fromkeys(mine, 0))
    stock.apply(work.db, merchant, plan, levels, work.now)
    return [one.name for one in gone]
