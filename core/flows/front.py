"""The first page: today's orders and money, what needs somebody, how late channels are told, how each connection is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection as Db

from core.domain import charts
from core.domain.charts import Bars, Lines
from core.domain.today import hours, today, zone_of
from core.flows import attention, health
from core.flows.attention import Group
from core.flows.health import Health
from core.flows.overview import percentile
from core.hub import Hub
from core.store import figures, orders
from core.store.tables import us, when

MS, HOUR_US, DAY_US = 1_000, 3_600_000_000, 86_400_000_000
NEWEST = 300  # orders by which a connection's lag is told


@dataclass(frozen=True, slots=True)
class Sum:
    """What came in at one channel in one currency today; `total` in minor units."""

    channel: str
    currency: str
    orders: int
    total: int


@dataclass(frozen=True, slots=True)
class Lag:
    """Milliseconds from a sale to the last channel told, of the newest of a day."""

    p50: int | None
    p99: int | None
    sales: int
    lines: Lines
    by_hour: Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Missed:
    """Orders of a day that no notice told of and a poll found; milliseconds from their last change to that."""

    orders: int
    p50: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Front:
    """`clock` is what the clock says at the beginning of each hour of today, `past` the same for the hours that `lag` is told of;
    `channels` name the series of `bars`; `seen` are milliseconds from a sale until its order was here, by connection."""

    sums: Sequence[Sum]
    channels: Sequence[str]
    clock: Sequence[int]
    bars: Bars
    past: Sequence[int]
    lag: Lag
    missed: Missed
    health: Sequence[Health]
    seen: Mapping[str, int]
    groups: Sequence[Group]

    @property
    def orders(self) -> int:
        return sum(one.orders for one in self.sums)

    @property
    def totals(self) -> Mapping[str, int]:
        """By currency, in minor units."""
        found = Counter[str]()
        for one in self.sums:
            found[one.currency] += one.total
        return found

    @property
    def needs(self) -> int:
        return sum(one.count for one in self.groups)


def look(hub: Hub, db: Db, merchant: str, zone: str) -> Front:
    """All of it, as it is now on the merchant's clock."""
    now, place = hub.clock(), zone_of(zone)
    begin, end = today(now, place)
    known, yesterday = health.look(hub, db, merchant), us(now) - DAY_US
    names = {one.one.id: one.name for one in known}
    rows = [row for row in figures.of_a_day(db, merchant, us(begin), us(end)) if row.connection in names]
    channels, clock, first = list(dict.fromkeys(names.values())), hours(begin, end, place), us(now) // HOUR_US - 23
    return Front(
        sums=_sums(rows, names), channels=channels, clock=clock, bars=_bars(rows, names, channels, len(clock)),
        past=hours(when(first * HOUR_US), when((first + 24) * HOUR_US), place), lag=_lag(figures.lags(db, merchant, yesterday), first),
        missed=_missed(figures.missed(db, merchant, yesterday)), health=known,
        seen=_seen(orders.seen_after(db, merchant, yesterday, NEWEST)), groups=attention.counts(hub, db, merchant, known),
    )  # fmt: skip


def _sums(rows: Sequence[Any], names: Mapping[str, str]) -> list[Sum]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        count, total = found.get(key := (names[row.connection], row.currency), (0, 0))
        found[key] = (count + int(row.orders), total + int(row.total))
    return [Sum(*key, *sums) for key, sums in sorted(found.items())]


def _bars(rows: Sequence[Any], names: Mapping[str, str], channels: Sequence[str], slots: int) -> Bars:
    """Orders by hour, a series for each channel."""
    series = [[0] * slots for _ in channels]
    for row in rows:
        series[channels.index(names[row.connection])][min(int(row.hour), slots - 1)] += int(row.orders)
    return charts.stacked(series, slots)


def _lag(found: Sequence[tuple[int, int]], first: int) -> Lag:
    by_slot: dict[int, list[int]] = {}
    for told, lag in found:
        by_slot.setdefault(min(23, max(0, told // HOUR_US - first)), []).append(lag // MS)
    middle, most = ({slot: _of(some, share) for slot, some in by_slot.items()} for share in (0.5, 0.99))
    every = [lag // MS for _, lag in found]
    by_hour = {slot: (middle[slot], most[slot]) for slot in sorted(by_slot)}
    return Lag(percentile(every, 0.5), percentile(every, 0.99), len(every), charts.lags([middle, most], 24), by_hour)


def _of(values: list[int], share: float) -> int:
    return percentile(values, share) or 0


def _missed(lags: Sequence[int]) -> Missed:
    values = [lag // MS for lag in lags]
    return Missed(len(values), percentile(values, 0.5), max(values, default=None))


def _seen(rows: Sequence[Any]) -> dict[str, int]:
    lags: dict[str, list[int]] = {}
    for row in rows:
        lags.setdefault(row.connection, []).append(max(0, int(row.lag)) // MS)
    return {connection: _of(some, 0.5) for connection, some in lags.items()}
