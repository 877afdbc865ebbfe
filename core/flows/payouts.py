"""Payouts are read from their channels, page by page, and booked once they are told whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from core.domain.deposits import Held, item_of
from core.domain.deposits import entries_of as of_deposit
from core.domain.gateways import Origin
from core.domain.journal import due
from core.domain.matching import dearer
from core.domain.money import Money, total
from core.domain.order_entries import OPENING, Rules
from core.domain.payout_entries import entries_of, subject_of
from core.domain.payouts import CLOSED, Movement, Occasion
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.errors import Unsupported
from core.flows import costing, margins
from core.flows.books import rules_of
from core.hub import Hub
from core.ports import Connector, Pays
from core.store import connections, deposits, journal, payouts
from core.store.connections import Connection
from core.store.journal import Books
from core.store.payouts import Known
from core.store.tables import us, when
from core.store.unit import Unit

READ, TOLD = "payouts", "unpaid"  # marks: how far payouts were read; the page of what is told to come
BEFORE = timedelta(days=45)  # a payout may hold money of so long before it, and may change so long after
OVERLAP = timedelta(days=10)


def _pays(hub: Hub, connection: Connection) -> Pays:
    channel = hub.channel(connection)
    if not isinstance(channel, Pays):
        raise Unsupported("this channel does not tell what it pays out", channel=connection.channel)
    return channel


def read_payouts(hub: Hub, claim: Claim) -> None:
    """Read a page of what was paid out since the last time; each payout that is new, or another one, is read whole, then booked. What is
    still to come is read after the last page. Nothing is read where no books are kept."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        books, (at, cursor) = journal.books(db, connection.merchant), connections.mark(db, connection.id, READ)
    if books is None or hub.connector(connection).pays is None:
        return
    page = _pays(hub, connection).payouts(_since(books, at), cursor)
    with hub.unit(claim) as work:
        payouts.see(work.db, connection.merchant, connection.id, [(hub.ids(), one) for one in page.items], work.now)
        connections.set_mark(work.db, connection.merchant, connection.id, READ, at if page.cursor else work.now, page.cursor)
        to_do = payouts.to_do(work.db, connection.merchant, connection.id)
        for one in to_do:
            work.ask(connection.merchant, "read_payout" if one.payout.state in CLOSED else "book_payout", one.id, connection.id)
        if page.cursor:
            work.ask(connection.merchant, "read_payouts", connection.id, connection.id, wait_s=page.wait_s)
        elif not to_do:
            work.ask(connection.merchant, "read_unpaid", connection.id, connection.id)
        work.ask(connection.merchant, "judge_books", connection.merchant)


def _since(books: Books, at: int) -> datetime:
    first = datetime.combine(books.starts, time(), when(0).tzinfo) - BEFORE
    return max(first, when(at) - OVERLAP) if at else first


def read_payout(hub: Hub, claim: Claim) -> None:
    """Read a page of what one payout holds; after the last it is booked. One that was read whole is not read again."""
    connection, (id,) = hub.connection(claim.connection), claim.subjects
    with hub.database.read() as db:
        known = payouts.one(db, connection.merchant, id)
    if known is None or known.payout.state not in CLOSED:
        return
    if known.read_at is not None:
        with hub.unit(claim) as work:
            work.ask(connection.merchant, "book_payout", id, connection.id)
        return
    page = _pays(hub, connection).movements(known.payout, known.cursor)
    with hub.unit(claim) as work:
        _hold(work, connection, known.payout.id, page.items, first=known.cursor is None)
        payouts.page_read(work.db, id, page.cursor, work.now)
        work.ask(connection.merchant, "read_payout" if page.cursor else "book_payout", id, connection.id, wait_s=page.wait_s)


def _hold(work: Unit, connection: Connection, payout: str, found: Sequence[Movement], *, first: bool) -> None:
    if first:
        payouts.clear(work.db, connection.merchant, connection.id, payout)
    n = payouts.count(work.db, connection.merchant, connection.id, payout)
    payouts.hold(work.db, connection.merchant, connection.id, payout, found, n)


def read_unpaid(hub: Hub, claim: Claim) -> None:
    """Read a page of what is told to come; the first one replaces what was told before."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        books, (at, cursor) = journal.books(db, connection.merchant), connections.mark(db, connection.id, TOLD)
    if books is None:
        return
    since = when(at) if cursor else hub.clock() - BEFORE
    page = _pays(hub, connection).unpaid(since, cursor)
    with hub.unit(claim) as work:
        before = payouts.held(work.db, connection.merchant, connection.id) if cursor is None else []
        if cursor is None:
            payouts.forget(work.db, connection.merchant, connection.id, us(since))
        _hold(work, connection, "", page.items, first=False)
        _ask_refunded(hub, work, connection, [*before, *page.items])
        connections.set_mark(work.db, connection.merchant, connection.id, TOLD, us(since), page.cursor)
        if page.cursor:
            work.ask(connection.merchant, "read_unpaid", connection.id, connection.id, wait_s=page.wait_s)


def _ask_refunded(hub: Hub, work: Unit, connection: Connection, told: Sequence[Movement]) -> None:
    """Orders whose refunds are told by their money only are booked anew."""
    connector = hub.connectors.get(connection.channel)
    if connector is None or connector.pays is None or not connector.pays.refunds:
        return
    refunded = {one.order for one in told if one.order and one.occasion is Occasion.REFUND}
    for ref in sorted(journal.placed(work.db, connection.merchant, connection.id, refunded)):
        work.ask(connection.merchant, "post_entries", f"{connection.id}/{ref}", connection.id)


# ---- booking


def book_payout(hub: Hub, claim: Claim) -> None:
    """Book a payout as it stands: what each of its movements settles, its fees, and what reached the bank. What was told of its money
    before is compared with it."""
    connection, (id,) = hub.connection(claim.connection), claim.subjects
    with hub.unit(claim) as work:
        payouts.lock(work.db, connection.merchant, id)
        books, known = journal.books(work.db, connection.merchant), payouts.one(work.db, connection.merchant, id)
        if books is None or known is None or (known.payout.state in CLOSED and known.read_at is None):
            return
        book_now(hub, work, connection, books, [known])
        work.ask(connection.merchant, "judge_books", connection.merchant)
        of_feed = known.origin is Origin.FEED and hub.connector(connection).pays is not None
        if of_feed and not payouts.to_do(work.db, connection.merchant, connection.id):
            work.ask(connection.merchant, "read_unpaid", connection.id, connection.id)


def book_now(hub: Hub, work: Unit, connection: Connection, books: Books, found: Sequence[Known]) -> None:
    """Book these payouts of a connection as they stand, in the caller's transaction, which holds their rows."""
    merchant, connector = connection.merchant, hub.connectors.get(connection.channel)
    held = payouts.held_of(work.db, merchant, connection.id, [one.payout.id for one in found if one.payout.state in CLOSED])
    names = _names(work, connection, rules_of(books, connector), [move for moves in held.values() for move in moves])
    wanted = [
        entry
        for one in found
        if one.payout.state in CLOSED
        for entry in entries_of(
            connection.id, one.payout, held.get(one.payout.id, ()), rules_for(books, connector, one), names.get, one.banked
        )
    ]
    told = {subject_of(connection.id, one.payout.id): (one.payout.number or one.payout.id, held.get(one.payout.id, ())) for one in found}
    wanted += costing.of_payouts(
        work, merchant, connection.id, books, told, rules_of(books, connector), connector.shelves if connector else None
    )
    subjects = [subject_of(connection.id, one.payout.id) for one in found]
    journal.append(work.db, merchant, due(wanted, journal.booked(work.db, merchant, subjects), books.open_from), work.now)
    _ask_refunded(hub, work, connection, [move for moves in held.values() for move in moves])
    findings = {one.id: _findings(work, connection, held.get(one.payout.id, ())) for one in found if one.origin is Origin.FEED}
    payouts.book(work.db, {one.id: findings.get(one.id, []) for one in found}, work.now)
    for one in found:
        margins.after_payout(hub, work, merchant, connection.id, one.payout.id)
    for deposit in sorted({one.deposit for one in found if one.deposit}):
        book_deposit(hub, work, merchant, books, deposit)


def book_deposit(hub: Hub, work: Unit, merchant: str, books: Books, id: str) -> None:
    """Book what the bank shows of several payouts otherwise than they came to, as they stand; in the caller's transaction."""
    one = deposits.one(work.db, merchant, id, lock=True)
    known = deposits.held(work.db, merchant, [id]).get(id, [])
    feeds = {each.id: rules_of(books, hub.connectors.get(each.channel)).gateway for each in connections.all_of(work.db, merchant)}
    wanted = of_deposit(one, held_in(known, books, feeds), books.starts) if one else []
    journal.append(work.db, merchant, due(wanted, journal.booked(work.db, merchant, [item_of(id)]), books.open_from), work.now)


def held_in(known: Sequence[Known], books: Books | None, feeds: Mapping[str, str]) -> list[Held]:
    """Payouts as a deposit holds them; `feeds` are the gateways of channels' own feeds, by connection."""
    zone = zone_of(books.zone if books else "UTC")
    return [
        Held(one.id, one.connection, one.gateway or feeds.get(one.connection, ""), one.payout.at.astimezone(zone).date(), one.payout)
        for one in known
    ]


def rebook(hub: Hub, work: Unit, merchant: str, id: str) -> None:
    """One payout, likewise."""
    books, known = journal.books(work.db, merchant), payouts.one(work.db, merchant, id)
    connection = connections.get(work.db, known.connection) if known else None
    if books and known and connection and (known.payout.state not in CLOSED or known.read_at is not None):
        book_now(hub, work, connection, books, [known])


def rules_for(books: Books, connector: Connector | None, known: Known) -> Rules:
    """How this payout is booked: as money of its own gateway, where it has one."""
    rules = rules_of(books, connector)
    return replace(rules, gateway=known.gateway) if known.gateway else rules


def _names(work: Unit, connection: Connection, rules: Rules, held: Sequence[Movement]) -> dict[str, str]:
    """Under which item the money of each order stands, by the channel's ids: of those that we know. What is said to be for orders that are
    older than the books meets what stood when they began."""
    found = journal.placed(work.db, connection.merchant, connection.id, [one.order for one in held if one.order])
    known = {id: OPENING if rules.day(when(at)) < rules.starts else f"{connection.id}/{id}" for id, at in found.items()}
    return {OPENING: OPENING, **known}


def _findings(work: Unit, connection: Connection, held: Sequence[Movement]) -> list[dict[str, Any]]:
    """Orders whose fees are others than what was told before."""
    orders = [one.order for one in held if one.order]
    told = _fees(payouts.told_before(work.db, connection.merchant, connection.id, orders))
    return [{"order": order, "by": by.minor, "currency": by.currency} for order, by in dearer(told, _fees(held)).items()]


def _fees(found: Sequence[Movement]) -> Mapping[str, Money]:
    """What each order's sale cost, by the channel's ids; refunds may give some of it back, and are not compared."""
    by_order: dict[str, list[Money]] = {}
    for one in found:
        if one.order and one.occasion is Occasion.SALE:
            by_order.setdefault(one.order, []).append(one.fees)
    return {order: total(fees, fees[0].currency) for order, fees in by_order.items() if len({fee.currency for fee in fees}) == 1}
