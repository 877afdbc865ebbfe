"""QuickBooks Online as a Ledger: render, call, normalize."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.quickbooks import normalize, render
from connectors.quickbooks.client import AT_ONCE as MOST_PAID
from connectors.quickbooks.client import MOST, Client, quoted
from connectors.quickbooks.names import EVERY, Names
from connectors.quickbooks.tables import BY_DAY, CLASS, ENTITIES, KINDS, LOCATION, NOT_FOUND
from core.domain.ledgers import Books, DocKind, Document, LedgerAccount, Posted, Sort, Tag, TaxCode, TaxIs, Why
from core.errors import RateLimited, Refused, Unsupported
from core.ports import Kit, Page

AT_ONCE = 100  # ids in one query
FEW = MOST_PAID - 1  # calls that are paid for a document: what looking it up left of one payment
SALES = frozenset((DocKind.RECEIPT, DocKind.REFUND, DocKind.INVOICE, DocKind.CREDIT))
Body = Mapping[str, Any]


class QuickBooksLedger:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client, self._names = kit, client, Names(client)
        self._home: tuple[str, bool] | None = None

    # what it tells

    def probe(self) -> Books:
        self._client.calls.pay(3)
        company, preferences = self._client.company(), self._client.preferences()
        others = self._client.every("CompanyCurrency") if normalize.multicurrency(preferences) else ()
        return normalize.books(company, preferences, others, self._kit.account)

    def accounts(self) -> Sequence[LedgerAccount]:
        return [normalize.account(one) for one in self._client.every("Account", EVERY)]

    def tax_codes(self) -> Sequence[TaxCode]:
        self._client.calls.pay(3)
        country = str(self._client.company().get("Country") or "")
        rates = {one: percent for one, percent in self._rates() if percent is not None}
        return [normalize.tax_code(one, rates, country) for one in self._client.every("TaxCode", EVERY)]

    def tags(self) -> Sequence[Tag]:
        self._client.calls.pay(3)
        said = self._client.preferences()
        classes = self._client.every("Class") if normalize.tracks_classes(said) else ()
        places = self._client.every("Department") if normalize.tracks_locations(said) else ()
        return [
            *(normalize.tag(one, CLASS, "Class") for one in classes),
            *(normalize.tag(one, LOCATION, "Location") for one in places),
        ]

    def _rates(self) -> Iterable[tuple[str, Decimal | None]]:
        return [normalize.rate(one) for one in self._client.every("TaxRate", EVERY)]

    def _own(self) -> tuple[str, bool]:
        """(currency of the books, whether they are American): neither ever changes."""
        if self._home is None:  # asked first by all that need it: who stops behind another call begins again, and spends the budget on that
            self._client.calls.ensure(2)
            self._home = (normalize.home(self._client.preferences()), self._client.company().get("Country") in ("US", "USA"))
        return self._home

    # what it is told

    def post(self, document: Document, key: str) -> Posted:
        """One write of the document, after those of the names that are missing. A number that is taken may be taken by ourselves."""
        entity = _entity(document.kind)
        self._client.calls.ensure(min(1 + self._missing(document), FEW))
        try:
            body = render.body(document, key, self._means(document, key))
            return self._posted(entity, self._client.create(entity, body, key))
        except Refused as error:
            self._names.forget()
            if error.facts.get("reason") is Why.DUPLICATE and (found := self.find(document, key)):
                return found
            raise

    def _missing(self, document: Document) -> int:
        """How many calls the names may take that are not remembered: one to look, one to make."""
        unsold = sum(not self._names.knows("Item", one) for one in _sold_on(document))
        entity = "Vendor" if document.kind is DocKind.BILL else "Customer"
        unknown = bool(document.contact) and not self._names.knows(entity, document.contact, document.currency)
        return 2 * (unsold + unknown + (self._home is None))

    def _means(self, document: Document, key: str) -> render.Means:
        own, american = self._own()
        vendor = self._owes(document)
        return render.Means(
            own=own,
            american=american,
            contact=self._contact(document, "Vendor" if vendor else "Customer", own, key),
            items={one: self._names.item(one, key) for one in _sold_on(document)},
            rates={} if american or document.tax_is is TaxIs.NONE else self._code_rates(document),
            owed=self._owed(document),
            contact_type="Vendor" if vendor else "Customer",
        )

    def _contact(self, document: Document, entity: str, own: str, key: str) -> str:
        if document.kind in (DocKind.PAYMENT, DocKind.APPLIED) and not document.contact:
            return normalize.ref(self._client.read("Invoice", document.of), "CustomerRef")
        if document.kind is DocKind.TRANSFER or (document.kind is DocKind.JOURNAL and not document.contact):
            return ""
        return self._names.contact(entity, document.contact, document.currency, own, key)

    def _owes(self, document: Document) -> bool:
        """Whether its contact is a supplier: of a journal, where a line names a payable account."""
        return document.kind is DocKind.BILL or (document.kind is DocKind.JOURNAL and bool(self._owed(document, Sort.PAYABLE)))

    def _owed(self, document: Document, *sorts: Sort) -> frozenset[str]:
        """The accounts of a journal with a contact whose lines must name it."""
        if document.kind is not DocKind.JOURNAL or not document.contact:
            return frozenset()
        named = {line.account for line in document.lines}
        wanted = sorts or (Sort.RECEIVABLE, Sort.PAYABLE)
        return frozenset(one.id for one in self.accounts() if one.id in named and one.sort in wanted)

    def _code_rates(self, document: Document) -> Mapping[str, Sequence[tuple[str, Decimal]]]:
        """The rates of the codes that its lines name. Raises Refused for a code that is not there."""
        wanted = {line.tax_code for line in document.lines if line.tax_code}
        if not wanted:
            return {}
        percents = {one: percent or Decimal(0) for one, percent in self._rates()}
        listed = "PurchaseTaxRateList" if document.kind is DocKind.BILL else "SalesTaxRateList"
        rows = self._client.every("TaxCode", EVERY)
        found = {str(row.get("Id")): [(one, percents.get(one, Decimal(0))) for one in _rate_ids(row, listed)] for row in rows}
        if missing := wanted - set(found):
            raise Refused("the books have no such tax code", reason=Why.TAX, codes=" ".join(sorted(missing)))
        return {code: found[code] for code in wanted}

    # what became of it

    def find(self, document: Document, key: str) -> Posted | None:
        """What is looked up is mostly said next: both are paid for, lest looking spends what saying waits for."""
        entity = _entity(document.kind)
        self._client.calls.ensure(2 + self._missing(document))
        self._own()
        found = [(self._posted(entity, one), normalize.note(one)) for one in self._numbered(entity, document)]
        named = [(one, words) for one, words in found if one.number == document.number and not one.gone]
        if ours := [one for one, words in named if _is_ours(one, words, document, key)]:
            return ours[0]
        if named:
            raise Refused("this number is another document's", reason=Why.DUPLICATE, number=document.number, id=named[0][0].id)
        return None

    def _numbered(self, entity: str, document: Document) -> Iterable[Body]:
        if document.kind in BY_DAY:
            return self._client.every(entity, f"TxnDate = {quoted(document.on.isoformat())}")
        return self._client.page(entity, f"DocNumber = {quoted(document.number)}")

    def look(self, kind: DocKind, ids: Sequence[str]) -> Mapping[str, Posted]:
        entity, told = _entity(kind), dict[str, Posted]()
        self._own()
        for start in range(0, len(ids), AT_ONCE):
            asked = ids[start : start + AT_ONCE]
            try:
                rows = self._client.page(entity, f"Id in ({', '.join(map(quoted, asked))})")
            except RateLimited:
                if not told:
                    raise
                break
            seen = {one.id: one for one in (self._posted(entity, row) for row in rows)}
            told |= {one: seen.get(one) or normalize.absent(one, self._own()[0]) for one in asked}
        return told

    def changed(self, since: datetime, cursor: str | None) -> Page[tuple[DocKind, Posted]]:
        """Change data capture in one page, deleted documents too, where it holds all; where it is cut, or looks back too far, queries go on
        from it entity by entity. What was deleted longer ago than it tells is told by nobody: `look` knows."""
        if cursor is not None:
            return self._queried(since, *cursor.split(":"))
        self._own()
        oldest = self._kit.clock() - timedelta(days=float(self._kit.settings["changes_days"]))
        rows = normalize.captured(self._client.changes(list(KINDS), max(since, oldest)))
        goes_on = since < oldest or len(rows) >= MOST
        return Page(self._pairs(rows), f"{next(iter(KINDS))}:1" if goes_on else None)

    def _queried(self, since: datetime, entity: str, start: str) -> Page[tuple[DocKind, Posted]]:
        where = f"MetaData.LastUpdatedTime >= {quoted(since.isoformat(timespec='seconds'))}"
        rows = self._client.page(entity, where, int(start), "MetaData.LastUpdatedTime")
        names = list(KINDS)
        later = names[names.index(entity) + 1 :]
        after = f"{entity}:{int(start) + len(rows)}" if len(rows) >= MOST else f"{later[0]}:1" if later else None
        return Page(self._pairs([(entity, one) for one in rows]), after)

    def _pairs(self, rows: Iterable[tuple[str, Body]]) -> tuple[tuple[DocKind, Posted], ...]:
        return tuple((KINDS[entity], self._posted(entity, one)) for entity, one in rows)

    def void(self, kind: DocKind, posted: Posted, key: str) -> Posted:
        """It is read first: what is gone stays gone, and what a bookkeeper changed is not taken back."""
        entity = _entity(kind)
        self._client.calls.pay(3)  # read, take back, read
        now = self._now(kind, posted)
        if now.gone:
            return now
        if now.shape != posted.shape:
            raise Refused("it was changed in QuickBooks in the meantime", reason=Why.STALE, id=posted.id)
        self._client.void(entity, posted.id, now.version, key)
        return self._now(kind, posted)

    def _now(self, kind: DocKind, posted: Posted) -> Posted:
        try:
            return self._posted(_entity(kind), self._client.read(_entity(kind), posted.id))
        except Refused as error:
            if error.facts.get("code") == NOT_FOUND:
                return normalize.absent(posted.id, posted.total.currency)
            raise

    def _posted(self, entity: str, body: Body) -> Posted:
        return normalize.posted(entity, body, self._own()[0], str(self._kit.settings["app_url"]))


def _entity(kind: DocKind) -> str:
    if kind not in ENTITIES:
        raise Unsupported(f"QuickBooks has no {kind}: a refund gives money back")
    return ENTITIES[kind]


def _sold_on(document: Document) -> list[str]:
    """The accounts that its lines sell on."""
    return list(dict.fromkeys(line.account for line in document.lines)) if document.kind in SALES else []


def _rate_ids(row: Body, listed: str) -> list[str]:
    return normalize.read("tax code", lambda: normalize.rate_ids(row, listed))


def _is_ours(one: Posted, words: str, document: Document, key: str) -> bool:
    """Its note has our key; where somebody wiped the note, it is of our number and comes to what we wrote."""
    return render.mark(key) in words or ("[crossdock " not in words and one.total == document.total)
