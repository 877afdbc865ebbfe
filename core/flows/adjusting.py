"""Adjusting a shelf by hand, one at a time: what changes is told to every channel and to whoever waits for it."""

from dataclasses import dataclass

from core.domain.adjusting import Answer, Reason, Wish, will
from core.domain.counts import Counted
from core.domain.events import StockAdjusted
from core.domain.stock import Plan
from core.domain.who import Who
from core.errors import Refused
from core.flows.allocation import ask_waiting
from core.flows.counting import count_one
from core.hub import Hub
from core.store import audit, goods, listings, places, stock
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What became of it: `was` and `now` on hand, `reserved` of it; `now` is what lies there where nothing was changed."""

    answer: Answer
    was: int | None
    now: int
    reserved: int


def adjust(hub: Hub, merchant: str, sku: str, location: str, wish: Wish, who: Who) -> Adjusted:
    """Do what somebody wants of a shelf, if it is still as they saw it. Raises Refused for a SKU or a location that is not there."""
    with hub.unit() as work:
        return adjust_in(hub, work, merchant, sku, location, wish, who)


def adjust_in(hub: Hub, work: Unit, merchant: str, sku: str, location: str, wish: Wish, who: Who) -> Adjusted:
    """The same in the caller's transaction."""
    name = _name(work, merchant, sku, location)
    level = stock.lock_levels(work.db, merchant, [sku]).get((sku, location))
    was, reserved = level or (None, 0)
    answer, units = will(wish, was, reserved)
    if answer is Answer.DONE:
        _write(hub, work, merchant, (sku, location, name), wish, was, units)
        _tell_of_it(work, merchant, (sku, location, name), wish, was, units, who)
    return Adjusted(answer, was, units, reserved)


def _name(work: Unit, merchant: str, sku: str, location: str) -> str:
    """The location's."""
    known = {row.id: row.name for row in places.locations(work.db, merchant)}
    if location not in known or goods.one(work.db, merchant, sku) is None:
        raise Refused("there is no such SKU or location")
    return str(known[location])


Shelf = tuple[str, str, str]  # SKU, location, its name


def _write(hub: Hub, work: Unit, merchant: str, shelf: Shelf, wish: Wish, was: int | None, units: int) -> None:
    """A first count may map listings and settle what left before it: that is counting's."""
    if wish.reason is Reason.COUNTED or was is None:
        count_one(hub, work, merchant, Counted(0, shelf[0], "", shelf[2], units))
    else:
        move(hub, work, merchant, shelf, wish.reason.value, units - was)


def move(hub: Hub, work: Unit, merchant: str, shelf: Shelf, cause: str, units: int) -> None:
    """So many units more lie there: every listing of the SKU is looked at, and whoever waits for it."""
    sku, location, _ = shelf
    levels = stock.lock_levels(work.db, merchant, [sku])
    moved = [(sku, location, units, cause, f"adjust/{hub.ids()}")]
    stock.apply(work.db, merchant, Plan(shelves={(sku, location): [units, 0]}, movements=moved), levels, work.now)
    listings.lock_of(work.db, merchant, [sku], [])
    for connection in sorted(listings.touch(work.db, merchant, [sku], None)):
        work.ask(merchant, "publish_stock", connection, connection)
    if units > 0:
        ask_waiting(work, merchant)


def _tell_of_it(work: Unit, merchant: str, shelf: Shelf, wish: Wish, was: int | None, units: int, who: Who) -> None:
    sku, location, name = shelf
    work.happened(merchant, [(f"sku/{sku}", StockAdjusted(location, was, units, wish.reason.value))])
    said = {"location": location, "place": name, "was": was, "became": units, "reason": wish.reason.value, "note": wish.note}
    audit.write(work.db, merchant, work.now, who.id, who.name, "stock.adjust", f"sku/{sku}", **said)
