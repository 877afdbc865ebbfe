"""A tour of every outside call: what a rehearsal does not happen to need is called once, so that all of it is recorded."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from config import tour_carriers
from core.domain.order import Order
from core.domain.promise import Uncovered
from core.domain.shipping import CancelReason, Sent, SentLine
from core.hub import Hub
from core.ports import (
    Answer,
    Appeals,
    Cancels,
    Captures,
    Commits,
    Confirms,
    Counts,
    Follows,
    Fulfills,
    Mends,
    Page,
    Pays,
    Push,
    ReadiesPickups,
    Remembers,
    Routes,
    Shelves,
    Stores,
    Subscribes,
    Told,
)
from core.store import listings
from core.store.connections import Connection
from core.store.listings import Dirty

PATIENCE = 100  # tenths of a second for a channel to work off what it accepted
T = TypeVar("T")
BIG = 60  # lines of an order that no page holds, and pushes that no single call takes


def make(hub: Hub, connection: Connection, hand: Any, webhook_url: str) -> None:
    """Call everything that a channel can do, against its simulator."""
    channel = hub.channel(connection)
    channel.probe()
    channel.places()
    channel.poll(hub.clock() - timedelta(hours=1), hub.clock(), None)
    _walk_listings(channel)
    if isinstance(channel, Remembers):
        _remember(channel, hub)
    _big_order(hub, connection, hand)
    pushes = _pushes(hub, connection)
    answers = channel.show(pushes, hub.ids())
    channel.show(pushes[:1], hub.ids())
    channel.shown(pushes[:5])
    channel.shown(pushes[:1])
    if isinstance(channel, Commits):
        channel.selling(pushes[0].sku, None)
    if isinstance(channel, Subscribes):
        channel.subscribe(webhook_url)
    if isinstance(channel, Counts):
        _count(channel, hub.clock())
    if isinstance(channel, Follows):
        _follow(channel, pushes, answers)
    if isinstance(channel, Stores):
        channel.stored(None)
    if isinstance(channel, Shelves):
        _walk_shelves(channel, connection, hand, hub.clock().date())
    if isinstance(channel, Mends):
        _mend(channel, pushes[0])
    _send(hub, connection, hand, pushes[0].sku)
    _beyond_the_port(channel)
    if isinstance(channel, Pays):
        _pay(channel, connection, hand, pushes[0].sku, hub.clock())


def _pay(channel: Pays, connection: Connection, hand: Any, sku: str, now: datetime) -> None:
    """An order is sent and paid out; what it brings is read before, and the payout with all that it holds after."""
    placed = hand.post(connection.channel, "orders", {"lines": [{"sku": sku, "quantity": 1}]})[0]
    hand.post(connection.channel, f"orders/{placed['id']}/fulfill", {})
    _all(partial(channel.unpaid, now - timedelta(days=30)))
    hand.post(connection.channel, "payouts", {})
    for payout in _all(partial(channel.payouts, now - timedelta(days=30))):
        _all(partial(channel.movements, payout))


def _all(read: Callable[[str | None], Page[T]]) -> list[T]:
    """What all pages hold."""
    found, page = list[T](), read(None)
    while True:
        found += page.items
        if page.cursor is None:
            return found
        time.sleep(page.wait_s)
        page = read(page.cursor)


def _placed(hub: Hub, connection: Connection, hand: Any, sku: str, **wish: Any) -> Order:
    """Somebody buys one; as it is read."""
    placed = hand.post(connection.channel, "orders", {"lines": [{"sku": sku, "quantity": 1}], **wish})[0]
    body = hub.channel(connection).fetch([placed["id"]])[placed["id"]]
    assert body is not None
    return hub.connector(connection).order(body, connection.id)


def _send(hub: Hub, connection: Connection, hand: Any, sku: str) -> None:
    """A parcel is told of, a payment captured, one order is called off, and a buyer's wish for it is refused and then granted."""
    channel = hub.channel(connection)
    if isinstance(channel, Confirms):
        _confirm(channel, _placed(hub, connection, hand, sku), hub.clock())
    if isinstance(channel, Captures):
        _capture(channel, _placed(hub, connection, hand, sku, payment="authorized").id, hub.ids().replace("-", ""))
    if isinstance(channel, ReadiesPickups):
        fetched = _placed(hub, connection, hand, sku, pickup=True)
        channel.ready_to_fetch(fetched.id, [part.id for part in fetched.routing or ()])
    if isinstance(channel, Cancels):
        gone, key = _placed(hub, connection, hand, sku).id, hub.ids().replace("-", "")
        channel.cancel(gone, CancelReason.STOCK, key, restock=True)
        channel.cancelling(gone, key)
    if hub.connector(connection).carrier:
        own = _placed(hub, connection, hand, sku)
        tour_carriers.sell_its_own(hub.carrier(connection), own, hub.connector(connection).carries.formats)
    if isinstance(channel, Fulfills):
        tour_carriers.send_for_others(channel, hub.clock(), _stored_there(channel))
    if isinstance(channel, Appeals):
        for agree in (False, True):
            _appeal(channel, _placed(hub, connection, hand, sku).id, connection, hand, agree)


def _stored_there(channel: Any) -> str:
    """A SKU that lies in the channel's own warehouse."""
    return str(next(one.sku for one in channel.stored(None).items if one.sellable))


def _capture(channel: Captures, order: str, key: str) -> None:
    """All that is owed of an order that is authorized."""
    channel.capture(order, channel.captured(order, key).owed, key)
    channel.captured(order, key)


def _appeal(channel: Appeals, order: str, connection: Connection, hand: Any, agree: bool) -> None:
    hand.post(connection.channel, f"orders/{order}/ask_to_cancel", {})
    for appeal in channel.appeals(order):
        channel.answer(order, appeal, agree=agree)


def _confirm(channel: Confirms, order: Order, now: datetime) -> None:
    """Routed to where it is already, and sent."""
    parts = {line.line: (part.id, part.location) for part in order.routing or () for line in part.lines}
    part, place = parts.get(order.lines[0].id, ("", None))
    if isinstance(channel, Routes) and place:
        channel.route(order.id, part, place)
    lines = tuple(SentLine(line.id, line.open, part) for line in order.lines)
    sent = Sent(
        order=order.id, number=1, lines=lines, carrier="ups", carrier_name="UPS", service="UPS Ground", tracking="1Z999AA10123456784",
        url="https://www.ups.example/1Z999AA10123456784", sent_at=now, place=place or "", marketplace=order.marketplace,
    )  # fmt: skip
    channel.confirm(sent)
    channel.confirmed(sent)


def _mend(channel: Mends, push: Push) -> None:
    """What lets a listing sell beyond zero is switched on, looked at and off again."""
    for what in Uncovered.OVERSELLS, Uncovered.UNTRACKED:
        for back in (True, False):
            channel.mend(push, what, back=back)
            channel.uncovered(push)


def _walk_listings(channel: Any, cursor: str | None = None) -> None:
    while True:
        page = channel.listings(cursor)
        cursor = page.cursor
        if cursor is None:
            return
        time.sleep(page.wait_s)


def _walk_shelves(channel: Any, connection: Connection, hand: Any, today: date) -> None:
    """Something is lost in the channel's own warehouse, and told."""
    hand.post(connection.channel, "account/lost", {"sku": _stored_there(channel), "units": 1})
    _all(partial(channel.shelf_moves, today - timedelta(days=2), today + timedelta(days=1)))


def _count(channel: Counts, now: datetime) -> None:
    """Yesterday's orders, and the day's before."""
    until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    cursor = None
    while True:
        page = channel.placed(until - timedelta(days=2), until, cursor)
        cursor = page.cursor
        if cursor is None:
            return
        time.sleep(page.wait_s)


def _remember(channel: Remembers, hub: Hub) -> None:
    """The old orders of a month, first those that are open."""
    channel.reach()
    for open_only in (True, False):
        until, cursor = hub.clock(), None
        while True:
            page = channel.history(until - timedelta(days=29), until, cursor, open_only=open_only)
            cursor = page.cursor
            if cursor is None:
                break
            time.sleep(page.wait_s)


def _big_order(hub: Hub, connection: Connection, hand: Any) -> None:
    """An order of many lines, partly shipped, read whole."""
    with hub.database.read() as db:
        skus = [one.sku for one in listings.all_of(db, connection.merchant, connection.id) if one.writable is None and one.sku]
    lines = [{"sku": sku, "quantity": 2} for sku in (skus * 3)[:BIG]]
    placed = hand.post(connection.channel, "orders", {"lines": lines})[0]
    part = [{"line": line["id"], "quantity": 1} for line in placed.get("lines", [])[:1]]
    hand.post(connection.channel, f"orders/{placed['id']}/fulfill", {"units": {skus[0]: 1}, "lines": part})
    hub.channel(connection).fetch([placed["id"]])


def _pushes(hub: Hub, connection: Connection) -> list[Push]:
    """Every listing as it is shown now: a tour changes nothing. After a large order none is known until it was read again."""
    batch: list[Dirty] = []
    for _ in range(PATIENCE):
        with hub.database.read() as db:
            batch = listings.everything(db, connection.id, BIG)
        if batch:
            break
        time.sleep(0.1)
    return [Push(one.listing, one.sku, one.handle, one.shown or 0, one.shown, one.place) for one in batch]


def _follow(channel: Follows, pushes: Sequence[Push], answers: Iterable[Answer]) -> None:
    """Ask what became of accepted pushes until nothing is on its way any more."""
    accepted: dict[str, list[Push]] = {}
    for push, answer in zip(pushes, answers, strict=True):
        if answer.told is Told.ACCEPTED:
            accepted.setdefault(answer.words, []).append(push)
    for _ in range(PATIENCE):
        if all(answer.told is not Told.ACCEPTED for answer in channel.follow(accepted)):
            return
        time.sleep(0.1)


def _beyond_the_port(channel: Any) -> None:
    """What single connectors offer besides: which SKUs are eBay's inventory items, a key for calls that are signed, a catalogue as a
    file however small it is."""
    if hasattr(channel, "signing_key"):
        channel.signing_key()
    if hasattr(channel, "inventory_items"):
        channel.inventory_items(["SKU-0001"])
    if hasattr(channel, "export"):
        _walk_listings(channel, channel.export().cursor)


def missing(calls: Mapping[str, Iterable[str]], logs: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[str]:
    """The calls of each connector's manifest that its simulator never saw."""
    return [
        f"{name} {call}"
        for name, wanted in calls.items()
        for call in sorted(set(wanted) - {str(entry["operation"]) for entry in logs.get(name, ())})
    ]
