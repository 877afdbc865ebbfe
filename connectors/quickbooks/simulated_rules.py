"""What the simulated QuickBooks refuses, and how it puts that. Faults are those of developer.intuit.com, "Error codes" (read 2026-11)."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.quickbooks.simulated_books import DETAILS, FIELDS, NUMBERS, REQUIRED

Body = dict[str, Any]
CENT = Decimal("0.01")
INACTIVE = (
    "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or"
    " employees."
)
ACCOUNT_FIELDS = ("DepositToAccountRef", "FromAccountRef", "ToAccountRef", "IncomeAccountRef", "AccountRef", "APAccountRef")
LISTED = {
    **dict.fromkeys(ACCOUNT_FIELDS, "Account"),
    "CustomerRef": "Customer",
    "VendorRef": "Vendor",
    "ItemRef": "Item",
    "TaxCodeRef": "TaxCode",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "TaxRateRef": "TaxRate",
}
ELEMENT = {"Account": "Accounts", "Customer": "Names", "Vendor": "Names"}
MOST_OFF = Decimal("0.05")  # cents by which a tax may be set aside from what the rate gives, for each line


class Fault(Exception):
    """A refusal: its code, message, detail and the element that it names."""

    def __init__(self, code: str, message: str, detail: str = "", element: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.detail, self.element, self.status = code, message, detail, element, status


def number(said: Any) -> Decimal:
    """Raises Fault for what is no number."""
    if isinstance(said, bool) or not isinstance(said, int | str | Decimal):
        raise Fault("2010", "Request has invalid or unsupported property", "Property: an amount is a number")
    try:
        return Decimal(said)
    except ArithmeticError:
        raise Fault("2010", "Request has invalid or unsupported property", "Property: an amount is a number") from None


def fits(entity: str, body: Body) -> None:
    """The schema: only fields that there are, references that are references, numbers that are numbers."""
    _known(entity, body)
    for name in REQUIRED[entity]:
        if body.get(name) in (None, "", []):
            raise Fault(
                "2020",
                "Required param missing, need to supply the required value for the API",
                f"Required parameter {name} is missing",
                name,
            )
    if len(str(body.get("DocNumber", ""))) > 21 or len(str(body.get("PaymentRefNum", ""))) > 21:
        raise Fault("2050", "String length is either shorter or longer than supported by specification", "Min:0 Max:21", "DocNumber")
    if len(str(body.get("PrivateNote", ""))) > 4000 or len(str(body.get("DisplayName", ""))) > 100:
        raise Fault("2050", "String length is either shorter or longer than supported by specification", "", "PrivateNote")


def _known(shape: str, body: Any) -> None:
    if not isinstance(body, dict):
        raise Fault("2010", "Request has invalid or unsupported property", f"Property: {shape} is an object")
    for name, value in body.items():
        if name not in FIELDS[shape]:
            raise Fault(
                "2010", "Request has invalid or unsupported property", f"Property Name:{name} specified is unsupported or invalid", name
            )
        _inside(name, value)


def _inside(name: str, value: Any) -> None:
    if name.endswith("Ref"):
        _known("Ref", value)
        if not isinstance(value.get("value"), str):
            raise Fault("2010", "Request has invalid or unsupported property", f"Property Name:{name}.value is a text", name)
    elif name in ("Line", "TaxLine", "LinkedTxn"):
        for one in value if isinstance(value, list) else [None]:
            _known("LinkedTxn" if name == "LinkedTxn" else "Line", one)
    elif name in FIELDS:
        _known(name, value)
    elif name in NUMBERS:
        number(value)


def stored(body: Any) -> Any:
    """Plain JSON: numbers as text, in the fields that hold them."""
    match body:
        case dict():
            return {name: str(number(value)) if name in NUMBERS else stored(value) for name, value in body.items()}
        case list():
            return [stored(one) for one in body]
    return str(body) if isinstance(body, Decimal) else body


def told(body: Any) -> Any:
    """The way back."""
    match body:
        case dict():
            return {name: Decimal(value) if name in NUMBERS else told(value) for name, value in body.items()}
        case list():
            return [told(one) for one in body]
    return body


def refs(body: Any) -> Iterator[tuple[str, str]]:
    """Every reference in it: (field, id)."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        if isinstance(name, str) and name.endswith("Ref"):
            yield name, value["value"]
        elif isinstance(value, dict | list):
            yield from refs(value)


def refers(body: Body, listed: Mapping[str, Mapping[str, Body]]) -> None:
    """Everything that it names is there, and active."""
    for name, ident in refs(body):
        kind = LISTED.get(name)
        if kind is None:
            continue
        if ident not in listed[kind]:
            words = f"Invalid Reference Id : {ELEMENT.get(kind, kind)} element id {ident} not found"
            raise Fault("2500", "Invalid Reference Id", words, name)
        if not listed[kind][ident].get("Active", True):
            raise Fault("610", "Object Not Found", INACTIVE, name)
        if kind == "Item":
            refers({"IncomeAccountRef": listed[kind][ident]["IncomeAccountRef"]}, listed)


def business(message: str, element: str = "") -> Fault:
    return Fault(
        "6000", "A business validation error has occurred while processing your request", f"Business Validation Error: {message}", element
    )


def dated(body: Body, closed: str | None) -> None:
    try:
        date.fromisoformat(str(body.get("TxnDate")))
    except ValueError:
        raise Fault("2030", "Invalid Enumeration or date", "TxnDate", "TxnDate") from None
    if closed and body["TxnDate"] <= closed:
        words = "The account period has closed and the account books cannot be updated through the QBO Services API."
        raise Fault("6210", "Account Period Closed, Cannot Update Through Services API", words)


def adds_up(entity: str, body: Body) -> None:
    """Lines are of the document's kind; amount is quantity times price; a journal balances."""
    for line in body.get("Line", ()) if entity in DETAILS else ():
        if line.get("DetailType") != DETAILS[entity] or "Amount" not in line or DETAILS[entity] not in line:
            raise Fault(
                "2020",
                "Required param missing, need to supply the required value for the API",
                "Required parameter Line is missing",
                "Line",
            )
        detail = line[DETAILS[entity]]
        if "UnitPrice" in detail and number(detail["UnitPrice"]) * number(detail.get("Qty", 1)) != number(line["Amount"]):
            raise Fault(
                "6070", "Amount is not equal to UnitPrice * Qty", f"Amount is not equal to UnitPrice * Qty. Supplied value:{line['Amount']}"
            )
    if entity == "JournalEntry" and sum((side(line) for line in body["Line"]), Decimal(0)):
        raise business("Transaction is not in balance. Make sure that debits equal credits.")


def side(line: Body) -> Decimal:
    """A journal's amount: debit above zero, credit below."""
    amount = number(line["Amount"])
    return amount if line["JournalEntryLineDetail"].get("PostingType") == "Debit" else -amount


def stands_there(entity: str, body: Body, accounts: Mapping[str, Body]) -> None:
    """Accounts are of a kind that may stand where they do."""
    into = (body.get("DepositToAccountRef") or {}).get("value")
    if into and accounts[into]["AccountType"] not in ("Bank", "Other Current Asset"):
        raise business("Select a bank or other current asset account for this transaction.", "DepositToAccountRef")
    for line in body["Line"] if entity == "JournalEntry" else ():
        detail = line["JournalEntryLineDetail"]
        kind = accounts[detail["AccountRef"]["value"]]["AccountType"]
        wanted = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}.get(kind)
        if wanted and (detail.get("Entity") or {}).get("Type") != wanted:
            raise business(f"When you use {kind}, you must choose a {wanted.lower()} in the Name field.")


PAYABLE = ("Invoice", "CreditMemo")


def links(payment: Body) -> list[tuple[Body, Body]]:
    """Each line of a payment with what it names."""
    return [(line, link) for line in payment.get("Line", ()) for link in line.get("LinkedTxn", ())]


def is_credit_applied(entity: str, body: Body) -> bool:
    """A payment of nothing, with a credit memo."""
    return entity == "Payment" and any(link["TxnType"] == "CreditMemo" for _, link in links(body)) and not number(body["TotalAmt"])


def pays(row: Body, entity: str, amount: Decimal, customer: Body) -> None:
    """What a payment's line may say of an invoice or a credit memo."""
    name = {"Invoice": "invoice", "CreditMemo": "credit memo"}[entity]
    if row["CustomerRef"]["value"] != customer["value"]:
        raise business(f"The customer of the payment is not that of the {name}.")
    if amount > number(row["Balance"]):
        raise business(f"The amount is more than the {name} {'owes' if entity == 'Invoice' else 'has left'}.")


def currency(body: Body, home: str, keeps: frozenset[str], contact: Body | None) -> None:
    """A foreign currency is kept, and is the contact's."""
    said = (body.get("CurrencyRef") or {}).get("value", home)
    if said != home and said not in keeps:
        raise business(f"The currency {said} is not active in this company; multicurrency must be turned on.", "CurrencyRef")
    if contact is not None and (contact.get("CurrencyRef") or {}).get("value", home) != said:
        raise business("The currency of the transaction is invalid for the customer, vendor or account.", "CurrencyRef")


# ---- tax


def taxed(entity: str, body: Body, american: bool, rates: Mapping[str, Decimal], codes: Mapping[str, Body]) -> Decimal:
    """What the tax of a document comes to. Raises Fault where it is not what may be."""
    if entity not in DETAILS or entity == "JournalEntry":
        return Decimal(0)
    return _american(body) if american else _elsewhere(entity, body, rates, codes)


def _american(body: Body) -> Decimal:
    """What is said counts; else it is reckoned by address: here 8.25 percent of what is taxed."""
    if "GlobalTaxCalculation" in body:
        raise Fault(
            "2010", "Request has invalid or unsupported property", "GlobalTaxCalculation is not for this company", "GlobalTaxCalculation"
        )
    said = (body.get("TxnTaxDetail") or {}).get("TotalTax")
    base = sum((number(line["Amount"]) for line in body["Line"] if _code(line) == "TAX"), Decimal(0))
    return number(said) if said is not None else (base * Decimal("0.0825")).quantize(CENT)


def _code(line: Body) -> str:
    return str((line[line["DetailType"]].get("TaxCodeRef") or {}).get("value", ""))


def _elsewhere(entity: str, body: Body, rates: Mapping[str, Decimal], codes: Mapping[str, Body]) -> Decimal:
    """Each rate's tax of its lines; tax lines may set it aside by a few cents, and must sum to the total."""
    if body.get("GlobalTaxCalculation") == "NotApplicable":
        return Decimal(0)
    if not all(_code(line) for line in body["Line"]):
        raise business("Make sure all your transactions have a tax rate before you save.", "TaxCodeRef")
    listed = "PurchaseTaxRateList" if entity == "Bill" else "SalesTaxRateList"
    reckoned = _reckoned(body, listed, rates, codes)
    detail = body.get("TxnTaxDetail") or {}
    said = _said(detail, reckoned, len(body["Line"]))
    whole = sum(said.values(), Decimal(0))
    if "TotalTax" in detail and number(detail["TotalTax"]) != whole:
        raise business("The total tax is not the sum of its tax lines.", "TotalTax")
    return whole


def _reckoned(body: Body, listed: str, rates: Mapping[str, Decimal], codes: Mapping[str, Body]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in body["Line"]:
        for one in codes[_code(line)].get(listed, {}).get("TaxRateDetail", []):
            rate = one["TaxRateRef"]["value"]
            found[rate] = found.get(rate, Decimal(0)) + number(line["Amount"]) * rates[rate] / 100
    return {rate: amount.quantize(CENT) for rate, amount in found.items()}


def _said(detail: Body, reckoned: Mapping[str, Decimal], lines: int) -> dict[str, Decimal]:
    said = {one["TaxLineDetail"]["TaxRateRef"]["value"]: number(one["Amount"]) for one in detail.get("TaxLine", ())}
    if set(said) - set(reckoned) or any(abs(amount - reckoned[rate]) > MOST_OFF * lines for rate, amount in said.items()):
        raise business("The tax of a tax line is not what its rate gives.", "TaxLine")
    return {**reckoned, **said}
