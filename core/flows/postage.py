"""Postage in the books: labels as they were bought and given back, and bills of carriers that say what they cost in the end.

Every flow derives all entries of its labels or bills and appends the difference, so it may run any number of times. Labels that a channel
sells come with its payouts and are never booked here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.billing import Bill, Billed, BillLine, Label, What, entries_of, matched, plain, rest_of
from core.domain.costing import us
from core.domain.journal import Account, Entry, due
from core.domain.money import Money, total
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.domain.who import Who
from core.flows import margins
from core.flows.counting import WrongLines
from core.flows.stock_csv import cells_of
from core.hub import Hub
from core.store import audit, billing, connections, journal
from core.store.billing import Bought
from core.store.connections import CARRIER
from core.store.journal import Books
from core.store.tables import when
from core.store.unit import Unit

AT_ONCE = 500
MARK = "postage"  # of a carrier's connection: up to when its labels were looked through, and since which first day
OVERLAP_US = 3_600_000_000
LATE = timedelta(days=45)  # so long after it was bought a label should be billed
ALL, BILL = "all", "bill "  # subjects, beside labels and connections
BACK = timedelta(days=400)  # so far back of a bill labels that were given back are sought


# ---- labels


def ask_in(work: Unit, merchant: str, purchase: str, connection: str) -> None:
    """A label was bought or given back: it is booked, where books are kept."""
    if journal.books(work.db, merchant):
        work.ask(merchant, "post_postage", purchase, connection)


def post_postage(hub: Hub, claim: Claim) -> None:
    """Book these labels as they stand; or, asked of a whole connection, seek those of which something became, lest one was forgotten."""
    if claim.connection and claim.connection in claim.subjects:
        _seek(hub, claim)
    with hub.unit(claim) as work:
        books, subjects = journal.books(work.db, claim.merchant), set(claim.subjects) - {claim.connection}
        if books and ALL in subjects:
            _ask_all(work, claim.merchant, books)
        if books:
            book(hub, work, claim.merchant, books, {one for one in subjects - {ALL} if not one.startswith(BILL)})
            for id in sorted(one.removeprefix(BILL) for one in subjects if one.startswith(BILL)):
                if bill := billing.one(work.db, claim.merchant, id):
                    _book_bill(hub, work, claim.merchant, books, bill)


def _ask_all(work: Unit, merchant: str, books: Books) -> None:
    """Every carrier's labels, and every bill since the first day: books began, or began earlier than they did."""
    for one in connections.all_of(work.db, merchant, CARRIER):
        work.ask(merchant, "post_postage", one.id, one.id)
    for id in billing.since(work.db, merchant, books.starts):
        work.ask(merchant, "post_postage", f"{BILL}{id}")


def _seek(hub: Hub, claim: Claim) -> None:
    after: str | None = ""
    while after is not None:
        with hub.unit(claim, finish=False) as work:
            after = _page(work, claim, after)


def _page(work: Unit, claim: Claim, after: str) -> str | None:
    """Ask for some of those behind the last; None: these were all."""
    books = journal.books(work.db, claim.merchant)
    if books is None:
        return None
    at, first = connections.mark(work.db, claim.connection, MARK)
    since = at - OVERLAP_US if first == books.starts.isoformat() else 0
    starts = us(datetime.combine(books.starts, time(), zone_of(books.zone)))
    found = billing.changed(work.db, claim.merchant, claim.connection, starts, since, after, AT_ONCE)
    for id in found:
        work.ask(claim.merchant, "post_postage", id, claim.connection)
    if len(found) == AT_ONCE:
        return found[-1]
    connections.set_mark(work.db, claim.merchant, claim.connection, MARK, work.now, books.starts.isoformat())
    return None


def book(hub: Hub, work: Unit, merchant: str, books: Books, ids: Collection[str]) -> int:
    """Book these labels in the caller's transaction; gives how many entries were appended."""
    found = [one for one in billing.labels(work.db, merchant, ids) if one.role == CARRIER and one.bought_at]
    billed = _billed(work, merchant, [one.id for one in found])
    labels = [_label(one, books, billed.get(one.id, ())) for one in found]
    wanted = [entry for one in labels if one for entry in entries_of(one, billed.get(one.id, ()), books.starts)]
    lines = due(wanted, journal.booked(work.db, merchant, [f"label {one.id}" for one in found]), books.open_from)
    journal.append(work.db, merchant, lines, work.now)
    margins.keep_these(hub, work, merchant, {one.item for line in lines for one in line.entry.postings if one.account is Account.POSTAGE})
    return len(lines)


def _label(one: Bought, books: Books, billed: Sequence[Billed]) -> Label | None:
    """None: nobody said what it costs. Its bill says it then."""
    currency = one.currency or next((line.amount.currency for bill in billed for line in bill.lines), None)
    if currency is None or one.bought_at is None:
        return None
    on = when(one.bought_at).astimezone(zone_of(books.zone)).date()
    return Label(one.id, one.ref, one.name, one.connection, one.state, on, Money(one.price or 0, currency))


def _billed(work: Unit, merchant: str, ids: Iterable[str]) -> dict[str, list[Billed]]:
    """By label, what each bill says of it."""
    found: dict[str, dict[str, Billed]] = {}
    for row in billing.of_labels(work.db, merchant, ids):
        line = BillLine(What(row.what), Money(row.amount, row.currency), row.tracking, row.label, row.text)
        known = found.setdefault(row.label, {}).get(row.id)
        lines = (*(known.lines if known else ()), line)
        found[row.label][row.id] = Billed(row.id, row.number, date.fromisoformat(row.day), lines)
    return {label: list(bills.values()) for label, bills in found.items()}


# ---- bills as files

COLUMNS = ("number", "date", "tracking", "what", "amount", "currency", "text")
NEEDED = ("number", "date", "what", "amount", "currency")


@dataclass(frozen=True, slots=True)
class Told:
    """A bill as a file tells it, and in which line it begins."""

    at: int
    number: str
    on: date
    currency: str
    lines: tuple[BillLine, ...]


def read(text: str) -> list[Told]:
    """The bills in a file, a row for each thing that is billed. Raises WrongLines, which name the line and the column."""
    rows, wrong = list[Told](), list[tuple[int, str]]()
    for at, cells in cells_of(text, COLUMNS, NEEDED):
        try:
            rows.append(_row(at, cells))
        except ValueError as error:
            wrong.append((at, str(error)))
    if not rows and not wrong:
        wrong.append((0, "there is no line in it"))
    found = _grouped(rows, wrong)
    if wrong:
        raise WrongLines(sorted(wrong))
    return found


def _row(at: int, cells: Mapping[str, str]) -> Told:
    if not cells["number"] or len(cells["number"]) > 100:
        raise ValueError("number: there is none, or it is longer than 100 characters")
    if cells["what"] not in set(What):
        raise ValueError(f"what: {cells['what']!r} is none of {', '.join(What)}")
    try:
        on = date.fromisoformat(cells["date"])
    except ValueError:
        raise ValueError(f"date: {cells['date']!r} is not a day like 2026-11-30") from None
    try:
        amount = Money.parse(cells["amount"], cells["currency"].upper())
    except ValueError as error:
        raise ValueError(f"amount: {cells['amount']!r} {cells['currency']!r}: {error}") from None
    line = BillLine(What(cells["what"]), amount, cells["tracking"][:100], None, cells["text"][:300])
    return Told(at, cells["number"], on, amount.currency, (line,))


def _grouped(rows: Iterable[Told], wrong: list[tuple[int, str]]) -> list[Told]:
    """A bill's rows as one."""
    found: dict[str, Told] = {}
    for row in rows:
        first = found.get(row.number)
        if first and (row.on, row.currency) != (first.on, first.currency):
            wrong.append((row.at, f"number: {row.number} has another date or currency in line {first.at}"))
        found[row.number] = replace(first, lines=(*first.lines, *row.lines)) if first else row
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Checked:
    """A line for a label, or for nobody's: what the label was said to cost, and what the bill says."""

    tracking: str
    name: str
    price: Money | None
    billed: Money

    @property
    def more(self) -> Money | None:
        return self.billed - self.price if self.price is not None and self.price.currency == self.billed.currency else None


@dataclass(frozen=True, slots=True)
class Reported:
    """What a bill does, or would do: per label what it changes; lines of labels that nobody here bought; and what is for no parcel."""

    bill: Bill
    labels: Sequence[Checked]
    strangers: Sequence[BillLine]
    others: Sequence[BillLine]

    def told(self) -> dict[str, Any]:
        """As JSON: amounts are texts."""
        return {
            "number": self.bill.number, "date": self.bill.on.isoformat(), "currency": self.bill.currency, "total": self.bill.total.text(),
            "labels": [
                {
                    "tracking": one.tracking, "shipment": one.name, "price": one.price.text() if one.price is not None else None,
                    "billed": one.billed.text(), "more": one.more.text() if one.more is not None else None,
                }
                for one in self.labels
            ],
            "not_bought_here": [{"tracking": one.tracking, "what": one.what, "amount": one.amount.text()} for one in self.strangers],
            "others": [{"what": one.what, "amount": one.amount.text(), "text": one.text} for one in self.others],
        }  # fmt: skip


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def take(
    hub: Hub, merchant: str, carrier: str, connection: str, told: Sequence[Told], who: Who, *, file: str = "", dry_run: bool = False
) -> list[Reported]:
    """Take all bills of a file or none, and correct their labels. `connection` is our account with the carrier, "" for none here. Looking
    is the same transaction, not kept. Raises WrongLines where a bill is here already."""
    made: list[Reported] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        if twice := billing.known(work.db, merchant, carrier, [one.number for one in told]):
            raise WrongLines([(one.at, f"number: {one.number} of {carrier} is here already") for one in told if one.number in twice])
        made += [_take(hub, work, merchant, carrier, connection, one, file, who) for one in told]
        if dry_run:
            raise _OnlyLooked
    return made


def carrier_of(hub: Hub, merchant: str, name: str) -> tuple[str, str]:
    """A carrier by the id or name of its connection: what it is called, and its connection's id, "" where it has none here."""
    with hub.database.read() as db:
        known = connections.all_of(db, merchant, CARRIER)
    found = next((one for one in known if name in (one.id, one.label)), None)
    return (found.label, found.id) if found else (name, "")


def _take(hub: Hub, work: Unit, merchant: str, carrier: str, connection: str, one: Told, file: str, who: Who) -> Reported:
    lines = matched(one.lines, _numbers(hub, work, merchant, connection, one))
    bill = Bill(hub.ids(), carrier, connection, one.number, one.on, one.currency, tuple(lines))
    billing.add(work.db, merchant, bill, file, who, work.now)
    if books := journal.books(work.db, merchant):
        _book_bill(hub, work, merchant, books, bill)
    said = {"carrier": carrier, "number": bill.number, "total": bill.total.text(), "currency": bill.currency}
    audit.write(work.db, merchant, work.now, who.id, who.name, "books.carrier_bill", bill.id, **said)
    return reported(work.db, merchant, bill)


def _numbers(hub: Hub, work: Unit, merchant: str, connection: str, one: Told) -> dict[str, str]:
    """Labels by the tracking numbers of a bill; those that were given back too, where a number is of no other."""
    numbers = {plain(line.tracking) for line in one.lines if line.tracking}
    found = billing.by_number(work.db, merchant, {line.tracking for line in one.lines if line.tracking})
    if connection and numbers - found.keys():
        since = us(datetime.combine(one.on - BACK, time(), zone_of("UTC")))
        found = {**billing.given_back(work.db, merchant, connection, since, hub.box(merchant)), **found}
    return {number: id for number, id in found.items() if number in numbers}


def _book_bill(hub: Hub, work: Unit, merchant: str, books: Books, bill: Bill) -> None:
    book(hub, work, merchant, books, {line.purchase for line in bill.lines if line.purchase})
    wanted: list[Entry] = rest_of(bill, books.starts)
    lines = due(wanted, journal.booked(work.db, merchant, [f"bill {bill.id}"]), books.open_from)
    journal.append(work.db, merchant, lines, work.now)


def reported(db: Db, merchant: str, bill: Bill) -> Reported:
    """A bill beside the labels that it is for."""
    known = {one.id: one for one in billing.labels(db, merchant, [line.purchase for line in bill.lines if line.purchase])}
    groups: dict[str, list[BillLine]] = {}
    for line in bill.lines:
        if line.purchase in known:
            groups.setdefault(line.purchase or "", []).append(line)
    checked = [_checked(known[id], lines, bill) for id, lines in groups.items()]
    rest = [line for line in bill.lines if line.purchase not in known]
    return Reported(bill, checked, [one for one in rest if one.tracking], [one for one in rest if not one.tracking])


def _checked(one: Bought, lines: Sequence[BillLine], bill: Bill) -> Checked:
    price = Money(one.price, one.currency) if one.price is not None and one.currency else None
    live = Label(one.id, "", "", "", one.state, bill.on, bill.total).is_live
    shown = price if live or price is None else Money.zero(price.currency)
    return Checked(lines[0].tracking, one.name, shown, total((line.amount for line in lines), bill.currency))
