"""Reserving stock for sets of orders: lock the shelves, decide once, write the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.stock import Dues, LineStock, Plan, settle
from core.domain.tasks import Claim
from core.hub import Hub
from core.store import listings, orders, stock
from core.store.connections import Connection
from core.store.listings import Mapped, Name
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Wish:
    """An order line that wants its books settled; `sold` are units that the channel itself took off what it shows
    (None: it may have moved it either way)."""

    order: str
    ref: str
    connection: str
    line: str
    listing: str
    sku: str
    placed_at: int
    due: Dues
    booked: orders.Booked
    ships: bool = True
    sold: int | None = 0


def settle_lines(work: Unit, merchant: str, wishes: Sequence[Wish], places: Sequence[str]) -> Plan:
    """Bring the shelves to what these lines demand, and ask for every channel to be told."""
    maps = _maps(work, merchant, wishes)
    parts = {part for one in maps.values() for part in one.parts}
    held = [wish.order for wish in wishes if wish.booked.held]
    reserved = stock.reserved(work.db, merchant, held)
    levels = stock.lock_levels(work.db, merchant, parts)
    plan = settle([_line(wish, maps, reserved) for wish in wishes], levels, places)
    stock.apply(work.db, merchant, plan, levels, work.now)
    _book(work, merchant, plan, wishes)
    _tell(work, merchant, plan, wishes, maps)
    return plan


def _maps(work: Unit, merchant: str, wishes: Sequence[Wish]) -> dict[Name, Mapped]:
    """The listings that these lines sell; what nobody has read yet is added and proposed by its SKU."""
    names = {_name(wish) for wish in wishes}
    maps = listings.mapped(work.db, merchant, names) if names else {}
    if missing := names - maps.keys():
        listings.add(work.db, merchant, missing)
        listings.propose(work.db, merchant)
        maps |= listings.mapped(work.db, merchant, missing)
    return maps


def _name(wish: Wish) -> Name:
    return (wish.connection, wish.listing, wish.sku)


def _line(wish: Wish, maps: Mapping[Name, Mapped], reserved: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]) -> LineStock:
    return LineStock(
        order=wish.order,
        line=wish.line,
        placed_at=wish.placed_at,
        due=wish.due,
        held=wish.booked.held,
        booked_gone=wish.booked.gone,
        booked_back=wish.booked.back,
        parts=maps[_name(wish)].parts or None,
        reserved=reserved.get((wish.order, wish.line), {}),
        ships=wish.ships,
        waits=wish.booked.waits,
    )


def _book(work: Unit, merchant: str, plan: Plan, wishes: Sequence[Wish]) -> None:
    rows = [
        {"order_id": line.order, "line": line.line, "held": held, "gone": gone, "back": back, "waits": waits}
        for line, held, gone, back, waits in plan.lines
        if (held, gone, back, waits) != (line.held, line.booked_gone, line.booked_back, line.waits)
    ]
    orders.book_lines(work.db, rows)
    refs = {wish.order: wish.ref for wish in wishes}
    work.happened(merchant, [(refs[order], fact) for order, fact in plan.events])


def _tell(work: Unit, merchant: str, plan: Plan, wishes: Sequence[Wish], maps: Mapping[Name, Mapped]) -> None:
    """Channels that sold believe less already; all listings of what moved are looked at."""
    lowered: dict[int, int | None] = {}
    for wish in wishes:
        one = maps[_name(wish)]
        if wish.sold is None:
            lowered[one.id] = None
        elif wish.sold and wish.placed_at > one.shown_at and lowered.get(one.id, 0) is not None:
            lowered[one.id] = (lowered.get(one.id) or 0) + wish.sold
    listings.sold(work.db, lowered)
    since = min((wish.placed_at for wish in wishes if wish.due.hold), default=None)
    for connection in sorted(listings.touch(work.db, merchant, plan.skus, since)):
        work.ask(merchant, "publish_stock", connection, connection)


def wish_of(row: Any) -> Wish:
    """A wish from a row of `orders.lines_of`."""
    return Wish(
        order=row.order_id, ref=f"{row.connection}/{row.channel_id}", connection=row.connection, line=row.line, listing=row.listing,
        sku=row.sku, placed_at=row.placed_at, due=Dues(row.hold, row.gone, row.back, row.back_to),
        booked=orders.Booked(row.held, row.booked_gone, row.booked_back, row.waits),
    )  # fmt: skip


def places_for(connection: Connection | None, places: Sequence[str]) -> list[str]:
    """Our locations, the connection's own first."""
    first = connection.location if connection else None
    return sorted(places, key=lambda place: place != first)


def reserve(hub: Hub, claim: Claim) -> None:
    """Settle the lines of these orders again: stock came in, or somebody mapped a listing."""
    with hub.unit(claim) as work:
        rows = orders.lines_of(work.db, claim.merchant, claim.subjects)
        settle_lines(work, claim.merchant, [wish_of(row) for row in rows], stock.places(work.db, claim.merchant))


def ask_waiting(work: Unit, merchant: str) -> int:
    """Lines that waited for stock or a map get another look. Gives how many orders."""
    refs = {ref: None for waits in ("stock", "mapping") for ref in orders.waiting(work.db, merchant, waits)}
    for ref in refs:
        work.ask(merchant, "reserve", ref, ref.split("/", 1)[0])
    return len(refs)
