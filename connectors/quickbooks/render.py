"""Our documents as QuickBooks wants them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.quickbooks.tables import CLASS, LOCATION, TAXED, UNTAXED
from core.domain.ledgers import DocKind, DocLine, Document, TaxIs, Why
from core.domain.money import Money, total
from core.errors import Refused

Body = dict[str, Any]
DESCRIBED, NOTED = 4000, 3900  # letters of a line's description, of a note


@dataclass(frozen=True, slots=True)
class Means:
    """What a document needs to know of the books: their currency, whether they are American, the contact's id, the item that stands for
    each income account, the rates (id, percent) of each tax code, and the accounts whose journal lines name the contact."""

    own: str
    american: bool
    contact: str = ""
    items: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, Sequence[tuple[str, Decimal]]] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()
    contact_type: str = "Customer"


def body(document: Document, key: str, means: Means) -> Body:
    """What is posted. Raises Refused for what QuickBooks has no words for."""
    return {**_head(document, key, means), **BODIES[document.kind](document, means)}


def mark(key: str) -> str:
    """How a note says whose a document is."""
    return f"[crossdock {key}]"


def _head(document: Document, key: str, means: Means) -> Body:
    named = f"{document.number}: {document.memo}" if document.kind is DocKind.TRANSFER else document.memo
    number = {DocKind.PAYMENT: "PaymentRefNum", DocKind.APPLIED: "PaymentRefNum", DocKind.TRANSFER: ""}.get(document.kind, "DocNumber")
    return {
        **({number: document.number} if number else {}),
        "TxnDate": document.on.isoformat(),
        "PrivateNote": f"{named[:NOTED]} {mark(key)}".strip(),
        **_currency(document, means),
        **_location(document),
    }


def _currency(document: Document, means: Means) -> Body:
    """Only what is foreign is named: books that keep one currency need not know of others."""
    if document.currency == means.own:
        return {}
    return {"CurrencyRef": _ref(document.currency), **({"ExchangeRate": document.rate} if document.rate is not None else {})}


def _location(document: Document) -> Body:
    """A document has one location; of a journal each line has its own."""
    if document.kind is DocKind.JOURNAL:
        return {}
    found = {tag.id for line in document.lines for tag in line.tags if tag.of == LOCATION}
    if len(found) > 1:
        raise Refused("a document has one location in QuickBooks", reason=Why.OTHER)
    return _named("DepartmentRef", sorted(found))


def _ref(value: str) -> Body:
    return {"value": value}


def _amount(amount: Money) -> Decimal:
    return Decimal(amount.text())


# ---- sales


def _sale(document: Document, means: Means) -> Body:
    return {
        "CustomerRef": _ref(means.contact),
        "Line": [_sale_line(document, line, means) for line in document.lines],
        **_tax(document, means),
    }


def _receipt(document: Document, means: Means) -> Body:
    return {**_sale(document, means), "DepositToAccountRef": _ref(document.into)}


def _refund(document: Document, means: Means) -> Body:
    return {**_sale(document, means), "DepositToAccountRef": _ref(document.out_of)}


def _invoice(document: Document, means: Means) -> Body:
    return {**_sale(document, means), "DueDate": (document.due or document.on).isoformat()}


def _sale_line(document: Document, line: DocLine, means: Means) -> Body:
    """Amount must be quantity times price to the cent: where it does not divide, one is sold and the words say how many."""
    amount = net(document, line)
    whole = line.quantity > 0 and amount.minor % line.quantity == 0
    units = line.quantity if whole else 1
    words = line.text if whole or line.quantity == 1 else f"{line.quantity} x {line.text}"
    detail = {
        "ItemRef": _ref(means.items[line.account]),
        "Qty": units,
        "UnitPrice": _amount(Money(amount.minor // units, amount.currency)),
        **_code(document, line, means),
        **_class(line),
    }
    return {"Description": words[:DESCRIBED], "Amount": _amount(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


def net(document: Document, line: DocLine) -> Money:
    """Amounts go without tax, whichever way the document holds it: what is inside QuickBooks would reckon anew."""
    return line.amount - line.tax if document.tax_is is TaxIs.INSIDE and line.tax is not None else line.amount


def _code(document: Document, line: DocLine, means: Means) -> Body:
    """In the United States a line is taxed or not, and what the tax comes to is said below."""
    if means.american:
        return {"TaxCodeRef": _ref(TAXED if line.tax else UNTAXED)}
    return {"TaxCodeRef": _ref(line.tax_code)} if line.tax_code and document.tax_is is not TaxIs.NONE else {}


def _class(line: DocLine) -> Body:
    return _named("ClassRef", [tag.id for tag in line.tags if tag.of == CLASS])


def _named(name: str, found: Sequence[str]) -> Body:
    return {name: _ref(found[0])} if found else {}


def _tax(document: Document, means: Means) -> Body:
    """What the tax comes to, where there is any; without it an American ledger would reckon its own for lines that are taxed."""
    if document.tax_is is TaxIs.NONE:
        return {} if means.american else {"GlobalTaxCalculation": "NotApplicable"}
    if means.american:
        return {"TxnTaxDetail": {"TotalTax": _amount(document.tax)}} if document.tax else {}
    lines = [part for code in _codes(document) for part in _tax_lines(document, code, means.rates.get(code, ()))]
    detail = {"TotalTax": _amount(document.tax), **({"TaxLine": lines} if lines else {})}
    return {"GlobalTaxCalculation": "TaxExcluded", "TxnTaxDetail": detail}


def _codes(document: Document) -> list[str]:
    return list(dict.fromkeys(line.tax_code for line in document.lines if line.tax_code))


def _tax_lines(document: Document, code: str, rates: Sequence[tuple[str, Decimal]]) -> list[Body]:
    """A code's tax, shared by its rates: so many cents as the lines say, whatever QuickBooks would have rounded. Under reverse charge each
    rate says what is owed, and what is taken back."""
    mine = [line for line in document.lines if line.tax_code == code]
    base = total((net(document, line) for line in mine), document.currency)
    tax = total((line.tax for line in mine if line.tax is not None), document.currency)
    shares = tax.split([int(abs(percent) * 10_000) for _, percent in rates]) if rates else []
    if not tax and any(percent < 0 for _, percent in rates):
        shares = [Money(int((base.minor * percent / 100).to_integral_value(ROUND_HALF_UP)), base.currency) for _, percent in rates]
    return [_tax_line(share, base, *rate) for share, rate in zip(shares, rates, strict=True)]


def _tax_line(tax: Money, base: Money, rate: str, percent: Decimal) -> Body:
    detail = {"TaxRateRef": _ref(rate), "PercentBased": True, "TaxPercent": percent, "NetAmountTaxable": _amount(base)}
    return {"Amount": _amount(tax), "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


# ---- the rest


def _payment(document: Document, means: Means) -> Body:
    amount = _amount(document.total)
    linked = [{"TxnId": document.of, "TxnType": "Invoice"}]
    return {
        "CustomerRef": _ref(means.contact),
        "TotalAmt": amount,
        "DepositToAccountRef": _ref(document.into),
        "Line": [{"Amount": amount, "LinkedTxn": linked}],
    }


def _applied(document: Document, means: Means) -> Body:
    """No money moves: what the invoice is paid with is the credit memo."""
    amount, ends = _amount(document.total), (("Invoice", document.of), ("CreditMemo", document.by))
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": id, "TxnType": entity}]} for entity, id in ends]
    return {"CustomerRef": _ref(means.contact), "TotalAmt": 0, "Line": lines}


def _journal(document: Document, means: Means) -> Body:
    return {"Line": [_journal_line(line, means) for line in document.lines]}


def _journal_line(line: DocLine, means: Means) -> Body:
    entity = {"Type": means.contact_type, "EntityRef": _ref(means.contact)}
    detail = {
        "PostingType": "Debit" if line.amount.minor >= 0 else "Credit",
        "AccountRef": _ref(line.account),
        **({"Entity": entity} if means.contact and line.account in means.owed else {}),
        **_journal_code(line, means),
        **_class(line),
        **_named("DepartmentRef", [tag.id for tag in line.tags if tag.of == LOCATION]),
    }
    return {
        "Description": line.text[:DESCRIBED],
        "Amount": _amount(abs(line.amount)),
        "DetailType": "JournalEntryLineDetail",
        "JournalEntryLineDetail": detail,
    }


def _journal_code(line: DocLine, means: Means) -> Body:
    """American journals know no tax codes. Elsewhere a code marks the line for the return; what tax there is has a line of its own."""
    if means.american or not line.tax_code or line.tax is None:
        return {}
    side = "Purchase" if line.bought else "Sales"
    return {"TaxCodeRef": _ref(line.tax_code), "TaxApplicableOn": side, "TaxAmount": _amount(abs(line.tax))}


def _bill(document: Document, means: Means) -> Body:
    """American bills have no tax of their own: it is part of what a line costs."""
    lines = [_bill_line(document, line, means) for line in document.lines]
    due = (document.due or document.on).isoformat()
    return {"VendorRef": _ref(means.contact), "DueDate": due, "Line": lines, **({} if means.american else _tax(document, means))}


def _bill_line(document: Document, line: DocLine, means: Means) -> Body:
    amount = net(document, line) + (line.tax if means.american and line.tax is not None else Money.zero(document.currency))
    code = {} if means.american else _code(document, line, means)
    return {
        "Description": line.text[:DESCRIBED],
        "Amount": _amount(amount),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": _ref(line.account), **code, **_class(line)},
    }


def _transfer(document: Document, means: Means) -> Body:
    return {"FromAccountRef": _ref(document.out_of), "ToAccountRef": _ref(document.into), "Amount": _amount(document.total)}


BODIES: Mapping[DocKind, Callable[[Document, Means], Body]] = {
    DocKind.RECEIPT: _receipt,
    DocKind.REFUND: _refund,
    DocKind.INVOICE: _invoice,
    DocKind.CREDIT: _sale,
    DocKind.PAYMENT: _payment,
    DocKind.APPLIED: _applied,
    DocKind.JOURNAL: _journal,
    DocKind.BILL: _bill,
    DocKind.TRANSFER: _transfer,
}
