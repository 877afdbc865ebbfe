"""Xero as a set of books: render, call, normalize."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.xero import normalize, render
from connectors.xero.allocations import Allocations
from connectors.xero.client import Body, Client, listed, steps
from core.domain.ledgers import Books, DocKind, Document, LedgerAccount, Posted, Tag, TaxCode, Why
from core.errors import BadPayload, OutcomeUnknown, RateLimited, Refused, Unsupported
from core.ports import Kit, Page

EXACT = {"unitdp": "4"}  # prices of a unit to four places
AT_ONCE = 40  # ids that fit an address


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where documents of a kind lie: the path and its list, the field of the id, how one is searched by its number, how it ends."""

    path: str
    id: str
    search: str
    ends: str
    exact: bool = False
    pages: bool = True


INVOICES = Shelf("Invoices", "InvoiceID", 'Type=="{type}" AND InvoiceNumber=="{number}"', "VOIDED", exact=True)
CREDITS = Shelf("CreditNotes", "CreditNoteID", 'Type=="{type}" AND CreditNoteNumber=="{number}"', "VOIDED", exact=True)
PAYMENTS = Shelf("Payments", "PaymentID", 'Reference=="{number}"', "DELETED")
JOURNALS = Shelf("ManualJournals", "ManualJournalID", 'Narration.StartsWith("{number}")', "VOIDED")
TRANSFERS = Shelf("BankTransfers", "BankTransferID", 'Reference=="{number}"', "DELETED", pages=False)
SHELVES = {
    DocKind.INVOICE: INVOICES,
    DocKind.BILL: INVOICES,
    DocKind.CREDIT: CREDITS,
    DocKind.PAYMENT: PAYMENTS,
    DocKind.REPAYMENT: PAYMENTS,
    DocKind.JOURNAL: JOURNALS,
    DocKind.TRANSFER: TRANSFERS,
}
ROUND = (INVOICES, CREDITS, PAYMENTS, JOURNALS, TRANSFERS)


class XeroLedger:
    """One connection's. What hardly changes in the books is asked for once."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit = kit
        self._client = client
        self._allocations = Allocations(client, str(kit.settings["page_url"]))
        self._organisation: Body | None = None
        self._currencies: dict[str, str] | None = None

    def probe(self) -> Books:
        self._client.calls.pay(3)
        self._organisation = None
        currencies = listed(self._client.read("Currencies"), "Currencies")
        return normalize.books(self._org(), currencies, tags=bool(self.tags()))

    def organisations(self) -> Sequence[str]:
        """All that let us in, by their ids: beyond the port."""
        return [str(one.get("tenantId", "")) for one in self._client.connections()]

    def accounts(self) -> Sequence[LedgerAccount]:
        return list(normalize.each(normalize.account, listed(self._client.read("Accounts"), "Accounts")))

    def tax_codes(self) -> Sequence[TaxCode]:
        return list(normalize.each(normalize.tax_code, listed(self._client.read("TaxRates"), "TaxRates")))

    def tags(self) -> Sequence[Tag]:
        found = listed(self._client.read("TrackingCategories"), "TrackingCategories")
        return [tag for one in found for tag in normalize.tags(one)]

    def post(self, document: Document, key: str) -> Posted:
        """What Xero makes of it is compared to the cent: what comes to something else is taken back, and refused."""
        if document.kind is DocKind.APPLIED:
            return self._allocations.post(document, key)
        shelf, said = _shelf(document.kind), render.document(document)
        _searchable(document.number)
        self._know(shelf)
        self._own_currency(document)
        try:
            answer = self._client.write("PUT", shelf.path, {shelf.path: [said]}, key, EXACT if shelf.exact else None)
        except Refused as error:
            return self._mine_already(document, key, error)
        return self._checked(document, self._written(document.kind, _only(answer, shelf), document.currency), key)

    def find(self, document: Document, key: str) -> Posted | None:
        """By its number: Xero cannot be asked for a key. What is looked up is mostly said next: both are paid for, lest looking spends what
        saying waits for."""
        self._client.calls.ensure(3)
        if document.kind is DocKind.APPLIED:
            return self._allocations.find(document)
        self._know(_shelf(document.kind))
        found = list(self._numbered(document))
        mine = [one for one in found if normalize.alike(one, document)]
        standing = [one for one in mine if one.get("Status") not in normalize.GONE]
        if mine:
            return self._posted(document.kind, (standing or mine)[0], document.currency)
        if any(one.get("Status") not in normalize.GONE for one in found):
            raise Refused("the number is another document's", reason=Why.DUPLICATE)
        return None

    def look(self, kind: DocKind, ids: Sequence[str]) -> Mapping[str, Posted]:
        if kind is DocKind.APPLIED:
            return self._allocations.look(ids)
        found: dict[str, Posted] = {}
        self._know(_shelf(kind))
        try:
            for some in self._looked(kind, list(dict.fromkeys(ids))):
                found |= some
        except RateLimited:
            if not found:
                raise
        return found

    def changed(self, since: datetime, cursor: str | None) -> Page[tuple[DocKind, Posted]]:
        """Shelf by shelf. What we have no word for (a supplier's credit, a payment of one) is left out."""
        turn, page, start = _place(cursor, since)
        shelf = ROUND[turn]
        self._know(shelf)
        said = self._client.read(shelf.path, self._query(shelf, page), start)
        found = listed(said, shelf.path)
        known = [(kind, one) for one in found if (kind := normalize.kind_of(shelf.path, one))]
        items = tuple((kind, self._posted(kind, one, "")) for kind, one in known)
        more = shelf.pages and normalize.more(said, page, len(found) >= self._size)
        return Page(items, _next(turn, page, start, found if more else ()))

    def void(self, kind: DocKind, posted: Posted, key: str) -> Posted:
        if kind is DocKind.APPLIED:
            return self._allocations.void(posted, key)
        self._know(_shelf(kind))
        self._client.calls.pay(3)  # look, say a journal's words again, end it
        now = self.look(kind, [posted.id])[posted.id]
        if now.gone:
            return now
        if now.shape != posted.shape:
            raise Refused("somebody changed it in Xero", reason=Why.STALE)
        return self._end(kind, posted.id, key)

    # posting

    def _own_currency(self, document: Document) -> None:
        """A journal has no currency of its own in Xero: it is in that of the books. Raises Refused."""
        if document.kind is DocKind.JOURNAL and document.currency != self._base():
            raise Refused("Xero keeps journals in the books' own currency", reason=Why.CURRENCY)

    def _mine_already(self, document: Document, key: str, error: Refused) -> Posted:
        """The number is taken: by this very document, or it stays refused."""
        found = self.find(document, key) if error.facts.get("reason") == Why.DUPLICATE else None
        if found is None or found.gone:
            raise error
        return found

    def _checked(self, document: Document, posted: Posted, key: str) -> Posted:
        if normalize.fits((posted.total, posted.tax), document):
            return posted
        self._end(document.kind, posted.id, f"{key}-undo")
        said = f"Xero made it {posted.total.text()} with tax of {posted.tax.text()}"
        raise Refused("Xero came to other sums", words=said, reason=Why.UNBALANCED)

    def _end(self, kind: DocKind, name: str, key: str) -> Posted:
        shelf = _shelf(kind)
        answer = self._client.write("POST", steps(shelf.path, name), self._ending(shelf, name), key)
        return self._written(kind, _only(answer, shelf), "")

    def _written(self, kind: DocKind, said: Body, currency: str) -> Posted:
        """What a write answered. It is done, whatever we cannot read of it: then it is looked for."""
        try:
            return self._posted(kind, said, currency)
        except BadPayload as error:
            raise OutcomeUnknown("Xero's answer to a write cannot be read", cause=str(error)) from error

    def _ending(self, shelf: Shelf, name: str) -> dict[str, Any]:
        """Payments and transfers are ended by a word, the others by themselves; a journal must say its narration again."""
        if shelf.ends == "DELETED":
            return {"Status": shelf.ends}
        narration = {"Narration": self._one(shelf, name).get("Narration", "")} if shelf is JOURNALS else {}
        return {shelf.path: [{shelf.id: name, "Status": shelf.ends, **narration}]}

    # reading

    def _numbered(self, document: Document) -> Iterator[Body]:
        """All documents of this kind with this number, as Xero's search and then an exact look have it."""
        shelf, number = _shelf(document.kind), document.number
        _searchable(number)
        where = shelf.search.format(type=render.TYPES.get(document.kind, ""), number=number)
        said = self._client.read(shelf.path, {"where": where, **self._query(shelf, 1)})
        for one in listed(said, shelf.path):
            if normalize.kind_of(shelf.path, one) is document.kind and normalize.carries(one, document):
                yield one

    def _looked(self, kind: DocKind, ids: Sequence[str]) -> Iterator[dict[str, Posted]]:
        if _shelf(kind) is not INVOICES:
            yield from ({name: self._seen(kind, name)} for name in ids)
            return
        fit = min(AT_ONCE, self._size)  # one page holds them
        for start in range(0, len(ids), fit):
            some = ids[start : start + fit]
            said = self._client.read("Invoices", {"IDs": ",".join(some), **EXACT, "page": "1", "pageSize": str(self._size)})
            known = {one.id: one for one in (self._posted(kind, one, "") for one in listed(said, "Invoices"))}
            yield {name: known.get(name) or normalize.absent(name) for name in some}

    def _seen(self, kind: DocKind, name: str) -> Posted:
        try:
            return self._posted(kind, self._one(_shelf(kind), name), "")
        except Refused as error:
            if error.facts.get("status") != 404:
                raise
            return normalize.absent(name)

    def _one(self, shelf: Shelf, name: str) -> Body:
        return _only(self._client.read(steps(shelf.path, name), EXACT if shelf.exact else None), shelf)

    def _posted(self, kind: DocKind, said: Body, currency: str) -> Posted:
        return normalize.posted(said, kind, currency or self._currency(kind, said), str(self._kit.settings["page_url"]))

    def _currency(self, kind: DocKind, said: Body) -> str:
        """Of what names none: journals are in the books' own, a transfer in that of its bank account."""
        if kind is DocKind.TRANSFER:
            return self._of_accounts().get(str((said.get("FromBankAccount") or {}).get("AccountID", ""))) or self._base()
        return normalize.currency(said) or self._base()

    def _of_accounts(self) -> dict[str, str]:
        if self._currencies is None:
            self._currencies = {one.id: one.currency for one in self.accounts()}
        return self._currencies

    def _know(self, shelf: Shelf) -> None:
        """What answers about this shelf leave out is asked first: who stops behind another call begins again and spends the budget."""
        if shelf in (TRANSFERS, JOURNALS):
            self._base()
        if shelf is TRANSFERS:
            self._of_accounts()

    def _base(self) -> str:
        return str(self._org().get("BaseCurrency", ""))

    def _org(self) -> Body:
        if self._organisation is None:
            found = listed(self._client.read("Organisation"), "Organisations")
            if not found:
                raise BadPayload("xero organisation: nothing")
            self._organisation = found[0]
        return self._organisation

    # pages

    @property
    def _size(self) -> int:
        return int(self._kit.settings["page_size"])

    def _query(self, shelf: Shelf, page: int) -> dict[str, str]:
        """Lines come with pages only."""
        if not shelf.pages:
            return {"includeDeleted": "true"}
        paged = {"page": str(page), "pageSize": str(self._size), "order": "UpdatedDateUTC ASC"}
        return {**paged, **EXACT} if shelf.exact else paged


def _next(turn: int, page: int, start: datetime, found: Sequence[Body]) -> str | None:
    """After a page with others behind it on from its last change, since what is changed meanwhile moves to the end and others move up a
    page; by number only where all of it changed in one second. Nothing found: on to the next shelf."""
    if found:
        reached = normalize.reached(found)
        return f"{turn}:1:{reached}" if reached > start.timestamp() else f"{turn}:{page + 1}:{int(start.timestamp())}"
    return f"{turn + 1}:1:" if turn + 1 < len(ROUND) else None


def _place(cursor: str | None, since: datetime) -> tuple[int, int, datetime]:
    """(shelf, page, from when on)"""
    turn, page, start = (cursor or "0:1:").split(":")
    return int(turn), int(page), datetime.fromtimestamp(int(start), UTC) if start else since.replace(microsecond=0)


def _shelf(kind: DocKind) -> Shelf:
    """Raises Unsupported for a kind that Xero does not have."""
    if kind not in SHELVES:
        raise Unsupported(f"Xero has no {kind}", reason=Why.OTHER)
    return SHELVES[kind]


def _searchable(number: str) -> None:
    """What cannot be searched by must not be written: nobody would find it after a lost answer. Raises Refused."""
    if not number.strip() or '"' in number or "\\" in number:
        raise Refused("Xero cannot search by such a number", reason=Why.OTHER)


def _only(said: Body, shelf: Shelf) -> Body:
    """The one document of an answer. After a write, an answer without it tells nothing."""
    found = listed(said, shelf.path)
    if len(found) != 1:
        raise OutcomeUnknown("Xero answered another number of documents")
    return found[0]
