"""A settlement report, flat file V2: its first line is the payout, each other one an amount; those of one happening are one movement. Pure.

Amounts and dates are written as the marketplace does: "1,234.56" and "1.234,56", "2026-11-22 09:00:00 UTC" and "22.11.2026 09:00:00 UTC".
"""

import codecs
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache, partial
from itertools import chain
from typing import NamedTuple, TypeVar

import msgspec

from connectors.amazon import leaves
from connectors.amazon.report import legible
from core.domain.money import Money, places
from core.domain.payouts import Movement, Occasion, Paid, Payout
from core.errors import BadPayload

T = TypeVar("T")

NEEDED = ("settlement-id", "total-amount", "currency", "transaction-type", "order-id", "amount-type", "amount-description", "amount")
SPACES = {ord(letter): None for letter in " '\u00a0\u202f\u2009\u2019"} | {ord("\u2212"): "-"}
WHOLE = re.compile(r"\d*|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+", re.ASCII)
DIGITS = re.compile(r"\d*", re.ASCII)
DAY = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*([A-Za-z]{1,5}|[+-]\d{2}:?\d{2})?", re.ASCII
)
ZONES = {
    "": 0, "UTC": 0, "GMT": 0, "Z": 0, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "JST": 9, "SGT": 8, "AEST": 10, "AEDT": 11,
    "PST": -8, "PDT": -7,
}  # fmt: skip
CARRIED = "Nothing is paid out: Amazon carries the balance on, or charges the card; a later settlement says which."


class Head(msgspec.Struct, frozen=True):
    """What the first line tells."""

    settlement: str
    began: datetime | None
    ended: datetime
    deposited: datetime | None
    minor: int
    currency: str
    mark: str  # the decimal mark of this file; empty where its total shows none


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One amount. `item` is Amazon's id of the order's item."""

    kind: str
    order: str
    shipment: str
    adjustment: str
    at: datetime
    currency: str
    type: str
    description: str
    minor: int
    sku: str
    units: int
    item: str
    promotion: str


class Document(NamedTuple):
    head: Head
    lines: Iterator[Line]


def document(lines: Iterable[bytes], charsets: Sequence[str]) -> Document:
    """Its head at once, its lines as they are asked for. Raises BadPayload that names the line and the column where it cannot be read."""
    rows = _rows(iter(lines), charsets)
    number, first = next(rows, (2, {}))
    head = _read(number, _head, first)
    return Document(head, (_read(number, partial(_line, head), row) for number, row in rows))


def _rows(lines: Iterator[bytes], charsets: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Number and columns by name of each line; cut-off columns are empty, blank lines nothing."""
    names = [name.strip().lower() for name in _text(next(lines, b""), ("utf-8-sig",)).split("\t")]
    if missing := [name for name in NEEDED if name not in names]:
        raise BadPayload(f"amazon settlement: there is no column {missing[0]}")
    for number, line in enumerate(lines, 2):
        fields = _text(line, charsets).split("\t")
        if len(fields) > len(names):
            raise BadPayload(f"amazon settlement: line {number} has too many columns")
        if any(fields):
            yield number, dict(zip(names, chain(fields, [""] * (len(names) - len(fields))), strict=True))


def _text(line: bytes, charsets: Sequence[str]) -> str:
    return legible(line.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8), charsets)


class Unreadable(ValueError):
    """Names the column, never its value."""


def _read(number: int, read: Callable[[Mapping[str, str]], T], row: Mapping[str, str]) -> T:
    try:
        return read(row)
    except Unreadable as error:
        raise BadPayload(f"amazon settlement: line {number}: {error}") from None


def _head(row: Mapping[str, str]) -> Head:
    currency, total = row.get("currency", "").strip(), row.get("total-amount", "")
    if not row.get("settlement-id", "").strip() or not total.strip():
        raise Unreadable("it is not the line that tells the settlement")
    ended = _day(row, "settlement-end-date", currency)
    if ended is None:
        raise Unreadable("settlement-end-date is missing")
    began, deposited = (_day(row, name, currency) for name in ("settlement-start-date", "deposit-date"))
    return Head(
        row["settlement-id"].strip(), began, ended, deposited, _minor(row, "total-amount", currency, ""), currency, mark(total, currency)
    )


def _line(head: Head, row: Mapping[str, str]) -> Line:
    if row["settlement-id"].strip() != head.settlement:
        raise Unreadable("settlement-id is another one")
    currency = row["currency"].strip() or head.currency
    at = _day(row, "posted-date-time", head.currency) or _day(row, "posted-date", head.currency) or head.ended
    told = {name: row.get(column, "").strip() for name, column in COLUMNS.items()}
    units = row.get("quantity-purchased", "").strip()
    if not DIGITS.fullmatch(units):
        raise Unreadable("quantity-purchased is not a number of units")
    return Line(at=at, currency=currency, minor=_minor(row, "amount", currency, head.mark), units=int(units or 0), **told)


COLUMNS = {
    "kind": "transaction-type", "order": "order-id", "shipment": "shipment-id", "adjustment": "adjustment-id", "type": "amount-type",
    "description": "amount-description", "sku": "sku", "item": "order-item-code", "promotion": "promotion-id",
}  # fmt: skip


def _day(row: Mapping[str, str], column: str, currency: str) -> datetime | None:
    said = row.get(column, "").strip()
    try:
        return when(said, month_first=currency == "USD") if said else None
    except (ValueError, OverflowError):
        raise Unreadable(f"{column} is not a date") from None


def _minor(row: Mapping[str, str], column: str, currency: str, decimal_mark: str) -> int:
    try:
        return Money.parse(decimal(row[column], currency, decimal_mark), currency).minor
    except ValueError:
        raise Unreadable(f"{column} is not an amount of money") from None


@lru_cache(1024)  # lines of one happening have one time
def when(text: str, *, month_first: bool) -> datetime:
    """A date, or a time, in any of Amazon's forms, as UTC; without a zone it is UTC. With slashes the day comes first, but in dollars ‡,
    or where the other order alone is a date. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        found = DAY.fullmatch(text)
    if not found:
        raise ValueError("not a date")
    one, between, two, three, *clock, zone = found.groups(default="")
    day = _of(one, two, three, month_first=month_first and between == "/")
    hour, minute, second = (int(part or 0) for part in clock)
    return day.replace(hour=hour, minute=minute, second=second, tzinfo=_zone(zone)).astimezone(UTC)


def _of(one: str, two: str, three: str, *, month_first: bool) -> datetime:
    """The day; its zone stands behind it."""
    if len(one) == 4:
        return datetime(int(one), int(two), int(three), tzinfo=UTC)
    day, month = (two, one) if month_first else (one, two)
    if int(month) > 12:
        day, month = month, day
    return datetime(int(three), int(month), int(day), tzinfo=UTC)


def _zone(name: str) -> timezone:
    if name[:1] in ("+", "-"):
        shift = timedelta(hours=int(name[1:3]), minutes=int(name[-2:]))
        return timezone(shift if name[0] == "+" else -shift)
    if name.upper() not in ZONES:
        raise ValueError("an unknown zone")
    return timezone(timedelta(hours=ZONES[name.upper()]))


def mark(text: str, currency: str) -> str:
    """The decimal mark of a number; empty where it shows none. A single mark before three digits parts thousands, since no currency of two
    places has such amounts, nor one of none."""
    last = max(text.rfind("."), text.rfind(","))
    if last < 0 or text.count(text[last]) > 1:
        return ""
    digits = len(re.sub(r"\D", "", text[last:]))
    alone = ("," in text) != ("." in text)
    return "" if alone and digits == 3 != places(currency) else text[last]


def decimal(text: str, currency: str, decimal_mark: str = "") -> str:
    """A number as Python reads it. Raises ValueError where it is none in the way of a file that has this decimal mark."""
    bare = text.strip().translate(SPACES)
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    minus, bare = bare.startswith("-"), bare.lstrip("+-") if bare[:1] in "+-" else bare
    point = decimal_mark or mark(bare, currency)
    whole, _, rest = bare.partition(point) if point else (bare, "", "")
    if not (whole + rest) or not WHOLE.fullmatch(whole) or not DIGITS.fullmatch(rest):
        raise ValueError("not a number")
    return f"{'-' if minus else ''}{re.sub(r'[.,]', '', whole) or '0'}{'.' if rest else ''}{rest}"


def payout(head: Head, handle: str, now: datetime) -> Payout:
    """A negative one reaches no bank: `deposit` is zero."""
    at, amount = head.deposited or head.ended, Money(head.minor, head.currency)
    state = Paid.PAID if at <= now else Paid.SCHEDULED
    held = {"deposit": Money.zero(head.currency), "words": CARRIED} if head.minor < 0 else {}
    return Payout(head.settlement, state, at, amount, head.began, head.ended, handle=handle, **held)  # type: ignore[arg-type]


def key(settlement: str, line: Line) -> tuple[str, bool]:
    """What lines of one movement have in common, and whether this line is one by itself. Of an order it is shipment or adjustment and
    time; what has no order stands alone."""
    told = [line.kind, line.order, line.shipment, line.adjustment, line.at.isoformat(), line.currency]
    if not line.order:
        told += [line.type, line.description, str(line.minor), line.sku]
    return f"{settlement}-{hashlib.sha256(chr(0).join(told).encode()).hexdigest()[:20]}", not line.order


def movement(id: str, settlement: str, lines: Sequence[Line]) -> Movement:
    """One movement of these lines, which share their `key`."""
    first = lines[0]
    told = [(leaves.of_pair(line.type, line.description), leaves.label(line.type, line.description), line.minor) for line in lines]
    why = leaves.occasion(first.kind, [(leaf, label) for leaf, label, _ in told])
    parts, skus = leaves.parts(told, first.currency, why), {line.sku for line in lines if line.sku}
    return Movement(
        id=id,
        occasion=why,
        at=first.at,
        amount=Money(sum(line.minor for line in lines), first.currency),
        parts=parts,
        order=first.order or None,
        refers=tuple(filter(None, (first.shipment, first.adjustment))),
        payout=settlement,
        label=first.kind,
        sku=skus.pop() if len(skus) == 1 else "",
        units=_lost(lines) if why is Occasion.REIMBURSEMENT else _units(lines),
    )


def _lost(lines: Iterable[Line]) -> int:
    """Units that lay with Amazon and that it pays for, or found again."""
    return sum(abs(line.units) for line in lines if leaves.is_stock(line.description))


def _units(lines: Iterable[Line]) -> int:
    """Each item's once: Amazon repeats them on every line of it."""
    return sum({line.item: line.units for line in lines if leaves.plain(line.description) == "principal" and line.units}.values())
