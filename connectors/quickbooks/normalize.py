"""What QuickBooks tells, in our words. Pure. Raises BadPayload where a field that we rely on is missing or unreadable."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeVar

from connectors.http import ident
from connectors.quickbooks.tables import KINDS, PAGES, PAID_INTO, SORTS, TAXED, UNTAXED
from core.domain.ledgers import Books, LedgerAccount, Posted, Sort, Tag, TaxCode
from core.domain.money import Money, total
from core.errors import BadPayload

Body = Mapping[str, Any]
T = TypeVar("T")


def read(what: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
        raise BadPayload(f"quickbooks {what}: {type(error).__name__}: {str(error)[:60]}") from None


def text(value: Any) -> str:
    """An id or a name, which must be there."""
    found = ident(value)
    if not found:
        raise ValueError("empty")
    return found


def ref(body: Body, name: str) -> str:
    """The id in {name: {value}}; "" where there is none."""
    return ident((body.get(name) or {}).get("value")) or ""


def number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError("a number is missing")
    return Decimal(value)


# ---- the books


def books(company: Body, preferences: Body, currencies: Iterable[Body], realm: str) -> Books:
    return read("company", lambda: _books(company, preferences, currencies, realm))


def _books(company: Body, preferences: Body, currencies: Iterable[Body], realm: str) -> Books:
    accounting, tax = preferences.get("AccountingInfoPrefs") or {}, preferences.get("TaxPrefs") or {}
    closed, own = accounting.get("BookCloseDate"), home(preferences)
    others = sorted({text(one["Code"]) for one in currencies if one.get("Active", True)} - {own})
    return Books(
        id=realm,
        name=text(company["CompanyName"]),
        country=text(company["Country"]),
        currencies=(own, *others),
        zone=str(company.get("DefaultTimeZone") or ""),
        closed_until=date.fromisoformat(closed[:10]) if closed else None,
        taxes_itself=bool(tax.get("PartnerTaxEnabled")),
        tags=tracks_classes(preferences) or tracks_locations(preferences),
    )


def home(preferences: Body) -> str:
    return read("preferences", lambda: text(preferences["CurrencyPrefs"]["HomeCurrency"]["value"]))


def multicurrency(preferences: Body) -> bool:
    return bool((preferences.get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled"))


def tracks_classes(preferences: Body) -> bool:
    return bool((preferences.get("AccountingInfoPrefs") or {}).get("ClassTrackingPerTxnLine"))


def tracks_locations(preferences: Body) -> bool:
    return bool((preferences.get("AccountingInfoPrefs") or {}).get("TrackDepartments"))


def account(body: Body) -> LedgerAccount:
    return read("account", lambda: _account(body))


def _account(body: Body) -> LedgerAccount:
    kind = text(body["AccountType"])
    return LedgerAccount(
        id=text(body["Id"]),
        code=str(body.get("AcctNum") or ""),
        name=str(body.get("FullyQualifiedName") or text(body["Name"])),
        sort=SORTS.get(kind, Sort.UNKNOWN),
        currency=ref(body, "CurrencyRef"),
        active=body.get("Active") is not False,
        pays=kind in PAID_INTO,
        tax=ref(body, "TaxCodeRef"),
    )


def tag(body: Body, of: str, of_name: str) -> Tag:
    return read("tag", lambda: Tag(of, of_name, text(body["Id"]), str(body.get("FullyQualifiedName") or text(body["Name"]))))


# ---- tax


def tax_code(body: Body, rates: Mapping[str, Decimal], country: str) -> TaxCode:
    return read("tax code", lambda: _tax_code(body, rates, country))


def _tax_code(body: Body, rates: Mapping[str, Decimal], country: str) -> TaxCode:
    """TAX and NON of the United States name no rates: of the first the ledger reckons them, the second has none."""
    sold, bought = rate_ids(body, "SalesTaxRateList"), rate_ids(body, "PurchaseTaxRateList")
    known = [rates.get(one) for one in sold or bought]
    whole = None if None in known or not known else sum((one for one in known if one is not None), Decimal(0))
    plain = not sold and not bought and body["Id"] in (TAXED, UNTAXED)
    return TaxCode(
        id=text(body["Id"]),
        name=text(body["Name"]),
        rate=Decimal(0) if body["Id"] == UNTAXED else whole,
        sales=plain or bool(sold),
        purchases=plain or bool(bought),
        active=body.get("Active") is not False,
        country=country,
        reverse=any((rates.get(one) or Decimal(0)) < 0 for one in bought),
    )


def rate_ids(body: Body, name: str) -> list[str]:
    details = (body.get(name) or {}).get("TaxRateDetail") or []
    return [text(one["TaxRateRef"]["value"]) for one in details]


def rate(body: Body) -> tuple[str, Decimal | None]:
    """(id, percent) of a tax rate."""
    return read("tax rate", lambda: (text(body["Id"]), None if body.get("RateValue") is None else number(body["RateValue"])))


# ---- documents


def posted(entity: str, body: Body, own: str, app_url: str) -> Posted:
    """`own` is the currency of the books, which documents name only where there are others."""
    return read(entity, lambda: _posted(entity, body, own, app_url))


def _posted(entity: str, body: Body, own: str, app_url: str) -> Posted:
    if body.get("status") == "Deleted":  # change data capture tells nothing else of it
        return absent(text(body["Id"]), own)
    currency, found = ref(body, "CurrencyRef") or own, text(body["Id"])
    return Posted(
        id=found,
        number=number_of(entity, body),
        version=text(body["SyncToken"]),
        total=_total(entity, body, currency),
        tax=tax_of(body, currency),
        shape=shape(entity, body),
        gone=voided(entity, body),
        link=f"{app_url}/{PAGES.get(entity, entity.lower())}?txnId={found}",
    )


def absent(found: str, own: str) -> Posted:
    """A document that is not there any more."""
    return Posted(found, "", "", Money.zero(own), Money.zero(own), "", gone=True)


def number_of(entity: str, body: Body) -> str:
    """Our number: payments bring it as their reference, transfers in the words of their note."""
    match entity:
        case "Payment":
            return str(body.get("PaymentRefNum") or "")
        case "Transfer":
            return note(body).partition(": ")[0]
    return str(body.get("DocNumber") or "")


def note(body: Body) -> str:
    return str(body.get("PrivateNote") or "")


def _total(entity: str, body: Body, currency: str) -> Money:
    if entity == "JournalEntry":
        lines = [one for one in _lines(body) if one["JournalEntryLineDetail"]["PostingType"] == "Debit"]
        return total((_money(one["Amount"], currency) for one in lines), currency)
    whole = _money(body["Amount" if entity == "Transfer" else "TotalAmt"], currency)
    return whole if whole or entity != "Payment" else _credited(body, currency)


def _credited(body: Body, currency: str) -> Money:
    """What a payment of nothing sets of credit memos against invoices."""
    lines = [line for line in _lines(body) for one in line.get("LinkedTxn") or () if one.get("TxnType") == "CreditMemo"]
    return total((_money(line["Amount"], currency) for line in lines), currency)


def tax_of(body: Body, currency: str) -> Money:
    said = (body.get("TxnTaxDetail") or {}).get("TotalTax")
    return Money.zero(currency) if said is None else _money(said, currency)


def _money(said: Any, currency: str) -> Money:
    return Money.parse(number(said), currency)


def voided(entity: str, body: Body) -> bool:
    """QuickBooks has no word for it: a voided document comes to nothing, and its note begins so (seen in its own answers)."""
    came_to = body.get("Amount" if entity == "Transfer" else "TotalAmt")
    return note(body).startswith("Voided") and (entity == "JournalEntry" or not number(came_to if came_to is not None else 0))


def _lines(body: Body) -> Sequence[Body]:
    """Lines that say something; sums are ours to make."""
    return [one for one in body.get("Line") or () if one.get("DetailType") != "SubTotalLineDetail"]


def shape(entity: str, body: Body) -> str:
    """A digest of the day, the contact, the accounts, the amounts and the tax codes; not of what payments, mails or prints change."""
    refs = ("CustomerRef", "VendorRef", "DepositToAccountRef", "FromAccountRef", "ToAccountRef", "CurrencyRef", "DepartmentRef")
    whole = [
        entity,
        str(body.get("TxnDate") or "")[:10],
        [ref(body, name) for name in refs],
        [_plain(body.get(name)) for name in ("TotalAmt", "Amount")],
        _plain((body.get("TxnTaxDetail") or {}).get("TotalTax") or 0),
        [_line_shape(one) for one in _lines(body)],
    ]
    return sha256(json.dumps(whole, separators=(",", ":")).encode()).hexdigest()


def _line_shape(line: Body) -> list[Any]:
    detail = line.get(str(line.get("DetailType"))) or {}
    refs = [ref(detail, name) for name in ("ItemRef", "AccountRef", "TaxCodeRef", "ClassRef")]
    linked = [ident(one.get("TxnId")) for one in line.get("LinkedTxn") or ()]
    return [_plain(line.get("Amount")), detail.get("PostingType") or "", refs, linked]


def _plain(said: Any) -> str:
    """An amount however it is written: 35, 35.0 and "35.00" are one."""
    return "" if said is None else f"{number(said).normalize():f}"


def captured(said: Body) -> list[tuple[str, Body]]:
    """The objects of a change data capture, with the names of their entities."""
    return read("changes", lambda: _captured(said))


def _captured(said: Body) -> list[tuple[str, Body]]:
    answers = [part for answer in said["CDCResponse"] for part in answer["QueryResponse"]]
    return [(entity, one) for part in answers for entity in KINDS if entity in part for one in part[entity]]
