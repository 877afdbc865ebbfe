"""What Xero says of its books, in our words. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from hashlib import sha256
from typing import Any, ParamSpec, TypeVar

from core.domain.ledgers import Books, DocKind, Document, LedgerAccount, Posted, Sort, Tag, TaxCode
from core.domain.money import Money, total
from core.errors import BadPayload

Body = Mapping[str, Any]
P = ParamSpec("P")
R = TypeVar("R")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAMP = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")  # milliseconds in UTC; the zone behind them changes nothing
SORTS = {
    "BANK": Sort.BANK,
    "CURRENT": Sort.ASSET,
    "PREPAYMENT": Sort.ASSET,
    "INVENTORY": Sort.ASSET,
    "FIXED": Sort.FIXED,
    "NONCURRENT": Sort.FIXED,
    "CURRLIAB": Sort.LIABILITY,
    "LIABILITY": Sort.LIABILITY,
    "TERMLIAB": Sort.LIABILITY,
    "PAYG": Sort.LIABILITY,
    "EQUITY": Sort.EQUITY,
    "REVENUE": Sort.INCOME,
    "SALES": Sort.INCOME,
    "OTHERINCOME": Sort.INCOME,
    "DIRECTCOSTS": Sort.COST,
    "EXPENSE": Sort.EXPENSE,
    "OVERHEADS": Sort.EXPENSE,
    "DEPRECIATN": Sort.EXPENSE,
}
SYSTEM = {"DEBTORS": Sort.RECEIVABLE, "CREDITORS": Sort.PAYABLE}
# Only Xero itself writes to these.
LOCKED = frozenset([*SYSTEM, "BANKCURRENCYGAIN", "REALISEDCURRENCYGAIN", "UNREALISEDCURRENCYGAIN", "TRACKINGTRANSFERS", "UNPAIDEXPCLM"])
ZONES = {
    "NEWZEALANDSTANDARDTIME": "Pacific/Auckland",
    "AUSEASTERNSTANDARDTIME": "Australia/Sydney",
    "EAUSTRALIASTANDARDTIME": "Australia/Brisbane",
    "CENAUSTRALIASTANDARDTIME": "Australia/Adelaide",
    "AUSCENTRALSTANDARDTIME": "Australia/Darwin",
    "WAUSTRALIASTANDARDTIME": "Australia/Perth",
    "TASMANIASTANDARDTIME": "Australia/Hobart",
    "SINGAPORESTANDARDTIME": "Asia/Singapore",
    "CHINASTANDARDTIME": "Asia/Hong_Kong",
    "SOUTHAFRICASTANDARDTIME": "Africa/Johannesburg",
    "WEUROPESTANDARDTIME": "Europe/Berlin",
    "ROMANCESTANDARDTIME": "Europe/Paris",
    "CENTRALEUROPESTANDARDTIME": "Europe/Budapest",
    "GMTSTANDARDTIME": "Europe/London",
    "EASTERNSTANDARDTIME": "America/New_York",
    "CENTRALSTANDARDTIME": "America/Chicago",
    "MOUNTAINSTANDARDTIME": "America/Denver",
    "PACIFICSTANDARDTIME": "America/Los_Angeles",
    "UTC": "UTC",
}
INVOICES, CREDITS = {"ACCREC": DocKind.INVOICE, "ACCPAY": DocKind.BILL}, {"ACCRECCREDIT": DocKind.CREDIT}
PAYMENTS = {"ACCRECPAYMENT": DocKind.PAYMENT, "ACCPAYPAYMENT": DocKind.PAYMENT, "ARCREDITPAYMENT": DocKind.REPAYMENT}
GONE = frozenset(["VOIDED", "DELETED"])
LINKS = {
    DocKind.INVOICE: "/AccountsReceivable/View.aspx?InvoiceID=",
    DocKind.BILL: "/AccountsPayable/View.aspx?InvoiceID=",
    DocKind.CREDIT: "/AccountsReceivable/ViewCreditNote.aspx?creditNoteID=",
    DocKind.PAYMENT: "/Bank/ViewTransaction.aspx?bankTransactionID=",
    DocKind.REPAYMENT: "/Bank/ViewTransaction.aspx?bankTransactionID=",
    DocKind.JOURNAL: "/Journal/View.aspx?invoiceID=",
    DocKind.TRANSFER: "/Bank/ViewTransfer.aspx?bankTransferID=",
}
NOBODYS = "XXX"  # ISO 4217: no currency; of what is not there any more


def readable(read: Callable[P, R]) -> Callable[P, R]:
    """Whatever is missing in an answer, or of another kind, is a BadPayload."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise BadPayload(f"xero {read.__name__}: {error!r}"[:300]) from error

    return reading


def day(said: object) -> date:
    """Xero's way to write a day, or ISO 8601 as newer fields have it. Raises TypeError or ValueError."""
    if not isinstance(said, str):
        raise TypeError("a day is text")
    if found := STAMP.fullmatch(said):
        return (EPOCH + timedelta(milliseconds=int(found[1]))).date()
    return date.fromisoformat(said[:10])


@readable
def books(said: Body, currencies: Sequence[Body], *, tags: bool) -> Books:
    own = _text(said, "BaseCurrency")
    others = [code for one in currencies if (code := _text(one, "Code")) != own]
    locks = [day(said[name]) for name in ("PeriodLockDate", "EndOfYearLockDate") if said.get(name)]
    zone = ZONES.get(str(said.get("Timezone", "")), "")
    return Books(
        _text(said, "OrganisationID"),
        _text(said, "Name"),
        _text(said, "CountryCode"),
        (own, *others),
        zone=zone,
        closed_until=max(locks, default=None),
        tags=tags,
    )


@readable
def account(said: Body) -> LedgerAccount:
    system, sort = str(said.get("SystemAccount", "")), _sort(said)
    bank = said["Type"] == "BANK"
    return LedgerAccount(
        _text(said, "AccountID"),
        str(said.get("Code", "")),
        _text(said, "Name"),
        sort,
        currency=str(said.get("CurrencyCode", "")),
        active=said.get("Status", "ACTIVE") == "ACTIVE",
        pays=bank or said.get("EnablePaymentsToAccount") is True,
        journals=not bank and system not in LOCKED,
        tax=str(said.get("TaxType", "")),
    )


def _sort(said: Body) -> Sort:
    if said["Type"] == "BANK" and said.get("BankAccountType") == "CREDITCARD":
        return Sort.CARD
    return SYSTEM.get(str(said.get("SystemAccount", ""))) or SORTS.get(_text(said, "Type"), Sort.UNKNOWN)


@readable
def tax_code(said: Body) -> TaxCode:
    rate = said.get("EffectiveRate")
    kind = _text(said, "TaxType")
    return TaxCode(
        kind,
        _text(said, "Name"),
        None if rate is None else Decimal(rate),
        sales=said.get("CanApplyToRevenue") is True,
        purchases=said.get("CanApplyToExpenses") is True,
        active=said.get("Status", "ACTIVE") == "ACTIVE",
        reverse="REVERSE" in f"{kind} {said.get('ReportTaxType', '')}".upper(),
    )


@readable
def tags(said: Body) -> tuple[Tag, ...]:
    """The options of a tracking category that may be chosen."""
    if said.get("Status", "ACTIVE") != "ACTIVE":
        return ()
    options = [one for one in said["Options"] if one.get("Status", "ACTIVE") == "ACTIVE"]
    of, name = _text(said, "TrackingCategoryID"), _text(said, "Name")
    return tuple(Tag(of, name, _text(one, "TrackingOptionID"), _text(one, "Name")) for one in options)


# Documents


@readable
def kind_of(where: str, said: Body) -> DocKind | None:
    """What this is of what lies at such a path; None for what we have no word for."""
    match where:
        case "Invoices":
            return INVOICES.get(_text(said, "Type"))
        case "CreditNotes":
            return CREDITS.get(_text(said, "Type"))
        case "Payments":
            return PAYMENTS.get(_text(said, "PaymentType"))
    return {"ManualJournals": DocKind.JOURNAL, "BankTransfers": DocKind.TRANSFER}[where]


@readable
def posted(said: Body, kind: DocKind, else_: str, page_url: str) -> Posted:
    """`else_` is the currency of journals, transfers and what names none."""
    mine = _currency(said, else_)
    whole, tax = _sums(said, kind, mine)
    name = _id(said, kind)
    shape = sha256(json.dumps(_shape(said, kind, mine), sort_keys=True).encode()).hexdigest()[:32]
    return Posted(name, number(said, kind), _version(said), whole, tax, shape, said.get("Status") in GONE, page_url + LINKS[kind] + name)


def absent(name: str) -> Posted:
    """What does not exist there any more."""
    nothing = Money.zero(NOBODYS)
    return Posted(name, "", "", nothing, nothing, "", gone=True)


def number(said: Body, kind: DocKind) -> str:
    """Ours; of a journal the first word of its narration. "" where somebody wrote none."""
    match kind:
        case DocKind.INVOICE | DocKind.BILL:
            return str(said.get("InvoiceNumber", ""))
        case DocKind.CREDIT:
            return str(said.get("CreditNoteNumber", ""))
        case DocKind.JOURNAL:
            return str(said.get("Narration", "")).partition(" ")[0]
    return str(said.get("Reference", ""))


@readable
def more(said: Body, page: int, full: bool) -> bool:
    """Whether there is a page behind this one: as Xero says, else where this one is full."""
    told = said.get("pagination")
    return bool(told["pageCount"] > page) if told else full


@readable
def reached(found: Sequence[Body]) -> int:
    """The second of the last change of a page that is in their order; 0 where it is not."""
    times = [int(stamped[1]) for one in found if (stamped := STAMP.fullmatch(_text(one, "UpdatedDateUTC")))]
    return times[-1] // 1000 if times and len(times) == len(found) and times == sorted(times) else 0


@readable
def carries(said: Body, document: Document) -> bool:
    """Whether it has the document's number."""
    if document.kind is DocKind.JOURNAL:
        narration = str(said.get("Narration", ""))
        return narration == document.number or narration.startswith(f"{document.number} ")
    return number(said, document.kind) == document.number


@readable
def alike(said: Body, document: Document) -> bool:
    """Whether it says what the document does: day, currency, sum, tax and whom it is about."""
    kind, currency = document.kind, _currency(said, document.currency)
    if currency != document.currency or day(said["Date"]) != document.on:
        return False
    return fits(_sums(said, kind, currency), document) and _about(said, document)


def fits(sums: tuple[Money, Money], document: Document) -> bool:
    """Whether total and tax are the document's. Of a journal Xero does not always say the tax."""
    whole, tax = sums
    return whole == document.total and (tax == document.tax or document.kind is DocKind.JOURNAL)


def _about(said: Body, document: Document) -> bool:
    match document.kind:
        case DocKind.PAYMENT | DocKind.REPAYMENT:
            return _of(said) == document.of
        case DocKind.TRANSFER:
            return (_bank(said, "From"), _bank(said, "To")) == (document.out_of, document.into)
        case DocKind.JOURNAL:
            return True
    return _spaced(said["Contact"].get("Name", "")) == _spaced(document.contact)


def _spaced(name: str) -> str:
    """Xero takes names with other spaces, or in other letters, for the same."""
    return " ".join(name.split()).casefold()


def _sums(said: Body, kind: DocKind, currency: str) -> tuple[Money, Money]:
    """(total, tax); of a journal its debits."""
    match kind:
        case DocKind.INVOICE | DocKind.BILL | DocKind.CREDIT:
            return Money.parse(said["Total"], currency), Money.parse(said["TotalTax"], currency)
        case DocKind.JOURNAL:
            lines = said["JournalLines"]
            debits = total((amount for one in lines if (amount := Money.parse(one["LineAmount"], currency)).minor > 0), currency)
            return debits, total((Money.parse(one.get("TaxAmount", 0), currency) for one in lines), currency)
    return Money.parse(said["Amount"], currency), Money.zero(currency)


def _shape(said: Body, kind: DocKind, currency: str) -> list[Any]:
    """What a bookkeeper would call changed; the same in every answer that holds the document whole."""
    whole = [kind.value, str(day(said["Date"])), currency]
    match kind:
        case DocKind.PAYMENT | DocKind.REPAYMENT:
            return [*whole, _of(said), said["Account"].get("AccountID"), _plain(said["Amount"])]
        case DocKind.TRANSFER:
            return [*whole, _bank(said, "From"), _bank(said, "To"), _plain(said["Amount"])]
        case DocKind.JOURNAL:
            return [*whole, [_line(one) for one in said["JournalLines"] if not one.get("IsBlank")]]
    mode = str(said.get("LineAmountTypes", "")).lower()
    return [*whole, mode, said["Contact"]["ContactID"], [[*_line(one), _plain(one.get("TaxAmount", 0))] for one in said["LineItems"]]]


def _line(said: Body) -> list[Any]:
    marks = sorted(str(one.get("TrackingOptionID") or one.get("Option")) for one in said.get("Tracking") or ())
    return [said.get("AccountCode") or said.get("AccountID"), _plain(said.get("LineAmount", 0)), said.get("TaxType") or "NONE", marks]


def _plain(amount: Any) -> str:
    """The same text for 1, 1.0 and 1.00."""
    return f"{Decimal(amount).normalize():f}"


# ---- credits set against invoices: {Amount, Date, Invoice: {InvoiceID}, AllocationID} inside of a credit note


@readable
def allocations(credit: Body) -> list[Body]:
    """Those that stand."""
    return [one for one in credit.get("Allocations") or () if not one.get("IsDeleted")]


@readable
def allocated_to(said: Body) -> str:
    return _text(said["Invoice"], "InvoiceID")


@readable
def allocation_id(said: Body) -> str:
    return _text(said, "AllocationID")


@readable
def credit_id(said: Body) -> str:
    return _text(said, "CreditNoteID")


@readable
def allocation(said: Body, credit: str, mine: str, page_url: str) -> Posted:
    """Of this credit note, in its currency. Xero keeps no number of it, nor when it was changed."""
    whole, nothing = Money.parse(said["Amount"], mine), Money.zero(mine)
    shape = sha256(json.dumps([DocKind.APPLIED, str(day(said["Date"])), mine, _plain(said["Amount"])]).encode()).hexdigest()[:32]
    return Posted(f"{credit}/{allocated_to(said)}", "", "", whole, nothing, shape, link=f"{page_url}{LINKS[DocKind.CREDIT]}{credit}")


def _of(said: Body) -> str:
    """What a payment pays: a credit note comes in either field."""
    invoice, credit = said.get("Invoice") or {}, said.get("CreditNote") or {}
    return str(invoice.get("InvoiceID") or credit.get("CreditNoteID") or "")


def _bank(said: Body, side: str) -> str:
    return str(said[f"{side}BankAccount"].get("AccountID", ""))


def _currency(said: Body, else_: str) -> str:
    inside = said.get("Invoice") or said.get("CreditNote") or {}
    return str(said.get("CurrencyCode") or inside.get("CurrencyCode") or else_)


@readable
def currency(said: Body) -> str:
    """Of a document, or of what a payment pays; "" where it names none."""
    return _currency(said, "")


def _id(said: Body, kind: DocKind) -> str:
    match kind:
        case DocKind.INVOICE | DocKind.BILL:
            return _text(said, "InvoiceID")
        case DocKind.CREDIT:
            return _text(said, "CreditNoteID")
        case DocKind.JOURNAL:
            return _text(said, "ManualJournalID")
        case DocKind.TRANSFER:
            return _text(said, "BankTransferID")
    return _text(said, "PaymentID")


def _version(said: Body) -> str:
    """A transfer changes once, when it is deleted, and has no time for that."""
    return str(said.get("UpdatedDateUTC") or f"{said.get('CreatedDateUTC', '')} {said.get('Status', '')}".strip())


def _text(said: Body, name: str) -> str:
    found = said[name]
    if not isinstance(found, str) or not found:
        raise TypeError(f"{name} is not a text")
    return found


def each(read: Callable[[Body], R], found: Sequence[Body]) -> Iterator[R]:
    return (read(one) for one in found)
