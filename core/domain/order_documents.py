"""The documents of one order, where a channel is written order by order. Pure.

| what is to be written | QuickBooks | Xero |
|---|---|---|
| a sale, paid whole into one account | receipt | invoice, payment |
| a sale that is owed, or paid in parts | invoice, a payment each | the same |
| a refund out of one account | refund | credit, repayment |
| a refund of what nobody paid yet | credit, applied to the invoice | the same |
| a refund that is owed | refund out of what buyers owe | credit, and its repayment later |
| what came out otherwise later | a document of the difference | the same |
| what changes between accounts only | journal | journal |

What was paid by what cannot take payments there (gift cards, store credit) is a line below zero; so is, where credits cannot be repaid
(QuickBooks), what of a refund was given back beside what was set against the invoice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.domain.coding import Chart, Lines, Off, TaxWay, Unmapped, lines_of
from core.domain.documents import SOLD, Written
from core.domain.journal import Account, EntryKind, Posting, merged
from core.domain.ledgers import DocKind, DocLine, Document, TaxIs
from core.domain.money import Money, total


@dataclass(frozen=True, slots=True)
class Open:
    """An invoice or a credit of the order that is written, or about to be, and what of it nobody paid yet."""

    id: str
    kind: DocKind
    left: Money


@dataclass(frozen=True, slots=True)
class Made:
    """A document, and the id of the one that goes first. Of an APPLIED `document` names the invoice and the credit by our ids. `off` as in
    Lines."""

    id: str
    document: Document
    after: str | None = None
    off: Off | None = None
    rounded: int = 0


@dataclass(frozen=True, slots=True)
class Press:
    """What an order's documents are made with: lines, which kinds the ledger has, its accounts that take payments, whom they are about, and
    where ids come from. `title` is the order's name."""

    chart: Chart
    kinds: frozenset[DocKind]
    pays: frozenset[str]
    contact: str
    memo: str
    currency: str
    way: TaxWay
    journal_way: TaxWay
    id: Callable[[], str]
    rate: Callable[[date], Decimal | None]
    foreign: bool = False  # in a currency that its journals are not kept in
    lines: int = 1  # of the order
    due: date | None = None  # by which day the buyer must have paid, where terms say so


@dataclass
class _Round:
    """What is written at once: what was sold or given back on a day, and the money that came with it."""

    on: date
    sold: list[Posting] = field(default_factory=list)
    money: list[Posting] = field(default_factory=list)


def documents_of(group: Sequence[Written], press: Press, known: Sequence[Open]) -> list[Made]:
    """What these entries of an order become, beside what of it is `known`. Nothing where they come to nothing. Raises Unmapped."""
    made, open_ = list[Made](), list(known)
    for one in _rounds(group, press.currency):
        for document in _sale(one, press, open_) if merged(one.sold) else _money_alone(one, press, open_):
            made.append(document)
            open_ += _opened(document)
            open_ = [_less(left, document) for left in open_]
    return made


def _opened(one: Made) -> list[Open]:
    kind = one.document.kind
    return [Open(one.id, kind, one.document.total)] if kind in (DocKind.INVOICE, DocKind.CREDIT) else []


def _less(one: Open, paid: Made) -> Open:
    return replace(one, left=one.left - paid.document.total) if one.id in (paid.after, paid.document.of) else one


def _rounds(group: Sequence[Written], currency: str) -> list[_Round]:
    """Day by day, sales apart from refunds; money that came before its sale is written with it."""
    found: dict[tuple[date, bool], _Round] = {}
    for one in (one for one in group if one.kind in SOLD):
        found.setdefault((one.on, one.kind is EntryKind.REFUND), _Round(one.on)).sold += _in(one, currency)
    for one in (one for one in group if one.kind not in SOLD):
        back, came = one.kind is EntryKind.REPAYMENT, -_owed(_in(one, currency), currency).minor
        later = (on for on, given in sorted(found) if given is back and on >= one.on and _settles(found[on, given], came, currency))
        day = next(later, one.on)
        found.setdefault((day, back), _Round(day)).money += _in(one, currency)
    _join(found, currency)
    return [found[key] for key in sorted(found)]


def _settles(one: _Round, came: int, currency: str) -> bool:
    return _owed(one.sold, currency).minor * came > 0


def _join(found: dict[tuple[date, bool], _Round], currency: str) -> None:
    """What was called off on the day of its sale, and nobody paid, is no refund: the sale was smaller."""
    for on in [on for on, back in found if back and (on, False) in found and found[on, True].sold and not found[on, True].money]:
        gone, sale = found.pop((on, True)), found[on, False]
        sale.sold += gone.sold


def _in(one: Written, currency: str) -> list[Posting]:
    return [replace(side, item="") for side in one.postings if side.amount.currency == currency]


def _owed(postings: Sequence[Posting], currency: str) -> Money:
    return total((one.amount for one in postings if one.account is Account.RECEIVABLE), currency)


def _beside(postings: Sequence[Posting]) -> list[Posting]:
    return [one for one in merged(postings) if one.account is not Account.RECEIVABLE]


# ---- what was sold, or given back


def _sale(one: _Round, press: Press, open_: Sequence[Open]) -> Iterator[Made]:
    owed = _owed(one.sold, press.currency)
    side = 1 if owed.minor > 0 else -1
    paying, inline = _paid(one, press, side)
    rest = owed - total((part.amount for part in [*paying, *inline]), press.currency)
    if against := _set_off(-rest, press, open_) if side < 0 else []:
        yield from _credited(one, paying, inline, rest, against, press)
        return
    if rest.minor * side < 0 or (rest and side < 0 and DocKind.REPAYMENT not in press.kinds):
        back = Posting(Account.RECEIVABLE, rest, one.sold[0].connection)
        paying, inline = _back(paying, inline, back, press)
        rest = Money.zero(press.currency)
    whole = total((part.amount for part in paying), press.currency) + rest
    if not owed or whole.minor * side <= 0:
        yield from _journal(one.on, [*one.sold, *one.money], press)
    else:
        yield from _written(one.on, [*_beside(one.sold), *inline], paying, rest, side, press)


def _paid(one: _Round, press: Press, side: int) -> tuple[list[Posting], list[Posting]]:
    """What was moved by accounts that take payments there; and all else."""
    parts = _beside(one.money)
    paying = [part for part in parts if part.amount.minor * side > 0 and _into(part, press) in press.pays]
    return paying, [part for part in parts if part not in paying]


def _back(paying: list[Posting], inline: list[Posting], back: Posting, press: Press) -> tuple[list[Posting], list[Posting]]:
    """What buyers owe, or are owed, as one of the accounts that are moved by."""
    fits = _into(back, press) in press.pays and not paying
    return ([back], inline) if fits else (paying, [*inline, back])


def _into(one: Posting, press: Press) -> str:
    """Raises Unmapped."""
    if (found := press.chart.account(one)) is None:
        raise Unmapped([one.account.value], [])
    return found


def _written(on: date, sold: Sequence[Posting], paying: list[Posting], rest: Money, side: int, press: Press) -> Iterator[Made]:
    at_once, owed, pays = (
        (DocKind.RECEIPT, DocKind.INVOICE, DocKind.PAYMENT) if side > 0 else (DocKind.REFUND, DocKind.CREDIT, DocKind.REPAYMENT)
    )
    if at_once in press.kinds and paying and not rest and (len(paying) == 1 or pays not in press.kinds):
        main, *others = sorted(paying, key=lambda part: -abs(part.amount.minor))
        account = {"into" if side > 0 else "out_of": _into(main, press)}
        yield _made(on, at_once, [*sold, *others], side, press, **account)
        return
    first = _made(on, owed, sold, side, press)
    yield first
    for part in paying:
        yield _payment(on, pays, part, abs(part.amount), first.id, press)


def _set_off(given: Money, press: Press, open_: Sequence[Open]) -> list[tuple[str, Money]]:
    """What of a refund that nobody was paid for goes against which invoices that nobody paid, the oldest first."""
    if not {DocKind.CREDIT, DocKind.APPLIED} <= press.kinds:
        return []
    found, left = list[tuple[str, Money]](), given.minor
    for known in (known for known in open_ if known.kind is DocKind.INVOICE):
        if (taken := min(left, known.left.minor)) > 0:
            found.append((known.id, Money(taken, given.currency)))
            left -= taken
    return found


def _credited(
    one: _Round, paying: list[Posting], inline: list[Posting], rest: Money, against: Sequence[tuple[str, Money]], press: Press
) -> Iterator[Made]:
    """A credit, set against the invoices; what exceeds them is repaid, or owed."""
    if DocKind.REPAYMENT not in press.kinds:
        more = Posting(Account.RECEIVABLE, rest + total((taken for _, taken in against), press.currency), one.sold[0].connection)
        paying, inline = [], [*inline, *paying, *([more] if more.amount else [])]
    credit = _made(one.on, DocKind.CREDIT, [*_beside(one.sold), *inline], -1, press)
    yield credit
    for invoice, taken in against:
        yield _applied(one.on, invoice, credit.id, taken, press)
    for part in paying:
        yield _payment(one.on, DocKind.REPAYMENT, part, abs(part.amount), credit.id, press)


def _applied(on: date, invoice: str, credit: str, amount: Money, press: Press) -> Made:
    document = _document(on, DocKind.APPLIED, press, contact=press.contact, amount=amount, of=invoice, by=credit)
    return Made(press.id(), document, credit)


def _made(on: date, kind: DocKind, sold: Sequence[Posting], side: int, press: Press, **more: str) -> Made:
    parts = lines_of(merged(sold), press.chart, press.way, sign=-side, every=press.way is not TaxWay.PLAIN, counts=(press.lines,))
    tax_is = TaxIs.NONE if press.way is TaxWay.PLAIN else TaxIs.ON_TOP
    document = _document(on, kind, press, lines=parts.lines, tax_is=tax_is, contact=press.contact, due=_due(on, kind, press), **more)
    return Made(press.id(), document, None, parts.off, parts.rounded)


def _due(on: date, kind: DocKind, press: Press) -> date:
    """No ledger takes an invoice that was due before its day."""
    return max(on, press.due or on) if kind is DocKind.INVOICE else on


def _payment(on: date, kind: DocKind, part: Posting, amount: Money, first: str, press: Press) -> Made:
    way = {"into" if kind is DocKind.PAYMENT else "out_of": _into(part, press)}
    return Made(press.id(), _document(on, kind, press, contact=press.contact, amount=amount, **way), first)


ABOUT = {
    DocKind.REFUND: "refund", DocKind.CREDIT: "refund", DocKind.REPAYMENT: "refund paid", DocKind.PAYMENT: "payment",
    DocKind.APPLIED: "refund set against the invoice", DocKind.JOURNAL: "correction",
}  # fmt: skip


def _document(on: date, kind: DocKind, press: Press, **more: object) -> Document:
    memo = ", ".join(part for part in (press.memo, ABOUT.get(kind, "")) if part)
    return Document(kind, "", on, press.currency, memo=memo, rate=press.rate(on), **more)  # type: ignore[arg-type]


# ---- money alone, and what is between accounts


def _money_alone(one: _Round, press: Press, open_: Sequence[Open]) -> Iterator[Made]:
    """It pays what of the order is owed; what pays nothing is a journal."""
    parts = _beside(one.money)
    kind, pays = _pays(parts)
    if kind is None or pays not in press.kinds:
        yield from _journal(one.on, one.money, press)
        return
    left = list[Posting]()
    for part in parts:
        due = next((known for known in open_ if known.kind is kind and known.left.minor > 0), None)
        taken = min(abs(part.amount.minor), due.left.minor) if due and _into(part, press) in press.pays else 0
        if due and taken:
            made = _payment(one.on, pays, part, Money(taken, press.currency), due.id, press)
            open_ = [_less(known, made) for known in open_]
            yield made
        rest = abs(part.amount.minor) - taken
        left += [replace(part, amount=Money(rest if part.amount.minor > 0 else -rest, press.currency))]
    yield from _journal(one.on, _balanced(left), press)


def _pays(parts: Sequence[Posting]) -> tuple[DocKind | None, DocKind]:
    """What money of one direction pays, and by which kind."""
    if all(part.amount.minor > 0 for part in parts):
        return DocKind.INVOICE, DocKind.PAYMENT
    return (DocKind.CREDIT if all(part.amount.minor < 0 for part in parts) else None), DocKind.REPAYMENT


def _balanced(parts: Sequence[Posting]) -> list[Posting]:
    return [*parts, *(Posting(Account.RECEIVABLE, -part.amount, part.connection) for part in parts)]


def _journal(on: date, postings: Sequence[Posting], press: Press) -> Iterator[Made]:
    sums = merged(postings)
    if not sums:
        return
    parts: Lines = lines_of(sums, press.chart, TaxWay.PLAIN if press.foreign else press.journal_way, counts=(press.lines,))
    if not parts.lines:
        return
    if press.foreign:
        lines = tuple(_turned(line) for line in parts.lines)
        document = _document(on, DocKind.INVOICE, press, lines=lines, contact=press.contact, due=on, tax_is=TaxIs.NONE)
    else:
        document = _document(on, DocKind.JOURNAL, press, lines=parts.lines)
    yield Made(press.id(), document, None, parts.off, parts.rounded)


def _turned(line: DocLine) -> DocLine:
    return replace(line, amount=-line.amount)
