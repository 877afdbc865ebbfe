"""Listings that moved, read back and held against what we believe they show.

What differs is put right at once, or waits, by the merchant's rule; why it differed is said once the channel's orders are read past that
moment (`core/flows/leading.py`).
"""

from collections.abc import Sequence

import msgspec

from core.domain.tasks import Claim
from core.flows import leading
from core.flows.stock import believe, look_at
from core.hub import Hub
from core.ports import Limits
from core.store import connections, listings
from core.store.connections import Connection
from core.store.listings import Dirty
from core.store.unit import Unit

MARK = "looks"
MOST = 2  # calls' worth of listings that are read back in an hour, where the channel's limits say nothing
HOUR_US = 3_600_000_000
ROUND_S = 1800.0  # how soon further ones that moved are read back, where the channel's limits let nobody look sooner


class Looks(msgspec.Struct, frozen=True):
    """How far this hour's comparison came: listings read since `since`, and the last one's id."""

    since: int = 0
    read: int = 0
    after: int = 0


def compare_listings(hub: Hub, claim: Claim) -> None:
    """Judge what is in doubt, then look at the next that moved: at most so many an hour as the channel's limits allow."""
    connection, began = hub.connection(claim.connection), hub.now
    again_s, limits = leading.judge(hub, claim, connection), hub.connector(connection).limits
    looks = _looks(hub, connection)
    most = min(limits.per_call, hourly(limits) - looks.read)
    with hub.database.read() as db:
        some = listings.moved(db, connection.id, looks.after, most, live=_live(connection)) if most > 0 else []
    read = look_at(hub, connection, some)
    with hub.unit(claim) as work:
        _compared(hub, work, connection, read, began)
        after = some[-1].id if some and len(some) == most else 0
        looks = Looks(looks.since, looks.read + len(some), after)
        connections.set_mark(work.db, connection.merchant, connection.id, MARK, work.now, msgspec.json.encode(looks).decode())
        _go_on(work, connection, limits, again_s, after)


def look_at_items(hub: Hub, claim: Claim) -> None:
    """A channel says by itself what these show: those of which we believe something else are read, and held against the orders."""
    connection, began = hub.connection(claim.connection), hub.now
    said = {(item, place): int(units) for _, item, place, units in (subject.split("/") for subject in claim.subjects)}
    with hub.database.read() as db:
        found = listings.of_items(db, connection.id, said, live=_live(connection))
    read = look_at(hub, connection, [one for one, item in found if one.shown != said[item, one.place]])
    with hub.unit(claim) as work:
        _compared(hub, work, connection, read, began)


def hourly(limits: Limits) -> int:
    """How many listings may be read back in an hour."""
    return MOST * limits.per_call if limits.looks is None else limits.looks


def _live(connection: Connection) -> bool:
    return connection.live_at is not None


def _looks(hub: Hub, connection: Connection) -> Looks:
    with hub.database.read() as db:
        _, text = connections.mark(db, connection.id, MARK)
    looks = msgspec.json.decode(text, type=Looks) if text else Looks(hub.now)
    return looks if hub.now < looks.since + HOUR_US else Looks(hub.now, 0, looks.after)


def _compared(hub: Hub, work: Unit, connection: Connection, read: Sequence[tuple[Dirty, int | None]], began: int) -> None:
    """What came of this look. What was told, sold or counted during it is left for another."""
    quiet = listings.still(work.db, connection.id, [one for one, _ in read])
    sure = [(one, shown) for one, shown in read if one.id in quiet]
    other = [(one, shown) for one, shown in sure if shown != one.shown]
    same = [one for one, shown in sure if shown == one.shown]
    listings.compared(work.db, connection.id, same)
    leading.right(work, connection, same)
    believe(work, connection, other, began)
    leading.seen(hub, work, connection, [(one, shown, one.shown or 0) for one, shown in other if shown is not None], began)


def _go_on(work: Unit, connection: Connection, limits: Limits, again_s: float | None, after: int) -> None:
    """What was put right is looked at once more; so are further ones that moved, and what orders are still being taken for."""
    waits = [wait_s for wait_s in (again_s, min(ROUND_S, limits.look_s) if after else None) if wait_s is not None]
    if waits:
        work.ask(connection.merchant, "compare_listings", connection.id, connection.id, wait_s=min(waits))
