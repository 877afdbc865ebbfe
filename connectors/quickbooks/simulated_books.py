"""What the simulated company holds at its beginning, and which fields its objects have. Written by hand; invented throughout."""

from collections.abc import Mapping
from typing import Any

# id: (name, AccountType, number)
ACCOUNTS = {
    "1": ("Services", "Income", "4000"),
    "33": ("Accounts Payable (A/P)", "Accounts Payable", "2000"),
    "35": ("Checking", "Bank", "1000"),
    "36": ("Savings", "Bank", "1010"),
    "4": ("Undeposited Funds", "Other Current Asset", "1100"),
    "41": ("Corporate Card", "Credit Card", "2100"),
    "60": ("Channel clearing", "Other Current Asset", "1200"),
    "79": ("Sales of Product Income", "Income", "4100"),
    "80": ("Shipping Income", "Income", "4200"),
    "82": ("Discounts given", "Income", "4900"),
    "84": ("Accounts Receivable (A/R)", "Accounts Receivable", "1300"),
    "85": ("Marketplace fees", "Expense", "6100"),
    "86": ("Cost of Goods Sold", "Cost of Goods Sold", "5000"),
    "87": ("Retained Earnings", "Equity", "3000"),
    "90": ("Sales tax to pay", "Other Current Liability", "2200"),
    "91": ("Gift cards", "Other Current Liability", "2300"),
    "92": ("Van", "Fixed Asset", "1500"),
    "93": ("Exchange Gain or Loss", "Other Expense", "7000"),
}
# by country: home currency, [(id, name, [rate ids sold], [rate ids bought])], {rate: (name, percent)}
COUNTRIES: dict[str, tuple[str, list[tuple[str, str, list[str], list[str]]], dict[str, tuple[str, str]]]] = {
    "US": ("USD", [("TAX", "TAX", [], []), ("NON", "NON", [], [])], {}),
    "GB": (
        "GBP",
        [
            ("4", "20.0% S", ["5"], ["6"]),
            ("7", "5.0% R", ["8"], ["9"]),
            ("10", "0.0% Z", ["11"], ["12"]),
            ("13", "20.0% RC SG", ["14"], ["15", "16"]),
        ],
        {
            "5": ("VAT S 20", "20"),
            "6": ("VAT P 20", "20"),
            "8": ("VAT S 5", "5"),
            "9": ("VAT P 5", "5"),
            "11": ("VAT S 0", "0"),
            "12": ("VAT P 0", "0"),
            "14": ("RC S", "0"),
            "15": ("RC P", "20"),
            "16": ("RC P back", "-20"),
        },
    ),
    "CA": (
        "CAD",
        [("2", "GST/QST QC - 9.975", ["3", "4"], ["5", "6"]), ("7", "Zero-rated", ["8"], ["9"])],
        {
            "3": ("GST 5", "5"),
            "4": ("QST 9.975", "9.975"),
            "5": ("GST P 5", "5"),
            "6": ("QST P 9.975", "9.975"),
            "8": ("Zero", "0"),
            "9": ("Zero P", "0"),
        },
    ),
}
CURRENCIES = ("USD", "EUR", "GBP", "CAD")

_TRANSACTION = (
    "Id SyncToken sparse DocNumber TxnDate DepartmentRef CurrencyRef ExchangeRate PrivateNote Line TxnTaxDetail GlobalTaxCalculation"
)
_SALE = f"{_TRANSACTION} CustomerRef CustomerMemo ClassRef DueDate TotalAmt ApplyTaxAfterDiscount"
FIELDS: Mapping[str, frozenset[str]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "SalesReceipt": f"{_SALE} DepositToAccountRef PaymentMethodRef PaymentRefNum",
        "RefundReceipt": f"{_SALE} DepositToAccountRef PaymentMethodRef PaymentRefNum",
        "Invoice": f"{_SALE} SalesTermRef",
        "CreditMemo": _SALE,
        "Payment": "Id SyncToken sparse TxnDate CurrencyRef ExchangeRate PrivateNote Line CustomerRef TotalAmt DepositToAccountRef"
        " PaymentRefNum",
        "JournalEntry": f"{_TRANSACTION} Adjustment",
        "Bill": f"{_TRANSACTION} VendorRef APAccountRef DueDate SalesTermRef",
        "Transfer": "Id SyncToken sparse TxnDate CurrencyRef ExchangeRate PrivateNote FromAccountRef ToAccountRef Amount",
        "Item": "Id SyncToken sparse Name Type Description Active IncomeAccountRef Sku Taxable",
        "Customer": "Id SyncToken sparse DisplayName CompanyName Active CurrencyRef",
        "Vendor": "Id SyncToken sparse DisplayName CompanyName Active CurrencyRef",
        "Line": "Id LineNum Description Amount DetailType LinkedTxn SalesItemLineDetail JournalEntryLineDetail"
        " AccountBasedExpenseLineDetail TaxLineDetail",
        "SalesItemLineDetail": "ItemRef ClassRef Qty UnitPrice TaxCodeRef ServiceDate",
        "JournalEntryLineDetail": "PostingType AccountRef Entity ClassRef DepartmentRef TaxCodeRef TaxApplicableOn TaxAmount",
        "AccountBasedExpenseLineDetail": "AccountRef TaxCodeRef ClassRef CustomerRef BillableStatus TaxAmount",
        "TaxLineDetail": "TaxRateRef PercentBased TaxPercent NetAmountTaxable",
        "TxnTaxDetail": "TotalTax TaxLine TxnTaxCodeRef",
        "LinkedTxn": "TxnId TxnType",
        "Entity": "Type EntityRef",
        "Ref": "value name type",
    }.items()
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "SalesReceipt": ("Line",),
    "RefundReceipt": ("Line", "DepositToAccountRef"),
    "Invoice": ("Line", "CustomerRef"),
    "CreditMemo": ("Line", "CustomerRef"),
    "Payment": ("CustomerRef", "TotalAmt"),
    "JournalEntry": ("Line",),
    "Bill": ("Line", "VendorRef"),
    "Transfer": ("FromAccountRef", "ToAccountRef", "Amount"),
    "Item": ("Name", "Type", "IncomeAccountRef"),
    "Customer": ("DisplayName",),
    "Vendor": ("DisplayName",),
}
DETAILS: Mapping[str, str] = {
    "SalesReceipt": "SalesItemLineDetail",
    "RefundReceipt": "SalesItemLineDetail",
    "Invoice": "SalesItemLineDetail",
    "CreditMemo": "SalesItemLineDetail",
    "JournalEntry": "JournalEntryLineDetail",
    "Bill": "AccountBasedExpenseLineDetail",
}
NUMBERS = frozenset(
    ("Amount", "TotalAmt", "UnitPrice", "Qty", "TotalTax", "Balance", "ExchangeRate", "TaxPercent", "NetAmountTaxable", "TaxAmount",
     "RateValue")
)  # fmt: skip
LISTS = ("Account", "TaxCode", "TaxRate", "Class", "Department", "CompanyCurrency", "Item", "Customer", "Vendor")


def company(country: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What the books of such a company hold, by entity and id."""
    home, codes, rates = COUNTRIES[country]
    listed: dict[str, dict[str, dict[str, Any]]] = {
        "Account": {one: _account(one, *said, home) for one, said in ACCOUNTS.items()},
        "TaxCode": {one: _code(one, name, sold, bought) for one, name, sold, bought in codes},
        "TaxRate": {one: {"Id": one, "Name": name, "RateValue": percent, "Active": True} for one, (name, percent) in rates.items()},
        "Class": {
            one: {"Id": one, "Name": name, "FullyQualifiedName": name, "Active": True} for one, name in (("1", "Web"), ("2", "Market"))
        },
        "Department": {"1": {"Id": "1", "Name": "Main", "FullyQualifiedName": "Main", "Active": True}},
        "CompanyCurrency": {
            str(n): {"Id": str(n), "Code": code, "Name": code, "Active": True} for n, code in enumerate(CURRENCIES, 1) if code != home
        },
    }
    return {**{name: {} for name in LISTS}, **listed}


def _account(ident: str, name: str, kind: str, number: str, home: str) -> dict[str, Any]:
    said = {"Id": ident, "Name": name, "FullyQualifiedName": name, "AccountType": kind, "AcctNum": number, "Active": True, "SyncToken": "0"}
    return {**said, "CurrencyRef": {"value": home}, "SubAccount": False}


def _code(ident: str, name: str, sold: list[str], bought: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {"Id": ident, "Name": name, "Active": True, "Taxable": ident != "NON", "TaxGroup": bool(sold)}
    if not sold:
        return said
    lists = {"SalesTaxRateList": sold, "PurchaseTaxRateList": bought}
    details = {key: [{"TaxRateRef": {"value": one}, "TaxTypeApplicable": "TaxOnAmount"} for one in rates] for key, rates in lists.items()}
    return {**said, **{key: {"TaxRateDetail": rates} for key, rates in details.items()}}
