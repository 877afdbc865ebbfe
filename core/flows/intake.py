"""Orders in: notices are kept, read, compared with what we know, saved, and their stock is reserved, a set at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.events import changes
from core.domain.order import Line, Order
from core.domain.stock import NOTHING, Dues, dues, history
from core.domain.tasks import Claim, Outcome
from core.errors import BadPayload
from core.flows.allocation import Wish, places_for, settle_lines
from core.hub import Hub
from core.ports import About, Notice
from core.store import connections, inbox, orders, stock
from core.store.connections import Connection
from core.store.inbox import Kept
from core.store.orders import Known, Written
from core.store.tables import us, when
from core.store.unit import Unit
from core.store.vault import Box


def rows_of(connection: Connection, notices: Iterable[Notice], box: Box, now: int, *, fetched: bool = False) -> list[dict[str, Any]]:
    """Notices about orders as inbox rows, their bodies sealed."""
    return [
        {
            "merchant": connection.merchant,
            "connection": connection.id,
            "delivery": notice.delivery,
            "topic": notice.topic,
            "ref": f"{connection.id}/{notice.order}",
            "revision": us(notice.revision) if notice.revision else None,
            "fetched": fetched,
            "body": box.seal(inbox.place(connection.id, notice.delivery), notice.body) if notice.body is not None else None,
            "received_at": now,
        }
        for notice in notices
        if notice.about is About.ORDER and notice.order
    ]


def keep(hub: Hub, work: Unit, connection: Connection, notices: Sequence[Notice], *, fetched: bool = False) -> None:
    """Keep notices and ask for their orders to be taken, in the caller's transaction."""
    rows = rows_of(connection, notices, hub.box(connection.merchant), work.now, fetched=fetched)
    inbox.keep(work.db, rows)
    for row in rows:
        work.ask(connection.merchant, "take_orders", row["ref"], connection.id)


@dataclass
class Reading:
    """What a set of kept notices comes to: the newest good copy of each order, what is fetched, what nobody can read."""

    best: dict[str, tuple[Kept, Order]] = field(default_factory=dict)
    fetch: dict[str, int | None] = field(default_factory=dict)  # up to which revision; None: in any case
    bad: dict[str, tuple[Kept, BadPayload]] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)


def take_orders(hub: Hub, claim: Claim) -> None:
    """Take in whatever the kept notices say changed; one transaction for the set."""
    merchant, box = claim.merchant, hub.box(claim.merchant)
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        kept = inbox.waiting(db, merchant, claim.subjects, box)
    reading = read(hub, connection, kept)
    written = {ref: orders.write(order) for ref, (_, order) in reading.best.items()}
    with hub.unit(claim) as work:
        save(hub, work, connection, reading, written)
        for ref, (_, error) in reading.bad.items():
            claim.say(ref, Outcome("parked", cause="BadPayload", detail=str(error), words=error.words))


def read(hub: Hub, connection: Connection, kept: Iterable[Kept]) -> Reading:
    """Normalize, and keep the newest of each order; a copy that nobody can read counts only until a newer good one."""
    normalize, reading = hub.connector(connection).order, Reading()
    for one in kept:
        reading.outcomes[one.id] = "taken"
        if one.body is None:
            _hint(reading, one)
            continue
        try:
            order = normalize(one.body, connection.id)
            if order.ref != one.ref:
                raise BadPayload("the body is another order's", ref=one.ref)
        except BadPayload as error:
            reading.outcomes[one.id] = "unreadable"
            reading.bad[one.ref] = (one, error)
            continue
        reading.bad.pop(one.ref, None)
        if one.ref not in reading.best or _newer(one, order, *reading.best[one.ref]):
            reading.best[one.ref] = (one, order)
    _keep_waiting(reading)
    return reading


def _keep_waiting(reading: Reading) -> None:
    """What could not be read stays in the inbox, for the next try with a better reader."""
    for one, _ in reading.bad.values():
        reading.outcomes.pop(one.id, None)


def _hint(reading: Reading, one: Kept) -> None:
    known = reading.fetch.get(one.ref, 0)
    reading.fetch[one.ref] = None if one.revision is None or known is None else max(one.revision, known)
    reading.outcomes[one.id] = "hint"


def _newer(one: Kept, order: Order, known: Kept, best: Order) -> bool:
    return (order.revision, one.fetched, one.id) > (best.revision, known.fetched, known.id)


def save(hub: Hub, work: Unit, connection: Connection, reading: Reading, written: Mapping[str, Written]) -> None:
    """Compare with what is known, write what is newer, settle its stock and say what happened."""
    merchant, box = connection.merchant, hub.box(connection.merchant)
    refs = written.keys() | reading.fetch.keys()
    known = orders.find(work.db, merchant, refs, box) if refs else {}
    new = {ref: known[ref].id if ref in known else hub.ids() for ref, one in written.items() if _wanted(reading, ref, one, known.get(ref))}
    saved = orders.save(work.db, merchant, [(id, _whole(written[ref], known.get(ref))) for ref, id in new.items()], box, work.now)
    taken = {ref: (id, written[ref].order, known.get(ref)) for ref, id in new.items() if id in saved}
    for ref, (_, order, before) in taken.items():
        work.happened(merchant, [(ref, fact) for fact in changes(before.order if before else None, order)])
    _settle(work, connection, taken)
    for ref in new.keys() - taken.keys():  # somebody wrote it first: look again
        work.ask(merchant, "fetch_orders", ref, connection.id)
    _ask_fetches(work, connection, reading, known)
    inbox.close(work.db, reading.outcomes, work.now)


def _whole(one: Written, known: Known | None) -> Written:
    merged = orders.merge(one.order, known.order if known else None)
    if merged is one.order:
        return one
    return Written(merged, orders.write(merged).doc, one.person, one.digest)


def _wanted(reading: Reading, ref: str, one: Written, known: Known | None) -> bool:
    """Newer than ours: saved. As old with other words: a fetched copy is saved, a pushed one fetched. Else ignored."""
    kept, revision = reading.best[ref][0], us(one.order.revision)
    if known is None or revision > known.revision:
        return True
    if revision < known.revision or one.digest == known.digest:
        return False
    if not kept.fetched:
        reading.fetch[ref] = None
    return kept.fetched


def _ask_fetches(work: Unit, connection: Connection, reading: Reading, known: Mapping[str, Known]) -> None:
    """Hints are followed unless what we hold, or just read, is as new as they say."""
    for ref, revision in sorted(reading.fetch.items()):
        best = max(us(reading.best[ref][1].revision) if ref in reading.best else 0, known[ref].revision if ref in known else 0)
        if revision is None or revision > best:
            work.ask(connection.merchant, "fetch_orders", ref, connection.id)


def _settle(work: Unit, connection: Connection, taken: Mapping[str, tuple[str, Order, Known | None]]) -> None:
    since = when(connection.stock_since)
    rows = [row for id, order, before in taken.values() for row in _line_rows(id, order, before, since)]
    booked = orders.save_lines(work.db, connection.merchant, rows)
    wishes = [wish for id, order, before in taken.values() for wish in _wishes(id, order, before, booked)]
    if wishes:
        settle_lines(work, connection.merchant, wishes, places_for(connection, stock.places(work.db, connection.merchant)))


def _line_rows(id: str, order: Order, before: Known | None, since: datetime) -> list[dict[str, Any]]:
    """What each line demands now; lines that the channel no longer lists hold nothing any more."""
    rows = {
        line.id: orders.line_row(id, line.id, line.listing, line.sku, dues(order, line), (0, 0) if before else history(order, line, since))
        for line in order.lines
    }
    for line in _vanished(order, before):
        rows[line.id] = orders.line_row(id, line.id, line.listing, line.sku, _unheld(before, line))
    return list(rows.values())


def _vanished(order: Order, before: Known | None) -> list[Line]:
    listed = {line.id for line in order.lines}
    return [line for line in before.order.lines if line.id not in listed] if before else []


def _unheld(before: Known | None, line: Line) -> Dues:
    return replace(dues(before.order, line), hold=0) if before else NOTHING


def _wishes(id: str, order: Order, before: Known | None, booked: Mapping[tuple[str, str], orders.Booked]) -> list[Wish]:
    """The lines whose books may have to move."""
    old = {line.id: line for line in before.order.lines} if before else {}
    lines = [(line, dues(order, line)) for line in {line.id: line for line in order.lines}.values()]
    lines += [(line, _unheld(before, line)) for line in _vanished(order, before)]
    wishes = [_wish(id, order, line, due, booked[id, line.id], _sold(order, line, old.get(line.id), before)) for line, due in lines]
    return [wish for wish in wishes if wish.sold != 0 or _moves(wish)]


def _wish(id: str, order: Order, line: Line, due: Dues, booked: orders.Booked, sold: int | None) -> Wish:
    return Wish(
        order=id, ref=order.ref, connection=order.connection, line=line.id, listing=line.listing or "", sku=line.sku or "",
        placed_at=us(order.placed_at), due=due, booked=booked, ships=line.requires_shipping, sold=sold,
    )  # fmt: skip


def _moves(wish: Wish) -> bool:
    return (wish.due.hold, wish.due.gone, wish.due.back) != (wish.booked.held, wish.booked.gone, wish.booked.back)


def _sold(order: Order, line: Line, old: Line | None, before: Known | None) -> int | None:
    """Units that the channel itself took off what it shows: all of a line at its first sight. When units are cancelled or
    added later it may have moved either way."""
    if order.test:
        return 0
    if old is None:
        return line.ordered - line.cancelled
    same = (old.ordered - old.cancelled, before and before.order.is_cancelled) == (line.ordered - line.cancelled, order.is_cancelled)
    return 0 if same and line in order.lines else None


def fetch_orders(hub: Hub, claim: Claim) -> None:
    """Read the whole of these orders and keep them like any notice; gone ones are only noted."""
    connection = hub.connection(claim.connection)
    ids = {subject.split("/", 1)[1]: subject for subject in claim.subjects}
    found = hub.channel(connection).fetch(list(ids))
    with hub.unit(claim) as work:
        notices = [Notice("fetched", f"fetched {id} {hub.ids()}", order=id, body=body) for id, body in found.items() if body is not None]
        keep(hub, work, connection, notices, fetched=True)
        for id, subject in ids.items():
            if found.get(id) is None:
                claim.say(subject, Outcome("parked", cause="Refused", detail="the channel has no such order (any more)"))


BEGIN = timedelta(days=30)  # how far the very first poll looks back; history is a job of its own


def poll_orders(hub: Hub, claim: Claim) -> None:
    """Read one page of the orders that changed since the mark, keep those that are news, and ask again while there are more."""
    connection = hub.connection(claim.connection)
    connector = hub.connector(connection)
    with hub.database.read() as db:
        mark, cursor = connections.mark(db, connection.id, "orders")
        until, _ = connections.mark(db, connection.id, "orders until")
    mark = mark or us(hub.clock() - BEGIN)
    if cursor is None:
        until = us(hub.clock() - age_of(connector.poll_age, connection))
    page = hub.channel(connection).poll(when(mark) - connector.poll_overlap, when(until), cursor)
    with hub.unit(claim) as work:
        _keep_news(hub, work, connection, page.items)
        done = page.cursor is None
        connections.set_mark(work.db, connection.merchant, connection.id, "orders until", until)
        at = us(page.until) if done and page.until else until if done else mark
        connections.set_mark(work.db, connection.merchant, connection.id, "orders", at, page.cursor)
        if not done:
            work.ask(connection.merchant, "poll_orders", connection.id, connection.id)


def age_of(usual: timedelta, connection: Connection) -> timedelta:
    """How old a change must be to be polled; a connection's setting min_age_s wins."""
    asked = connection.settings.get("min_age_s")
    return usual if asked is None else timedelta(seconds=int(asked))


def _keep_news(hub: Hub, work: Unit, connection: Connection, notices: Sequence[Notice]) -> None:
    known = orders.revisions(work.db, connection.merchant, connection.id, (notice.order for notice in notices if notice.order))
    news = [
        notice
        for notice in notices
        if notice.order and (notice.revision is None or us(notice.revision) > known.get(notice.order, -1))
    ]  # fmt: skip
    keep(hub, work, connection, news, fetched=True)


LISTEN_S = 1.0  # how long an empty queue is left alone


def receive_notices(hub: Hub, claim: Claim) -> None:
    """Take notices from the channel's own queue: kept first, acknowledged after. Asks for itself again, for ever."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    notices = channel.receive()
    with hub.unit(claim, finish=False) as work:
        keep(hub, work, connection, notices)
    if notices:
        channel.acknowledge([notice.receipt for notice in notices])
    with hub.unit(claim) as work:
        work.ask(connection.merchant, "receive_notices", connection.id, connection.id, wait_s=0 if notices else LISTEN_S)
    hub.bell.ring("outside", 0 if notices else LISTEN_S)
