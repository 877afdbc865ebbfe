"""Shipments as their pages show them: what stops one, what of an order it was made for, and what is in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.bench import Piece
from core.domain.order import Address, Order
from core.domain.shipments import OPEN, PICKUP, Load, State, Stop, pieces, stops
from core.flows.releasing import person_of
from core.hub import Hub
from core.store import cards, checks, corrections, parcels, shipment_list, shipments
from core.store.shipments import Facts
from core.store.vault import Box

_order = msgspec.json.Decoder(Order)


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """A shipment as its row says it, with its order; `stop` is why it must not go on, `words` the carrier's own, `to` whom it goes to,
    `better` how a carrier would write that."""

    row: Any
    order: Order
    stop: Stop | None
    words: str
    to: Address | None
    better: tuple[Address, ...] = ()

    @property
    def state(self) -> State:
        return State(self.row.state)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_bought_now(self) -> bool:
        """A label of it is being bought, or somebody must say what became of that."""
        return bool(self.row.bought == "asked")


def seen(hub: Hub, merchant: str, rows: Iterable[Any]) -> list[Seen]:
    """Rows of core/store/shipment_list.py, read; nothing is asked of the database."""
    box = hub.box(merchant)
    return [_seen(row, box) for row in rows if row.doc is not None]


def _seen(row: Any, box: Box) -> Seen:
    reached = corrections.reached(row, row.order_id, box)
    person, order, held = reached.person, _order.decode(row.doc), row.held_at is not None
    ref = f"{row.connection}/{row.channel_id}"
    facts = Facts(
        row.order_id,
        ref,
        row.order_name,
        row.channel_id,
        row.connection,
        order,
        person,
        held,
        row.ship_by,
        bool(row.off),
        bool(row.waived),
        torn=reached.torn,
    )
    is_open = row.state in OPEN
    now = {"held": held, "person": person_of(box, facts) if row.way != PICKUP else "", "was": row.was, "over": bool(row.over)}
    stop = stops(order, **now, off=facts.off, waived=facts.waived, torn=facts.torn, way="" if row.again else row.way) if is_open else None
    words = box.open_text(f"shipments|words|{row.id}", row.problem_words).decode() if row.problem_words else ""
    return Seen(row, order, stop, words, (person.final_ship_to or person.ship_to) if person else None, checks.better_of(row, row.id, box))


def one(hub: Hub, db: Connection, merchant: str, name: str) -> Seen | None:
    """By what its papers say, or its id. One statement."""
    row = shipment_list.one(db, merchant, name)
    return next(iter(seen(hub, merchant, [row])), None) if row else None


def loads(db: Connection, merchant: str, one: Seen) -> list[Load]:
    return shipments.loads(db, merchant, [one.row.id]).get(one.row.id, [])


def whole(db: Connection, merchant: str, one: Seen) -> list[Load]:
    """What is in its parcel, with what others' orders have in it."""
    mates = [row.id for row in shipment_list.parcel_mates(db, merchant, one.row.id)] if one.row.others else [one.row.id]
    found = shipments.loads(db, merchant, mates)
    return [load for id in mates for load in found.get(id, ())]


def to_scan(db: Connection, merchant: str, some: Iterable[Load]) -> list[Piece]:
    """What is in it, by SKU, with the barcodes by which each can be scanned."""
    lines = list(some)
    wanted = pieces(lines)
    titles = {sku: load.title for load in lines for sku in load.parts if len(load.parts) == 1}
    coded = cards.barcodes(db, merchant, sorted(wanted))
    return [Piece(sku, titles.get(sku, ""), wanted[sku], coded.get(sku, ())) for sku in sorted(wanted)]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is another now: lines (title, units here, units that others of the order have now), and the address that it was for."""

    lines: tuple[tuple[str, int, int], ...] = ()
    address: Address | None = None
    after: tuple[str, ...] = ()


def difference(hub: Hub, db: Connection, merchant: str, one: Seen) -> Difference:
    """What stops it, held against what is so now. At most two statements."""
    rows = shipment_list.of_order(db, merchant, one.row.order_id)
    mine = {row.title: row.units for row in rows if row.id == one.row.id and row.title}
    later = [row for row in rows if row.number > one.row.number and row.state != State.CANCELLED]
    now: dict[str, int] = {}
    for row in later:
        if row.title:
            now[row.title] = now.get(row.title, 0) + row.units
    if one.is_open:
        now = {line.title: line.open for line in one.order.lines if line.title in mine}
    changed = tuple(
        (title, mine.get(title, 0), now.get(title, 0)) for title in dict.fromkeys((*mine, *now)) if mine.get(title) != now.get(title)
    )
    return Difference(changed, _was_for(hub, db, merchant, one), tuple(dict.fromkeys(row.name for row in later)))


def _was_for(hub: Hub, db: Connection, merchant: str, one: Seen) -> Address | None:
    """Whom its label was bought for, where there was one and it was another."""
    if one.stop is not Stop.ADDRESS or not one.row.purchase:
        return None
    found = parcels.purchase(db, merchant, one.row.purchase, hub.box(merchant))
    return found.wish.to if found and found.wish and found.wish.to != one.to else None
