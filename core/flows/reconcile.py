"""Holding the hub against the channels: orders they have and we do not, listings that show something else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.flows import days, heard
from core.flows.intake import keep, news
from core.hub import Hub
from core.ports import Found, Notice, Page
from core.store import connections, listings, orders
from core.store.connections import Connection
from core.store.findings import day_name
from core.store.sql import run
from core.store.tables import us


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is order, day, listing or subscription; `theirs` and `ours` as text."""

    connection: str
    what: str
    subject: str
    theirs: str
    ours: str


def compare_all(hub: Hub, connection: Connection, back: int) -> Iterator[tuple[str, Iterator[Difference]]]:
    """(what is asked, its differences) one after another, of so many days; changes nothing."""
    since = hub.clock() - timedelta(days=back)
    yield "subscriptions", _unsubscribed(hub, connection)
    yield "orders", (found for page in pages(hub, connection, since) for found in _missing(hub, connection, page))
    yield "days", _days(hub, connection, back)
    yield "listings", _shown(hub, connection)


def _unsubscribed(hub: Hub, connection: Connection) -> Iterator[Difference]:
    for topic in heard.unsubscribed(hub.channel(connection), connection):
        yield Difference(connection.id, "subscription", topic, "not subscribed", "subscribed")


def _days(hub: Hub, connection: Connection, back: int) -> Iterator[Difference]:
    for day, theirs, ours in days.by_hand(hub, connection, back):
        yield Difference(connection.id, "day", day_name(day), f"{theirs} orders", f"{ours} orders")


def pages(hub: Hub, connection: Connection, since: datetime) -> Iterator[Page[Notice]]:
    """The channel's orders changed since then, page by page."""
    channel, cursor = hub.channel(connection), None
    until = hub.clock() - timedelta(seconds=int(connection.settings.get("min_age_s", hub.connector(connection).poll_age.total_seconds())))
    while True:
        page = channel.poll(since, until, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


def _missing(hub: Hub, connection: Connection, page: Page[Notice]) -> Iterator[Difference]:
    with hub.database.read() as db:
        known = orders.copies(db, connection.merchant, connection.id, [notice.order for notice in page.items if notice.order])
    for notice in page.items:
        ours, _ = known.get(notice.order or "", (None, None))
        if notice.order and (ours is None or (notice.revision and us(notice.revision) > ours)):
            theirs = notice.revision.isoformat() if notice.revision else "?"
            yield Difference(connection.id, "order", notice.order, theirs, "none" if ours is None else hub.at(ours).isoformat())


def _shown(hub: Hub, connection: Connection) -> Iterator[Difference]:
    with hub.database.read() as db:
        ours = [one for one in listings.all_of(db, connection.merchant, connection.id) if one.wanted is not None and one.writable is None]
    for page in _listing_pages(hub, connection):
        theirs = {(found.listing, found.sku, found.place): found.shown for found in page}
        for one in ours:
            name = (one.listing, one.sku, one.place)
            if name in theirs and theirs[name] != one.wanted:
                yield Difference(connection.id, "listing", one.sku or one.listing, str(theirs[name]), str(one.wanted))


def _listing_pages(hub: Hub, connection: Connection) -> Iterator[tuple[Found, ...]]:
    channel, cursor = hub.channel(connection), None
    while True:
        page = channel.listings(cursor)
        yield page.items
        cursor = page.cursor
        if cursor is None:
            return
        hub.pause(page.wait_s)


ORPHANS = """
select distinct i.connection, i.ref from inbox i where i.merchant = :merchant and i.done_at is null and i.ref is not null
"""
OPEN = """
select distinct o.connection, o.channel_id from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and (l.booked_gone <> l.gone or l.booked_back <> l.back or (l.held <> l.hold and not exists (
  select 1 from listings g
  where g.connection = o.connection and g.listing = l.listing and g.sku = l.sku and g.exploded_by <> 'hub')))
"""


def mend(hub: Hub, connection: Connection, since: datetime) -> int:
    """Keep what the channel has and we do not, settle lines whose books lag, look at every listing, day and subscription again. Gives how
    many orders."""
    taken, asked = 0, hub.now
    for page in pages(hub, connection, since):
        with hub.unit() as work:
            notices = news(hub, work, connection, page.items)
            keep(hub, work, connection, notices, read_at=asked)
        taken += len(notices)
    with hub.unit() as work:
        for row in run(work.db, ORPHANS, merchant=connection.merchant).fetchall():
            work.ask(connection.merchant, "take_orders", row.ref, row.connection)
        for row in run(work.db, OPEN, merchant=connection.merchant).fetchall():
            work.ask(connection.merchant, "reserve", f"{row.connection}/{row.channel_id}", row.connection)
        connections.set_mark(work.db, connection.merchant, connection.id, "listings", 0, None)
        for kind in ("read_listings", "subscribe", "compare_days", "compare_listings"):
            work.ask(connection.merchant, kind, connection.id, connection.id)
    return taken
