"""Words of QuickBooks Online and what they mean to us. Pure."""

from types import MappingProxyType

from core.domain.ledgers import DocKind, Sort, Why

MINOR_VERSION = 75  # below it Intuit has ignored what is asked for since 2025-08-01

ENTITIES = MappingProxyType(
    {
        DocKind.RECEIPT: "SalesReceipt",
        DocKind.REFUND: "RefundReceipt",
        DocKind.INVOICE: "Invoice",
        DocKind.CREDIT: "CreditMemo",
        DocKind.APPLIED: "Payment",  # of nothing, whose lines name the invoice and the credit memo
        DocKind.PAYMENT: "Payment",
        DocKind.JOURNAL: "JournalEntry",
        DocKind.BILL: "Bill",
        DocKind.TRANSFER: "Transfer",
    }
)
KINDS = MappingProxyType({entity: kind for kind, entity in ENTITIES.items()})  # the last of an entity's kinds
NAMES = ("Item", "Customer", "Vendor")  # what is made beside, by its name
CALLS = (
    "token",
    "companyInfo",
    "preferences",
    "query",
    "changes",
    "read",
    *(f"create{entity}" for entity in (*KINDS, *NAMES)),
    *(f"void{entity}" for entity in KINDS),
)

# How a document is taken back. Two are voided by an update; what cannot be voided through the API is deleted (API reference, 2026-11).
DELETED = "operation=delete"
VOIDS = MappingProxyType(
    {"Invoice": "operation=void", "SalesReceipt": "operation=update&include=void", "Payment": "operation=update&include=void"}
)
# Payments and transfers have no DocNumber that can be asked for: they are looked for among those of their day.
BY_DAY = frozenset((DocKind.PAYMENT, DocKind.APPLIED, DocKind.TRANSFER))
PAGES = MappingProxyType({"Payment": "recvpayment", "JournalEntry": "journal"})  # the app's own page of a document, else the entity's name

SORTS = MappingProxyType(
    {
        "Bank": Sort.BANK,
        "Credit Card": Sort.CARD,
        "Accounts Receivable": Sort.RECEIVABLE,
        "Accounts Payable": Sort.PAYABLE,
        "Other Current Asset": Sort.ASSET,
        "Other Asset": Sort.FIXED,
        "Fixed Asset": Sort.FIXED,
        "Other Current Liability": Sort.LIABILITY,
        "Long Term Liability": Sort.LIABILITY,
        "Equity": Sort.EQUITY,
        "Income": Sort.INCOME,
        "Other Income": Sort.INCOME,
        "Cost of Goods Sold": Sort.COST,
        "Expense": Sort.EXPENSE,
        "Other Expense": Sort.EXPENSE,
    }
)
PAID_INTO = frozenset(("Bank", "Other Current Asset"))  # DepositToAccountRef takes no other

CLASS, LOCATION = "class", "department"  # the dimensions of our tags
TAXED, UNTAXED = "TAX", "NON"  # the two codes that lines have in the United States

THROTTLED = frozenset(("3001", "003001"))
NOT_FOUND = "610"
TAKEN_NAME = "6240"
SHUT_OUT = frozenset(("3100", "003100", "3200", "003200"))  # of a 403: the company no longer lets our app in
REASONS = MappingProxyType(
    {
        "6140": Why.DUPLICATE,
        "6240": Why.CONTACT,
        "5010": Why.STALE,
        "6200": Why.CLOSED,
        "6210": Why.CLOSED,
        "610": Why.ACCOUNT,  # "Something you're trying to use has been made inactive": names all sorts; the rest of them we look up before
        "6190": Why.PLAN,  # the company's subscription has ended
        "5030": Why.PLAN,  # a feature that this plan has not
    }
)
# What the words of other faults (2500, 6000, ...) are about; the first that is found.
WORDS = (
    ("amount is more than the", Why.PAID),
    ("period", Why.CLOSED),
    ("closed", Why.CLOSED),
    ("closing date", Why.CLOSED),
    ("balance", Why.UNBALANCED),
    ("debits", Why.UNBALANCED),
    ("currenc", Why.CURRENCY),
    ("tax", Why.TAX),
    ("vat", Why.TAX),
    ("gst", Why.TAX),
    ("subscription", Why.PLAN),
    ("class", Why.PLAN),
    ("department", Why.PLAN),
    ("location", Why.PLAN),
    ("account", Why.ACCOUNT),
    ("customer", Why.CONTACT),
    ("vendor", Why.CONTACT),
    ("names element", Why.CONTACT),
)


def why(code: str, words: str) -> Why:
    """What a fault means: by its code, else by its words."""
    low = words.lower()
    return REASONS.get(code) or next((reason for word, reason in WORDS if word in low), Why.OTHER)
