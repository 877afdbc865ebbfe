"""Stock as differences: what an order's facts demand of the shelves against what is already booked. Pure.

Every number is absolute ("these units should be reserved, these should have left"), so a repeated, late or reordered
look at an order books nothing twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.events import Event, MappingNeeded, StockReleased, StockReserved, StockShort, UnitsBack, UnitsLeft
from core.domain.order import Line, Order, Party, Restock
from core.domain.places import PlaceMap
from core.domain.stored import NOBODYS, STORED, Theirs

Key = tuple[str, str]  # SKU, location


@dataclass(frozen=True, slots=True)
class Dues:
    """What one line demands, in units of its listing: reserved now, left in all, come back in all, and where to."""

    hold: int
    gone: int
    back: int
    back_to: str | None = None


NOTHING = Dues(0, 0, 0)
ANYWHERE = PlaceMap()


def resting(gone: int, back: int) -> Dues:
    """What a line demands for which another order stands: nothing, beyond what left and came back before our shelves were counted."""
    return Dues(0, gone, back)


def dues(order: Order, line: Line, places: PlaceMap = ANYWHERE, sent: int = 0) -> Dues:
    """Test orders, gift cards and what others ship never touch our shelves; nor do units that the channel has sent from elsewhere. `sent`
    units left in shipments of ours, whether the channel counts them yet or not."""
    if order.test or line.gift_card or Party.MERCHANT not in (order.party, line.party) or order.party is not line.party:
        return NOTHING
    open_, elsewhere = places.elsewhere(order).get(line.id, (0, 0)) if places.away else (0, 0)
    returned = [part for refund in order.refunds for part in refund.lines if part.line == line.id and part.restock is Restock.RETURN]
    returned = [part for part in returned if part.location not in places.away]
    told = max(0, line.fulfilled - elsewhere)
    gone = max(told, sent)
    return Dues(
        hold=0 if order.is_cancelled else max(0, line.open - open_ - (gone - told)),
        gone=gone + line.lost,
        back=min(sum(part.quantity for part in returned), gone),
        back_to=returned[-1].location if returned else None,
    )


def history(order: Order, line: Line, since: datetime, places: PlaceMap = ANYWHERE) -> tuple[int, int]:
    """Units of a line that left, and that came back, before our shelves were counted: they are in no count of ours."""
    due = dues(order, line, places)
    if order.revision <= since:
        return due.gone, due.back
    shipped = sum(
        part.quantity
        for parcel in order.shipped
        if parcel.at and parcel.at <= since and parcel.location not in places.away
        for part in parcel.lines
        if part.line == line.id
    )
    back = sum(
        part.quantity
        for refund in order.refunds
        if refund.at <= since
        for part in refund.lines
        if part.line == line.id and part.restock is Restock.RETURN and part.location not in places.away
    )
    return min(shipped, due.gone), min(back, due.back)


@dataclass(frozen=True, slots=True)
class LineStock:
    """One order line before the shelves: its dues, what is booked of them, and where its reservations lie.

    `parts` are the SKUs that one unit of its listing consumes; None where nobody has mapped it, none at all where its parts are lines of
    their own. `alone`: all parts of a unit are reserved at one location, a unit is never split. `assigned` are the units that the
    channel wants sent from each of our locations; what it did not say is taken from wherever it lies at the locations of `places`.
    """

    order: str
    line: str
    placed_at: int
    due: Dues
    held: int = 0
    booked_gone: int = 0
    booked_back: int = 0
    parts: Mapping[str, int] | None = None
    reserved: Mapping[Key, int] = field(default_factory=dict)
    ships: bool = True
    waits: str | None = None
    assigned: Mapping[str, int] = field(default_factory=dict)
    places: PlaceMap = ANYWHERE
    alone: bool = False
    heir: str | None = None  # the order that stands for it now: what it holds goes there first
    staying: Mapping[Key, int] = field(default_factory=dict)  # units that its open shipments are still to take from each shelf


@dataclass
class Plan:
    """What to write: changes of shelves, absolute reservations, the lines' new books, movements and events."""

    shelves: dict[Key, list[int]] = field(default_factory=dict)  # [change on hand, change reserved]
    reservations: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    lines: list[tuple[LineStock, int, int, int, str | None]] = field(default_factory=list)  # held, gone, back, waits
    movements: list[tuple[str, str, int, str, str]] = field(default_factory=list)  # SKU, location, units, cause, order
    events: list[tuple[str, Event]] = field(default_factory=list)

    @property
    def skus(self) -> set[str]:
        return {sku for (sku, _), change in self.shelves.items() if any(change)}

    @property
    def frees(self) -> bool:
        """Some shelf has more free units than before, or had while the others were served: who waits for stock may get them."""
        given = any(isinstance(fact, StockReleased | UnitsBack) for _, fact in self.events)
        return given or any(on_hand > reserved for on_hand, reserved in self.shelves.values())


def settle(lines: Iterable[LineStock], levels: Mapping[Key, tuple[int, int]], theirs: Theirs = NOBODYS) -> Plan:
    """Bring the books to what the lines demand. Older orders are served first, ties keep their ids' order; those for
    which another order stands give back before anybody takes.

    `levels` gives (on hand, reserved) of every shelf of the SKUs concerned.
    """
    desk = _Desk({key: list(level) for key, level in levels.items()}, theirs)
    for line in sorted(lines, key=lambda line: (line.heir is None, line.placed_at, line.order, line.line)):
        desk.serve(line)
    return desk.plan


class _Desk:
    """Works through the lines on a copy of the shelves."""

    def __init__(self, levels: dict[Key, list[int]], theirs: Theirs) -> None:
        self.levels, self.theirs, self.plan = levels, theirs, Plan()

    def serve(self, line: LineStock) -> None:
        mine = _by_location(line) if line.alone else dict(line.reserved)
        held = self._refit(line, mine)
        if line.parts is None:
            self._wait_for_mapping(line, mine)
            return
        held = self._leave(line, mine, held)
        held = self._release(line, mine, held)
        held = self._quit(line, mine, held)
        self._take_back(line)
        self._follow(line, mine)
        held = self._reserve(line, mine, held)
        self._write(line, mine, (held, line.due.gone, line.due.back), "stock" if held < line.due.hold else None)

    def _refit(self, line: LineStock, mine: dict[Key, int]) -> int:
        """What was reserved under another map goes back. Gives what the line still holds."""
        if not mine and not line.held:
            return 0
        fits = Counter({sku: each * line.held for sku, each in (line.parts or {}).items()})
        lies = sum((Counter({sku: units}) for (sku, _), units in mine.items()), Counter())
        if lies == fits and (not line.alone or _is_whole(line, mine)):
            return line.held
        for key, units in mine.items():
            self._give_back(line, mine, key, units)
        self.plan.events.append((line.order, StockReleased(line.line, line.held)))
        return 0

    def _wait_for_mapping(self, line: LineStock, mine: dict[Key, int]) -> None:
        """Nothing is booked before somebody says what it consumes."""
        demands = line.due.hold or (line.due.gone, line.due.back) != (line.booked_gone, line.booked_back)
        waits = "mapping" if demands and line.ships else None
        if waits and line.waits != waits:
            self.plan.events.append((line.order, MappingNeeded(line.line)))
        self._write(line, mine, (0, line.booked_gone, line.booked_back), waits)

    def _shelf(self, key: Key, on_hand: int, reserved: int) -> None:
        for level, change in (
            (self.levels.setdefault(key, [0, 0]), (on_hand, reserved)),
            (self.plan.shelves.setdefault(key, [0, 0]), (on_hand, reserved)),
        ):
            level[0] += change[0]
            level[1] += change[1]

    def _free(self, sku: str, place: str) -> int:
        on_hand, reserved = self.levels.get((sku, place), (0, 0))
        return self.theirs.free((sku, place), max(0, on_hand - reserved))

    def _move(self, key: Key, units: int, cause: str, order: str) -> None:
        if units:
            self.plan.movements.append((*key, units, cause, order))

    def _leave(self, line: LineStock, mine: dict[Key, int], held: int) -> int:
        """Units that were fulfilled leave on hand, out of the line's own reservation first. Gives what it still holds."""
        units = line.due.gone - line.booked_gone
        if units < 0:
            self._return_to_shelf(line, -units, "unfulfilled", self._left_from(line))
        if units <= 0:
            return held
        self._leave_shelf(line, mine, units)
        return max(0, held - units)

    def _leave_shelf(self, line: LineStock, mine: dict[Key, int], units: int) -> None:
        if not line.parts:
            return
        missing = max((self._leave_part(line, mine, sku, each * units) for sku, each in (line.parts or {}).items()), default=0)
        self.plan.events.append((line.order, UnitsLeft(line.line, units, missing)))

    def _leave_part(self, line: LineStock, mine: dict[Key, int], sku: str, units: int) -> int:
        for key, stays in _leaving(line, mine, sku):
            taken = max(0, min(units, mine[key] - stays))
            mine[key] -= taken
            units -= taken
            self._shelf(key, -taken, -taken)
            self._move(key, -taken, "shipped", line.order)
        for place in (place for place in line.places.locations if place not in self.theirs.counted):
            taken = min(units, self._free(sku, place))
            units -= taken
            if taken:
                self._shelf((sku, place), -taken, 0)
                self._move((sku, place), -taken, "shipped", line.order)
        return units

    def _return_to_shelf(self, line: LineStock, units: int, cause: str, place: str) -> None:
        """Where a merchant has no place yet, there is no shelf either: the first count finds them."""
        for sku, each in (line.parts or {}).items() if place and units else ():
            self._shelf((sku, place), each * units, 0)
            self._move((sku, place), each * units, cause, line.order)

    def _left_from(self, line: LineStock) -> str:
        """The shelf that what did not leave after all lies on, as far as we know; "" where that is one that a channel counts."""
        head = line.places.heads.get(line.due.back_to or "")
        place = head or next(iter((*line.assigned, *line.places.locations)), "")
        return "" if place in self.theirs.counted else place

    def _back_at(self, line: LineStock) -> str:
        """The shelf of ours on which it is put; "" where there is none, or its place is one that a channel counts."""
        named = line.places.ours.get(line.due.back_to or "", ())
        if named and self.theirs.counted.issuperset(named):
            return ""
        return next((place for place in (*named, *line.assigned, *line.places.locations) if place not in self.theirs.counted), "")

    def _take_back(self, line: LineStock) -> None:
        """Fewer than are booked: a return was undone, or its fulfillment was. What a channel sent from a shelf of its own comes back there,
        and is counted by it: of what comes back that is taken to be the first, so that we never have more than lies here."""
        units, theirs = line.due.back - line.booked_back, self.theirs.sent.get((line.order, line.line), 0)
        ours = max(0, line.due.back - theirs) - max(0, line.booked_back - theirs)
        if ours < 0 and self._back_at(line):
            self._leave_shelf(line, {}, -ours)
        if units > 0 and line.parts:
            self._return_to_shelf(line, ours, "returned", self._back_at(line))
            self.plan.events.append((line.order, UnitsBack(line.line, units, theirs=units - ours)))

    def _release(self, line: LineStock, mine: dict[Key, int], held: int) -> int:
        units = held - line.due.hold
        if units <= 0:
            return held
        self._release_units(line, mine, units)
        return line.due.hold

    def _release_units(self, line: LineStock, mine: dict[Key, int], units: int) -> None:
        for sku, each in (line.parts or {}).items():
            self._release_part(line, mine, sku, each * units)
        self.plan.events.append((line.order, StockReleased(line.line, units)))

    def _release_part(self, line: LineStock, mine: dict[Key, int], sku: str, units: int) -> None:
        keys = [key for key in reversed(mine) if key[0] == sku]
        for key in sorted(keys, key=lambda key: not self._is_closed(key[1])):
            freed = min(units, mine[key])
            units -= freed
            self._give_back(line, mine, key, freed)

    def _give_back(self, line: LineStock, mine: dict[Key, int], key: Key, units: int) -> None:
        """What a channel was asked for from a shelf of its own is not there before it says so: it leaves the shelf."""
        mine[key] -= units
        asked = self.theirs.asked.get((line.order, line.line), {}).get(key, 0)
        gone = max(0, min(units, asked - mine[key])) if key[1] in self.theirs.counted else 0
        self._shelf(key, -gone, -units)
        self._move(key, -gone, STORED, line.order)

    # a shelf from which nothing is promised any more

    def _is_closed(self, place: str) -> bool:
        return place in self.theirs.counted - self.theirs.open

    def _quit(self, line: LineStock, mine: dict[Key, int], held: int) -> int:
        """What is promised there and is not about to leave is promised anew. Gives what the line still holds."""
        leaving, parts = self.theirs.leaving.get((line.order, line.line), {}), line.parts or {}
        over = {key: units - leaving.get(key, 0) for key, units in mine.items() if key[0] in parts and self._is_closed(key[1])}
        units = min(held, max((-(-max(0, more) // parts[sku]) for (sku, _), more in over.items()), default=0))
        if units:
            self._release_units(line, mine, units)
        return held - units

    def _follow(self, line: LineStock, mine: dict[Key, int]) -> None:
        """What lies elsewhere moves to where the channel wants it sent from, as far as that has it."""
        if line.alone:
            self._follow_whole(line, mine)
            return
        for sku, place, short in self._wanted(line, mine):
            for key in [key for key in mine if key[0] == sku and key[1] != place]:
                moved = min(short, mine[key] - line.assigned.get(key[1], 0) * (line.parts or {})[sku], self._free(sku, place))
                if moved > 0:
                    short -= moved
                    self._give_back(line, mine, key, moved)
                    self._hold(mine, (sku, place), moved)

    def _wanted(self, line: LineStock, mine: Mapping[Key, int]) -> list[tuple[str, str, int]]:
        """(SKU, location, units) that the channel wants sent from there and that are not reserved there."""
        wanted = [(sku, place, each * units) for place, units in line.assigned.items() for sku, each in (line.parts or {}).items()]
        return [(sku, place, units - mine.get((sku, place), 0)) for sku, place, units in wanted if units > mine.get((sku, place), 0)]

    def _hold(self, mine: dict[Key, int], key: Key, units: int) -> None:
        mine[key] = mine.get(key, 0) + units
        self._shelf(key, 0, units)

    def _reserve(self, line: LineStock, mine: dict[Key, int], held: int) -> int:
        wanted = line.due.hold - held
        if wanted <= 0 or not line.parts:
            return held
        units = self._reserve_whole(line, mine, wanted) if line.alone else self._reserve_parts(line, mine, wanted)
        if units:
            self.plan.events.append((line.order, StockReserved(line.line, units)))
        if units < wanted and line.waits != "stock":
            self.plan.events.append((line.order, StockShort(line.line, wanted - units)))
        return held + units

    def _reserve_parts(self, line: LineStock, mine: dict[Key, int], wanted: int) -> int:
        """As many as all its locations together hold. Gives how many."""
        parts = line.parts or {}
        units = min([wanted, *(self._on_shelves(line, mine, sku) // each for sku, each in parts.items())])
        for sku, each in parts.items():
            self._reserve_part(line, mine, sku, each * units)
        return units

    # a unit whose parts must lie at one location

    def _reserve_whole(self, line: LineStock, mine: dict[Key, int], wanted: int) -> int:
        """From where the channel wants them first, then from wherever whole ones lie. Gives how many."""
        left = wanted
        short = [(place, units - _units_at(line, mine, place)) for place, units in line.assigned.items()]
        for place, most in [*short, *((place, wanted) for place in line.places.locations)]:
            taken = max(0, min(left, most, self._whole_at(line, place)))
            self._hold_whole(line, mine, place, taken)
            left -= taken
        return wanted - left

    def _whole_at(self, line: LineStock, place: str) -> int:
        return min((self._free(sku, place) // each for sku, each in (line.parts or {}).items()), default=0)

    def _hold_whole(self, line: LineStock, mine: dict[Key, int], place: str, units: int) -> None:
        if units:
            for sku, each in (line.parts or {}).items():
                self._hold(mine, (sku, place), each * units)

    def _give_back_whole(self, line: LineStock, mine: dict[Key, int], place: str, units: int) -> None:
        for sku, each in (line.parts or {}).items() if units else ():
            self._give_back(line, mine, (sku, place), each * units)

    def _follow_whole(self, line: LineStock, mine: dict[Key, int]) -> None:
        for place, wanted in line.assigned.items():
            short = wanted - _units_at(line, mine, place)
            for other in [other for other in dict.fromkeys(at for _, at in mine) if other != place]:
                spare = _units_at(line, mine, other) - line.assigned.get(other, 0)
                moved = max(0, min(short, spare, self._whole_at(line, place)))
                short -= moved
                self._give_back_whole(line, mine, other, moved)
                self._hold_whole(line, mine, place, moved)

    def _on_shelves(self, line: LineStock, mine: Mapping[Key, int], sku: str) -> int:
        """What is free where its channel sells from, and as much as is wanted from elsewhere."""
        elsewhere = [(place, short) for one, place, short in self._wanted(line, mine) if one == sku and place not in line.places.locations]
        away = sum(min(short, self._free(sku, place)) for place, short in elsewhere)
        return away + sum(self._free(sku, place) for place in line.places.locations)

    def _reserve_part(self, line: LineStock, mine: dict[Key, int], sku: str, units: int) -> None:
        """From where the channel wants it first, then from wherever it lies."""
        wanted = [(place, short) for one, place, short in self._wanted(line, mine) if one == sku]
        for place, most in [*wanted, *((place, units) for place in line.places.locations)]:
            taken = min(units, most, self._free(sku, place))
            if taken:
                units -= taken
                self._hold(mine, (sku, place), taken)

    def _write(self, line: LineStock, mine: dict[Key, int], booked: tuple[int, int, int], waits: str | None) -> None:
        for (sku, place), units in mine.items():
            if units != line.reserved.get((sku, place), 0):
                self.plan.reservations[line.order, line.line, sku, place] = units
        self.plan.lines.append((line, *booked, waits))


def _by_location(line: LineStock) -> dict[Key, int]:
    """What a line holds, in one order of locations for each of its parts: whatever is taken off from an end is whole units."""
    rank = {place: at for at, place in enumerate(line.places.locations)}
    return dict(sorted(line.reserved.items(), key=lambda one: (rank.get(one[0][1], len(rank)), one[0][1], one[0][0])))


def _leaving(line: LineStock, mine: Mapping[Key, int], sku: str) -> list[tuple[Key, int]]:
    """(shelf, units of it that stay): what no open shipment waits for leaves first, then whatever the line holds."""
    keys = [key for key in mine if key[0] == sku]
    return [*((key, line.staying.get(key, 0)) for key in keys), *((key, 0) for key in keys)]


def _units_at(line: LineStock, mine: Mapping[Key, int], place: str) -> int:
    return min((mine.get((sku, place), 0) // each for sku, each in (line.parts or {}).items()), default=0)


def _is_whole(line: LineStock, mine: Mapping[Key, int]) -> bool:
    """At each location lie all parts of as many units."""
    parts, places = line.parts or {}, {place for _, place in mine}
    return all(mine.get((sku, place), 0) == each * _units_at(line, mine, place) for place in places for sku, each in parts.items())


def sellable(parts: Mapping[str, int], free: Mapping[str, int]) -> int:
    """How many of a listing the free units of its parts make."""
    return min((max(0, free.get(sku, 0)) // each for sku, each in parts.items()), default=0)
