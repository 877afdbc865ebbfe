"""What may leave becomes shipments, and shipments whose orders changed are taken apart again."""

import secrets
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from core.domain.checking import Rule as Check
from core.domain.events import Event, ShipmentCancelled, ShipmentMade
from core.domain.oversold import Decision as Short
from core.domain.requests import RequestState, Share
from core.domain.routing import Decision
from core.domain.shipments import (
    FINAL,
    PARCEL,
    PICKUP,
    REQUEST,
    RULES,
    Load,
    Parts,
    Planned,
    Rules,
    State,
    Stop,
    ToSend,
    Wait,
    plan,
    stops,
    waits,
    weigh,
)
from core.domain.tasks import Claim
from core.flows import capturing, joined, moving, routing, set_aside, sites
from core.hub import Hub
from core.store import cards, checks, connections, corrections, listings, parcels, print_rules, requests, shipments, stock
from core.store.shipments import Facts, Shipment, Site, Taken
from core.store.unit import Unit
from core.store.vault import Box

AT_ONCE = 100
MARK = "release"
WITHDRAWING = "withdrawing"  # the problem of a shipment that somebody else is asked to send no more
COUNTER = "shipments"  # what papers say and scanners read is short: S and a number of the merchant's own


def release_orders(hub: Hub, claim: Claim) -> None:
    """A page of what may leave becomes shipments, whose turn it is first; asks for itself again while there is more. A pass looks once at
    each order that was there when it began."""
    merchant = claim.merchant
    with hub.unit(claim) as work:
        began, after = _place(work, merchant)
        rules = sites.rules(work.db, merchant)
        page = shipments.to_release(work.db, merchant, after, AT_ONCE, began=began, unpaid=rules.terms or rules.on_delivery)
        release(hub, work, merchant, [id for id, _ in page], rules)
        if not page:
            _part(hub, work, merchant)
            shipments.expire(work.db, merchant, work.now)
        for id in shipments.changed(work.db, merchant, AT_ONCE) if not page else ():
            work.ask(merchant, "look_at_shipments", id, "")
        connections.set_mark(work.db, merchant, merchant, MARK, began, f"{page[-1][1]} {page[-1][0]}" if page else "")
        if page:
            work.ask(merchant, "release_orders", merchant)


def _place(work: Unit, merchant: str) -> tuple[int, shipments.Place]:
    """When this pass began, and how far it is; a new one begins now."""
    began, cursor = connections.mark(work.db, merchant, MARK)
    turn, space, id = (cursor or "").partition(" ")
    return (began, (int(turn), id)) if space else (work.now, (-1, ""))


def release(hub: Hub, work: Unit, merchant: str, ids: Collection[str], rules: Rules = RULES) -> dict[str, Wait | None]:
    """Make shipments of these orders, as far as nothing stops them. Gives what each waits for."""
    from_, box = shipments.sites(work.db, merchant), hub.box(merchant)
    facts = shipments.facts(work.db, merchant, ids, box) if from_ else {}
    found = {id: facts[id] for id in ids if id in facts}  # in their turn
    view = view_of(work.db, merchant, found)
    said = {id: why_not(one, rules, hub, short=view.short(id)) for id, one in found.items()}
    asks = [view.ask(id) for id in found if said[id] is None]
    routed = routing.route(work, merchant, asks, from_, movable=_movable(hub, found))
    said |= {id: Wait.SPLIT for id in found if routed.waits(id)}
    if routed.moved:
        view = replace(view, reserved=stock.reserved(work.db, merchant, found))
    said |= {id: Wait.REFUSED for id in found if said[id] is None and view.is_refused(id)}
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
        view = view_of(work.db, merchant, found)
        asks = [view.ask(id) for id in found]
        there = shipments.sites(work.db, merchant)
        routed = routing.route(work, merchant, asks, there, write=write, movable=_movable(hub, found))
        return why_not(found[order], RULES, hub, short=view.short(order)), routed.decisions.get(order)


def _movable(hub: Hub, found: Mapping[str, Facts]) -> set[str]:
    return {one.order.channel for one in found.values() if moving.can(hub, one.order.channel)}


@dataclass(frozen=True, slots=True)
class View:
    """What is known of some orders' lines: how they are booked, reserved, mapped, and what open shipments have of them."""

    lines: Mapping[str, Sequence[Any]]
    parts: Mapping[tuple[str, str, str], Mapping[str, int]]
    reserved: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]
    taken: Mapping[tuple[str, str], Sequence[Taken]]
    connections: Mapping[str, Facts]
    left_out: Mapping[tuple[str, str], Collection[str]]

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
        left = {key_: units for key_, units in left.items() if key_[1] not in self.left_out.get(key, ())}
        return ToSend(row.line, title, row.held - row.released, parts, left)

    def is_refused(self, order: str) -> bool:
        """Nothing of it can leave, since whoever was asked to send some of it refused."""
        lines = self.to_send(order)
        return any((order, one.line) in self.left_out for one in lines) and not any(
            units > 0 for one in lines for units in one.reserved.values()
        )

    def ask(self, order: str) -> routing.Ask:
        lines = self.to_send(order)
        out = {one.line: self.left_out[order, one.line] for one in lines if (order, one.line) in self.left_out}
        return routing.Ask(self.connections[order], lines, {one.line: self.taken.get((order, one.line), ()) for one in lines}, out)

    def short(self, order: str) -> bool:
        """Whether units are missing that it waits for."""
        return any(row.hold > row.held for row in self.lines.get(order, ()) if row.ships and row.decided != Short.PARTIAL)


def view_of(db: Connection, merchant: str, found: Mapping[str, Facts]) -> View:
    """All that is known of the lines of these orders."""
    lines: dict[str, list[Any]] = {}
    for row in shipments.lines(db, merchant, found):
        lines.setdefault(row.order_id, []).append(row)
    names = {(found[row.order_id].connection, row.listing or "", row.sku or "") for rows in lines.values() for row in rows}
    mapped = listings.mapped(db, merchant, names) if names else {}
    taken: dict[tuple[str, str], list[Taken]] = {}
    for one in shipments.loaded(db, merchant, found):
        taken.setdefault((one.order_id, one.line), []).append(one)
    parts = {name: one.parts for name, one in mapped.items()}
    out = requests.left_out(db, merchant, found)
    return View(lines, parts, stock.reserved(db, merchant, found), taken, found, out)


def why_not(one: Facts, rules: Rules, hub: Hub, *, short: bool) -> Wait | None:
    """The first reason why it is not released, apart from where its goods lie; `short`: not all of it is reserved."""
    rules = rules if one.parts is None else replace(rules, part=one.parts is Parts.PARTS)
    has_address = one.order.is_pickup or (one.person is not None and one.person.ship_to is not None)
    return waits(
        one.order, rules, hub.clock(), held=one.held, has_address=has_address, short=short, off=one.off, waived=one.waived,
        captures=capturing.can(hub, one.order.channel), uncaptured=one.uncaptured, torn=one.torn,
    )  # fmt: skip


Made = tuple[Facts, Planned, int]


def _write(hub: Hub, work: Unit, merchant: str, box: Box, sites: Mapping[str, Site], made: Sequence[Made]) -> None:
    last = connections.count_up(work.db, merchant, COUNTER, len(made))
    named = [(hub.ids(), f"S{last - len(made) + n}", *one) for n, one in enumerate(made, 1)]
    heads = [
        {"id": id, "order_id": one.id, "number": n, "name": name, "location": planned.location, "ship_by": one.ship_by,
         "person": person_of(box, one), "way": _way(one, sites[planned.location])}
        for id, name, one, planned, n in named
    ]  # fmt: skip
    weights = _weights(work, merchant, [load for _, planned, _ in made for load in planned.loads])
    boxes = [
        {"id": hub.ids(), "shipment": id, "number": 1, "token": token(), "weight_g": weigh(planned.loads, weights) or 0}
        for id, _, _, planned, _ in named
    ]
    shipments.add(work.db, merchant, heads, [(id, load) for id, _, _, planned, _ in named for load in planned.loads], boxes, work.now)
    shipments.move(work.db, _moves([(one.id, load) for one, planned, _ in made for load in planned.loads], +1))
    moving.begin(hub, work, merchant, {id: one for id, _, one, _, _ in named})
    theirs = {head["id"] for head in heads if head["way"] == REQUEST}
    check(work, merchant, [str(head["id"]) for head in heads if head["way"] == PARCEL])
    _ask_others(hub, work, merchant, box, [(id, one, planned) for id, _, one, planned, _ in named if id in theirs])
    if print_rules.rules(work.db, merchant).rules:
        for name in [name for id, name, *_ in named if id not in theirs]:
            work.ask(merchant, "follow_print_rules", name)
    facts: list[tuple[str, Event]] = [
        (one.ref, ShipmentMade(name, sites[planned.location].name, _units(planned.loads))) for _, name, one, planned, _ in named
    ]
    work.happened(merchant, facts)


def check(work: Unit, merchant: str, ids: Sequence[str]) -> None:
    """These shipments were made, or go elsewhere now: their addresses are checked, where the merchant wants that."""
    if ids and checks.rule(work.db, merchant) is not Check.OFF:
        for id in ids:
            work.ask(merchant, "check_addresses", id)


def _way(one: Facts, site: Site) -> str:
    """How it reaches its buyer. Nobody is asked to send what is fetched: there is no address that it could go to."""
    return PICKUP if one.order.is_pickup else REQUEST if site.asked else PARCEL


def _ask_others(hub: Hub, work: Unit, merchant: str, box: Box, made: Sequence[tuple[str, Facts, Planned]]) -> None:
    """Write down what others are asked to send, and have them asked."""
    how = requests.asked_locations(work.db, merchant, box) if made else {}
    heads, shares = [], list[tuple[str, Share]]()
    for shipment, one, planned in made:
        _, asking = how[planned.location]
        key, skus = uuid.UUID(hub.ids()).hex, {line.id: line.sku or "" for line in one.order.lines}
        heads.append({"id": key, "shipment": shipment, "location": planned.location, "way": asking.way.value,
                      "connection": asking.connection or None, "token": token()})  # fmt: skip
        shares += [(key, Share(load.line, _sku(load, skus), load.title, load.units)) for load in planned.loads]
        work.ask(merchant, "ask_parties", key, asking.connection)
    if heads:
        requests.add(work.db, merchant, heads, shares, work.now)


def _sku(load: Load, skus: Mapping[str, str]) -> str:
    """What they are asked for: our SKU; of a bundle, which is one line for several of ours, its own."""
    (first, *more) = load.parts
    return first if not more and load.parts[first] == 1 else skus.get(load.line) or " + ".join(load.parts)


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
            apart = [one for one, why in final if not _follows(one, why)]
            take_apart(hub, work, merchant, apart)
            follow(hub, work, merchant, [one for one, why in final if _follows(one, why)])
            for shown in shown_of(hub, work, merchant, [id]):
                work.ask(merchant, "send_labelled", shown)
            if apart:  # who looks in vain asks nobody to look again: releasing asks for a look at what seems changed
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
            checks.say(work.db, merchant, one.id, None, (), hub.box(merchant))
            check(work, merchant, [one.id])
        elif one.state is State.LABELLED and one.problem is None:
            work.ask(merchant, "void_labels", key, parcels.give_back(work.db, key))
            shipments.set_problem(work.db, one.id, "giving_back")


def stopped(hub: Hub, work: Unit, merchant: str, orders: Collection[str]) -> list[tuple[Shipment, Stop]]:
    """Open shipments of these orders that stop, and why. All are locked."""
    box = hub.box(merchant)
    found = shipments.facts(work.db, merchant, orders, box)
    here = shipments.open_of(work.db, merchant, found)
    over = _over(work, merchant, found, here)
    said = [(one, _stop(box, found[one.order_id], one, one.id in over and not one.again)) for one in here]
    return [(one, why) for one, why in said if why]


def _over(work: Unit, merchant: str, found: Mapping[str, Facts], here: Sequence[Shipment]) -> set[str]:
    """Of these those with a line of which more is to be sent than its order holds. What its channel shows as sent is not too much."""
    loads, shown = shipments.loads(work.db, merchant, [one.id for one in here]), _shown(work, merchant, found, here)
    left = Counter[tuple[str, str]]()
    for one in here:
        left.update({(one.order_id, load.line): load.units for load in loads.get(one.id, ()) if one.id in shown})
    rows = shipments.lines(work.db, merchant, found)
    over = {(row.order_id, row.line) for row in rows if row.released - left[row.order_id, row.line] > row.held}
    return {one.id for one in here if one.id not in shown and any((one.order_id, load.line) in over for load in loads.get(one.id, ()))}


def shown_of(hub: Hub, work: Unit, merchant: str, orders: Collection[str]) -> set[str]:
    """Labelled shipments of these orders whose parcels their channel shows as sent. All are locked."""
    found = shipments.facts(work.db, merchant, orders, hub.box(merchant))
    return _shown(work, merchant, found, shipments.open_of(work.db, merchant, found))


def _shown(work: Unit, merchant: str, found: Mapping[str, Facts], here: Sequence[Shipment]) -> set[str]:
    """Of these the labelled ones whose parcels their orders' channel shows as sent, by their numbers."""
    told = {id: {number for one in facts.order.shipped for number in one.tracking} for id, facts in found.items()}
    some = [one.id for one in here if one.state is State.LABELLED and one.problem is None and told[one.order_id]]
    boxes = parcels.of_shipments(work.db, merchant, some) if some else {}
    orders = {one.id: one.order_id for one in here}
    return {id for id, inside in boxes.items() if all(box.tracking and box.tracking in told[orders[id]] for box in inside)}


def _stop(box: Box, facts: Facts, one: Shipment, over: bool) -> Stop | None:
    person = person_of(box, facts) if one.way != PICKUP else ""
    return stops(
        facts.order, held=facts.held, person=person, was=one.person, over=over, off=facts.off, waived=facts.waived,
        torn=facts.torn, way="" if one.again else one.way,
    )  # fmt: skip


def take_apart(hub: Hub, work: Unit, merchant: str, some: Sequence[Shipment], why: str = "") -> None:
    """Cancel these open shipments, which are locked with their orders: what they held waits to be released again. One with a label asks
    for it to be given back, and is cancelled when it is."""
    called_back = _call_back(work, merchant, [one for one in some if one.way == REQUEST])
    some = [one for one in some if one.id not in called_back]
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


def _call_back(work: Unit, merchant: str, some: Sequence[Shipment]) -> set[str]:
    """Have whoever was asked to send these told to stop; gives those that wait for it. What nobody was told of yet is just over."""
    waits: set[str] = set()
    for id, one in requests.live_of(work.db, merchant, [one.id for one in some]).items():
        if one.state is RequestState.WITHDRAWING:
            waits.add(id)
            continue
        if one.tried_at is None:
            requests.become(work.db, one.id, RequestState.WITHDRAWN, work.now)
        else:
            requests.become(work.db, one.id, RequestState.WITHDRAWING, work.now)
            shipments.set_problem(work.db, id, WITHDRAWING)
            waits.add(id)
        work.ask(merchant, "ask_parties", one.id, one.connection or "")
    return waits


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
