"""Opening balances: kept as they were typed, booked as a difference, and met by money for orders that are older than the books."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection as Db

from core.domain.matching import Item
from core.domain.money import Money
from core.domain.opening import SUBJECT, Balance, kept, written
from core.domain.order_entries import OPENING
from core.domain.who import Who
from core.flows.books import NotKept, book_opening
from core.hub import Hub
from core.store import audit, connections, journal
from core.store.journal import Books


@dataclass(frozen=True, slots=True)
class Met:
    """A clearing account's opening balance: what was typed, what came of it since, and what is left."""

    item: Item

    @property
    def came(self) -> Money:
        return -(self.item.settled + self.item.paid + self.item.repaid)


@dataclass(frozen=True, slots=True)
class Look:
    """What was typed, and what of each clearing account's was met."""

    books: Books
    balances: Sequence[Balance]
    met: Sequence[Met]


def look(db: Db, merchant: str) -> Look | None:
    """None where no books are kept."""
    books = journal.books(db, merchant)
    if books is None:
        return None
    found = journal.items_called(db, merchant, OPENING)
    return Look(books, kept(books.settings), [Met(one) for one in found])


def keep(hub: Hub, merchant: str, balances: Sequence[Balance], who: Who) -> None:
    """These stood when accounting began: what is booked otherwise is taken back. Raises NotKept."""
    with hub.unit() as work:
        books = journal.books(work.db, merchant)
        if books is None:
            raise NotKept("no books are kept yet: say from which day on")
        told = Books(books.starts, books.closed_until, books.zone, {**books.settings, SUBJECT: written(balances)})
        journal.keep(work.db, merchant, told)
        book_opening(work, merchant, told)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.opening", merchant, balances=len(balances))


def channels(hub: Hub, db: Db, merchant: str) -> tuple[dict[str, str], dict[str, str]]:
    """Connections by what they are called, and the gateways of their own feeds by connection."""
    known = connections.all_of(db, merchant)
    pays = {one.id: connector.pays for one in known if (connector := hub.connectors.get(one.channel))}
    named = {name: one.id for one in known for name in (one.label, one.account, one.id) if name}
    return named, {id: told.gateway for id, told in pays.items() if told}
