"""Putting kits together in advance, and taking them apart: parts leave and kits come in one transaction, and every channel is told."""

from dataclasses import dataclass

from core.domain import assembling as rules
from core.domain.assembling import Assembly
from core.domain.events import StockAdjusted
from core.domain.who import Who
from core.errors import Refused
from core.flows.allocation import ask_waiting
from core.hub import Hub
from core.store import audit, goods, listings, places, stock
from core.store.unit import Unit


class CannotAssemble(Exception):
    """`words` say why, with %(sku)s, %(free)s and %(needed)s."""

    def __init__(self, words: str, sku: str, free: int = 0, needed: int = 0) -> None:
        self.words, self.values = words, {"sku": sku, "free": free, "needed": needed}
        super().__init__(words % self.values)


@dataclass(frozen=True, slots=True)
class Assembled:
    """What became of it: kits on hand at the location before and now."""

    what: Assembly
    was: int
    now: int


def assemble(hub: Hub, merchant: str, what: Assembly, who: Who) -> Assembled:
    """Raises CannotAssemble where it cannot be meant or too little is free, Refused for a SKU or a location that is not there."""
    with hub.unit() as work:
        return assemble_in(hub, work, merchant, what, who)


def assemble_in(hub: Hub, work: Unit, merchant: str, what: Assembly, who: Who) -> Assembled:
    """The same in the caller's transaction."""
    words, sku = rules.wrong(what)
    if words:
        raise CannotAssemble(words, sku)
    name = _location(work, merchant, what)
    levels = stock.lock_levels(work.db, merchant, [what.sku, *what.parts])
    if lack := rules.short(what, levels):
        raise CannotAssemble(rules.SHORT, *lack)
    plan = rules.plan(what, f"{rules.BEFORE}{hub.ids()}")
    stock.apply(work.db, merchant, plan, levels, work.now)
    was = levels.get((what.sku, what.location), (0, 0))[0]
    _tell(work, merchant, what)
    facts = [_fact(what, levels, sku, units) for (sku, _), (units, _) in sorted(plan.shelves.items())]
    work.happened(merchant, [(f"sku/{sku}", fact) for (sku, _), fact in zip(sorted(plan.shelves), facts, strict=True)])
    said = {"place": name, "location": what.location, "units": what.units, "parts": dict(what.parts)}
    audit.write(work.db, merchant, work.now, who.id, who.name, "stock.assemble", f"sku/{what.sku}", **said)
    return Assembled(what, was, was + what.units)


def _location(work: Unit, merchant: str, what: Assembly) -> str:
    """Its name."""
    known = {row.id: str(row.name) for row in places.locations(work.db, merchant)}
    skus = [what.sku, *what.parts]
    if strangers := sorted(set(skus) - goods.known(work.db, merchant, skus)):
        raise Refused(f"there is no SKU {strangers[0]}")
    if what.location not in known:
        raise Refused("there is no such location")
    return known[what.location]


def _fact(what: Assembly, levels: dict[tuple[str, str], tuple[int, int]], sku: str, units: int) -> StockAdjusted:
    level = levels.get((sku, what.location))
    return StockAdjusted(what.location, level[0] if level else None, (level[0] if level else 0) + units, what.cause)


def _tell(work: Unit, merchant: str, what: Assembly) -> None:
    skus = [what.sku, *what.parts]
    listings.lock_of(work.db, merchant, skus, [])
    for connection in sorted(listings.touch(work.db, merchant, skus, None)):
        work.ask(merchant, "publish_stock", connection, connection)
    ask_waiting(work, merchant)
