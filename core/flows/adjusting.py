"""Adjusting a shelf by hand, one at a time: what changes is told to every channel and to whoever waits for it."""

from dataclasses import dataclass

from core.domain.adjusting import Answer, Reason, Shelf, Wish, back, moves, will
from core.domain.counts import Counted
from core.domain.events import StockAdjusted
from core.domain.places import LocationKind
from core.domain.who import Who
from core.errors import Refused
from core.flows.allocation import ask_waiting, tell_of
from core.flows.counting import count_one
from core.hub import Hub
from core.store import audit, counts, goods, places, stock
from core.store.stock import Move
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What became of it: what lay there before and lies there now, which is the same where nothing was changed. `back` undoes it."""

    answer: Answer
    was: Shelf
    now: Shelf
    back: Wish | None = None


def adjust(hub: Hub, merchant: str, sku: str, location: str, wish: Wish, who: Who) -> Adjusted:
    """Do what somebody wants of a shelf, if it is still as they saw it. Raises Refused for a SKU or a location that is not there."""
    with hub.unit() as work:
        return adjust_in(hub, work, merchant, sku, location, wish, who)


def adjust_in(hub: Hub, work: Unit, merchant: str, sku: str, location: str, wish: Wish, who: Who) -> Adjusted:
    """The same in the caller's transaction."""
    name = _name(work, merchant, sku, location)
    stock.lock_levels(work.db, merchant, [sku])
    level = counts.levels(work.db, merchant, [sku]).get((sku, location))
    was = Shelf(level.on_hand, level.reserved, level.damaged) if level else Shelf(None)
    answer, now = will(wish, was)
    if answer is not Answer.DONE:
        return Adjusted(answer, was, now)
    _write(hub, work, merchant, (sku, location, name), wish, was, now)
    _tell_of_it(work, merchant, (sku, location, name), wish, was, now, who)
    return Adjusted(answer, was, now, back(wish, was, now))


def _name(work: Unit, merchant: str, sku: str, location: str) -> str:
    """The location's."""
    known = {row.id: row for row in places.locations(work.db, merchant)}
    if location not in known or goods.one(work.db, merchant, sku) is None:
        raise Refused("there is no such SKU or location")
    if known[location].kind == LocationKind.FBA:
        raise Refused(f"{known[location].name} is Amazon's own: its levels are read, not written")
    return str(known[location].name)


At = tuple[str, str, str]  # SKU, location, its name


def _write(hub: Hub, work: Unit, merchant: str, at: At, wish: Wish, was: Shelf, now: Shelf) -> None:
    """A first count may map listings and settle what left before it: that is counting's."""
    if wish.reason is Reason.COUNTED or was.on_hand is None:
        count_one(hub, work, merchant, Counted(0, at[0], "", at[2], now.on_hand))
    else:
        units, damaged = moves(wish.reason, wish.units)
        move(work, merchant, Move(at[0], at[1], units, damaged, wish.reason.value, f"adjust/{hub.ids()}"))


def move(work: Unit, merchant: str, one: Move) -> None:
    """So many units more lie there: every listing of the SKU is looked at, and whoever waits for it."""
    stock.move(work.db, merchant, [one], work.now)
    if one.units:
        tell_of(work, merchant, [one.sku])
    if one.units > 0:
        ask_waiting(work, merchant)


def _tell_of_it(work: Unit, merchant: str, at: At, wish: Wish, was: Shelf, now: Shelf, who: Who) -> None:
    sku, location, name = at
    work.happened(merchant, [(f"sku/{sku}", StockAdjusted(location, was.on_hand, now.on_hand or 0, wish.reason.value))])
    said = {"location": location, "place": name, "was": was.on_hand, "became": now.on_hand, "reason": wish.reason.value, "note": wish.note}
    said |= {"damaged": now.damaged} if now.damaged != was.damaged else {}
    audit.write(work.db, merchant, work.now, who.id, who.name, "stock.adjust", f"sku/{sku}", **said)
