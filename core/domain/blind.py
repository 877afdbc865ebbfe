"""Channels that cannot be read or written: they go on selling what they show, so the others leave them what they may sell. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

SECOND = 1_000_000
DAY = 86_400 * SECOND
AFTER = 15 * 60 * SECOND  # so long it may be away
AHEAD = 5 * 60 * SECOND  # for so long what was reckoned must do
FACTOR, LEAST, MOST = 3, 1, 100
LITTLE = 0.1  # units a day that a listing without sales is taken to sell


@dataclass(frozen=True, slots=True)
class Sight:
    """How a connection is seen, in microseconds: up to when its orders are here (`read_at`), whether those that were read are `taken`, how
    old an order may be when a poll finds it (`poll_us`), since when it has taken none of what it was told (`untold_at`; None: it does).
    `live`: its stock is written, and does not wait for orders to be read first."""

    live: bool
    read_at: int
    taken: bool
    poll_us: int
    untold_at: int | None = None


def blind_since(one: Sight, now: int) -> int | None:
    """Since when it is not seen, or was not told; None: it is seen well enough, or is none of ours to write."""
    unread = one.read_at if one.read_at + one.poll_us + AFTER < now or not one.taken else None
    untold = one.untold_at if one.untold_at is not None and one.untold_at + AFTER < now else None
    found = [at for at in (unread, untold) if at is not None]
    return min(found) if one.live and found else None


@dataclass(frozen=True, slots=True)
class Care:
    """How much is left to a blind channel: what it usually sells times `factor`; `strict`: all that it shows."""

    strict: bool = False
    factor: int = FACTOR


def care(said: Mapping[str, Any]) -> Care:
    """From a connection's settings; what was never said, or cannot be, is as usual."""
    told = said.get("blind")
    told = told if isinstance(told, dict) else {}
    factor = told.get("factor", FACTOR)
    fits = isinstance(factor, int) and LEAST <= factor <= MOST
    return Care(told.get("strict") is True, factor if fits else FACTOR)


@dataclass(frozen=True, slots=True)
class Seller:
    """A listing of a blind channel: the SKUs that one unit of it consumes, what it `shows` at most (units), how many are sold a day."""

    parts: Mapping[str, int]
    shows: int
    rate: float


def may_sell(one: Seller, blind_us: int, how: Care) -> int:
    """Units that it may have sold unseen, and may sell before this is reckoned again."""
    if how.strict:
        return max(0, one.shows)
    usual = max(one.rate, LITTLE) * (blind_us + AHEAD) / DAY * how.factor
    return max(0, min(one.shows, ceil(usual)))


def left_to(sellers: Iterable[Seller], blind_us: int, how: Care) -> dict[str, int]:
    """Units of each SKU that the others leave to it."""
    found: dict[str, int] = {}
    for one in sellers:
        units = may_sell(one, blind_us, how)
        for sku, each in one.parts.items():
            found[sku] = found.get(sku, 0) + units * each
    return {sku: units for sku, units in found.items() if units}
