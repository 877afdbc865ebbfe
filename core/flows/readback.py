"""Listings that moved, read back each hour and held against what we believe they show.

What differs is repaired at once and looked at once more after the orders were read past it: explained by an order, it was none of
ours to find; else it is a finding, closed where the repair held.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from core.domain.tasks import Claim
from core.flows.stock import believe, look_at
from core.hub import Hub
from core.ports import Connector
from core.store import connections, findings, listings
from core.store.connections import Connection
from core.store.findings import Finding
from core.store.listings import Dirty
from core.store.unit import Unit

MARK = "looks"
MOST = 2  # calls' worth of listings that are read back in an hour
HOUR_US = 3_600_000_000
LATE_US = 3 * HOUR_US  # a doubt that could not be looked at again by then is a finding


class Doubt(msgspec.Struct, frozen=True):
    """A listing that showed `theirs` where we believed `ours`, at that moment; `heard` counted its channel's orders then."""

    name: str
    theirs: int
    ours: int
    heard: int
    at: int


class Looks(msgspec.Struct, frozen=True):
    """How far this hour's comparison came: listings read since `since`, the last one's id, and who is in doubt, by id."""

    since: int = 0
    read: int = 0
    after: int = 0
    doubts: dict[int, Doubt] = {}


def compare_listings(hub: Hub, claim: Claim) -> None:
    """Look again at those in doubt, then at the next that moved: at most so many as two calls for stock hold, an hour."""
    connection, began = hub.connection(claim.connection), hub.now
    looks, most = _looks(hub, connection), hub.connector(connection).limits.per_call
    with hub.database.read() as db:
        again = listings.settled_of(db, connection.id, list(looks.doubts)[:most], live=_live(connection))
        room = max(0, min(most - len(again), MOST * most - looks.read))
        some = listings.moved(db, connection.id, looks.after, room, live=_live(connection)) if room else []
    some = again + [one for one in some if one.id not in looks.doubts]
    read = look_at(hub, connection, some)
    with hub.unit(claim) as work:
        doubts = _judged(work, connection, looks.doubts, read, began)
        after = some[-1].id if len(some) > len(again) and len(some) == most else 0
        _go_on(work, connection, Looks(looks.since, looks.read + len(some), after, doubts), hub.connector(connection))


def _live(connection: Connection) -> bool:
    return connection.live_at is not None


def _looks(hub: Hub, connection: Connection) -> Looks:
    with hub.database.read() as db:
        _, text = connections.mark(db, connection.id, MARK)
    looks = msgspec.json.decode(text, type=Looks) if text else Looks(hub.now)
    return looks if hub.now < looks.since + HOUR_US else Looks(hub.now, 0, looks.after, looks.doubts)


def _judged(
    work: Unit, connection: Connection, doubts: Mapping[int, Doubt], read: Sequence[tuple[Dirty, int | None]], began: int
) -> dict[int, Doubt]:
    """What came of this look; gives who is in doubt now. What was told, sold or counted during the look is left for another."""
    quiet = listings.still(work.db, connection.id, [one for one, _ in read])
    sure = [(one, shown) for one, shown in read if one.id in quiet]
    other = [(one, shown) for one, shown in sure if shown != one.shown]
    _say(work, connection, doubts, sure)
    listings.compared(work.db, connection.id, [one for one, _ in sure if one.id not in {same.id for same, _ in other}])
    believe(work, connection, other, began)
    looked = {one.id for one, _ in sure}
    left = {id: doubt for id, doubt in doubts.items() if id not in looked and not _late(work, connection, doubt)}
    return left | {one.id: Doubt(_subject(one), shown, one.shown or 0, one.heard, began) for one, shown in other if shown is not None}


def _late(work: Unit, connection: Connection, doubt: Doubt) -> bool:
    """Nobody could look again for hours: its channel does not take what we tell, or its orders are not read."""
    if work.now < doubt.at + LATE_US:
        return False
    findings.keep(work.db, connection.merchant, connection.id, [_finding(connection, doubt)])
    return True


def _say(work: Unit, connection: Connection, doubts: Mapping[int, Doubt], sure: Sequence[tuple[Dirty, int | None]]) -> None:
    """Doubts that no order of the channel explained are findings; they are closed where the listing shows what it should now."""
    known = [(doubts[one.id], one, shown) for one, shown in sure if one.id in doubts]
    found = [_finding(connection, doubt) for doubt, one, _ in known if one.heard == doubt.heard]
    findings.keep(work.db, connection.merchant, connection.id, found)
    how = "repaired" if _live(connection) else "accepted"
    right = {_subject(one) for one, shown in sure if shown == one.shown}
    opened = {one.subject for one in findings.open_of(work.db, connection.id, "listing")}
    findings.close(work.db, connection.id, "listing", right & opened, how, work.now)


def _finding(connection: Connection, doubt: Doubt) -> Finding:
    return Finding(connection.id, "listing", doubt.name, f"shows {doubt.theirs}", f"should show {doubt.ours}", doubt.at)


def _subject(one: Dirty) -> str:
    return " ".join(part for part in one.name if part)


def _go_on(work: Unit, connection: Connection, looks: Looks, connector: Connector) -> None:
    """Those in doubt are looked at again once two more polls have read past this moment; further ones that moved in half an hour."""
    connections.set_mark(work.db, connection.merchant, connection.id, MARK, work.now, msgspec.json.encode(looks).decode())
    if looks.doubts:
        wait = 2 * connector.poll_every + connector.poll_age + timedelta(minutes=3)
        work.ask(connection.merchant, "compare_listings", connection.id, connection.id, wait_s=wait.total_seconds())
    elif looks.after:
        work.ask(connection.merchant, "compare_listings", connection.id, connection.id, wait_s=1800)
