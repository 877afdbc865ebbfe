"""Safety stock: units at a location that no channel is shown. Orders may still take them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.domain.stock import Key
from core.domain.who import Who
from core.errors import Refused
from core.flows.allocation import tell_of
from core.hub import Hub
from core.store import audit, counts, places, stock
from core.store.unit import Unit

MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A shelf, with its location's name, of which another number of units is kept from channels now."""

    sku: str
    location: str
    name: str
    was: int
    now: int


def keep_safe(hub: Hub, merchant: str, shelves: Mapping[Key, int], who: Who) -> list[Kept]:
    """Show no channel so many units of these shelves (SKU, location): all of them, or none. Gives those of which it was another number.
    Raises Refused for a shelf that nobody counted, and for what is no number of units."""
    with hub.unit() as work:
        return keep_safe_in(work, merchant, shelves, who)


def keep_safe_in(work: Unit, merchant: str, shelves: Mapping[Key, int], who: Who) -> list[Kept]:
    """The same in the caller's transaction."""
    stock.lock_levels(work.db, merchant, {sku for sku, _ in shelves})
    was = {key: level.safety for key, level in counts.levels(work.db, merchant, {sku for sku, _ in shelves}).items()}
    _check(shelves, was)
    names = {row.id: row.name for row in places.locations(work.db, merchant)}
    done = [Kept(sku, at, names[at], was[sku, at], units) for (sku, at), units in sorted(shelves.items()) if was[sku, at] != units]
    stock.keep_safe(work.db, merchant, {(one.sku, one.location): one.now for one in done})
    tell_of(work, merchant, {one.sku for one in done})
    for one in done:
        said = {"location": one.location, "place": one.name, "was": one.was, "became": one.now}
        audit.write(work.db, merchant, work.now, who.id, who.name, "stock.safety", f"sku/{one.sku}", **said)
    return done


def _check(shelves: Mapping[Key, int], counted: Iterable[Key]) -> None:
    if strangers := sorted(shelves.keys() - set(counted)):
        raise Refused(f"nobody has counted {strangers[0][0]} there: count it first")
    if any(not 0 <= units <= MOST for units in shelves.values()):
        raise Refused(f"units kept must be from 0 to {MOST}")
