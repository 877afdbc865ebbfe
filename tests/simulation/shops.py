"""Channels of the pure world: what they show is the truth about what buyers may buy, their orders the truth about what they bought."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.money import Money
from core.domain.order import Charge, Line, Order, PaymentStatus, Refund, RefundLine, Restock, TaxMode
from core.ports import Answer, Told

SECOND = 1_000_000
NOTHING = Money(0, "USD")
FREE = Charge(NOTHING)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def first(connection: str, id: str, wanted: Mapping[str, int], at: int) -> Order:
    """A paid order of these quantities by listing, in the whole seconds that channels tell."""
    lines = tuple(Line(str(n), name, name, name, units, FREE) for n, (name, units) in enumerate(wanted.items()))
    when = moment(at // SECOND * SECOND)
    return Order("pure", connection, id, "0", when, when, "USD", NOTHING, TaxMode.NONE, lines, PaymentStatus.PAID, "USD")


def later(order: Order, at: int, **different: Any) -> Order:
    """The same order after its next change; `name` counts the changes."""
    when = max(order.revision, moment(at // SECOND * SECOND))
    return replace(order, revision=when, name=str(int(order.name) + 1), **different)


def changed_line(order: Order, line: Line, at: int, **different: Any) -> Order:
    return later(order, at, lines=tuple(replace(one, **different) if one is line else one for one in order.lines))


def returned(order: Order, line: Line, units: int, at: int) -> Order:
    refund = Refund(f"R{len(order.refunds)}", moment(at), NOTHING, (RefundLine(line.id, units, Restock.RETURN),))
    return later(order, at, refunds=(*order.refunds, refund))


def back(order: Order, line: Line) -> int:
    return sum(part.quantity for refund in order.refunds for part in refund.lines if part.line == line.id)


@dataclass(slots=True)
class Stand:
    """A listing at a shop: the SKUs that one unit consumes, what it shows, what it accepted and does not show yet."""

    name: str
    parts: Mapping[str, int]
    buffer: int
    shown: int = 0
    pending: tuple[int, int] | None = None  # quantity, as of the hub's commit
    as_of: int = 0  # what it shows was reckoned from all that the hub knew at this commit of its own
    set_at: int = 0


@dataclass(slots=True)
class Shop:
    """One channel. `compares`: writes are compare-and-set; `queues`: they come true at a time of their own. `slow_us`: so long after a
    change its lists may not have it yet. `keys` it keeps: the same key again has the same answers and no second effect."""

    name: str
    stands: dict[str, Stand]
    compares: bool = False
    queues: bool = False
    slow_us: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    log: list[tuple[int, str]] = field(default_factory=list)
    keys: dict[str, Sequence[Answer]] = field(default_factory=dict)

    def write(self, order: Order, at: int) -> Order:
        self.orders[order.id] = order
        self.log.append((at, order.id))
        return order

    def changed(self, since: int, now: int) -> list[Order]:
        """Those that changed since then, as far as its lists have them by now."""
        there = dict[str, None]()
        for at, id in reversed(self.log):
            if at < since - SECOND:
                break
            if at <= now - self.slow_us:
                there[id] = None
        return [self.orders[id] for id in there]

    def show(self, pushes: Iterable[tuple[str, int, int | None, int]], key: str, now: int) -> Sequence[Answer]:
        """Pushes are (listing, units, expected, as of which commit of the hub)."""
        if key not in self.keys:
            self.keys[key] = [self._set(self.stands[name], units, expected, as_of, now) for name, units, expected, as_of in pushes]
        return self.keys[key]

    def _set(self, stand: Stand, units: int, expected: int | None, as_of: int, now: int) -> Answer:
        if self.compares and expected not in (None, stand.shown):
            return Answer(stand.name, stand.name, Told.STALE, stand.shown)
        if self.queues:
            stand.pending = (units, as_of)
            return Answer(stand.name, stand.name, Told.ACCEPTED)
        self._come_true(stand, units, as_of, now)
        return Answer(stand.name, stand.name, Told.SHOWN, units)

    def _come_true(self, stand: Stand, units: int, as_of: int, now: int) -> None:
        stand.shown, stand.as_of, stand.set_at = units, as_of, now

    def settle(self, now: int) -> None:
        for stand in self.stands.values():
            if stand.pending:
                self._come_true(stand, *stand.pending, now)
                stand.pending = None


def micro(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)
