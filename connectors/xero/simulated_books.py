"""The books behind the Xero simulator: what it holds at first, what it declines in Xero's words, and how it says what it holds. Amounts are
texts in what is kept, since that is plain JSON."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Body = Mapping[str, Any]
State = dict[str, Any]
TENANT = "6f1d2c3b-4a59-4e68-8d7c-9b0a1f2e3d4c"
CENT, FINE = Decimal("0.01"), Decimal("0.0001")
OUT = frozenset(["VOIDED", "DELETED"])
CLASSES = {
    "BANK": "ASSET",
    "CURRENT": "ASSET",
    "INVENTORY": "ASSET",
    "FIXED": "ASSET",
    "CURRLIAB": "LIABILITY",
    "EQUITY": "EQUITY",
    "REVENUE": "REVENUE",
    "OTHERINCOME": "REVENUE",
    "DIRECTCOSTS": "EXPENSE",
    "EXPENSE": "EXPENSE",
    "OVERHEADS": "EXPENSE",
}
APPLIES = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}
# code, name, type, tax type, and what else
CHART: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("090", "Checking Account", "BANK", "NONE", {"BankAccountType": "BANK", "CurrencyCode": "USD"}),
    ("091", "Savings Account", "BANK", "NONE", {"BankAccountType": "BANK", "CurrencyCode": "USD"}),
    ("092", "Shopify Clearing", "BANK", "NONE", {"BankAccountType": "BANK", "CurrencyCode": "USD"}),
    ("093", "Company Card", "BANK", "NONE", {"BankAccountType": "CREDITCARD", "CurrencyCode": "USD"}),
    ("200", "Sales", "REVENUE", "OUTPUT", {}),
    ("210", "Shipping Income", "REVENUE", "OUTPUT", {}),
    ("220", "Discounts and Refunds", "REVENUE", "OUTPUT", {}),
    ("270", "Interest Income", "OTHERINCOME", "NONE", {}),
    ("310", "Cost of Goods Sold", "DIRECTCOSTS", "INPUT", {}),
    ("404", "Channel Fees", "EXPENSE", "NONE", {}),
    ("405", "Payment Fees", "EXPENSE", "NONE", {}),
    ("425", "Postage", "OVERHEADS", "INPUT", {}),
    ("610", "Accounts Receivable", "CURRENT", "NONE", {"SystemAccount": "DEBTORS"}),
    ("620", "Channel Clearing", "CURRENT", "NONE", {"EnablePaymentsToAccount": True}),
    ("630", "Inventory", "INVENTORY", "NONE", {}),
    ("710", "Office Equipment", "FIXED", "INPUT", {}),
    ("800", "Accounts Payable", "CURRLIAB", "NONE", {"SystemAccount": "CREDITORS"}),
    ("820", "Sales Tax", "CURRLIAB", "NONE", {"SystemAccount": "GST"}),
    ("825", "Gift Cards", "CURRLIAB", "NONE", {"EnablePaymentsToAccount": True}),
    ("826", "Marketplace Tax", "CURRLIAB", "NONE", {}),
    ("860", "Rounding", "CURRLIAB", "NONE", {"SystemAccount": "ROUNDING"}),
    ("970", "Owner Equity", "EQUITY", "NONE", {}),
)
# tax type, name, rate, and to which classes of accounts it may not apply
TAXES = (
    ("NONE", "Tax Exempt", "0", ()),
    ("OUTPUT", "Tax on Sales", "8.25", ("EXPENSE",)),
    ("INPUT", "Tax on Purchases", "8.25", ("REVENUE",)),
    ("TAX001", "VAT 20%", "20", ("EXPENSE",)),
    ("TAX002", "Sales Tax 7.125%", "7.125", ("EXPENSE",)),
    ("ZERORATEDOUTPUT", "Zero Rated Income", "0", ("EXPENSE",)),
)
ORGANISATION = {
    "OrganisationID": TENANT,
    "Name": "Crossdock Demo Company (US)",
    "LegalName": "Crossdock Demo Company (US)",
    "Version": "US",
    "OrganisationType": "COMPANY",
    "BaseCurrency": "USD",
    "CountryCode": "US",
    "IsDemoCompany": True,
    "OrganisationStatus": "ACTIVE",
    "Timezone": "EASTERNSTANDARDTIME",
    "ShortCode": "!Cr0ss",
    "Class": "DEMO",
}
NUMBER, TEXT, OBJECT, LIST = (int, Decimal), (str,), (dict,), (list,)
LINE: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("Description", "AccountID", "AccountCode", "TaxType"), TEXT),
    **dict.fromkeys(("Quantity", "UnitAmount", "LineAmount", "TaxAmount"), NUMBER),
    "Tracking": LIST,
}
SALE: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("Type", "Date", "DueDate", "LineAmountTypes", "CurrencyCode", "Status", "Reference"), TEXT),
    "Contact": OBJECT,
    "LineItems": LIST,
    "CurrencyRate": NUMBER,
}
# what a document may hold and of which kind; what is not here is not in Xero's schema, or we have no use for it
SCHEMA: dict[str, dict[str, tuple[type, ...]]] = {
    "Invoices": {**SALE, "InvoiceNumber": TEXT, "InvoiceID": TEXT},
    "CreditNotes": {**SALE, "CreditNoteNumber": TEXT, "CreditNoteID": TEXT},
    "Payments": {
        **dict.fromkeys(("Invoice", "CreditNote", "Account"), OBJECT),
        **dict.fromkeys(("Date", "Reference", "Status"), TEXT),
        **dict.fromkeys(("Amount", "CurrencyRate"), NUMBER),
    },
    "Allocations": {"Invoice": OBJECT, "Amount": NUMBER, "Date": TEXT},
    "ManualJournals": {
        **dict.fromkeys(("Narration", "Date", "Status", "LineAmountTypes", "ManualJournalID"), TEXT),
        "JournalLines": LIST,
    },
    "BankTransfers": {
        **dict.fromkeys(("FromBankAccount", "ToBankAccount"), OBJECT),
        **dict.fromkeys(("Date", "Reference", "Status"), TEXT),
        "Amount": NUMBER,
    },
}
ENUMS = {
    "Invoices.Type": {"ACCREC", "ACCPAY"},
    "CreditNotes.Type": {"ACCRECCREDIT", "ACCPAYCREDIT"},
    "LineAmountTypes": {"Exclusive", "Inclusive", "NoTax"},
    "Invoices.Status": {"DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED", "DELETED"},
    "CreditNotes.Status": {"DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED", "DELETED"},
    "Payments.Status": {"AUTHORISED", "DELETED"},
    "ManualJournals.Status": {"DRAFT", "POSTED", "DELETED", "VOIDED"},
    "BankTransfers.Status": {"DELETED"},
}
IDS = {
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Payments": "PaymentID",
    "ManualJournals": "ManualJournalID",
    "BankTransfers": "BankTransferID",
}
PAID = {"ACCREC": "ACCRECPAYMENT", "ACCPAY": "ACCPAYPAYMENT", "ACCRECCREDIT": "ARCREDITPAYMENT", "ACCPAYCREDIT": "APCREDITPAYMENT"}
KINDS = {
    "ACCREC": "invoice",
    "ACCPAY": "bill",
    "ACCRECCREDIT": "credit",
    "ManualJournals": "journal",
    "BankTransfers": "transfer",
    "Allocations": "applied",
}


class Invalid(Exception):
    """A validation error, in Xero's words."""


class Unread(Exception):
    """The body is not what Xero's schema has."""


def opening() -> State:
    return {
        "organisation": dict(ORGANISATION),
        "currencies": ["USD", "EUR", "GBP", "CAD"],
        "accounts": [_account(number, *row) for number, row in enumerate(CHART, 1)],
        "taxes": [_tax(*row) for row in TAXES],
        "tracking": [_category(1, "Channel", ("Shopify", "Amazon", "eBay")), _category(2, "Region", ("East", "West"))],
        "contacts": {},
        "documents": {},
    }


def named(number: int, group: int = 0) -> str:
    """A UUID by counting."""
    return f"{number:08x}-{group:04x}-4000-8000-000000000000"


def _account(number: int, code: str, name: str, kind: str, tax: str, more: Body) -> dict[str, Any]:
    said = {"AccountID": named(number, 1), "Code": code, "Name": name, "Type": kind, "TaxType": tax, "Class": CLASSES[kind]}
    return {**said, "Status": "ACTIVE", "EnablePaymentsToAccount": False, **more}


def _tax(kind: str, name: str, rate: str, not_for: tuple[str, ...]) -> dict[str, Any]:
    applies = {field: sort not in not_for for sort, field in APPLIES.items()}
    return {"TaxType": kind, "Name": name, "Rate": rate, "Status": "ACTIVE", **applies}


def _category(number: int, name: str, options: tuple[str, ...]) -> dict[str, Any]:
    made = [{"TrackingOptionID": named(10 * number + turn, 3), "Name": one, "Status": "ACTIVE"} for turn, one in enumerate(options)]
    return {"TrackingCategoryID": named(number, 2), "Name": name, "Status": "ACTIVE", "Options": made}


# What is declined before anybody reckons


def schema(shelf: str, said: Any) -> Body:
    """Raises Unread for what Xero's schema does not have."""
    if not isinstance(said, dict):
        raise Unread(f"{shelf} holds objects")
    _fields(shelf, SCHEMA[shelf], said)
    for line in [*said.get("LineItems", ()), *said.get("JournalLines", ())]:
        _fields("lines", LINE, line)
    return said


def _fields(where: str, known: Mapping[str, tuple[type, ...]], said: Any) -> None:
    for name, value in said.items():
        if name not in known:
            raise Unread(f"{where} has no {name}")
        if isinstance(value, bool) or not isinstance(value, known[name]):
            raise Unread(f"{where}.{name} is of another kind")
        allowed = ENUMS.get(f"{where}.{name}") or ENUMS.get(name)
        if allowed and value not in allowed:
            raise Unread(f"{where}.{name}: {value} is not one of its values")


# Making


def make(state: State, shelf: str, said: Body, places: int) -> dict[str, Any]:
    """A document as it is kept. Raises Invalid."""
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "Payments": lambda: _payment(state, said),
        "ManualJournals": lambda: _journal(state, said),
        "BankTransfers": lambda: _transfer(state, said),
    }
    _open(state, _day(said))
    return makers[shelf]() if shelf in makers else _sale(state, shelf, said, places)


def _day(said: Body) -> date:
    try:
        return date.fromisoformat(said["Date"])
    except (KeyError, ValueError):
        raise Invalid("Please enter a valid date.") from None


def _open(state: State, on: date) -> None:
    for name, words in (("PeriodLockDate", "period"), ("EndOfYearLockDate", "end of year")):
        until = state["organisation"].get(name)
        if until and on <= date.fromisoformat(until):
            shown = f"{date.fromisoformat(until):%d-%b-%Y}"
            raise Invalid(f"The document date cannot be before the {words} lock date, currently set at {shown}")


def _sale(state: State, shelf: str, said: Body, places: int) -> dict[str, Any]:
    number_field = "InvoiceNumber" if shelf == "Invoices" else "CreditNoteNumber"
    _unique(state, shelf, said.get("Type"), said.get(number_field, ""))
    currency = said.get("CurrencyCode", state["organisation"]["BaseCurrency"])
    if currency not in state["currencies"]:
        raise Invalid(f"Organisation is not subscribed to currency {currency}")
    if shelf == "Invoices" and said.get("Status") == "AUTHORISED" and not said.get("DueDate"):
        raise Invalid("Due Date cannot be empty for an AUTHORISED invoice.")
    mode = said.get("LineAmountTypes", "Exclusive")
    lines = [_line(state, one, mode, places) for one in said.get("LineItems", ())]
    if not lines:
        raise Invalid("One or more line items must be specified")
    net, tax = _sum(lines, "LineAmount"), _sum(lines, "TaxAmount")
    whole = net + tax if mode == "Exclusive" else net
    if whole < 0:
        raise Invalid("The total of the document must not be below zero.")
    kept = {name: said.get(name) for name in ("Type", "Date", "DueDate", "Reference", "Status") if said.get(name)}
    sums = {"SubTotal": str(whole - tax), "TotalTax": str(tax), "Total": str(whole), "Paid": "0", "CurrencyRate": _rate(said)}
    more = {"LineAmountTypes": mode, "CurrencyCode": currency, "Contact": _contact(state, said), "Lines": lines}
    return {**kept, **sums, **more, "Number": said.get(number_field, "")}


def _rate(said: Body) -> str:
    return str(said.get("CurrencyRate", 1))


def _sum(lines: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(one[name]) for one in lines), Decimal())


def _unique(state: State, shelf: str, kind: Any, number: str) -> None:
    """Of bills a number may come twice."""
    held = {one["Number"].casefold() for one in state["documents"].values() if _holds(one, shelf, kind)}
    if number and number.casefold() in held:
        raise Invalid("Invoice # must be unique." if shelf == "Invoices" else "Credit Note # must be unique.")


def _holds(one: Body, shelf: str, kind: Any) -> bool:
    """Its number is not free again; a voided one keeps it."""
    return bool(one["shelf"] == shelf and one["Type"] == kind != "ACCPAY" and one["Status"] != "DELETED")


def _contact(state: State, said: Body) -> str:
    """Found by its name, or made."""
    name = " ".join(str((said.get("Contact") or {}).get("Name", "")).split())
    if not name or len(name) > 255:
        raise Invalid("A Contact must be specified for this type of transaction")
    for known in state["contacts"].values():
        if known["Name"].casefold() == name.casefold():
            if known["ContactStatus"] == "ARCHIVED":
                raise Invalid("The contact is archived. It must be restored before it can be used.")
            return str(known["ContactID"])
    made = named(len(state["contacts"]) + 1, 4)
    state["contacts"][made] = {"ContactID": made, "Name": name, "ContactStatus": "ACTIVE"}
    return made


def _line(state: State, said: Body, mode: str, places: int) -> dict[str, Any]:
    if not said.get("Description"):
        raise Invalid("Description must not be empty.")
    count, each = (
        Decimal(said.get("Quantity", 1)),
        Decimal(said.get("UnitAmount", 0)).quantize(FINE if places == 4 else CENT, ROUND_HALF_UP),
    )
    whole = (count * each).quantize(CENT, ROUND_HALF_UP)
    if "LineAmount" in said and Decimal(said["LineAmount"]) != whole:
        raise Invalid(f"The line total {said['LineAmount']} does not match the expected line total {whole}")
    account = account_of(state, said)
    if account["Type"] == "BANK" or account.get("SystemAccount") in ("DEBTORS", "CREDITORS"):
        raise Invalid(f"Account code '{account['Code']}' is not a valid code for this document.")
    kept = {"Description": said["Description"], "Quantity": str(count), "UnitAmount": str(each), "LineAmount": str(whole)}
    return {**kept, "AccountID": account["AccountID"], **_taxed(state, said, account, whole, mode), "Tracking": _tracked(state, said)}


def account_of(state: State, said: Body) -> dict[str, Any]:
    wanted = said.get("AccountID") or said.get("AccountCode") or said.get("Code")
    for one in state["accounts"]:
        if wanted in (one["AccountID"], one["Code"]):
            if one["Status"] != "ACTIVE":
                words = "has been archived or has been deleted. Each line item must reference a valid account."
                raise Invalid(f"Account code '{one['Code']}' {words}")
            return dict(one)
    raise Invalid("Account must be valid.")


def _taxed(state: State, said: Body, account: Body, whole: Decimal, mode: str) -> dict[str, str]:
    if mode == "NoTax":
        return {"TaxType": "NONE", "TaxAmount": "0.00"}
    kind = said.get("TaxType", account["TaxType"])
    code = next((one for one in state["taxes"] if one["TaxType"] == kind and one["Status"] == "ACTIVE"), None)
    if code is None:
        raise Invalid(f"The TaxType code '{kind}' does not exist or cannot be used for this type of transaction.")
    if not code[APPLIES[account["Class"]]]:
        raise Invalid(f"The TaxType code '{kind}' cannot be used with account code '{account['Code']}'.")
    tax = Decimal(said["TaxAmount"]) if "TaxAmount" in said else reckoned(whole, Decimal(code["Rate"]), mode)
    if abs(tax) > abs(whole):
        raise Invalid("The tax amount cannot be greater than the line amount!")
    if tax and not Decimal(code["Rate"]):
        raise Invalid(f"The tax amount must be 0.00 for the TaxType code '{kind}'.")
    return {"TaxType": kind, "TaxAmount": str(tax.quantize(CENT))}


def reckoned(whole: Decimal, rate: Decimal, mode: str) -> Decimal:
    """Line by line, half a cent up."""
    share = rate / (100 + rate) if mode == "Inclusive" else rate / 100
    return (whole * share).quantize(CENT, ROUND_HALF_UP)


def _tracked(state: State, said: Body) -> list[dict[str, str]]:
    marks = said.get("Tracking", [])
    if len(marks) > 2:
        raise Invalid("A maximum of 2 tracking categories may be applied to a line item")
    known = {
        (of["TrackingCategoryID"], one["TrackingOptionID"]): (of["Name"], one["Name"]) for of in state["tracking"] for one in of["Options"]
    }
    if any((one.get("TrackingCategoryID"), one.get("TrackingOptionID")) not in known for one in marks):
        raise Invalid("The tracking option could not be found.")
    return [dict(one) for one in marks]


def _payment(state: State, said: Body) -> dict[str, Any]:
    paid = state["documents"].get((said.get("Invoice") or {}).get("InvoiceID") or (said.get("CreditNote") or {}).get("CreditNoteID"))
    if paid is None or paid["shelf"] != ("Invoices" if "Invoice" in said else "CreditNotes"):
        raise Invalid("An existing invoice with the specified ID could not be found")
    if paid["Status"] != "AUTHORISED":
        raise Invalid("Invoice not of valid status for modification")
    account, amount = account_of(state, said.get("Account") or {}), Decimal(said["Amount"])
    if account["Type"] != "BANK" and not account["EnablePaymentsToAccount"]:
        raise Invalid(f"Account code '{account['Code']}' is not a valid code for payments.")
    if not 0 < amount <= Decimal(paid["Total"]) - Decimal(paid["Paid"]):
        raise Invalid("Payment amount exceeds the amount outstanding on this document")
    kept = {"Date": said["Date"], "Amount": str(amount.quantize(CENT)), "Number": said.get("Reference", ""), "Status": "AUTHORISED"}
    return {**kept, "of": paid["id"], "AccountID": account["AccountID"], "Type": PAID[paid["Type"]], "CurrencyRate": _rate(said)}


def settle(state: State, payment: Body, sign: int) -> None:
    """What a payment leaves of what it pays; of an allocation both sides."""
    for paid in (state["documents"][payment[side]] for side in ("of", "against") if side in payment):
        paid["Paid"] = str(Decimal(paid["Paid"]) + sign * Decimal(payment["Amount"]))
        paid["Status"] = "PAID" if Decimal(paid["Paid"]) == Decimal(paid["Total"]) else "AUTHORISED"


def allocate(state: State, credit: dict[str, Any], said: Body) -> dict[str, Any]:
    """A credit note against an invoice of the same contact: no more than either has open. Raises Invalid."""
    invoice = state["documents"].get((said.get("Invoice") or {}).get("InvoiceID"))
    if invoice is None or invoice["shelf"] != "Invoices":
        raise Invalid("An existing invoice with the specified ID could not be found")
    _fitting(credit, invoice)
    _open(state, _day(said))
    amount = Decimal(said["Amount"]).quantize(CENT)
    if not 0 < amount <= min(Decimal(one["Total"]) - Decimal(one["Paid"]) for one in (credit, invoice)):
        raise Invalid("The allocation exceeds the amount outstanding on the invoice or the credit note")
    kept = {"Date": said["Date"], "Amount": str(amount), "Number": "", "Status": "AUTHORISED", "Type": "Allocations"}
    return {**kept, "of": credit["id"], "against": invoice["id"], "currency": credit["currency"]}


def _fitting(credit: Body, invoice: Body) -> None:
    if {credit["Status"], invoice["Status"]} != {"AUTHORISED"}:
        raise Invalid("Document not of valid status for modification")
    if (invoice["Type"], invoice["CurrencyCode"]) != ("ACCREC", credit["CurrencyCode"]):
        raise Invalid("The invoice must be of the credit note's type and currency")
    if invoice["Contact"] != credit["Contact"]:
        raise Invalid("The contact of the invoice must be that of the credit note")


def _journal(state: State, said: Body) -> dict[str, Any]:
    if not said.get("Narration"):
        raise Invalid("Narration must be specified")
    mode = said.get("LineAmountTypes", "NoTax")
    lines = [_entry(state, one, mode) for one in said.get("JournalLines", ())]
    if len(lines) < 2:
        raise Invalid("A manual journal must have at least two lines")
    sums = [Decimal(one["LineAmount"]) + (Decimal(one["TaxAmount"]) if mode == "Exclusive" else 0) for one in lines]
    debit, credit = sum(one for one in sums if one > 0), sum(one for one in sums if one < 0)
    if debit + credit:
        raise Invalid(f"The total debits ({debit}) must equal total credits ({credit})")
    kept = {"Number": said["Narration"], "Date": said["Date"], "Status": said.get("Status", "DRAFT"), "LineAmountTypes": mode}
    return {**kept, "Type": "ManualJournals", "Lines": lines}


def _entry(state: State, said: Body, mode: str) -> dict[str, Any]:
    account, whole = account_of(state, said), Decimal(said["LineAmount"])
    if account["Type"] == "BANK":
        raise Invalid(f"Account code '{account['Code']}' is a bank account. Bank accounts cannot be used in manual journals.")
    if account.get("SystemAccount") in ("DEBTORS", "CREDITORS"):
        raise Invalid(f"Account code '{account['Code']}' is a system account and cannot be used in manual journals.")
    if whole != whole.quantize(CENT):
        raise Invalid("LineAmount must have two decimal places at most, the total does not match")
    kept = {"LineAmount": str(whole.quantize(CENT)), "AccountID": account["AccountID"], "Description": said.get("Description", "")}
    return {**kept, **_taxed(state, {"TaxType": "NONE", **said}, account, whole, mode), "Tracking": _tracked(state, said)}


def _transfer(state: State, said: Body) -> dict[str, Any]:
    ends = [account_of(state, said.get(name) or {}) for name in ("FromBankAccount", "ToBankAccount")]
    if any(one["Type"] != "BANK" for one in ends) or ends[0]["AccountID"] == ends[1]["AccountID"]:
        raise Invalid("A transfer must be between two different bank accounts.")
    if Decimal(said["Amount"]) <= 0:
        raise Invalid("The total of the transfer must be more than zero.")
    kept = {"Date": said["Date"], "Amount": str(Decimal(said["Amount"]).quantize(CENT)), "Number": said.get("Reference", "")}
    return {**kept, "Status": "AUTHORISED", "Type": "BankTransfers", "From": ends[0]["AccountID"], "To": ends[1]["AccountID"]}


def end(state: State, one: dict[str, Any], status: str) -> None:
    """Void or delete. Raises Invalid."""
    _open(state, date.fromisoformat(one["Date"]))
    if one["Status"] in OUT:
        raise Invalid("Document not of valid status for modification")
    if Decimal(one.get("Paid", "0")):
        raise Invalid("This document cannot be edited as it has a payment or credit note allocated to it.")
    one["Status"] = status
    if one["shelf"] in ("Payments", "Allocations"):
        settle(state, one, -1)


# Saying


def stamp(at: datetime) -> str:
    return f"/Date({int(at.timestamp() * 1000)}+0000)/"


def _date(text: str) -> str:
    return stamp(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))


def view(state: State, one: Body) -> dict[str, Any]:
    views = {"Payments": _payment_view, "ManualJournals": _journal_view, "BankTransfers": _transfer_view}
    said = views.get(one["shelf"], _sale_view)(state, one)
    at = datetime.fromisoformat(one["at"])
    time = {"CreatedDateUTC": stamp(at)} if one["shelf"] == "BankTransfers" else {"UpdatedDateUTC": stamp(at)}
    return {IDS[one["shelf"]]: one["id"], "Date": _date(one["Date"]), "Status": one["Status"], **time, **said}


def _sale_view(state: State, one: Body) -> dict[str, Any]:
    open_ = Decimal(one["Total"]) - Decimal(one["Paid"])
    bill = {"InvoiceNumber": one["Number"], "AmountDue": open_, "AmountPaid": Decimal(one["Paid"])}
    own = bill if one["shelf"] == "Invoices" else {"CreditNoteNumber": one["Number"], "RemainingCredit": open_}
    due = {"DueDate": _date(one["DueDate"])} if one.get("DueDate") else {"Allocations": _allocations(state, one)}
    sums = {name: Decimal(one[name]) for name in ("SubTotal", "TotalTax", "Total", "CurrencyRate")}
    contact = {name: state["contacts"][one["Contact"]][name] for name in ("ContactID", "Name", "ContactStatus")}
    kept = {name: one[name] for name in ("Type", "Reference", "LineAmountTypes", "CurrencyCode") if one.get(name)}
    lines = [
        {**_line_view(state, line), "Quantity": Decimal(line["Quantity"]), "UnitAmount": Decimal(line["UnitAmount"])}
        for line in one["Lines"]
    ]
    return {**kept, **own, **due, **sums, "Contact": contact, "LineItems": lines}


def _allocations(state: State, credit: Body) -> list[dict[str, Any]]:
    found = (one for one in state["documents"].values() if one["shelf"] == "Allocations" and one["of"] == credit["id"])
    return [allocation_view(state, one) for one in found if one["Status"] not in OUT]


def allocation_view(state: State, one: Body) -> dict[str, Any]:
    invoice = state["documents"][one["against"]]
    of = {"InvoiceID": invoice["id"], "InvoiceNumber": invoice["Number"]}
    return {"AllocationID": one["id"], "Amount": Decimal(one["Amount"]), "Date": _date(one["Date"]), "Invoice": of}


def _line_view(state: State, line: Body) -> dict[str, Any]:
    sums = {name: Decimal(line[name]) for name in ("LineAmount", "TaxAmount")}
    kept = {name: line[name] for name in ("Description", "TaxType", "AccountID", "Tracking")}
    return {**kept, **sums, "AccountCode": _code(state, line["AccountID"])}


def _code(state: State, account: str) -> str:
    return next((str(one["Code"]) for one in state["accounts"] if one["AccountID"] == account), "")


def _journal_view(state: State, one: Body) -> dict[str, Any]:
    lines = [{**_line_view(state, line), "IsBlank": False} for line in one["Lines"]]
    return {"Narration": one["Number"], "LineAmountTypes": one["LineAmountTypes"], "JournalLines": lines, "ShowOnCashBasisReports": True}


def _payment_view(state: State, one: Body) -> dict[str, Any]:
    """A credit note comes under the name of an invoice, as it does in Xero."""
    paid = state["documents"][one["of"]]
    of = {"InvoiceID": paid["id"], "InvoiceNumber": paid["Number"], "CurrencyCode": paid["CurrencyCode"], "Type": paid["Type"]}
    account = {"AccountID": one["AccountID"], "Code": _code(state, one["AccountID"])}
    sums = {"Amount": Decimal(one["Amount"]), "CurrencyRate": Decimal(one["CurrencyRate"])}
    return {**sums, "Invoice": of, "Account": account, "PaymentType": one["Type"], "Reference": one["Number"]}


def _transfer_view(state: State, one: Body) -> dict[str, Any]:
    ends = {f"{side}BankAccount": {"AccountID": one[side], "Code": _code(state, one[side])} for side in ("From", "To")}
    return {**ends, "Amount": Decimal(one["Amount"]), "Reference": one["Number"]}


def oracle(one: Body) -> dict[str, Any]:
    """What really stands in the books."""
    kind = KINDS.get(one["Type"]) or ("repayment" if one["Type"] == "ARCREDITPAYMENT" else "payment")
    number = one["Number"].partition(" ")[0] if kind == "journal" else one["Number"]
    said = {"id": one["id"], "kind": kind, "number": number, "key": one["key"], "on": one["Date"], "total": total(one)}
    lines = [{"account": line["AccountID"], "amount": line["LineAmount"], "tax_code": line["TaxType"]} for line in one.get("Lines", ())]
    return {**said, "currency": one["currency"], "gone": one["Status"] in OUT, "lines": lines}


def total(one: Body) -> str:
    if "Lines" not in one:
        return str(one["Amount"])
    debits = sum((amount for line in one["Lines"] if (amount := Decimal(line["LineAmount"])) > 0), Decimal())
    return str(one.get("Total") or debits.quantize(CENT))


# Searching: as much of Xero's language as a ledger needs

TERM = re.compile(r'(\w+)(?:==|(\.StartsWith\())"([^"]*)"\)?')


def fits(where: str, said: Body) -> bool:
    """Raises Unread for what is not understood."""
    for term in where.split(" AND ") if where else ():
        found = TERM.fullmatch(term.strip())
        if found is None:
            raise Unread(f"cannot read the filter {term}")
        value = str(said.get(found[1], ""))
        if not (value.startswith(found[3]) if found[2] else value == found[3]):
            return False
    return True
