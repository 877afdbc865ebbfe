"""Joining a running business: what would change at a channel is shown first; writing begins when somebody accepts it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import Refused
from core.hub import Hub
from core.store import connections, listings, orders
from core.store.connections import Connection
from core.store.listings import Shelf
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Change:
    """What a listing shows now and would show. `what`: same, raise, lower, zero; or why it is left alone."""

    listing: str
    sku: str
    title: str
    now: int | None
    after: int | None
    what: str


def changes(hub: Hub, connection: Connection) -> list[Change]:
    """Every listing of a connection, now and after; nothing is written."""
    with hub.database.read() as db:
        shelves = listings.all_of(db, connection.merchant, connection.id)
    return [
        Change(one.listing, one.sku, one.title, one.shown, one.wanted if one.writable is None else None, verdict(one)) for one in shelves
    ]


def verdict(one: Shelf) -> str:
    """same, raise, lower or zero, by what its channel shows; or why it is left alone."""
    if one.writable is not None:
        return one.writable
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


def go_live(hub: Hub, connection: Connection) -> None:
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


def _read_up_to_now(work: Unit, merchant: str) -> None:
    for one in connections.all_of(work.db, merchant):
        work.ask(merchant, "poll_orders", one.id, one.id)


def watch(hub: Hub, connection: Connection) -> None:
    """Write nothing there any more; orders are taken as before."""
    with hub.unit() as work:
        connections.set_live(work.db, connection.id, None)


@dataclass(frozen=True, slots=True)
class Opening:
    """What lies on the shelf of a SKU, as a channel knows it: what it shows, and what is sold and not yet sent."""

    sku: str
    title: str
    shown: int
    open: int

    @property
    def on_hand(self) -> int:
        return self.shown + self.open


def opening(hub: Hub, connection: Connection, *, others_taken_off: bool) -> tuple[list[Opening], list[str]]:
    """The opening stock by what one channel shows, and a line for each SKU that cannot be had from it.

    Open units of the channel itself have left what it shows; those of the other channels have only where somebody or something took
    them off there too (`others_taken_off`): that the merchant must know.
    """
    with hub.database.read() as db:
        shelves = listings.all_of(db, connection.merchant, connection.id)
        sold = orders.open_units(db, connection.merchant, "" if others_taken_off else connection.id)
    return _opening(shelves, sold)


def _opening(shelves: Sequence[Shelf], sold: Counter[str]) -> tuple[list[Opening], list[str]]:
    named = Counter(one.sku.strip() for one in shelves)
    alike = Counter(sku.casefold() for sku in named)
    found, left = [], []
    for one in shelves:
        if why := _why_not(one, named, alike):
            left.append(f"{one.sku or one.listing}: {why}")
        else:
            found.append(Opening(one.sku.strip(), one.title, one.shown or 0, sold[one.sku.strip()]))
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
