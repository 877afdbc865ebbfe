"""Several payouts that came as one deposit: what the bank shows otherwise is booked until somebody says why; and lines of a file."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection as Db

from core.domain import deposits as domain
from core.domain.deposits import BankLine, Deposit, item_of, proposals, rest_of
from core.domain.journal import due
from core.domain.money import Money
from core.domain.payout_entries import LEFT
from core.domain.who import Who
from core.errors import Refused
from core.flows.accounts import write_off_of
from core.flows.books import NotKept
from core.flows.payouts import book_deposit, held_in, rebook
from core.hub import Hub
from core.store import audit, deposits, journal
from core.store.journal import Books
from core.store.payouts import Known
from core.store.tables import us
from core.store.unit import Unit

MOST = 300  # payouts among which a file's lines are looked for
LINES = 500
BACK = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Shown:
    """A deposit, its payouts, what it shows less than they came to, and what of that nobody explained yet."""

    deposit: Deposit
    payouts: Sequence[Known]
    rest: Money
    open: Money


def listed(db: Db, merchant: str, until: str = "9999", most: int = 50) -> list[Shown]:
    """The newest deposits."""
    found = deposits.listed(db, merchant, until, most)
    held, books = deposits.held(db, merchant, [one.id for one in found]), journal.books(db, merchant)
    open_ = journal.open_under(db, merchant, [item_of(one.id) for one in found])
    return [_shown(one, held.get(one.id, []), open_.get(item_of(one.id)), books) for one in found]


def _shown(one: Deposit, known: Sequence[Known], open_: Money | None, books: Books | None) -> Shown:
    rest = rest_of(one, held_in(known, books, {}))
    return Shown(one, known, rest, open_ or Money.zero(one.amount.currency))


def add(hub: Hub, merchant: str, one: Deposit, payouts: Collection[str], who: Who) -> None:
    """These payouts came as this deposit. Said twice it is one. Raises NotKept; Refused where one of them is not the merchant's, lies in
    another deposit, never left, or is in another currency."""
    with hub.unit() as work:
        books = _kept(work, merchant)
        if not deposits.add(work.db, merchant, one, who, work.now):
            return
        count = deposits.hold(work.db, merchant, one.id, payouts)
        known = deposits.held(work.db, merchant, [one.id]).get(one.id, [])
        if not payouts or count != len(set(payouts)) or not all(_fits(each, one) for each in known):
            raise Refused("choose payouts that left, in its currency, and that lie in no other deposit")
        for each in known:  # what somebody typed of it alone counts no more
            rebook(hub, work, merchant, each.id)
        book_deposit(hub, work, merchant, books, one.id)
        audit.write(
            work.db, merchant, work.now, who.id, who.name, "books.deposit", one.id, amount=one.amount.text(), currency=one.amount.currency,
            payouts=count,
        )  # fmt: skip


def _kept(work: Unit, merchant: str) -> Books:
    books = journal.books(work.db, merchant)
    if books is None:
        raise NotKept("no books are kept yet: say from which day on")
    return books


def _fits(known: Known, one: Deposit) -> bool:
    return known.payout.state in LEFT and known.payout.reaches.currency == one.amount.currency


def undo(hub: Hub, merchant: str, id: str, who: Who) -> None:
    """It was none: its payouts reached the bank one by one, and what was booked of its difference is taken back. Raises Refused where it
    is not there."""
    with hub.unit() as work:
        books, one = _kept(work, merchant), deposits.one(work.db, merchant, id, lock=True)
        if one is None:
            raise Refused("there is no such deposit")
        booked = journal.booked(work.db, merchant, [item_of(id), write_off_of(item_of(id))])
        journal.append(work.db, merchant, due([], booked, books.open_from), work.now)
        deposits.drop(work.db, merchant, id)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.no_deposit", id, amount=one.amount.text())


# ---- the bank's lines as a file


@dataclass(frozen=True, slots=True)
class Proposed:
    """A file's line, and the payouts that it likely holds."""

    line: BankLine
    payouts: Sequence[Known]


def propose(hub: Hub, db: Db, merchant: str, text: str) -> tuple[list[Proposed], list[tuple[int, str]]]:
    """What a file's lines likely are; and (line, why) of what cannot be meant. Nothing is changed."""
    lines, wrong = domain.read(text)
    if wrong or len(lines) > LINES:
        return [], wrong or [(1, f"there are more than {LINES} lines in it")]
    known = {one.id: one for one in deposits.free(db, merchant, us(hub.clock() - BACK), MOST)}
    held = held_in(list(known.values()), journal.books(db, merchant), {})
    found = proposals([one for one in lines if one.amount], held)
    return [Proposed(one, [known[each.id] for each in found.get(one.line, ())]) for one in lines], []
