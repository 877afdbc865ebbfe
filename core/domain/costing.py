"""What goods cost: the moving average of a SKU, and the entries of an order's units that left and came back. Pure.

A unit's cost is kept in ten thousandths of the currency's smallest unit, so that averaging loses nothing that money would show. Costs are
appended: each counts from its moment on, so what left before stands as it was booked. Units come back at what they left at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.domain.journal import Account, Entry, EntryKind, Posting, merged
from core.domain.money import Money, places
from core.domain.order import Line, Order, Restock
from core.domain.order_entries import Rules

SCALE = 10_000
MOST = 10**15  # of one unit
EVER = 0  # the moment of a cost that counts since ever
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Parts = Mapping[str, int]  # units of SKUs that one unit of a line consumes


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one unit costs from a moment (microseconds) on."""

    at: int
    cost: int
    currency: str

    @property
    def text(self) -> str:
        """In the currency's own unit, with as many digits as it needs."""
        whole = Decimal(self.cost).scaleb(-4 - places(self.currency))
        text = f"{whole.normalize():f}"
        return text if len(text.partition(".")[2]) >= places(self.currency) else f"{whole:.{places(self.currency)}f}"


def parse(text: str, currency: str) -> int:
    """A cost as somebody types it, in ten thousandths of the smallest unit. Raises ValueError."""
    try:
        found = Decimal(text).scaleb(4 + places(currency))
    except ArithmeticError:
        raise ValueError(f"{text!r} is not an amount of money") from None
    if not found.is_finite() or not 0 <= found <= MOST or found != found.to_integral_value():
        raise ValueError(f"{text!r} is not an amount of money with at most {4 + places(currency)} decimal places")
    return int(found)


def after_receipt(on_hand: int, old: UnitCost | None, received: int, cost: int, currency: str) -> int:
    """The average once these units lie with the others; where nothing lay there, or it cost another currency's money, their own."""
    if old is None or old.currency != currency or on_hand <= 0 or on_hand + received <= 0:
        return cost
    return _shared(on_hand * old.cost + received * cost, on_hand + received)


def _shared(whole: int, units: int) -> int:
    """Rounded to the nearest, half up."""
    return (2 * whole + units) // (2 * units)


def worth(units: int, one: UnitCost) -> Money:
    """What so many units cost, to the nearest smallest unit."""
    return Money(_shared(units * one.cost, SCALE), one.currency)


def at(costs: Sequence[UnitCost], moment: int) -> UnitCost | None:
    """The cost that counts then, of costs by their moments; None: nobody knew one yet."""
    return next((one for one in reversed(costs) if one.at <= moment), None)


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


# ---- what left


@dataclass
class Left:
    """Units of a line that left together; `back` of them came back."""

    key: str
    line: str
    at: datetime
    units: int
    parts: Parts
    back: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """A shipment of ours that sent goods once more: no channel tells of it."""

    id: str
    at: datetime
    units: Mapping[str, int]  # by the order's line


@dataclass
class Costed:
    """An order's entries, and units by SKU that left and whose cost nobody knows ("": of a line that nobody mapped)."""

    entries: list[Entry] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)


def costed(
    order: Order, parts: Mapping[str, Parts], again: Iterable[Again], costs: Mapping[str, Sequence[UnitCost]], rules: Rules, since: date
) -> Costed:
    """What of an order's goods is to be booked from a day on. `parts` by line: a line that is not there has no goods."""
    made, first = Costed(), max(since, rules.starts)
    if order.test:
        return made
    gone = list(_left(order, parts))
    groups = _grouped([*gone, *_resent(again, parts)])
    for key, group in groups.items():
        if rules.day(group[0].at) >= first:
            _add(made, EntryKind.COST, order, key, rules.day(group[0].at), _postings(made, group, order, costs))
    for refund in order.refunds:
        taken = [one for line in refund.lines if line.restock is Restock.RETURN for one in _come_back(gone, line.line, line.quantity)]
        known = [one for one in taken if rules.day(one[0].at) >= first]
        _add(made, EntryKind.COST, order, f"cost back {refund.id}", rules.day(refund.at), _back(known, order, costs))
    return made


def _add(made: Costed, kind: EntryKind, order: Order, key: str, on: date, postings: list[Posting]) -> None:
    if found := merged(postings):
        made.entries.append(Entry(kind, order.ref, key, on, found, order.name))


def _left(order: Order, parts: Mapping[str, Parts]) -> Iterator[Left]:
    """Parcels as the channel tells them; units of which it tells no parcel left, for all that is known, when their order was placed."""
    told: dict[str, int] = {}
    lines = {line.id: line for line in order.lines if line.id in parts and not line.gift_card}
    for one in sorted(order.shipped, key=lambda one: (one.at or order.placed_at, one.id)):
        for part in one.lines:
            if part.line in lines and part.quantity > 0:
                told[part.line] = told.get(part.line, 0) + part.quantity
                yield Left(f"cost {one.id}", part.line, one.at or order.placed_at, part.quantity, parts[part.line])
    yield from (
        Left(f"cost line {id}", id, order.placed_at, line.fulfilled - told.get(id, 0), parts[id])
        for id, line in lines.items()
        if line.fulfilled > told.get(id, 0)
    )


def _resent(again: Iterable[Again], parts: Mapping[str, Parts]) -> Iterator[Left]:
    for one in again:
        yield from (Left(f"cost again {one.id}", line, one.at, units, parts[line]) for line, units in one.units.items() if line in parts)


def _grouped(some: Iterable[Left]) -> dict[str, list[Left]]:
    groups: dict[str, list[Left]] = {}
    for one in some:
        groups.setdefault(one.key, []).append(one)
    return groups


def _postings(made: Costed, group: Iterable[Left], order: Order, costs: Mapping[str, Sequence[UnitCost]]) -> list[Posting]:
    found = list[Posting]()
    for one in group:
        for sku, each in one.parts.items():
            cost = at(costs.get(sku, ()), us(one.at))
            if cost is None:
                made.missing[sku] = made.missing.get(sku, 0) + one.units * each
            else:
                found += sides(worth(one.units * each, cost), order.connection, sku)
    return found


def sides(cost: Money, connection: str, sku: str) -> list[Posting]:
    """Goods become an expense; below zero, goods again."""
    item = f"sku {sku}"
    return [Posting(Account.GOODS_SOLD, cost, connection, item=item), Posting(Account.INVENTORY, -cost, connection, item=item)]


def _come_back(gone: Iterable[Left], line: str, units: int) -> Iterator[tuple[Left, int, int]]:
    """From which of what left these come back, the first first: (what left, how many were back before, how many are now)."""
    for one in gone:
        if one.line == line and units > 0 and one.back < one.units:
            before, one.back = one.back, min(one.units, one.back + units)
            units -= one.back - before
            yield one, before, one.back


def _back(taken: Iterable[tuple[Left, int, int]], order: Order, costs: Mapping[str, Sequence[UnitCost]]) -> list[Posting]:
    """Part after part of what left: all of it together comes to what it left at, to the cent."""
    found = list[Posting]()
    for one, before, now in taken:
        for sku, each in one.parts.items():
            if cost := at(costs.get(sku, ()), us(one.at)):
                found += sides(worth(before * each, cost) - worth(now * each, cost), order.connection, sku)
    return found


def parts_of(line: Line, mapped: Parts | None, sent: Parts | None) -> Parts | None:
    """What one unit of a line consumes: as our own shipment says, else as it is mapped, else its own SKU. None: it has no goods."""
    if sent or mapped:
        return sent or mapped
    if line.sku:
        return {line.sku: 1}
    return {"": 1} if line.requires_shipping else None


# ---- what a channel's warehouse lost


@dataclass(frozen=True, slots=True)
class Gone:
    """Units of a SKU of ours that a channel lost and paid for; below zero: it found them and took its money back."""

    at: datetime
    sku: str
    units: int


Costs = Mapping[str, Sequence[UnitCost]]


def on_shelves(subject: str, connection: str, day: date, units: Mapping[str, int], costs: Costs, rules: Rules, since: date) -> Costed:
    """What the units that a channel's own warehouses lost or disposed of (below zero) or found on a day cost, as it was when that day was
    over; `units` by SKU of ours."""
    made, end, found = Costed(), us(datetime.combine(day + timedelta(days=1), time(), rules.zone)) - 1, list[Posting]()
    for sku, count in sorted(units.items()) if day >= max(since, rules.starts) else ():
        if cost := at(costs.get(sku, ()), end):
            found += sides(worth(-count, cost), connection, sku)
        elif count:
            made.missing[sku] = abs(count)
    if postings := merged(found):
        made.entries.append(Entry(EntryKind.COST, subject, "shelf", day, postings, str(day)))
    return made


def lost(subject: str, memo: str, connection: str, gone: Iterable[Gone], costs: Costs, rules: Rules, since: date) -> Costed:
    """What of a payout's reimbursements was stock, day by day from a day on: its cost stands beside what the channel paid for it."""
    made, days, first = Costed(), dict[date, list[Posting]](), max(since, rules.starts)
    for one in gone:
        day, cost = rules.day(one.at), at(costs.get(one.sku, ()), us(one.at))
        if cost and day >= first:
            days.setdefault(day, []).extend(sides(worth(one.units, cost), connection, one.sku))
        elif day >= first:
            made.missing[one.sku] = made.missing.get(one.sku, 0) + abs(one.units)
    sums = {day: merged(some) for day, some in days.items()}
    made.entries = [Entry(EntryKind.COST, subject, f"lost {day}", day, found, memo) for day, found in sums.items() if found]
    return made
