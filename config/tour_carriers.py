"""A tour of every call that a carrier's connector can make, against its simulator."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.money import Money
from core.domain.order import Address, Order
from core.domain.requests import Request, RequestLine
from core.domain.shipping import Bought, Box, Collection, Consignment, Customs, Duties, Goods, LabelFormat, Quote
from core.errors import Refused
from core.hub import Hub
from core.ports import Carrier, ChecksAddresses, ClosesDays, Fulfills, PicksUp, Prepares, Refunds, Reprints, TellsTracks
from core.store.connections import Connection

DOCK = Address("", "North Sea Trading", "120 Harbor Way", "Dock 4", "", "Portland", "ME", "04101", "US", "+12075550133", "dock@sea.example")
HOME = Address("Nadia Osei", "", "77 Juniper Street", "Apt 5", "", "Austin", "TX", "78701", "US", "+15125550172", "nadia@post.example")
ABROAD = Address("Jürgen Ackermann", "", "Lindenallee 12", "", "", "Leipzig", "", "04109", "DE", "+493415550144", "ja@post.example")
MUG = Goods("Stoneware mug", 2, 400, Money(1850, "USD"), "691200", "PT", "MUG-1")
MANY = 40  # a carrier that takes so many boxes at once may answer later for more


def make(hub: Hub, connection: Connection, hand: Any, webhook_url: str) -> None:
    """Call everything that a carrier can do."""
    carrier, limits = hub.carrier(connection), hub.connector(connection).carries
    carrier.probe()
    box, day = Box(1500, 300, 200, 150, Money(3700, "USD")), hub.clock().date()
    home = Consignment(DOCK, HOME, (box,), day, "USD", residential=True, signature=True, insured=Money(5000, "USD"), references=("1001",))
    abroad = replace(
        home, to=ABROAD, residential=None, signature=False, insured=None, customs=Customs((MUG,), Duties.SENDER, invoice="INV-1")
    )
    made = list(_bought(carrier, (home, abroad), limits.formats))
    wide = replace(home, boxes=(box,) * (MANY + 1), signature=False, insured=None)
    if limits.boxes >= MANY and (quotes := carrier.rates(wide)):
        made.append((wide, carrier.buy(wide, _cheapest(quotes), uuid.uuid4().hex)))
    for what in ("pick_up", "travel"):
        hand.post(connection.channel, f"parcels/{made[0][1].master}/{what}", {"town": "Portland", "country": "US"})
    carrier.track([one.master for _, one in made][: limits.numbers])
    _beside(carrier, [one for _, one in made], limits.formats[0])
    if isinstance(carrier, PicksUp):
        _pick_up(hub, carrier)
    if isinstance(carrier, TellsTracks):
        carrier.follow_parcels([made[-1][1].master], webhook_url)
    for _, one in made[1:]:
        carrier.void(one)
        if isinstance(carrier, Refunds):
            carrier.refunded(one)


def _bought(carrier: Carrier, wishes: Iterable[Consignment], formats: Iterable[LabelFormat]) -> Iterable[tuple[Consignment, Bought]]:
    """What was bought, each looked up by its key afterwards; and one key that nobody knows."""
    for wish in wishes:
        for label in formats:
            if not (quotes := carrier.rates(wish)):
                continue
            one, key = replace(wish, label=label), uuid.uuid4().hex
            service = _cheapest(quotes)
            yield one, carrier.buy(one, service, key)
            carrier.find(one, service, key)
    carrier.find(one, service, uuid.uuid4().hex)


def _cheapest(quotes: Sequence[Quote]) -> str:
    return min(quotes, key=lambda quote: quote.price.minor).service


def _beside(carrier: Carrier, made: list[Bought], label: LabelFormat) -> None:
    if isinstance(carrier, ChecksAddresses):
        carrier.check(HOME)
        carrier.check(ABROAD)
    if isinstance(carrier, Reprints):
        for one in {0: made[0], len(made) - 1: made[-1]}.values():
            carrier.papers(one, label)
    if isinstance(carrier, ClosesDays):
        carrier.close(made[:1], DOCK, uuid.uuid4().hex)


def _pick_up(hub: Hub, carrier: PicksUp) -> None:
    ready = (hub.clock() + timedelta(days=1)).replace(hour=13, minute=0, second=0, microsecond=0)
    while ready.weekday() > 4:
        ready += timedelta(days=1)
    wish = Collection(DOCK, ready, ready + timedelta(hours=4), 3, 4500)
    try:
        carrier.leave(carrier.pick_up(wish, uuid.uuid4().hex))
    except Refused:
        carrier.leave(
            carrier.pick_up(replace(wish, ready=ready + timedelta(days=1), until=wish.until + timedelta(days=1)), uuid.uuid4().hex)
        )


def sell_its_own(carrier: Carrier, order: Order, formats: Iterable[LabelFormat]) -> None:
    """A channel sells labels for an order of its own, each given back but the last, which is brought on its way."""
    box = Box(1500, 300, 200, 150, order.subtotal, {order.lines[0].id: order.lines[0].open})
    wish = Consignment(DOCK, HOME, (box,), order.placed_at.date(), order.currency, references=(order.name,), order=order.id)
    for label in formats:
        one, key = replace(wish, label=label), uuid.uuid4().hex
        service = _cheapest(carrier.rates(one))
        prepared = replace(one, offer=carrier.prepare(one, service)) if isinstance(carrier, Prepares) else one
        made = carrier.buy(prepared, service, key)
        carrier.find(prepared, service, key)
        carrier.track([made.master])
        if isinstance(carrier, Reprints):
            carrier.papers(made, label)
        carrier.void(made)


def send_for_others(channel: Fulfills, now: datetime, sku: str) -> None:
    """A channel sends goods of ours for an order of another one, and is called back."""
    key = uuid.uuid4().hex
    channel.fulfill(Request("S1", "#1001", now, HOME, (RequestLine("1", sku, 1, "Stoneware mug"),)), key)
    channel.fulfilling(key)
    channel.call_back(key)
