"""Kin: orders that stand for the same goods. A copy is another order in disguise; a merged one's lines are listed in another now. Pure.

Everything is decided by the orders as they are known last, never by which came first; so in the end it is the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.domain.events import Event, StockCarried
from core.domain.order import Line, Order, PaymentStatus
from core.domain.stock import LineStock

NO_COPY = ""  # somebody said: it is an order of its own, whatever it names
Moved = dict[tuple[str, str, str, str], int]  # order, line, SKU, location: units


def named(order: Order) -> str | None:
    """The id of another system's order that this one says it is. Channels that name themselves say nothing, nor do test orders.

    Apps that bring marketplace orders into a shop put the marketplace's own id there (Shopify's sourceIdentifier, 2026-07). Names, tags
    and purchase order numbers are typed by people, and by chance may be equal: they do not count.
    """
    said = (order.source_id or "").strip()
    return said if said and said != order.id and order.source != order.channel and not order.test else None


@dataclass(frozen=True, slots=True)
class Sight:
    """An order as it is known now. `copy_of` and `names` are what is written of it: whose copy it was found or said to be, and
    what it named then. `lists`: its channel may list its lines in another order."""

    order: Order
    copy_of: str | None = None
    names: str | None = None
    lists: bool = False

    @property
    def by_hand(self) -> bool:
        """Somebody said whose copy it is, or that it is none; a link that was found is to what the order names."""
        return self.copy_of is not None and self.copy_of.partition("/")[2] != self.names


@dataclass(frozen=True, slots=True)
class Kin:
    """What an order is to others: a copy of one, or merged into one; `away` are its lines that another holds, and who does."""

    copy_of: str | None = None
    merged_into: str | None = None
    away: Mapping[str, str] = field(default_factory=dict)

    def rests(self, line: str) -> bool:
        """This line moves nothing: another order stands for it."""
        return bool(self.copy_of) or line in self.away

    def heir(self, line: str) -> str | None:
        """The order that stands for this line."""
        return self.copy_of or self.away.get(line)


ALONE = Kin()


class Family:
    """Orders that may be kin, by ref."""

    def __init__(self, sights: Mapping[str, Sight]) -> None:
        self.sights = sights
        self._by_id: dict[str, list[Order]] = {}
        self._listing: dict[tuple[str, str], list[Order]] = {}
        for one in sights.values():
            self._by_id.setdefault(one.order.id, []).append(one.order)
            for line in {line.id for line in one.order.lines} if one.lists else ():
                self._listing.setdefault((one.order.connection, line), []).append(one.order)
        for found in self._listing.values():
            found.sort(key=_age)

    def kin(self, ref: str) -> Kin:
        """What this one is. All that it names, that name it and that list its lines must be here."""
        away = self._away(self.sights[ref].order)
        into = None
        if away and len(away) == len({line.id for line in self.sights[ref].order.lines}):
            into = max(set(away.values()), key=lambda one: _age(self.sights[one].order))
        return Kin(self._copy_of(ref), into, away)

    def _copy_of(self, ref: str) -> str | None:
        sight, names = self.sights[ref], named(self.sights[ref].order)
        if sight.by_hand or (sight.copy_of and names == sight.names):
            return sight.copy_of
        original = self._original(ref)
        return None if original is None or self._leads_back(original, ref) else original

    def _original(self, ref: str) -> str | None:
        """The order of another connection that this one names; where two have that id, the one on the channel that it names."""
        one = self.sights[ref].order
        others = self._by_id.get(named(one) or "", [])
        found = [other for other in others if other.connection != one.connection and not other.test]
        return min(found, key=lambda other: (other.channel != one.source.casefold(), other.ref)).ref if found else None

    def _leads_back(self, start: str, ref: str) -> bool:
        """Orders that name each other in a circle are no copies: one of them has to stand for the goods."""
        seen, at = {ref}, start
        while at in self.sights and at not in seen:
            seen.add(at)
            written = self.sights[at].copy_of
            at = (written if written is not None else self._original(at)) or ""
        return at in seen

    def _away(self, order: Order) -> dict[str, str]:
        holders = {line.id: self._listing.get((order.connection, line.id), [order])[-1].ref for line in order.lines}
        return {line: ref for line, ref in holders.items() if ref != order.ref}

    def counted(self, order: Order, line: str, known: Collection[str]) -> tuple[Order, Line] | None:
        """Where this line was seen before, so that its sale is counted already: in an order that was `known`, else in the first of
        those that came together. None: it is seen for the first time."""
        others = self._listing.get((order.connection, line), [order])
        first = next((one for one in others if one.ref in known), others[0])
        found = next((one for one in first.lines if one.id == line), None)
        return None if first.ref == order.ref or found is None else (first, found)


def _age(order: Order) -> tuple[object, ...]:
    """The last of these holds a line: what was combined is made later than its parts. An order that only changed its id when it was
    paid keeps its date; then the paid one does, then the one with more lines."""
    return (order.placed_at, order.payment_status is not PaymentStatus.UNPAID, len(order.lines), order.id)


def may_come_again(order: Order) -> bool:
    """Cancelled before it was paid: on a channel that merges, its lines may be in a combined order that we have not seen yet."""
    return order.is_cancelled and order.payment_status is PaymentStatus.UNPAID


def may_be_combined(order: Order) -> bool:
    """On a channel that merges, such an order may be younger than the sales in it: nobody tells when they were."""
    return len(order.lines) > 1


def hand_over(lines: Sequence[LineStock]) -> tuple[list[LineStock], Moved, list[tuple[str, Event]]]:
    """Units that a line holds and needs no more go to the order that stands for it, where they lie: no shelf moves, and nobody comes
    between. Gives the lines after that, the reservations that changed (absolute), and what happened."""
    now = {(line.order, line.line): line for line in lines}
    moved: Moved = {}
    events: list[tuple[str, Event]] = []
    for line in lines:
        for heir in _heirs(line, now.values()):
            _carry(now, moved, events, (line.order, line.line), (heir.order, heir.line))
    return list(now.values()), moved, events


def _heirs(line: LineStock, lines: Iterable[LineStock]) -> list[LineStock]:
    """The lines of its heir that consume the same, that of the same id first."""
    if line.heir is None or not line.parts or line.held <= line.due.hold:
        return []
    found = [one for one in lines if one.order == line.heir and one.parts == line.parts]
    return sorted(found, key=lambda one: (one.line != line.line, one.line))


def _carry(
    now: dict[tuple[str, str], LineStock], moved: Moved, events: list[tuple[str, Event]], source: tuple[str, str], target: tuple[str, str]
) -> None:
    giver, taker = now[source], now[target]
    units = min(giver.held - giver.due.hold, taker.due.hold - taker.held)
    if units <= 0 or not _fits(giver) or not _fits(taker):
        return
    left, more = _parted(giver, units)
    kept = {key: taker.reserved.get(key, 0) + more.get(key, 0) for key in (*taker.reserved, *more)}
    now[source], now[target] = (
        replace(giver, held=giver.held - units, reserved=left),
        replace(taker, held=taker.held + units, reserved=kept),
    )
    moved |= {(*source, *key): units for key, units in left.items()} | {(*target, *key): units for key, units in kept.items()}
    events.append((giver.order, StockCarried(giver.line, units, taker.order)))


def _fits(line: LineStock) -> bool:
    """It holds what its parts say; else its map was changed, and it is settled anew."""
    held = Counter[str]()
    for (sku, _), units in line.reserved.items():
        held[sku] += units
    return held == Counter({sku: each * line.held for sku, each in (line.parts or {}).items()})


def _parted(line: LineStock, units: int) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """What stays and what goes when so many units of a line go."""
    left, gone = dict(line.reserved), dict[tuple[str, str], int]()
    for sku, each in (line.parts or {}).items():
        wanted = each * units
        for key in [key for key in left if key[0] == sku]:
            taken = min(wanted, left[key])
            left[key], gone[key], wanted = left[key] - taken, taken, wanted - taken
    return left, {key: units for key, units in gone.items() if units}
