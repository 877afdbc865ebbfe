"""Orders in: notices are kept, read, compared with what we know, saved, and their stock is reserved, a set at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog

from core.domain.backfill import is_past
from core.domain.events import AddressChanged, LineChanged, LineGone, StatusChanged, changes
from core.domain.kin import may_come_again
from core.domain.order import Order, PaymentStatus
from core.domain.shipments import PAID
from core.domain.signs import without_nul
from core.domain.tasks import Claim, Outcome
from core.errors import BadPayload
from core.flows import books, heard, kin
from core.flows.kin import Kindred, Taken
from core.flows.settling import settle
from core.hub import Hub
from core.ports import About, Connector, Notice
from core.store import callings, captures, connections, doubts, inbox, listings, orders, words
from core.store.connections import Connection
from core.store.inbox import Kept
from core.store.orders import Known, Written
from core.store.tables import us, when
from core.store.unit import Unit
from core.store.vault import Box

log = structlog.get_logger("intake")


def rows_of(connection: Connection, notices: Iterable[Notice], box: Box, now: int, *, read_at: int | None = None) -> list[dict[str, Any]]:
    """Notices about orders as inbox rows, their bodies sealed. One that does not even say which order it is about waits
    under its delivery's name, until somebody looks. `read_at` is when we asked the channel for them; None: it pushed them."""
    return [
        {
            "merchant": connection.merchant,
            "connection": connection.id,
            "delivery": notice.delivery,
            "topic": notice.topic,
            "ref": f"{connection.id}/{notice.order or f'?{notice.delivery}'}",
            "revision": us(notice.revision) if notice.revision else None,
            "read_at": read_at,
            "body": box.seal(inbox.place(connection.id, notice.delivery), notice.body) if notice.body is not None else None,
            "received_at": now,
        }
        for notice in notices
        if notice.about is About.ORDER and (notice.order or notice.body)
    ]


def keep(hub: Hub, work: Unit, connection: Connection, notices: Sequence[Notice], *, read_at: int | None = None) -> None:
    """Keep notices and ask for their orders to be taken, in the caller's transaction."""
    rows = rows_of(connection, notices, hub.box(connection.merchant), work.now, read_at=read_at)
    inbox.keep(work.db, rows)
    for row in rows:
        work.ask(connection.merchant, "take_orders", row["ref"], connection.id)


@dataclass
class Reading:
    """What a set of kept notices comes to: the newest good copy of each order, what is fetched, what nobody can read."""

    best: dict[str, tuple[Kept, Order]] = field(default_factory=dict)
    fetch: dict[str, int | None] = field(default_factory=dict)  # up to which revision; None: in any case
    behind: set[str] = field(default_factory=set)  # of these, those that may wait: the backfill brought them
    bad: dict[str, tuple[Kept, BadPayload]] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)


def take_orders(hub: Hub, claim: Claim) -> None:
    """Take in whatever the kept notices say changed; one transaction for the set."""
    merchant, box = claim.merchant, hub.box(claim.merchant)
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        waiting = inbox.waiting(db, merchant, claim.subjects, box)
    reading = read(hub, connection, waiting)
    written = {ref: orders.write(order, kept.read_at) for ref, (kept, order) in reading.best.items()}
    with hub.unit(claim) as work:
        save(hub, work, connection, reading, written)
        inbox.strip(work.db, [kept.id for kept, _ in reading.bad.values() if kept.topic == inbox.HISTORY])
        for ref, (_, error) in reading.bad.items():
            claim.say(ref, Outcome("parked", cause="BadPayload", detail=str(error), words=error.words))


def read(hub: Hub, connection: Connection, kept: Iterable[Kept]) -> Reading:
    """Normalize, and keep the newest of each order; a copy that nobody can read counts only until a newer good one."""
    normalize, reading = hub.connector(connection).order, Reading()
    for one in kept:
        reading.outcomes[one.id] = _outcome(one, "taken")
        if one.body is None:
            _hint(reading, one)
            continue
        try:
            order = normalize(without_nul(one.body), connection.id)
            if order.ref != one.ref:
                raise BadPayload("the body is another order's", ref=one.ref)
        except BadPayload as error:
            reading.outcomes[one.id] = _outcome(one, "unreadable")
            reading.bad[one.ref] = (one, error)
            continue
        reading.bad.pop(one.ref, None)
        if one.ref in reading.best and _differs(one, order, *reading.best[one.ref]):
            reading.fetch[one.ref] = None
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
    reading.outcomes[one.id] = _outcome(one, "hint")
    if one.topic == inbox.HISTORY:
        reading.behind.add(one.ref)


def _outcome(one: Kept, became: str) -> str:
    return inbox.HISTORY if one.topic == inbox.HISTORY else became


def _differs(one: Kept, order: Order, known: Kept, best: Order) -> bool:
    """Two copies as old as each other with other words, one of them a push: which came last only the channel knows."""
    return order.revision == best.revision and order != best and (one.read_at is None or known.read_at is None)


def _newer(one: Kept, order: Order, known: Kept, best: Order) -> bool:
    return (order.revision, one.read_at or 0, one.id) > (best.revision, known.read_at or 0, known.id)


def save(hub: Hub, work: Unit, connection: Connection, reading: Reading, written: Mapping[str, Written]) -> None:
    """Compare with what is known, write what is newer, settle its stock and say what happened."""
    merchant, box, merges = connection.merchant, hub.box(connection.merchant), hub.connector(connection).merges
    seen = kin.look_up(work, connection, [one.order for one in written.values()], merges=merges)
    refs = written.keys() | reading.fetch.keys() | seen.near | seen.far
    known = orders.find(work.db, merchant, refs, box) if refs else {}
    new = {ref: known[ref].id if ref in known else hub.ids() for ref, one in written.items() if _wanted(reading, ref, one, known.get(ref))}
    past = {ref for ref in new.keys() - known.keys() if _is_past(connection, *reading.best[ref])}
    whole = {ref: replace(_whole(written[ref], known.get(ref)), history=ref in past) for ref in new}
    saved = orders.save(work.db, merchant, [(id, whole[ref]) for ref, id in new.items()], box, work.now)
    taken = {ref: (id, whole[ref].order, known.get(ref)) for ref, id in new.items() if id in saved}
    words.save(work.db, merchant, taken.values(), box, work.now)
    for ref, (_, order, before) in taken.items():
        facts = changes(before.order if before else None, order)
        work.happened(merchant, [(ref, fact) for fact in (facts[:1] if ref in past else facts)])
        fetched = before is not None and before.order.is_pickup != order.is_pickup
        if before and (fetched or any(isinstance(fact, STOPPING) for fact in facts)):
            work.ask(merchant, "look_at_shipments", taken[ref][0], connection.id)
    _close_callings(work, connection, taken)
    if hub.connector(connection).captures:
        _see_payments(work, connection, {ref: one for ref, one in taken.items() if ref not in past})
    books.ask_in(work, connection, taken)
    kindred = kin.find(connection, taken, known, seen, {}, merges=merges)
    split = bool(taken) and settle(work, connection, taken, known, kindred, past=past).places.is_split
    _ask_routes(work, connection, {ref: written[ref] for ref in taken if ref not in past and (split or _goes_nowhere(written[ref].order))})
    _ask_links(work, merchant, taken, kindred)
    for ref in new.keys() - taken.keys():  # somebody wrote it first: look again
        work.ask(merchant, "fetch_orders", ref, connection.id)
    _ask_fetches(work, connection, reading, known)
    inbox.close(work.db, reading.outcomes, work.now)


# What makes shipments of an order look whether they may still leave.
STOPPING = (LineChanged, LineGone, StatusChanged, AddressChanged)


def _close_callings(work: Unit, connection: Connection, taken: Taken) -> None:
    """What was called off is done when the order is cancelled; a buyer who wishes nothing any more may wish it again."""
    was = {id: (ref, order, before.order) for ref, (id, order, before) in taken.items() if before}
    off = [id for id, (_, order, before) in was.items() if order.is_cancelled and not before.is_cancelled]
    for id in sorted(callings.cancelled(work.db, connection.merchant, off, work.now)):
        work.ask(connection.merchant, "call_off_orders", was[id][0], connection.id)  # whatever of it waits for a person is over
    unwished = [id for id, (_, order, before) in was.items() if before.cancel_requested and not order.cancel_requested]
    callings.not_wished(work.db, connection.merchant, unwished, work.now)


def _see_payments(work: Unit, connection: Connection, taken: Taken) -> None:
    """What could not be captured here and is paid now needs nobody any more. Until when it can be captured is read where nobody said."""
    paid = {id: ref for ref, (id, order, _) in taken.items() if order.payment_status in PAID}
    for id in sorted(captures.failed(work.db, connection.merchant, paid)):
        work.ask(connection.merchant, "capture_payments", paid[id], connection.id)
    for ref, (_, order, _) in taken.items():
        if order.payment_status is PaymentStatus.AUTHORIZED and order.payments is None and order.units_to_ship:
            work.ask(connection.merchant, "fetch_orders", ref, connection.id)


def _is_past(connection: Connection, kept: Kept, order: Order) -> bool:
    """An old order that is over: it is known from now on, and moves nothing."""
    return kept.topic == inbox.HISTORY and is_past(order, when(connection.stock_since))


def _whole(one: Written, known: Known | None) -> Written:
    merged = orders.merge(one.order, known.order if known else None)
    if merged is one.order:
        return one
    return replace(one, order=merged, doc=orders.write(merged).doc)


def _wanted(reading: Reading, ref: str, one: Written, known: Known | None) -> bool:
    """Newer than ours: saved. As old: saved if it was read, and after ours, and tells more than ours; fetched if it says something else
    and was pushed, or may have been read before ours was: within one second a channel's orders change more than once. Else ignored."""
    revision = us(one.order.revision)
    if known is None or revision != known.revision:
        return known is None or revision > known.revision
    differs = one.digest != known.digest
    pushed = one.read_at is None or (known.read_at is None and one.read_at < known.saved_at)
    if differs and pushed:
        reading.fetch[ref] = None
    if one.read_at is None or (differs and pushed) or one.read_at < (known.read_at or 0):
        return False
    return differs or not known.final or orders.brings_parts(one.order, known.order)


def _ask_fetches(work: Unit, connection: Connection, reading: Reading, known: Mapping[str, Known]) -> None:
    """Hints are followed unless what we hold, or just read, is as new as they say."""
    for ref, revision in sorted(reading.fetch.items()):
        best = max(us(reading.best[ref][1].revision) if ref in reading.best else 0, known[ref].revision if ref in known else 0)
        if revision is None or revision > best:
            work.ask(connection.merchant, "fetch_history" if ref in reading.behind else "fetch_orders", ref, connection.id)


def _ask_links(work: Unit, merchant: str, taken: Taken, kindred: Kindred) -> None:
    """What is still held by orders that were cancelled is given free once the channel's orders were read past that moment."""
    for ref, (_, order, before) in taken.items():
        if before and kindred.lists(ref) and may_come_again(order):
            work.ask(merchant, "link_orders", ref, order.connection)


ROUTED_S, ROUTED_WITHIN = 60.0, timedelta(hours=1)  # how often, and how long, a channel is asked where it will send an order from


def _goes_nowhere(order: Order) -> bool:
    """Goods without an address: its buyer may fetch them, which only a look at where they are sent from tells."""
    goods = any(line.requires_shipping and line.open for line in order.lines)
    return goods and order.routing is None and order.person is not None and order.person.ship_to is None


def _ask_routes(work: Unit, connection: Connection, looks: Mapping[str, Written]) -> None:
    """From where an order is sent a webhook does not tell, and the channel itself only after a while."""
    for ref, one in looks.items():
        pushed, young = one.read_at is None, us(one.order.placed_at + ROUTED_WITHIN) > work.now
        if not one.order.routing and any(line.open for line in one.order.lines) and (pushed or young):
            work.ask(
                connection.merchant, *(("fetch_orders", ref, connection.id) if pushed else ("look_again", ref, connection.id, ROUTED_S))
            )


LATER = Outcome("due", wait_s=1.0, counts=False, cause="RateLimited", detail="the channel's budget did not reach it")


def fetch_orders(hub: Hub, claim: Claim) -> None:
    """Read the whole of these orders and keep them like any notice; gone ones are only noted. A look again is the same, but nobody waits
    for it: what it reads is here already, as far as anybody knows."""
    connection = hub.connection(claim.connection)
    ids, asked = {subject.split("/", 1)[1]: subject for subject in claim.subjects}, hub.now
    found = hub.channel(connection).fetch(list(ids))
    with hub.unit(claim) as work:
        notices = [Notice("fetched", f"fetched {id} {hub.ids()}", order=id, body=body) for id, body in found.items() if body is not None]
        keep(hub, work, connection, notices, read_at=asked)
        for id, subject in ids.items():
            if id not in found:
                claim.say(subject, LATER)
        for subject in _lost(hub, work, connection, [subject for id, subject in ids.items() if id in found and found[id] is None]):
            claim.say(subject, Outcome("parked", cause="Gone", detail="the channel has no such order (any more)"))


def _lost(hub: Hub, work: Unit, connection: Connection, gone: Sequence[str]) -> list[str]:
    """Those of these orders that the channel does not know any more and somebody must look at. On a channel that merges, one that is
    merged, or was not here yet, is in another order, which we have or the next poll brings."""
    if not gone or not hub.connector(connection).merges:
        return list(gone)
    known = orders.find(work.db, connection.merchant, gone, hub.box(connection.merchant))
    return [ref for ref in gone if ref in known and not known[ref].merged_into]


BEGIN = timedelta(days=30)  # how far the very first poll looks back; history is a job of its own


def poll_orders(hub: Hub, claim: Claim) -> None:
    """Read one page of the orders that changed since the mark, keep those that are news, and ask again while there are more."""
    connection = hub.connection(claim.connection)
    connector = hub.connector(connection)
    with hub.database.read() as db:
        mark, cursor = connections.mark(db, connection.id, "orders")
        until, _ = connections.mark(db, connection.id, "orders until")
        paged, _ = connections.mark(db, connection.id, "orders paged")
    first, mark = not mark, mark or us(hub.clock() - BEGIN)
    cursor = lasting(cursor, paged, hub.now)
    if cursor is None:
        until = us(hub.clock() - age_of(connector.poll_age, connection))
    asked = hub.now
    page = hub.channel(connection).poll(when(mark) - connector.poll_overlap, when(until), cursor)
    with hub.unit(claim) as work:
        found = news(hub, work, connection, page.items)
        late = [one for one in found if one.revision and us(one.revision) < until]  # of later ones a notice may be on its way
        heard.untold(work, connection, late, asked)
        keep(hub, work, connection, found, read_at=asked)
        done = page.cursor is None
        if first:
            connections.set_mark(work.db, connection.merchant, connection.id, "orders since", mark)
        connections.set_mark(work.db, connection.merchant, connection.id, "orders until", until)
        connections.set_mark(work.db, connection.merchant, connection.id, "orders paged", work.now)
        at = us(page.until) if done and page.until else until if done else mark
        connections.set_mark(work.db, connection.merchant, connection.id, "orders", at, page.cursor)
        if not done:
            work.ask(connection.merchant, "poll_orders", connection.id, connection.id)
        elif listings.raise_again(work.db, connection.id, at):
            work.ask(connection.merchant, "publish_stock", connection.id, connection.id)
        if done:
            _ask_judge(work, connection, at)
            ask_before_raising(work, connection, connector)


def _ask_judge(work: Unit, connection: Connection, read_to: int) -> None:
    """What showed something else before that is judged now."""
    if (doubted := doubts.first(work.db, connection.id)) is not None and doubted < read_to:
        work.ask(connection.merchant, "compare_listings", connection.id, connection.id)


def ask_before_raising(work: Unit, connection: Connection, connector: Connector) -> None:
    """What waits to be raised, or to be judged, waits for a poll that reaches past the figure it was compared with; not for the next one by
    the clock."""
    moments = [at for at in (listings.first_raise(work.db, connection.id), doubts.first(work.db, connection.id)) if at is not None]
    if (first := min(moments, default=None)) is not None:
        ripe_s = (first - work.now) / 1e6 + age_of(connector.poll_age, connection).total_seconds() + 1
        wait_s = max(ripe_s, poll_every(connection, connector).total_seconds() / 5)
        work.ask(connection.merchant, "poll_orders", connection.id, connection.id, wait_s=wait_s)


PAGE = timedelta(hours=1)


def lasting(cursor: str | None, paged: int, now: int) -> str | None:
    """The page to go on with; None, so that a long read begins again, where the channel may have forgotten that page by now."""
    return cursor if paged > now - PAGE // timedelta(microseconds=1) else None


def age_of(usual: timedelta, connection: Connection) -> timedelta:
    """How old a change must be to be polled; a connection's setting min_age_s wins."""
    asked = connection.settings.get("min_age_s")
    return usual if asked is None else timedelta(seconds=int(asked))


def poll_every(connection: Connection, connector: Connector) -> timedelta:
    """How often it is polled; a setting that is no number must not stop everybody's clockwork."""
    try:
        return max(timedelta(seconds=1), timedelta(seconds=float(connection.settings.get("poll_s", connector.poll_every.total_seconds()))))
    except (TypeError, ValueError, OverflowError):
        log.warning("poll_s is not a number of seconds", connection=connection.id)
        return connector.poll_every


def news(hub: Hub, work: Unit, connection: Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Those of the orders read from a channel that may tell more than what is known."""
    known = orders.copies(work.db, connection.merchant, connection.id, (notice.order for notice in notices if notice.order))
    found = []
    for notice in notices:
        revision, ours = known.get(notice.order or "", (-1, None))
        if notice.revision is None or us(notice.revision) > revision:
            found.append(notice)
        elif us(notice.revision) == revision and ours and ours.glance != notice.glance:
            found.append(replace(notice, delivery=f"{notice.delivery} {hub.ids()}", revision=None))  # another look, at any rate
    return found


def _by_owner(work: Unit, connection: Connection, notices: Sequence[Notice]) -> dict[Connection, list[Notice]]:
    """A queue may serve several accounts. What is for none of ours is nobody's, and dropped."""
    owners: dict[str, Connection | None] = {"": connection, connection.account: connection}
    found: dict[Connection, list[Notice]] = {}
    for notice in notices:
        if notice.account not in owners:
            owners[notice.account] = connections.by_account(work.db, connection.channel, notice.account)
        if owner := owners[notice.account]:
            found.setdefault(owner, []).append(notice)
    return found


LISTEN_S = 1.0  # how long an empty queue is left alone
BUSY_S, BUSY_US = 0.25, 60_000_000  # how long while it sells: something came within the last minute


def _rest_s(work: Unit, connection: Connection, notices: Sequence[Notice]) -> float:
    """A sale is told to the others as soon as it is heard of; a queue in which nothing happens need not be asked as often."""
    if notices:
        return 0.0
    return BUSY_S if inbox.heard(work.db, connection.id, work.now - BUSY_US) else LISTEN_S


def receive_notices(hub: Hub, claim: Claim) -> None:
    """Take notices from the channel's own queue: kept first, acknowledged after. Asks for itself again, for ever."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    notices = channel.receive()
    with hub.unit(claim, finish=False) as work:
        for owner, own in _by_owner(work, connection, notices).items():
            keep(hub, work, owner, own)
            if any(notice.about is About.STORED for notice in own):
                work.ask(owner.merchant, "read_stored", owner.id, owner.id)
    if notices:
        channel.acknowledge([notice.receipt for notice in notices])
    with hub.unit(claim) as work:
        rest_s = _rest_s(work, connection, notices)
        work.ask(connection.merchant, "receive_notices", connection.id, connection.id, wait_s=rest_s)
    hub.bell.ring("outside", rest_s)
