"""What orders left over a month, by channel, by SKU and by order: for a page, a file, a program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection as Db

from core.domain import charts
from core.domain.charts import Bars
from core.flows.accounts import lines_of
from core.store import journal, margins
from core.store.journal import Named
from core.store.margins import Total

AT_ONCE = 1000  # rows of a file that are read at once


@dataclass(frozen=True, slots=True)
class Profit:
    """A month: sums by currency, rows of the tab that is shown, and what was left by day in one currency, a series for each channel."""

    since: date
    until: date
    sums: Sequence[Total]
    rows: Sequence[Total]
    orders: Mapping[str, Named]
    currency: str
    channels: Sequence[str]
    bars: Bars
    more: bool


def look(db: Db, merchant: str, since: date, until: date, tab: str, sort: str, after: int, most: int, currency: str = "") -> Profit:
    """`tab` is channel, sku or order; of several currencies the chart shows the one asked for, else the one with the most orders."""
    channels = margins.by_channel(db, merchant, since, until)
    rows = rows_of(db, merchant, since, until, tab, sort, after, most + 1, channels)
    orders_ = journal.named(db, merchant, [one.name for one in rows]) if tab == "order" else {}
    sums = together(channels)
    shown = next((one for one in sums if one.name == currency), max(sums, key=lambda one: one.orders, default=None))
    chosen = shown.name if shown else ""
    names = sorted({one.name for one in channels if one.earned.currency == chosen})
    bars = _bars(db, merchant, since, until, chosen, names)
    return Profit(since, until, sums, rows[:most], orders_, chosen, names, bars, len(rows) > most)


def rows_of(
    db: Db, merchant: str, since: date, until: date, tab: str, sort: str, after: int, most: int, channels: Sequence[Total]
) -> list[Total]:  # fmt: skip
    """A page of a tab."""
    match tab:
        case "sku":
            return margins.by_sku(db, merchant, since, until, sort, after, most)
        case "order":
            return margins.by_order(db, merchant, since, until, sort, after, most)
    return sorted(channels, key=lambda one: _key(one, sort), reverse=sort.startswith("-"))[after : after + most]


def _key(one: Total, sort: str) -> tuple[int, str]:
    """Names are put in order by their text, amounts by what they are."""
    value = getattr(one, sort.removeprefix("-"))
    return (0, str(value)) if isinstance(value, str) else (getattr(value, "minor", value), one.name)


def together(found: Sequence[Total]) -> list[Total]:
    """One for each currency, named by it: currencies are never added up."""
    sums: dict[str, Total] = {}
    for one in found:
        known = sums.get(one.earned.currency)
        sums[one.earned.currency] = _added(known, one) if known else _added(_nothing(one), one)
    return [sums[currency] for currency in sorted(sums)]


def _nothing(one: Total) -> Total:
    zero = one.earned * 0
    return Total(zero.currency, 0, zero, zero, zero, zero, zero, 0, zero, 0)


def _added(one: Total, other: Total) -> Total:
    return Total(
        one.name, one.units + other.units, one.earned + other.earned, one.given_back + other.given_back, one.fees + other.fees,
        one.postage + other.postage, one.cost + other.cost, one.missing + other.missing, one.told + other.told, one.orders + other.orders,
        one.waiting + other.waiting,
    )  # fmt: skip


def _bars(db: Db, merchant: str, since: date, until: date, currency: str, channels: Sequence[str]) -> Bars:
    """What was left by day; a day of loss stands as nothing: the table says how much."""
    days = (until - since).days + 1
    series = [[0] * days for _ in channels]
    for day, connection, left in margins.by_day(db, merchant, since, until):
        if left.currency == currency:
            series[channels.index(connection)][(day - since).days] += max(0, left.minor)
    return charts.stacked(series, days)


def days_of(found: Profit) -> list[date]:
    """The days that the chart's slots stand for."""
    return [found.since + timedelta(days=n) for n in range((found.until - found.since).days + 1)]


# ---- as a file

HEAD = (
    "name",
    "currency",
    "orders",
    "units",
    "earned",
    "given back",
    "fees",
    "postage",
    "cost of goods",
    "left",
    "cost missing",
    "cost not booked yet",
)


def as_csv(db: Db, merchant: str, since: date, until: date, tab: str, sort: str, names: Mapping[str, str]) -> Iterator[str]:
    """All rows of a tab, the head first; `names` are those of connections. What a spreadsheet would take for a formula is text."""
    channels = margins.by_channel(db, merchant, since, until)
    yield from lines_of([HEAD])
    after = 0
    while rows := rows_of(db, merchant, since, until, tab, sort, after, AT_ONCE, channels):
        called = (
            {ref: one.name for ref, one in journal.named(db, merchant, [one.name for one in rows]).items()} if tab == "order" else names
        )
        yield from lines_of(_cells(one, called.get(one.name, one.name)) for one in rows)
        after += len(rows)


def _cells(one: Total, name: str) -> tuple[str, ...]:
    money = (one.earned, one.given_back, one.fees, one.postage, one.cost, one.left)
    marks = ("yes" if some else "" for some in (one.missing, one.waiting))
    return (name, one.earned.currency, str(one.orders), str(one.units), *(each.text() for each in money), *marks)
