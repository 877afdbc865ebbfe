"""Reserving stock for sets of orders: lock the shelves, decide once, write the difference."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from core.domain.kin import hand_over
from core.domain.places import PlaceMap
from core.domain.stock import ANYWHERE, Dues, Key, LineStock, Plan, settle
from core.domain.stored import Theirs
from core.domain.tasks import Claim
from core.flows import oversold
from core.hub import Hub
from core.store import doubts, listings, orders, places, shipments, stock, stored
from core.store.listings import Mapped, Moved, Name
from core.store.orders import Booked, booked_of
from core.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Wish:
    """An order line that wants its books settled; `sold` are units that the channel itself took off what it shows, between
    `sold_from` and `changed_at` (None: it may have moved it either way, up by `back` at most); `heir` is our id of the order that stands
    for it now."""

    order: str
    ref: str
    connection: str
    line: str
    listing: str
    sku: str
    placed_at: int
    due: Dues
    booked: Booked
    ships: bool = True
    sold: int | None = 0
    back: int = 0
    sold_from: int = 0
    changed_at: int = 0
    assigned: Mapping[str, int] = field(default_factory=dict)
    places: PlaceMap = ANYWHERE
    heir: str | None = None
    merge_key: str | None = None
    title: str = ""


def settle_lines(work: Unit, merchant: str, wishes: Sequence[Wish], still: Sequence[Wish] = ()) -> None:
    """Bring the shelves to what these lines demand, write the lines, and ask for every channel to be told. Of lines that are
    `still` nothing moves: they are only written."""
    maps = _maps(work, merchant, wishes)
    held = [wish.order for wish in wishes if wish.booked.held]
    reserved = stock.reserved(work.db, merchant, held)
    parts = {part for one in maps.values() for part in one.parts} | {sku for shelves in reserved.values() for sku, _ in shelves}
    levels, theirs = stock.lock_shelves(work.db, merchant, parts)
    theirs = _theirs(work, merchant, wishes, reserved, theirs)
    staying = _staying(work, merchant, wishes, reserved)
    lines, moved, carried = hand_over([_line(wish, maps, reserved, staying) for wish in wishes])
    plan = settle(lines, levels, theirs)
    plan.reservations = moved | plan.reservations
    plan.events[:0] = carried
    stock.apply(work.db, merchant, plan, levels, work.now)
    refs = {wish.order: wish.ref for wish in wishes}
    work.happened(merchant, [(refs[order], fact) for order, fact in plan.events])
    booked = {(line.order, line.line): Booked(held, gone, back, waits) for line, held, gone, back, waits in plan.lines}
    rows = [_line_row(wish, booked[wish.order, wish.line]) for wish in wishes] + [_line_row(wish, wish.booked) for wish in still]
    orders.save_lines(work.db, merchant, rows)
    short = {(wish.order, wish.line) for wish in wishes if "stock" in (wish.booked.waits, booked[wish.order, wish.line].waits)}
    lacking = {sku for wish in wishes if (wish.order, wish.line) in short for sku in maps[_name(wish)].parts}
    _tell(work, merchant, plan, wishes, maps, lacking)
    if short:
        oversold.hold_or_release(work, merchant, {order for order, _ in short})
    if plan.frees:
        ask_waiting(work, merchant)


Reserved = Mapping[tuple[str, str], Mapping[Key, int]]


def _theirs(work: Unit, merchant: str, wishes: Sequence[Wish], reserved: Reserved, theirs: Theirs) -> Theirs:
    """The same, with what the channels were asked for of these lines where some of it lies there, and what they sent where some came
    back."""
    if not theirs.counted:
        return theirs
    lies = {order for (order, _), shelves in reserved.items() if theirs.counted & {place for _, place in shelves}}
    ever, live = stored.asked_of(work.db, merchant, lies)
    back = {wish.order for wish in wishes if wish.due.back != wish.booked.back}
    return replace(theirs, asked=ever, leaving=live, sent=stored.sent_of(work.db, merchant, back))


def _staying(work: Unit, merchant: str, wishes: Sequence[Wish], reserved: Reserved) -> Reserved:
    """Of lines that lie at several locations and of which something left: what open shipments are still to take, by the shelf."""
    leave = [wish for wish in wishes if wish.due.gone > wish.booked.gone]
    split = {wish.order for wish in leave if len({place for _, place in reserved.get((wish.order, wish.line), ())}) > 1}
    found: dict[tuple[str, str], dict[Key, int]] = {}
    for one in shipments.loaded(work.db, merchant, split):
        mine = found.setdefault((one.order_id, one.line), {})
        for sku, each in one.parts.items():
            mine[sku, one.location] = mine.get((sku, one.location), 0) + each * one.units
    return found


def _maps(work: Unit, merchant: str, wishes: Sequence[Wish]) -> dict[Name, Mapped]:
    """The listings that these lines sell; what nobody has read yet is added and proposed by its SKU."""
    names = {_name(wish) for wish in wishes}
    maps = listings.mapped(work.db, merchant, names) if names else {}
    if missing := names - maps.keys():
        listings.add(work.db, merchant, {_name(wish): wish.title for wish in wishes if _name(wish) in missing})
        listings.propose_these(work.db, merchant, missing)
        maps |= listings.mapped(work.db, merchant, missing)
    return maps


def _name(wish: Wish) -> Name:
    return (wish.connection, wish.listing, wish.sku)


def _line(wish: Wish, maps: Mapping[Name, Mapped], reserved: Reserved, staying: Reserved) -> LineStock:
    one = maps[_name(wish)]
    return LineStock(
        order=wish.order,
        line=wish.line,
        placed_at=wish.placed_at,
        due=replace(wish.due, hold=0) if one.split else wish.due,
        held=wish.booked.held,
        booked_gone=wish.booked.gone,
        booked_back=wish.booked.back,
        parts={} if one.split else one.parts or None,
        alone=one.alone,
        reserved=reserved.get((wish.order, wish.line), {}),
        staying=staying.get((wish.order, wish.line), {}),
        ships=wish.ships,
        waits=wish.booked.waits,
        assigned={**wish.assigned, **wish.booked.ours},
        places=wish.places,
        heir=wish.heir,
    )


def _line_row(wish: Wish, booked: Booked) -> dict[str, Any]:
    """A row for `orders.save_lines`."""
    return {
        "order_id": wish.order,
        "line": wish.line,
        "listing": wish.listing,
        "sku": wish.sku,
        "hold": wish.due.hold,
        "gone": wish.due.gone,
        "back": wish.due.back,
        "back_to": wish.due.back_to,
        "ships": wish.ships,
        "held": booked.held,
        "booked_gone": booked.gone,
        "booked_back": booked.back,
        "waits": booked.waits,
        "assigned": msgspec.json.encode(wish.assigned).decode() if wish.assigned else None,
        "merge_key": wish.merge_key,
    }


def _tell(work: Unit, merchant: str, plan: Plan, wishes: Sequence[Wish], maps: Mapping[Name, Mapped], lacking: Collection[str]) -> None:
    """Channels that sold believe less already; all listings of what moved, or of what orders wait for, are looked at. What each showed when
    is read with its lock: a push may have been answered since its map was read, and would be taken to have come before the sale."""
    skus, sellers = plan.skus.union(lacking), [maps[_name(wish)] for wish in wishes if wish.sold != 0]
    learned = listings.lock_of(work.db, merchant, skus, {id for one in sellers for id in one.rows})
    known = {name: replace(one, rows=one.rows | _of(one.rows, learned)) for name, one in maps.items()}
    moved = moves(wishes, known)
    since = min((wish.placed_at for wish in wishes if wish.due.hold), default=None)
    doubts.explained(work.db, explains(wishes, known))
    for connection in sorted(listings.sold(work.db, moved, work.now) | listings.touch(work.db, merchant, skus, since)):
        work.ask(merchant, "publish_stock", connection, connection)


def _of(rows: Collection[int], learned: Mapping[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    return {id: learned[id] for id in rows if id in learned}


def moves(wishes: Iterable[Wish], maps: Mapping[Name, Mapped]) -> dict[int, Moved]:
    """What the channels themselves did to what these listings show, by the row."""
    found: dict[int, Moved] = {}
    for wish in wishes:
        for id, sold in _lowers(wish, maps[_name(wish)]).items():
            if sold != 0:
                found[id] = found.get(id, Moved()).and_by(sold, wish.back)
    return found


def explains(wishes: Iterable[Wish], maps: Mapping[Name, Mapped]) -> list[dict[str, int | None]]:
    """What was sold before the figure that we believe of a listing: it has these taken off, or may have. Without `by` where nobody knows
    of which place's listing."""
    lowered = ((id, wish, sold) for wish in wishes for id, sold in _lowers(wish, maps[_name(wish)]).items())
    return [
        {"id": id, "units": wish.sold, "since": wish.sold_from, "by": _sold_by(wish, maps[_name(wish)])}
        for id, wish, sold in lowered
        if wish.sold and sold != wish.sold
    ]


def _sold_by(wish: Wish, one: Mapped) -> int | None:
    return wish.changed_at + SECOND if len(one.rows) == 1 else None


def tell_of(work: Unit, merchant: str, skus: Iterable[str]) -> None:
    """What may be shown of these SKUs is another number: every channel that sells them looks. Levels are locked before."""
    wanted = sorted(set(skus))
    listings.lock_of(work.db, merchant, wanted, [])
    for connection in sorted(listings.touch(work.db, merchant, wanted, None)):
        work.ask(merchant, "publish_stock", connection, connection)


SECOND = 1_000_000  # channels tell the moment of a sale in whole seconds


def _lowers(wish: Wish, one: Mapped) -> dict[int, int | None]:
    """What this sale takes off what we believe the channel shows, by the listing's row. None where it may have come off or not: one that
    is stocked at several places was sold from any of them."""
    if wish.sold == 0 or len(one.rows) == 1:
        return {id: _lowered(wish, *learned) for id, learned in one.rows.items()}
    return dict.fromkeys(one.rows)


def _lowered(wish: Wish, shown_from: int, shown_at: int) -> int | None:
    """The same for one row: it is not known where the sale fell into the call that taught us, or changed since."""
    if not wish.sold or wish.sold_from > shown_at:
        return wish.sold
    return 0 if wish.changed_at + SECOND <= shown_from else None


def wish_of(row: Any, places: PlaceMap) -> Wish:
    """A wish from a row of `orders.lines_of`."""
    return Wish(
        order=row.order_id, ref=f"{row.connection}/{row.channel_id}", connection=row.connection, line=row.line, listing=row.listing,
        sku=row.sku, placed_at=row.placed_at, due=Dues(row.hold, row.gone, row.back, row.back_to),
        booked=booked_of(row), ships=bool(row.ships), places=places, merge_key=row.merge_key,
        assigned=msgspec.json.decode(row.assigned) if row.assigned else {},
    )  # fmt: skip


def reserve(hub: Hub, claim: Claim) -> None:
    """Settle the lines of these orders again: stock came in, or somebody mapped a listing."""
    connection = hub.connection(claim.connection)
    with hub.unit(claim) as work:
        map_ = places.map_of(work.db, connection.id, connection.location)
        wishes = [wish_of(row, map_) for row in orders.lines_of(work.db, claim.merchant, claim.subjects)]
        settle_lines(work, claim.merchant, wishes)
        ask_waiting(work, claim.merchant)


def ask_waiting(work: Unit, merchant: str) -> int:
    """Lines that wait for stock that is there now, or for a map that somebody made, get another look. Gives how many orders."""
    refs = {ref: None for waits in ("stock", "mapping") for ref in orders.waiting(work.db, merchant, waits)}
    ask_reserve(work, merchant, refs)
    return len(refs)


def ask_reserve(work: Unit, merchant: str, refs: Iterable[str]) -> None:
    """The lines of these orders are settled again."""
    for ref in refs:
        work.ask(merchant, "reserve", ref, ref.split("/", 1)[0])


def map_listing(work: Unit, merchant: str, name: Name, parts: Mapping[str, int]) -> bool:
    """Say which SKUs one unit of a listing consumes; the lines that sell it are settled anew. False where there is no such listing."""
    ask_reserve(work, merchant, orders.selling(work.db, merchant, name))
    done = listings.map_parts(work.db, merchant, name, parts)
    ask_waiting(work, merchant)
    work.ask(merchant, "publish_stock", name[0], name[0])
    return done
