"""What may leave becomes shipments, and shipments whose orders changed are taken apart again."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.domain.events import Event, ShipmentCancelled, ShipmentMade
from core.domain.routing import Decision
from core.domain.shipments import FINAL, PARCEL, PICKUP, RULES, Load, Planned, Rules, State, Stop, ToSend, Wait, plan, stops, waits, weigh
from core.domain.tasks import Claim
from core.flows import joined, routing, set_aside, sites
from core.hub import Hub
from core.store import cards, connections, corrections, listings, parcels, shipments, stock
from core.store.shipments import Facts, Shipment, Site, Taken
from core.store.unit import Unit
from core.store.vault import Box

AT_ONCE = 100
MARK = "release"
COUNTER = "shipments"  # what papers say and scanners read is short: S and a number of the merchant's own


def release_orders(hub: Hub, claim: Claim) -> None:
    """A page of what may leave becomes shipments; asks for itself again while there is more."""
    merchant = claim.merchant
    with hub.unit(claim) as work:
        _, after = connections.mark(work.db, merchant, MARK)
        rules = sites.rules(work.db, merchant)
        ids = shipments.to_release(work.db, merchant, after or "", AT_ONCE, unpaid=rules.terms)
        release(hub, work, merchant, ids, rules)
        if not ids:
            _part(hub, work, merchant)
            shipments.expire(work.db, merchant, work.now)
        for id in shipments.changed(work.db, merchant, AT_ONCE) if not ids else ():
            work.ask(merchant, "look_at_shipments", id, "")
        connections.set_mark(work.db, merchant, merchant, MARK, work.now, ids[-1] if ids else "")
        if ids:
            work.ask(merchant, "release_orders", merchant)


def release(hub: Hub, work: Unit, merchant: str, ids: Collection[str], rules: Rules = RULES) -> dict[str, Wait | None]:
    """Make shipments of these orders, as far as nothing stops them. Gives what each waits for."""
    from_, box = shipments.sites(work.db, merchant), hub.box(merchant)
    found = shipments.facts(work.db, merchant, ids, box) if from_ else {}
    view = _view(work, merchant, found)
    said = {id: _waits(one, view, rules, hub) for id, one in found.items()}
    routed = routing.route(work, merchant, [view.ask(id) for id in found if said[id] is None], from_)
    said |= {id: Wait.SPLIT for id in found if routed.waits(id)}
    if routed.moved:
        view = replace(view, reserved=stock.reserved(work.db, merchant, found))
    numbers = shipments.last_numbers(work.db, found)
    made = [
        (one, planned, n)
        for id, one in found.items()
        if said[id] is None
        for n, planned in enumerate(plan(view.to_send(id), [site.id for site in from_]), numbers.get(id, 0) + 1)
    ]
    if made:
        _write(hub, work, merchant, box, {site.id: site for site in from_}, made)
    return said


def _part(hub: Hub, work: Unit, merchant: str) -> None:
    """Who goes in one parcel with others and stops goes alone; where the one that leads stops all do."""
    orders = shipments.joined(work.db, merchant, AT_ONCE)
    for one, _ in stopped(hub, work, merchant, orders) if orders else ():
        if one.problem not in ("taking_apart", "giving_back"):
            joined.leave(work, merchant, [one] if one.goes_with else joined.members(work, merchant, one.id))


def would_leave(hub: Hub, merchant: str, order: str, *, write: bool) -> tuple[Wait | None, Decision | None]:
    """What an order waits for, and from where it leaves by what lies where now; None: there is nothing to decide. `write`: it is reserved
    there."""
    with hub.unit() as work:
        found = shipments.facts(work.db, merchant, [order], hub.box(merchant))
        view = _view(work, merchant, found)
        asks = [view.ask(id) for id in found]
        routed = routing.route(work, merchant, asks, shipments.sites(work.db, merchant), write=write)
        return _waits(found[order], view, RULES, hub), routed.decisions.get(order)


@dataclass(frozen=True, slots=True)
class View:
    """What is known of some orders' lines: how they are booked, reserved, mapped, and what open shipments have of them."""

    lines: Mapping[str, Sequence[Any]]
    parts: Mapping[tuple[str, str, str], Mapping[str, int]]
    reserved: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]
    taken: Mapping[tuple[str, str], Sequence[Taken]]
    connections: Mapping[str, Facts]

    def to_send(self, order: str) -> list[ToSend]:
        titles = {line.id: line.title for line in self.connections[order].order.lines}
        return [self._one(row, titles.get(row.line, "")) for row in self.lines.get(order, ()) if row.held > row.released and row.ships]

    def _one(self, row: Any, title: str) -> ToSend:
        key = (row.order_id, row.line)
        left = dict(self.reserved.get(key, {}))
        for one in self.taken.get(key, ()):
            for sku, each in one.parts.items():
                left[sku, one.location] = left.get((sku, one.location), 0) - each * one.units
        parts = self.parts.get((self.connections[row.order_id].connection, row.listing or "", row.sku or ""), {})
        return ToSend(row.line, title, row.held - row.released, parts, left)

    def ask(self, order: str) -> routing.Ask:
        lines = self.to_send(order)
        return routing.Ask(self.connections[order], lines, {one.line: self.taken.get((order, one.line), ()) for one in lines})

    def short(self, order: str) -> bool:
        return any(row.hold > row.held for row in self.lines.get(order, ()) if row.ships)


def _view(work: Unit, merchant: str, found: Mapping[str, Facts]) -> View:
    lines: dict[str, list[Any]] = {}
    for row in shipments.lines(work.db, merchant, found):
        lines.setdefault(row.order_id, []).append(row)
    names = {(found[row.order_id].connection, row.listing or "", row.sku or "") for rows in lines.values() for row in rows}
    mapped = listings.mapped(work.db, merchant, names) if names else {}
    taken: dict[tuple[str, str], list[Taken]] = {}
    for one in shipments.loaded(work.db, merchant, found):
        taken.setdefault((one.order_id, one.line), []).append(one)
    parts = {name: one.parts for name, one in mapped.items()}
    return View(lines, parts, stock.reserved(work.db, merchant, found), taken, found)


def _waits(one: Facts, view: View, rules: Rules, hub: Hub) -> Wait | None:
    has_address = one.order.is_pickup or (one.person is not None and one.person.ship_to is not None)
    return waits(
        one.order, rules, hub.clock(), held=one.held, has_address=has_address, short=view.short(one.id), off=one.off, waived=one.waived,
        torn=one.torn,
    )  # fmt: skip


Made = tuple[Facts, Planned, int]


def _write(hub: Hub, work: Unit, merchant: str, box: Box, sites: Mapping[str, Site], made: Sequence[Made]) -> None:
    last = connections.count_up(work.db, merchant, COUNTER, len(made))
    named = [(hub.ids(), f"S{last - len(made) + n}", *one) for n, one in enumerate(made, 1)]
    heads = [
        {"id": id, "order_id": one.id, "number": n, "name": name, "location": planned.location, "ship_by": one.ship_by,
         "person": person_of(box, one), "way": PICKUP if one.order.is_pickup else PARCEL}
        for id, name, one, planned, n in named
    ]  # fmt: skip
    weights = _weights(work, merchant, [load for _, planned, _ in made for load in planned.loads])
    boxes = [
        {"id": hub.ids(), "shipment": id, "number": 1, "token": token(), "weight_g": weigh(planned.loads, weights) or 0}
        for id, _, _, planned, _ in named
    ]
    shipments.add(work.db, merchant, heads, [(id, load) for id, _, _, planned, _ in named for load in planned.loads], boxes, work.now)
    shipments.move(work.db, _moves([(one.id, load) for one, planned, _ in made for load in planned.loads], +1))
    facts: list[tuple[str, Event]] = [
        (one.ref, ShipmentMade(name, sites[planned.location].name, _units(planned.loads))) for _, name, one, planned, _ in named
    ]
    work.happened(merchant, facts)


def token() -> str:
    """The address of a parcel's page, which nobody guesses."""
    return secrets.token_urlsafe(18)


def _moves(loads: Iterable[tuple[str, Load]], sign: int) -> list[tuple[str, str, int, int]]:
    moved: dict[tuple[str, str], int] = {}
    for order, load in loads:
        moved[order, load.line] = moved.get((order, load.line), 0) + sign * load.units
    return [(order, line, units, 0) for (order, line), units in moved.items()]


def _units(loads: Iterable[Load]) -> int:
    return sum(load.units for load in loads)


def _weights(work: Unit, merchant: str, loads: Iterable[Load]) -> dict[str, int | None]:
    return cards.weights(work.db, merchant, {sku for load in loads for sku in load.parts})


def person_of(box: Box, one: Facts) -> str:
    """A keyed hash of whom it goes to; "" where nobody knows."""
    return corrections.mark(box, one.person.ship_to if one.person else None)


# ---- when orders change


def look_at_shipments(hub: Hub, claim: Claim) -> None:
    """Take apart open shipments of these orders that cannot leave as they are. A label that was paid is given back first."""
    merchant = claim.merchant
    with hub.unit(claim) as work:
        for id in claim.subjects:
            mates = shipments.mates(work.db, merchant, [id])
            shipments.facts(work.db, merchant, mates, hub.box(merchant))
            final = [(one, why) for one, why in stopped(hub, work, merchant, [id]) if why in FINAL]
            take_apart(hub, work, merchant, [one for one, why in final if not _follows(one, why)])
            follow(hub, work, merchant, [one for one, why in final if _follows(one, why)])
        work.ask(merchant, "release_orders", merchant)


def _follows(one: Shipment, why: Stop) -> bool:
    """What goes once more is made by nobody anew: it goes to the new address."""
    return bool(one.again) and why is Stop.ADDRESS


def follow(hub: Hub, work: Unit, merchant: str, some: Sequence[Shipment]) -> None:
    """These open shipments, which are locked with their orders, go to where their orders go now. One with a label is stopped until that
    is given back."""
    facts = shipments.facts(work.db, merchant, {one.order_id for one in some}, hub.box(merchant))
    live = parcels.of_shipments(work.db, merchant, [one.id for one in some])
    for one in some:
        key = next((parcel.purchase for parcel in live.get(one.id, ()) if parcel.purchase), None)
        if key is None:
            shipments.set_person(work.db, one.id, person_of(hub.box(merchant), facts[one.order_id]))
        elif one.state is State.LABELLED and one.problem is None:
            work.ask(merchant, "void_labels", key, parcels.give_back(work.db, key))
            shipments.set_problem(work.db, one.id, "giving_back")


def stopped(hub: Hub, work: Unit, merchant: str, orders: Collection[str]) -> list[tuple[Shipment, Stop]]:
    """Open shipments of these orders that stop, and why. All are locked."""
    box = hub.box(merchant)
    found = shipments.facts(work.db, merchant, orders, box)
    over = {row.order_id for row in shipments.lines(work.db, merchant, found) if row.released > row.held}
    here = shipments.open_of(work.db, merchant, found)
    said = [(one, _stop(box, found[one.order_id], one, one.order_id in over and not one.again)) for one in here]
    return [(one, why) for one, why in said if why]


def _stop(box: Box, facts: Facts, one: Shipment, over: bool) -> Stop | None:
    person = person_of(box, facts) if one.way != PICKUP else ""
    return stops(
        facts.order, held=facts.held, person=person, was=one.person, over=over, off=facts.off, waived=facts.waived,
        torn=facts.torn, way="" if one.again else one.way,
    )  # fmt: skip


def take_apart(hub: Hub, work: Unit, merchant: str, some: Sequence[Shipment], why: str = "") -> None:
    """Cancel these open shipments, which are locked with their orders: what they held waits to be released again. One with a label asks
    for it to be given back, and is cancelled when it is."""
    joined.leave(work, merchant, some)
    for one in some:
        joined.leave(work, merchant, joined.members(work, merchant, one.id))
    live = parcels.of_shipments(work.db, merchant, [one.id for one in some])
    labelled = {one.id: key for one in some for parcel in live.get(one.id, ()) if (key := parcel.purchase)}
    for one in some:
        if one.id in labelled:
            connection = parcels.give_back(work.db, labelled[one.id])
            work.ask(merchant, "void_labels", labelled[one.id], connection)
    shipments.set_state(work.db, {one.id: (one.state, "taking_apart") for one in some if one.id in labelled}, work.now)
    cancel(work, merchant, [one for one in some if one.id not in labelled], why)


def cancel(work: Unit, merchant: str, some: Sequence[Shipment], why: str = "") -> None:
    """Shipments without a label end here."""
    loads = shipments.loads(work.db, merchant, [one.id for one in some])
    shipments.move(work.db, _moves([(one.order_id, load) for one in some if not one.again for load in loads.get(one.id, ())], -1))
    for one in some:
        if one.again:
            set_aside.let_go(work, merchant, one, loads.get(one.id, []))
    shipments.set_state(work.db, {one.id: (State.CANCELLED, why or None) for one in some}, work.now)
    refs = shipments.refs_of(work.db, merchant, [one.order_id for one in some])
    work.happened(merchant, [(refs[one.order_id], ShipmentCancelled(one.name, why or "changed")) for one in some if one.order_id in refs])
