"""One order as its page shows it: what it is, what is reserved, what it costs, what happened, and whom we told what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.bill import Bill, bill
from core.domain.holds import shown
from core.domain.order import Order, OrderStatus
from core.domain.routing import Decision
from core.domain.who import Who
from core.hub import Hub
from core.store import audit, desk, events, order_page, routings
from core.store.desk import Note
from core.store.order_page import Kept

MOMENTS = 2  # of the first and of the last moments at which its stock moved, it is shown what channels were told after them
MOVING = ("StockReserved", "StockReleased", "StockShort", "UnitsBack", "UnitsLeft")


@dataclass(frozen=True, slots=True)
class Whole:
    """`kin` are (what, id, name, channel), `places` the names of its channel's stock locations by their ids, `told` what channels were told
    of its goods, `address` where the channel shows it, `routing` from where it leaves and why; None: nothing was decided."""

    row: Any
    order: Order
    status: OrderStatus
    bill: Bill
    kept: dict[str, Kept]
    story: Sequence[Any]
    told: Sequence[Any]
    notes: Sequence[Note]
    kin: Sequence[Any]
    tags: Sequence[str]
    places: dict[str, str]
    parked: Sequence[Any]
    address: str
    routing: Decision | None


def whole(hub: Hub, db: Connection, merchant: str, id: str, *, buyers: bool) -> Whole | None:
    """None where the merchant has no such order. Six statements."""
    found = order_page.one(db, merchant, id, hub.box(merchant), buyers=buyers)
    if found is None:
        return None
    row, order = found
    beside, story = order_page.beside(db, merchant, row), events.story(db, merchant, order.ref)
    return Whole(
        row=row, order=order, status=shown(order.order_status, held=row.held_at is not None), bill=bill(order),
        kept=order_page.lines(db, merchant, id), story=story, told=order_page.told(db, merchant, row, _moments(story)),
        notes=desk.notes(db, merchant, id, hub.box(merchant)), kin=[one for one in beside if one.what in ("original", "into", "copy")],
        tags=sorted(one.id for one in beside if one.what == "tag"), places={one.id: one.name for one in beside if one.what == "place"},
        parked=[one for one in beside if one.what == "task"], address=_address(hub, row), routing=routings.read(row.routing),
    )  # fmt: skip


def _moments(story: Iterable[Any]) -> list[int]:
    moved = sorted({event.at for event in story if event.kind in MOVING})
    return sorted({*moved[:MOMENTS], *moved[-MOMENTS:]})


def _address(hub: Hub, row: Any) -> str:
    """The channel's own page of the order; '' where it has none that we know."""
    connector = hub.connectors.get(row.channel)
    if connector is None or connector.order_url is None:
        return ""
    options = {**connector.settings, **hub.options(order_page.connection_of(row), connector)}
    found = connector.order_url(row.account, row.channel_id, options)
    return found if found.startswith(("https://", "http://")) else ""


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """`body` is what the channel wrote, laid out where it is JSON; without a notice that still has one, the order as we keep it."""

    name: str
    id: str
    topic: str
    at: int
    body: str


def raw_of(hub: Hub, merchant: str, id: str, who: Who) -> Sent | None:
    """What came from the channel. That somebody looked at it is written down. None where the merchant has no such order."""
    box = hub.box(merchant)
    with hub.database.write() as db:
        found = order_page.one(db, merchant, id, box, buyers=True)
        if found is None:
            return None
        row, order = found
        audit.write(db, merchant, hub.now, who.id, who.name, "order.raw", id)
        kept = order_page.raw(db, merchant, order.ref, box)
    body = kept.body if kept else msgspec.json.encode(order)
    return Sent(row.name, id, kept.topic if kept else "", kept.at if kept else row.saved_at, _laid_out(body))


def _laid_out(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")
