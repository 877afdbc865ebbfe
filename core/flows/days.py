"""Orders counted by the day they were placed, there and here, each night; a day that differs is read, kept and counted again.

Days are UTC's, half open: no zone and no summer time moves an order from one to another, since both sides count by the same moments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.domain.tasks import Claim
from core.flows.intake import BEGIN, keep, news
from core.hub import Hub
from core.ports import Channel, Connector, Counts, Notice, Page, Remembers
from core.store import connections, findings
from core.store.connections import Connection
from core.store.findings import DAY_US, Finding, day_name
from core.store.tables import us, when
from core.store.unit import Unit

DAYS = 60
STALE_US = 20 * 3_600_000_000  # a comparison that nobody went on with for so long begins anew
AGAIN_S = 120.0  # how long what was kept has to be taken before the days are counted again
PATIENCE_US = 2 * 3_600_000_000
MARK = "days"
COUNT, READ = "count", "read"


class Run(msgspec.Struct, frozen=True):
    """A comparison under way. Times are microseconds, days are named by their first moment. `theirs` is what the channel counted so far;
    `left` the days that are still to be read, `kept` how many orders of each were missing here, `stuck` how many lie here unread;
    `read_at` is when the last of them was read: then all are counted for the second time."""

    begun: int
    since: int
    until: int
    step: str = COUNT
    cursor: str | None = None
    theirs: dict[int, int] = {}
    left: list[int] = []
    kept: dict[int, int] = {}
    stuck: dict[int, int] = {}
    read_at: int = 0


def compare_days(hub: Hub, claim: Claim) -> None:
    """One page of the comparison; it asks for itself again until it is over."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    run = _run(hub, connection, channel)
    if run is None or not isinstance(channel, Counts):
        return
    if run.step == READ and isinstance(channel, Remembers):
        _read(hub, claim, connection, channel, run)
    elif _must_wait(hub, connection, run):
        with hub.unit(claim) as work:
            _go_on(work, connection, run, AGAIN_S)
    else:
        _count(hub, claim, connection, channel, run)


def _run(hub: Hub, connection: Connection, channel: Channel) -> Run | None:
    """The comparison to go on with, or a new one; None where there is no day to compare."""
    with hub.database.read() as db:
        at, text = connections.mark(db, connection.id, MARK)
    if text and at > hub.now - STALE_US:
        return msgspec.json.decode(text, type=Run)
    since, until = span(hub, connection, channel)
    return Run(hub.now, since, until) if since < until else None


def span(hub: Hub, connection: Connection, channel: Channel | Any, days: int = DAYS) -> tuple[int, int]:
    """[since, until) of the whole days of which all orders should be here: as old as our first look, or a backfill, and what the channel
    lets us see; up to where polls have read."""
    with hub.database.read() as db:
        polled, _ = connections.mark(db, connection.id, "orders")
        whole = findings.whole_from(db, connection.id, BEGIN // timedelta(microseconds=1))
    reach, _ = channel.reach() if isinstance(channel, Remembers) else (None, "")
    until = min(polled, hub.now) // DAY_US * DAY_US
    oldest = max(whole, us(reach) if reach else 0)
    return max(until - days * DAY_US, -(-oldest // DAY_US) * DAY_US), until


def _must_wait(hub: Hub, connection: Connection, run: Run) -> bool:
    """What was read of the days that differed is still on its way in."""
    if not run.read_at or run.cursor is not None or hub.now > run.read_at + PATIENCE_US:
        return False
    with hub.database.read() as db:
        return findings.in_flight(db, connection.merchant, connection.id, run.read_at)


def _count(hub: Hub, claim: Claim, connection: Connection, channel: Counts, run: Run) -> None:
    page = channel.placed(when(run.since), when(run.until), run.cursor)
    after = msgspec.structs.replace(run, cursor=page.cursor, theirs=added(run.theirs, page))
    with hub.unit(claim) as work:
        if page.cursor is not None:
            _go_on(work, connection, after, page.wait_s)
        elif run.read_at:
            _end(work, connection, after)
        else:
            _judge(work, connection, after, _can_read(hub, connection))


def _can_read(hub: Hub, connection: Connection) -> bool:
    return isinstance(hub.channel(connection), Remembers)


def added(theirs: Mapping[int, int], page: Page[tuple[datetime, int]]) -> dict[int, int]:
    found = dict(theirs)
    for day, count in page.items:
        found[us(day)] = found.get(us(day), 0) + count
    return found


def differing(theirs: Mapping[int, int], ours: Mapping[int, int], stuck: Mapping[int, int]) -> list[int]:
    """The days of which there and here are not as many; the newest first. What lies here unread is not here."""
    return sorted((day for day in theirs.keys() | ours.keys() if theirs.get(day, 0) != ours.get(day, 0) or stuck.get(day)), reverse=True)


def _judge(work: Unit, connection: Connection, run: Run, can_read: bool) -> None:
    """After the first count: what differs is read, and all of it counted once more."""
    ours = findings.counted(work.db, connection.merchant, connection.id, run.since, run.until)
    left = differing(run.theirs, ours, {})
    _close(work, connection, run, left)
    if not left:
        connections.set_mark(work.db, connection.merchant, connection.id, MARK, run.until)
        return
    narrow = msgspec.structs.replace(run, since=min(left), until=max(left) + DAY_US, theirs={}, cursor=None)
    if can_read:
        _go_on(work, connection, msgspec.structs.replace(narrow, step=READ, left=left), 0.0)
    else:
        _go_on(work, connection, msgspec.structs.replace(narrow, read_at=work.now), AGAIN_S)


def _read(hub: Hub, claim: Claim, connection: Connection, channel: Remembers, run: Run) -> None:
    """One page of the newest day that differs. A channel's slowest budget gets back two calls before the next: polls go first."""
    day, asked = run.left[0], hub.now
    page = channel.history(when(day), when(day + DAY_US), run.cursor, open_only=False)
    with hub.unit(claim) as work:
        kept, stuck = _keep(hub, work, connection, page.items, asked)
        after = msgspec.structs.replace(run, cursor=page.cursor, kept=_more(run.kept, day, kept), stuck=_more(run.stuck, day, stuck))
        if page.cursor is None:
            after = _next_day(after, work.now)
        _go_on(work, connection, after, max(page.wait_s, AGAIN_S if after.read_at else pace_s(hub.connector(connection))))


def _keep(hub: Hub, work: Unit, connection: Connection, items: Sequence[Notice], asked: int) -> tuple[int, int]:
    """Keep what tells something new. What lies here already and cannot be read waits for a person, not for another try."""
    found = news(hub, work, connection, items)
    stuck = findings.stuck(work.db, connection.merchant, [f"{connection.id}/{one.order}" for one in found if one.order])
    fresh = [one for one in found if f"{connection.id}/{one.order}" not in stuck]
    keep(hub, work, connection, [_anew(hub, one) for one in fresh], read_at=asked)
    return len(fresh), len(stuck)


def _anew(hub: Hub, notice: Notice) -> Notice:
    """Under a name of its own: one that came before, was taken and is gone all the same must not be dropped as known."""
    return replace(notice, delivery=f"{notice.delivery} {hub.ids()}")


def _more(counts: Mapping[int, int], day: int, more: int) -> dict[int, int]:
    return {**counts, day: counts.get(day, 0) + more} if more else dict(counts)


def _next_day(run: Run, now: int) -> Run:
    left = run.left[1:]
    return msgspec.structs.replace(run, left=left) if left else msgspec.structs.replace(run, left=left, step=COUNT, read_at=now)


def pace_s(connector: Connector) -> float:
    """Seconds in which the slowest of a channel's budgets gets two calls back."""
    return 2.0 / min(rate.per_s for rate in connector.rates.values())


def _end(work: Unit, connection: Connection, run: Run) -> None:
    """After the second count: what still differs is a finding; what does not any more was repaired, where something had been missing."""
    ours = findings.counted(work.db, connection.merchant, connection.id, run.since, run.until)
    still = differing(run.theirs, ours, run.stuck)
    repaired = [day for day in run.kept if day not in still]
    findings.keep(work.db, connection.merchant, connection.id, [_finding(connection, run, ours, day) for day in still])
    known = _close(work, connection, run, still, repaired)
    _remember(work, connection, run, ours, [day for day in repaired if day_name(day) not in known])
    connections.set_mark(work.db, connection.merchant, connection.id, MARK, run.until)


def _finding(connection: Connection, run: Run, ours: Mapping[int, int], day: int) -> Finding:
    unread = f", and {run.stuck[day]} that cannot be read" if run.stuck.get(day) else ""
    return Finding(connection.id, "day", day_name(day), f"{run.theirs.get(day, 0)} orders", f"{ours.get(day, 0)} orders{unread}", run.begun)


def _close(work: Unit, connection: Connection, run: Run, still: Sequence[int], repaired: Sequence[int] = ()) -> set[str]:
    """Findings of earlier nights on days that are equal now. Gives their days."""
    named = {day_name(day) for day in still}
    within = {day_name(day) for day in range(run.since, run.until, DAY_US)}
    opened = {one.subject for one in findings.open_of(work.db, connection.id, "day")} & within - named
    mended = {day_name(day) for day in repaired}
    findings.close(work.db, connection.id, "day", opened & mended, "repaired", work.now)
    findings.close(work.db, connection.id, "day", opened - mended, "gone by itself", work.now)
    return opened


def _remember(work: Unit, connection: Connection, run: Run, ours: Mapping[int, int], repaired: Sequence[int]) -> None:
    """What was missing, and is here now: its evidence stays."""
    found = [
        Finding(
            connection.id, "day", day_name(day), f"{run.theirs.get(day, 0)} orders", f"{ours.get(day, 0) - run.kept[day]} orders",
            run.begun, None, work.now, "repaired",
        )
        for day in repaired
    ]  # fmt: skip
    findings.keep(work.db, connection.merchant, connection.id, found)


def _go_on(work: Unit, connection: Connection, run: Run, wait_s: float) -> None:
    connections.set_mark(work.db, connection.merchant, connection.id, MARK, work.now, msgspec.json.encode(run).decode())
    work.ask(connection.merchant, "compare_days", connection.id, connection.id, wait_s=wait_s)


def by_hand(hub: Hub, connection: Connection, days: int) -> Iterator[tuple[int, int, int]]:
    """(day, theirs, ours) of the days that differ, asked for now and to the end; changes nothing."""
    channel = hub.channel(connection)
    since, until = span(hub, connection, channel, days)
    if not isinstance(channel, Counts) or since >= until:
        return
    theirs: dict[int, int] = {}
    for page in _pages(hub, channel, since, until):
        theirs = added(theirs, page)
    with hub.database.read() as db:
        ours = findings.counted(db, connection.merchant, connection.id, since, until)
    for day in differing(theirs, ours, {}):
        yield day, theirs.get(day, 0), ours.get(day, 0)


def _pages(hub: Hub, channel: Counts, since: int, until: int) -> Iterator[Page[tuple[datetime, int]]]:
    cursor = None
    while True:
        page = channel.placed(when(since), when(until), cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        hub.pause(page.wait_s)
