"""The books: what orders, labels and payouts come to is booked as they stand, and what turns out otherwise is taken back and booked anew.

Every flow here derives all entries of its subjects and appends the difference, so it may run any number of times, in any order.
"""

from collections.abc import Collection
from datetime import date

from core.domain import opening
from core.domain.journal import Entry, due
from core.domain.order import Party
from core.domain.order_entries import Rules, Unbookable, entries_of
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.domain.told_refunds import with_refunds
from core.domain.who import Who
from core.flows import costing, margins, postage
from core.flows.kin import Taken
from core.hub import Hub
from core.ports import Connector
from core.store import audit, connections, journal, orders, payouts
from core.store.connections import Connection
from core.store.journal import Books
from core.store.orders import Known
from core.store.payouts import Refunded
from core.store.unit import Unit

AT_ONCE = 500  # orders that are asked for in one transaction when books begin


def rules_of(books: Books, connector: Connector | None) -> Rules:
    """How money of this channel is booked."""
    pays = connector.pays if connector else None
    return Rules(
        books.starts, zone_of(books.zone), gateway=pays.gateway if pays else "", own=pays is not None and pays.takes is None,
        takes=(pays.takes or frozenset()) if pays else frozenset(), comes_back=pays is not None and pays.comes_back,
        on_leaving=books.settings.get("sale_on") == "leaving",
    )  # fmt: skip


# ---- orders


def ask_in(work: Unit, connection: Connection, taken: Taken) -> None:
    """Orders that were taken are booked, where books are kept."""
    if taken and journal.books(work.db, connection.merchant):
        for ref in taken:
            work.ask(connection.merchant, "post_entries", ref, connection.id)


def post_entries(hub: Hub, claim: Claim) -> None:
    """Book these orders as they stand: a handful of statements for the set."""
    with hub.unit(claim) as work:
        if books := journal.books(work.db, claim.merchant):
            book(hub, work, claim.merchant, books, claim.subjects)


def book(hub: Hub, work: Unit, merchant: str, books: Books, refs: Collection[str]) -> int:
    """The same in the caller's transaction; gives how many entries were appended."""
    known = orders.find(work.db, merchant, refs, hub.box(merchant))
    orders.go_to(work.db, merchant, known.values())
    wanted, waits = _wanted(hub, work, merchant, books, known)
    wanted += _costs(hub, work, merchant, books, {ref: one for ref, one in known.items() if ref not in waits})
    lines = due(wanted, journal.booked(work.db, merchant, known.keys() - waits.keys()), books.open_from)
    journal.append(work.db, merchant, lines, work.now)
    journal.go(work.db, merchant, known.keys() - waits.keys())
    journal.wait(work.db, merchant, waits, work.now)
    untold = [ref for ref, why in waits.items() if why == "payments" and known[ref].read_at is None]
    for ref in sorted(untold):  # a push did not tell who paid what; where a read does not either, nobody is asked again
        work.ask(merchant, "fetch_orders", ref, ref.split("/", 1)[0])
    margins.keep(work, merchant, {ref: one.order for ref, one in known.items() if ref not in waits})
    return len(lines)


def _wanted(hub: Hub, work: Unit, merchant: str, books: Books, known: dict[str, Known]) -> tuple[list[Entry], dict[str, str]]:
    """All that is to be booked of these orders; and those that wait, and why. One that is another's copy books nothing."""
    rules = {id: rules_of(books, _connector(hub, work, id)) for id in {ref.split("/", 1)[0] for ref in known}}
    starts, told = _starts(work, merchant, books, known), _told(hub, work, merchant, known)
    wanted, waits = list[Entry](), dict[str, str]()
    for ref, one in known.items():
        if one.copy_of or one.merged_into:
            continue
        try:
            wanted += entries_of(
                with_refunds(one.order, *told.get(ref, ((), ()))), rules[one.order.connection], starts[ref], one.destination
            )
        except Unbookable as error:
            waits[ref] = error.args[0]
    return wanted, waits


def _told(hub: Hub, work: Unit, merchant: str, known: dict[str, Known]) -> dict[str, Refunded]:
    """What was given back of the money of these orders, where their channel tells of refunds in that way only."""
    ids = {ref.split("/", 1)[0] for ref in known}
    paying = {id for id in ids if (one := _connector(hub, work, id)) and one.pays and one.pays.refunds}
    refs = [ref for ref in known if ref.split("/", 1)[0] in paying]
    return payouts.refunds_of(work.db, merchant, refs) if refs else {}


def _starts(work: Unit, merchant: str, books: Books, known: dict[str, Known]) -> dict[str, str]:
    """From which country each of these orders leaves: where its first parcel left, else where the merchant is. What a channel sends from
    its own warehouse leaves from nobody knows where."""
    left, home = orders.left_from(work.db, merchant, known), str(books.settings.get("country") or orders.home(work.db, merchant))
    own = {ref for ref, one in known.items() if one.order.party is Party.MERCHANT}
    return {ref: left.get(ref, home if ref in own else "") for ref in known}


def _costs(hub: Hub, work: Unit, merchant: str, books: Books, known: dict[str, Known]) -> list[Entry]:
    """What the goods of these orders cost. One that is another's copy sent none."""
    rules = {id: rules_of(books, _connector(hub, work, id)) for id in {ref.split("/", 1)[0] for ref in known}}
    own = {ref: (one, rules[one.order.connection]) for ref, one in known.items() if not (one.copy_of or one.merged_into)}
    return costing.of_orders(work, merchant, books, own)


def _connector(hub: Hub, work: Unit, connection: str) -> Connector | None:
    one = connections.get(work.db, connection)
    return hub.connectors.get(one.channel) if one else None


# ---- beginning, and closing periods


def begin(hub: Hub, merchant: str, starts: date, who: Who, **settings: object) -> int:
    """Keep books from this day on, in the merchant's zone: all orders since then are booked. Gives how many were asked for. Nothing that
    was booked on an earlier day is lost: it is taken back when its order is booked again."""
    with hub.unit() as work:
        known = journal.books(work.db, merchant)
        kept = Books(starts, known.closed_until if known else None, "", {**(known.settings if known else {}), **settings})
        journal.keep(work.db, merchant, kept)
        book_opening(work, merchant, kept)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.begin", merchant, starts=starts.isoformat())
        work.ask(merchant, "post_postage", postage.ALL)
        costing.ask_shelves(hub, work, merchant)
    return ask_all(hub, merchant)


def book_opening(work: Unit, merchant: str, books: Books) -> None:
    """Book what was typed of the day on which books begin, in the caller's transaction, which holds the books' row."""
    wanted = opening.entries_of(opening.kept(books.settings), books.starts)
    lines = due(wanted, journal.booked(work.db, merchant, [opening.SUBJECT]), books.open_from)
    journal.append(work.db, merchant, lines, work.now)


def ask_all(hub: Hub, merchant: str) -> int:
    """Every order of the books is looked at once more."""
    asked, after = 0, ""
    while True:
        with hub.unit() as work:
            found = journal.orders_after(work.db, merchant, after, AT_ONCE)
            for row in found:
                work.ask(merchant, "post_entries", f"{row.connection}/{row.channel_id}", row.connection)
        if not found:
            return asked
        asked, after = asked + len(found), found[-1].id


def close(hub: Hub, merchant: str, until: date | None, who: Who) -> None:
    """Nothing is booked on this day or before any more: what arrives later is booked on the next, and says so. None: all is open. Raises
    NotKept."""
    with hub.unit() as work:
        books = journal.books(work.db, merchant)
        if books is None:
            raise NotKept("no books are kept yet: say from which day on")
        journal.keep(work.db, merchant, Books(books.starts, until, books.zone, books.settings))
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.close", merchant, until=until.isoformat() if until else "")


class NotKept(Exception):
    """Nobody said from when on books are kept."""
