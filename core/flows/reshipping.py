"""Goods of an order that left go once more: a shipment of its own, which no channel is told of and which is no sale."""

from collections.abc import Collection, Mapping

from core.domain.events import Reshipped
from core.domain.order import Order
from core.domain.shipments import Again, Load, pieces, weigh
from core.domain.who import Who
from core.errors import Refused
from core.flows import releasing, set_aside
from core.hub import Hub
from core.store import audit, cards, connections, listings, orders, shipments, stock
from core.store.shipments import Facts, Shipment
from core.store.unit import Unit

NOT_GONE = "only what left can go once more, and no more of it than left"


def reship(hub: Hub, merchant: str, order: str, units: Mapping[str, int], why: Again, who: Who, location: str = "") -> str:
    """These units by order line go once more, all from one location: the first that has them free, or the one that is named. Gives the
    shipment's name. Raises Refused for what did not leave, is not mapped or does not lie there."""
    wanted = {line: many for line, many in units.items() if many}
    with hub.unit() as work:
        facts = _facts(hub, work, merchant, order)
        loads = _loads(work, merchant, facts, wanted)
        levels = stock.lock_levels(work.db, merchant, pieces(loads))
        at = _from(work, merchant, loads, levels, location)
        one = _write(hub, work, merchant, facts, loads, why, at)
        set_aside.promise(work, merchant, one, loads, levels)
        total = sum(wanted.values())
        work.happened(merchant, [(facts.ref, Reshipped(one.name, total, why.value, who.name))])
        audit.write(work.db, merchant, work.now, who.id, who.name, "order.reship", order, shipment=one.name, units=total, why=why.value)
        return one.name


def _facts(hub: Hub, work: Unit, merchant: str, order: str) -> Facts:
    facts = shipments.facts(work.db, merchant, [order], hub.box(merchant)).get(order)
    if facts is None:
        raise Refused("there is no such order")
    if facts.order.is_cancelled:
        raise Refused("it is cancelled")
    if facts.person is None or facts.person.ship_to is None:
        raise Refused("nobody knows where it goes")
    return facts


def _loads(work: Unit, merchant: str, facts: Facts, wanted: Mapping[str, int]) -> list[Load]:
    """What is to go, with what each unit consumes now. Raises Refused."""
    booked = orders.booked(work.db, merchant, [facts.id])
    left = gone(facts.order, {line: one.sent for (_, line), one in booked.items()})
    if not wanted or any(not 0 < many <= left.get(line, 0) for line, many in wanted.items()):
        raise Refused(NOT_GONE)
    lines = {line.id: line for line in facts.order.lines if line.id in wanted}
    names = {line.id: (facts.connection, line.listing or "", line.sku or "") for line in lines.values()}
    mapped = listings.mapped(work.db, merchant, set(names.values()))
    parts = {id: mapped[name].parts if name in mapped else {} for id, name in names.items()}
    if any(not some for some in parts.values()):
        raise Refused("nobody said which SKU it is")
    return [Load(id, line.title, wanted[id], dict(parts[id])) for id, line in lines.items()]


def gone(order: Order, sent: Mapping[str, int]) -> dict[str, int]:
    """Units of each line that left: `sent` as we know, or more as its channel does."""
    found = {line.id: max(line.fulfilled, sent.get(line.id, 0)) for line in order.lines if line.requires_shipping}
    return {line: units for line, units in found.items() if units}


def of_skus(order: Order, sent: Mapping[str, int], skus: Mapping[str, int]) -> dict[str, int]:
    """Units by line of what somebody calls by SKU (or by the line's id). Raises Refused for more than left."""
    left, found = gone(order, sent), dict[str, int]()
    for name, units in skus.items():
        for line in order.lines:
            taken = min(units, left.get(line.id, 0) - found.get(line.id, 0)) if name in (line.id, line.sku) else 0
            if taken > 0:
                found[line.id], units = found.get(line.id, 0) + taken, units - taken
        if units:
            raise Refused(NOT_GONE)
    return found


def _from(work: Unit, merchant: str, loads: Collection[Load], levels: set_aside.Levels, location: str) -> str:
    """The first location of ours that sends and has all of it free."""
    every = pieces(loads)
    for site in shipments.sites(work.db, merchant):
        free = {sku: on_hand - reserved for (sku, at), (on_hand, reserved) in levels.items() if at == site.id}
        if not site.asked and location in ("", site.id) and all(free.get(sku, 0) >= units for sku, units in every.items()):
            return site.id
    raise Refused("no location that sends has all of it free")


def _write(hub: Hub, work: Unit, merchant: str, facts: Facts, loads: list[Load], why: Again, location: str) -> Shipment:
    name = f"S{connections.count_up(work.db, merchant, releasing.COUNTER, 1)}"
    number, id = shipments.last_numbers(work.db, [facts.id]).get(facts.id, 0) + 1, hub.ids()
    head = {
        "id": id, "order_id": facts.id, "number": number, "name": name, "location": location, "ship_by": None,
        "person": releasing.person_of(hub.box(merchant), facts), "again": why.value,
    }  # fmt: skip
    grams = weigh(loads, cards.weights(work.db, merchant, pieces(loads))) or 0
    parcel = {"id": hub.ids(), "shipment": id, "number": 1, "token": releasing.token(), "weight_g": grams}
    shipments.add(work.db, merchant, [head], [(id, load) for load in loads], [parcel], work.now)
    return shipments.find(work.db, merchant, [id])[id]
