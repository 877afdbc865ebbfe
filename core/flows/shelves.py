"""What channels' own warehouses lose, find and dispose of: read day by day from their own ledgers, and booked as the cost of goods.

A day is replaced by what is told of it last and booked by the difference, so reading again changes nothing. From the first day on that
was read, money that the channel pays for such losses moves no stock (core.domain.shelf_moves has the rule).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.journal import due
from core.domain.money import Money
from core.domain.shelf_moves import DAY, Cause, Reading, ToldDays, subject_of
from core.domain.tasks import Claim
from core.flows import costing
from core.hub import Hub
from core.ports import Page, Shelves, Shelving
from core.store import journal, payouts, shelf_moves
from core.store.connections import Connection
from core.store.journal import Books
from core.store.unit import Unit

ALIVE_US = timedelta(hours=1) // timedelta(microseconds=1)  # after which a page's cursor is given up, and reading begins again
LONGEST = 540  # days that may be read again


def read_shelves(hub: Hub, claim: Claim) -> None:
    """Read a page of what happened on a channel's shelves, replace its days, and ask for the next. Nothing is read where goods' cost is not
    booked, or the channel does not tell."""
    connection = hub.connection(claim.connection)
    channel, telling = hub.channel(connection), hub.connector(connection).shelves
    with hub.database.read() as db:
        books, (at, reading) = journal.books(db, connection.merchant), shelf_moves.reading(db, connection.id)
    first = costing.since(books) if books else None
    if books is None or first is None or telling is None or not isinstance(channel, Shelves):
        return
    today = hub.clock().date()
    wanted = max(first, books.starts, today - telling.back * DAY)
    goes_on = reading.cursor is not None and reading.since is not None and hub.now - at < ALIVE_US
    since = reading.since if goes_on and reading.since else reading.begins(wanted, today, _again(hub, connection, telling))
    if since >= today:  # no day of these is over
        return
    page = channel.shelf_moves(since, today, reading.cursor if goes_on else None)
    with hub.unit(claim) as work:
        _take(work, connection, page, reading, since, wanted)


def _again(hub: Hub, connection: Connection, telling: Shelving) -> int:
    """How many days are read again; a setting that is no number of days is none."""
    said = str(hub.options(connection, hub.connector(connection)).get("shelf_days", telling.again))
    return min(max(1, int(said)), LONGEST) if said.isdecimal() else telling.again


def _take(work: Unit, connection: Connection, page: Page[ToldDays], before: Reading, since: date, wanted: date) -> None:
    merchant, reading = connection.merchant, before.after(page.items, since, wanted, page.cursor)
    for told in page.items:
        for day in shelf_moves.replace(work.db, merchant, connection.id, told):
            work.ask(merchant, "book_shelves", f"{connection.id}/{day}", connection.id)
    if reading.first != before.first:
        _ask_payouts(work, connection)
    shelf_moves.keep_reading(work.db, merchant, connection.id, work.now, reading)
    if page.cursor is not None:
        work.ask(merchant, "read_shelves", connection.id, connection.id, wait_s=page.wait_s)


def _ask_payouts(work: Unit, connection: Connection) -> None:
    """More of what it paid for is told by its shelves now."""
    for id, account in payouts.with_losses(work.db, connection.merchant):
        if account == connection.id:
            work.ask(connection.merchant, "book_payout", id, account)


# ---- booking


def book_shelves(hub: Hub, claim: Claim) -> None:
    """Book these days ("CONNECTION/DAY"), or all of a connection, as they are told now."""
    with hub.unit(claim) as work:
        if books := journal.books(work.db, claim.merchant):
            book(work, claim.merchant, claim.connection, books, _days(work, claim))


def _days(work: Unit, claim: Claim) -> set[date]:
    named = {date.fromisoformat(one.rpartition("/")[2]) for one in claim.subjects if one != claim.connection}
    whole = shelf_moves.days(work.db, claim.merchant, claim.connection) if claim.connection in claim.subjects else ()
    return {*named, *whole}


def book(work: Unit, merchant: str, connection: str, books: Books, days: Iterable[date]) -> int:
    """The same in the caller's transaction; gives how many entries were appended."""
    ordered = sorted(days)
    wanted = costing.of_shelves(work, merchant, connection, books, ordered)
    lines = due(wanted, journal.booked(work.db, merchant, [subject_of(connection, one) for one in ordered]), books.open_from)
    journal.append(work.db, merchant, lines, work.now)
    return len(lines)


# ---- at a glance

BACK = 60  # days of which reasons that are new to us are shown


@dataclass(frozen=True, slots=True)
class Shelved:
    """A channel's shelves this month: days told (`first` to `last`, None: none yet), units by cause, their cost in each currency, and how
    often which reason was told that is new to us."""

    label: str
    at: int
    first: date | None
    last: date | None
    units: Mapping[Cause, int]
    cost: Sequence[Money]
    unknown: Mapping[str, int]


def look(db: Db, merchant: str, today: date) -> list[Shelved]:
    """Every channel whose days are read."""
    known, since = shelf_moves.known(db, merchant), today.replace(day=1)
    if not known:
        return []
    ids, days = [id for id, *_ in known], [since + n * DAY for n in range((today - since).days + 1)]
    sums, costs = shelf_moves.sums(db, merchant, ids, since, today - BACK * DAY), shelf_moves.cost(db, merchant, ids, days)
    return [
        Shelved(
            label, at, reading.first, reading.until - DAY if reading.until else None,
            _units(row for row in sums if row.connection == id), [money for one, money in costs if one == id and money],
            {row.reason: int(row.times) for row in sums if row.connection == id and row.cause == Cause.UNKNOWN},
        )
        for id, label, at, reading in known
    ]  # fmt: skip


def _units(rows: Iterable[Any]) -> dict[Cause, int]:
    found: dict[Cause, int] = {}
    for row in rows:
        found[Cause(row.cause)] = found.get(Cause(row.cause), 0) + int(row.units)
    return found
