"""More was sold than there is: the order is held, and somebody says what shall become of it."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection as Db

from core.domain.events import Event, OrderHeld, OrderReleased, ShortDecided
from core.domain.holds import Why
from core.domain.oversold import Decision, Short, makes
from core.domain.who import Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, desk, oversold, places
from core.store.unit import Unit

BY = "Crossdock"


def hold_or_release(work: Unit, merchant: str, orders: Collection[str]) -> None:
    """Those of these orders that lack units nobody expected to lack are held; those that lack none any more, and that were held for
    it, are let go."""
    rows = oversold.surprised(work.db, merchant, orders)
    held = desk.hold(work.db, merchant, {row.id: Why.OVERSOLD.value for row in rows if row.short and row.held_why is None}, work.now)
    freed = desk.release(work.db, merchant, [row.id for row in rows if not row.short and row.held_why == Why.OVERSOLD])
    work.happened(merchant, [(ref, OrderHeld(Why.OVERSOLD.value, BY)) for ref, _ in held.values()])
    work.happened(merchant, [(ref, OrderReleased(BY)) for ref, _ in freed.values()])


def offers(db: Db, merchant: str, order: str) -> list[Short]:
    """The lines of an order that lack units, and what other locations could send of them."""
    rows = oversold.short(db, merchant, order)
    parts = oversold.parts(db, [row.listing_id for row in rows if row.listing_id is not None])
    skus = {sku for one in parts.values() for sku in one}
    free = oversold.elsewhere(db, merchant, rows[0].connection, skus) if rows else {}
    found = []
    for row in rows:
        mine = parts.get(row.listing_id, {})
        can = {location: makes(mine, free, location, row.missing) for _, location in free}
        offered = {location: units for location, units in can.items() if units}
        found.append(Short(row.line, row.sku, row.missing, row.held, row.decided, mine, offered))
    return found


def decide(hub: Hub, merchant: str, order: str, what: Decision | None, who: Who, location: str = "") -> None:
    """Say what shall become of an order's missing units; None: nothing is said any more. Raises Refused where none are missing, or the
    location has none of them."""
    with hub.unit() as work:
        decide_in(work, merchant, order, what, who, location)


def decide_in(work: Unit, merchant: str, order: str, what: Decision | None, who: Who, location: str = "") -> None:
    """The same in the caller's transaction."""
    rows = oversold.short(work.db, merchant, order)
    if not rows:
        raise Refused("no units of that order are missing")
    ref = f"{rows[0].connection}/{rows[0].channel_id}"
    name = _send_from(work, merchant, order, ref, location) if what is Decision.ELSEWHERE else ""
    if what is not Decision.ELSEWHERE:
        oversold.decide(work.db, merchant, order, what)
    hold_or_release(work, merchant, [order])
    fact: Event = ShortDecided(what or "", name, who.name)
    work.happened(merchant, [(ref, fact)])
    audit.write(work.db, merchant, work.now, who.id, who.name, "order.short", order, what=what or "", location=name)


def _send_from(work: Unit, merchant: str, order: str, ref: str, location: str) -> str:
    """Its name. What is there is reserved at once."""
    names: Mapping[str, str] = {row.id: row.name for row in places.locations(work.db, merchant)}
    units = {one.line: {location: one.elsewhere[location]} for one in offers(work.db, merchant, order) if location in one.elsewhere}
    if location not in names or not units:
        raise Refused("that location has none of what is missing")
    oversold.send_from(work.db, order, units)
    work.ask(merchant, "reserve", ref, ref.split("/", 1)[0])
    return names[location]
