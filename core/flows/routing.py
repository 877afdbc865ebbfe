"""From which location each order is sent: decided before it is released, kept with its reasons, and reserved there."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import msgspec

from core.domain.order import Address
from core.domain.places import PlaceMap
from core.domain.routing import Candidate, Decision, Rules, Strategy, Wanted, Why, plan
from core.domain.shipments import Parts, ToSend
from core.domain.stock import Key
from core.domain.today import zone_of
from core.domain.workdays import Hours, is_full, leaves
from core.flows import batching
from core.flows.allocation import Wish, settle_lines, wish_of
from core.flows.batching import Decided
from core.store import connections, orders, people, places, routings, shipments
from core.store.shipments import Facts, Site, Taken
from core.store.tables import us, when
from core.store.unit import Unit

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Ask:
    """An order that may leave: what of it is reserved and in no shipment, by line what open shipments have of it, and the locations that
    refused it."""

    facts: Facts
    lines: Sequence[ToSend]
    taken: Mapping[str, Sequence[Taken]]
    left_out: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Routed:
    """What was decided by order, and which orders' reservations moved."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def waits(self, order: str) -> bool:
        """No location has all of it, and it is not sent in parts."""
        one = self.decisions.get(order)
        return one is not None and not one.split and not one.sends


def route(
    work: Unit, merchant: str, asks: Sequence[Ask], sites: Sequence[Site], *, write: bool = True, movable: Collection[str] = (),
    rules: Rules | None = None,
) -> Routed:  # fmt: skip
    """Decide where these orders leave from, in their order: who comes first takes first. Their rows are locked. Where that is not where
    they are reserved, their reservations move (`write`). `rules`: other ones than the merchant's, to see what they would do. Nothing is
    decided of what can leave from one location only, or of which somebody said already where it leaves from."""
    if len(sites) < 2 or not asks:
        return Routed()
    room = _room(work, merchant, asks, sites, rules or routings.rules(work.db, merchant), movable)
    spare = dict(room.spare)
    made = [decided for ask in asks if (decided := room.decide(ask, work.now))]
    if room.rules.batch and len(made) > 1:
        made = batching.together(made, spare)
    found = Routed({one.order: one.decision for one in made})
    said: dict[tuple[str, str], dict[str, int]] = {}
    for ask in asks:
        said |= room.changes(ask, found.decisions[ask.facts.id]) if ask.facts.id in found.decisions else {}
    if write:
        _keep(work, merchant, [(one.order, one.asked, one.decision) for one in made])
        found.moved = _move(work, merchant, said, room)
    return found


@dataclass(slots=True)
class _Day:
    """A location's day: what it is there by its own clock, and how many parcels wait there or left since its midnight."""

    here: datetime
    hours: Hours
    load: int = 0

    known: dict[int, int] = field(default_factory=dict)

    @property
    def leaves(self) -> int:
        """The day on which what is released now leaves; the last there is, where it never does."""
        full_days = self.load // self.hours.capacity if self.hours.capacity else 0
        if full_days not in self.known:
            self.known[full_days] = (leaves(self.here, self.hours, self.load) or date.max).toordinal()
        return self.known[full_days]


@dataclass(frozen=True, slots=True)
class _Room:
    """All that decisions are made from. `spare` shrinks and `days` fill with each; what one gives back counts for others the next time."""

    rules: Rules
    sites: Mapping[str, Site]
    maps: Mapping[str, PlaceMap]
    rows: Mapping[str, Mapping[str, Any]]
    spare: dict[Key, int]
    days: Mapping[str, _Day]
    lain: Mapping[Key, int]
    quoted: Mapping[tuple[str, str], int]
    movable: Collection[str] = ()

    def moves(self, ask: Ask) -> bool:
        """What its channel assigned may be assigned anew, unless its buyer chose where to fetch it."""
        return self.rules.move and ask.facts.order.channel in self.movable and not ask.facts.order.is_pickup

    def decide(self, ask: Ask, now: int) -> Decided | None:
        """None: there is nothing to decide."""
        map_ = self.maps[ask.facts.connection]
        ours = [location for location in map_.locations if location in self.sites]
        bounds = {one.line: _bounds(self.rows[ask.facts.id][one.line], map_, moves=self.moves(ask)) for one in ask.lines}
        if not ask.lines or any(bound is None for bound in bounds.values()) or not (ask.left_out or _has_choice(ours, bounds)):
            self._fill({at for one in ask.lines for at in here(one)})
            return None
        to = ask.facts.person.ship_to if ask.facts.person else None
        may = {one.line: frozenset(bounds[one.line] or ()) - frozenset(ask.left_out.get(one.line, ())) for one in ask.lines}
        wanted = [self._wanted(one, may[one.line], ours, to) for one in ask.lines]
        candidates = [self._candidate(location, ask, to) for location in ours]
        rules = self.rules if ask.facts.parts is None else replace(self.rules, split=ask.facts.parts is Parts.PARTS)
        decision = _told(plan(wanted, candidates, rules), {at for some in ask.left_out.values() for at in some})
        self._take(ask, decision)
        one, asked, is_free = ask.facts, _digest(wanted, candidates, rules), not any(ask.taken.values())
        days = (now - us(one.order.placed_at)) // DAY
        return Decided(one.id, one.name, max(0, days), ask.lines, wanted, candidates, rules, decision, asked, is_free)

    def _wanted(self, one: ToSend, bound: Collection[str], ours: Sequence[str], to: Address | None) -> Wanted:
        country = to.country if to else ""
        may = frozenset(at for at in ours if at in bound and self.rules.may(at, one.parts, country))
        return Wanted(one.line, one.units, one.parts, None if may == frozenset(ours) else may, here(one))

    def _candidate(self, location: str, ask: Ask, to: Address | None) -> Candidate:
        skus = {sku for one in ask.lines for sku in one.parts}
        free = {sku: self.spare.get((sku, location), 0) + _own(ask, (sku, location)) for sku in sorted(skus)}
        zone = self.rules.zone(location, to.country if to else "", to.postcode if to else "")
        cost = self.quoted.get((ask.facts.id, location), zone.cost)
        day, lain = self.days[location], [self.lain.get((sku, location), 0) for sku, units in free.items() if units] if self.lain else ()
        return Candidate(
            location, self.sites[location].name, free, zone.zone, cost, day.leaves, min(lain, default=0), is_full(day.hours, day.load)
        )  # fmt: skip

    def _fill(self, locations: Iterable[str]) -> None:
        """One parcel more leaves from each of these."""
        for location in locations:
            if location in self.days:
                self.days[location].load += 1

    def _take(self, ask: Ask, decision: Decision) -> None:
        parts = {one.line: one.parts for one in ask.lines}
        self._fill(decision.sends or {at for one in ask.lines for at in here(one) if decision.split})
        for location, lines in decision.sends.items():
            needs: dict[str, int] = {}
            for line, units in lines.items():
                for sku, each in parts[line].items():
                    needs[sku] = needs.get(sku, 0) + each * units
            for sku, units in needs.items():
                more = max(0, units - _own(ask, (sku, location)))
                self.spare[sku, location] = self.spare.get((sku, location), 0) - more

    def changes(self, ask: Ask, decision: Decision) -> dict[tuple[str, str], dict[str, int]]:
        """What must be said of its lines so that they are reserved where they leave from."""
        found = {}
        for one in ask.lines if decision.sends else ():
            row = self.rows[ask.facts.id][one.line]
            planned = {at: lines[one.line] for at, lines in decision.sends.items() if one.line in lines}
            if row.ours or planned != here(one):
                others = self.maps[ask.facts.connection].locations if self.moves(ask) else _decoded(row.assigned)
                found[ask.facts.id, one.line] = _said(others, planned, ask.taken.get(one.line, ()))
        return {key: said for key, said in found.items() if said != _decoded(self.rows[key[0]][key[1]].ours)}


def _room(work: Unit, merchant: str, asks: Sequence[Ask], sites: Sequence[Site], rules: Rules, movable: Collection[str]) -> _Room:
    rows: dict[str, dict[str, Any]] = {}
    for row in orders.lines_of(work.db, merchant, [ask.facts.ref for ask in asks]):
        rows.setdefault(row.order_id, {})[row.line] = row
    logins = {id: connections.get(work.db, id) for id in sorted({ask.facts.connection for ask in asks})}
    maps = {id: places.map_of(work.db, id, one.location if one else None) for id, one in logins.items()}
    skus = {sku for ask in asks for one in ask.lines for sku in one.parts}
    spare, days = routings.spare(work.db, merchant, skus), _days(work, merchant, sites)
    lain = _lain(work, merchant, skus) if Strategy.OLDEST in rules.strategies else {}
    cheap = [ask.facts.id for ask in asks] if Strategy.CHEAPEST in rules.strategies else []
    quoted = routings.quoted(work.db, merchant, cheap, rules.currency)
    return _Room(rules, {site.id: site for site in sites}, maps, rows, spare, days, lain, quoted, movable)


def _days(work: Unit, merchant: str, sites: Sequence[Site]) -> dict[str, _Day]:
    """By each location's own clock; the merchant's where it has none."""
    usual = "" if all(site.zone for site in sites) else str(people.settings(work.db, merchant)[1].get("zone", ""))
    now = when(work.now)
    days = {site.id: _Day(now.astimezone(zone_of(site.zone or usual)), site.hours) for site in sites}
    since = {id: us(day.here.replace(hour=0, minute=0, second=0, microsecond=0)) for id, day in days.items() if day.hours.capacity}
    for id, parcels in shipments.load(work.db, merchant, since).items():
        days[id].load = parcels
    return days


def _lain(work: Unit, merchant: str, skus: Collection[str]) -> dict[Key, int]:
    """Whole days that the oldest unit of each shelf has lain there."""
    return {key: max(0, work.now - at) // DAY for key, at in routings.since(work.db, merchant, skus).items()}


def _bounds(row: Any, map_: PlaceMap, *, moves: bool = False) -> frozenset[str] | None:
    """Where a line may leave from. What the channel assigned to a place leaves from the locations that this one stands for; None: it said
    several, or one of us said a location that its channel does not sell from, and so it stays. `moves`: the channel can be told another."""
    if any(units and at not in map_.locations for at, units in _decoded(row.ours).items()):
        return None
    assigned = _decoded(row.assigned)
    if not assigned or (moves and len(assigned) == 1):
        return frozenset(map_.locations)
    (first, *more) = assigned
    return None if more else frozenset(next((some for some in map_.ours.values() if first in some), (first,)))


def _told(decision: Decision, refused: Collection[str]) -> Decision:
    """Those that refused are said to have."""
    verdicts = tuple(
        replace(one, why=Why.REFUSED) if one.location in refused and one.why is Why.BANNED else one for one in decision.verdicts
    )
    return replace(decision, verdicts=verdicts)


def _decoded(text: str | None) -> dict[str, int]:
    found: dict[str, int] = msgspec.json.decode(text) if text else {}
    return found


def _has_choice(ours: Collection[str], bounds: Mapping[str, Collection[str] | None]) -> bool:
    return any(len(set(bound or ()) & set(ours)) > 1 for bound in bounds.values())


def _own(ask: Ask, key: Key) -> int:
    return sum(max(0, one.reserved.get(key, 0)) for one in ask.lines)


def here(one: ToSend) -> dict[str, int]:
    """By location the whole units that are reserved there."""
    at = {location for _, location in one.reserved}
    units = {where: min(one.reserved.get((sku, where), 0) // each for sku, each in one.parts.items()) for where in at if one.parts}
    return {where: count for where, count in units.items() if count > 0}


def _said(others: Iterable[str], planned: Mapping[str, int], taken: Sequence[Taken]) -> dict[str, int]:
    """All units of a line, with those in shipments; none where the channel wants some, or may want them, and none leave from there."""
    said = dict.fromkeys(others, 0) | dict(planned)
    for one in taken:
        said[one.location] = said.get(one.location, 0) + one.units
    return said


def _digest(wanted: Sequence[Wanted], candidates: Sequence[Candidate], rules: Rules) -> str:
    """Where all that decides is as it was, so is the decision. No address is in it."""
    asked = [[replace(one, here={}) for one in wanted], candidates, rules.strategies, rules.split, rules.currency]
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()[:32]


def _keep(work: Unit, merchant: str, made: Sequence[tuple[str, str, Decision]]) -> None:
    before = routings.asked(work.db, merchant, [id for id, _, _ in made])
    routings.keep(work.db, merchant, [one for one in made if before.get(one[0]) != one[1]], work.now)


def _move(work: Unit, merchant: str, said: Mapping[tuple[str, str], Mapping[str, int]], room: _Room) -> set[str]:
    """Say it and settle the lines again. Gives the orders of which something may have moved."""
    moved = {order for order, _ in said}
    if not moved:
        return moved
    routings.say(work.db, said)
    wishes = [wish_of(row, room.maps[row.connection]) for order in sorted(moved) for row in room.rows[order].values()]
    ours = [replace(one, booked=replace(one.booked, ours=said.get((one.order, one.line), one.booked.ours))) for one in wishes]
    if room.rules.batch:
        still = {(row.order_id, row.line) for lines in room.rows.values() for row in lines.values() if not row.released}
        ours = _given_back(work, merchant, ours, still & said.keys())
    settle_lines(work, merchant, ours)
    return moved


def _given_back(work: Unit, merchant: str, wishes: Sequence[Wish], lines: Collection[tuple[str, str]]) -> list[Wish]:
    """Orders that change places give back what these lines hold before anybody takes."""
    settle_lines(work, merchant, [replace(one, due=replace(one.due, hold=0)) for one in wishes if (one.order, one.line) in lines])
    booked = orders.booked(work.db, merchant, sorted({one.order for one in wishes}))
    return [replace(one, booked=booked[one.order, one.line]) for one in wishes]
