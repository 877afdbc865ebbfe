"""Bogus Books: a ledger in memory that behaves, for tests. Its documents are the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from connectors.bogus.trouble import Trouble
from core.domain.ledgers import Books, DocKind, Document, LedgerAccount, Posted, Sort, Tag, TaxCode, Why
from core.domain.money import Money, total
from core.errors import Refused
from core.ports import Connector, Keeping, Kit, Limits, Page, Rate

CALLS = ("probe", "accounts", "tax_codes", "tags", "post", "find", "look", "changed", "void")
CHART = tuple(
    LedgerAccount(str(1000 + n), str(1000 + n), name, sort, pays=sort in (Sort.BANK, Sort.ASSET))
    for n, (name, sort) in enumerate(
        [
            ("Checking", Sort.BANK), ("Channel clearing", Sort.ASSET), ("Sales", Sort.INCOME), ("Shipping income", Sort.INCOME),
            ("Refunds", Sort.INCOME), ("Discounts", Sort.INCOME), ("Sales tax payable", Sort.LIABILITY), ("Selling fees", Sort.EXPENSE),
            ("Gift cards", Sort.LIABILITY), ("Ask my accountant", Sort.EXPENSE), ("Owed by buyers", Sort.ASSET),
        ]
    )
)  # fmt: skip


@dataclass
class Held:
    key: str
    document: Document
    posted: Posted


@dataclass
class BogusBooks(Trouble):
    """One company's books. `closed` is the last closed day, `retired` are accounts that may not be used; `codes` its tax codes and `marks`
    what lines can be marked with."""

    kinds: frozenset[DocKind] = frozenset(DocKind)
    closed: date | None = None
    retired: set[str] = field(default_factory=set)
    documents: list[Held] = field(default_factory=list)
    country: str = "US"
    codes: tuple[TaxCode, ...] = ()
    marks: tuple[Tag, ...] = ()

    def write(self, document: Document, key: str) -> Posted:
        """Said twice under one key it is there once."""
        if known := self.known(key):
            return known
        self._check(document)
        id = str(len(self.documents) + 1)
        posted = Posted(id, document.number, "0", document.total, document.tax, f"{document.on} {document.total.text()}")
        self.documents.append(Held(key, document, posted))
        return posted

    def known(self, key: str) -> Posted | None:
        """What it wrote under this key, when it is said again."""
        return next((one.posted for one in self.documents if one.key == key), None)

    def found(self, key: str) -> Posted | None:
        """What it finds under this key, when it is asked."""
        return self.known(key)

    def _check(self, document: Document) -> None:
        accounts = {line.account for line in document.lines} | ({document.into, document.out_of} - {""})
        if self.closed and document.on <= self.closed:
            raise Refused("the books are closed there", words="The account period has closed.", reason=Why.CLOSED)
        if accounts & self.retired or accounts - {one.id for one in CHART}:
            raise Refused("an account may not be used", words="Invalid account.", reason=Why.ACCOUNT)
        if any(one.document.number == document.number for one in self.documents):
            raise Refused("the number is taken", words="Duplicate document number.", reason=Why.DUPLICATE)
        if document.kind is DocKind.JOURNAL and sum(line.amount.minor for line in document.lines) != 0:
            raise Refused("it does not balance", words="Debits and credits differ.", reason=Why.UNBALANCED)
        for id in {document.of, document.by} - {""}:
            self._pays(document, id)

    def _pays(self, document: Document, id: str) -> None:
        """Nothing pays, or sets off, more than is open."""
        paid = next((one for one in self.documents if one.posted.id == id and not one.posted.gone), None)
        if paid is None:
            raise Refused("what it pays is not there", words="There is no such document.", reason=Why.STALE)
        if document.total.minor > self.open(id).minor:
            raise Refused("more than is open", words="The amount is more than what is open.", reason=Why.PAID)

    def open(self, id: str) -> Money:
        """What of an invoice or a credit nobody paid, nor set off, yet."""
        [held] = [one for one in self.documents if one.posted.id == id]
        against = [one for one in self.documents if id in (one.document.of, one.document.by) and not one.posted.gone]
        return held.document.total - total((one.document.total for one in against), held.document.currency)

    def tamper(self, number: str, *, gone: bool = False) -> None:
        """Somebody there changes a document by hand."""
        held = next(one for one in self.documents if one.document.number == number)
        held.posted = replace(held.posted, version=str(int(held.posted.version) + 1), shape=f"{held.posted.shape} changed", gone=gone)


class BogusLedger:
    """The port on them."""

    def __init__(self, system: BogusBooks, kit: Kit) -> None:
        self._system, self._budget = system, kit.budget

    def probe(self) -> Books:
        with self._system.call("probe"):
            return Books("bogus-books", "North Sea Trading", self._system.country, ("USD",), closed_until=self._system.closed)

    def accounts(self) -> Sequence[LedgerAccount]:
        with self._system.call("accounts"):
            return tuple(replace(one, active=one.id not in self._system.retired) for one in CHART)

    def tax_codes(self) -> Sequence[TaxCode]:
        with self._system.call("tax_codes"):
            return self._system.codes

    def tags(self) -> Sequence[Tag]:
        with self._system.call("tags"):
            return self._system.marks

    def post(self, document: Document, key: str) -> Posted:
        with self._system.call("post", (document, key)):
            return self._system.write(document, key)

    def find(self, document: Document, key: str) -> Posted | None:
        with self._system.call("find", (document.number, key)):
            return self._system.found(key)

    def look(self, kind: DocKind, ids: Sequence[str]) -> Mapping[str, Posted]:
        with self._system.call("look", (kind, tuple(ids))):
            return {one.posted.id: one.posted for one in self._system.documents if one.posted.id in ids}

    def changed(self, since: datetime, cursor: str | None) -> Page[tuple[DocKind, Posted]]:
        with self._system.call("changed", since):
            return Page(tuple((one.document.kind, one.posted) for one in self._system.documents if one.posted.version != "0"))

    def void(self, kind: DocKind, posted: Posted, key: str) -> Posted:
        with self._system.call("void", posted.id):
            self._system.tamper(posted.number, gone=True)
            return replace(posted, gone=True)


def manifest(system: BogusBooks, name: str = "bogus_books") -> Connector:
    """Bogus Books as a connector called `name`."""
    return Connector(
        name=name, label="Bogus Books (in memory, for tests)", roles=frozenset({"ledger"}), app=(), login=(), settings={},
        rates={call: Rate(1000.0, 1000.0) for call in CALLS}, limits=Limits(), calls=CALLS,
        ledger=lambda kit: BogusLedger(system, kit), keeps=Keeping(system.kinds),
    )  # fmt: skip
