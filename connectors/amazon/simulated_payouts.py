"""The simulator's settlement reports and Finances transactions, written from its bookings as Amazon writes them. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.amazon.simulated import SITES, stamp
from core.domain.money import Money

Json = dict[str, Any]

COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency", "transaction-type",
    "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description", "amount",
    "fulfillment-id", "posted-date", "posted-date-time", "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku",
    "quantity-purchased", "promotion-id",
)  # fmt: skip


class Locale(NamedTuple):
    """How a settlement in a currency is written ‡."""

    day: str
    zone: str
    hours: int
    point: str
    content_type: str
    charset: str


LOCALES = {
    "USD": Locale("%Y-%m-%d", "UTC", 0, ".", "Cp1252", "cp1252"),
    "GBP": Locale("%d.%m.%Y", "UTC", 0, ".", "UTF-8", "utf-8"),
    "EUR": Locale("%d.%m.%Y", "UTC", 0, ",", "Cp1252", "cp1252"),
    "JPY": Locale("%Y/%m/%d", "JST", 9, ".", "Windows-31J", "cp932"),
}


def content_type(currency: str) -> str:
    return f"text/tab-separated-values; charset={LOCALES[currency].content_type}"


def report(settlement: Json, booked: Iterable[Json]) -> bytes:
    """The flat file V2 of a settlement, each booking's lines together."""
    locale, currency = LOCALES[settlement["currency"]], settlement["currency"]
    dates = {"start": "began", "end": "ended"}
    head = {f"settlement-{name}-date": _time(settlement[key], locale) for name, key in dates.items()}
    head |= {"deposit-date": _time(settlement["deposit"], locale), "total-amount": _amount(settlement["minor"], currency, locale)}
    rows = [head | {"currency": currency}]
    rows += [_row(one, line, currency, locale) for one in booked for line in one["lines"]]
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join((row | {"settlement-id": settlement["id"]}).get(name, "") for name in COLUMNS) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode(locale.charset, "replace")


def _time(at: str, locale: Locale) -> str:
    local = datetime.fromisoformat(at) + timedelta(hours=locale.hours)
    return f"{local.strftime(f'{locale.day} %H:%M:%S')} {locale.zone}"


def _amount(minor: int, currency: str, locale: Locale) -> str:
    return Money(minor, currency).text().replace(".", locale.point)


def _row(one: Json, line: list[Any], currency: str, locale: Locale) -> dict[str, str]:
    kind, word, minor, sku, units, item = line
    at = _time(one["at"], locale)
    return {
        "transaction-type": one["kind"],
        "order-id": one["order"],
        "adjustment-id": one["refund"],
        "shipment-id": one["shipment"],
        "marketplace-name": SITES[one["site"]][0],
        "amount-type": kind,
        "amount-description": word,
        "amount": _amount(minor, currency, locale),
        "fulfillment-id": "MFN" if one["order"] else "",
        "posted-date": at.partition(" ")[0],
        "posted-date-time": at,
        "order-item-code": item,
        "sku": sku,
        "quantity-purchased": str(units) if units else "",
    }


# --- Finances 2024-06-19

TYPES = {"Order": "Shipment", "Refund": "Refund", "ServiceFee": "ProductAdsPayment"}
DESCRIBED = {"Order": "Order Payment", "Refund": "Refund Order"}
PATHS = {
    ("ItemPrice", "Principal"): ("ProductCharges", "OurPricePrincipal"),
    ("ItemPrice", "Tax"): ("Tax", "OurPriceTax"),
    ("ItemPrice", "Shipping"): ("Shipping", "ShippingPrincipal"),
    ("ItemPrice", "ShippingTax"): ("Tax", "ShippingTax"),
    ("ItemPrice", "GiftWrap"): ("Giftwrap", "GiftwrapPrincipal"),
    ("ItemPrice", "GiftWrapTax"): ("Tax", "GiftwrapTax"),
    ("ItemPrice", "DeliveryTip"): ("ProductCharges", "DeliveryTip"),
    ("Promotion", "Principal"): ("PromoRebates", "OurPriceDiscount"),
    ("Promotion", "Shipping"): ("PromoRebates", "ShippingDiscount"),
    ("ItemFees", "Commission"): ("AmazonFees", "Commission", "Base"),
    ("Cost of Advertising", "TransactionTotalAmount"): ("Expenses", "AdvertisingFee"),
    ("FBA Inventory Reimbursement", "WAREHOUSE_LOST"): ("Sales", "FBAInventoryReimbursement"),
    ("other-transaction", "Subscription Fee"): ("Expenses", "Subscription"),
    ("other-transaction", "Storage Fee"): ("Expenses", "FBAStorageFee"),
}
SERVICES = frozenset(["Subscription Fee", "Storage Fee"])


def transactions(booked: Iterable[Json], seller: str, now: datetime) -> list[Json]:
    """One for each booking; two for what was deferred and is free."""
    at = stamp(now)
    return [told for one in booked for told in _tellings(one, seller, at)]


def _tellings(one: Json, seller: str, at: str) -> list[Json]:
    if not one["free_at"]:
        return [_transaction(one, seller, "RELEASED")]
    if one["free_at"] > at:
        return [_transaction(one, seller, "DEFERRED")]
    ours, released = _transaction(one, seller, "DEFERRED_RELEASED"), _transaction(one, seller, "RELEASED")
    ours["relatedIdentifiers"].append(_related("RELEASE_TRANSACTION_ID", f"{one['id']}-R"))
    released["relatedIdentifiers"].append(_related("DEFERRED_TRANSACTION_ID", one["id"]))
    return [ours, released | {"transactionId": f"{one['id']}-R", "postedDate": one["free_at"]}]


def _related(name: str, value: str) -> Json:
    return {"relatedIdentifierName": name, "relatedIdentifierValue": value}


def _transaction(one: Json, seller: str, status: str) -> Json:
    ids = {"ORDER_ID": one["order"], "SHIPMENT_ID": one["shipment"], "REFUND_ID": one["refund"], "SETTLEMENT_ID": one["settlement"]}
    deferred = {"contexts": [{"contextType": "DeferredContext", "deferralReason": "B2B", "maturityDate": one["free_at"]}]}
    currency = one["currency"]
    return {
        "sellingPartnerMetadata": {"sellingPartnerId": seller, "accountType": "Standard Orders", "marketplaceId": one["site"]},
        "relatedIdentifiers": [_related(name, value) for name, value in ids.items() if value],
        "transactionType": _type(one),
        "transactionId": one["id"],
        "transactionStatus": status,
        "description": DESCRIBED.get(one["kind"], one["lines"][0][1] if one["lines"] else one["kind"]),
        "postedDate": one["at"],
        "totalAmount": money(sum(line[2] for line in one["lines"]), currency),
        "marketplaceDetails": {"marketplaceId": one["site"], "marketplaceName": SITES[one["site"]][0]},
        "items": _items(one, currency) if one["order"] else [],
        "breakdowns": _tree(one["lines"], currency),
    } | (deferred if one["free_at"] else {})


def _type(one: Json) -> str:
    services = one["lines"] and one["lines"][0][1] in SERVICES
    return "ServiceFee" if services else TYPES.get(one["kind"], "Adjustment")


def money(minor: int, currency: str) -> Json:
    return {"currencyCode": currency, "currencyAmount": Decimal(Money(minor, currency).text())}


def _items(one: Json, currency: str) -> list[Json]:
    ids = list(dict.fromkeys(line[5] for line in one["lines"]))
    return [_item([line for line in one["lines"] if line[5] == id_], currency) for id_ in ids]


def _item(lines: list[list[Any]], currency: str) -> Json:
    goods = {"contextType": "ProductContext", "sku": lines[0][3], "quantityShipped": lines[0][4]}
    return {
        "totalAmount": money(sum(line[2] for line in lines), currency),
        "breakdowns": _tree(lines, currency),
        "contexts": [goods] if lines[0][3] else [],
    }


def _tree(lines: Iterable[list[Any]], currency: str) -> list[Json]:
    """Breakdowns inside breakdowns; each amount is that of those inside it."""
    sums: dict[tuple[str, ...], int] = {}
    for kind, word, minor, *_ in lines:
        path = PATHS.get((kind, word)) or (
            {"ItemFees": "AmazonFees", "ItemWithheldTax": "Tax"}.get(kind, "Expenses"),
            word.replace(" ", ""),
        )
        for depth in range(1, len(path) + 1):
            sums[path[:depth]] = sums.get(path[:depth], 0) + minor
    return _beneath(sums, (), currency)


def _beneath(sums: dict[tuple[str, ...], int], above: tuple[str, ...], currency: str) -> list[Json]:
    return [
        {"breakdownType": path[-1], "breakdownAmount": money(minor, currency), "breakdowns": _beneath(sums, path, currency)}
        for path, minor in sums.items()
        if path[:-1] == above
    ]
