"""Our documents as Xero wants them. Pure; raises Refused for what Xero could not hold as it is meant.

Every line brings its tax: Xero rounds tax line by line and would else come to other cents than the channel did.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from core.domain.ledgers import DocKind, DocLine, Document, TaxIs, Why
from core.domain.money import Money, places
from core.errors import Refused, Unsupported

CENT, HALF, FINE, RATE = Decimal("0.01"), Decimal("0.005"), Decimal("0.0001"), Decimal("0.000001")
MODES = {TaxIs.ON_TOP: "Exclusive", TaxIs.INSIDE: "Inclusive", TaxIs.NONE: "NoTax"}
TYPES = {DocKind.INVOICE: "ACCREC", DocKind.BILL: "ACCPAY", DocKind.CREDIT: "ACCRECCREDIT"}
MARKS, TEXT, TITLE = 2, 4000, 255  # tracking categories of a line, letters of a description, of a reference


def amount(money: Money) -> Decimal:
    """Raises Refused for a fraction that Xero has no place for: it keeps two."""
    exact = Decimal(money.minor).scaleb(-places(money.currency))
    if exact != exact.quantize(CENT, ROUND_HALF_EVEN):
        raise Refused("Xero keeps two places of an amount", reason=Why.CURRENCY)
    return exact


def rate(ours: Decimal) -> Decimal:
    """Xero says how many of the document's units one of the books' own buys: the other way round."""
    return (1 / ours).quantize(RATE, ROUND_HALF_EVEN)


def document(one: Document) -> dict[str, Any]:
    match one.kind:
        case DocKind.INVOICE | DocKind.BILL | DocKind.CREDIT:
            return _sale(one)
        case DocKind.PAYMENT | DocKind.REPAYMENT:
            return _payment(one)
        case DocKind.JOURNAL:
            return _journal(one)
        case DocKind.TRANSFER:
            return _transfer(one)
    raise Unsupported(f"Xero has no {one.kind}", reason=Why.OTHER)


def _sale(one: Document) -> dict[str, Any]:
    if not one.contact.strip():
        raise Refused("Xero wants to know whom it is about", reason=Why.CONTACT)
    if one.total.minor < 0:
        raise Refused("Xero takes no total below nothing", reason=Why.UNBALANCED)
    said: dict[str, Any] = {
        "Type": TYPES[one.kind],
        "Contact": {"Name": one.contact},
        "Date": one.on.isoformat(),
        "LineAmountTypes": MODES[one.tax_is],
        "CurrencyCode": one.currency,
        "Status": "AUTHORISED",
        "LineItems": [_line(one, line) for line in one.lines],
        **_rated(one),
    }
    return {**said, **_named(one)}


def _named(one: Document) -> dict[str, Any]:
    title = {"Reference": one.memo[:TITLE]} if one.memo else {}
    match one.kind:
        case DocKind.CREDIT:
            return {"CreditNoteNumber": one.number, **title}
        case DocKind.BILL:  # Xero shows its number as its reference
            return {"InvoiceNumber": one.number, "DueDate": (one.due or one.on).isoformat()}
    return {"InvoiceNumber": one.number, "DueDate": (one.due or one.on).isoformat(), **title}


def _line(one: Document, line: DocLine) -> dict[str, Any]:
    whole, text = amount(line.amount), line.text or one.memo or one.number
    each = (whole / line.quantity).quantize(FINE, ROUND_HALF_EVEN) if line.quantity > 0 else whole
    exact = line.quantity > 0 and abs(each * line.quantity - whole) < HALF  # however Xero rounds a half
    shown: dict[str, Any] = {"Description": text, "Quantity": line.quantity, "UnitAmount": each}
    if not exact:  # Xero multiplies, and refuses where it comes to something else
        shown = {"Description": f"{line.quantity} × {text}", "Quantity": 1, "UnitAmount": whole}
    shown["Description"] = shown["Description"][:TEXT]
    return {**shown, "LineAmount": whole, "AccountID": line.account, **_taxed(one, line), **_marked(line)}


def _taxed(one: Document, line: DocLine) -> dict[str, Any]:
    if one.tax_is is TaxIs.NONE:
        if line.tax:
            raise Refused("a line has tax in a document without", reason=Why.TAX)
        return {}
    if line.tax is None or not line.tax_code:
        raise Refused("Xero must be told the tax of every line and its code", reason=Why.TAX)
    if line.tax.minor * line.amount.minor < 0 or abs(line.tax.minor) > abs(line.amount.minor):
        raise Refused("Xero takes no tax above the line, or against it", reason=Why.TAX)
    return {"TaxType": line.tax_code, "TaxAmount": amount(line.tax)}


def _marked(line: DocLine) -> dict[str, Any]:
    if len(line.tags) > MARKS:
        raise Refused(f"Xero keeps {MARKS} tracking categories of a line", reason=Why.OTHER)
    marks = [{"TrackingCategoryID": tag.of, "TrackingOptionID": tag.id, "Name": tag.of_name, "Option": tag.name} for tag in line.tags]
    return {"Tracking": marks} if marks else {}


def _payment(one: Document) -> dict[str, Any]:
    pays = {"Invoice": {"InvoiceID": one.of}} if one.kind is DocKind.PAYMENT else {"CreditNote": {"CreditNoteID": one.of}}
    account = one.into if one.kind is DocKind.PAYMENT else one.out_of
    said = {"Account": {"AccountID": account}, "Date": one.on.isoformat(), "Amount": amount(one.total), "Reference": one.number}
    return {**pays, **said, **_rated(one)}


def allocation(one: Document) -> dict[str, Any]:
    """Of the credit note `by`, which its path names."""
    return {"Invoice": {"InvoiceID": one.of}, "Amount": amount(one.total), "Date": one.on.isoformat()}


def _transfer(one: Document) -> dict[str, Any]:
    return {
        "FromBankAccount": {"AccountID": one.out_of},
        "ToBankAccount": {"AccountID": one.into},
        "Amount": amount(one.total),
        "Date": one.on.isoformat(),
        "Reference": one.number,
    }


def _journal(one: Document) -> dict[str, Any]:
    """Coded lines bring their tax on top; without codes there is none."""
    coded = any(line.tax_code for line in one.lines)
    if sum(line.amount.minor + (line.tax.minor if line.tax else 0) for line in one.lines):
        raise Refused("debits and credits are not the same", reason=Why.UNBALANCED)
    if not coded and any(line.tax for line in one.lines):
        raise Refused("Xero must be told the code of a tax", reason=Why.TAX)
    return {
        "Narration": narration(one),
        "Date": one.on.isoformat(),
        "Status": "POSTED",
        "LineAmountTypes": "Exclusive" if coded else "NoTax",
        "JournalLines": [_entry(line, coded) for line in one.lines],
    }


def narration(one: Document) -> str:
    """The number first: it is searched by."""
    return f"{one.number} {one.memo}".strip()[:TEXT]


def _entry(line: DocLine, coded: bool) -> dict[str, Any]:
    text = {"Description": line.text[:TEXT]} if line.text else {}
    tax = {"TaxType": line.tax_code or "NONE", "TaxAmount": amount(line.tax or Money.zero(line.amount.currency))} if coded else {}
    return {"LineAmount": amount(line.amount), "AccountID": line.account, **text, **tax, **_marked(line)}


def _rated(one: Document) -> dict[str, Any]:
    return {} if one.rate is None else {"CurrencyRate": rate(one.rate)}
