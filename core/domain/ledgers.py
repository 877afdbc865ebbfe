"""What a set of books is, and what is written into it: QuickBooks Online's and Xero's common ground in our words. Pure.

Ids are the ledger's own texts. Amounts are Money in the document's currency; days are days, in the zone of the books.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.money import Money, total


class Sort(StrEnum):
    """What an account of the books is."""

    BANK = "bank"
    CARD = "card"
    RECEIVABLE = "receivable"
    PAYABLE = "payable"
    ASSET = "asset"  # current
    FIXED = "fixed"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    COST = "cost"  # of goods sold
    EXPENSE = "expense"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """`pays`: payments may land in it. `journals`: a journal may name it (Xero: no bank, receivable or payable account). `tax`: the
    tax code that the books propose for it."""

    id: str
    code: str
    name: str
    sort: Sort
    currency: str = ""
    active: bool = True
    pays: bool = False
    journals: bool = True
    tax: str = ""


@dataclass(frozen=True, slots=True)
class TaxCode:
    """`rate` is the whole effective rate in percent, None where the books do not say. `country`: whose tax, where the books say it.
    `reverse`: the buyer of a service owes it himself."""

    id: str
    name: str
    rate: Decimal | None = None
    sales: bool = True
    purchases: bool = True
    active: bool = True
    country: str = ""
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """Something lines can be marked with: QuickBooks' class and location, Xero's tracking categories. `of` is the dimension's id."""

    of: str
    of_name: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Books:
    """Who we are there. `closed_until`: nothing dated then or before is taken. `taxes_itself`: the ledger reckons sales tax by address
    unless it is told (QuickBooks in the US). `currencies`: what it books in, its own first."""

    id: str
    name: str
    country: str
    currencies: tuple[str, ...]
    zone: str = ""
    closed_until: date | None = None
    taxes_itself: bool = False
    tags: bool = False


class DocKind(StrEnum):
    """Kinds of documents. A ledger that has no RECEIPT and REFUND (Xero) gets an INVOICE with a PAYMENT, and a CREDIT with a REPAYMENT."""

    RECEIPT = "receipt"  # a sale that is paid: its total lands on `into`
    REFUND = "refund"  # money given back out of `out_of`; amounts above zero
    INVOICE = "invoice"  # a sale that is owed
    CREDIT = "credit"  # owed back; amounts above zero
    PAYMENT = "payment"  # pays the invoice `of`, in part or whole; the money lands on `into`
    REPAYMENT = "repayment"  # pays the credit `of` out of `out_of`
    APPLIED = "applied"  # sets the credit `by` against the invoice `of`: no money moves
    JOURNAL = "journal"  # lines sum to zero: debit above, credit below
    BILL = "bill"  # what we owe a supplier
    TRANSFER = "transfer"  # from `out_of` to `into`


class TaxIs(StrEnum):
    """How a document's lines hold tax."""

    ON_TOP = "on_top"  # amounts are net
    INSIDE = "inside"  # amounts hold it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DocLine:
    """`amount` for the whole line, in the document's tax mode; for a JOURNAL above zero is debit and below it credit, tax never inside.
    `tax` is what the line's tax must come to, or None where nobody may say (a journal without). `account` is the ledger's id of an
    account; the income account of a sale's line. `quantity` is shown, never multiplied. `bought`: its tax code is one of purchases."""

    account: str
    amount: Money
    text: str = ""
    quantity: int = 1
    tax_code: str = ""
    tax: Money | None = None
    tags: tuple[Tag, ...] = ()
    bought: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What shall stand in the books. `number` is unique among the books' documents of its kind and at most 21 characters, and searched
    by; "" before one was given. `contact` is the name of a customer or vendor that is made where it is missing, one per currency. `rate`:
    units of the books' own currency for one of the document's; None lets the ledger take its own of the day. `of` is the ledger's id of
    the document that a PAYMENT or REPAYMENT pays, or of the invoice against which an APPLIED sets the credit `by`. `total` is what the
    whole comes to, tax and all; `memo` is shown to the bookkeeper."""

    kind: DocKind
    number: str
    on: date
    currency: str
    lines: tuple[DocLine, ...] = ()
    tax_is: TaxIs = TaxIs.NONE
    due: date | None = None
    contact: str = ""
    into: str = ""
    out_of: str = ""
    of: str = ""
    amount: Money | None = None  # of a PAYMENT, REPAYMENT, APPLIED or TRANSFER
    rate: Decimal | None = None
    memo: str = ""
    by: str = ""

    @property
    def tax(self) -> Money:
        return total((line.tax for line in self.lines if line.tax is not None), self.currency)

    @property
    def total(self) -> Money:
        """What it comes to; of a journal, the sum of its debits."""
        if self.amount is not None:
            return self.amount
        if self.kind is DocKind.JOURNAL:
            return total((line.amount for line in self.lines if line.amount.minor > 0), self.currency)
        whole = total((line.amount for line in self.lines), self.currency)
        return whole + self.tax if self.tax_is is TaxIs.ON_TOP else whole


@dataclass(frozen=True, slots=True)
class Posted:
    """A document as the ledger has it. `version` changes with every change there; `shape` is a digest of what a bookkeeper would
    call changed (day, contact, accounts, amounts, tax codes), equal whenever it is read and nobody touched it. `gone`: it was voided or
    deleted there. `link` is the ledger's own page of it."""

    id: str
    number: str
    version: str
    total: Money
    tax: Money
    shape: str
    gone: bool = False
    link: str = ""


class Why(StrEnum):
    """Why a ledger declined a document: `reason` among the facts of Refused. Each has its own message and next step."""

    CLOSED = "closed"  # its day lies in a closed period
    DUPLICATE = "duplicate"  # the number is taken, by a document that is not this one
    ACCOUNT = "account"  # an account is unknown, inactive, or not of a kind that may stand there
    TAX = "tax"  # a tax code is missing, unknown or may not stand there
    CURRENCY = "currency"  # the books do not keep that currency
    CONTACT = "contact"
    STALE = "stale"  # it was changed there in the meantime
    UNBALANCED = "unbalanced"
    PAID = "paid"  # what it pays, or sets off, has less open
    PLAN = "plan"  # the ledger's own plan or quota does not have it
    OTHER = "other"
