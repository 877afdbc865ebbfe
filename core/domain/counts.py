"""Counting the shelf: what a count that was taken at one moment says of the shelf at a later one. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.order import Order
from core.domain.stock import Dues, dues, history

WHOLE = timedelta(seconds=1)  # channels tell the moment of a parcel in whole seconds: in doubt it left after the count
SHARE = 5  # more than a fifth at once is most likely a mistake


@dataclass(frozen=True, slots=True)
class Counted:
    """A row of a count: so many units of a SKU lay at one of our locations (by its name) at that moment (microseconds; None: now).
    `on_hand` None: as far as we know nobody counted it. `line` is where it stands in its file."""

    line: int
    sku: str
    title: str
    location: str
    on_hand: int | None
    counted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of a listing: the SKUs that one unit of it consumes, none of them: it is mapped to nothing. `connection` and
    `channel` name its connection, each where it is given; so do `listing` and `channel_sku` the listing."""

    line: int
    connection: str
    channel: str
    listing: str
    channel_sku: str
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Safe:
    """So many units of a SKU at one of our locations (by its name) are shown to no channel."""

    line: int
    sku: str
    location: str
    units: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file says: counts, maps, units that are kept from channels, and SKUs with their titles that it only names. `silent` rows say
    nothing of a listing."""

    counts: tuple[Counted, ...] = ()
    maps: tuple[Said, ...] = ()
    titles: Mapping[str, str] | None = None
    lines: Mapping[str, int] | None = None  # where a SKU stands first
    silent: int = 0
    safety: tuple[Safe, ...] = ()


def gone_by(order: Order, line: str, moment: datetime, *, seen: bool) -> tuple[int, int]:
    """Units of a line that had left, and that had come back, when somebody counted: all that was `seen` here by then, and what parcels
    and refunds say of the time before."""
    one = next((one for one in order.lines if one.id == line), None)
    if one is None:
        return (0, 0)
    due = dues(order, one)
    return (due.gone, due.back) if seen else history(order, one, moment - WHOLE)


def in_the_count(moved: int, moved_before: int, by_then: int) -> int:
    """What our books moved after a count (units on hand: less than none have left) and had happened before it all the same, when
    `by_then` is what an order had moved in truth and `moved_before` what was booked of that."""
    late = by_then - moved_before
    return max(moved, min(0, late)) if moved < 0 else min(moved, max(0, late))


def booked_by_count(due: Dues, gone: int, back: int, by_then: tuple[int, int]) -> tuple[int, int]:
    """What counts as booked of a line: what is, and what had left or come back before its goods were counted."""
    return max(gone, min(by_then[0], due.gone)), max(back, min(by_then[1], due.back))


def alike(sku: str) -> str:
    """What two SKUs have in common that a person would take for one."""
    return " ".join(sku.split()).casefold()


def many(zeros: int, of: int) -> bool:
    return zeros * SHARE > of


def look_alikes(skus: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Those of these SKUs that are not known and differ by case or blanks alone from one that is, or from an earlier one of them."""
    have = {alike(sku): sku for sku in known}
    spelled, found = set(have.values()) | set(known), {}
    for sku in skus:
        other = have.setdefault(alike(sku), sku)
        if sku not in spelled and other != sku:
            found[sku] = other
    return found
