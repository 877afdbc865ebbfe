"""Old orders, behind live work: one page after the other is read, kept and taken while nothing live waits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain import backfill as runs
from core.domain.backfill import Run
from core.domain.tasks import Claim, Outcome
from core.domain.who import COMMAND_LINE, Who
from core.errors import Unsupported
from core.flows.intake import LATER, rows_of
from core.hub import Hub
from core.ports import Channel, Notice, Page, Remembers
from core.store import audit, backfills, inbox, orders, tasks
from core.store.connections import Connection
from core.store.tables import us, when
from core.store.unit import Unit

TAKING = ("take_history", "fetch_history")
BACKLOG = 200  # so many orders that were read and not taken yet are enough
FULL_S = 0.2  # how long it waits then
RESTS = 4.0
LASTS = timedelta(hours=20) // timedelta(microseconds=1)  # Amazon's page tokens end after a day (Orders 2026-01-01, read 2026-11)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a channel lets us read (None: it does not say), and why not further."""

    earliest: datetime | None
    note: str


def reach(hub: Hub, connection: Connection) -> Reach:
    """Asks the channel. Raises Unsupported where it does not remember its orders, and what reads raise."""
    earliest, note = _remembering(hub.channel(connection)).reach()
    return Reach(earliest, note)


def _remembering(channel: Channel) -> Remembers:
    if not isinstance(channel, Remembers):
        raise Unsupported("this channel cannot be asked for its old orders")
    return channel


def ask(hub: Hub, connection: Connection, since: datetime, who: Who = COMMAND_LINE) -> Run:
    """Have the orders placed since then read, open ones first. While a run is on its way only an earlier `since` changes it; after it
    ended all is read anew, and what is known is passed. Raises Unsupported where the channel cannot."""
    _remembering(hub.channel(connection))
    with hub.unit() as work:
        known = backfills.locked(work.db, connection.id)
        if known is None or known.is_over:
            run = Run(connection.merchant, connection.id, min(us(since), work.now), work.now, begun_at=work.now)
        else:
            run = runs.widened(known, us(since))
        backfills.put(work.db, run)
        work.ask(connection.merchant, "backfill", connection.id, connection.id)
        _say(work, connection, who, "history.ask")
    return run


def _say(work: Unit, connection: Connection, who: Who, act: str) -> None:
    audit.write(work.db, connection.merchant, work.now, who.id, who.name, act, connection.id)


def stop(hub: Hub, connection: Connection, who: Who = COMMAND_LINE) -> Run | None:
    """Read nothing more; what was read is taken. Gives the run, or None where none was on its way."""
    with hub.unit() as work:
        run = backfills.locked(work.db, connection.id)
        if run is None or run.is_over:
            return None
        backfills.put(work.db, runs.stopped(run, work.now))
        _say(work, connection, who, "history.stop")
    return run


def backfill(hub: Hub, claim: Claim) -> None:
    """One step of a run: ask how far back it may read, then a page at a time. Nothing where there is none, and where enough waits to be
    taken only later."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        run = backfills.get(db, connection.id)
        waiting = sum(tasks.due_of(db, connection.merchant, connection.id, kind, BACKLOG) for kind in TAKING)
    if run is None or run.is_over:
        return
    if waiting >= BACKLOG:
        _later(hub, claim)
    elif run.paged_at:
        _read_page(hub, claim, connection, run)
    else:
        _ask_reach(hub, claim, connection, run)


def _later(hub: Hub, claim: Claim) -> None:
    detail = "what was read before is being taken"
    claim.say(claim.subjects[0], Outcome("due", wait_s=FULL_S, counts=False, cause="Backlog", detail=detail))
    hub.bell.ring("outside", FULL_S)


def _ask_reach(hub: Hub, claim: Claim, connection: Connection, run: Run) -> None:
    earliest, note = _remembering(hub.channel_behind(connection)).reach()
    with hub.unit(claim) as work:
        _move(work, run, runs.reached(run, us(earliest) if earliest else None, note, work.now))


def _read_page(hub: Hub, claim: Claim, connection: Connection, run: Run) -> None:
    """What the page tells is kept in the transaction that moves the cursor, or neither. Then it rests, longer than the page took."""
    asked, page = hub.now, _page(hub, connection, run)
    wait_s = max(page.wait_s, RESTS * (hub.now - asked) / runs.SECOND)
    with hub.unit(claim) as work:
        news = _news(work, connection, page.items)
        kept = len(news) - len(_waiting(work, connection, news))
        if _move(work, run, runs.paged(run, page.cursor, kept, len(page.items) - kept, work.now), wait_s):
            _keep(hub, work, connection, news, asked)
    if wait_s:
        hub.bell.ring("outside", wait_s)


def _page(hub: Hub, connection: Connection, run: Run) -> Page[Notice]:
    """A channel forgets its pages some time: then the stretch begins again."""
    since, until = runs.stretch(run)
    cursor = run.cursor if run.paged_at > hub.now - LASTS else None
    channel = _remembering(hub.channel_behind(connection))
    return channel.history(when(since), when(until), cursor, open_only=run.phase == runs.OPEN)


def _move(work: Unit, was: Run, now: Run, wait_s: float = 0.0) -> bool:
    """Write where the run is now, unless somebody widened or stopped it meanwhile; and go on. False where somebody did."""
    still = backfills.locked(work.db, was.connection) == was
    if still:
        backfills.put(work.db, now)
    if not still or not now.is_over:
        work.ask(was.merchant, "backfill", was.connection, was.connection, wait_s=wait_s)
    return still


def _news(work: Unit, connection: Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Those that are not here, or older here."""
    known = orders.copies(work.db, connection.merchant, connection.id, (notice.order for notice in notices if notice.order))
    ours = {order: revision for order, (revision, _) in known.items()}
    return [one for one in notices if one.revision is None or us(one.revision) > ours.get(one.order or "", -1)]


def _waiting(work: Unit, connection: Connection, notices: Sequence[Notice]) -> set[str]:
    """Those that an earlier page brought already."""
    refs = [f"{connection.id}/{one.order}" for one in notices if one.order]
    return tasks.under_way(work.db, connection.merchant, TAKING, refs)


def _keep(hub: Hub, work: Unit, connection: Connection, notices: Iterable[Notice], asked: int) -> None:
    """Whole orders wait in the inbox to be taken, the others to be fetched; either behind live work."""
    marked = [replace(one, topic=inbox.HISTORY, delivery=f"{inbox.HISTORY} {one.delivery}") for one in notices]
    rows = rows_of(connection, [one for one in marked if one.body is not None], hub.box(connection.merchant), work.now, read_at=asked)
    inbox.keep(work.db, rows)
    for row in rows:
        work.ask(connection.merchant, "take_history", row["ref"], connection.id)
    for one in marked:
        if one.body is None and one.order:
            work.ask(connection.merchant, "fetch_history", f"{connection.id}/{one.order}", connection.id)


def fetch_history(hub: Hub, claim: Claim) -> None:
    """Read the whole of these old orders and keep them. One that the channel no longer has is no loss."""
    connection = hub.connection(claim.connection)
    ids, asked = {subject.split("/", 1)[1]: subject for subject in claim.subjects}, hub.now
    found = hub.channel_behind(connection).fetch(list(ids))
    notices = [Notice(inbox.HISTORY, f"fetched {id} {hub.ids()}", order=id, body=body) for id, body in found.items() if body is not None]
    with hub.unit(claim) as work:
        _keep(hub, work, connection, notices, asked)
        for id, subject in ids.items():
            if id not in found:
                claim.say(subject, LATER)
