"""What the books say: how they stand, what is open and why, what a month comes to; and writing off what nobody will pay."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, islice

from sqlalchemy import Connection as Db

from core.domain.journal import Account, Entry, EntryKind, Posting, due
from core.domain.matching import Cause, Item, cause_of, is_no_order
from core.domain.money import Money, total
from core.domain.payout_entries import settles
from core.domain.payouts import Movement, Paid
from core.domain.today import zone_of
from core.domain.who import Who
from core.errors import Refused
from core.flows.books import NotKept
from core.flows.payouts import rebook
from core.hub import Hub
from core.ports import Paying
from core.store import audit, connections, documents, journal, payouts
from core.store.connections import Connection
from core.store.documents import Seller, Standing
from core.store.journal import Balance, Books, Cleared, Named
from core.store.payouts import Known

LATELY_US = 90 * 86_400_000_000  # documents of so long are counted
MOST = 2000  # items that may be breaks and are looked at, the oldest first
AT_ONCE = 1000  # lines of a file
NO_FEED = Paying("")  # money of a channel that is not connected any more, and of gateways without payouts


@dataclass(frozen=True, slots=True)
class Open:
    """An open item: why it is one, by when it was expected, and whose order it is, where we know it."""

    item: Item
    cause: Cause
    by: date
    order: Named | None

    @property
    def is_break(self) -> bool:
        return self.cause not in (Cause.AWAITED, Cause.UNBOOKED)


@dataclass(frozen=True, slots=True)
class Look:
    """How the books stand: this month's entries by kind, orders that wait by why, clearing accounts over the month, what is open and may be
    a break (the first of it), how many others are awaited, the newest payouts, and how each ledger stands."""

    books: Books
    today: date
    counts: Mapping[str, int]
    waiting: Mapping[str, int]
    cleared: Sequence[Cleared]
    found: Sequence[Open]
    sure: int
    payouts: Sequence[Known]
    names: Mapping[str, str]  # what channels are called
    ledgers: Sequence[Standing]

    @property
    def breaks(self) -> list[Open]:
        return [one for one in self.found if one.is_break]

    @property
    def awaited(self) -> int:
        """How many items are no breaks."""
        return self.sure + sum(not one.is_break for one in self.found)


def look(hub: Hub, db: Db, merchant: str) -> Look | None:
    """None where no books are kept."""
    books = journal.books(db, merchant)
    if books is None:
        return None
    today = hub.clock().astimezone(zone_of(books.zone)).date()
    first = today.replace(day=1)
    newest, (known, ledgers) = payouts.listed(db, merchant, 2**62, 20), documents.standing(db, merchant, hub.now - LATELY_US)
    pays = pays_of(hub, known)
    sure = sure_from(pays, today)
    entries, waits, awaited_ = journal.counts(db, merchant, first, today, sure)
    found = judged(db, merchant, journal.suspects(db, merchant, sure, MOST), today, pays)
    return Look(
        books, today, entries, waits, journal.cleared_now(db, merchant, first), found, awaited_, newest,
        {one.id: one.label for one in known}, ledgers,
    )  # fmt: skip


def sure_from(pays: Mapping[str, Paying], today: date) -> date:
    """What was paid and last moved on this day or later is awaited, whichever channel's it is."""
    return today - min(one.within for one in (NO_FEED, *pays.values()))


def awaited(hub: Hub, db: Db, merchant: str, today: date, after: int, most: int) -> list[Open]:
    """Items that are surely awaited, so many behind the first, the oldest first."""
    pays = pays_of(hub, connections.all_of(db, merchant))
    return judged(db, merchant, journal.awaited(db, merchant, sure_from(pays, today), after, most), today, pays)


def judged(db: Db, merchant: str, found: Sequence[Item], today: date, pays: Mapping[str, Paying]) -> list[Open]:
    """Why each is open, by what is known today."""
    names = journal.named(db, merchant, [one.item for one in found if not is_no_order(one.item)])
    return [_open(one, _paying(one, pays), today, names.get(one.item)) for one in found]


def _paying(one: Item, pays: Mapping[str, Paying]) -> Paying:
    """How its money is paid out: as its channel does, where the channel holds it."""
    channel = pays.get(one.connection, NO_FEED)
    return channel if one.gateway == channel.gateway else NO_FEED


def _open(one: Item, pays: Paying, today: date, order: Named | None) -> Open:
    waits, in_parts = order is not None and order.waits, pays.as_sent and order is not None and not order.left
    cause = cause_of(one, pays.within, today, waits=waits, in_parts=in_parts)
    return Open(one, cause or Cause.AWAITED, one.last + pays.within, order)


def pays_of(hub: Hub, known: Iterable[Connection] | Iterable[Seller]) -> dict[str, Paying]:
    """How each channel pays out what it took."""
    connectors = {one.id: hub.connectors.get(one.channel) for one in known}
    return {id: connector.pays for id, connector in connectors.items() if connector and connector.pays}


# ---- a month


@dataclass(frozen=True, slots=True)
class Certificate:
    """What some days came to: every clearing account, all that is open in them at the end, every account's balance, and what is left that
    nobody can name: zero, or the certificate proves nothing."""

    since: date
    until: date
    cleared: Sequence[Cleared]
    found: Sequence[Open]
    balances: Sequence[Balance]

    @property
    def residue(self) -> dict[str, Money]:
        """By currency: the clearing balances, less the open items that are named."""
        left = Counter[str]()
        for one in self.cleared:
            left[one.after.currency] += one.after.minor
        for open_ in self.found:
            left[open_.item.open.currency] -= open_.item.open.minor
        return {currency: Money(minor, currency) for currency, minor in sorted(left.items())}


def certificate(hub: Hub, db: Db, merchant: str, since: date, until: date) -> Certificate:
    """Both days included. Raises NotKept."""
    if (books := journal.books(db, merchant)) is None:
        raise NotKept("no books are kept yet: say from which day on")
    today = hub.clock().astimezone(zone_of(books.zone)).date()
    found = judged(db, merchant, journal.items_at(db, merchant, until), today, pays_of(hub, connections.all_of(db, merchant)))
    return Certificate(since, until, journal.cleared(db, merchant, since, until), found, journal.balances(db, merchant, since, until))


def month(text: str, today: date) -> tuple[date, date]:
    """The first and last day of a month, "2026-11"; of this one where the text is none."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


# ---- a payout


@dataclass(frozen=True, slots=True)
class Matched:
    """An order in a payout: what of its money the payout settles and what it costs, what stands open under its item now, and what its lines
    come to."""

    order: str
    link: Named | None
    settled: Money
    fees: Money
    left: Open | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Opened:
    """A payout and what it holds: its orders, matched; the other movements; what its lines do not explain. `whole`: all of it was read,
    and is of one currency."""

    known: Known
    orders: Sequence[Matched]
    others: Sequence[Movement]
    gap: Money | None
    whole: bool = False


def open_payout(hub: Hub, db: Db, merchant: str, id: str, today: date) -> Opened | None:
    """One payout of the merchant's, with every line of it."""
    known = payouts.one(db, merchant, id)
    if known is None:
        return None
    held = payouts.held(db, merchant, known.connection, known.payout.id) if known.read_at else []
    by_order: dict[str, list[Movement]] = {}
    for one in held:
        if one.order:
            by_order.setdefault(one.order, []).append(one)
    refs = {order: f"{known.connection}/{order}" for order in by_order}
    names = journal.named(db, merchant, refs.values())
    pays = pays_of(hub, connections.all_of(db, merchant))
    items = journal.items_of(db, merchant, known.connection, refs.values())
    own = known.gateway or pays.get(known.connection, NO_FEED).gateway
    left = {one.item.item: one for one in judged(db, merchant, [one for one in items if one.gateway == own], today, pays)}
    orders = [_matched(order, by_order[order], names.get(ref), left.get(ref)) for order, ref in refs.items()]
    summed = total((one.amount for one in held), known.payout.amount.currency) if _one_currency(held, known) else None
    gap = known.payout.amount - summed if summed is not None and known.read_at and known.payout.state is not Paid.OPEN else None
    whole = summed is not None and bool(known.read_at)
    return Opened(known, orders, [one for one in held if not one.order], gap or None, whole)


def _one_currency(held: Sequence[Movement], known: Known) -> bool:
    return all(one.amount.currency == known.payout.amount.currency for one in held)


def _matched(order: str, held: Sequence[Movement], link: Named | None, left: Open | None) -> Matched:
    currency = held[0].amount.currency
    same = [one for one in held if one.amount.currency == currency]
    settled, fees = total((settles(one) for one in same), currency), total((one.fees for one in same), currency)
    return Matched(order, link, settled, fees, left, total((one.amount for one in same), currency))


# ---- writing off


INTO = (Account.PAYMENT_FEES, Account.OTHER_FEES, Account.EXCHANGE, Account.WRITTEN_OFF)  # what a difference may turn out to be


def write_off(
    hub: Hub, merchant: str, connection: str, item: str, gateway: str, currency: str, who: Who, words: str = "",
    into: Account = Account.WRITTEN_OFF,
) -> Money:  # fmt: skip
    """What stands open under an item is a loss, or a gain, or else what `into` says: it closes. Gives the amount. Raises Refused where
    nothing is open."""
    with hub.unit() as work:
        books = journal.books(work.db, merchant)
        if books is None:
            raise NotKept("no books are kept yet: say from which day on")
        today = hub.clock().astimezone(zone_of(books.zone)).date()
        journal.lock_item(work.db, merchant, connection, gateway, currency, item)
        found = journal.items_of(work.db, merchant, connection, [item])
        one = next((one for one in found if (one.gateway, one.open.currency) == (gateway, currency)), None)
        if one is None:
            raise Refused("nothing is open there any more")
        entry = _written_off(one, today, words, into, len(journal.booked(work.db, merchant, [write_off_of(item)])))
        journal.append(work.db, merchant, due([entry], {}, books.open_from), work.now)
        audit.write(
            work.db, merchant, work.now, who.id, who.name, "books.write_off", item, amount=one.open.text(), currency=currency, into=into
        )
        work.ask(merchant, "judge_books", merchant)
        return one.open


def write_off_of(item: str) -> str:
    """Under which subject an item's closings stand."""
    return f"write-off {item}"


def _written_off(one: Item, today: date, words: str, into: Account, before: int) -> Entry:
    """`before`: so many times it was closed already, and opened again since."""
    held = Posting(Account.CLEARING, -one.open, one.connection, one.gateway, one.item)
    closed = Posting(into, one.open, one.connection)
    key = f"{one.gateway} {one.open.currency} {one.last} {one.open.minor} {before}"
    return Entry(EntryKind.WRITE_OFF, write_off_of(one.item), key, today, (held, closed), words)


def bank(hub: Hub, merchant: str, known: Known, text: str, who: Who) -> None:
    """What the bank's statement says of a payout; nothing: nobody looked. What it shows otherwise is an open item. Raises ValueError for
    what is no amount, Refused for one that lies in a deposit with others."""
    currency = known.payout.reaches.currency
    amount = Money.parse(text.strip(), currency).minor if text.strip() else None
    with hub.unit() as work:
        if not payouts.bank(work.db, merchant, known.id, amount):
            raise Refused("it came in a deposit with others")
        rebook(hub, work, merchant, known.id)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.banked", known.id, amount=text.strip(), currency=currency)


# ---- a certificate as a file

HEAD = ("part", "account", "gateway", "currency", "order or item", "what", "amount", "since", "expected by", "why")
PARTS = {
    "before": "stood there before", "paid": "orders' payments", "repaid": "given back", "kept": "fees and the rest", "out": "paid out",
    "other": "written off or brought in", "after": "stands there after",
}  # fmt: skip


def as_csv(found: Certificate, names: Mapping[str, str]) -> Iterator[str]:
    """The certificate as a file, some lines at a time."""
    return lines_of(chain([HEAD], _rows(found, names)))


def lines_of(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows as lines of CSV, some at a time. What a spreadsheet would take for a formula is shown as text."""
    rows = iter(rows)
    while some := list(islice(rows, AT_ONCE)):
        out = io.StringIO()
        csv.writer(out).writerows([guarded(cell) for cell in row] for row in some)
        yield out.getvalue()


def guarded(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and not cell[1:2].isdigit()) else cell


def _rows(found: Certificate, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for one in found.cleared:
        account = names.get(one.connection, one.connection)
        for name, words in PARTS.items():
            yield ("clearing", account, one.gateway, one.after.currency, "", words, getattr(one, name).text(), "", "", "")
    for left in found.found:
        yield _open_row(left, names)
    for currency, rest in found.residue.items():
        yield ("residue", "", "", currency, "", "clearing less open items", rest.text(), "", "", "")


def _open_row(left: Open, names: Mapping[str, str]) -> tuple[str, ...]:
    item, called = left.item, left.order.name if left.order else left.item.item
    account, days = names.get(item.connection, item.connection), (item.since.isoformat(), left.by.isoformat())
    return ("open", account, item.gateway, item.open.currency, called, "open item", item.open.text(), *days, left.cause.value)
