"""What is booked is written into the merchant's ledger: once, by documents that a bookkeeper can read.

Entries are gathered into documents (see core.domain.documents), each written down with its key before the ledger is asked, and looked up
by it before it is said again. What the ledger declines is blocked, with its words, until somebody mends the cause.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection as Db

from core.domain import books_words
from core.domain.carrier_bills import NO_TAX, OTHER_CARRIERS, carrier_bill
from core.domain.coding import AccountOf, Chart, Coder, TaxWay, Unmapped
from core.domain.documents import (
    ORDER,
    Mode,
    Plan,
    Written,
    account_of,
    as_invoice,
    counts_of,
    currencies_of,
    described,
    grouped,
    journal,
    names_of,
    proposed,
    switched,
    transfer,
)
from core.domain.journal import Account, EntryKind
from core.domain.ledgers import Books as LedgerBooks
from core.domain.ledgers import DocKind, Document, LedgerAccount, Posted, Sort, Tag, TaxCode, Why
from core.domain.order_documents import Made, Open, Press, documents_of
from core.domain.tasks import Claim
from core.domain.taxation import OUTSIDE
from core.domain.today import zone_of
from core.domain.who import Who
from core.errors import AccessLost, RateLimited, Refused, Unavailable, Unsupported
from core.hub import Hub
from core.ports import Keeping, Ledger
from core.store import audit, billing, connections, documents, orders, rates
from core.store import journal as entries
from core.store.connections import CARRIER, Connection
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
SWITCHES = "switches"  # likewise: from which days on they were written how, where that was switched
TAXES = "taxes"  # likewise: "codes" (lines say their tax codes), "account" (the tax is a line of its own); "": as is usual in that country


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


def _due(work: Unit, merchant: str, groups: Mapping[str, Sequence[Written]], books: Books) -> dict[str, date]:
    """By which day orders on payment terms must be paid, in the merchant's zone."""
    refs = {one.subject for source, group in groups.items() if source.startswith(ORDER) for one in group if one.kind is EntryKind.SALE}
    zone = zone_of(books.zone)
    return {ref: at.astimezone(zone).date() for ref, at in orders.due(work.db, merchant, refs).items()}


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
    groups = grouped(found, plans(hub, connection, connections.all_of(work.db, merchant)), until)
    sources = [f"{source}|{one}" for source, group in groups.items() if source.startswith(ORDER) for one in currencies_of(group)]
    known = documents.open_of(work.db, merchant, connection.id, sources, hub.box(merchant))
    desk = replace(desk_of(hub, work, connection), due=_due(work, merchant, groups, books))
    for source, group in groups.items():
        _want(hub, work, connection, source, group, desk, known)
    _want_bills(hub, work, connection, first, desk)


def modes(hub: Hub, connection: Connection, channels: Iterable[Connection]) -> dict[str, Mode]:
    """How each channel's entries are written: as the merchant said, else a journal a day for a shop of one's own, one a payout for a
    marketplace."""
    chosen, found = connection.settings.get(MODE) or {}, {}
    for one in channels:
        pays = connector.pays if (connector := hub.connectors.get(one.channel)) else None
        usual = Mode.PER_PAYOUT if pays and pays.takes is None else Mode.DAILY
        found[one.id] = Mode(chosen[one.id]) if chosen.get(one.id) in set(Mode) else usual
    return found


def plans(hub: Hub, connection: Connection, channels: Iterable[Connection]) -> dict[str, Plan]:
    """From which day on each channel is written how."""
    kept = connection.settings.get(SWITCHES) or {}
    told = {id: [(date.fromisoformat(on), Mode(mode)) for on, mode in some] for id, some in kept.items()}
    return {id: told.get(id) or [(date.min, mode)] for id, mode in modes(hub, connection, channels).items()}


@dataclass(frozen=True, slots=True)
class Desk:
    """What documents for one ledger are made with: its lines, those accounts that are banks or take payments, its own currency, what it can
    hold, how its lines hold tax, what channels are called, and where numbers, ids and rates come from.
    `due`: by which day orders on payment terms must be paid."""

    chart: Chart
    banks: Collection[str]
    pays: frozenset[str]
    own: str
    keeps: Keeping
    sale_way: TaxWay
    journal_way: TaxWay
    channels: Mapping[str, str]
    id: Callable[[], str]
    rate: Callable[[str, date], Decimal | None]
    due: Mapping[str, date] = field(default_factory=dict)

    @property
    def account(self) -> AccountOf:
        return self.chart.account

    def transfers(self, group: Sequence[Written]) -> bool:
        """Whether the ledger can move this money itself."""
        sides = {self.account(one) for entry in group for one in entry.postings if one.account in (Account.BANK, Account.CLEARING)}
        return DocKind.TRANSFER in self.keeps.kinds and (not self.keeps.banks or sides <= {None, *self.banks})

    def made(self, source: str, group: Sequence[Written], currency: str, known: Sequence[Open]) -> list[Made]:
        """Raises Unmapped."""
        memo = described(source, group, self.channels.get(group[0].channel, ""))
        if source.startswith(ORDER):
            return documents_of(group, self._press(memo, group, currency), known)
        moved = transfer(memo, group, currency, self.account) if source.startswith("paid|") else None
        return [Made(self.id(), moved)] if moved else self._journal(memo, group, currency)

    def _journal(self, memo: str, group: Sequence[Written], currency: str) -> list[Made]:
        foreign = not self.keeps.foreign and currency != self.own
        found = journal(memo, group, currency, self.chart, TaxWay.PLAIN if foreign else self.journal_way)
        if found is None:
            return []
        one = replace(found[0], rate=self.rate(currency, found[0].on))
        return [Made(self.id(), as_invoice(one, f"Crossdock {currency}") if foreign else one, None, found[1].off, found[1].rounded)]

    def _press(self, memo: str, group: Sequence[Written], currency: str) -> Press:
        contact = f"{self.channels.get(group[0].channel, 'Crossdock')} {currency}"
        return Press(
            self.chart, self.keeps.kinds, self.pays, contact, memo, currency, self.sale_way, self.journal_way, self.id,
            lambda on: self.rate(currency, on), not self.keeps.foreign and currency != self.own, max(counts_of(group)),
            self.due.get(group[0].subject),
        )  # fmt: skip


def _want(
    hub: Hub, work: Unit, connection: Connection, source: str, group: list[Written], desk: Desk, known: Mapping[str, Sequence[Open]]
) -> None:
    """The documents of these entries, in each currency their own; where an account or a tax code is not mapped all of them wait, and the
    page says for which. A payout that the ledger cannot transfer is left to its bank feed."""
    merchant, ids = connection.merchant, [one.id for one in group]
    if source.startswith("paid|") and not desk.transfers(group):
        documents.put(work.db, merchant, connection.id, ids, BANK_FEED)
        return
    try:
        found = {name: desk.made(source, group, name, known.get(f"{source}|{name}", ())) for name in currencies_of(group)}
    except Unmapped:
        return
    made = [(f"{source}|{name}", one) for name, some in found.items() for one in some]
    documents.put(work.db, merchant, connection.id, ids, made[0][1].id if made else NOTHING)
    _keep(hub, work, connection, made)


def _keep(hub: Hub, work: Unit, connection: Connection, made: Sequence[tuple[str, Made]]) -> None:
    """They are to be written; where one's tax is not what its codes make of it none is, before somebody looks."""
    merchant, box = connection.merchant, hub.box(connection.merchant)
    off = next((one.off for _, one in made if one.off), None)
    here = {one.id for _, one in made}
    for number, (source, one) in zip(_numbers(work, merchant, len(made)), made, strict=True):
        documents.add(work.db, merchant, connection.id, one.id, source, replace(one.document, number=number), box, work.now, one.after)
        if off:
            documents.block(work.db, one.id, Why.TAX, off.words(), box)
            work.ask(merchant, "judge_books", merchant)
        elif one.after not in here:
            work.ask(merchant, "post_document", one.id, connection.id)
    if rounded := sum(one.rounded for _, one in made):
        connections.count_up(work.db, merchant, f"rounded {connection.id}", rounded)


def _numbers(work: Unit, merchant: str, count: int) -> list[str]:
    """The next numbers of a merchant's documents: what is not to be written uses up none."""
    last = connections.count_up(work.db, merchant, SEEN, count) if count else 0
    return [f"CD-{number:06d}" for number in range(last - count + 1, last + 1)]


BILLS = 200  # that are written at once


def _want_bills(hub: Hub, work: Unit, connection: Connection, first: date, desk: Desk) -> None:
    """Carriers' bills of that day or later become documents, each once; where what is owed is not mapped they wait, as entries do."""
    merchant = connection.merchant
    if DocKind.BILL not in desk.keeps.kinds:
        return
    for bill in billing.unwritten(work.db, merchant, connection.id, first, BILLS):
        id, memo = hub.ids(), f"Crossdock: {bill.carrier} {bill.number}"
        try:
            made, stops = carrier_bill(memo, bill, desk.chart)
        except Unmapped:
            return
        [number] = _numbers(work, merchant, 1)
        numbered = replace(made, number=number)
        documents.add(work.db, merchant, connection.id, id, f"bill|{bill.id}", numbered, hub.box(merchant), work.now)
        if stops:
            documents.block(work.db, id, Why.TAX, stops, hub.box(merchant))
            work.ask(merchant, "judge_books", merchant)
        else:
            work.ask(merchant, "post_document", id, connection.id)


def desk_of(hub: Hub, work: Unit, connection: Connection) -> Desk:
    merchant, id = connection.merchant, connection.id
    keeps = hub.connector(connection).keeps or Keeping(frozenset())
    there = documents.things(work.db, merchant, id)
    known, who, tags, codes = there.accounts, there.books, there.tags, {one.id: one for one in there.codes}
    maps, own = documents.maps(work.db, merchant, id), who.currencies[0] if who else ""
    sale_way, journal_way = _ways(connection, keeps, who.country if who else "", bool(codes))
    channels = {one.id: one.label for one in connections.all_of(work.db, merchant)}
    coder = Coder(codes, maps, who.country if who else "")
    marks = {one: tags_of(maps, tags, one) for one in channels}
    return Desk(
        Chart(account_of(mapped(maps, known)), books_words.ACCOUNTS, coder, marks), {one.id for one in known if one.sort is Sort.BANK},
        frozenset(one.id for one in known if one.pays), own, keeps, sale_way, journal_way, channels, hub.ids,
        _rates(work, merchant, own),
    )  # fmt: skip


def _ways(connection: Connection, keeps: Keeping, country: str, coded: bool) -> tuple[TaxWay, TaxWay]:
    """How sales, and how journals hold tax. In the United States journals have none, unless somebody says so: there are too many rates."""
    said = connection.settings.get(TAXES) or ""
    sale = TaxWay.LINES if coded and said != "account" else TaxWay.PLAIN
    journals = keeps.taxes if coded and (said == "codes" or (not said and country != "US")) else TaxWay.PLAIN
    return sale, journals


def tags_of(maps: Mapping[str, str], tags: Iterable[Tag], channel: str) -> tuple[Tag, ...]:
    """How lines of a channel are marked: at most one tag of each dimension."""
    wanted = {what.split("|")[2]: id for what, id in maps.items() if what.startswith(f"tag|{channel}|") and id}
    return tuple(one for one in tags if wanted.get(one.of) == one.id)


def _rates(work: Unit, merchant: str, own: str) -> Callable[[str, date], Decimal | None]:
    """Rates that the merchant gave, each looked up once; none: the ledger takes its own of the day."""
    found: dict[tuple[str, date], Decimal | None] = {}

    def rate(currency: str, on: date) -> Decimal | None:
        if currency == own or not own:
            return None
        if (currency, on) not in found:
            found[currency, on] = rates.on(work.db, merchant, currency, own, on)
        return found[currency, on]

    return rate


# ---- posting


def post_document(hub: Hub, claim: Claim) -> None:
    """Write one document, once: one that was tried before is looked up first; one that pays another waits for that. What the ledger
    declines is blocked, with its words."""
    connection, (id,) = hub.connection(claim.connection), claim.subjects
    with hub.unit(claim, finish=False) as work:
        kept = documents.one(work.db, connection.merchant, id, hub.box(connection.merchant), lock=True)
        kept = _paying(hub, work, connection.merchant, kept) if kept and kept.after else kept
        if kept and kept.state in OPEN:
            documents.try_it(work.db, id, work.now)
    if kept is None or kept.state not in OPEN:
        with hub.unit(claim):
            return
    _post(hub, claim, connection, kept)


OPEN = ("wanted", "asked")


def _paying(hub: Hub, work: Unit, merchant: str, kept: Kept) -> Kept | None:
    """With the ledger's name of what it pays, or of both that it brings together; None while one of them is not written."""
    first = _name_there(hub, work, merchant, kept.after)
    if not kept.document.by:
        return replace(kept, document=replace(kept.document, of=first)) if first else None
    kept = _against(hub, work, merchant, kept)
    of = _name_there(hub, work, merchant, kept.document.of)
    return replace(kept, document=replace(kept.document, of=of, by=first)) if first and of else None


def _against(hub: Hub, work: Unit, merchant: str, kept: Kept) -> Kept:
    """An invoice that was declined may have been made anew since: then the credit is set against that one."""
    if documents.one(work.db, merchant, kept.document.of, hub.box(merchant)):
        return kept
    if (other := documents.invoice_of(work.db, merchant, kept)) is None:
        return kept
    document = replace(kept.document, of=other)
    documents.change(work.db, kept.id, document, hub.box(merchant))
    return replace(kept, document=document)


def _name_there(hub: Hub, work: Unit, merchant: str, id: str) -> str:
    """What the ledger calls this document; "" while it is not written."""
    found = documents.one(work.db, merchant, id, hub.box(merchant))
    return found.ledger_id if found and found.state == "posted" else ""


def _post(hub: Hub, claim: Claim, connection: Connection, kept: Kept) -> None:
    ledger, key = hub.ledger(connection), kept.id.replace("-", "")
    try:
        said = ledger.find(kept.document, key) if kept.tried_at is not None else None
        said = said or ledger.post(kept.document, key)
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
            work.ask(connection.merchant, "judge_books", connection.merchant)
        return
    _took(hub, claim, connection, kept, said)


def _took(hub: Hub, claim: Claim, connection: Connection, kept: Kept, said: Posted) -> None:
    """It is there; where the ledger made another total or tax of it than the orders have, somebody must look. What pays it goes next."""
    with hub.unit(claim) as work:
        if words := differs(kept.document, said):
            documents.block(work.db, kept.id, Why.TAX, words, hub.box(connection.merchant), said)
            work.ask(connection.merchant, "judge_books", connection.merchant)
            return
        documents.posted(work.db, kept.id, said, work.now)
        for id in documents.after_it(work.db, connection.merchant, kept.id):
            work.ask(connection.merchant, "post_document", id, connection.id)


def differs(one: Document, said: Posted) -> str:
    """What the ledger made of it that is not what we said; "" where all is. What the tax of a journal comes to not every ledger says."""
    if said.total == one.total and (said.tax == one.tax or one.kind is DocKind.JOURNAL):
        return ""
    return f"we said {one.total.text()} with tax of {one.tax.text()}; it came to {said.total.text()} with tax of {said.tax.text()} there"


def again(hub: Hub, merchant: str, id: str, who: Who, **different: object) -> None:
    """A blocked document is tried once more, on another day where one is named; made anew, of what is mapped now, where its accounts or tax
    codes were declined. Raises Refused where it is not blocked."""
    with hub.unit() as work:
        kept = documents.one(work.db, merchant, id, hub.box(merchant), lock=True)
        if kept is None or kept.state != "blocked":
            raise Refused("it is not blocked")
        if not different and documents.can_be_made_anew(work.db, merchant, kept):
            documents.undo(work.db, merchant, kept)
            work.ask(merchant, "gather_documents", kept.connection, kept.connection)
        else:
            _send_again(hub, work, merchant, kept, different)
        work.ask(merchant, "judge_books", merchant)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.again", id, number=kept.document.number)


def _send_again(hub: Hub, work: Unit, merchant: str, kept: Kept, different: Mapping[str, object]) -> None:
    if different:
        documents.change(work.db, kept.id, replace(kept.document, **different), hub.box(merchant))  # type: ignore[arg-type]
    documents.want(work.db, kept.id)
    work.ask(merchant, "post_document", kept.id, kept.connection)


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
    hub: Hub, merchant: str, connection: Connection, who: Who, *, starts: date | None, chosen: Mapping[str, str],
    switch_on: date | None = None, **other: Any,
) -> None:  # fmt: skip
    """From which day on entries are written there, and how each channel's are, where that is another way from `switch_on` (today) on; and
    other settings of the ledger's. Raises TooMany where a channel has too many orders for documents of their own."""
    with hub.unit() as work:
        modes_ = {id: mode for id, mode in chosen.items() if mode in set(Mode)}
        _few_enough(hub, work, connection, modes_)
        switches = _switches(hub, work, connection, modes_, switch_on) if first_day(connection) else {}
        settings = {
            **connection.settings, "from": starts.isoformat() if starts else "", MODE: modes_, SWITCHES: switches, **other
        }  # fmt: skip
        connections.set_options(work.db, connection.id, settings, connection.buffer)
        audit.write(
            work.db, merchant, work.now, who.id, who.name, "books.ledger", connection.id, starts=starts.isoformat() if starts else ""
        )
        work.ask(merchant, "read_ledger", connection.id, connection.id)


def _switches(
    hub: Hub, work: Unit, connection: Connection, chosen: Mapping[str, str], first: date | None
) -> dict[str, list[tuple[str, str]]]:
    """What was booked before the day of the switch stays with the mode that it had."""
    books, every = entries.books(work.db, connection.merchant), connections.all_of(work.db, connection.merchant)
    on = first or hub.clock().astimezone(zone_of(books.zone if books else "UTC")).date()
    found = {id: switched(plan, Mode(chosen[id]), on) if id in chosen else plan for id, plan in plans(hub, connection, every).items()}
    return {id: [(day.isoformat(), mode.value) for day, mode in plan] for id, plan in found.items() if len(plan) > 1}


class TooMany(Refused):
    """So many orders a month cannot be documents of their own in that ledger: `facts` have how many there are, and how many may be."""


A_MONTH = timedelta(days=30)


def _few_enough(hub: Hub, work: Unit, connection: Connection, chosen: Mapping[str, str]) -> None:
    most = (hub.connector(connection).keeps or Keeping(frozenset())).most_orders
    told = [id for id, mode in chosen.items() if mode == Mode.PER_ORDER]
    if most is not None and told and (found := placed(hub, work.db, connection, told)) > most:
        raise TooMany("too many orders a month", orders=found, most=most)


def placed(hub: Hub, db: Db, connection: Connection, channels: Collection[str]) -> int:
    """How many orders of these channels were placed within a month; not counted beyond what decides."""
    since = hub.now - int(A_MONTH.total_seconds() * 1e6)
    return documents.placed(db, connection.merchant, channels, since)


def map_accounts(hub: Hub, merchant: str, connection: Connection, who: Who, chosen: Mapping[str, str]) -> None:
    """What of ours is which of theirs: accounts, taxations ("tax|channel|taxation"), codes of fees ("fee|channel", of postage
    "fee|carrier"), tags ("tag|channel|dimension"); what waited for it is gathered, and what stopped for its tax is made anew."""
    with hub.unit() as work:
        documents.set_maps(work.db, merchant, connection.id, chosen)
        for id in documents.untaxed(work.db, merchant, connection.id):
            if kept := documents.one(work.db, merchant, id, hub.box(merchant), lock=True):
                documents.undo(work.db, merchant, kept)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.map", connection.id, accounts=len(chosen))
        work.ask(merchant, "gather_documents", connection.id, connection.id)
        work.ask(merchant, "judge_books", merchant)


# ---- how it stands


@dataclass(frozen=True, slots=True)
class Shelf:
    """A ledger as the merchant sees it: whose books, its accounts, what of ours is which of them (chosen, and as used), how each channel is
    written, accounts and taxations that entries wait for, tax codes and tags; how many orders a month are too many for documents of their
    own (`orders` of `most`), and how many cents were rounded."""

    connection: Connection
    books: LedgerBooks | None
    accounts: Sequence[LedgerAccount]
    chosen: Mapping[str, str]
    used: Mapping[str, str]
    modes: Mapping[str, Mode]
    first: date | None
    missing: Sequence[str]
    untaxed: Sequence[str]
    taxations: Mapping[str, str]  # those that occur, and the code that each has, "" where none
    codes: Sequence[TaxCode]
    tags: Sequence[Tag]
    plans: Mapping[str, Plan]
    channels: Mapping[str, str]  # what they are called, by connection
    orders: int = 0
    most: int | None = None
    rounded: int = 0
    carriers: Mapping[str, str] = field(default_factory=dict)  # whose bills may bear tax, by what their codes are chosen under

    @property
    def too_many(self) -> bool:
        return self.most is not None and self.orders > self.most


def look(hub: Hub, db: Db, connection: Connection) -> Shelf:
    merchant, id = connection.merchant, connection.id
    there, chosen, rounded = documents.shelf(db, merchant, id)
    known, who, codes, tags = there.accounts, there.books, there.codes, there.tags
    used, to_do = mapped(chosen, known), documents.waiting(db, merchant, id, LOOKED_AT)
    account, keeps = account_of(used), hub.connector(connection).keeps or Keeping(frozenset())
    missing = sorted({names_of(one)[-1] for entry in to_do for one in entry.postings if account(one) is None})
    every = connections.all_of(db, merchant)
    plans_ = plans(hub, connection, every)
    modes_ = {channel: plan[-1][1] for channel, plan in plans_.items()}
    taxed = taxations(chosen, to_do, Coder({one.id: one for one in codes}, chosen, who.country if who else ""), plans_)
    waits = set(_ways(connection, keeps, who.country if who else "", bool(codes))) != {TaxWay.PLAIN}
    single = [channel for channel, mode in modes_.items() if mode is Mode.PER_ORDER] if keeps.most_orders else []
    return Shelf(
        connection, who, known, chosen, used, modes_, first_day(connection), missing,
        sorted(one for one, code in taxed.items() if not code) if waits else [], taxed if waits else {}, codes, tags, plans_,
        {one.id: one.label for one in every}, placed(hub, db, connection, single), keeps.most_orders,
        rounded, _carriers(db, merchant, who) if codes else {},
    )  # fmt: skip


def _carriers(db: Db, merchant: str, who: LedgerBooks | None) -> dict[str, str]:
    if who is None or who.country in NO_TAX:
        return {}
    return {**{one.id: one.label for one in connections.all_of(db, merchant, CARRIER)}, OTHER_CARRIERS: ""}


def taxations(maps: Mapping[str, str], to_do: Iterable[Written], coder: Coder, plans_: Mapping[str, Plan]) -> dict[str, str]:
    """Taxations that somebody chose a code for, or that wait, with the code that each has now; by their name in the map, of any channel."""
    found = {what.split("|", 2)[2] for what in maps if what.startswith("tax|")}
    found |= {one.tax for entry in to_do for one in entry.postings if one.tax and one.account is not Account.MARKETPLACE_TAX}
    if any(plan[-1][1] is Mode.PER_ORDER for plan in plans_.values()):
        found.add(OUTSIDE)
    return {one: coder.sold(one) or "" for one in sorted(found)}
