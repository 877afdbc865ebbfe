"""Amazon's inventory ledger, detailed view: tab-separated lines, of which adjustments alone are looked at. Pure.

Codes as Seller Central's page on adjustments defines them (read 2026-11). What is damaged, expired or found defective is taken from one
disposition and put to another (E, 6, 7, H, K, U, Q, then P): it lies there all the same. One SKU that becomes another (4, then 3) is
the same goods. Removal orders (VendorReturns) do not say whether goods came back or were disposed of, and are left out.
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import structlog

from connectors.amazon.report import legible
from core.domain.shelf_moves import Cause, ShelfMove, added_up
from core.errors import BadPayload

NAMED = 20  # so many lines that cannot be read are named by number
ADJUSTMENTS = "Adjustments"
COLUMNS = ("date", "msku", "event type", "quantity", "reason")
CAUSES: Mapping[str, Cause | None] = {  # None: nothing came or left
    "M": Cause.LOST,  # missing from a bin
    "5": Cause.LOST,  # the same, and not to be found again
    "O": Cause.LOST,  # ‡ taken out since Amazon paid for it, or since it never was this seller's
    "F": Cause.FOUND,
    "N": Cause.FOUND,  # ‡ put in instead of money, or since it was taken for somebody else's
    "D": Cause.DISPOSED,
    **dict.fromkeys("E67HKUQP34"),
}
DAYS = ("%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y")  # ‡ the first is how accounts in the US are told
MOST = 2**31


class Row(NamedTuple):
    """An adjustment."""

    day: date
    sku: str
    units: int
    reason: str


def moves(lines: Iterable[bytes], charset: Sequence[str], since: date, until: date) -> tuple[ShelfMove, ...]:
    """What came or left on the days from `since` to before `until`, added up. Raises BadPayload where columns are missing, or an
    adjustment cannot be read: half a day would be a wrong one."""
    broken = list[int]()
    read = [row for row in rows(lines, charset, broken) if since <= row.day < until]
    if broken:
        raise BadPayload("amazon inventory ledger: lines cannot be read", count=len(broken), lines=broken[:NAMED])
    found = [ShelfMove(row.day, row.sku, cause, row.reason, row.units) for row in read if (cause := cause_of(row.reason)) is not None]
    return tuple(added_up(found))


def cause_of(reason: str) -> Cause | None:
    """None: units only became something else. A code that is not in the table is UNKNOWN."""
    return CAUSES.get(reason, Cause.UNKNOWN)


def rows(lines: Iterable[bytes], charset: Sequence[str], broken: list[int]) -> Iterator[Row]:
    """Each adjustment; numbers of lines that hold one and cannot be read go into `broken`. Raises BadPayload for a header that lacks a
    column."""
    lines = iter(lines)
    head = [name.lower() for name in fields(next(lines, b"").removeprefix(codecs.BOM_UTF8), charset)]
    if missing := [name for name in COLUMNS if name not in head]:
        raise BadPayload(f"amazon inventory ledger: there is no column {missing[0]}")
    for number, line in enumerate(lines, 2):
        told = fields(line, charset)
        if ADJUSTMENTS not in told:
            continue
        row = _row(dict(zip(head, told, strict=True))) if len(told) == len(head) else None
        if row is None:
            broken.append(number)
        elif row.units:
            yield row


def fields(line: bytes, charset: Sequence[str]) -> list[str]:
    """A line's values, which may stand in quotation marks."""
    return [value.strip().removeprefix('"').removesuffix('"').strip() for value in legible(line.rstrip(b"\r\n"), charset).split("\t")]


def _row(told: Mapping[str, str]) -> Row | None:
    day, units, sku = _day(told["date"]), _units(told["quantity"]), told["msku"]
    if day is None or units is None or not sku or "\x00" in sku or told["event type"] != ADJUSTMENTS:
        return None
    return Row(day, sku, units, told["reason"].upper())


def _day(text: str) -> date | None:
    for form in DAYS:
        try:
            return datetime.strptime(text[:10], form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def _units(text: str) -> int | None:
    whole = text.removeprefix("-").removeprefix("+")
    if not (whole.isascii() and whole.isdigit()) or len(whole) > 10 or int(whole) >= MOST:
        return None
    return int(text)


def say_unknown(found: Iterable[ShelfMove]) -> None:
    """Reasons that are new to us."""
    if reasons := sorted({one.reason for one in found if one.cause is Cause.UNKNOWN}):
        structlog.get_logger("amazon").warning("reasons in an inventory ledger that are not known", reasons=reasons)
