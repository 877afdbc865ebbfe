"""What may be promised of goods that are not there yet: what comes by a day, and what may be owed beyond that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.stock import sellable

NONE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Promise:
    """In units of a listing: `now` lie there, `coming` are here by the day that it looks ahead to, `owed` may be sold beyond that."""

    now: int
    coming: int
    owed: int

    @property
    def units(self) -> int:
        return self.now + self.coming + self.owed


def promise(parts: Mapping[str, int], free: Mapping[str, int], coming: Mapping[str, int], backorder: int) -> Promise:
    """`free` are the free units of each part, less what orders wait for: below zero where more is owed than lies there. Those who wait are
    served from what comes first, and what that does not cover is part of the `backorder` already."""
    now = sellable(parts, free)
    made = min(((free.get(sku, 0) + coming.get(sku, 0)) // each for sku, each in parts.items()), default=0)
    return Promise(now, max(0, made) - now, max(0, backorder + min(0, made)))
