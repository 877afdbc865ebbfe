"""Joining a running business: what would change at a channel is shown first; writing begins when somebody accepts it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.order import Order
from core.domain.places import PlaceMap
from core.domain.stock import ANYWHERE
from core.domain.who import COMMAND_LINE, Who
from core.errors import Refused
from core.hub import Hub
from core.store import audit, connections, kin, listings, orders, places
from core.store.connections import Connection
from core.store.listings import Shelf
from core.store.unit import Unit

Units = Counter[tuple[str, str]]  # by SKU and location; the location is "" where the channel did not say one


@dataclass(frozen=True, slots=True)
class Change:
    """What a listing shows now and would show. `what`: same, raise, lower, zero; or why it is left alone. `place` is the channel's name of
    the location, where it keeps stock by location."""

    listing: str
    sku: str
    title: str
    now: int | None
    after: int | None
    what: str
    place: str = ""


def changes(hub: Hub, connection: Connection) -> list[Change]:
    """Every listing of a connection, now and after; nothing is written."""
    with hub.database.read() as db:
        shelves = listings.all_of(db, connection.merchant, connection.id)
    return [
        Change(one.listing, one.sku, one.title, one.shown, one.wanted if one.writable is None else None, verdict(one), one.place_name)
        for one in shelves
    ]


def verdict(one: Shelf) -> str:
    """same, raise, lower or zero, by what its channel shows; or why it is left alone."""
    if one.writable is not None:
        return one.writable
    if not one.ours:
        return "its place is none of our locations" if one.decided else "nobody said which location its place is"
    if one.wanted is None:
        return "nobody counted its SKU" if one.parts else "not mapped"
    if one.shown is None or one.wanted == one.shown:
        return "same" if one.shown is not None else "unknown"
    if not one.wanted:
        return "zero"
    return "raise" if one.wanted > one.shown else "lower"


def not_ready(hub: Hub, connection: Connection) -> str:
    """What is missing before writing may begin, in words; "" when nothing is."""
    with hub.database.read() as db:
        read, page = connections.mark(db, connection.id, "listings")
        polled, older = connections.mark(db, connection.id, "orders")
    if not read or page is not None:
        return "its listings are not read yet"
    if not polled or older is not None:
        return "its orders are not read yet"
    return "" if connection.state == "active" else f"it is {connection.state}: {connection.reason or ''}"


def go_live(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Write its stock from now on. First the orders of all channels are read up to now, then what each listing shows. Raises Refused
    where `not_ready` says why."""
    if why := not_ready(hub, connection):
        raise Refused(why, connection=connection.id)
    with hub.unit() as work:
        connections.set_live(work.db, connection.id, work.now)
        connections.set_mark(work.db, connection.merchant, connection.id, "zeros accepted", work.now)
        listings.look_again(work.db, connection.id)
        _read_up_to_now(work, connection.merchant)
        work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        _say(work, connection, who, "connection.live")


def _say(work: Unit, connection: Connection, who: Who, act: str) -> None:
    audit.write(work.db, connection.merchant, work.now, who.id, who.name, act, connection.id)


def _read_up_to_now(work: Unit, merchant: str) -> None:
    for one in connections.all_of(work.db, merchant):
        work.ask(merchant, "poll_orders", one.id, one.id)


def watch(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Write nothing there any more; orders are taken as before."""
    with hub.unit() as work:
        connections.set_live(work.db, connection.id, None)
        _say(work, connection, who, "connection.watch")


def pause(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Neither read nor write there; what comes by webhook is kept. Raises Refused for one that does not run."""
    if connection.state != "active":
        raise Refused(f"it does not run, it is {connection.state}", connection=connection.id)
    with hub.unit() as work:
        connections.set_state(work.db, connection.id, "paused", "by hand")
        _say(work, connection, who, "connection.pause")


def resume(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Go on where we stopped. A connection that is live writes again once the orders of all channels are read up to now. Raises Refused
    for one that is not paused."""
    if connection.state != "paused":
        raise Refused(f"it is not paused, it is {connection.state}", connection=connection.id)
    with hub.unit() as work:
        connections.set_state(work.db, connection.id, "active", None)
        if connection.role == connections.CHANNEL:
            come_back(work, connection.merchant)
        _say(work, connection, who, "connection.resume")


def disconnect(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> None:
    """Let go of what opens the account. Its orders and their history stay, and it may be connected again."""
    with hub.unit() as work:
        connections.shut(work.db, connection.id, "disconnected", "by hand")
        connections.set_live(work.db, connection.id, None)
        _say(work, connection, who, "connection.disconnect")


def come_back(work: Unit, merchant: str) -> None:
    """Somebody was away: whatever is live writes again once the orders of all channels are read up to now."""
    connections.wait_for_orders(work.db, merchant, work.now)
    for one in connections.all_of(work.db, merchant):
        for kind in ("poll_orders", "publish_stock") if one.state == "active" else ():
            work.ask(merchant, kind, one.id, one.id)


@dataclass(frozen=True, slots=True)
class Opening:
    """What lies on the shelf of a SKU, as a channel knows it: what it shows, and what is sold and not yet sent. `location` is ours; "" is
    the only one there is."""

    sku: str
    title: str
    shown: int
    open: int
    location: str = ""

    @property
    def on_hand(self) -> int:
        return self.shown + self.open


def opening(hub: Hub, connection: Connection, *, others_taken_off: bool) -> tuple[list[Opening], list[str]]:
    """The opening stock by what one channel shows, for each of its places that stands for one of our locations; and a line for each SKU
    that cannot be had from it.

    Open units of the channel itself have left what it shows; those of the other channels have only where somebody or something took
    them off there too (`others_taken_off`): that the merchant must know. A copy of another channel's order is what took them off.
    """
    with hub.database.read() as db:
        shelves = listings.all_of(db, connection.merchant, connection.id)
        sold = orders.open_units(db, connection.merchant, connection.id)
        everyones = orders.open_units(db, connection.merchant) if others_taken_off else sold
        copies = [] if others_taken_off else kin.copies_in(db, connection.merchant, connection.id)
        map_ = places.map_of(db, connection.id, connection.location)
    if not (connection.own_map or map_.is_split):
        map_ = ANYWHERE
    units = _by_location(sold, everyones, map_) + _by_location(Counter(), _taken_off(copies), map_)
    return _opening(shelves, units, map_)


def _taken_off(copies: Sequence[Order]) -> Units:
    """What copies of other channels' orders took off here."""
    open_ = ((line.sku.strip(), line.open) for copy in copies for line in copy.lines if line.sku and not copy.is_cancelled)
    found = Units()
    for sku, units in open_:
        found[sku, ""] += units
    return found


def _by_location(sold: Units, everyones: Units, map_: PlaceMap) -> Units:
    """Units by (SKU, location): the channel's own where it sends them from, what it did not say and the other channels' where it begins."""
    first, found = (map_.locations or [""])[0], Counter[tuple[str, str]]()
    for (sku, location), units in everyones.items():
        mine = min(units, sold[sku, location]) if location in map_.locations else 0
        found[sku, location] += mine
        found[sku, first] += units - mine
    return found


def _opening(shelves: Sequence[Shelf], sold: Units, map_: PlaceMap) -> tuple[list[Opening], list[str]]:
    named = Counter(sku.strip() for _, sku in {(one.listing, one.sku) for one in shelves})
    alike = Counter(sku.casefold() for sku in named)
    found, left = [], []
    for one in shelves:
        sku, location = one.sku.strip(), map_.heads.get(one.place, "")
        if why := _why_not(one, named, alike) or ("" if location or not map_.ours else f"{one.place_name} is none of our locations"):
            left.append(f"{one.sku or one.listing}: {why}")
        else:
            found.append(Opening(sku, one.title, one.shown or 0, sold[sku, location], location))
    return found, left


def _why_not(one: Shelf, named: Counter[str], alike: Counter[str]) -> str:
    sku = one.sku.strip()
    if not sku:
        return "the listing has no SKU"
    if named[sku] > 1:
        return f"{named[sku]} listings have this SKU; count it"
    if alike[sku.casefold()] > 1:
        return "another listing's SKU differs by case only; say which is which, and count both"
    if one.writable is not None:
        return one.writable
    return "" if one.shown is not None else "the channel does not say how many it shows"


def lines(found: Sequence[Opening]) -> Iterator[dict[str, object]]:
    """As rows of a count."""
    for one in found:
        yield {"sku": one.sku, "title": one.title, "on_hand": one.on_hand}
