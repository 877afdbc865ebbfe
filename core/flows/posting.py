"""What is booked is written into the merchant's ledger: once, by documents that a bookkeeper can read.

Entries are gathered into documents (see core.domain.documents), each written down with its key before the ledger is asked, and looked up
by it before it is said again. What the ledger declines is blocked, with its words, until somebody mends the cause.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from core.domain import books_words
from core.domain.documents import (
    AccountOf,
    Mode,
    Unmapped,
    Written,
    account_of,
    as_invoice,
    carrier_bill,
    currencies_of,
    described,
    grouped,
    journal,
    names_of,
    proposed,
    transfer,
)
from core.domain.journal import Account
from core.domain.ledgers import Books as LedgerBooks
from core.domain.ledgers import DocKind, Document, LedgerAccount, Sort, Why
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.domain.who import Who
from core.errors import AccessLost, RateLimited, Refused, Unavailable, Unsupported
from core.hub import Hub
from core.ports import Keeping, Ledger
from core.store import audit, billing, connections, documents
from core.store import journal as entries
from core.store.connections import Connection
from core.store.documents import Kept
from core.store.journal import Books
from core.store.unit import Unit

AT_ONCE = 20_000  # entries that are gathered at once
LOOKED_AT = 500  # of those that wait, for a page
SEEN = "documents"  # a mark: up to when entries were gathered
NOTHING = "nothing"  # likewise: its entries come to nothing
REST_US = 600_000_000  # between two looks at what others changed
BANK_FEED = "bank feed"  # instead of a document: the merchant books it from his bank's statement there
OVERLAP_US = 3_600_000_000  # a transaction that began long ago may end after a later one
AT_ONCE_TOO = "at_once"  # of its settings: what was booked today is written today; what it still becomes follows
MODE = "mode"  # of the ledger connection's settings: by channel connection, how its entries are written


# ---- reading what the ledger has


def read_ledger(hub: Hub, claim: Claim) -> None:
    """Read one kind of what the ledger has, and ask for the next: whose books these are, their accounts, tax codes and tags. After the last
    one what is booked is gathered."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        _, reached = connections.mark(db, connection.id, THINGS)
    kinds = list(READERS)
    turn = kinds.index(reached) if reached and reached in kinds else 0
    kind, after = kinds[turn], kinds[turn + 1] if turn + 1 < len(kinds) else None
    found = READERS[kind](hub.ledger(connection))
    with hub.unit(claim) as work:
        documents.keep_things(work.db, connection.merchant, connection.id, kind, found, work.now)
        connections.set_mark(work.db, connection.merchant, connection.id, THINGS, work.now, after)
        work.ask(connection.merchant, "read_ledger" if after else "gather_documents", connection.id, connection.id)


THINGS = "ledger"  # a mark: which kind is read next
READERS: Mapping[str, Callable[[Ledger], Mapping[str, Any]]] = {
    "books": lambda ledger: {(books := ledger.probe()).id: books},
    "account": lambda ledger: {one.id: one for one in ledger.accounts()},
    "tax": lambda ledger: {one.id: one for one in ledger.tax_codes()},
    "tag": lambda ledger: {f"{one.of} {one.id}": one for one in ledger.tags()},
}


SORTS: Mapping[Account, tuple[Sort, ...]] = {
    Account.CLEARING: (Sort.ASSET, Sort.LIABILITY, Sort.BANK), Account.RESERVE: (Sort.ASSET,), Account.RECEIVABLE: (Sort.ASSET,),
    Account.BANK: (Sort.BANK, Sort.ASSET), Account.INVENTORY: (Sort.ASSET,), Account.SELLER_TAX: (Sort.LIABILITY,),
    Account.MARKETPLACE_TAX: (Sort.LIABILITY,), Account.GIFT_CARDS: (Sort.LIABILITY,), Account.STORE_CREDIT: (Sort.LIABILITY,),
    Account.POSTAGE_OWED: (Sort.LIABILITY,), Account.LOAN: (Sort.LIABILITY,),
}  # fmt: skip
SPARE = (Sort.EXPENSE, Sort.COST)  # for what nobody has an account of his own for
INCOME = (Account.SALES, Account.SHIPPING, Account.TIPS, Account.DUTIES, Account.CHARGES, Account.DISCOUNTS, Account.RETURNS)
OTHERS = (Sort.EXPENSE, Sort.COST, Sort.INCOME)


def proposals(known: Iterable[LedgerAccount]) -> dict[Account, str]:
    """What each of our accounts most likely is in these books: by its kind, and by words of its name; those without a likely one are left
    out."""
    found = {}
    for account in Account:
        sorts = SORTS.get(account, (Sort.INCOME,) if account in INCOME else OTHERS)
        fits = [(one.id, one.name.casefold()) for sort in sorts for one in known if one.sort is sort and one.active]
        if likely := proposed(fits, account):
            found[account] = likely
    return found


def mapped(maps: Mapping[str, str], known: Iterable[LedgerAccount]) -> dict[str, str]:
    """By name, what the merchant said and, where he did not, what is proposed."""
    return {**{account.value: id for account, id in proposals(list(known)).items()}, **{what: id for what, id in maps.items() if id}}


# ---- gathering


def gather_documents(hub: Hub, claim: Claim) -> None:
    """Entries that are due become documents, each with a number and a key, and are asked for."""
    connection = hub.connection(claim.connection)
    with hub.unit(claim) as work:
        if (books := entries.books(work.db, connection.merchant)) and (first := first_day(connection)):
            _gather(hub, work, connection, books, max(first, books.starts))


def first_day(connection: Connection) -> date | None:
    """From which day on entries are written there; None: nobody said yet, nothing is."""
    text = str(connection.settings.get("from", ""))
    return date.fromisoformat(text) if text else None


def _gather(hub: Hub, work: Unit, connection: Connection, books: Books, first: date) -> None:
    merchant = connection.merchant
    at, _ = connections.mark(work.db, connection.id, SEEN)
    documents.pull(work.db, merchant, connection.id, max(0, at - OVERLAP_US), first)
    connections.set_mark(work.db, merchant, connection.id, SEEN, work.now)
    today = hub.clock().astimezone(zone_of(books.zone)).date()
    until = today + timedelta(days=1) if connection.settings.get(AT_ONCE_TOO) else today
    found = documents.to_do(work.db, merchant, connection.id, AT_ONCE)
    desk = desk_of(hub, work, connection)
    for source, group in grouped(found, modes(hub, work, connection), until).items():
        _want(hub, work, connection, source, group, desk)
    _want_bills(hub, work, connection, first, desk)


def modes(hub: Hub, work: Unit, connection: Connection) -> dict[str, Mode]:
    """How each channel's entries are written: as the merchant said, else a journal a day for a shop of one's own, one a payout for a
    marketplace."""
    chosen, found = connection.settings.get(MODE) or {}, {}
    for one in connections.all_of(work.db, connection.merchant):
        pays = connector.pays if (connector := hub.connectors.get(one.channel)) else None
        usual = Mode.PER_PAYOUT if pays and pays.takes is None else Mode.DAILY
        found[one.id] = Mode(chosen[one.id]) if chosen.get(one.id) in set(Mode) else usual
    return found


@dataclass(frozen=True, slots=True)
class Desk:
    """What documents for one ledger are made with: what of ours is which of its accounts, those that are banks, its own currency, what it
    can hold, and what channels are called."""

    account: AccountOf
    banks: Collection[str]
    own: str
    keeps: Keeping
    channels: Mapping[str, str]

    def transfers(self, group: Sequence[Written]) -> bool:
        """Whether the ledger can move this money itself."""
        sides = {self.account(one) for entry in group for one in entry.postings if one.account in (Account.BANK, Account.CLEARING)}
        return DocKind.TRANSFER in self.keeps.kinds and (not self.keeps.banks or sides <= {None, *self.banks})

    def made(self, source: str, number: str, group: Sequence[Written], currency: str) -> Document | None:
        """Raises Unmapped."""
        memo = described(source, group, self.channels.get(group[0].channel, ""))
        moved = transfer(memo, number, group, currency, self.account) if source.startswith("paid|") else None
        made = moved or journal(memo, number, group, currency, self.account, books_words.ACCOUNTS)
        foreign = made is not None and made.kind is DocKind.JOURNAL and not self.keeps.foreign and currency != self.own
        return as_invoice(made, f"Crossdock {currency}") if made and foreign else made


def _want(hub: Hub, work: Unit, connection: Connection, source: str, group: list[Written], desk: Desk) -> None:
    """The documents of these entries, one for each currency; where an account is not mapped all of them wait, and the page says for which.
    A payout that the ledger cannot transfer is left to its bank feed."""
    merchant, ids = connection.merchant, [one.id for one in group]
    if source.startswith("paid|") and not desk.transfers(group):
        documents.put(work.db, merchant, connection.id, ids, BANK_FEED)
        return
    try:
        made = {currency: desk.made(source, _number(work, merchant), group, currency) for currency in currencies_of(group)}
    except Unmapped:
        return
    found = {currency: (hub.ids(), one) for currency, one in made.items() if one is not None}
    documents.put(work.db, merchant, connection.id, ids, next((id for id, _ in found.values()), NOTHING))
    for currency, (id, one) in found.items():
        documents.add(work.db, merchant, connection.id, id, f"{source}|{currency}", one, hub.box(merchant), work.now)
        work.ask(merchant, "post_document", id, connection.id)


BILLS = 200  # that are written at once


def _want_bills(hub: Hub, work: Unit, connection: Connection, first: date, desk: Desk) -> None:
    """Carriers' bills of that day or later become documents, each once; where what is owed is not mapped they wait, as entries do."""
    merchant = connection.merchant
    if DocKind.BILL not in desk.keeps.kinds:
        return
    for bill in billing.unwritten(work.db, merchant, connection.id, first, BILLS):
        id, memo = hub.ids(), f"Crossdock: {bill.carrier} {bill.number}"
        try:
            made = carrier_bill(memo, _number(work, merchant), bill, desk.account)
        except Unmapped:
            return
        documents.add(work.db, merchant, connection.id, id, f"bill|{bill.id}", made, hub.box(merchant), work.now)
        work.ask(merchant, "post_document", id, connection.id)


def _number(work: Unit, merchant: str) -> str:
    return f"CD-{connections.count_up(work.db, merchant, SEEN, 1):06d}"


def desk_of(hub: Hub, work: Unit, connection: Connection) -> Desk:
    merchant, id, keeps = connection.merchant, connection.id, hub.connector(connection).keeps
    known = documents.things(work.db, merchant, id, "account", LedgerAccount)
    who = documents.things(work.db, merchant, id, "books", LedgerBooks)
    banks = {one.id for one in known if one.sort is Sort.BANK}
    own = who[0].currencies[0] if who else ""
    channels = {one.id: one.label for one in connections.all_of(work.db, merchant)}
    return Desk(account_of(mapped(documents.maps(work.db, merchant, id), known)), banks, own, keeps or Keeping(frozenset()), channels)


# ---- posting


def post_document(hub: Hub, claim: Claim) -> None:
    """Write one document, once: one that was tried before is looked up first. What the ledger declines is blocked, with its words."""
    connection, (id,) = hub.connection(claim.connection), claim.subjects
    with hub.unit(claim, finish=False) as work:
        kept = documents.one(work.db, connection.merchant, id, hub.box(connection.merchant), lock=True)
        if kept and kept.state in ("wanted", "asked"):
            documents.try_it(work.db, id, work.now)
    if kept is None or kept.state not in ("wanted", "asked"):
        with hub.unit(claim):
            return
    _post(hub, claim, connection, kept)


def _post(hub: Hub, claim: Claim, connection: Connection, kept: Kept) -> None:
    ledger, key = hub.ledger(connection), kept.id.replace("-", "")
    try:
        said = ledger.find(kept.document, key) if kept.tried_at is not None else None
        said = said or ledger.post(kept.document, key)
        if said.total != kept.document.total:
            raise Refused("the ledger made another total of it", words=said.total.text(), reason=Why.OTHER)
    except (RateLimited, Unavailable):  # it surely never reached them: next time nobody need look for it
        with hub.unit(claim, finish=False) as work:
            documents.untried(work.db, kept.id, kept.tried_at)
        raise
    except AccessLost:
        raise
    except Refused as error:
        with hub.unit(claim) as work:
            why = str(error.facts.get("reason") or ("unsupported" if isinstance(error, Unsupported) else Why.OTHER))
            documents.block(work.db, kept.id, why, error.words or str(error), hub.box(connection.merchant))
        return
    with hub.unit(claim) as work:
        documents.posted(work.db, kept.id, said, work.now)


def again(hub: Hub, merchant: str, id: str, who: Who, **different: object) -> None:
    """A blocked document is tried once more, on another day where one is named. Raises Refused where it is not blocked."""
    with hub.unit() as work:
        kept = documents.one(work.db, merchant, id, hub.box(merchant), lock=True)
        if kept is None or kept.state != "blocked":
            raise Refused("it is not blocked")
        if different:
            documents.change(work.db, id, replace(kept.document, **different), hub.box(merchant))  # type: ignore[arg-type]
        documents.want(work.db, id)
        work.ask(merchant, "post_document", id, kept.connection)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.again", id, number=kept.document.number)


# ---- what others change there


def read_changes(hub: Hub, claim: Claim) -> None:
    """Documents of ours that somebody changed, voided or deleted in the ledger are shown as such, never overwritten."""
    connection = hub.connection(claim.connection)
    with hub.database.read() as db:
        at, cursor = connections.mark(db, connection.id, "changed")
    if at and cursor is None and hub.now < at + REST_US:  # a ledger tells of each document that we wrote, too: its calls are few
        with hub.unit(claim) as work:
            work.ask(connection.merchant, "read_changes", connection.id, connection.id, wait_s=(at + REST_US - hub.now) / 1e6)
        return
    since = hub.clock() - timedelta(days=30) if not at else hub.clock() - timedelta(microseconds=hub.now - at) - timedelta(hours=1)
    page = hub.ledger(connection).changed(since, cursor)
    with hub.unit(claim) as work:
        for _, said in page.items:
            kept = documents.by_ledger(work.db, connection.merchant, connection.id, said.id, hub.box(connection.merchant))
            if kept and kept.state == "posted":
                documents.seen(work.db, kept, said)
        connections.set_mark(work.db, connection.merchant, connection.id, "changed", at if page.cursor else work.now, page.cursor)
        if page.cursor:
            work.ask(connection.merchant, "read_changes", connection.id, connection.id, wait_s=page.wait_s)


# ---- choosing


def choose(
    hub: Hub, merchant: str, connection: Connection, who: Who, *, starts: date | None, chosen: Mapping[str, str], **other: Any
) -> None:
    """From which day on entries are written there, and how each channel's are; and other settings of the ledger's."""
    with hub.unit() as work:
        modes_ = {id: mode for id, mode in chosen.items() if mode in set(Mode)}
        settings = {**connection.settings, "from": starts.isoformat() if starts else "", MODE: modes_, **other}
        connections.set_options(work.db, connection.id, settings, connection.buffer)
        audit.write(
            work.db, merchant, work.now, who.id, who.name, "books.ledger", connection.id, starts=starts.isoformat() if starts else ""
        )
        work.ask(merchant, "read_ledger", connection.id, connection.id)


def map_accounts(hub: Hub, merchant: str, connection: Connection, who: Who, chosen: Mapping[str, str]) -> None:
    """What of ours is which of theirs; what waited for it is gathered."""
    with hub.unit() as work:
        documents.set_maps(work.db, merchant, connection.id, chosen)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.map", connection.id, accounts=len(chosen))
        work.ask(merchant, "gather_documents", connection.id, connection.id)


# ---- how it stands


@dataclass(frozen=True, slots=True)
class Shelf:
    """A ledger as the merchant sees it: whose books, its accounts, what of ours is which of them (chosen, and as used), how each channel is
    written, and accounts that entries wait for."""

    connection: Connection
    books: LedgerBooks | None
    accounts: Sequence[LedgerAccount]
    chosen: Mapping[str, str]
    used: Mapping[str, str]
    modes: Mapping[str, Mode]
    first: date | None
    missing: Sequence[str]


def look(hub: Hub, work: Unit, connection: Connection) -> Shelf:
    merchant, id = connection.merchant, connection.id
    known = documents.things(work.db, merchant, id, "account", LedgerAccount)
    who = documents.things(work.db, merchant, id, "books", LedgerBooks)
    chosen = documents.maps(work.db, merchant, id)
    used, to_do = mapped(chosen, known), documents.to_do(work.db, merchant, id, LOOKED_AT)
    account = account_of(used)
    missing = sorted({names_of(one)[-1] for entry in to_do for one in entry.postings if account(one) is None})
    return Shelf(connection, who[0] if who else None, known, chosen, used, modes(hub, work, connection), first_day(connection), missing)
