"""A tour of every call that a ledger's connector can make, against its simulator."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

from core.domain.ledgers import DocKind, DocLine, Document, LedgerAccount, Posted, Sort, TaxCode, TaxIs
from core.domain.money import Money
from core.errors import RateLimited, Refused
from core.hub import Hub
from core.ports import Ledger
from core.store.connections import Connection

ALONE = (DocKind.RECEIPT, DocKind.REFUND, DocKind.INVOICE, DocKind.CREDIT, DocKind.JOURNAL, DocKind.BILL, DocKind.TRANSFER)
PAYS = {DocKind.PAYMENT: DocKind.INVOICE, DocKind.REPAYMENT: DocKind.CREDIT}
CENTS, TAX = 4200, 300
PATIENCE_S = 90.0


def make(hub: Hub, connection: Connection, hand: Any, webhook_url: str) -> None:
    """Call everything that a ledger can do: read the books, post one document of each kind, look for it, change it there, take it back."""
    books, keeps = cast(Ledger, _Patient(hub.ledger(connection))), hub.connector(connection).keeps
    kinds = keeps.kinds if keeps else frozenset[DocKind]()
    hand.post(connection.channel, "post", {"url": webhook_url})
    if hasattr(hub.ledger(connection), "organisations"):  # beyond the port: which organisations let us in
        cast(Any, books).organisations()
    said, since = books.probe(), hub.clock() - timedelta(hours=1)
    books.tags()
    wish = _Wish(books.accounts(), books.tax_codes(), said.currencies[0], hub.clock().date())
    made = {kind: _posted(books, wish.document(kind)) for kind in ALONE if kind in kinds}
    paid = [(kind, _posted(books, wish.payment(kind, made[of].id))) for kind, of in PAYS.items() if kind in kinds and of in made]
    if DocKind.APPLIED in kinds and {DocKind.INVOICE, DocKind.CREDIT} <= made.keys():
        paid.append((DocKind.APPLIED, _posted(books, wish.applied(made[DocKind.INVOICE].id, made[DocKind.CREDIT].id))))
    _change(books, hand, connection.channel, wish, made)
    _read_on(books, since)
    for kind, one in (*paid, *made.items()):
        books.look(kind, [one.id])
        books.void(kind, books.look(kind, [one.id])[one.id], uuid.uuid4().hex)


class _Patient:
    """A ledger whose budget is waited for: a tour makes more calls a second than books take, and has no queue to come back by."""

    def __init__(self, books: Ledger) -> None:
        self._books = books

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self._asked(name, *given)

    def _asked(self, name: str, *given: Any) -> Any:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return getattr(self._books, name)(*given)
            except RateLimited as error:
                if time.monotonic() + error.wait_s > end:
                    raise
                time.sleep(error.wait_s)


def _posted(books: Ledger, document: Document) -> Posted:
    """Looked for, written, and found; and looked for under a key that nobody knows."""
    key = uuid.uuid4().hex
    books.find(document, key)
    made = books.post(document, key)
    books.find(document, key)
    return made


def _change(books: Ledger, hand: Any, name: str, wish: "_Wish", made: Mapping[DocKind, Posted]) -> None:
    """Somebody there changes the journal by hand; a journal that does not balance is declined."""
    if DocKind.JOURNAL not in made:
        return
    hand.post(name, f"documents/{made[DocKind.JOURNAL].id}/edit", {})
    good = wish.document(DocKind.JOURNAL)
    try:
        books.post(replace(good, lines=good.lines[:1]), uuid.uuid4().hex)
    except Refused:
        return
    raise AssertionError("a journal of one side was taken")


def _read_on(books: Ledger, since: Any) -> None:
    page = books.changed(since, None)
    while page.cursor:
        page = books.changed(since, page.cursor)


class _Wish:
    """Documents of a small order in these books, under numbers of their own."""

    def __init__(self, accounts: Sequence[LedgerAccount], codes: Sequence[TaxCode], currency: str, day: date) -> None:
        self._accounts, self._codes, self._currency, self._day = [one for one in accounts if one.active], codes, currency, day

    def document(self, kind: DocKind) -> Document:
        made = Document(kind, _number(), self._day, self._currency, contact="Shopify buyers", due=self._day, memo="Rehearsal")
        match kind:
            case DocKind.JOURNAL:
                return replace(made, lines=self._sides(), contact="")
            case DocKind.TRANSFER:
                return replace(made, out_of=self._money(0), into=self._money(1), amount=Money(CENTS, self._currency), contact="")
            case DocKind.BILL:
                return replace(made, lines=(self._line(Sort.EXPENSE, 0, sales=False),), contact="Shopify", tax_is=TaxIs.ON_TOP)
        into: dict[str, Any] = (
            {"into": self._money(0)} if kind is DocKind.RECEIPT else {"out_of": self._money(0)} if kind is DocKind.REFUND else {}
        )
        return replace(made, lines=(self._line(Sort.INCOME, TAX), self._line(Sort.INCOME, 0)), tax_is=TaxIs.ON_TOP, **into)

    def payment(self, kind: DocKind, of: str) -> Document:
        """A hundredth of what is owed, so that the rest stays open."""
        lands: dict[str, Any] = {"into" if kind is DocKind.PAYMENT else "out_of": self._money(0)}
        amount = Money(CENTS // 100, self._currency)
        return Document(
            kind, _number(), self._day, self._currency, of=of, amount=amount, contact="Shopify buyers", memo="Rehearsal", **lands
        )

    def applied(self, of: str, by: str) -> Document:
        return replace(self.payment(DocKind.APPLIED, of), by=by, out_of="")

    def _sides(self) -> tuple[DocLine, DocLine]:
        amount = Money(CENTS, self._currency)
        sides = ((Sort.ASSET, Sort.LIABILITY), amount), ((Sort.INCOME,), -amount)
        debit, credit = (DocLine(self._of(*sorts, journals=True), part, "Rehearsal", tax_code=self._free()) for sorts, part in sides)
        return debit, credit

    def _line(self, sort: Sort, tax: int, *, sales: bool = True) -> DocLine:
        """Taxed only where the books leave the amount to us."""
        due = tax if any(one.rate is None and one.sales for one in self._codes) else 0
        return DocLine(
            self._of(sort), Money(CENTS, self._currency), "Stoneware mug", 2, self._free(sales=sales), tax=Money(due, self._currency)
        )

    def _free(self, *, sales: bool = True) -> str:
        """A code without tax."""
        wanted = [
            one for one in self._codes if one.active and one.rate == 0 and not one.reverse and (one.sales if sales else one.purchases)
        ]
        return wanted[0].id if wanted else ""

    def _of(self, *sorts: Sort, journals: bool = False) -> str:
        return next(one.id for one in self._accounts if one.sort in sorts and (one.journals or not journals))

    def _money(self, n: int) -> str:
        """The first or the second account that money lands on; one of a bank first."""
        known = sorted((one for one in self._accounts if one.pays), key=lambda one: one.sort is not Sort.BANK)
        return known[min(n, len(known) - 1)].id


def _number() -> str:
    return f"CD-{uuid.uuid4().hex[:12]}"
