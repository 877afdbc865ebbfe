"""Kits: listings that consume several units, of one SKU or of many. How many whole ones there are where each must lie at one location, and
which maps cannot be. Pure."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from core.domain.later import N_
from core.domain.stock import sellable

Parts = Mapping[str, int]
MOST = 9_999  # units of a part


class Exploded(StrEnum):
    """Who says which parts leave when a listing is sold: the `hub` by its map; the `channel`, as a person said, by lines of their own; or
    the listing is a bundle that the channel itself `splits`, as its catalogue says."""

    HUB = "hub"
    CHANNEL = "channel"
    SPLITS = "splits"


SPLIT = "its channel lists the parts as lines of their own"  # why its stock is not written


NOTHING: Mapping[str, int] = {}


def whole(parts: Parts, there: Mapping[str, Mapping[str, int]], owed: Mapping[str, int] = NOTHING) -> int:
    """How many units lie whole at one location each; `there` are the free units of its parts by location and SKU. None is put together from
    two locations, and none counts twice: each location is by itself. Of a part that others are `owed` units of, which may be taken at
    any of them, as many are left as in the worst case."""
    made = {at: sellable(parts, free) for at, free in there.items()}
    lost = sum(_lost(made, there, sku, each, owed.get(sku, 0)) for sku, each in parts.items() if owed.get(sku, 0) > 0)
    return max(0, sum(made.values()) - lost)


def _lost(made: Mapping[str, int], there: Mapping[str, Mapping[str, int]], sku: str, each: int, units: int) -> int:
    """How many at most can be made no more without so many units of one part: at each location it must first give what is over."""
    over = {at: there[at].get(sku, 0) - count * each for at, count in made.items() if count}
    return min(units, sum(min(made[at], (units - spare - 1) // each + 1) for at, spare in over.items() if units > spare))


def available(parts: Parts, free: Mapping[str, Mapping[str, int]], locations: Collection[str], *, alone: bool) -> int | None:
    """How many units the free units of its parts make at these locations, together or `alone` at one each; `free` is by SKU and location.
    None where nobody counted a part at any of them: what is not known is not sold."""
    rooms = [[there[at] // each for at in locations if at in there] for sku, each in parts.items() if (there := free.get(sku))]
    if len(rooms) < len(parts) or not all(rooms):
        return None
    if not alone:
        return min(max(0, sum(free[sku].get(at, 0) for at in locations)) // each for sku, each in parts.items())
    return sum(max(0, min(free[sku].get(at, 0) // each for sku, each in parts.items())) for at in locations)


# ---- maps that cannot be

NESTED = N_("%(part)s is itself a kit that nobody counts: name its parts instead")
ITSELF = N_("a kit cannot contain itself: %(part)s is what it is sold as")
INSIDE = N_("%(part)s is a part of other kits and nobody counts it: a kit in a kit cannot be")
UNITS = N_("units of %(part)s must be a whole number from 1 to 9999")
DEALT = N_("%(part)s is in quota, and a kit whose parts must lie at one location cannot be dealt")

WHOLE = N_("%(part)s is in a kit whose parts must lie at one location, and such a kit cannot be dealt")


def explodes(sku: str, parts: Parts) -> bool:
    """Whether a listing that is called so is put together from other SKUs."""
    return bool(parts) and set(parts) != {sku}


def wrong(
    sku: str, parts: Parts, *, kits: Collection[str], inside: Collection[str], dealt: Collection[str] = (), alone: bool = False
) -> tuple[str, str]:
    """Why a listing that its channel calls `sku` cannot consume these: words and the part that they name; two empty texts where it can.
    `kits` are the parts that are themselves sold only as kits, `inside` holds the listing's own SKU where kits consume it that nobody
    counts, and `dealt` the parts in quota."""
    own = sku.strip()
    if slip := next((part for part, units in parts.items() if not 1 <= units <= MOST), ""):
        return UNITS, slip
    if own in parts and len(parts) > 1:
        return ITSELF, own
    if nested := sorted(set(kits) & (parts.keys() - {own})):
        return NESTED, nested[0]
    if own in inside and explodes(own, parts):
        return INSIDE, own
    if alone and (some := sorted(set(dealt) & parts.keys())):
        return DEALT, some[0]
    return "", ""
